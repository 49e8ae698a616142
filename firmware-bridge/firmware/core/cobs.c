#include "cobs.h"

size_t gn_cobs_encode(const uint8_t *bytes, size_t count, uint8_t *stuffed)
{
    size_t code_at = 0;
    size_t write_at = 1;
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] != 0)
            stuffed[write_at++] = bytes[i];
        /* A full run needs no zero after it, and at the very end no empty run either. */
        int is_full = write_at - code_at == 255;
        if (bytes[i] == 0 || (is_full && i + 1 < count)) {
            stuffed[code_at] = (uint8_t)(write_at - code_at);
            code_at = write_at++;
        }
    }
    stuffed[code_at] = (uint8_t)(write_at - code_at);
    return write_at;
}

int gn_cobs_decode(uint8_t *stuffed, size_t count)
{
    size_t read_at = 0;
    size_t write_at = 0;
    while (read_at < count) {
        uint8_t code = stuffed[read_at];
        if (code == 0 || code > count - read_at)
            return -1;
        for (uint8_t i = 1; i < code; i++) {
            if (stuffed[read_at + i] == 0)
                return -1;
            stuffed[write_at++] = stuffed[read_at + i];
        }
        read_at += code;
        if (code < 255 && read_at < count)
            stuffed[write_at++] = 0;
    }
    return (int)write_at;
}
