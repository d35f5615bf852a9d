/* SPDX-License-Identifier: MIT */
/* Transpose: y's dimension i is x's dimension perm[i]; without perm, in reverse order. */
#include <inttypes.h>

#include "ops/axes.h"
#include "graph/loop.h"
#include "ops/move.h"

typedef struct params {
    int perm[PH_MAX_RANK];
} params;

static const phi_attr_rule attrs[] = {
    {.name = "perm", .kind = PH_ATTR_INTS, .first = 1},
    {.name = NULL},
};

static enum ph_status read_perm(const phi_infer *c, int rank, int *perm)
{
    size_t n;
    uint32_t seen;
    const int64_t *list = phi_attr_ints(c->node, "perm", &n);
    if (!phi_attr_has(c->node, "perm")) {
        for (int i = 0; i < rank; i++)
            perm[i] = rank - 1 - i;
        return PH_OK;
    }
    if (n != (size_t)rank)
        return phi_op_fail(c, PH_ERR_ARG, "perm has %zu numbers, the input %d dimensions", n, rank);
    for (int i = 0; i < rank; i++) {
        if (list[i] < 0 || list[i] >= rank)
            return phi_op_fail(c, PH_ERR_ARG, "perm has the number %" PRId64 ", wanted is 0 .. %d",
                               list[i], rank - 1);
        perm[i] = (int)list[i];
    }
    return phi_axes_mask(c, n, list, rank, &seen);
}

static enum ph_status infer(phi_infer *c)
{
    params *p = c->params;
    enum ph_status st = phi_need_input(c);
    if (st) return st;
    const phi_type *in = c->in[0];
    st = read_perm(c, in->rank, p->perm);
    if (st) return st;
    phi_type out = *in;
    for (int i = 0; i < in->rank; i++)
        out.dims[i] = in->dims[p->perm[i]];
    c->out[0] = out;
    return PH_OK;
}

/* `v`, which is shaped like the input, seen in the output's order. */
static phi_view permuted(const phi_view *v, const params *p)
{
    phi_view r = *v;
    for (int i = 0; i < v->type.rank; i++) {
        r.type.dims[i] = v->type.dims[p->perm[i]];
        r.strides[i] = v->strides[p->perm[i]];
    }
    return r;
}

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    phi_view x = permuted(&e->in[0], e->params);
    (void)err;
    phi_copy(e->pool, &e->out[0], &x);
    return PH_OK;
}

static enum ph_status backward(const phi_exec *e, ph_error *err)
{
    (void)err;
    phi_view dx = permuted(&e->din[0], e->params);
    phi_copy(e->pool, &dx, &e->dout[0]);
    return PH_OK;
}

/* Only dimensions of size 1 change places. */
static bool as_identity(const phi_infer *c)
{
    const params *p = c->params;
    int last = -1;
    for (int i = 0; i < c->out[0].rank; i++) {
        if (c->out[0].dims[i] == 1) continue;
        if (p->perm[i] < last) return false;
        last = p->perm[i];
    }
    return phi_type_equal(c->in[0], &c->out[0]);
}

const phi_op phi_op_transpose = {
    .name = "Transpose",
    .since = 1,
    .attrs = attrs,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_ANY,
    .params_bytes = sizeof(params),
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .as_identity = as_identity,
};
