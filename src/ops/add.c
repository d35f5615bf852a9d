/* SPDX-License-Identifier: MIT */
/* Add: y = a + b. dL/da = dL/db = dL/dy, summed over what was broadcast. */
#include "ops/affine.h"
#include "ops/binary.h"

PHI_BINARY_WRAPPING(u + v)

const phi_binary phi_add = {
    .types = PHI_TYPES_NUMBER, .f32 = f32, .f64 = f64, .i64 = u64, .u64 = u64};

const phi_op phi_op_add = {
    .name = "Add",
    .since = 1,
    .attrs = phi_binary_attrs,
    .family = &phi_add,
    PHI_BINARY_OP,
    .trainable_behind = 3,
    .backward = phi_binary_backward,
    .as_affine = phi_add_as_affine,
};
