/* SPDX-License-Identifier: MIT */
/*
 * Shapes, constants and operator parameters of a whole graph, for input shapes that are known.
 */
#include <math.h>

#include "graph/graph.h"

#define SMALL_CONSTANT 1024 /* elements: what shapes and axes are made of */

/* --- Inputs ------------------------------------------------------------------------------------ */

static const ph_shape_hint *hint_for(const ph_graph *g, const char *name, size_t n_hints,
                                     const ph_shape_hint *hints)
{
    for (size_t i = 0; i < n_hints; i++)
        if (hints[i].name ? strcmp(hints[i].name, name) == 0 : ph_graph_n_inputs(g) == 1)
            return &hints[i];
    return NULL;
}

/* Every hint must be about an input. */
static enum ph_status check_hints(const ph_graph *g, size_t n_hints, const ph_shape_hint *hints,
                                  ph_error *err)
{
    for (size_t i = 0; i < n_hints; i++) {
        const char *name = hints[i].name;
        if (hints[i].rank > PH_MAX_RANK)
            return phi_fail(err, PH_ERR_ARG, name, "shape for '%s': %zu dimensions; at most %d are "
                            "possible", name ? name : "", hints[i].rank, PH_MAX_RANK);
        if (!name && ph_graph_n_inputs(g) != 1)
            return phi_fail(err, PH_ERR_ARG, NULL, "a shape without a name needs a graph with one "
                            "input; '%s' has %zu", g->name, ph_graph_n_inputs(g));
        if (!name) continue;
        const ph_value v = ph_graph_find(g, name);
        if (v == PH_NONE || !g->values[v].is_input || g->values[v].constant)
            return phi_fail(err, PH_ERR_NOT_FOUND, name, "a shape is given for '%s', which is no "
                            "input of graph '%s'", name, g->name);
    }
    return PH_OK;
}

static enum ph_status input_from_hint(const phi_value *v, const ph_shape_hint *h, phi_type *t,
                                      ph_error *err)
{
    char want[PHI_TYPE_TEXT], got[PHI_TYPE_TEXT];
    t->rank = (int)h->rank;
    memcpy(t->dims, h->dims, sizeof t->dims);
    bool fits = v->rank < 0 || v->rank == t->rank;
    for (int d = 1; d < t->rank && fits && v->rank >= 0; d++)
        fits = v->dims[d] < 0 || v->dims[d] == t->dims[d];
    if (fits) return PH_OK;
    return phi_fail(err, PH_ERR_SHAPE, v->name, "input '%s': the shape %s does not fit; it is "
                    "declared as %s (-1 is open)", v->name,
                    phi_dims_text(t->rank, t->dims, got, sizeof got),
                    phi_dims_text(v->rank, v->dims, want, sizeof want));
}

static enum ph_status input_type(const ph_graph *g, const phi_value *v, size_t n_hints,
                                 const ph_shape_hint *hints, phi_type *t, ph_error *err)
{
    const ph_shape_hint *h = hint_for(g, v->name, n_hints, hints);
    *t = (phi_type){ .dtype = v->dtype, .rank = v->rank };
    if (ph_dtype_size(v->dtype) == 0)
        return phi_fail(err, PH_ERR_TYPE, v->name, "input '%s' is of type %s, which cannot be used",
                        v->name, ph_dtype_name(v->dtype));
    if (h) {
        enum ph_status st = input_from_hint(v, h, t, err);
        return st ? st : phi_type_check(t, v->name, err);
    }
    if (v->rank < 0)
        return phi_fail(err, PH_ERR_SHAPE, v->name, "input '%s' has no declared shape; one must be "
                        "given", v->name);
    for (int d = 0; d < v->rank; d++) {
        t->dims[d] = v->dims[d] < 0 && d == 0 ? 1 : v->dims[d];
        if (t->dims[d] < 0)
            return phi_fail(err, PH_ERR_SHAPE, v->name, "input '%s' leaves dimension %d%s%s%s open; "
                            "a shape must be given", v->name, d, v->dim_names[d] ? " (" : "",
                            v->dim_names[d] ? v->dim_names[d] : "", v->dim_names[d] ? ")" : "");
    }
    return phi_type_check(t, v->name, err);
}

static enum ph_status start_facts(phi_facts *f, size_t n_hints, const ph_shape_hint *hints,
                                  ph_error *err)
{
    const ph_graph *g = f->graph;
    for (size_t i = 0; i < g->n_values; i++) {
        phi_fact *fact = &f->value[i];
        const phi_value *v = &g->values[i];
        fact->type.rank = -1;
        if (v->constant) {
            fact->type = v->constant->type;
            fact->constant = v->constant;
        } else if (v->is_input) {
            enum ph_status st = input_type(g, v, n_hints, hints, &fact->type, err);
            if (st) return st;
        }
    }
    return PH_OK;
}

