/* Samples that wait for the line. A full ring keeps the old ones: a gap is seen by the index. */
#ifndef GN_RING_H
#define GN_RING_H

#include <stdint.h>

#ifndef GN_RING_SAMPLES
#define GN_RING_SAMPLES 512
#endif

struct gn_sample {
    uint32_t index;
    int16_t value;
    uint8_t channel;
};

struct gn_ring {
    struct gn_sample samples[GN_RING_SAMPLES];
    uint16_t first;
    uint16_t count;
};

/* Returns 0 where there is no room. */
int gn_ring_push(struct gn_ring *ring, struct gn_sample sample);

/* The sample `offset` places behind the oldest one; only below `count`. */
const struct gn_sample *gn_ring_at(const struct gn_ring *ring, uint16_t offset);

void gn_ring_drop(struct gn_ring *ring, uint16_t count);

#endif
