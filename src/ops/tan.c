/* SPDX-License-Identifier: MIT */
/* Tan: y = tan(x). dL/dx = dL/dy (1 + y^2). */
#include <math.h>

#include "ops/formula.h"

PHI_FORMULA(phi_op_tan, "Tan", 7, tanf(u), tan(u), g *(1.0f + v * v));
