/* SPDX-License-Identifier: MIT */
/*
 * A copy of a graph, with all that was carried along from its file. Values and nodes keep their
 * numbers.
 */
#include "graph/graph.h"

static enum ph_status copy_blob(ph_graph *to, phi_blob *blob, const phi_blob *from, ph_error *err)
{
    return from->n ? phi_blob_set(to, blob, from->bytes, from->n, err) : PH_OK;
}

static bool copy_text(ph_graph *to, char **text, const char *from)
{
    *text = phi_strdup(&to->mem, from);
    return *text || !from;
}

static enum ph_status copy_value(ph_graph *to, const phi_value *from, ph_error *err)
{
    ph_value number;
    enum ph_status st = phi_graph_value(to, from->name, &number, err);
    if (st) return st;
    phi_value *v = &to->values[number];
    v->dtype = from->dtype;
    v->rank = from->rank;
    memcpy(v->dims, from->dims, sizeof v->dims);
    v->has_info = from->has_info;
    for (int i = 0; i < PH_MAX_RANK; i++)
        if (!copy_text(to, &v->dim_names[i], from->dim_names[i])) return phi_fail_nomem(err);
    if (from->constant) st = phi_tensor_copy(&to->mem, from->constant, &v->constant, err);
    if (!copy_text(to, &v->unread, from->unread)) st = phi_fail_nomem(err);
    if (!st) st = copy_blob(to, &v->extra, &from->extra, err);
    if (!st) st = copy_blob(to, &v->tensor_extra, &from->tensor_extra, err);
    return st;
}

/* Copy `n` elements of `size` bytes; true if there is nothing to copy. */
static bool copy_list(ph_graph *to, void **list, const void *from, size_t bytes)
{
    if (!from) return true;
    *list = phi_memdup(&to->mem, from, bytes);
    return *list != NULL;
}

static enum ph_status copy_attr(ph_graph *to, size_t node, const phi_attr *from, ph_error *err)
{
    phi_attr *a;
    enum ph_status st = phi_node_new_attr(to, node, from->name, &a, err);
    if (st) return st;
    a->kind = from->kind;
    a->i = from->i;
    a->f = from->f;
    a->s_bytes = from->s_bytes;
    bool ok = copy_list(to, (void **)&a->s, from->s, from->s_bytes + 1) &&
              copy_list(to, (void **)&a->floats, from->floats, from->n * sizeof *from->floats) &&
              copy_list(to, (void **)&a->ints, from->ints, from->n * sizeof *from->ints);
    if (ok && from->strings) {
        a->strings = phi_calloc(&to->mem, from->n, sizeof *a->strings);
        ok = a->strings != NULL;
        for (size_t i = 0; i < from->n && ok; i++) {
            a->n = i + 1; /* that many are freed */
            ok = copy_text(to, &a->strings[i], from->strings[i]);
        }
    }
    if (!ok) return phi_fail_nomem(err);
    a->n = from->n;
    if (from->tensor) st = phi_tensor_copy(&to->mem, from->tensor, &a->tensor, err);
    return st ? st : copy_blob(to, &a->extra, &from->extra, err);
}

static enum ph_status copy_node(ph_graph *to, const phi_node *from, ph_error *err)
{
    size_t node;
    enum ph_status st = phi_graph_append(to, from->domain, from->op_type, from->name, from->n_in,
                                         from->in, from->n_out, from->out, &node, err);
    if (st) return st;
    to->nodes[node].name_made_up = from->name_made_up;
    for (size_t i = 0; i < from->n_attrs && !st; i++)
        st = copy_attr(to, node, &from->attrs[i], err);
    return st ? st : copy_blob(to, &to->nodes[node].extra, &from->extra, err);
}

