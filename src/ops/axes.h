/* SPDX-License-Identifier: MIT */
/*
 * Axes, and lists of integers that are an attribute in old opsets and an input in newer ones.
 */
#ifndef PHI_AXES_H
#define PHI_AXES_H

#include "graph/op.h"

/* Axis `axis` of a shape of `rank` dimensions, counted from the end if negative, into *out. */
enum ph_status phi_axis(const phi_infer *c, int64_t axis, int rank, int *out);

/*
 * Bit i for each axis i of the list; no axis twice. `rank` as for phi_axis.
 */
enum ph_status phi_axes_mask(const phi_infer *c, size_t n, const int64_t *axes, int rank,
                             uint32_t *mask);

/* A short list of integers. */
#define PHI_MAX_INTS (2 * PH_MAX_RANK)
typedef struct phi_ints {
    bool given;
    size_t n;
    int64_t at[PHI_MAX_INTS];
} phi_ints;

/*
 * The list in the attribute `name` (opsets before `input_since`) or in input number `input` (from
 * then on: int64 or, for what ONNX allows to be one, int32; one dimension; its value must be known
 * before running). `given` is false where it is left out. At most PHI_MAX_INTS numbers.
 */
enum ph_status phi_ints_read(const phi_infer *c, const char *name, size_t input, int input_since,
                             phi_ints *out);

/* PH_ERR_ARG, PH_ERR_UNSUPPORTED unless `shape` is given and can be the dimensions of a tensor. */
enum ph_status phi_shape_check(const phi_infer *c, const phi_ints *shape);

/* The value of an input that is needed to know shapes; refuses to do without. */
enum ph_status phi_known_input(const phi_infer *c, size_t input, const char *what,
                               const ph_tensor **out);

#endif /* PHI_AXES_H */
