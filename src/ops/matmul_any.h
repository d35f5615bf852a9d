/* SPDX-License-Identifier: MIT */
/* MatMul of types that have no kernels. */
#ifndef PHI_MATMUL_ANY_H
#define PHI_MATMUL_ANY_H

#include "ops/matmul_shape.h"

bool phi_matmul_any_has(enum ph_dtype dtype);
/* Inputs 0 and 1 to output 0, all plain. */
void phi_matmul_any(const phi_exec *e, const phi_matmul_shape *p);

#endif /* PHI_MATMUL_ANY_H */
