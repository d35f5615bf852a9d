/* SPDX-License-Identifier: MIT */
/*
 * How kernels are checked, each against plain loops in double: sizes around the tile, strides wider
 * than rows, guard pages at either end of all memory, three kinds of numbers, epilogues.
 */
#ifndef KERNEL_CHECK_H
#define KERNEL_CHECK_H

#include "base/rng.h"
#include "kernels/kernels.h"

/* --- Memory with guard pages ------------------------------------------------------------------ */

/* Poison is a signalling NaN: arithmetic on it shows. */
void poison(float *x, size_t n);
bool is_poison(const float *x);

/* n floats to write to, all poison; a guard page on one side, more poison on the other. */
typedef struct fenced {
    float *x;
    size_t n;
    bool first;
} fenced;
fenced fenced_new(size_t n);
void fenced_free(fenced *f); /* fails if what is around was written to */

/* n floats to be read, all poison so far. */
float *input_new(size_t n);
void guarded_free(const float *x);

/* --- Numbers ---------------------------------------------------------------------------------- */

enum fill { INTEGERS, RANDOM };
float draw(phi_rng *r, enum fill fill);

/* Around vectors and tiles. */
enum { N_CHANNEL_COUNTS = 16 };
extern const size_t channel_counts[N_CHANNEL_COUNTS];

bool runs_here(const phk_kernel *k);

/* Integer sums are exact in any order; others are off by roundings of each of the terms. */
void check_value(const char *kernel, const char *what, enum fill fill, float got, double want,
                 double size, size_t terms);

#endif /* KERNEL_CHECK_H */
