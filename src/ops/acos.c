/* SPDX-License-Identifier: MIT */
/* Acos: y = arccos(x). dL/dx = -dL/dy / sqrt(1 - x^2). */
#include <math.h>

#include "ops/formula.h"

PHI_FORMULA(phi_op_acos, "Acos", 7, acosf(u), acos(u), -g / sqrtf(1.0f - u * u));
