/* SPDX-License-Identifier: MIT */
#include "ops/softmax_axis.h"

#include <math.h>

#include "graph/loop.h"
#include "ops/op_check.h"

enum { TASK = 4096 }; /* elements a task handles, about */

enum ph_status phi_softmax_infer(phi_infer *c)
{
    phi_softmax_params *p = c->params;
    enum ph_status st = phi_need_dtype(c, 0, PH_FLOAT32);
    if (st) return st;
    int64_t rank = c->in[0]->rank;
    int64_t axis = phi_attr_int(c->node, "axis", c->opset < 13 ? 1 : -1);
    if (axis < -rank || axis >= rank)
        return phi_op_fail(c, PH_ERR_ARG, "axis is %lld, the input has %lld dimensions",
                           (long long)axis, (long long)rank);
    p->axis = (int)(axis < 0 ? axis + rank : axis);
    p->to_end = c->opset < 13;
    c->out[0] = *c->in[0];
    return PH_OK;
}

/* Views 0 .. n_views - 1, the first one written, as groups. */
typedef struct softmax {
    phi_dims outer, group; /* number of a group; place in it */
    int64_t groups_a_task;
    bool logarithm, backward;
} softmax;

/* A group's numbers on its way through the passes. */
typedef struct pass {
    float max;
    double sum;
} pass;

/* --- Groups ---------------------------------------------------------------------------------- */

/* The dimensions of `v` that belong to groups, or those that do not. */
static phi_view part_of(const phi_view *v, const phi_softmax_params *p, bool of_group)
{
    phi_view part = {.type = {.dtype = v->type.dtype}, .data = v->data};
    for (int d = 0; d < v->type.rank; d++) {
        bool in_group = p->to_end ? d >= p->axis : d == p->axis;
        if (in_group != of_group) continue;
        part.type.dims[part.type.rank] = v->type.dims[d];
        part.strides[part.type.rank++] = v->strides[d];
    }
    return part;
}

