#ifndef GN_SELF_TEST_H
#define GN_SELF_TEST_H

#include <stdint.h>

#include "ring.h"

/*
 * A bit for each part that failed: 0 checksum, 1 stuffing, 2 ring, 3 clock, 4 sensor. The ring is
 * tried where it is empty, and is empty again afterwards; with samples in it, it is in use and well.
 */
uint16_t gn_self_test(struct gn_ring *ring);

#endif
