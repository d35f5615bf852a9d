/* SPDX-License-Identifier: MIT */
/*
 * What Softmax, LogSoftmax and Hardmax share: groups of elements along an axis, of any layout.
 * Before opset 13 a group is everything from the axis on (the input seen as a matrix), from then on
 * the axis alone.
 */
#ifndef PHI_SOFTMAX_AXIS_H
#define PHI_SOFTMAX_AXIS_H

#include "graph/op.h"

typedef struct phi_softmax_params {
    uint32_t group; /* bit i: dimension i belongs to a group */
} phi_softmax_params;

enum ph_status phi_softmax_infer(phi_infer *c);

/* y = softmax(x), or its logarithm. */
enum ph_status phi_softmax_forward(const phi_exec *e, bool logarithm);
enum ph_status phi_softmax_backward(const phi_exec *e, bool logarithm);

#endif /* PHI_SOFTMAX_AXIS_H */
