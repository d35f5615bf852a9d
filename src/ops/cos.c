/* SPDX-License-Identifier: MIT */
/* Cos: y = cos(x). dL/dx = -dL/dy sin(x). */
#include <math.h>

#include "ops/formula.h"

PHI_FORMULA(phi_op_cos, "Cos", 7, cosf(u), cos(u), -g *sinf(u));
