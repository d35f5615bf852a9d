/* SPDX-License-Identifier: MIT */
/*
 * Products of matrices of 8-bit integers, exact: rows of int16 (values less their zero points)
 * times a packed matrix of int16. Plain loops; a kernel of another element type takes their place
 * one day.
 */
#ifndef PHI_INT_PRODUCT_H
#define PHI_INT_PRODUCT_H

#include "graph/op.h"

/* What becomes of a sum: int32 as it is (its lower 32 bits), or
 * saturate(round(sum * multiplier) + zero) to 8 bits; `bias` is added to the sum first. */
typedef struct phi_int_result {
    enum ph_dtype dtype;     /* of y: int32, uint8 or int8 */
    const int32_t *bias;     /* [columns], or NULL */
    const float *multiplier; /* [columns]; not for int32 */
    int64_t zero;
} phi_int_result;

/* Write row `a` [k] times columns first .. first + n - 1 of b [k, ld] to y, whose element 0 is that
 * of column `first`. */
void phi_int_row(const phi_int_result *r, int64_t k, const int16_t *a, const int16_t *b, int64_t ld,
                 int64_t first, int64_t n, void *y);

/* n elements, uint8 or int8, `step` apart, less `zero`. */
void phi_int_widen(enum ph_dtype dtype, const void *x, int64_t n, int64_t step, int64_t zero,
                   int16_t *out);

#endif /* PHI_INT_PRODUCT_H */
