/* SPDX-License-Identifier: MIT */
/* Reciprocal: y = 1 / x. dL/dx = -dL/dy y^2. */
#include <math.h>

#include "ops/formula.h"

PHI_FORMULA(phi_op_reciprocal, "Reciprocal", 1, 1.0f / u, 1.0 / u, -g *(v *v));
