/* Drives the fuzz target without libFuzzer: fuzz_main <runs> <seed>. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "../core/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static uint64_t state;

/* splitmix64 (Steele, Lea and Flood 2014). */
static uint32_t next(uint32_t below)
{
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ (z >> 31)) % below);
}

/* Sound frames of random requests, of random lengths. */
static size_t add_frame(uint8_t *bytes)
{
    uint8_t body[GN_FRAME_OVERHEAD + GN_RECEIVE_PAYLOAD_MAX];
    size_t payload_bytes = next(GN_RECEIVE_PAYLOAD_MAX + 1);
    body[0] = (uint8_t)next(9);
    body[1] = (uint8_t)next(256);
    for (size_t i = 0; i < payload_bytes; i++)
        body[2 + i] = (uint8_t)(next(3) ? next(256) : next(4));
    return gn_frame_encode(body, payload_bytes, bytes);
}

int main(int count, char **arguments)
{
    long runs = count > 1 ? strtol(arguments[1], NULL, 10) : 100000;
    state = count > 2 ? strtoull(arguments[2], NULL, 10) : 1;
    for (long run = 0; run < runs; run++) {
        uint8_t bytes[2048];
        size_t length = 0;
        for (uint32_t parts = next(8); parts > 0; parts--) {
            if (next(3) > 0) {
                length += add_frame(bytes + length);
                continue;
            }
            for (uint32_t noise = next(60); noise > 0; noise--)
                bytes[length++] = (uint8_t)next(256);
        }
        for (uint32_t flips = next(3); flips > 0 && length > 0; flips--)
            bytes[next((uint32_t)length)] ^= (uint8_t)(1u << next(8));
        LLVMFuzzerTestOneInput(bytes, length);
    }
    printf("%ld runs from seed %s: no fault\n", runs, count > 2 ? arguments[2] : "1");
    return 0;
}
