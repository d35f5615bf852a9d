/* SPDX-License-Identifier: MIT */
/*
 * Functions of one number, for every type that ONNX lets them have, in any layout. A file of one
 * holds little more than its formula. (Activations, which are float32: unary.h.)
 */
#ifndef PHI_FORMULA_H
#define PHI_FORMULA_H

#include "ops/elements.h"
#include "ops/unary.h"

typedef struct phi_formula {
    uint32_t types;
    phi_kernels kernels;
    phi_unary_grad_fn *grad; /* float32; NULL: none */
} phi_formula;

/* For operators whose `family` is a phi_formula. */
enum ph_status phi_formula_infer(phi_infer *c);
enum ph_status phi_formula_forward(const phi_exec *e, ph_error *err);
enum ph_status phi_formula_backward(const phi_exec *e, ph_error *err);

/* All but name, since, family and backward. */
#define PHI_FORMULA_OP                                                                             \
    .attrs = phi_unary_attrs, .min_in = 1, .max_in = 1, .min_out = 1, .max_out = 1,                \
    .keeps_channels = true, .layout = PHI_LAYOUT_ANY, .passes = PHI_PASSES_ELEMENTS,               \
    .infer = phi_formula_infer, .forward = phi_formula_forward

/* Kernels f32 and f64 of `single` and `twice`, expressions of u. */
#define PHI_FORMULA_FLOATS(single, twice)                                                          \
    PHI_UNARY_LOOP(f32, float, float, single)                                                      \
    PHI_UNARY_LOOP(f64, double, double, twice)

/* The gradient `grad`: an expression of g = dL/dy, u = x and v = y. */
#define PHI_FORMULA_GRAD(expr)                                                                     \
    static void grad(const void *params, int64_t n, const float *x, const float *y,                \
                     const float *dy, float *dx)                                                   \
    {                                                                                              \
        (void)params;                                                                              \
        for (int64_t i = 0; i < n; i++) {                                                          \
            const float g = dy[i], u = x[i], v = y[i];                                             \
            (void)u, (void)v;                                                                      \
            dx[i] = (expr);                                                                        \
        }                                                                                          \
    }

/* A whole operator of floats, with gradient. */
#define PHI_FORMULA(symbol, onnx, from, single, twice, gradient)                                   \
    PHI_FORMULA_FLOATS(single, twice)                                                              \
    PHI_FORMULA_GRAD(gradient)                                                                     \
    static const phi_formula family = {                                                            \
        .types = PHI_TYPES_FLOAT, .kernels = {.f32 = f32, .f64 = f64}, .grad = grad};              \
    const phi_op symbol = {.name = onnx,                                                           \
                           .since = from,                                                          \
                           .family = &family,                                                      \
                           PHI_FORMULA_OP,                                                         \
                           .backward = phi_formula_backward}

#endif /* PHI_FORMULA_H */
