/* SPDX-License-Identifier: MIT */
/*
 * What the eleven operators share that bring some axes down to one element each. An operator is a
 * table: what is done with one element more, where that begins and how it ends.
 */
#ifndef PHI_REDUCE_H
#define PHI_REDUCE_H

#include "ops/elements.h"

enum phi_reduce_end { PHI_END_NOTHING, PHI_END_ROOT, PHI_END_LOG };

typedef struct phi_reduce {
    uint32_t types;
    int axes_input_since; /* the opset from which on the axes are an input */
    /* u: what there is so far, v: the next element. Floats are gathered in double. */
    phi_kernels kernels;
    int start; /* 0 or 1; -1: below everything, 2: above everything */
    enum phi_reduce_end end;
    bool mean;     /* divided by the number of elements */
    bool floating; /* integers, too, are gathered in double */
    bool sum;      /* float32 goes the fast way: the sum of `term`, ptrs {result, x}; NULL: of x */
    phi_run_fn *term;
    /* ptrs {dx, g, x, y}, arg: the number of elements as a float */
    phi_run_fn *grad;
} phi_reduce;

typedef struct phi_reduce_params {
    uint32_t axes; /* bit i: axis i of the input goes */
    bool keep;
    double count; /* elements that become one */
} phi_reduce_params;

/* axes, keepdims, noop_with_empty_axes of most; and of ReduceSum, whose axes became an input early.
 */
extern const phi_attr_rule phi_reduce_attrs[], phi_reduce_sum_attrs[];

/* For operators whose `family` is a phi_reduce. */
enum ph_status phi_reduce_infer(phi_infer *c);
enum ph_status phi_reduce_forward(const phi_exec *e, ph_error *err);
enum ph_status phi_reduce_backward(const phi_exec *e, ph_error *err);

/* All but name, attrs, family and backward. */
#define PHI_REDUCE_OP                                                                              \
    .since = 1, .min_in = 1, .max_in = 2, .min_out = 1, .max_out = 1, .layout = PHI_LAYOUT_ANY,    \
    .passes = PHI_PASSES_AXES, .params_bytes = sizeof(phi_reduce_params),                          \
    .infer = phi_reduce_infer, .forward = phi_reduce_forward

/* The shape of a result that keeps all axes but those of `mask`, or has them with one element. */
void phi_reduced_type(const phi_type *in, uint32_t mask, bool keep, phi_type *out);

/* `v`, shaped like a result, with a dimension of one element (stride 0) for each axis of `mask`. */
phi_view phi_reduced_view(const phi_view *v, int rank, uint32_t mask, bool keep);

/* The `term` of sums of squares. */
phi_run_fn phi_reduce_square;

/* Elements, and floats in double: what REDUCE tables need of kernels. */
#define PHI_REDUCE_KERNELS(expr_f64, expr_integer)                                                 \
    PHI_BINARY_LOOP(f64, double, double, expr_f64)                                                 \
    PHI_BINARY_LOOP(i64, int64_t, int64_t, expr_integer)                                           \
    PHI_BINARY_LOOP(u64, uint64_t, uint64_t, expr_integer)

#endif /* PHI_REDUCE_H */
