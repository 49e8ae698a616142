#include "host_board.h"

#include <string.h>

#include "../core/board.h"
#include "../core/simulated_sensor.h"

struct host_board host_board;

static const struct gn_board board = {"host", {1, 2, 3}, 2, 10000000};

void host_board_reset(void)
{
    memset(&host_board, 0, sizeof host_board);
    host_board.micros_per_look = 1;
    host_board.send_room = 64;
}

const struct gn_board *gn_board(void)
{
    return &board;
}

uint64_t gn_board_micros(void)
{
    host_board.micros += host_board.micros_per_look;
    return host_board.micros;
}

size_t gn_board_read(uint8_t *bytes, size_t room)
{
    size_t left = host_board.incoming_bytes - host_board.incoming_read;
    size_t count = left < room ? left : room;
    memcpy(bytes, host_board.incoming + host_board.incoming_read, count);
    host_board.incoming_read += count;
    return count;
}

uint32_t gn_board_receive_lost(void)
{
    return 0;
}

size_t gn_board_write(const uint8_t *bytes, size_t count)
{
    size_t room = sizeof host_board.sent - host_board.sent_bytes;
    if (room > host_board.send_room)
        room = host_board.send_room;
    if (count > room)
        count = room;
    memcpy(host_board.sent + host_board.sent_bytes, bytes, count);
    host_board.sent_bytes += count;
    return count;
}

int16_t gn_board_sample(uint8_t channel, uint64_t micros)
{
    return gn_simulated_sample(channel, micros);
}

void gn_board_feed_watchdog(void)
{
    host_board.watchdog_feeds++;
}

uint32_t gn_board_watchdog_resets(void)
{
    return 0;
}
