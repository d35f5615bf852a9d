/* SPDX-License-Identifier: MIT */
/* Floor: the largest whole number that is not above x. */
#include <math.h>

#include "ops/formula.h"

PHI_FORMULA_FLOATS(floorf(u), floor(u))

static const phi_formula family = {.types = PHI_TYPES_FLOAT, .kernels = {.f32 = f32, .f64 = f64}};

const phi_op phi_op_floor = {.name = "Floor", .since = 1, .family = &family, PHI_FORMULA_OP};
