/* SPDX-License-Identifier: MIT */
#include "ops/softmax_axis.h"

#include <math.h>

#include "graph/loop.h"
#include "ops/groups.h"
#include "ops/op_check.h"

enum ph_status phi_softmax_infer(phi_infer *c)
{
    phi_softmax_params *p = c->params;
    enum ph_status st = c->in[0]->dtype == PH_FLOAT64 ? PH_OK : phi_need_dtype(c, 0, PH_FLOAT32);
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
    double max, sum;
} pass;

/* --- Passes; views: y, x ---------------------------------------------------------------------- */

#define DEFINE_PASSES(suffix, type, exp_of)                                                        \
    static void max_##suffix(void *arg, int64_t n, void *const *ptrs, const int64_t *steps)        \
    {                                                                                              \
        pass *p = arg;                                                                             \
        const type *x = ptrs[1];                                                                   \
        type max = (type)p->max;                                                                   \
        for (int64_t i = 0; i < n; i++)                                                            \
            max = x[i * steps[1]] > max ? x[i * steps[1]] : max;                                   \
        p->max = (double)max;                                                                      \
    }                                                                                              \
    static void exp_##suffix(void *arg, int64_t n, void *const *ptrs, const int64_t *steps)        \
    {                                                                                              \
        pass *p = arg;                                                                             \
        type *y = ptrs[0], max = (type)p->max;                                                     \
        const type *x = ptrs[1];                                                                   \
        for (int64_t i = 0; i < n; i++) {                                                          \
            type v = exp_of(x[i * steps[1]] - max);                                                \
            y[i * steps[0]] = v;                                                                   \
            p->sum += (double)v;                                                                   \
        }                                                                                          \
    }                                                                                              \
    static void divide_##suffix(void *arg, int64_t n, void *const *ptrs, const int64_t *steps)     \
    {                                                                                              \
        type *y = ptrs[0], factor = (type)(1 / ((pass *)arg)->sum);                                \
        for (int64_t i = 0; i < n; i++)                                                            \
            y[i * steps[0]] *= factor;                                                             \
    }                                                                                              \
    static void sum_exp_##suffix(void *arg, int64_t n, void *const *ptrs, const int64_t *steps)    \
    {                                                                                              \
        pass *p = arg;                                                                             \
        const type *x = ptrs[1], max = (type)p->max;                                               \
        for (int64_t i = 0; i < n; i++)                                                            \
            p->sum += (double)exp_of(x[i * steps[1]] - max);                                       \
    }                                                                                              \
    static void subtract_##suffix(void *arg, int64_t n, void *const *ptrs, const int64_t *steps)   \
    {                                                                                              \
        pass *p = arg;                                                                             \
        type *y = ptrs[0], log_sum = (type)log(p->sum), max = (type)p->max;                        \
        const type *x = ptrs[1];                                                                   \
        for (int64_t i = 0; i < n; i++)                                                            \
            y[i * steps[0]] = (x[i * steps[1]] - max) - log_sum;                                   \
    }
DEFINE_PASSES(f32, float, expf)
DEFINE_PASSES(f64, double, exp)

typedef struct passes {
    phi_run_fn *max, *exp, *divide, *sum_exp, *subtract;
} passes;

static const passes passes_f32 = {max_f32, exp_f32, divide_f32, sum_exp_f32, subtract_f32};
static const passes passes_f64 = {max_f64, exp_f64, divide_f64, sum_exp_f64, subtract_f64};

/* --- Passes; views: dx, y, dy ----------------------------------------------------------------- */

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

/* --- Running ---------------------------------------------------------------------------------- */

typedef struct softmax {
    bool logarithm, backward;
    const passes *passes;
} softmax;

static void softmax_group(const phi_groups *groups, int64_t g, void *arg)
{
    const softmax *s = arg;
    pass p = {.max = (double)-INFINITY};
    if (s->backward) {
        phi_groups_each(groups, g, s->logarithm ? sum_run : dot_run, &p);
        phi_groups_each(groups, g, s->logarithm ? log_grad_run : softmax_grad_run, &p);
        return;
    }
    const passes *f = s->passes;
    phi_groups_each(groups, g, f->max, &p);
    phi_groups_each(groups, g, s->logarithm ? f->sum_exp : f->exp, &p);
    phi_groups_each(groups, g, s->logarithm ? f->subtract : f->divide, &p);
}

static enum ph_status softmax_run(const phi_exec *e, size_t n_views, const phi_view *const *views,
                                  bool logarithm, bool backward)
{
    const phi_softmax_params *p = e->params;
    softmax s = {.logarithm = logarithm, .backward = backward};
    s.passes = views[0]->type.dtype == PH_FLOAT64 ? &passes_f64 : &passes_f32;
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
    return softmax_run(e, 3, (const phi_view *const[]){&e->din[0], &e->out[0], &e->dout[0]},
                       logarithm, true);
}
