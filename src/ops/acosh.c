/* SPDX-License-Identifier: MIT */
/* Acosh: y = arcosh(x). dL/dx = dL/dy / sqrt(x^2 - 1). */
#include <math.h>

#include "ops/formula.h"

PHI_FORMULA(phi_op_acosh, "Acosh", 9, acoshf(u), acosh(u), g / sqrtf(u * u - 1.0f));