/* --- Nodes ------------------------------------------------------------------------------------- */

static enum ph_status check_count(const phi_infer *c, const char *what, size_t n, int least,
                                  int most)
{
    if (n >= (size_t)least && (most < 0 || n <= (size_t)most)) return PH_OK;
    if (most < 0)
        return phi_op_fail(c, PH_ERR_GRAPH, "%zu %s; at least %d are needed", n, what, least);
    return phi_op_fail(c, PH_ERR_GRAPH, "%zu %s; %d to %d are possible", n, what, least, most);
}

/* Kinds of attributes given, presence of those required (unknown ones: phi_graph_check_supported). */
static enum ph_status check_attrs(const phi_infer *c)
{
    const phi_node *n = c->node;
    for (const phi_attr_rule *r = n->op->attrs; r && r->name; r++) {
        if (c->opset < r->first || (r->last && c->opset > r->last)) continue;
        const phi_attr *found = NULL;
        for (size_t i = 0; i < n->n_attrs; i++)
            if (strcmp(n->attrs[i].name, r->name) == 0) found = &n->attrs[i];
        if (!found && r->required)
            return phi_op_fail(c, PH_ERR_GRAPH, "attribute '%s' is missing", r->name);
        if (found && found->kind != r->kind)
            return phi_op_fail(c, PH_ERR_GRAPH, "attribute '%s' is of kind %d; kind %d is wanted",
                               r->name, (int)found->kind, (int)r->kind);
    }
    return PH_OK;
}

static enum ph_status check_inputs(const phi_infer *c)
{
    const phi_op *op = c->node->op;
    if (c->n_in > PHI_MAX_IN || c->n_out > PHI_MAX_OUT)
        return phi_op_fail(c, PH_ERR_UNSUPPORTED, "%zu inputs and %zu outputs; at most %d and %d "
                           "are possible", c->n_in, c->n_out, PHI_MAX_IN, PHI_MAX_OUT);
    enum ph_status st = check_count(c, "inputs", c->n_in, op->min_in, op->max_in);
    if (!st) st = check_count(c, "outputs", c->n_out, op->min_out, op->max_out);
    for (int i = 0; i < op->min_in && !st; i++)
        if (!c->in[i]) st = phi_op_fail(c, PH_ERR_GRAPH, "input %d must not be left out", i);
    return st ? st : check_attrs(c);
}

void phi_facts_node(const phi_facts *f, size_t i, phi_infer *c, const phi_type **in,
                    const ph_tensor **constant, phi_type *out)
{
    const phi_node *n = &f->graph->nodes[i];
    *c = (phi_infer){ .node = n, .opset = (int)phi_graph_opset_of(f->graph, n->domain),
                      .n_in = n->n_in, .n_out = n->n_out, .in = in, .constant = constant,
                      .out = out, .params = f->params[i] };
    for (size_t k = 0; k < n->n_in && k < PHI_MAX_IN; k++) {
        const phi_fact *fact = n->in[k] == PH_NONE ? NULL : &f->value[n->in[k]];
        in[k] = fact && fact->type.rank >= 0 ? &fact->type : NULL;
        constant[k] = fact ? fact->constant : NULL;
    }
    for (size_t k = 0; k < n->n_out && k < PHI_MAX_OUT; k++)
        out[k] = n->out[k] == PH_NONE ? (phi_type){ .rank = -1 } : f->value[n->out[k]].type;
}

static enum ph_status check_results(const phi_infer *c)
{
    for (size_t k = 0; k < c->n_out; k++) {
        enum ph_status st = phi_type_check(&c->out[k], c->node->name, c->err);
        if (st) return st;
        if (ph_dtype_size(c->out[k].dtype) == 0)
            return phi_op_fail(c, PH_ERR_INTERNAL, "output %zu has no type", k);
    }
    return PH_OK;
}

/* --- Constant folding ---------------------------------------------------------------------------- */

static bool can_fold(const phi_infer *c, bool fold)
{
    const phi_op *op = c->node->op;
    if (!op->forward || op->layout == PHI_LAYOUT_IMAGE) return false;
    for (size_t k = 0; k < c->n_in; k++)
        if (c->in[k] && !c->constant[k]) return false;
    for (size_t k = 0; k < c->n_out; k++) {
        const bool index = c->out[k].dtype == PH_INT64 || c->out[k].dtype == PH_INT32;
        const bool small = index && phi_type_count(&c->out[k]) <= SMALL_CONSTANT;
        if (!fold && c->n_in > 0 && !small) return false;
    }
    return true;
}

