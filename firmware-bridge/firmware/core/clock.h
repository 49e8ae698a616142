#ifndef GN_CLOCK_H
#define GN_CLOCK_H

#include <stdint.h>

/* Makes a counter of 32 bits one of 64; called at least once in each of its turns. */
struct gn_clock {
    uint32_t last;
    uint32_t turns;
};

uint64_t gn_clock_extend(struct gn_clock *clock, uint32_t counter);

#endif
