#include "self_test.h"

#include "board.h"
#include "cobs.h"
#include "crc16.h"
#include "ring.h"

static int is_checksum_well(void)
{
    return gn_crc16((const uint8_t *)"123456789", 9) == 0x29b1;
}

static int is_stuffing_well(void)
{
    const uint8_t bytes[] = {0, 1, 0, 0, 255, 7};
    uint8_t stuffed[GN_COBS_BYTES_MAX(sizeof bytes)];
    size_t count = gn_cobs_encode(bytes, sizeof bytes, stuffed);
    if (gn_cobs_decode(stuffed, count) != (int)sizeof bytes)
        return 0;
    for (size_t i = 0; i < sizeof bytes; i++)
        if (stuffed[i] != bytes[i])
            return 0;
    return 1;
}

static int is_ring_well(struct gn_ring *ring)
{
    int is_well = 1;
    if (ring->count > 0)
        return 1;
    for (uint32_t i = 0; i < GN_RING_SAMPLES; i++)
        is_well &= gn_ring_push(ring, (struct gn_sample){i, (int16_t)i, 0});
    is_well &= !gn_ring_push(ring, (struct gn_sample){0, 0, 0});
    for (uint16_t i = 0; i < ring->count; i++)
        is_well &= gn_ring_at(ring, i)->index == i;
    gn_ring_drop(ring, ring->count);
    return is_well;
}

static int is_clock_well(void)
{
    uint64_t before = gn_board_micros();
    /* Bounded: a clock that stands still must not hang the board. */
    for (uint32_t i = 0; i < 100000; i++)
        if (gn_board_micros() > before)
            return 1;
    return 0;
}

/* Stuck at an end of its range, as a broken wire is. */
static int is_sensor_well(void)
{
    for (uint8_t channel = 0; channel < gn_board()->channels; channel++) {
        int16_t value = gn_board_sample(channel, gn_board_micros());
        if (value == INT16_MAX || value == INT16_MIN)
            return 0;
    }
    return 1;
}

uint16_t gn_self_test(struct gn_ring *ring)
{
    const int is_well[] = {
        is_checksum_well(), is_stuffing_well(), is_ring_well(ring), is_clock_well(), is_sensor_well(),
    };
    uint16_t failed = 0;
    for (unsigned i = 0; i < sizeof is_well / sizeof is_well[0]; i++)
        if (!is_well[i])
            failed = (uint16_t)(failed | (1u << i));
    return failed;
}
