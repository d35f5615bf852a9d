/* SPDX-License-Identifier: MIT */
/*
 * What operators share that only give the same elements another shape: Reshape, Flatten, Squeeze,
 * Unsqueeze. Both sides lie dense in logical order, so forward and backward are plain copies.
 */
#ifndef PHI_MOVE_H
#define PHI_MOVE_H

#include "graph/op.h"

enum ph_status phi_move_forward(const phi_exec *e, ph_error *err);
enum ph_status phi_move_backward(const phi_exec *e, ph_error *err);

/* PH_ERR_ARG unless input 0 is there. */
enum ph_status phi_need_input(const phi_infer *c);

#endif /* PHI_MOVE_H */
