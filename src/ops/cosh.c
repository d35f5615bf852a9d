/* SPDX-License-Identifier: MIT */
/* Cosh: y = cosh(x). dL/dx = dL/dy sinh(x). */
#include <math.h>

#include "ops/formula.h"

PHI_FORMULA(phi_op_cosh, "Cosh", 9, coshf(u), cosh(u), g *sinhf(u));
