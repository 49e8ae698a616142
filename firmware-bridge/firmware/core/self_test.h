#ifndef GN_SELF_TEST_H
#define GN_SELF_TEST_H

#include <stdint.h>

/* A bit for each part that failed: 0 checksum, 1 stuffing, 2 ring, 3 clock, 4 sensor. */
uint16_t gn_self_test(void);

#endif
