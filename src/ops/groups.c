/* SPDX-License-Identifier: MIT */
#include "ops/groups.h"

enum { TASK = 4096 }; /* elements a task handles, about */

/* The dimensions of `v` that belong to groups, or those that do not. */
static phi_view part_of(const phi_view *v, uint32_t mask, bool of_group)
{
    phi_view part = {.type = {.dtype = v->type.dtype}, .data = v->data};
    for (int d = 0; d < v->type.rank; d++) {
        if ((mask >> d & 1) != of_group) continue;
        part.type.dims[part.type.rank] = v->type.dims[d];
        part.strides[part.type.rank++] = v->strides[d];
    }
    return part;
}

static phi_dims dims_of_parts(size_t n, const phi_view *const *views, uint32_t mask, bool of_group)
{
    phi_view part[PHI_LOOP_MAX];
    const phi_view *parts[PHI_LOOP_MAX];
    for (size_t v = 0; v < n; v++) {
        part[v] = part_of(views[v], mask, of_group);
        parts[v] = &part[v];
    }
    return phi_dims_of(n, parts);
}

phi_groups phi_groups_of(size_t n_views, const phi_view *const *views, uint32_t mask)
{
    return (phi_groups){.outer = dims_of_parts(n_views, views, mask, false),
                        .group = dims_of_parts(n_views, views, mask, true)};
}

/* Bytes from the first element to element i of `d`, for each view. */
static void offsets(const phi_dims *d, int rank, int64_t i, int64_t *bytes)
{
    int64_t index[PH_MAX_RANK];
    phi_unravel(i, rank, d->dims, index);
    for (size_t v = 0; v < d->n_views; v++) {
        bytes[v] = 0;
        for (int k = 0; k < rank; k++)
            bytes[v] += index[k] * d->strides[v][k];
        bytes[v] *= (int64_t)d->size[v];
    }
}

void phi_groups_each(const phi_groups *groups, int64_t g, phi_run_fn *fn, void *arg)
{
    const phi_dims *d = &groups->group;
    int outer = d->rank > 0 ? d->rank - 1 : 0;
    int64_t inner = d->rank > 0 ? d->dims[outer] : 1, steps[PHI_LOOP_MAX];
    int64_t at[PHI_LOOP_MAX], in_group[PHI_LOOP_MAX];
    void *ptrs[PHI_LOOP_MAX];
    for (size_t v = 0; v < d->n_views; v++)
        steps[v] = d->rank > 0 ? d->strides[v][outer] : 1;
    offsets(&groups->outer, groups->outer.rank, g, at);
    for (int64_t run = 0; run < d->count / inner; run++) {
        offsets(d, outer, run, in_group);
        for (size_t v = 0; v < d->n_views; v++)
            ptrs[v] = d->data[v] + at[v] + in_group[v];
        fn(arg, inner, ptrs, steps);
    }
}

typedef struct job {
    const phi_groups *groups;
    phi_group_fn *fn;
    void *arg;
    int64_t groups_a_task;
} job;

static void group_task(void *arg, size_t task, size_t thread)
{
    const job *j = arg;
    int64_t g = (int64_t)task * j->groups_a_task, n = j->groups->outer.count;
    int64_t end = g + j->groups_a_task < n ? g + j->groups_a_task : n;
    (void)thread;
    for (; g < end; g++)
        j->fn(j->groups, g, j->arg);
}

void phi_groups_run(phi_pool *pool, const phi_groups *groups, phi_group_fn *fn, void *arg)
{
    int64_t size = groups->group.count, n = groups->outer.count;
    job j = {.groups = groups, .fn = fn, .arg = arg};
    if (n == 0 || size == 0) return;
    j.groups_a_task = size < TASK ? TASK / size : 1;
    phi_pool_run(pool, (size_t)((n + j.groups_a_task - 1) / j.groups_a_task), group_task, &j);
}
