/* SPDX-License-Identifier: MIT */
/* Sum: y = x0 + x1 + ..., added up in this order. dL/dxi = dL/dy. */
#include "ops/variadic.h"

PHI_BINARY_FLOATS(u + v)

static const phi_variadic family = {.types = PHI_TYPES_FLOAT, .kernels = {.f32 = f32, .f64 = f64}};

const phi_op phi_op_sum = {
    .name = "Sum", .family = &family, PHI_VARIADIC_OP, .trainable_behind = ~0u};
