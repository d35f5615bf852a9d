/* SPDX-License-Identifier: MIT */
/* Round: the nearest whole number; halves to the even one. */
#include <math.h>

#include "ops/formula.h"

PHI_FORMULA_FLOATS(rintf(u), rint(u))

static const phi_formula family = {.types = PHI_TYPES_FLOAT, .kernels = {.f32 = f32, .f64 = f64}};

const phi_op phi_op_round = {.name = "Round", .since = 11, .family = &family, PHI_FORMULA_OP};
