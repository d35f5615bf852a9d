/* SPDX-License-Identifier: MIT */
/* Sign: 1 above 0, -1 below, 0 at 0; what is not a number stays so. */
#include "ops/formula.h"

PHI_FORMULA_FLOATS(u > 0.0f ? 1.0f : u < 0.0f ? -1.0f : u, u > 0.0 ? 1.0 : u < 0.0 ? -1.0 : u)
PHI_UNARY_LOOP(i64, int64_t, int64_t, (u > 0) - (u < 0))
PHI_UNARY_LOOP(u64, uint64_t, uint64_t, u > 0)

static const phi_formula family = {.types = PHI_TYPES_NUMBER, .kernels = {PHI_KERNELS_ALL}};

const phi_op phi_op_sign = {.name = "Sign", .since = 9, .family = &family, PHI_FORMULA_OP};
