/* SPDX-License-Identifier: MIT */
/*
 * What Scatter, ScatterElements and ScatterND share: the data copied, then updates written over
 * some of it, or combined with it one after the other.
 */
#ifndef PHI_SCATTER_H
#define PHI_SCATTER_H

#include "ops/elements.h"

typedef struct phi_scatter_params {
    int axis;
    int reduction; /* 0: none */
} phi_scatter_params;

/* Inputs 0, 1 and 2 and the attribute `reduction`; output 0 is like input 0. */
enum ph_status phi_scatter_infer(phi_infer *c, phi_scatter_params *p);

/* Combine element `from` of the updates (dense) into element `to` of the output (dense). */
void phi_scatter_one(const phi_exec *e, int64_t to, int64_t from);

#endif /* PHI_SCATTER_H */
