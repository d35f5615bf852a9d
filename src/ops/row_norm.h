/* SPDX-License-Identifier: MIT */
/*
 * Normalisation of groups of elements (groups.h) of any layout: LayerNormalization,
 * RMSNormalization, LpNormalization, MeanVarianceNormalization.
 *     y = (x - mean) * factor * scale + bias,
 * mean and factor being those of a group; scale and bias are stretched to the shape of x.
 */
#ifndef PHI_ROW_NORM_H
#define PHI_ROW_NORM_H

#include "graph/op.h"

enum phi_row_norm_kind {
    PHI_ROW_DEVIATION, /* factor = 1 / sqrt(var + epsilon) */
    PHI_ROW_SQUARES,   /* no mean; factor = 1 / sqrt(mean of x^2 + epsilon) */
    PHI_ROW_LP,        /* no mean; factor = 1 / p-norm, 0 where that is 0 */
    PHI_ROW_MVN        /* factor = 1 / (sqrt(var) + epsilon) */
};

typedef struct phi_row_norm {
    enum phi_row_norm_kind kind;
    uint32_t group; /* dimensions of a group */
    double epsilon, p;
} phi_row_norm;

/*
 * For LayerNormalization and RMSNormalization: read axis, epsilon and stash_type, check scale and
 * bias, set outputs 0 and, of LayerNormalization, 1 and 2.
 */
enum ph_status phi_row_norm_infer(phi_infer *c, enum phi_row_norm_kind kind);

/* Inputs x, scale, bias, of which the last two may be missing; outputs y, mean, factor, likewise.
 */
enum ph_status phi_row_norm_forward(const phi_exec *e, ph_error *err);

#endif /* PHI_ROW_NORM_H */
