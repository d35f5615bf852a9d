/* SPDX-License-Identifier: MIT */
/*
 * Random numbers without state: Philox4x32-10 (Salmon 2011, "Parallel random numbers: as easy as
 * 1, 2, 3", SC11). A number is a function of (seed, stream, index), so the order in which threads
 * ask does not matter and a training can be continued anywhere.
 */
#ifndef PHI_RNG_H
#define PHI_RNG_H

#include "base/base.h"

/* Four random words for one point. */
void phi_philox(uint64_t seed, uint64_t stream, uint64_t index, uint32_t out[4]);

/* FNV-1a of a name: a stream number for it. */
uint64_t phi_stream(const char *name);

/* A sequence read off one stream. */
typedef struct phi_rng {
    uint64_t seed, stream, index;
    uint32_t word[4];
    unsigned used; /* words used up; 4: draw again */
} phi_rng;

phi_rng phi_rng_start(uint64_t seed, uint64_t stream);
uint32_t phi_rng_u32(phi_rng *r);
uint32_t phi_rng_below(phi_rng *r, uint32_t n); /* unbiased, 0 .. n - 1; n > 0 */
float phi_rng_uniform(phi_rng *r);              /* [0, 1), 24 bits */
float phi_rng_normal(phi_rng *r);               /* mean 0, variance 1 (Box-Muller) */

/* Fill x [n] with normal numbers of standard deviation `sigma`. */
void phi_rng_fill_normal(uint64_t seed, uint64_t stream, float sigma, float *x, size_t n);

#endif /* PHI_RNG_H */
