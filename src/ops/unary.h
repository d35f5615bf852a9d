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

#endif /* PHI_UNARY_H */
