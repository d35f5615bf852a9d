/* SPDX-License-Identifier: MIT */
/*
 * What quantised operators share: real = (q - zero_point) * scale, scale and zero point for a whole
 * tensor, for each position along an axis, or for each block of them.
 */
#ifndef PHI_QUANTISED_H
#define PHI_QUANTISED_H

#include "graph/loop.h"
#include "graph/op.h"

/* Smallest and largest number of an integer type of at most 32 bits. */
int64_t phi_lowest(enum ph_dtype dtype);
int64_t phi_highest(enum ph_dtype dtype);

/* Input i is uint8 or int8. */
enum ph_status phi_need_int8(const phi_infer *c, size_t i);

/*
 * Input i, if it is there, has one element, or, if `count` is not 1, `count` of them in one
 * dimension, and is a zero point of type `dtype`, or a scale of a float type if `dtype` is
 * PH_UNDEFINED.
 */
enum ph_status phi_need_quantum(const phi_infer *c, size_t i, const char *what, enum ph_dtype dtype,
                                int64_t count);

/* Element i of a scale (any float type), of a zero point (any integer type); of a single element
 * always that; a missing zero point is 0. */
float phi_scale_at(const phi_view *v, int64_t i);
int64_t phi_zero_at(const phi_view *v, int64_t i);

/* rint(x) + zero, into lo .. hi; ties go to even; not-a-number becomes lo. */
int64_t phi_quantise(float x, int64_t zero, int64_t lo, int64_t hi);

/*
 * QuantizeLinear and DequantizeLinear: which scale is for which element.
 * axis -1: one for all; block 0: one for each position.
 */
typedef struct phi_quanta {
    int axis;
    int64_t block;
} phi_quanta;

/* From the attributes axis and block_size; checks inputs 1 (scale) and 2 (zero point, may be
 * missing) against input 0. */
enum ph_status phi_quanta_infer(const phi_infer *c, phi_quanta *q);

/*
 * Call fn for all elements, with ptrs {y, x, scale, zero point}; where there is no zero point its
 * pointer is that of the scale.
 */
void phi_quanta_loop(const phi_exec *e, const phi_quanta *q, phi_run_fn *fn, void *arg);

#endif /* PHI_QUANTISED_H */
