/* SPDX-License-Identifier: MIT */
/*
 * What ArgMax and ArgMin share: where along an axis the largest or smallest element is.
 */
#ifndef PHI_ARG_EXTREME_H
#define PHI_ARG_EXTREME_H

#include "ops/elements.h"

typedef struct phi_arg_params {
    int axis;
    bool keep, last; /* last: of several that are alike, the last one */
} phi_arg_params;

extern const phi_attr_rule phi_arg_attrs[];

enum ph_status phi_arg_infer(phi_infer *c);

/* `sign` 1: the largest, -1: the smallest. */
enum ph_status phi_arg_forward(const phi_exec *e, int sign);

#define PHI_ARG_OP                                                                                 \
    .since = 1, .attrs = phi_arg_attrs, .min_in = 1, .max_in = 1, .min_out = 1, .max_out = 1,      \
    .layout = PHI_LAYOUT_ANY, .params_bytes = sizeof(phi_arg_params), .infer = phi_arg_infer

#endif /* PHI_ARG_EXTREME_H */