/* Run the node on its constants; results are the node's facts from now on. */
static enum ph_status fold_node(phi_facts *f, const phi_infer *c)
{
    const phi_node *n = c->node;
    phi_view in[PHI_MAX_IN], out[PHI_MAX_OUT];
    ph_tensor *result[PHI_MAX_OUT] = { NULL };
    for (size_t k = 0; k < c->n_in; k++)
        in[k] = c->constant[k] ? phi_view_of(c->constant[k]) : PHI_NO_VIEW;
    enum ph_status st = PH_OK;
    for (size_t k = 0; k < c->n_out && !st; k++) {
        st = phi_tensor_new(&f->mem, &c->out[k], &result[k], c->err);
        if (!st) out[k] = phi_view_of(result[k]);
    }
    phi_exec e = { .node = n, .params = c->params, .n_in = c->n_in, .n_out = c->n_out, .in = in,
                   .out = out, .lo = -INFINITY, .hi = INFINITY };
    if (!st && n->op->work_bytes) {
        const size_t bytes = n->op->work_bytes(&e, false);
        if (bytes && !(e.work = phi_alloc(&f->mem, bytes))) st = phi_fail_nomem(c->err);
    }
    if (!st) st = n->op->forward(&e, c->err);
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

static enum ph_status infer_node(phi_facts *f, size_t i, bool fold, ph_error *err)
{
    const phi_node *n = &f->graph->nodes[i];
    const phi_type *in[PHI_MAX_IN];
    const ph_tensor *constant[PHI_MAX_IN];
    phi_type out[PHI_MAX_OUT];
    phi_infer c;
    if (n->op->params_bytes) {
        f->params[i] = phi_calloc(&f->mem, 1, n->op->params_bytes);
        if (!f->params[i]) return phi_fail_nomem(err);
    }
    phi_facts_node(f, i, &c, in, constant, out);
    c.err = err;
    for (size_t k = 0; k < n->n_out && k < PHI_MAX_OUT; k++) out[k] = (phi_type){ .rank = -1 };
    enum ph_status st = check_inputs(&c);
    for (size_t k = 0; k < n->n_in && !st; k++)
        if (n->in[k] != PH_NONE && !in[k])
            st = phi_op_fail(&c, PH_ERR_GRAPH, "its input '%s' has no known shape",
                             f->graph->values[n->in[k]].name);
    if (!st) st = n->op->infer(&c);
    if (!st) st = check_results(&c);
    if (st) return st;
    for (size_t k = 0; k < n->n_out; k++)
        if (n->out[k] != PH_NONE) f->value[n->out[k]].type = out[k];
    return can_fold(&c, fold) ? fold_node(f, &c) : PH_OK;
}

void phi_facts_free(phi_facts *f)
{
    if (!f) return;
    const ph_allocator mem = f->mem;
    for (size_t i = 0; f->value && i < f->n_values; i++) ph_tensor_free(f->value[i].owned);
    for (size_t i = 0; f->params && i < f->graph->n_nodes; i++) phi_free(&mem, f->params[i]);
    phi_free(&mem, f->value);
    phi_free(&mem, f->params);
    phi_free(&mem, f);
}

enum ph_status phi_infer_graph(const ph_graph *g, size_t n_hints, const ph_shape_hint *hints,
                               bool fold, phi_facts **out, ph_error *err)
{
    enum ph_status st = phi_graph_check_structure(g, err);
    if (!st) st = phi_graph_check_supported(g, err);
    if (!st) st = check_hints(g, n_hints, hints, err);
    if (st) return st;
    phi_facts *f = phi_calloc(&g->mem, 1, sizeof *f);
    if (!f) return phi_fail_nomem(err);
    *f = (phi_facts){ .mem = g->mem, .graph = g, .n_values = g->n_values,
                      .value = phi_calloc(&g->mem, g->n_values, sizeof *f->value),
                      .params = phi_calloc(&g->mem, g->n_nodes, sizeof *f->params) };
    if (!f->value || !f->params) st = phi_fail_nomem(err);
    if (!st) st = start_facts(f, n_hints, hints, err);
    for (size_t i = 0; i < g->n_nodes && !st; i++) st = infer_node(f, i, fold, err);
    if (st)
        phi_facts_free(f);
    else
        *out = f;
    return st;
}
