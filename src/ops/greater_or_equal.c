/* SPDX-License-Identifier: MIT */
/* GreaterOrEqual: y = a >= b, a bool. */
#include "ops/binary.h"

PHI_BINARY_TRUTHS(u >= v)

static const phi_binary greater_or_equal = {.types = PHI_TYPES_NUMBER,
                                            .kernels = {PHI_KERNELS_ALL, .truth = true}};

const phi_op phi_op_greater_or_equal = {
    .name = "GreaterOrEqual",
    .since = 12,
    .attrs = phi_comparison_attrs,
    .family = &greater_or_equal,
    PHI_BINARY_OP,
};
