/* SPDX-License-Identifier: MIT */
/* Exp: y = e^x. dL/dx = dL/dy y. */
#include <math.h>

#include "ops/formula.h"

PHI_FORMULA(phi_op_exp, "Exp", 1, expf(u), exp(u), g *v);
