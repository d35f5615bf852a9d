/* SPDX-License-Identifier: MIT */
/* p-norms, summed in double: LpPool, GlobalLpPool, LpNormalization. */
#ifndef PHI_LP_NORM_H
#define PHI_LP_NORM_H

#include "graph/op.h"

/* Attribute p: a float in opset 1, an integer from opset 2 on, 2 where it is missing; above 0. */
enum ph_status phi_lp_read(const phi_infer *c, double *p);

/* sum[i] += |x[i]|^p */
void phi_lp_add(double p, int64_t n, const float *x, double *sum);

double phi_lp_power(double p, double x);  /* |x|^p */
double phi_lp_root(double p, double sum); /* sum^(1/p) */

#endif /* PHI_LP_NORM_H */
