/* SPDX-License-Identifier: MIT */
/*
 * What operators share that only move elements. Reshape, Flatten, Squeeze and Unsqueeze give them
 * another shape: both sides lie dense in logical order, so forward and backward are plain copies.
 */
#ifndef PHI_MOVE_H
#define PHI_MOVE_H

#include "graph/op.h"

enum ph_status phi_move_forward(const phi_exec *e, ph_error *err);
enum ph_status phi_move_backward(const phi_exec *e, ph_error *err);

/* The part of `whole` that has the type `part`, from index `start` of the axis on. */
phi_view phi_part(const phi_view *whole, const phi_type *part, int axis, int64_t start);

/* op->as_identity: the result has the type of input 0; there is no other input. */
bool phi_same_type(const phi_infer *c);
bool phi_single_input(const phi_infer *c);

/* PH_ERR_ARG unless input 0 is there. */
enum ph_status phi_need_input(const phi_infer *c);

#endif /* PHI_MOVE_H */
