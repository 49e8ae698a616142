/* Consistent overhead byte stuffing (Cheshire and Baker 1999). */
#ifndef GN_COBS_H
#define GN_COBS_H

#include <stddef.h>
#include <stdint.h>

/* Most bytes that `count` become. */
#define GN_COBS_BYTES_MAX(count) ((count) + (count) / 254 + 1)

/* `stuffed` holds GN_COBS_BYTES_MAX(count) bytes. The zero that ends a frame is not written. */
size_t gn_cobs_encode(const uint8_t *bytes, size_t count, uint8_t *stuffed);

/* In place. Returns how many bytes were stuffed, or -1 where nothing can have been: noise. */
int gn_cobs_decode(uint8_t *stuffed, size_t count);

#endif