static phi_dims dims_of_parts(size_t n, const phi_view *const *views, const phi_softmax_params *p,
                              bool of_group)
{
    phi_view part[PHI_LOOP_MAX];
    const phi_view *parts[PHI_LOOP_MAX];
    for (size_t v = 0; v < n; v++) {
        part[v] = part_of(views[v], p, of_group);
        parts[v] = &part[v];
    }
    return phi_dims_of(n, parts);
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

/* Call fn for the runs of group number g. */
static void each_run(const softmax *s, int64_t g, phi_run_fn *fn, pass *p)
{
    const phi_dims *d = &s->group;
    int outer = d->rank > 0 ? d->rank - 1 : 0;
    int64_t inner = d->rank > 0 ? d->dims[outer] : 1, steps[PHI_LOOP_MAX];
    int64_t at[PHI_LOOP_MAX], in_group[PHI_LOOP_MAX];
    void *ptrs[PHI_LOOP_MAX];
    for (size_t v = 0; v < d->n_views; v++)
        steps[v] = d->rank > 0 ? d->strides[v][outer] : 1;
    offsets(&s->outer, s->outer.rank, g, at);
    for (int64_t run = 0; run < d->count / inner; run++) {
        offsets(d, outer, run, in_group);
        for (size_t v = 0; v < d->n_views; v++)
            ptrs[v] = d->data[v] + at[v] + in_group[v];
        fn(p, inner, ptrs, steps);
    }
}

/* --- Passes; views: y, x -----------------------------------------------------------------------
 */

static void max_run(void *arg, int64_t n, void *const *ptrs, const int64_t *steps)
{
    pass *p = arg;
    const float *x = ptrs[1];
    for (int64_t i = 0; i < n; i++)
        p->max = x[i * steps[1]] > p->max ? x[i * steps[1]] : p->max;
}

static void exp_run(void *arg, int64_t n, void *const *ptrs, const int64_t *steps)
{
    pass *p = arg;
    float *y = ptrs[0];
    const float *x = ptrs[1];
    for (int64_t i = 0; i < n; i++) {
        float v = expf(x[i * steps[1]] - p->max);
        y[i * steps[0]] = v;
        p->sum += (double)v;
    }
}

static void divide_run(void *arg, int64_t n, void *const *ptrs, const int64_t *steps)
{
    float *y = ptrs[0], factor = (float)(1 / ((pass *)arg)->sum);
    for (int64_t i = 0; i < n; i++)
        y[i * steps[0]] *= factor;
}

static void sum_exp_run(void *arg, int64_t n, void *const *ptrs, const int64_t *steps)
{
    pass *p = arg;
    const float *x = ptrs[1];
    for (int64_t i = 0; i < n; i++)
        p->sum += (double)expf(x[i * steps[1]] - p->max);
}

static void subtract_run(void *arg, int64_t n, void *const *ptrs, const int64_t *steps)
{
    pass *p = arg;
    float *y = ptrs[0], log_sum = (float)log(p->sum);
    const float *x = ptrs[1];
    for (int64_t i = 0; i < n; i++)
        y[i * steps[0]] = (x[i * steps[1]] - p->max) - log_sum;
}

/* --- Passes; views: dx, y, dy ------------------------------------------------------------------
 */

static void dot_run(void *arg, int64_t n, void *const *ptrs, const int64_t *steps)
{
    pass *p = arg;
    const float *y = ptrs[1], *dy = ptrs[2];
    for (int64_t i = 0; i < n; i++)
        p->sum += (double)y[i * steps[1]] * (double)dy[i * steps[2]];
}

static void softmax_grad_run(void *arg, int64_t n, void *const *ptrs, const int64_t *steps)
{
    float *dx = ptrs[0], sum = (float)((pass *)arg)->sum;
    const float *y = ptrs[1], *dy = ptrs[2];
    for (int64_t i = 0; i < n; i++)
        dx[i * steps[0]] = y[i * steps[1]] * (dy[i * steps[2]] - sum);
}

static void sum_run(void *arg, int64_t n, void *const *ptrs, const int64_t *steps)
{
    pass *p = arg;
    const float *dy = ptrs[2];
    for (int64_t i = 0; i < n; i++)
        p->sum += (double)dy[i * steps[2]];
}

static void log_grad_run(void *arg, int64_t n, void *const *ptrs, const int64_t *steps)
{
    float *dx = ptrs[0], sum = (float)((pass *)arg)->sum;
    const float *y = ptrs[1], *dy = ptrs[2];
    for (int64_t i = 0; i < n; i++)
        dx[i * steps[0]] = dy[i * steps[2]] - expf(y[i * steps[1]]) * sum;
}

/* --- Running -----------------------------------------------------------------------------------
 */

static void softmax_group(const softmax *s, int64_t g)
{
    pass p = {.max = -INFINITY};
    if (s->backward) {
        each_run(s, g, s->logarithm ? sum_run : dot_run, &p);
        each_run(s, g, s->logarithm ? log_grad_run : softmax_grad_run, &p);
        return;
    }
    each_run(s, g, max_run, &p);
    each_run(s, g, s->logarithm ? sum_exp_run : exp_run, &p);
    each_run(s, g, s->logarithm ? subtract_run : divide_run, &p);
}

static void softmax_task(void *arg, size_t task, size_t thread)
{
    const softmax *s = arg;
    int64_t g = (int64_t)task * s->groups_a_task;
    int64_t end = g + s->groups_a_task < s->outer.count ? g + s->groups_a_task : s->outer.count;
    (void)thread;
    for (; g < end; g++)
        softmax_group(s, g);
}

static enum ph_status softmax_run(const phi_exec *e, size_t n_views, const phi_view *const *views,
                                  bool logarithm, bool backward)
{
    softmax s = {.logarithm = logarithm, .backward = backward};
    s.outer = dims_of_parts(n_views, views, e->params, false);
    s.group = dims_of_parts(n_views, views, e->params, true);
    if (s.outer.count == 0 || s.group.count == 0) return PH_OK;
    s.groups_a_task = s.group.count < TASK ? TASK / s.group.count : 1;
    size_t n_tasks = (size_t)((s.outer.count + s.groups_a_task - 1) / s.groups_a_task);
    phi_pool_run(e->pool, n_tasks, softmax_task, &s);
    return PH_OK;
}

enum ph_status phi_softmax_forward(const phi_exec *e, bool logarithm)
{
    return softmax_run(e, 2, (const phi_view *const[]){&e->out[0], &e->in[0]}, logarithm, false);
}

enum ph_status phi_softmax_backward(const phi_exec *e, bool logarithm)
{
    if (phi_view_absent(&e->din[0])) return PH_OK;
    if (phi_view_absent(&e->dout[0])) {
        phi_zero(e->pool, &e->din[0]);
        return PH_OK;
    }
    return softmax_run(e, 3, (const phi_view *const[]){&e->din[0], &e->out[0], &e->dout[0]},
                       logarithm, true);
}
