/* SPDX-License-Identifier: MIT */
/*
 * The shapes of MatMul (numpy's rules): stacks of matrices whose leading dimensions are broadcast
 * against each other; a one-dimensional operand is one row on the left, one column on the right,
 * and its dimension is missing from the result.
 */
#ifndef PHI_MATMUL_SHAPE_H
#define PHI_MATMUL_SHAPE_H

#include "graph/op.h"

/* An operand's stack seen through the result's stack: index of its matrix. */
typedef struct phi_stack {
    size_t count;             /* matrices of its own */
    size_t step[PH_MAX_RANK]; /* for each leading dimension of the result */
} phi_stack;

typedef struct phi_matmul_shape {
    size_t m, n, k;
    int lead;                 /* leading dimensions of the result */
    size_t dims[PH_MAX_RANK]; /* [lead] */
    size_t count;             /* matrices of the result */
    phi_stack a, b;
} phi_matmul_shape;

/* From inputs `ia` and `ib`; output 0 gets its shape, its type is what it was. */
enum ph_status phi_matmul_shape_infer(phi_infer *c, size_t ia, size_t ib, phi_matmul_shape *p);
enum ph_status phi_matmul_macs(const phi_infer *c, size_t ia, int64_t *macs);

/* Which matrix of an operand belongs to matrix `i` of the result. */
size_t phi_matmul_matrix(const phi_matmul_shape *p, const phi_stack *s, size_t i);

#endif /* PHI_MATMUL_SHAPE_H */
