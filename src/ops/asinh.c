/* SPDX-License-Identifier: MIT */
/* Asinh: y = arsinh(x). dL/dx = dL/dy / sqrt(x^2 + 1). */
#include <math.h>

#include "ops/formula.h"

PHI_FORMULA(phi_op_asinh, "Asinh", 9, asinhf(u), asinh(u), g / sqrtf(u * u + 1.0f));
