/* SPDX-License-Identifier: MIT */
/*
 * Hardmax: 1 at the largest element of each group (softmax_axis.h), the first of equals, and 0
 * elsewhere. A not-a-number is never the largest.
 */
#include <math.h>

#include "ops/groups.h"
#include "ops/op_check.h"
#include "ops/softmax_axis.h"

static enum ph_status hardmax_infer(phi_infer *c)
{
    enum ph_status st = phi_need_dtype(c, 0, PH_FLOAT32);
    return st ? st : phi_softmax_infer(c);
}

typedef struct search {
    float max;
    int64_t seen, best; /* elements so far; number of the largest, -1: none yet */
} search;

/* views: y, x */
static void find_run(void *arg, int64_t n, void *const *ptrs, const int64_t *steps)
{
    search *s = arg;
    float *y = ptrs[0];
    const float *x = ptrs[1];
    for (int64_t i = 0; i < n; i++, s->seen++) {
        float v = x[i * steps[1]];
        if (v > s->max || (s->best < 0 && v == v)) {
            s->max = v;
            s->best = s->seen;
        }
        y[i * steps[0]] = 0.0f;
    }
}

static void mark_run(void *arg, int64_t n, void *const *ptrs, const int64_t *steps)
{
    search *s = arg;
    int64_t at = s->best - s->seen;
    if (at >= 0 && at < n) ((float *)ptrs[0])[at * steps[0]] = 1.0f;
    s->seen += n;
}

static void hardmax_group(const phi_groups *groups, int64_t g, void *arg)
{
    search s = {.max = -INFINITY, .best = -1};
    (void)arg;
    phi_groups_each(groups, g, find_run, &s);
    s.seen = 0;
    if (s.best < 0) s.best = 0; /* nothing but not-a-numbers */
    phi_groups_each(groups, g, mark_run, &s);
}

static enum ph_status hardmax_forward(const phi_exec *e, ph_error *err)
{
    const phi_softmax_params *p = e->params;
    (void)err;
    phi_groups groups =
        phi_groups_of(2, (const phi_view *const[]){&e->out[0], &e->in[0]}, p->group);
    phi_groups_run(e->pool, &groups, hardmax_group, NULL);
    return PH_OK;
}

static const phi_attr_rule hardmax_attrs[] = {
    {"axis", PH_ATTR_INT, 1, 0, false},
    {0},
};

/* Groups of several dimensions are searched in logical order, so that the first of equals is the
 * same in every layout: PLAIN. */
const phi_op phi_op_hardmax = {
    .name = "Hardmax",
    .widens = true,
    .since = 1,
    .attrs = hardmax_attrs,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_PLAIN,
    .params_bytes = sizeof(phi_softmax_params),
    .infer = hardmax_infer,
    .forward = hardmax_forward,
};
