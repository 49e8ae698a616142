/* The board as the host sees it: requests in, replies, heartbeats and samples out. */
#ifndef GN_DEVICE_H
#define GN_DEVICE_H

#include <stdint.h>

#include "frame.h"
#include "protocol.h"
#include "sampler.h"

#define GN_FIRMWARE_VERSION 0x000100u /* 0.1.0 */

#define GN_SEND_PAYLOAD_MAX (GN_SAMPLES_BYTES_MIN + 2 * GN_SAMPLES_PER_FRAME_MAX)

struct gn_device {
    struct gn_receiver receiver;
    struct gn_sampler sampler;
    /* One frame on its way out; the next one is made when the line has taken it. */
    uint8_t wire[GN_WIRE_BYTES_MAX(GN_SEND_PAYLOAD_MAX)];
    uint16_t wire_bytes;
    uint16_t wire_sent;
    uint8_t event_sequence;
    uint32_t frames_sent;
    uint64_t next_beat_micros;
};

/* One turn of the main loop: bounded work, no waiting. Call it again and again. */
void gn_device_poll(struct gn_device *device);

/* The payload and its type are in `body` from its third and first byte on. */
void gn_device_send(struct gn_device *device, uint8_t *body, uint16_t payload_bytes);

#endif
