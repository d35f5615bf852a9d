/* SPDX-License-Identifier: MIT */
/* Atanh: y = artanh(x). dL/dx = dL/dy / (1 - x^2). */
#include <math.h>

#include "ops/formula.h"

PHI_FORMULA(phi_op_atanh, "Atanh", 9, atanhf(u), atanh(u), g / (1.0f - u * u));
