/* SPDX-License-Identifier: MIT */
/* Asin: y = arcsin(x). dL/dx = dL/dy / sqrt(1 - x^2). */
#include <math.h>

#include "ops/formula.h"

PHI_FORMULA(phi_op_asin, "Asin", 7, asinf(u), asin(u), g / sqrtf(1.0f - u * u));
