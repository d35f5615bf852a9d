/* SPDX-License-Identifier: MIT */
/*
 * Trilu: the part of each matrix (the last two dimensions) on and above diagonal k, or, with upper
 * 0, on and below it; zero elsewhere.
 */
#include "graph/loop.h"
#include "ops/move.h"

typedef struct params {
    bool upper;
} params;

static const phi_attr_rule attrs[] = {
    {.name = "upper", .kind = PH_ATTR_INT, .first = 14},
    {.name = NULL},
};

static enum ph_status infer(phi_infer *c)
{
    params *p = c->params;
    char text[PHI_TYPE_TEXT];
    enum ph_status st = phi_need_input(c);
    if (st) return st;
    const phi_type *k = c->n_in > 1 ? c->in[1] : NULL;
    if (c->in[0]->rank < 2)
        return phi_op_fail(c, PH_ERR_SHAPE, "input is %s, wanted are 2 dimensions at least",
                           phi_type_text(c->in[0], text, sizeof text));
    if (k && (k->dtype != PH_INT64 || phi_type_count(k) != 1))
        return phi_op_fail(c, PH_ERR_TYPE, "input 1 (k) is %s, wanted is one int64",
                           phi_type_text(k, text, sizeof text));
    p->upper = phi_attr_int(c->node, "upper", 1) != 0;
    c->out[0] = *c->in[0];
    return PH_OK;
}

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    const params *p = e->params;
    const phi_type *t = &e->in[0].type;
    const int64_t h = t->dims[t->rank - 2], w = t->dims[t->rank - 1], count = phi_type_count(t);
    const int64_t size = (int64_t)ph_dtype_size(t->dtype);
    const bool given = e->n_in > 1 && !phi_view_absent(&e->in[1]);
    int64_t k = given ? *(const int64_t *)e->in[1].data : 0;
    (void)err;
    k = k < -h ? -h : k > w ? w : k;
    for (int64_t r = 0; count > 0 && r < count / w; r++) { /* rows: columns from .. to - 1 stay */
        const int64_t edge = r % h + k + !p->upper, cut = edge < 0 ? 0 : edge > w ? w : edge;
        const int64_t from = p->upper ? cut : 0, to = p->upper ? w : cut;
        char *y = (char *)e->out[0].data + r * w * size;
        const char *x = (const char *)e->in[0].data + r * w * size;
        memset(y, 0, (size_t)(from * size));
        memcpy(y + from * size, x + from * size, (size_t)((to - from) * size));
        memset(y + to * size, 0, (size_t)((w - to) * size));
    }
    return PH_OK;
}

const phi_op phi_op_trilu = {
    .name = "Trilu",
    .since = 14,
    .attrs = attrs,
    .min_in = 1,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_PLAIN,
    .params_bytes = sizeof(params),
    .infer = infer,
    .forward = forward,
};
