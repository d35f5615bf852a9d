/* SPDX-License-Identifier: MIT */
/*
 * QLinearMatMul: MatMulInteger's sum as
 *     y = saturate(round(sum * (a_scale * b_scale / y_scale)) + y_zero_point)
 * The sum is exact; the factor and the product with it are floats, as in ONNX Runtime. The scales
 * of a and y are single numbers, that of b may be one for each column.
 */
#include "ops/int_matmul.h"
#include "ops/op_check.h"
#include "ops/quantised.h"

enum { A, A_SCALE, A_ZERO, B, B_SCALE, B_ZERO, Y_SCALE, Y_ZERO };

static const phi_int_operands operands = {.a = A, .a_zero = A_ZERO, .b = B, .b_zero = B_ZERO};

static enum ph_status qlinear_matmul_infer(phi_infer *c)
{
    phi_matmul_shape *p = c->params;
    enum ph_status st = phi_need_int8(c, Y_ZERO);
    if (st) return st;
    c->out[0].dtype = c->in[Y_ZERO]->dtype;
    st = phi_int_matmul_infer(c, &operands, p);
    if (!st) st = phi_need_quantum(c, A_SCALE, "a_scale", PH_UNDEFINED, 1);
    if (!st) st = phi_need_quantum(c, B_SCALE, "b_scale", PH_UNDEFINED, (int64_t)p->n);
    if (!st) st = phi_need_quantum(c, Y_SCALE, "y_scale", PH_UNDEFINED, 1);
    if (!st) st = phi_need_quantum(c, Y_ZERO, "y_zero_point", c->in[Y_ZERO]->dtype, 1);
    return st;
}

static enum ph_status qlinear_matmul_macs(const phi_infer *c, int64_t *macs)
{
    return phi_matmul_macs(c, A, macs);
}

static size_t qlinear_matmul_work_bytes(const phi_exec *e, bool backward)
{
    (void)backward;
    return phi_int_matmul_work_bytes(e, e->params);
}

static enum ph_status qlinear_matmul_forward(const phi_exec *e, ph_error *err)
{
    const phi_matmul_shape *p = e->params;
    float *multiplier = e->work;
    (void)err;
    for (size_t j = 0; j < p->n; j++)
        multiplier[j] = phi_scale_at(&e->in[A_SCALE], 0) *
                        phi_scale_at(&e->in[B_SCALE], (int64_t)j) /
                        phi_scale_at(&e->in[Y_SCALE], 0);
    const phi_int_result result = {.dtype = e->out[0].type.dtype,
                                   .multiplier = multiplier,
                                   .zero = phi_zero_at(&e->in[Y_ZERO], 0)};
    phi_int_matmul(e, &operands, p, &result);
    return PH_OK;
}

static const phi_attr_rule qlinear_matmul_attrs[] = {{0}};

const phi_op phi_op_qlinear_matmul = {
    .name = "QLinearMatMul",
    .since = 10,
    .attrs = qlinear_matmul_attrs,
    .min_in = 8,
    .max_in = 8,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_PLAIN,
    .trainable = 1u << 3,
    .params_bytes = sizeof(phi_matmul_shape),
    .infer = qlinear_matmul_infer,
    .macs = qlinear_matmul_macs,
    .work_bytes = qlinear_matmul_work_bytes,
    .forward = qlinear_matmul_forward,
};