enum ph_status phi_graph_append_like(ph_graph *g, const phi_node *like, size_t n_in,
                                     const ph_value *in, size_t n_out, const ph_value *out,
                                     size_t *node, ph_error *err)
{
    enum ph_status st = phi_graph_append(g, like->domain, like->op_type, like->name, n_in, in,
                                         n_out, out, node, err);
    for (size_t i = 0; i < like->n_attrs && !st; i++)
        st = copy_attr(g, *node, &like->attrs[i], err);
    return st;
}

static enum ph_status copy_all(ph_graph *to, const ph_graph *from, ph_error *err)
{
    enum ph_status st = PH_OK;
    to->ir_version = from->ir_version;
    for (size_t i = 0; i < from->n_opsets && !st; i++)
        st = phi_graph_set_opset(to, from->opsets[i].domain, from->opsets[i].version, err);
    for (size_t i = 0; i < from->n_meta && !st; i++)
        st = ph_graph_set_metadata(to, from->meta[i].key, from->meta[i].value, err);
    for (size_t i = 0; i < from->n_values && !st; i++)
        st = copy_value(to, &from->values[i], err);
    for (size_t i = 0; i < from->n_inputs && !st; i++)
        st = phi_graph_set_input(to, from->inputs[i], err);
    for (size_t i = 0; i < from->n_nodes && !st; i++)
        st = copy_node(to, &from->nodes[i], err);
    for (size_t i = 0; i < from->n_outputs && !st; i++)
        st = ph_graph_add_output(to, from->outputs[i], err);
    if (!st) st = copy_blob(to, &to->extra, &from->extra, err);
    if (!st) st = copy_blob(to, &to->model_extra, &from->model_extra, err);
    return st;
}

/* A graph of the same name that imports nothing yet. */
static enum ph_status new_empty(const ph_graph *like, ph_graph **out, ph_error *err)
{
    enum ph_status st = ph_graph_new(&like->mem, like->name, out, err);
    if (st) return st;
    ph_graph *g = *out;
    g->outline = like->outline;
    g->left = like->left;
    for (size_t i = 0; i < g->n_opsets; i++)
        phi_free(&g->mem, g->opsets[i].domain);
    g->n_opsets = 0;
    return PH_OK;
}

enum ph_status phi_graph_copy(const ph_graph *g, ph_graph **out, ph_error *err)
{
    ph_graph *to;
    enum ph_status st = new_empty(g, &to, err);
    if (st) return st;
    st = copy_all(to, g, err);
    if (st)
        ph_graph_free(to);
    else
        *out = to;
    return st;
}

/* --- Sharing ------------------------------------------------------------------------------------ */

static enum ph_status share_value(ph_graph *to, const phi_value *from, const phi_fact *fact,
                                  ph_error *err)
{
    ph_value number;
    enum ph_status st = phi_graph_value(to, from->name, &number, err);
    if (st) return st;
    phi_value *v = &to->values[number];
    v->dtype = fact->type.dtype;
    if (from->is_input) {
        v->rank = fact->type.rank;
        memcpy(v->dims, fact->type.dims, sizeof v->dims);
    }
    v->constant = (ph_tensor *)fact->constant;
    v->borrowed = true;
    return PH_OK;
}

static enum ph_status share_all(ph_graph *to, const phi_facts *f, ph_error *err)
{
    const ph_graph *from = f->graph;
    enum ph_status st = PH_OK;
    for (size_t i = 0; i < from->n_opsets && !st; i++)
        st = phi_graph_set_opset(to, from->opsets[i].domain, from->opsets[i].version, err);
    for (size_t i = 0; i < from->n_values && !st; i++)
        st = share_value(to, &from->values[i], &f->value[i], err);
    for (size_t i = 0; i < from->n_inputs && !st; i++)
        st = phi_graph_set_input(to, from->inputs[i], err);
    return st;
}

enum ph_status phi_graph_share(const phi_facts *facts, ph_graph **out, ph_error *err)
{
    ph_graph *to;
    enum ph_status st = new_empty(facts->graph, &to, err);
    if (st) return st;
    st = share_all(to, facts, err);
    if (st)
        ph_graph_free(to);
    else
        *out = to;
    return st;
}
