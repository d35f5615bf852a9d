/* SPDX-License-Identifier: MIT */
#include "ops/arg_extreme.h"

#include "graph/graph.h"
#include "ops/axes.h"
#include "ops/groups.h"
#include "ops/reduce.h"

const phi_attr_rule phi_arg_attrs[] = {
    {.name = "axis", .kind = PH_ATTR_INT, .first = 1},
    {.name = "keepdims", .kind = PH_ATTR_INT, .first = 1},
    {.name = "select_last_index", .kind = PH_ATTR_INT, .first = 12},
    {.name = NULL},
};

enum ph_status phi_arg_infer(phi_infer *c)
{
    phi_arg_params *p = c->params;
    enum ph_status st = phi_need_types(c, 0, PHI_TYPES_NUMBER);
    if (!st) st = phi_axis(c, phi_attr_int(c->node, "axis", 0), c->in[0]->rank, &p->axis);
    if (st) return st;
    if (c->in[0]->dims[p->axis] == 0)
        return phi_op_fail(c, PH_ERR_SHAPE, "axis %d has no elements", p->axis);
    p->keep = phi_attr_int(c->node, "keepdims", 1) != 0;
    p->last = phi_attr_int(c->node, "select_last_index", 0) != 0;
    phi_reduced_type(c->in[0], UINT32_C(1) << p->axis, p->keep, &c->out[0]);
    c->out[0].dtype = PH_INT64;
    return PH_OK;
}

typedef struct search {
    enum ph_dtype dtype;
    int sign;
    bool last;
} search;

/* The best of n numbers from x on, against the best so far (`best`, at index *at; -1: none yet).
 * What is not a number is better than everything, as numpy has it. */
#define DEFINE_BEST(name, type)                                                                    \
    static void name(const search *k, int64_t n, int64_t first, const type *x, int64_t step,       \
                     type *best, int64_t *at)                                                      \
    {                                                                                              \
        for (int64_t i = 0; i < n; i++) {                                                          \
            const type v = x[i * step], u = *best;                                                 \
            const bool ahead = k->sign > 0 ? v > u : v < u, alike = v == u || (v != v && u != u);  \
            if (*at < 0 || (ahead && u == u) || (v != v && u == u) || (alike && k->last)) {        \
                *best = v;                                                                         \
                *at = first + i;                                                                   \
            }                                                                                      \
        }                                                                                          \
    }
DEFINE_BEST(best_f32, float)
DEFINE_BEST(best_f64, double)
DEFINE_BEST(best_i64, int64_t)
DEFINE_BEST(best_u64, uint64_t)

/* views: x, y */
static void axis_run(void *arg, int64_t n, void *const *p, const int64_t *s)
{
    const search *k = arg;
    const enum phi_wide wide = phi_wide_of(k->dtype);
    phi_room room, best = {.u64 = {0}};
    int64_t at = -1, step;
    for (int64_t i = 0; i < n; i += PHI_RUN) {
        const int64_t now = n - i < PHI_RUN ? n - i : PHI_RUN;
        const char *from = (const char *)p[0] + i * s[0] * (int64_t)ph_dtype_size(k->dtype);
        const void *x = phi_widen(k->dtype, wide, now, from, s[0], &room, &step);
        if (wide == PHI_F32)
            best_f32(k, now, i, x, step, best.f32, &at);
        else if (wide == PHI_F64)
            best_f64(k, now, i, x, step, best.f64, &at);
        else if (wide == PHI_I64)
            best_i64(k, now, i, x, step, best.i64, &at);
        else
            best_u64(k, now, i, x, step, best.u64, &at);
    }
    *(int64_t *)p[1] = at;
}

static void one_group(const phi_groups *groups, int64_t g, void *arg)
{
    phi_groups_each(groups, g, axis_run, arg);
}

enum ph_status phi_arg_forward(const phi_exec *e, int sign)
{
    const phi_arg_params *p = e->params;
    const phi_view *x = &e->in[0];
    const uint32_t mask = UINT32_C(1) << p->axis;
    search k = {.dtype = x->type.dtype, .sign = sign, .last = p->last};
    phi_view y = phi_reduced_view(&e->out[0], x->type.rank, mask, p->keep);
    y = phi_view_broadcast(&y, &x->type);
    const phi_groups groups = phi_groups_of(2, (const phi_view *const[]){x, &y}, mask);
    phi_groups_run(e->pool, &groups, one_group, &k);
    return PH_OK;
}
