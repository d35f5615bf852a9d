/* SPDX-License-Identifier: MIT */
/* Neg: y = -x; the smallest integer stays what it is. dL/dx = -dL/dy. */
#include "ops/formula.h"

PHI_FORMULA_FLOATS(-u, -u)
PHI_UNARY_LOOP(u64, uint64_t, uint64_t, 0 - u)
PHI_FORMULA_GRAD(-g)

static const phi_formula family = {
    .types = PHI_TYPES_FLOAT | PHI_TYPES_SIGNED, .kernels = {PHI_KERNELS_WRAPPING}, .grad = grad};

const phi_op phi_op_neg = {
    .name = "Neg", .since = 1, .family = &family, PHI_FORMULA_OP, .backward = phi_formula_backward};
