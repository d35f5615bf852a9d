/* SPDX-License-Identifier: MIT */
/*
 * The random numbers that ONNX's reference implementation draws: numpy's legacy generator, MT19937
 * (Matsumoto and Nishimura 1998, "Mersenne Twister") seeded with one integer, as in
 * numpy.random.seed(seed); numpy.random.uniform(0, 1, n).
 */
#ifndef PHI_NUMPY_RANDOM_H
#define PHI_NUMPY_RANDOM_H

#include <stdint.h>

typedef struct phi_numpy_random {
    uint32_t state[624];
    int at;
} phi_numpy_random;

static inline void phi_numpy_seed(phi_numpy_random *r, uint32_t seed)
{
    for (uint32_t i = 0; i < 624; i++) {
        r->state[i] = seed;
        seed = 1812433253u * (seed ^ seed >> 30) + i + 1;
    }
    r->at = 624;
}

static inline uint32_t phi_numpy_u32(phi_numpy_random *r)
{
    if (r->at == 624) {
        for (int i = 0; i < 624; i++) {
            uint32_t y = (r->state[i] & 0x80000000u) | (r->state[(i + 1) % 624] & 0x7fffffffu);
            r->state[i] = r->state[(i + 397) % 624] ^ y >> 1 ^ (y & 1 ? 0x9908b0dfu : 0);
        }
        r->at = 0;
    }
    uint32_t y = r->state[r->at++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680u;
    y ^= y << 15 & 0xefc60000u;
    return y ^ y >> 18;
}

/* 0 <= number < 1, of 53 bits. */
static inline double phi_numpy_double(phi_numpy_random *r)
{
    uint32_t high = phi_numpy_u32(r) >> 5, low = phi_numpy_u32(r) >> 6;
    return ((double)high * 67108864.0 + (double)low) / 9007199254740992.0;
}

#endif /* PHI_NUMPY_RANDOM_H */
