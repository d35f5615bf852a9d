/* SPDX-License-Identifier: MIT */
/* Less: y = a < b, a bool. */
#include "ops/binary.h"

PHI_BINARY_TRUTHS(u < v)

static const phi_binary less = {.types = PHI_TYPES_NUMBER,
                                .kernels = {PHI_KERNELS_ALL, .truth = true}};

const phi_op phi_op_less = {
    .name = "Less",
    .since = 1,
    .attrs = phi_comparison_attrs,
    .family = &less,
    PHI_BINARY_OP,
};
