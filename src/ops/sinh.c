/* SPDX-License-Identifier: MIT */
/* Sinh: y = sinh(x). dL/dx = dL/dy cosh(x). */
#include <math.h>

#include "ops/formula.h"

PHI_FORMULA(phi_op_sinh, "Sinh", 9, sinhf(u), sinh(u), g *coshf(u));
