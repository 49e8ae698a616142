#include "device.h"

#include "board.h"
#include "bytes.h"
#include "requests.h"

/* Of one turn: at 921,600 baud 64 bytes take 0.7 ms. */
#define READ_BYTES_MAX 64
#define SAMPLES_MAX 32
#define BEAT_MICROS 500000u

void gn_device_send(struct gn_device *device, uint8_t *body, uint16_t payload_bytes)
{
    device->wire_bytes = (uint16_t)gn_frame_encode(body, payload_bytes, device->wire);
    device->wire_sent = 0;
    device->frames_sent++;
}

static int is_line_free(const struct gn_device *device)
{
    return device->wire_sent == device->wire_bytes;
}

static void push_out(struct gn_device *device)
{
    if (is_line_free(device))
        return;
    size_t left = (size_t)(device->wire_bytes - device->wire_sent);
    device->wire_sent =
        (uint16_t)(device->wire_sent + gn_board_write(device->wire + device->wire_sent, left));
}

/* A request is read only when its reply can be sent at once: the host waits, nothing is lost. */
static void receive(struct gn_device *device)
{
    for (int i = 0; i < READ_BYTES_MAX && is_line_free(device); i++) {
        uint8_t byte;
        struct gn_frame request;
        if (gn_board_read(&byte, 1) == 0)
            return;
        if (gn_receive(&device->receiver, byte, &request))
            gn_answer(device, &request, gn_board_micros());
    }
}

static void beat(struct gn_device *device, uint64_t now)
{
    uint8_t body[GN_FRAME_OVERHEAD + GN_HEARTBEAT_BYTES];
    uint8_t *at = body;
    if (now < device->next_beat_micros || !is_line_free(device))
        return;
    device->next_beat_micros = now + BEAT_MICROS;
    *at++ = GN_HEARTBEAT;
    *at++ = device->event_sequence++;
    at = gn_put_u32(at, (uint32_t)(now / 1000));
    *at++ = device->sampler.is_running;
    gn_put_u32(at, device->sampler.dropped);
    gn_device_send(device, body, GN_HEARTBEAT_BYTES);
}

/* Samples of one channel whose indices follow each other, at most a frame of them. */
static uint16_t run_length(const struct gn_ring *ring, uint8_t samples_per_frame)
{
    const struct gn_sample *first = gn_ring_at(ring, 0);
    uint16_t length = 1;
    while (length < ring->count && length < samples_per_frame) {
        const struct gn_sample *next = gn_ring_at(ring, length);
        if (next->channel != first->channel || next->index != first->index + length)
            break;
        length++;
    }
    return length;
}

static void send_samples(struct gn_device *device)
{
    struct gn_sampler *sampler = &device->sampler;
    struct gn_ring *ring = &sampler->ring;
    if (ring->count == 0 || !is_line_free(device))
        return;
    const struct gn_sample *first = gn_ring_at(ring, 0);
    uint8_t number = first->channel;
    const struct gn_channel *channel = &sampler->channels[number];
    uint16_t length = run_length(ring, channel->samples_per_frame);
    /* A frame that is not full waits for more while more come, unless another run has begun. */
    int is_full = length == channel->samples_per_frame || length < ring->count;
    if (!is_full && sampler->is_running)
        return;
    uint8_t body[GN_FRAME_OVERHEAD + GN_SEND_PAYLOAD_MAX];
    uint8_t *at = body;
    *at++ = GN_SAMPLES;
    *at++ = device->event_sequence++;
    at = gn_put_u32(at, first->index);
    at = gn_put_u64(at, gn_sample_micros(sampler, number, first->index));
    at = gn_put_u32(at, 1000000000u / channel->rate_milli_hz);
    *at++ = number;
    for (uint16_t i = 0; i < length; i++)
        at = gn_put_u16(at, (uint16_t)gn_ring_at(ring, i)->value);
    gn_ring_drop(ring, length);
    gn_device_send(device, body, (uint16_t)(at - body - 2));
}

void gn_device_poll(struct gn_device *device)
{
    uint64_t now = gn_board_micros();
    gn_sampler_poll(&device->sampler, now, SAMPLES_MAX);
    push_out(device);
    receive(device);
    beat(device, now);
    send_samples(device);
    push_out(device);
    /* Every part above had its turn: a loop that hangs in one of them is reset. */
    gn_board_feed_watchdog();
}
