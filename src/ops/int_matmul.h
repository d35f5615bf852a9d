/* SPDX-License-Identifier: MIT */
/* Products of stacks of 8-bit matrices: what MatMulInteger and QLinearMatMul share. */
#ifndef PHI_INT_MATMUL_H
#define PHI_INT_MATMUL_H

#include "ops/int_product.h"
#include "ops/matmul_shape.h"

/* The operands' places among the inputs; their zero points may be missing. */
typedef struct phi_int_operands {
    size_t a, a_zero, b, b_zero;
} phi_int_operands;

/* Types, shapes and zero points; output 0's type is the caller's. */
enum ph_status phi_int_matmul_infer(phi_infer *c, const phi_int_operands *o, phi_matmul_shape *p);

/* Scratch, among it a float for each column at its beginning. */
size_t phi_int_matmul_work_bytes(const phi_exec *e, const phi_matmul_shape *p);
void phi_int_matmul(const phi_exec *e, const phi_int_operands *o, const phi_matmul_shape *p,
                    const phi_int_result *result);

#endif /* PHI_INT_MATMUL_H */
