#include "simulated_sensor.h"

/* A quarter of a sine in 16 steps, amplitude 8191. */
static const int16_t quarter[17] = {
    0, 803, 1598, 2378, 3135, 3861, 4551, 5196, 5792, 6332, 6811, 7224, 7567, 7838, 8034, 8152, 8191,
};

/* The argument is a share of a turn in 1/64. */
static int16_t sine(uint32_t step)
{
    uint32_t within = step & 15;
    switch ((step >> 4) & 3) {
    case 0:
        return quarter[within];
    case 1:
        return quarter[16 - within];
    case 2:
        return (int16_t)-quarter[within];
    default:
        return (int16_t)-quarter[16 - within];
    }
}

/* A hash of time and channel (Wellons' lowbias32), so that the noise needs no state. */
static int16_t noise(uint8_t channel, uint32_t micros)
{
    uint32_t x = micros + 0x9e3779b9u * (channel + 1u);
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    x ^= x >> 16;
    return (int16_t)((int32_t)(x & 1023) - 512);
}

int16_t gn_simulated_sample(uint8_t channel, uint64_t micros)
{
    uint32_t hertz = channel == 0 ? 50 : 8;
    uint32_t step = (uint32_t)(micros * hertz * 64 / 1000000);
    int32_t value = sine(step) + noise(channel, (uint32_t)micros);
    if (channel == 0)
        value += sine(step * 3) / 3;
    return (int16_t)value;
}
