/* SPDX-License-Identifier: MIT */
/* Sqrt: y = sqrt(x). dL/dx = dL/dy / 2y. */
#include <math.h>

#include "ops/formula.h"

PHI_FORMULA(phi_op_sqrt, "Sqrt", 1, sqrtf(u), sqrt(u), g / (2.0f * v));
