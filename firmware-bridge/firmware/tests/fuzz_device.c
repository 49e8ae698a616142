/*
 * Fuzz target with the face of libFuzzer: whatever comes on the line, the device stays within its
 * memory (the sanitizers watch), sends only sound frames and still answers afterwards.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "../core/device.h"
#include "host_board.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static size_t request_bytes(uint8_t type, uint8_t *wire)
{
    uint8_t body[GN_FRAME_OVERHEAD] = {type, 7};
    return gn_frame_encode(body, 0, wire);
}

/* Sound frames among the bytes sent, and whether one has this type. */
static int has_sent(uint8_t type)
{
    static struct gn_receiver receiver;
    memset(&receiver, 0, sizeof receiver);
    int found = 0;
    struct gn_frame frame;
    for (size_t i = 0; i < host_board.sent_bytes; i++)
        if (gn_receive(&receiver, host_board.sent[i], &frame))
            found |= frame.type == type;
    /* Frames of samples are longer than what a device receives: only those overrun. */
    assert(receiver.checksum_errors == 0 && receiver.stuffing_errors == 0);
    return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static struct gn_device device;
    memset(&device, 0, sizeof device);
    host_board_reset();
    if (count > sizeof host_board.incoming - 64)
        count = sizeof host_board.incoming - 64;
    memcpy(host_board.incoming, bytes, count);
    /* A zero ends whatever was begun; then one plain request. */
    host_board.incoming[count] = 0;
    size_t asked = request_bytes(GN_IDENTIFY, host_board.incoming + count + 1);
    host_board.incoming_bytes = count + 1 + asked;
    for (int turn = 0; turn < 400 && host_board.sent_bytes < 60000; turn++) {
        host_board.micros += 997;
        gn_device_poll(&device);
    }
    assert(host_board.incoming_read == host_board.incoming_bytes);
    assert(has_sent(GN_IDENTIFY | GN_REPLY_BIT));
    return 0;
}
