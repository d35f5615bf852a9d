/* SPDX-License-Identifier: MIT */
/*
 * 16-bit floats for operators that only know float32 (op.h, `widens`): their inputs are widened
 * into scratch, the operator runs, its results are narrowed, rounded to nearest. Every value
 * between nodes is a 16-bit float, as the graph says.
 *
 * These stand in for op->work_bytes and op->forward; where nothing is to be widened they are the
 * same. Weights of such a node are not packed beforehand.
 */
#ifndef PHI_WIDEN_H
#define PHI_WIDEN_H

#include "graph/op.h"

bool phi_is_half(enum ph_dtype dtype);
/* Does this execution of `op` take widening? */
bool phi_widens(const phi_op *op, const phi_exec *e);

size_t phi_forward_work_bytes(const phi_op *op, const phi_exec *e);
enum ph_status phi_forward(const phi_op *op, const phi_exec *e, ph_error *err);

#endif /* PHI_WIDEN_H */
