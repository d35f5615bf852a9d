/* SPDX-License-Identifier: MIT */
/* Atan: y = arctan(x). dL/dx = dL/dy / (1 + x^2). */
#include <math.h>

#include "ops/formula.h"

PHI_FORMULA(phi_op_atan, "Atan", 7, atanf(u), atan(u), g / (1.0f + u * u));
