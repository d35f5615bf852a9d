/* SPDX-License-Identifier: MIT */
/*
 * What operators of two operands share: types, broadcasting (ONNX Broadcasting.md; before opset 7
 * the attributes `broadcast` and `axis`), loops over strided operands, gradients. An operator is a
 * table: its kernels for the four kinds of numbers.
 */
#ifndef PHI_BINARY_H
#define PHI_BINARY_H

#include "ops/elements.h"

typedef struct phi_binary {
    uint32_t types; /* of the operands: a set, see elements.h */
    phi_kernels kernels;
    /* ptrs {result, g, a, b}, float32: the gradient of a (of b) before what was broadcast is
     * summed; NULL: g itself. */
    phi_run_fn *grad_a, *grad_b;
} phi_binary;

/* axis and broadcast; with consumed_inputs the first. */
extern const phi_attr_rule phi_binary_attrs[], phi_comparison_attrs[];

typedef struct phi_binary_params {
    int b_axis; /* dimension of the first operand under the second's first one */
    bool b_one; /* old broadcasting of a single element of any rank */
} phi_binary_params;

/* op->infer, forward and backward of operators whose `family` is a phi_binary. */
enum ph_status phi_binary_infer(phi_infer *c);
enum ph_status phi_binary_forward(const phi_exec *e, ph_error *err);
enum ph_status phi_binary_backward(const phi_exec *e, ph_error *err);

/* All but name, family and backward. */
#define PHI_BINARY_OP                                                                              \
    .min_in = 2, .max_in = 2, .min_out = 1, .max_out = 1, .layout = PHI_LAYOUT_ANY,                \
    .passes = PHI_PASSES_ELEMENTS, .params_bytes = sizeof(phi_binary_params),                      \
    .infer = phi_binary_infer, .forward = phi_binary_forward

/* The parts: the shape of the result, types not looked at; the work, for any table. */
enum ph_status phi_binary_shape(phi_infer *c, phi_binary_params *p);
enum ph_status phi_binary_run(const phi_exec *e, const phi_binary_params *p, enum phi_wide wide,
                              const phi_kernels *k, ph_error *err);

/* Inputs 0 and 1 stretched to the shape of output 0. */
phi_view phi_binary_stretched(const phi_exec *e, const phi_binary_params *p, size_t i);

/* din = g summed over the dimensions that were broadcast; din has at most the rank of g. */
void phi_unbroadcast(phi_pool *pool, const phi_view *din, const phi_view *g);

#endif /* PHI_BINARY_H */
