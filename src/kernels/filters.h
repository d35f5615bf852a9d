/* SPDX-License-Identifier: MIT */
/*
 * Weights as packing reads them: row i is all that belongs to output channel i. The rows lie in
 * memory one behind the other, or are made a few at a time, so that they need not be there all at
 * once.
 */
#ifndef PHI_FILTERS_H
#define PHI_FILTERS_H

#include <stddef.h>

/* Rows first .. first + n - 1, at most the nr of gemm_f32, side by side; good until the thread's
 * next call. */
typedef const float *phi_make_rows(void *arg, size_t first, size_t n, size_t thread);

typedef struct phi_filters {
    size_t row;          /* floats of a row */
    const float *data;   /* if in memory */
    phi_make_rows *make; /* NULL: in memory */
    void *arg;
} phi_filters;

static inline const float *phi_filter_rows(const phi_filters *f, size_t first, size_t n,
                                           size_t thread)
{
    return f->make ? f->make(f->arg, first, n, thread) : f->data + first * f->row;
}

#endif /* PHI_FILTERS_H */
