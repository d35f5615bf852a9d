/* SPDX-License-Identifier: MIT */
/*
 * Shapes, constants and operator parameters of a whole graph, for input shapes that are known.
 */
#include "graph/infer.h"

/* --- Start ------------------------------------------------------------------------------------- */

/* "shape": in one word, what a failure of inference is about. */
static const char *kind_of(enum ph_status st, ph_value unknown)
{
    if (unknown != PH_NONE) return "value";
    switch (st) {
    case PH_ERR_SHAPE:
    case PH_ERR_OVERFLOW: return "shape";
    case PH_ERR_TYPE: return "type";
    case PH_ERR_UNSUPPORTED: return "limit";
    default: return "structure";
    }
}

/* Report a problem of node `node` (-1: of an input). Lack of memory and our own bugs always end
 * inference. */
static enum ph_status problem(const phi_infer_desc *desc, int32_t node, const char *kind,
                              enum ph_status st, const ph_error *err, ph_value unknown)
{
    if (desc->unknown) *desc->unknown = unknown;
    if (!desc->problem || st == PH_ERR_NOMEM || st == PH_ERR_INTERNAL) return st;
    if (!kind) kind = kind_of(st, unknown);
    return desc->problem(desc->user, &(phi_problem){ node, kind, st, err, unknown });
}

static enum ph_status start_fact(phi_facts *f, const phi_infer_desc *desc, size_t i, ph_error *err)
{
    const phi_value *v = &f->graph->values[i];
    phi_fact *fact = &f->value[i];
    const ph_tensor *known = NULL;
    fact->type.rank = -1;
    if (v->constant) {
        fact->type = v->constant->type;
        fact->constant = v->constant;
        return PH_OK;
    }
    if (!v->is_input || v->unread) return PH_OK;
    enum ph_status st = phi_infer_input(f->graph, v, desc, &fact->type, &known, err);
    if (!st && known) st = phi_tensor_copy(&f->mem, known, &fact->owned, err);
    fact->constant = fact->owned;
    if (!st) return PH_OK;
    fact->type.rank = -1;
    return problem(desc, -1, "input", st, err, PH_NONE);
}

static enum ph_status start_facts(phi_facts *f, const phi_infer_desc *desc, ph_error *err)
{
    enum ph_status st = PH_OK;
    for (size_t i = 0; i < f->n_values; i++) f->value[i].type.rank = -1;
    for (size_t i = 0; i < f->n_values && !st; i++) st = start_fact(f, desc, i, err);
    return st;
}

/* --- Nodes ------------------------------------------------------------------------------------- */

static enum ph_status check_count(const phi_infer *c, const char *what, size_t n, int least,
                                  int most)
{
    const char *s = n == 1 ? "" : "s";
    if (n >= (size_t)least && (most < 0 || n <= (size_t)most)) return PH_OK;
    if (most < 0)
        return phi_op_fail(c, PH_ERR_GRAPH, "%zu %s%s; at least %d are needed", n, what, s, least);
    if (least == most)
        return phi_op_fail(c, PH_ERR_GRAPH, "%zu %s%s, wanted %d", n, what, s, least);
    return phi_op_fail(c, PH_ERR_GRAPH, "%zu %s%s, wanted %d to %d", n, what, s, least, most);
}

static const char *kind_name(enum ph_attr_kind kind)
{
    switch (kind) {
    case PH_ATTR_FLOAT: return "a number";
    case PH_ATTR_INT: return "a whole number";
    case PH_ATTR_STRING: return "a string";
    case PH_ATTR_TENSOR: return "a tensor";
    case PH_ATTR_FLOATS: return "a list of numbers";
    case PH_ATTR_INTS: return "a list of whole numbers";
    case PH_ATTR_STRINGS: return "a list of strings";
    }
    return "of a kind that is not supported";
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
            return phi_op_fail(c, PH_ERR_GRAPH, "attribute '%s' is %s, wanted %s", r->name,
                               kind_name(found->kind), kind_name(r->kind));
    }
    return PH_OK;
}

