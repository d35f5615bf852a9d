/* SPDX-License-Identifier: MIT */
/* Sin: y = sin(x). dL/dx = dL/dy cos(x). */
#include <math.h>

#include "ops/formula.h"

PHI_FORMULA(phi_op_sin, "Sin", 7, sinf(u), sin(u), g *cosf(u));
