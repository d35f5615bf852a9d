/* SPDX-License-Identifier: MIT */
#include "ops/row_norm.h"

#include <math.h>

#include "ops/axes.h"
#include "ops/groups.h"
#include "ops/lp_norm.h"
#include "ops/op_check.h"

/* Scale or bias: float32, stretched to the input's shape. */
static enum ph_status check_stretched(const phi_infer *c, size_t i, const char *what)
{
    char text[PHI_TYPE_TEXT], wanted[PHI_TYPE_TEXT];
    const phi_type *x = c->in[0];
    phi_type both;
    enum ph_status st = phi_need_dtype(c, i, PH_FLOAT32);
    if (st) return st;
    if (phi_broadcast_types(x, c->in[i], &both) && phi_type_equal(&both, x)) return PH_OK;
    return phi_op_fail(c, PH_ERR_SHAPE, "%s %s cannot be stretched to the input's %s", what,
                       phi_dims_text(c->in[i]->rank, c->in[i]->dims, text, sizeof text),
                       phi_dims_text(x->rank, x->dims, wanted, sizeof wanted));
}

enum ph_status phi_row_norm_infer(phi_infer *c, enum phi_row_norm_kind kind)
{
    phi_row_norm *p = c->params;
    int axis = 0;
    enum ph_status st = phi_need_dtype(c, 0, PH_FLOAT32);
    if (!st) st = phi_axis(c, phi_attr_int(c->node, "axis", -1), c->in[0]->rank, &axis);
    if (!st) st = check_stretched(c, 1, "scale");
    if (!st && c->n_in > 2 && c->in[2]) st = check_stretched(c, 2, "bias");
    if (st) return st;
    if (phi_attr_int(c->node, "stash_type", 1) != 1)
        return phi_op_fail(c, PH_ERR_UNSUPPORTED,
                           "stash_type is %lld, only 1 (float32) is supported",
                           (long long)phi_attr_int(c->node, "stash_type", 1));
    *p = (phi_row_norm){.kind = kind,
                        .group = ~UINT32_C(0) << axis,
                        .epsilon = (double)phi_attr_float(c->node, "epsilon", 1e-5f)};
    for (size_t i = 0; i < c->n_out; i++) {
        c->out[i] = *c->in[0];
        if (i > 0) c->out[i].dtype = PH_FLOAT32; /* stash_type */
        for (int d = axis; i > 0 && d < c->in[0]->rank; d++)
            c->out[i].dims[d] = 1;
    }
    return PH_OK;
}

/* A group's numbers on its way through the passes. */
typedef struct pass {
    const phi_row_norm *p;
    bool scaled, biased, keeps_mean, keeps_factor;
    double mean, sum;
    float shift, factor; /* of the result */
} pass;

/* views: y, x, scale, bias, mean, factor */
static void sum_run(void *arg, int64_t n, void *const *ptrs, const int64_t *steps)
{
    pass *p = arg;
    const float *x = ptrs[1];
    for (int64_t i = 0; i < n; i++)
        p->sum += (double)x[i * steps[1]];
}

static void square_run(void *arg, int64_t n, void *const *ptrs, const int64_t *steps)
{
    pass *p = arg;
    const float *x = ptrs[1];
    const double mean = p->mean;
    for (int64_t i = 0; i < n; i++) {
        double d = (double)x[i * steps[1]] - mean;
        p->sum += d * d;
    }
}

static void power_run(void *arg, int64_t n, void *const *ptrs, const int64_t *steps)
{
    pass *p = arg;
    const float *x = ptrs[1];
    for (int64_t i = 0; i < n; i++)
        p->sum += phi_lp_power(p->p->p, (double)x[i * steps[1]]);
}

static void write_run(void *arg, int64_t n, void *const *ptrs, const int64_t *steps)
{
    const pass *p = arg;
    const float shift = p->shift, factor = p->factor;
    float *y = ptrs[0];
    const float *x = ptrs[1], *scale = ptrs[2], *bias = ptrs[3];
    for (int64_t i = 0; i < n; i++) {
        float v = (x[i * steps[1]] - shift) * factor;
        if (p->scaled) v *= scale[i * steps[2]];
        y[i * steps[0]] = p->biased ? v + bias[i * steps[3]] : v;
    }
    if (p->keeps_mean) *(float *)ptrs[4] = shift; /* stretched over the group: one element */
    if (p->keeps_factor) *(float *)ptrs[5] = factor;
}

static double factor_of(const pass *p, double count)
{
    switch (p->p->kind) {
    case PHI_ROW_DEVIATION:
    case PHI_ROW_SQUARES:
        return 1 / sqrt(p->sum / count + p->p->epsilon);
    case PHI_ROW_MVN:
        return 1 / (sqrt(p->sum / count) + p->p->epsilon);
    case PHI_ROW_LP:
        break;
    }
    return p->sum > 0 ? 1 / phi_lp_root(p->p->p, p->sum) : p->sum < 0 || p->sum == 0 ? 0 : p->sum;
}

static void norm_group(const phi_groups *groups, int64_t g, void *arg)
{
    pass p = *(const pass *)arg;
    const double count = (double)groups->group.count;
    bool centred = p.p->kind == PHI_ROW_DEVIATION || p.p->kind == PHI_ROW_MVN;
    if (centred) {
        phi_groups_each(groups, g, sum_run, &p);
        p.mean = p.sum / count;
        p.sum = 0;
    }
    phi_groups_each(groups, g, p.p->kind == PHI_ROW_LP ? power_run : square_run, &p);
    p.shift = (float)p.mean;
    p.factor = (float)factor_of(&p, count);
    phi_groups_each(groups, g, write_run, &p);
}

/* Input or output i stretched to the shape of x; x itself where it is missing. */
static phi_view stretched(const phi_exec *e, const phi_view *views, size_t n, size_t i, bool *there)
{
    *there = i < n && !phi_view_absent(&views[i]);
    return *there ? phi_view_broadcast(&views[i], &e->in[0].type) : e->in[0];
}

enum ph_status phi_row_norm_forward(const phi_exec *e, ph_error *err)
{
    pass p = {.p = e->params};
    const phi_view scale = stretched(e, e->in, e->n_in, 1, &p.scaled);
    const phi_view bias = stretched(e, e->in, e->n_in, 2, &p.biased);
    const phi_view mean = stretched(e, e->out, e->n_out, 1, &p.keeps_mean);
    const phi_view factor = stretched(e, e->out, e->n_out, 2, &p.keeps_factor);
    (void)err;
    phi_groups groups = phi_groups_of(
        6, (const phi_view *const[]){&e->out[0], &e->in[0], &scale, &bias, &mean, &factor},
        p.p->group);
    phi_groups_run(e->pool, &groups, norm_group, &p);
    return PH_OK;
}
