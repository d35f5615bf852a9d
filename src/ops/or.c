/* SPDX-License-Identifier: MIT */
/* Or of bools: one of them holds, or both. */
#include "ops/binary.h"

PHI_BINARY_LOOP(u64, uint64_t, uint8_t, u | v)

static const phi_binary logic = {.types = PHI_TYPES_BOOL, .kernels = {.u64 = u64, .truth = true}};

const phi_op phi_op_or = {
    .name = "Or",
    .since = 1,
    .attrs = phi_comparison_attrs,
    .family = &logic,
    PHI_BINARY_OP,
};
