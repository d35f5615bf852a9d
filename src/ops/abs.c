/* SPDX-License-Identifier: MIT */
/* Abs: y = |x|; the smallest integer stays what it is. dL/dx = dL/dy, -dL/dy below 0, 0 at 0. */
#include <math.h>

#include "ops/formula.h"

PHI_FORMULA_FLOATS(fabsf(u), fabs(u))
PHI_UNARY_LOOP(i64, int64_t, int64_t, u < 0 ? 0 - (uint64_t)u : (uint64_t)u)
PHI_UNARY_LOOP(u64, uint64_t, uint64_t, u)
PHI_FORMULA_GRAD(u > 0.0f ? g : u < 0.0f ? -g : 0.0f)

static const phi_formula family = {
    .types = PHI_TYPES_NUMBER, .kernels = {PHI_KERNELS_ALL}, .grad = grad};

const phi_op phi_op_abs = {
    .name = "Abs", .since = 1, .family = &family, PHI_FORMULA_OP, .backward = phi_formula_backward};
