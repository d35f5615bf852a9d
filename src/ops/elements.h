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

#endif /* PHI_ELEMENTS_H */
