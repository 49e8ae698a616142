#include "crc16.h"

uint16_t gn_crc16(const uint8_t *bytes, size_t count)
{
    uint16_t crc = 0xffff;
    for (size_t i = 0; i < count; i++) {
        crc = (uint16_t)(crc ^ (bytes[i] << 8));
        /* A table of 512 bytes would be faster and is a quarter of a small board's RAM or more. */
        for (int bit = 0; bit < 8; bit++)
            crc = (uint16_t)((crc & 0x8000) ? (crc << 1) ^ 0x1021 : crc << 1);
    }
    return crc;
}
