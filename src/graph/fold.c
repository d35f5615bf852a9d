/* SPDX-License-Identifier: MIT */
/*
 * Constant folding: nodes whose results are known before running are computed while shapes are
 * inferred, because shapes may depend on them (Shape -> Gather -> Concat -> Reshape).
 */
#include <math.h>

#include "graph/infer.h"
#include "graph/widen.h"

#define SMALL_CONSTANT 1024 /* elements: what shapes, scales and axes are made of */

static bool is_floating(enum ph_dtype t)
{
    return t == PH_FLOAT32 || t == PH_FLOAT64 || t == PH_FLOAT16 || t == PH_BFLOAT16;
}

/* Is input k a list of numbers from the file, such as a bias, not something computed from shapes?
 */
static bool is_weight(const phi_facts *f, const phi_infer *c, size_t k)
{
    const ph_value v = c->node->in[k];
    return c->in[k] && is_floating(c->in[k]->dtype) && f->graph->values[v].constant &&
           phi_type_count(c->in[k]) > 1;
}

static bool is_computed(const phi_facts *f, const phi_infer *c, size_t k)
{
    return c->in[k] && f->value[c->node->in[k]].owned;
}

/* What shapes are made of: few numbers, integers or computed from such. Not the weights of a small
 * layer, which training still wants to change. */
static bool is_shape_arithmetic(const phi_facts *f, const phi_infer *c)
{
    bool floating = false, weights = false, computed = false;
    for (size_t k = 0; k < c->n_out; k++) {
        if (phi_type_count(&c->out[k]) > SMALL_CONSTANT) return false;
        floating |= is_floating(c->out[k].dtype);
    }
    for (size_t k = 0; k < c->n_in; k++) {
        weights |= is_weight(f, c, k);
        computed |= is_computed(f, c, k);
    }
    return !floating || !weights || computed;
}

bool phi_can_fold(const phi_facts *f, const phi_infer *c, bool everything)
{
    const phi_op *op = c->node->op;
    if (!op->forward || op->layout == PHI_LAYOUT_IMAGE) return false;
    for (size_t k = 0; k < c->n_in; k++) {
        const ph_tensor *t = c->constant[k];
        if (c->in[k] && !t && !op->shape_only) return false;
        if (t && t->bytes && !t->data) return false; /* a weight of an outline */
    }
    return everything || c->n_in == 0 || is_shape_arithmetic(f, c);
}

static bool all_empty(const phi_infer *c)
{
    for (size_t k = 0; k < c->n_out; k++)
        if (phi_type_count(&c->out[k]) > 0) return false;
    return true;
}

/* A Constant's tensor is there already: nothing to compute, and no copy of what may be large. */
static const ph_tensor *constant_of_node(const phi_node *n)
{
    return strcmp(n->op->name, "Constant") == 0 ? phi_attr_tensor(n, "value") : NULL;
}

enum ph_status phi_fold_node(phi_facts *f, const phi_infer *c)
{
    const phi_node *n = c->node;
    const ph_tensor *there = constant_of_node(n);
    if (there) {
        if (n->out[0] != PH_NONE) f->value[n->out[0]].constant = there;
        return PH_OK;
    }
    phi_view in[PHI_MAX_IN], out[PHI_MAX_OUT];
    ph_tensor *result[PHI_MAX_OUT] = {NULL};
    for (size_t k = 0; k < c->n_in; k++) {
        in[k] = c->constant[k] ? phi_view_of(c->constant[k]) : PHI_NO_VIEW;
        if (!c->constant[k] && c->in[k]) in[k] = phi_view_plain(c->in[k], NULL); /* shape_only */
    }
    enum ph_status st = PH_OK;
    for (size_t k = 0; k < c->n_out && !st; k++) {
        st = phi_tensor_new(&f->mem, &c->out[k], &result[k], c->err);
        if (!st) out[k] = phi_view_of(result[k]);
    }
    phi_exec e = {.node = n,
                  .params = c->params,
                  .n_in = c->n_in,
                  .n_out = c->n_out,
                  .in = in,
                  .out = out,
                  .lo = -INFINITY,
                  .hi = INFINITY,
                  .exact = true};
    if (!st) {
        const size_t bytes = phi_forward_work_bytes(n->op, &e);
        if (bytes && !(e.work = phi_alloc(&f->mem, bytes))) st = phi_fail_nomem(c->err);
    }
    if (!st && !all_empty(c)) st = phi_forward(n->op, &e, c->err);
    phi_free(&f->mem, e.work);
    for (size_t k = 0; k < c->n_out; k++) {
        if (st || n->out[k] == PH_NONE) {
            ph_tensor_free(result[k]);
            continue;
        }
        phi_fact *fact = &f->value[n->out[k]];
        fact->constant = fact->owned = result[k];
    }
    return st;
}
