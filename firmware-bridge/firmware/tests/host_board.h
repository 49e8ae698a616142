/* A board of memory: what comes, what was sent and what time it is are set by the test. */
#ifndef HOST_BOARD_H
#define HOST_BOARD_H

#include <stddef.h>
#include <stdint.h>

struct host_board {
    uint64_t micros;
    uint64_t micros_per_look; /* by which the clock goes on when it is read */
    uint8_t incoming[4096];
    size_t incoming_bytes;
    size_t incoming_read;
    uint8_t sent[65536];
    size_t sent_bytes;
    size_t send_room; /* bytes that the line takes in one write */
    uint32_t watchdog_feeds;
};

extern struct host_board host_board;

void host_board_reset(void);

#endif
