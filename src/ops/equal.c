/* SPDX-License-Identifier: MIT */
/* Equal: y = a == b, a bool. */
#include "ops/binary.h"

PHI_BINARY_TRUTHS(u == v)

static const phi_binary equal = {.types = PHI_TYPES_ALL,
                                 .kernels = {PHI_KERNELS_ALL, .truth = true}};

const phi_op phi_op_equal = {
    .name = "Equal",
    .since = 1,
    .attrs = phi_comparison_attrs,
    .family = &equal,
    PHI_BINARY_OP,
};
