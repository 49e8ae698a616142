#include "frame.h"

#include "bytes.h"
#include "crc16.h"

static int take(struct gn_receiver *receiver, struct gn_frame *frame)
{
    int count = gn_cobs_decode(receiver->pending, receiver->pending_bytes);
    receiver->pending_bytes = 0;
    if (count < 0) {
        receiver->stuffing_errors++;
        return 0;
    }
    if (count < GN_FRAME_OVERHEAD) {
        receiver->truncated++;
        return 0;
    }
    size_t covered = (size_t)count - 2;
    if (gn_crc16(receiver->pending, covered) != gn_get_u16(receiver->pending + covered)) {
        receiver->checksum_errors++;
        return 0;
    }
    receiver->frames++;
    frame->type = receiver->pending[0];
    frame->sequence = receiver->pending[1];
    frame->payload = receiver->pending + 2;
    frame->payload_bytes = covered - 2;
    return 1;
}

int gn_receive(struct gn_receiver *receiver, uint8_t byte, struct gn_frame *frame)
{
    if (byte == 0) {
        int was_skipping = receiver->is_skipping;
        receiver->is_skipping = 0;
        /* Zeros may stand in a row: a sender that starts with one ends the noise before it. */
        if (was_skipping || receiver->pending_bytes == 0)
            return 0;
        return take(receiver, frame);
    }
    if (receiver->is_skipping)
        return 0;
    if (receiver->pending_bytes == sizeof receiver->pending) {
        receiver->overruns++;
        receiver->is_skipping = 1;
        receiver->pending_bytes = 0;
        return 0;
    }
    receiver->pending[receiver->pending_bytes++] = byte;
    return 0;
}

size_t gn_frame_encode(uint8_t *body, size_t payload_bytes, uint8_t *wire)
{
    size_t covered = payload_bytes + 2;
    gn_put_u16(body + covered, gn_crc16(body, covered));
    size_t stuffed = gn_cobs_encode(body, covered + 2, wire);
    wire[stuffed] = 0;
    return stuffed + 1;
}
