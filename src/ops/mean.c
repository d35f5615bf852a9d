/* SPDX-License-Identifier: MIT */
/* Mean: y = (x0 + x1 + ...) / n, added up in this order. dL/dxi = dL/dy / n. */
#include "ops/variadic.h"

PHI_BINARY_FLOATS(u + v)

static const phi_variadic family = {
    .types = PHI_TYPES_FLOAT, .kernels = {.f32 = f32, .f64 = f64}, .mean = true};

const phi_op phi_op_mean = {.name = "Mean", .family = &family, PHI_VARIADIC_OP};