static enum ph_status check_inputs(const phi_infer *c)
{
    const phi_op *op = c->node->op;
    if (c->n_in > PHI_MAX_IN || c->n_out > PHI_MAX_OUT)
        return phi_op_fail(c, PH_ERR_UNSUPPORTED, "%zu inputs and %zu outputs; at most %d and %d "
                           "are possible", c->n_in, c->n_out, PHI_MAX_IN, PHI_MAX_OUT);
    enum ph_status st = check_count(c, "input", c->n_in, op->min_in, op->max_in);
    if (!st) st = check_count(c, "output", c->n_out, op->min_out, op->max_out);
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
        char text[PHI_TYPE_TEXT];
        const enum ph_status st = phi_type_check(&c->out[k], "", NULL);
        if (st)
            return phi_op_fail(c, st, "its output %s %s", phi_type_text(&c->out[k], text, sizeof text),
                               st == PH_ERR_OVERFLOW ? "is too large to address" : "has no such shape");
        if (ph_dtype_size(c->out[k].dtype) == 0)
            return phi_op_fail(c, PH_ERR_INTERNAL, "output %zu has no type", k);
    }
    return PH_OK;
}

static enum ph_status need_types(const phi_facts *f, const phi_infer *c)
{
    const phi_node *n = c->node;
    for (size_t k = 0; k < n->n_in; k++)
        if (n->in[k] != PH_NONE && !c->in[k])
            return phi_op_fail(c, PH_ERR_GRAPH, "its input '%s' has no known shape",
                               f->graph->values[n->in[k]].name);
    return PH_OK;
}

static enum ph_status infer_node(phi_facts *f, size_t i, const phi_infer_desc *desc,
                                 size_t *unknown, ph_error *err)
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
    c.unknown = unknown;
    for (size_t k = 0; k < n->n_out && k < PHI_MAX_OUT; k++) out[k] = (phi_type){ .rank = -1 };
    enum ph_status st = check_inputs(&c);
    if (!st) st = need_types(f, &c);
    if (!st) st = n->op->infer(&c);
    if (!st) st = check_results(&c);
    if (st) return st;
    for (size_t k = 0; k < n->n_out; k++)
        if (n->out[k] != PH_NONE) f->value[n->out[k]].type = out[k];
    return phi_can_fold(f, &c, desc->fold) ? phi_fold_node(f, &c) : PH_OK;
}

/* --- Going on past problems -------------------------------------------------------------------- */

static bool inputs_are_known(const phi_facts *f, const phi_node *n)
{
    for (size_t k = 0; k < n->n_in; k++)
        if (n->in[k] != PH_NONE && f->value[n->in[k]].type.rank < 0) return false;
    return true;
}

/* Report why a node is not supported; *usable: it can be looked at all the same. */
static enum ph_status survey_support(const phi_facts *f, size_t i, const phi_infer_desc *desc,
                                     bool *usable, ph_error *err)
{
    enum ph_status st = PH_OK;
    *usable = true;
    for (size_t k = 0; !st; k++) {
        const char *kind;
        st = phi_node_supported(f->graph, &f->graph->nodes[i], k, &kind, err);
        if (!st) break;
        *usable &= strcmp(kind, "attribute") == 0;
        st = problem(desc, (int32_t)i, kind, st, err, PH_NONE);
    }
    return st;
}

/* Initializers that node i reads and that could not be read from the file. */
static enum ph_status survey_unread(const phi_facts *f, size_t i, const phi_infer_desc *desc,
                                    ph_error *err)
{
    const phi_node *n = &f->graph->nodes[i];
    enum ph_status st = PH_OK;
    for (size_t k = 0; k < n->n_in && !st; k++) {
        const char *why = n->in[k] == PH_NONE ? NULL : f->graph->values[n->in[k]].unread;
        if (!why) continue;
        st = phi_fail(err, PH_ERR_UNSUPPORTED, n->name, "%s '%s': %s", n->op_type, n->name, why);
        st = problem(desc, (int32_t)i, "type", st, err, PH_NONE);
    }
    return st;
}

