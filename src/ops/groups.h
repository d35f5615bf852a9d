/* SPDX-License-Identifier: MIT */
/*
 * Views cut into groups: what shares its place in some dimensions and runs over the others. Softmax
 * goes over groups of one axis, layer normalisation over those of the last axes. Any layout.
 */
#ifndef PHI_GROUPS_H
#define PHI_GROUPS_H

#include "graph/loop.h"

typedef struct phi_groups {
    phi_dims outer, group; /* number of a group; place in it */
} phi_groups;

/* Bit i of `mask`: dimension i belongs to the group. At most PHI_LOOP_MAX views of one shape;
 * groups are numbered, and gone through, by falling strides of view 0. */
phi_groups phi_groups_of(size_t n_views, const phi_view *const *views, uint32_t mask);

/* Call fn for the runs of group number g (loop.h). */
void phi_groups_each(const phi_groups *groups, int64_t g, phi_run_fn *fn, void *arg);

/* Call fn for every group, shared out over the threads. None if there are no elements. */
typedef void phi_group_fn(const phi_groups *groups, int64_t g, void *arg);
void phi_groups_run(phi_pool *pool, const phi_groups *groups, phi_group_fn *fn, void *arg);

#endif /* PHI_GROUPS_H */
