#ifndef GN_CRC16_H
#define GN_CRC16_H

#include <stddef.h>
#include <stdint.h>

/* CRC-16/IBM-3740: polynomial 0x1021, initial value 0xffff; 0x29b1 for "123456789". */
uint16_t gn_crc16(const uint8_t *bytes, size_t count);

#endif
