/* SPDX-License-Identifier: MIT */
/* Log: y = the natural logarithm of x. dL/dx = dL/dy / x. */
#include <math.h>

#include "ops/formula.h"

PHI_FORMULA(phi_op_log, "Log", 1, logf(u), log(u), g / u);
