/* SPDX-License-Identifier: MIT */
/* Greater: y = a > b, a bool. */
#include "ops/binary.h"

PHI_BINARY_TRUTHS(u > v)

static const phi_binary greater = {.types = PHI_TYPES_NUMBER,
                                   .kernels = {PHI_KERNELS_ALL, .truth = true}};

const phi_op phi_op_greater = {
    .name = "Greater",
    .since = 1,
    .attrs = phi_comparison_attrs,
    .family = &greater,
    PHI_BINARY_OP,
};
