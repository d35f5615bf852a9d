/* SPDX-License-Identifier: MIT */
/* IsNaN: is x not a number? */
#include <math.h>

#include "ops/formula.h"

PHI_UNARY_LOOP(f32, float, uint8_t, isnan(u) != 0)
PHI_UNARY_LOOP(f64, double, uint8_t, isnan(u) != 0)

static const phi_formula family = {.types = PHI_TYPES_FLOAT,
                                   .kernels = {.f32 = f32, .f64 = f64, .truth = true}};

const phi_op phi_op_is_nan = {.name = "IsNaN", .since = 9, .family = &family, PHI_FORMULA_OP};
