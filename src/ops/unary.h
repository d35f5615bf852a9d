/* SPDX-License-Identifier: MIT */
/*
 * Operators that are one formula for each element: float32 in, float32 out, any layout.
 */
#ifndef PHI_UNARY_H
#define PHI_UNARY_H

#include "graph/op.h"

/* y = f(x), n elements side by side; y may be x. `params` are those of the node. */
typedef void phi_unary_fn(const void *params, int64_t n, const float *x, float *y);

/* dx = dy * f'(x), given x and y = f(x). */
typedef void phi_unary_grad_fn(const void *params, int64_t n, const float *x, const float *y,
                               const float *dy, float *dx);

/* Input 0 is float32, the output like it. */
enum ph_status phi_unary_infer(phi_infer *c);

enum ph_status phi_unary_forward(const phi_exec *e, phi_unary_fn *fn);
enum ph_status phi_unary_backward(const phi_exec *e, phi_unary_grad_fn *fn);

/* What is rounded to a float once, and kept as params by those that have constants. */
typedef struct phi_unary_params {
    float alpha, beta;
} phi_unary_params;

/* Attribute rules of those without attributes; `consumed_inputs` means nothing any more. */
extern const phi_attr_rule phi_unary_attrs[];

/*
 * The operator `symbol` (phi_op_##symbol), called `onnx` from opset `from` on: y = f(x) with the
 * gradient g. `p_bytes` is the size of its params, filled by `infer_fn`.
 */
#define PHI_UNARY_OP(symbol, onnx, from, rules, p_bytes, infer_fn, f, g)                           \
    static enum ph_status symbol##_forward(const phi_exec *e, ph_error *err)                       \
    {                                                                                              \
        (void)err;                                                                                 \
        return phi_unary_forward(e, f);                                                            \
    }                                                                                              \
    static enum ph_status symbol##_backward(const phi_exec *e, ph_error *err)                      \
    {                                                                                              \
        (void)err;                                                                                 \
        return phi_unary_backward(e, g);                                                           \
    }                                                                                              \
    const phi_op phi_op_##symbol = {                                                               \
        .name = onnx,                                                                              \
        .since = from,                                                                             \
        .attrs = rules,                                                                            \
        .min_in = 1,                                                                               \
        .max_in = 1,                                                                               \
        .min_out = 1,                                                                              \
        .max_out = 1,                                                                              \
        .keeps_channels = true,                                                                    \
        .passes = PHI_PASSES_ELEMENTS,                                                             \
        .layout = PHI_LAYOUT_ANY,                                                                  \
        .widens = true,                                                                            \
        .params_bytes = p_bytes,                                                                   \
        .infer = infer_fn,                                                                         \
        .forward = symbol##_forward,                                                               \
        .backward = symbol##_backward,                                                             \
    }

#endif /* PHI_UNARY_H */
