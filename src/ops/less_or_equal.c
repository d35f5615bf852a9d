/* SPDX-License-Identifier: MIT */
/* LessOrEqual: y = a <= b, a bool. */
#include "ops/binary.h"

PHI_BINARY_TRUTHS(u <= v)

static const phi_binary less_or_equal = {.types = PHI_TYPES_NUMBER,
                                         .kernels = {PHI_KERNELS_ALL, .truth = true}};

const phi_op phi_op_less_or_equal = {
    .name = "LessOrEqual",
    .since = 12,
    .attrs = phi_comparison_attrs,
    .family = &less_or_equal,
    PHI_BINARY_OP,
};
