/* SPDX-License-Identifier: MIT */
/*
 * CumSum: the sum of an axis up to and with each element; `exclusive`: without it; `reverse`: from
 * the other end. Floats are added in double, integers wrap.
 */
#include "graph/graph.h"
#include "ops/axes.h"
#include "ops/elements.h"
#include "ops/groups.h"

typedef struct params {
    int axis;
    bool exclusive, reverse;
} params;

static const phi_attr_rule attrs[] = {
    {.name = "exclusive", .kind = PH_ATTR_INT, .first = 11},
    {.name = "reverse", .kind = PH_ATTR_INT, .first = 11},
    {.name = NULL},
};

static enum ph_status infer(phi_infer *c)
{
    params *p = c->params;
    const ph_tensor *t;
    enum ph_status st = phi_need_types(c, 0, PHI_TYPES_NUMBER);
    if (!st) st = phi_known_input(c, 1, "axis", &t);
    if (st) return st;
    if (t->count != 1 || (t->type.dtype != PH_INT64 && t->type.dtype != PH_INT32))
        return phi_op_fail(c, PH_ERR_TYPE, "input 1 (axis) is no single int32 or int64");
    const int64_t axis =
        t->type.dtype == PH_INT64 ? *(const int64_t *)t->data : *(const int32_t *)t->data;
    p->exclusive = phi_attr_int(c->node, "exclusive", 0) != 0;
    p->reverse = phi_attr_int(c->node, "reverse", 0) != 0;
    c->out[0] = *c->in[0];
    return phi_axis(c, axis, c->in[0]->rank, &p->axis);
}

typedef struct job {
    enum ph_dtype dtype;
    bool exclusive, reverse;
} job;

/* views: y, x */
static void axis_run(void *arg, int64_t n, void *const *p, const int64_t *s)
{
    const job *j = arg;
    const enum phi_wide wide =
        phi_types_have(PHI_TYPES_FLOAT, j->dtype) ? PHI_F64 : phi_wide_of(j->dtype);
    const int64_t size = (int64_t)ph_dtype_size(j->dtype);
    phi_room sum = {.u64 = {0}}, room; /* all bits 0 are 0.0, too */
    int64_t step;
    for (int64_t k = 0; k < n; k++) {
        const int64_t i = j->reverse ? n - 1 - k : k;
        const void *x =
            phi_widen(j->dtype, wide, 1, (const char *)p[1] + i * s[1] * size, 1, &room, &step);
        char *y = (char *)p[0] + i * s[0] * size;
        if (j->exclusive) phi_narrow(j->dtype, wide, 1, &sum, y, 1);
        if (wide == PHI_F64)
            sum.f64[0] += *(const double *)x;
        else
            sum.u64[0] += *(const uint64_t *)x;
        if (!j->exclusive) phi_narrow(j->dtype, wide, 1, &sum, y, 1);
    }
}

static void one_group(const phi_groups *groups, int64_t g, void *arg)
{
    phi_groups_each(groups, g, axis_run, arg);
}

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    const params *p = e->params;
    job j = {.dtype = e->in[0].type.dtype, .exclusive = p->exclusive, .reverse = p->reverse};
    const phi_groups groups =
        phi_groups_of(2, (const phi_view *const[]){&e->out[0], &e->in[0]}, UINT32_C(1) << p->axis);
    (void)err;
    phi_groups_run(e->pool, &groups, one_group, &j);
    return PH_OK;
}

const phi_op phi_op_cum_sum = {
    .name = "CumSum",
    .since = 11,
    .attrs = attrs,
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_ANY,
    .params_bytes = sizeof(params),
    .infer = infer,
    .forward = forward,
};
