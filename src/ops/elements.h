/* SPDX-License-Identifier: MIT */
/*
 * Arithmetic on elements of any type, without a loop for each type: a run of elements is widened to
 * one of four kinds of numbers, worked on, and narrowed again. What is of its wide type already is
 * worked on where it lies.
 */
#ifndef PHI_ELEMENTS_H
#define PHI_ELEMENTS_H

#include "graph/loop.h"
#include "graph/op.h"

enum phi_wide { PHI_F32, PHI_F64, PHI_I64, PHI_U64 };

/* float32, float16, bfloat16: F32; float64: F64; signed integers: I64; unsigned ones, bool: U64. */
enum phi_wide phi_wide_of(enum ph_dtype dtype);

/* Sets of types: bit `dtype` is in. */
#define PHI_TYPE_BIT(dtype) (UINT32_C(1) << (dtype))
#define PHI_TYPES_BOOL PHI_TYPE_BIT(PH_BOOL)
#define PHI_TYPES_FLOAT                                                                            \
    (PHI_TYPE_BIT(PH_FLOAT32) | PHI_TYPE_BIT(PH_FLOAT64) | PHI_TYPE_BIT(PH_FLOAT16) |              \
     PHI_TYPE_BIT(PH_BFLOAT16))
#define PHI_TYPES_SIGNED                                                                           \
    (PHI_TYPE_BIT(PH_INT8) | PHI_TYPE_BIT(PH_INT16) | PHI_TYPE_BIT(PH_INT32) |                     \
     PHI_TYPE_BIT(PH_INT64))
#define PHI_TYPES_UNSIGNED                                                                         \
    (PHI_TYPE_BIT(PH_UINT8) | PHI_TYPE_BIT(PH_UINT16) | PHI_TYPE_BIT(PH_UINT32) |                  \
     PHI_TYPE_BIT(PH_UINT64))
#define PHI_TYPES_INTEGER (PHI_TYPES_SIGNED | PHI_TYPES_UNSIGNED)
#define PHI_TYPES_NUMBER (PHI_TYPES_FLOAT | PHI_TYPES_INTEGER)
#define PHI_TYPES_ALL (PHI_TYPES_NUMBER | PHI_TYPES_BOOL)

static inline bool phi_types_have(uint32_t types, enum ph_dtype dtype)
{
    return (unsigned)dtype < 32 && types >> dtype & 1;
}

/* PH_ERR_ARG unless input i is there, PH_ERR_TYPE unless its type is one of `types`. */
enum ph_status phi_need_types(const phi_infer *c, size_t i, uint32_t types);

#define PHI_RUN 256 /* elements of a run at most, where there may be something to widen */
typedef union phi_room {
    float f32[PHI_RUN];
    double f64[PHI_RUN];
    int64_t i64[PHI_RUN];
    uint64_t u64[PHI_RUN];
} phi_room;

/* Are elements of this type numbers of its wide type as they lie? */
bool phi_is_wide(enum ph_dtype dtype);

/*
 * n <= PHI_RUN elements of `dtype`, `step` apart, as numbers of the wide type `to`: where they are,
 * and their distance in *wide_step. They are widened into `room` unless they can be used as they
 * lie. Floats as integers: cut off; what does not fit becomes the nearest number that does, NaN 0.
 */
const void *phi_widen(enum ph_dtype dtype, enum phi_wide to, int64_t n, const void *x, int64_t step,
                      phi_room *room, int64_t *wide_step);

/* n <= PHI_RUN numbers side by side in `room` to elements of `dtype`, `step` apart. Floats are
 * rounded to nearest, integers lose their upper bits, bool is "not zero". */
void phi_narrow(enum ph_dtype dtype, enum phi_wide from, int64_t n, const phi_room *room, void *y,
                int64_t step);

/* --- Kernels ---------------------------------------------------------------------------------- */

/* y[i] = f(x0[i], x1[i], ...) for n elements of one kind of numbers; ptrs {y, x0, x1, ...}, steps
 * in elements; y may be one of the x. False if an element has no result (integer division by zero).
 */
typedef bool phi_kernel_fn(int64_t n, void *const *ptrs, const int64_t *steps);

/* One for each kind; NULL where no type of the operator needs it. */
typedef struct phi_kernels {
    phi_kernel_fn *f32, *f64, *i64, *u64;
    bool truth; /* the result is bool: kernels write uint8_t, 0 or 1 */
} phi_kernels;

#define PHI_KERNELS_MAX_IN 3

/* y = k(in[0], in[1], ...) for views of one shape, worked out in numbers of kind `wide`, which is
 * commonly that of y or, if the results are truths, of in[0]. False as for phi_kernel_fn. */
bool phi_apply(phi_pool *pool, const phi_view *y, size_t n_in, const phi_view *const *in,
               enum phi_wide wide, const phi_kernels *k);

/* A kernel of one operand: `expr` of u, an element of type `in`, is an element of type `out`. */
#define PHI_UNARY_LOOP(name, in, out, expr)                                                        \
    static bool name(int64_t n, void *const *p, const int64_t *s)                                  \
    {                                                                                              \
        out *y = p[0];                                                                             \
        const in *x = p[1];                                                                        \
        if (s[0] == 1 && s[1] == 1) {                                                              \
            for (int64_t i = 0; i < n; i++) {                                                      \
                const in u = x[i];                                                                 \
                y[i] = (out)(expr);                                                                \
            }                                                                                      \
        } else {                                                                                   \
            for (int64_t i = 0; i < n; i++) {                                                      \
                const in u = x[i * s[1]];                                                          \
                y[i * s[0]] = (out)(expr);                                                         \
            }                                                                                      \
        }                                                                                          \
        return true;                                                                               \
    }

/* Of two: u and v. */
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

/* Of two, on integers, where v must not be 0. */
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

/* Kernels f32, f64, i64 and u64 of one expression of u and v. What may overflow is left to u64,
 * whose bits are those of i64. */
#define PHI_BINARY_FLOATS(expr)                                                                    \
    PHI_BINARY_LOOP(f32, float, float, expr)                                                       \
    PHI_BINARY_LOOP(f64, double, double, expr)
#define PHI_BINARY_WRAPPING(expr)                                                                  \
    PHI_BINARY_FLOATS(expr)                                                                        \
    PHI_BINARY_LOOP(u64, uint64_t, uint64_t, expr)
#define PHI_BINARY_ALL(expr)                                                                       \
    PHI_BINARY_WRAPPING(expr)                                                                      \
    PHI_BINARY_LOOP(i64, int64_t, int64_t, expr)
#define PHI_BINARY_TRUTHS(expr)                                                                    \
    PHI_BINARY_LOOP(f32, float, uint8_t, expr)                                                     \
    PHI_BINARY_LOOP(f64, double, uint8_t, expr)                                                    \
    PHI_BINARY_LOOP(i64, int64_t, uint8_t, expr)                                                   \
    PHI_BINARY_LOOP(u64, uint64_t, uint8_t, expr)

#define PHI_KERNELS_ALL .f32 = f32, .f64 = f64, .i64 = i64, .u64 = u64
#define PHI_KERNELS_WRAPPING .f32 = f32, .f64 = f64, .i64 = u64, .u64 = u64

#endif /* PHI_ELEMENTS_H */
