/* SPDX-License-Identifier: MIT */
/*
 * What operators of two operands share: types, broadcasting (ONNX Broadcasting.md; before opset 7
 * the attributes `broadcast` and `axis`), loops over strided operands, gradients. An operator is a
 * table: its kernels for the four kinds of numbers.
 */
#ifndef PHI_BINARY_H
#define PHI_BINARY_H

#include "ops/elements.h"

/* y[i] = a[i] op b[i] for n elements of one kind of numbers; ptrs {y, a, b}, steps in elements; y
 * may be a or b. False if an element has no result (integer division by zero). */
typedef bool phi_binary_fn(int64_t n, void *const *ptrs, const int64_t *steps);

typedef struct phi_binary {
    uint32_t types; /* of the operands: a set, see elements.h */
    bool truth;     /* the result is bool: kernels write uint8_t */
    phi_binary_fn *f32, *f64, *i64, *u64;
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
    .params_bytes = sizeof(phi_binary_params), .infer = phi_binary_infer,                          \
    .forward = phi_binary_forward

/* The parts: the shape of the result, types not looked at; the work, for any table. */
enum ph_status phi_binary_shape(phi_infer *c, phi_binary_params *p);
enum ph_status phi_binary_run(const phi_exec *e, const phi_binary_params *p, const phi_binary *k,
                              ph_error *err);

/* y = a op b for views of one shape. False as for phi_binary_fn. */
bool phi_binary_apply(phi_pool *pool, const phi_view *y, const phi_view *a, const phi_view *b,
                      const phi_binary *k);

/* Inputs 0 and 1 stretched to the shape of output 0. */
phi_view phi_binary_stretched(const phi_exec *e, const phi_binary_params *p, size_t i);

/* din = g summed over the dimensions that were broadcast; din has at most the rank of g. */
void phi_unbroadcast(phi_pool *pool, const phi_view *din, const phi_view *g);

extern const phi_binary phi_add; /* for Sum and Mean */

/* The loop of one kernel: `expr` of u and v, elements of type `in`, is an element of type `out`. */
#define PHI_BINARY_LOOP(name, in, out, expr)                                                       \
    static bool name(int64_t n, void *const *p, const int64_t *s)                                  \
    {                                                                                              \
        out *y = p[0];                                                                             \
        const in *a = p[1], *b = p[2];                                                             \
        if (s[0] == 1 && s[1] == 1 && s[2] == 1) {                                                 \
            for (int64_t i = 0; i < n; i++) {                                                      \
                const in u = a[i], v = b[i];                                                       \
                y[i] = (out)(expr);                                                                \
            }                                                                                      \
        } else if (s[0] == 1 && s[1] == 1 && s[2] == 0) {                                          \
            const in v = b[0];                                                                     \
            for (int64_t i = 0; i < n; i++) {                                                      \
                const in u = a[i];                                                                 \
                y[i] = (out)(expr);                                                                \
            }                                                                                      \
        } else if (s[0] == 1 && s[1] == 0 && s[2] == 1) {                                          \
            const in u = a[0];                                                                     \
            for (int64_t i = 0; i < n; i++) {                                                      \
                const in v = b[i];                                                                 \
                y[i] = (out)(expr);                                                                \
            }                                                                                      \
        } else {                                                                                   \
            for (int64_t i = 0; i < n; i++) {                                                      \
                const in u = a[i * s[1]], v = b[i * s[2]];                                         \
                y[i * s[0]] = (out)(expr);                                                         \
            }                                                                                      \
        }                                                                                          \
        return true;                                                                               \
    }

/* Integers, for which `v` may be a number that has no result. */
#define PHI_BINARY_NOT_ZERO(name, type, expr)                                                      \
    static bool name(int64_t n, void *const *p, const int64_t *s)                                  \
    {                                                                                              \
        type *y = p[0];                                                                            \
        const type *a = p[1], *b = p[2];                                                           \
        for (int64_t i = 0; i < n; i++) {                                                          \
            const type u = a[i * s[1]], v = b[i * s[2]];                                           \
            if (v == 0) return false;                                                              \
            y[i * s[0]] = (type)(expr);                                                            \
        }                                                                                          \
        return true;                                                                               \
    }

/* Kernels f32, f64, i64 and u64 of one expression. Where it may overflow, i64 is left to u64, whose
 * bits are the same. */
#define PHI_BINARY_FLOATS(expr)                                                                    \
    PHI_BINARY_LOOP(f32, float, float, expr)                                                       \
    PHI_BINARY_LOOP(f64, double, double, expr)
#define PHI_BINARY_WRAPPING(expr)                                                                  \
    PHI_BINARY_FLOATS(expr)                                                                        \
    PHI_BINARY_LOOP(u64, uint64_t, uint64_t, expr)
#define PHI_BINARY_TRUTHS(expr)                                                                    \
    PHI_BINARY_LOOP(f32, float, uint8_t, expr)                                                     \
    PHI_BINARY_LOOP(f64, double, uint8_t, expr)                                                    \
    PHI_BINARY_LOOP(i64, int64_t, uint8_t, expr)                                                   \
    PHI_BINARY_LOOP(u64, uint64_t, uint8_t, expr)

#endif /* PHI_BINARY_H */
