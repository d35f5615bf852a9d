/* SPDX-License-Identifier: MIT */
/*
 * Indices that are data: int32 or int64, counted from the end if negative.
 */
#ifndef PHI_INDICES_H
#define PHI_INDICES_H

#include "graph/op.h"

/* PH_ERR_ARG / PH_ERR_TYPE unless input i is there and holds int32 or int64. */
enum ph_status phi_need_indices(const phi_infer *c, size_t i);

/* Element `at` (a distance in elements from v->data) of indices, made 0 .. n - 1; -1: outside. */
int64_t phi_index_at(const phi_view *v, int64_t at, int64_t n);

/* PH_ERR_ARG: an index of the node does not exist in an axis of size n. */
enum ph_status phi_index_fail(const phi_exec *e, int64_t n, ph_error *err);

/* PH_ERR_SHAPE unless `at` has the rank of input 0 and, but for `axis`, no more elements anywhere.
 */
enum ph_status phi_check_beside(const phi_infer *c, const phi_type *at, int axis);

#endif /* PHI_INDICES_H */
