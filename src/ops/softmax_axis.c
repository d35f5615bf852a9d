/* SPDX-License-Identifier: MIT */
#include "ops/softmax_axis.h"

#include <math.h>

#include "graph/loop.h"
#include "ops/groups.h"
#include "ops/op_check.h"

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
    if (axis < 0) axis += rank;
    p->group = c->opset < 13 ? ~UINT32_C(0) << axis : UINT32_C(1) << axis;
    c->out[0] = *c->in[0];
    return PH_OK;
}

/* A group's numbers on its way through the passes. */
typedef struct pass {
    float max;
    double sum;
} pass;

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

typedef struct softmax {
    bool logarithm, backward;
} softmax;

static void softmax_group(const phi_groups *groups, int64_t g, void *arg)
{
    const softmax *s = arg;
    pass p = {.max = -INFINITY};
    if (s->backward) {
        phi_groups_each(groups, g, s->logarithm ? sum_run : dot_run, &p);
        phi_groups_each(groups, g, s->logarithm ? log_grad_run : softmax_grad_run, &p);
        return;
    }
    phi_groups_each(groups, g, max_run, &p);
    phi_groups_each(groups, g, s->logarithm ? sum_exp_run : exp_run, &p);
    phi_groups_each(groups, g, s->logarithm ? subtract_run : divide_run, &p);
}

static enum ph_status softmax_run(const phi_exec *e, size_t n_views, const phi_view *const *views,
                                  bool logarithm, bool backward)
{
    const phi_softmax_params *p = e->params;
    softmax s = {.logarithm = logarithm, .backward = backward};
    phi_groups groups = phi_groups_of(n_views, views, p->group);
    phi_groups_run(e->pool, &groups, softmax_group, &s);
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
