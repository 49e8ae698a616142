#include "clock.h"

uint64_t gn_clock_extend(struct gn_clock *clock, uint32_t counter)
{
    if (counter < clock->last)
        clock->turns++;
    clock->last = counter;
    return ((uint64_t)clock->turns << 32) | counter;
}
