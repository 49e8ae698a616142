#include "sampler.h"

#define LATE_MICROS_MAX 1000000u

static uint64_t micros_after_start(const struct gn_channel *channel, uint32_t index)
{
    return (uint64_t)index * 1000000000u / channel->rate_milli_hz;
}

uint64_t gn_sample_micros(const struct gn_sampler *sampler, uint8_t channel, uint32_t index)
{
    return sampler->start_micros + micros_after_start(&sampler->channels[channel], index);
}

/* Whether the next sample lies in a slot to sample in; -1 after the last one. */
static int is_wanted(const struct gn_sampler *sampler, const struct gn_channel *channel)
{
    uint64_t after_start = micros_after_start(channel, channel->next_index);
    /* After 49 days at 1 kHz the host starts anew: an index is never used twice. */
    if (channel->next_index == UINT32_MAX)
        return -1;
    if (sampler->slot_micros == 0)
        return 1;
    uint64_t slot = after_start / sampler->slot_micros;
    if (slot >= sampler->slot_count)
        return -1;
    return (sampler->slots[slot / 8] >> (slot % 8)) & 1;
}

/* Skips what can no longer be taken in time, however long nobody polled. */
static void give_up_late(struct gn_sampler *sampler, struct gn_channel *channel, uint64_t elapsed)
{
    if (elapsed < LATE_MICROS_MAX)
        return;
    uint64_t oldest = (elapsed - LATE_MICROS_MAX) / 1000u * channel->rate_milli_hz / 1000000u;
    if (oldest > UINT32_MAX)
        oldest = UINT32_MAX;
    if (oldest > channel->next_index) {
        sampler->dropped += (uint32_t)oldest - channel->next_index;
        channel->next_index = (uint32_t)oldest;
    }
}

static void take_one(struct gn_sampler *sampler, uint8_t number)
{
    struct gn_channel *channel = &sampler->channels[number];
    uint64_t due = gn_sample_micros(sampler, number, channel->next_index);
    struct gn_sample sample = {channel->next_index, gn_board_sample(number, due), number};
    sampler->taken++;
    if (!gn_ring_push(&sampler->ring, sample))
        sampler->dropped++;
}

void gn_sampler_poll(struct gn_sampler *sampler, uint64_t now, int samples_max)
{
    if (!sampler->is_running || now < sampler->start_micros)
        return;
    uint64_t elapsed = now - sampler->start_micros;
    uint8_t is_over = 1;
    for (uint8_t number = 0; number < gn_board()->channels; number++) {
        struct gn_channel *channel = &sampler->channels[number];
        if (channel->rate_milli_hz == 0)
            continue;
        give_up_late(sampler, channel, elapsed);
        int wanted = is_wanted(sampler, channel);
        while (wanted >= 0 && samples_max > 0 &&
               micros_after_start(channel, channel->next_index) <= elapsed) {
            samples_max--;
            if (wanted == 1)
                take_one(sampler, number);
            channel->next_index++;
            wanted = is_wanted(sampler, channel);
        }
        if (wanted >= 0)
            is_over = 0;
    }
    if (is_over)
        sampler->is_running = 0;
}
