/* SPDX-License-Identifier: MIT */
/*
 * Split: the input cut along an axis into one part for each output: of the sizes that `split` says
 * (an attribute before opset 13, an input from then on and in opset 1), else of one size. From
 * opset 18 on the last part may be smaller.
 */
#include <inttypes.h>

#include "graph/loop.h"
#include "ops/axes.h"
#include "ops/move.h"

typedef struct params {
    int axis;
    int64_t start[PHI_MAX_OUT];
} params;

static const phi_attr_rule attrs[] = {
    {.name = "axis", .kind = PH_ATTR_INT, .first = 1},
    {.name = "split", .kind = PH_ATTR_INTS, .first = 1, .last = 12},
    {.name = "num_outputs", .kind = PH_ATTR_INT, .first = 18},
    {.name = NULL},
};

static enum ph_status split_alike(const phi_infer *c, int64_t size, int64_t *part)
{
    const int64_t n = (int64_t)c->n_out, most = (size + n - 1) / n;
    const int64_t wanted = phi_attr_int(c->node, "num_outputs", n);
    if (wanted != n)
        return phi_op_fail(c, PH_ERR_ARG, "num_outputs is %" PRId64 ", but there are %zu", wanted,
                           c->n_out);
    if (size % n != 0 && (c->opset < 18 || size - most * (n - 1) < 0))
        return phi_op_fail(c, PH_ERR_SHAPE,
                           "%" PRId64 " elements cannot be split into %zu parts alike", size,
                           c->n_out);
    for (size_t i = 0; i < c->n_out; i++)
        part[i] = i + 1 < c->n_out ? most : size - most * (n - 1);
    return PH_OK;
}

static enum ph_status check_parts(const phi_infer *c, int64_t size, size_t n, const int64_t *list,
                                  int64_t *part)
{
    int64_t left = size;
    if (n != c->n_out)
        return phi_op_fail(c, PH_ERR_ARG, "split has %zu sizes for %zu outputs", n, c->n_out);
    for (size_t i = 0; i < n; i++) {
        if (list[i] < 0 || list[i] > left)
            return phi_op_fail(c, PH_ERR_SHAPE,
                               "part %zu of size %" PRId64 " does not fit into the %" PRId64
                               " elements that are left",
                               i, list[i], left);
        part[i] = list[i];
        left -= list[i];
    }
    if (left == 0) return PH_OK;
    return phi_op_fail(c, PH_ERR_SHAPE, "the parts leave %" PRId64 " of %" PRId64 " elements over",
                       left, size);
}

/* The sizes of the parts, from wherever they are said. */
static enum ph_status read_parts(const phi_infer *c, int64_t size, int64_t *part)
{
    size_t n;
    const int64_t *list = phi_attr_ints(c->node, "split", &n);
    const ph_tensor *t;
    if (phi_attr_has(c->node, "split")) return check_parts(c, size, n, list, part);
    if (c->n_in < 2 || !c->in[1]) return split_alike(c, size, part);
    if (c->opset > 1 && c->opset < 13)
        return phi_op_fail(c, PH_ERR_ARG, "split is an attribute in opset %d, not input 1",
                           c->opset);
    enum ph_status st = phi_known_input(c, 1, "split", &t);
    if (st) return st;
    if (t->type.dtype != PH_INT64 || t->type.rank != 1)
        return phi_op_fail(c, PH_ERR_TYPE, "input 1 (split) is no list of int64");
    return check_parts(c, size, (size_t)t->count, t->data, part);
}

static enum ph_status infer(phi_infer *c)
{
    params *p = c->params;
    int64_t part[PHI_MAX_OUT] = {0};
    enum ph_status st = phi_need_input(c);
    if (!st) st = phi_axis(c, phi_attr_int(c->node, "axis", 0), c->in[0]->rank, &p->axis);
    if (!st) st = read_parts(c, c->in[0]->dims[p->axis], part);
    for (size_t i = 0; i < c->n_out && !st; i++) {
        c->out[i] = *c->in[0];
        c->out[i].dims[p->axis] = part[i];
        if (i > 0) p->start[i] = p->start[i - 1] + part[i - 1];
    }
    return st;
}

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    const params *p = e->params;
    (void)err;
    for (size_t i = 0; i < e->n_out; i++) {
        if (phi_view_absent(&e->out[i])) continue;
        const phi_view x = phi_part(&e->in[0], &e->out[i].type, p->axis, p->start[i]);
        phi_copy(e->pool, &e->out[i], &x);
    }
    return PH_OK;
}

static enum ph_status backward(const phi_exec *e, ph_error *err)
{
    const params *p = e->params;
    (void)err;
    phi_zero(e->pool, &e->din[0]);
    for (size_t i = 0; i < e->n_out; i++) {
        if (phi_view_absent(&e->dout[i])) continue;
        const phi_view dx = phi_part(&e->din[0], &e->dout[i].type, p->axis, p->start[i]);
        phi_copy(e->pool, &dx, &e->dout[i]);
    }
    return PH_OK;
}

const phi_op phi_op_split = {
    .name = "Split",
    .since = 1,
    .attrs = attrs,
    .min_in = 1,
    .max_in = 2,
    .min_out = 1,
    .max_out = PHI_MAX_OUT,
    .layout = PHI_LAYOUT_ANY,
    .params_bytes = sizeof(params),
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
