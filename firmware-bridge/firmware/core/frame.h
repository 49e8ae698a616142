/*
 * Frames on the line, see docs/reference/firmware-protocol.md:
 *
 *   type, sequence, payload, CRC-16, stuffed, and a zero at the end.
 */
#ifndef GN_FRAME_H
#define GN_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "cobs.h"

#define GN_FRAME_OVERHEAD 4

/* The longest request has 78 bytes: a board needs no room for the longest payload there is. */
#define GN_RECEIVE_PAYLOAD_MAX 96

struct gn_frame {
    uint8_t type;
    uint8_t sequence;
    const uint8_t *payload;
    size_t payload_bytes;
};

struct gn_receiver {
    uint8_t pending[GN_COBS_BYTES_MAX(GN_RECEIVE_PAYLOAD_MAX + GN_FRAME_OVERHEAD)];
    size_t pending_bytes;
    uint8_t is_skipping;
    uint32_t frames;
    uint32_t checksum_errors;
    uint32_t stuffing_errors;
    uint32_t truncated;
    uint32_t overruns;
};

/* Returns 1 when this byte ended a sound frame, which is in `frame` until the next call. */
int gn_receive(struct gn_receiver *receiver, uint8_t byte, struct gn_frame *frame);

/* Bytes that a frame takes on the line at most. */
#define GN_WIRE_BYTES_MAX(payload) (GN_COBS_BYTES_MAX((payload) + GN_FRAME_OVERHEAD) + 1)

/*
 * `body` holds type, sequence and payload, and room for the checksum behind them; `wire` holds
 * GN_WIRE_BYTES_MAX of the payload. Returns the bytes for the line.
 */
size_t gn_frame_encode(uint8_t *body, size_t payload_bytes, uint8_t *wire);

#endif
