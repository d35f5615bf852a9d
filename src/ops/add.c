/* SPDX-License-Identifier: MIT */
/* Add: y = a + b. dL/da = dL/db = dL/dy, summed over what was broadcast. */
#include "ops/affine.h"
#include "ops/binary.h"

PHI_BINARY_WRAPPING(u + v)

static const phi_binary add = {.types = PHI_TYPES_NUMBER, .kernels = {PHI_KERNELS_WRAPPING}};

static bool as_add(const phi_infer *c)
{
    return c->in[0]->dtype == PH_FLOAT32 && phi_type_equal(c->in[0], c->in[1]);
}

const phi_op phi_op_add = {
    .name = "Add",
    .since = 1,
    .attrs = phi_binary_attrs,
    .family = &add,
    PHI_BINARY_OP,
    .trainable_behind = 3,
    .backward = phi_binary_backward,
    .as_affine = phi_add_as_affine,
    .as_add = as_add,
};
