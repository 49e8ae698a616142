/* Takes samples at the commanded rate in the commanded slots. */
#ifndef GN_SAMPLER_H
#define GN_SAMPLER_H

#include <stdint.h>

#include "board.h"
#include "protocol.h"
#include "ring.h"

#define GN_SAMPLES_PER_FRAME_MAX 120

struct gn_channel {
    uint32_t rate_milli_hz; /* 0: not configured */
    uint8_t samples_per_frame;
    uint32_t next_index;
};

struct gn_sampler {
    struct gn_ring ring;
    struct gn_channel channels[GN_CHANNELS_MAX];
    uint8_t is_running;
    uint64_t start_micros;
    uint32_t slot_micros;
    uint16_t slot_count;
    uint8_t slots[GN_SLOTS_MAX / 8];
    uint32_t taken;
    uint32_t dropped;
};

/* When sample `index` of a channel is due. */
uint64_t gn_sample_micros(const struct gn_sampler *sampler, uint8_t channel, uint32_t index);

/* Takes what is due, at most `samples_max`; what is later than a second is given up and counted. */
void gn_sampler_poll(struct gn_sampler *sampler, uint64_t now, int samples_max);

#endif
