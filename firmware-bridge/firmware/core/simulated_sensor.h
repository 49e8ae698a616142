#ifndef GN_SIMULATED_SENSOR_H
#define GN_SIMULATED_SENSOR_H

#include <stdint.h>

/*
 * An acceleration sensor on a machine: a vibration of 50 Hz and its third harmonic on channel 0, one
 * of 8 Hz on the others, with noise. The same for the same channel and time, on every board.
 */
int16_t gn_simulated_sample(uint8_t channel, uint64_t micros);

#endif
