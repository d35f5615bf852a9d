/* SPDX-License-Identifier: MIT */
/* ReduceMean: the mean over some axes, summed in double. */
#include "ops/axes.h"
#include "graph/loop.h"
#include "ops/move.h"

typedef struct params {
    uint32_t axes; /* bit i: axis i of the input goes */
    bool keep;
    double count; /* elements a mean is of */
} params;

static const phi_attr_rule attrs[] = {
    {.name = "axes", .kind = PH_ATTR_INTS, .first = 1, .last = 17},
    {.name = "keepdims", .kind = PH_ATTR_INT, .first = 1},
    {.name = "noop_with_empty_axes", .kind = PH_ATTR_INT, .first = 18},
    {.name = NULL},
};

static enum ph_status infer(phi_infer *c)
{
    params *p = c->params;
    phi_ints axes;
    enum ph_status st = phi_need_input(c);
    if (st) return st;
    const phi_type *in = c->in[0];
    if (in->dtype != PH_FLOAT32)
        return phi_op_fail(c, PH_ERR_UNSUPPORTED, "input is %s, supported is float32",
                           ph_dtype_name(in->dtype));
    st = phi_ints_read(c, "axes", 1, 18, &axes);
    if (st) return st;
    st = phi_axes_mask(c, axes.n, axes.at, in->rank, &p->axes);
    if (st) return st;
    if (axes.n == 0 && !phi_attr_int(c->node, "noop_with_empty_axes", 0))
        p->axes = (UINT32_C(1) << in->rank) - 1;
    p->keep = phi_attr_int(c->node, "keepdims", 1) != 0;
    p->count = 1;
    phi_type out = {.dtype = in->dtype};
    for (int i = 0; i < in->rank; i++) {
        bool goes = p->axes >> i & 1;
        if (goes) p->count *= (double)in->dims[i];
        if (!goes || p->keep) out.dims[out.rank++] = goes ? 1 : in->dims[i];
    }
    c->out[0] = out;
    return PH_OK;
}

/* `v`, shaped like the output, with a dimension of size 1 for each one that went. */
static phi_view with_all_dims(const phi_exec *e, const phi_view *v)
{
    const params *p = e->params;
    int rank = e->in[0].type.rank;
    phi_view r = {.type = {.dtype = v->type.dtype, .rank = rank}, .data = v->data};
    for (int i = 0, from = 0; i < rank; i++) {
        bool goes = p->axes >> i & 1;
        r.type.dims[i] = goes ? 1 : v->type.dims[from];
        r.strides[i] = goes ? 0 : v->strides[from];
        if (!goes || p->keep) from++;
    }
    return r;
}

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    const params *p = e->params;
    phi_view y = with_all_dims(e, &e->out[0]);
    (void)err;
    phi_sum_to(e->pool, &y, 1, &e->in[0], NULL, p->count);
    return PH_OK;
}

static void spread_run(void *arg, int64_t n, void *const *p, const int64_t *s)
{
    float count = *(const float *)arg;
    float *dx = p[0];
    const float *dy = p[1];
    for (int64_t i = 0; i < n; i++)
        dx[i * s[0]] = dy[i * s[1]] / count;
}

static enum ph_status backward(const phi_exec *e, ph_error *err)
{
    const params *p = e->params;
    float count = (float)p->count;
    (void)err;
    if (phi_view_absent(&e->din[0])) return PH_OK;
    if (phi_view_absent(&e->dout[0])) {
        phi_zero(e->pool, &e->din[0]);
        return PH_OK;
    }
    phi_view dy = with_all_dims(e, &e->dout[0]);
    dy = phi_view_broadcast(&dy, &e->in[0].type);
    phi_loop(e->pool, 2, (const phi_view *const[]){&e->din[0], &dy}, spread_run, &count);
    return PH_OK;
}

const phi_op phi_op_reduce_mean = {
    .name = "ReduceMean",
    .passes = PHI_PASSES_AXES,
    .since = 1,
    .attrs = attrs,
    .min_in = 1,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_ANY,
    .params_bytes = sizeof(params),
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
