#include "ring.h"

int gn_ring_push(struct gn_ring *ring, struct gn_sample sample)
{
    if (ring->count == GN_RING_SAMPLES)
        return 0;
    ring->samples[(ring->first + ring->count) % GN_RING_SAMPLES] = sample;
    ring->count++;
    return 1;
}

const struct gn_sample *gn_ring_at(const struct gn_ring *ring, uint16_t offset)
{
    return &ring->samples[(ring->first + offset) % GN_RING_SAMPLES];
}

void gn_ring_drop(struct gn_ring *ring, uint16_t count)
{
    ring->first = (uint16_t)((ring->first + count) % GN_RING_SAMPLES);
    ring->count = (uint16_t)(ring->count - count);
}
