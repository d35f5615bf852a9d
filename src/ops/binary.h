/* SPDX-License-Identifier: MIT */
/*
 * What Add, Sub, Mul, Div and Sum share: types, broadcasting (ONNX Broadcasting.md; before opset 7
 * the attributes `broadcast` and `axis`), loops over strided operands, gradients.
 */
#ifndef PHI_BINARY_H
#define PHI_BINARY_H

#include "graph/op.h"
#include "graph/loop.h"

/* y[i] = a[i] op b[i] for n elements; ptrs {y, a, b}, steps in elements; y may be a or b. False if
 * an element has no result (integer division by zero). */
typedef bool phi_binary_fn(int64_t n, void *const *ptrs, const int64_t *steps);

/* A kernel per element type; NULL: the type is not supported. */
#define PHI_BINARY_TYPES (PH_BFLOAT16 + 1)
extern phi_binary_fn *const phi_add_kernels[PHI_BINARY_TYPES];

extern const phi_attr_rule phi_binary_attrs[];

typedef struct phi_binary_params {
    int b_axis; /* dimension of the first operand under the second's first one */
    bool b_one; /* old broadcasting of a single element of any rank */
} phi_binary_params;

/* op->infer of all four operators; params are phi_binary_params. */
enum ph_status phi_binary_infer(phi_infer *c);

enum ph_status phi_binary_forward(const phi_exec *e, phi_binary_fn *const *kernels, ph_error *err);

/*
 * da = sum of grad_a(g, a, b) over what was broadcast, db likewise; float32. `grad`: ptrs {result,
 * g, a, b}; NULL: g itself.
 */
enum ph_status phi_binary_backward(const phi_exec *e, phi_run_fn *grad_a, phi_run_fn *grad_b);

/* y = a op b for views of one shape. False as for phi_binary_fn. */
bool phi_binary_apply(phi_pool *pool, const phi_view *y, const phi_view *a, const phi_view *b,
                      phi_binary_fn *fn);

/* din = g summed over the dimensions that were broadcast; din has at most the rank of g. */
void phi_unbroadcast(phi_pool *pool, const phi_view *din, const phi_view *g);

/* PH_ERR_TYPE or, for a type that ONNX allows, PH_ERR_UNSUPPORTED unless kernels[dtype] is there.
 */
enum ph_status phi_binary_check_dtype(const phi_infer *c, enum ph_dtype dtype,
                                      phi_binary_fn *const *kernels);

/* The loop of one kernel; `expr` is a macro (type, x, y). */
#define PHI_BINARY_LOOP(name, type, expr)                                                          \
    static bool name(int64_t n, void *const *p, const int64_t *s)                                  \
    {                                                                                              \
        type *y = p[0];                                                                            \
        const type *a = p[1], *b = p[2];                                                           \
        if (s[0] == 1 && s[1] == 1 && s[2] == 1) {                                                 \
            for (int64_t i = 0; i < n; i++)                                                        \
                y[i] = expr(type, a[i], b[i]);                                                     \
        } else if (s[0] == 1 && s[1] == 1 && s[2] == 0) {                                          \
            const type one = b[0];                                                                 \
            for (int64_t i = 0; i < n; i++)                                                        \
                y[i] = expr(type, a[i], one);                                                      \
        } else if (s[0] == 1 && s[1] == 0 && s[2] == 1) {                                          \
            const type one = a[0];                                                                 \
            for (int64_t i = 0; i < n; i++)                                                        \
                y[i] = expr(type, one, b[i]);                                                      \
        } else {                                                                                   \
            for (int64_t i = 0; i < n; i++)                                                        \
                y[i * s[0]] = expr(type, a[i * s[1]], b[i * s[2]]);                                \
        }                                                                                          \
        return true;                                                                               \
    }

/*
 * Kernels for all types into the table `table`: `op` is + - or *. Integers wrap: the work is done
 * on unsigned 64-bit numbers, whose low bits are those of the result at any width.
 */
#define PHI_BINARY_KERNELS(table, op)                                                              \
    PHI_BINARY_LOOP(table##_f32, float, PHI_FLOAT_##op)                                            \
    PHI_BINARY_LOOP(table##_f64, double, PHI_FLOAT_##op)                                           \
    PHI_BINARY_LOOP(table##_u8, uint8_t, PHI_WRAP_##op)                                            \
    PHI_BINARY_LOOP(table##_i8, int8_t, PHI_WRAP_##op)                                             \
    PHI_BINARY_LOOP(table##_u16, uint16_t, PHI_WRAP_##op)                                          \
    PHI_BINARY_LOOP(table##_i16, int16_t, PHI_WRAP_##op)                                           \
    PHI_BINARY_LOOP(table##_u32, uint32_t, PHI_WRAP_##op)                                          \
    PHI_BINARY_LOOP(table##_i32, int32_t, PHI_WRAP_##op)                                           \
    PHI_BINARY_LOOP(table##_u64, uint64_t, PHI_WRAP_##op)                                          \
    PHI_BINARY_LOOP(table##_i64, int64_t, PHI_WRAP_##op)
#define PHI_FLOAT_ADD(type, x, y) ((x) + (y))
#define PHI_FLOAT_SUB(type, x, y) ((x) - (y))
#define PHI_FLOAT_MUL(type, x, y) ((x) * (y))
#define PHI_WRAP_ADD(type, x, y) ((type)((uint64_t)(x) + (uint64_t)(y)))
#define PHI_WRAP_SUB(type, x, y) ((type)((uint64_t)(x) - (uint64_t)(y)))
#define PHI_WRAP_MUL(type, x, y) ((type)((uint64_t)(x) * (uint64_t)(y)))

/* The table itself. */
#define PHI_BINARY_TABLE(table)                                                                    \
    {                                                                                              \
        [PH_FLOAT32] = table##_f32, [PH_FLOAT64] = table##_f64, [PH_UINT8] = table##_u8,           \
        [PH_INT8] = table##_i8, [PH_UINT16] = table##_u16, [PH_INT16] = table##_i16,               \
        [PH_UINT32] = table##_u32, [PH_INT32] = table##_i32, [PH_UINT64] = table##_u64,            \
        [PH_INT64] = table##_i64                                                                   \
    }

#endif /* PHI_BINARY_H */
