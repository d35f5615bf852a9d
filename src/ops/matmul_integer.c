/* SPDX-License-Identifier: MIT */
/* MatMulInteger: (A - a_zero_point) (B - b_zero_point), in int32. */
#include "ops/int_matmul.h"
#include "ops/op_check.h"

static const phi_int_operands operands = {.a = 0, .a_zero = 2, .b = 1, .b_zero = 3};

static enum ph_status matmul_integer_infer(phi_infer *c)
{
    c->out[0].dtype = PH_INT32;
    return phi_int_matmul_infer(c, &operands, c->params);
}

static enum ph_status matmul_integer_macs(const phi_infer *c, int64_t *macs)
{
    return phi_matmul_macs(c, operands.a, macs);
}

static size_t matmul_integer_work_bytes(const phi_exec *e, bool backward)
{
    (void)backward;
    return phi_int_matmul_work_bytes(e, e->params);
}

static enum ph_status matmul_integer_forward(const phi_exec *e, ph_error *err)
{
    (void)err;
    phi_int_matmul(e, &operands, e->params, &(phi_int_result){.dtype = PH_INT32});
    return PH_OK;
}

static const phi_attr_rule matmul_integer_attrs[] = {{0}};

const phi_op phi_op_matmul_integer = {
    .name = "MatMulInteger",
    .since = 10,
    .attrs = matmul_integer_attrs,
    .min_in = 2,
    .max_in = 4,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_PLAIN,
    .trainable = 1u << 1,
    .params_bytes = sizeof(phi_matmul_shape),
    .infer = matmul_integer_infer,
    .macs = matmul_integer_macs,
    .work_bytes = matmul_integer_work_bytes,
    .forward = matmul_integer_forward,
};
