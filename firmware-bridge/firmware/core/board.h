/*
 * The seam to a board: all that the core asks of the hardware. A new board is a folder in boards/
 * with these functions; nothing else of the core changes. None of them may wait.
 */
#ifndef GN_BOARD_H
#define GN_BOARD_H

#include <stddef.h>
#include <stdint.h>

#define GN_UNIQUE_ID_BYTES 12
#define GN_CHANNELS_MAX 4

struct gn_board {
    const char *name; /* at most 16 characters */
    uint8_t unique_id[GN_UNIQUE_ID_BYTES];
    uint8_t channels; /* 1 to GN_CHANNELS_MAX */
    uint32_t rate_milli_hz_max;
};

const struct gn_board *gn_board(void);

/* Since the start; never goes back, also not after 71 minutes (see gn_clock_extend). */
uint64_t gn_board_micros(void);

/* Bytes that have come, at most `room`; 0 where there are none. */
size_t gn_board_read(uint8_t *bytes, size_t room);

/* Bytes that came and were lost since the start. */
uint32_t gn_board_receive_lost(void);

/* As many as the line takes now, and how many that were. */
size_t gn_board_write(const uint8_t *bytes, size_t count);

/* The channel now. `micros` is the time for which it is asked, for sensors that are simulated. */
int16_t gn_board_sample(uint8_t channel, uint64_t micros);

/* The hardware resets the board where this is not called for two seconds. */
void gn_board_feed_watchdog(void);

/* How often it has done so since the power came. */
uint32_t gn_board_watchdog_resets(void);

#endif
