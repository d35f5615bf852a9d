/* SPDX-License-Identifier: MIT */
#ifndef PHI_AFFINE_H
#define PHI_AFFINE_H

#include "graph/op.h"

/* op->as_affine of operators of two operands, either of which may be the constant. */
bool phi_add_as_affine(const phi_infer *c, double *scale, double *shift);
bool phi_sub_as_affine(const phi_infer *c, double *scale, double *shift);
bool phi_mul_as_affine(const phi_infer *c, double *scale, double *shift);
bool phi_div_as_affine(const phi_infer *c, double *scale, double *shift);

#endif /* PHI_AFFINE_H */
