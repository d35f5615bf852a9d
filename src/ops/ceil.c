/* SPDX-License-Identifier: MIT */
/* Ceil: the smallest whole number that is not below x. */
#include <math.h>

#include "ops/formula.h"

PHI_FORMULA_FLOATS(ceilf(u), ceil(u))

static const phi_formula family = {.types = PHI_TYPES_FLOAT, .kernels = {.f32 = f32, .f64 = f64}};

const phi_op phi_op_ceil = {.name = "Ceil", .since = 1, .family = &family, PHI_FORMULA_OP};