static enum ph_status survey_outputs(const phi_facts *f, const phi_infer_desc *desc, ph_error *err)
{
    enum ph_status st = PH_OK;
    for (size_t i = 0; i < f->graph->n_outputs && !st; i++) {
        const phi_value *v = &f->graph->values[f->graph->outputs[i]];
        if (!v->unread) continue;
        st = phi_fail(err, PH_ERR_UNSUPPORTED, v->name, "output '%s': %s", v->name, v->unread);
        st = problem(desc, -1, "type", st, err, PH_NONE);
    }
    return st;
}

/* Node i with its problems reported: what it makes is then what the file says of it, or nothing. */
static enum ph_status survey_node(phi_facts *f, size_t i, const phi_infer_desc *desc, ph_error *err)
{
    const phi_node *n = &f->graph->nodes[i];
    size_t unknown = SIZE_MAX;
    bool usable;
    enum ph_status st = survey_support(f, i, desc, &usable, err);
    if (!st) st = survey_unread(f, i, desc, err);
    if (!st && usable && (!desc->problem || inputs_are_known(f, n))) {
        st = infer_node(f, i, desc, &unknown, err);
        if (!st) return PH_OK;
        const ph_value v = unknown < n->n_in ? n->in[unknown] : PH_NONE;
        st = problem(desc, (int32_t)i, NULL, st, err, v);
    } else if (!st && usable && desc->skipped) {
        st = desc->skipped(desc->user, i);
    }
    for (size_t k = 0; k < n->n_out && !st; k++)
        if (n->out[k] != PH_NONE)
            phi_declared_type(f, n->out[k], &f->value[n->out[k]].type);
    return st;
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

static enum ph_status check_before(const ph_graph *g, const phi_infer_desc *desc, ph_error *err)
{
    enum ph_status st = PH_OK;
    if (!desc->problem) st = phi_graph_check_structure(g, err);
    if (!desc->problem && !st) st = phi_graph_check_supported(g, err);
    return st ? st : phi_infer_check_desc(g, desc, err);
}

enum ph_status phi_infer_graph_with(const ph_graph *g, const phi_infer_desc *desc, phi_facts **out,
                                    ph_error *err)
{
    ph_error own; /* a problem's message is wanted even if the caller does not */
    if (!err) err = &own;
    if (desc->unknown) *desc->unknown = PH_NONE;
    enum ph_status st = check_before(g, desc, err);
    if (st) return st;
    phi_facts *f = phi_calloc(&g->mem, 1, sizeof *f);
    if (!f) return phi_fail_nomem(err);
    *f = (phi_facts){ .mem = g->mem, .graph = g, .n_values = g->n_values,
                      .value = phi_calloc(&g->mem, g->n_values, sizeof *f->value),
                      .params = phi_calloc(&g->mem, g->n_nodes, sizeof *f->params) };
    if (!f->value || !f->params) st = phi_fail_nomem(err);
    if (!st) st = start_facts(f, desc, err);
    for (size_t i = 0; i < g->n_nodes && !st; i++) st = survey_node(f, i, desc, err);
    if (!st) st = survey_outputs(f, desc, err);
    if (st)
        phi_facts_free(f);
    else
        *out = f;
    return st;
}

enum ph_status phi_infer_graph(const ph_graph *g, size_t n_hints, const ph_shape_hint *hints,
                               bool fold, phi_facts **out, ph_error *err)
{
    const phi_infer_desc desc = { .n_hints = n_hints, .hints = hints, .fold = fold };
    return phi_infer_graph_with(g, &desc, out, err);
}
