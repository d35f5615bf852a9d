/* SPDX-License-Identifier: MIT */
/* Add: y = a + b. dL/da = dL/db = dL/dy, summed over what was broadcast. */
#include "ops/binary.h"

PHI_BINARY_KERNELS(add, ADD)
phi_binary_fn *const phi_add_kernels[PHI_BINARY_TYPES] = PHI_BINARY_TABLE(add);

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    return phi_binary_forward(e, phi_add_kernels, err);
}

static enum ph_status backward(const phi_exec *e, ph_error *err)
{
    (void)err;
    return phi_binary_backward(e, NULL, NULL);
}

const phi_op phi_op_add = {
    .name = "Add",
    .since = 1,
    .attrs = phi_binary_attrs,
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_ANY,
    .trainable = 3,
    .params_bytes = sizeof(phi_binary_params),
    .infer = phi_binary_infer,
    .forward = forward,
    .backward = backward,
};
