/* SPDX-License-Identifier: MIT */
/*
 * Building graphs: the public builder, and the lower-level calls that readers use.
 */
#include <math.h>
#include <stdio.h>

#include "base/rng.h"
#include "graph/graph.h"

static const char *value_name_at(const void *g, size_t i)
{
    return ((const ph_graph *)g)->values[i].name;
}
static const char *node_name_at(const void *g, size_t i)
{
    return ((const ph_graph *)g)->nodes[i].name;
}

static const char *meta_key_at(const void *g, size_t i)
{
    return ((const ph_graph *)g)->meta[i].key;
}

/* --- Life ------------------------------------------------------------------------------------ */

enum ph_status ph_graph_new(const ph_allocator *mem, const char *name, ph_graph **out,
                            ph_error *err)
{
    ph_graph *g = phi_calloc(mem, 1, sizeof *g);
    if (!g) return phi_fail_nomem(err);
    g->mem = phi_allocator(mem);
    g->ir_version = 8; /* the IR of opset 17's release, ONNX 1.12 */
    g->name = phi_strdup(mem, name ? name : "");
    enum ph_status st = g->name ? phi_graph_set_opset(g, "", PH_OPSET, err) : phi_fail_nomem(err);
    if (st) {
        ph_graph_free(g);
        return st;
    }
    *out = g;
    return PH_OK;
}

static void free_attr(const ph_allocator *mem, phi_attr *a)
{
    phi_free(mem, a->name);
    phi_free(mem, a->s);
    phi_free(mem, a->floats);
    phi_free(mem, a->ints);
    for (size_t i = 0; a->strings && i < a->n; i++) phi_free(mem, a->strings[i]);
    phi_free(mem, a->strings);
    ph_tensor_free(a->tensor);
    phi_free(mem, a->extra.bytes);
}

static void free_node(const ph_allocator *mem, phi_node *n)
{
    phi_free(mem, n->name);
    phi_free(mem, n->op_type);
    phi_free(mem, n->domain);
    phi_free(mem, n->in);
    phi_free(mem, n->out);
    for (size_t i = 0; i < n->n_attrs; i++) free_attr(mem, &n->attrs[i]);
    phi_free(mem, n->attrs);
    phi_free(mem, n->extra.bytes);
}

static void free_value(const ph_allocator *mem, phi_value *v)
{
    phi_free(mem, v->name);
    for (size_t i = 0; i < PH_MAX_RANK; i++) phi_free(mem, v->dim_names[i]);
    if (!v->borrowed) ph_tensor_free(v->constant);
    phi_free(mem, v->extra.bytes);
    phi_free(mem, v->tensor_extra.bytes);
    phi_free(mem, v->unread);
}

void ph_graph_free(ph_graph *g)
{
    if (!g) return;
    const ph_allocator mem = g->mem;
    for (size_t i = 0; i < g->n_nodes; i++) free_node(&mem, &g->nodes[i]);
    for (size_t i = 0; i < g->n_values; i++) free_value(&mem, &g->values[i]);
    for (size_t i = 0; i < g->n_opsets; i++) phi_free(&mem, g->opsets[i].domain);
    for (size_t i = 0; i < g->n_meta; i++) {
        phi_free(&mem, g->meta[i].key);
        phi_free(&mem, g->meta[i].value);
    }
    phi_free(&mem, g->nodes);
    phi_free(&mem, g->values);
    phi_free(&mem, g->opsets);
    phi_free(&mem, g->meta);
    phi_free(&mem, g->inputs);
    phi_free(&mem, g->outputs);
    phi_free(&mem, g->extra.bytes);
    phi_free(&mem, g->model_extra.bytes);
    phi_names_free(&mem, &g->value_names);
    phi_names_free(&mem, &g->node_names);
    phi_names_free(&mem, &g->meta_names);
    phi_free(&mem, g->open_inputs);
    phi_free(&mem, g->name);
    phi_free(&mem, g);
}

/* --- Values ---------------------------------------------------------------------------------- */

ph_value ph_graph_find(const ph_graph *g, const char *name)
{
    const size_t i = phi_names_find(&g->value_names, value_name_at, g, name);
    return i == SIZE_MAX ? PH_NONE : (ph_value)i;
}

enum ph_status phi_graph_value(ph_graph *g, const char *name, ph_value *out, ph_error *err)
{
    const ph_value known = ph_graph_find(g, name);
    if (known != PH_NONE) {
        *out = known;
        return PH_OK;
    }
    if (g->n_values >= INT32_MAX)
        return phi_fail(err, PH_ERR_OVERFLOW, name, "'%s': too many values in one graph", name);
    if (!phi_grow(&g->mem, (void **)&g->values, g->n_values, &g->values_capacity,
                  sizeof *g->values))
        return phi_fail_nomem(err);
    phi_value *v = &g->values[g->n_values];
    *v = (phi_value){ .rank = -1, .producer = -1, .name = phi_strdup(&g->mem, name) };
    if (!v->name) return phi_fail_nomem(err);
    if (!phi_names_add(&g->mem, &g->value_names, value_name_at, g, g->n_values)) {
        phi_free(&g->mem, v->name);
        return phi_fail_nomem(err);
    }
    *out = (ph_value)g->n_values++;
    return PH_OK;
}

static bool value_exists(const ph_graph *g, ph_value v)
{
    return v >= 0 && (size_t)v < g->n_values;
}

static enum ph_status append_value(ph_graph *g, ph_value **list, size_t *n, size_t *capacity,
                                   ph_value v, ph_error *err)
{
    if (!phi_grow(&g->mem, (void **)list, *n, capacity, sizeof **list)) return phi_fail_nomem(err);
    (*list)[(*n)++] = v;
    return PH_OK;
}

enum ph_status phi_graph_set_input(ph_graph *g, ph_value v, ph_error *err)
{
    phi_value *value = &g->values[v];
    if (value->is_input)
        return phi_fail(err, PH_ERR_GRAPH, value->name, "input '%s' is listed twice", value->name);
    if (value->producer >= 0)
        return phi_fail(err, PH_ERR_GRAPH, value->name, "'%s' is an input, but node '%s' makes it",
                        value->name, g->nodes[value->producer].name);
    enum ph_status st =
        append_value(g, &g->inputs, &g->n_inputs, &g->inputs_capacity, v, err);
    if (!st) value->is_input = true;
    g->settled = false;
    return st;
}

enum ph_status phi_graph_set_constant(ph_graph *g, ph_value v, ph_tensor *taken, ph_error *err)
{
    phi_value *value = &g->values[v];
    if (phi_value_is_constant(value) || value->producer >= 0) {
        ph_tensor_free(taken);
        return phi_fail(err, PH_ERR_GRAPH, value->name, "constant '%s' is defined twice",
                        value->name);
    }
    value->constant = taken;
    g->settled &= !value->is_input;
    if (value->rank < 0) {
        value->dtype = taken->type.dtype;
        value->rank = taken->type.rank;
        memcpy(value->dims, taken->type.dims, sizeof value->dims);
    }
    return PH_OK;
}

static enum ph_status new_value(ph_graph *g, const char *name, ph_value *out, ph_error *err)
{
    if (!name || !*name)
        return phi_fail(err, PH_ERR_ARG, NULL, "a value needs a name that is not empty");
    if (ph_graph_find(g, name) != PH_NONE)
        return phi_fail(err, PH_ERR_GRAPH, name, "there is a value '%s' already", name);
    return phi_graph_value(g, name, out, err);
}

enum ph_status ph_graph_add_input(ph_graph *g, const char *name, enum ph_dtype dtype, size_t rank,
                                  const int64_t *dims, ph_value *out, ph_error *err)
{
    if (rank > PH_MAX_RANK)
        return phi_fail(err, PH_ERR_ARG, name, "input '%s': %zu dimensions; at most %d are possible",
                        name ? name : "", rank, PH_MAX_RANK);
    if (ph_dtype_size(dtype) == 0)
        return phi_fail(err, PH_ERR_TYPE, name, "input '%s' cannot be of type %s", name ? name : "",
                        ph_dtype_name(dtype));
    for (size_t i = 0; i < rank; i++)
        if (dims[i] < -1)
            return phi_fail(err, PH_ERR_SHAPE, name, "input '%s': dimension %zu is %lld",
                            name ? name : "", i, (long long)dims[i]);
    ph_value v;
    enum ph_status st = new_value(g, name, &v, err);
    if (st) return st;
    phi_value *value = &g->values[v];
    value->dtype = dtype;
    value->rank = (int)rank;
    memcpy(value->dims, dims, rank * sizeof *dims);
    st = phi_graph_set_input(g, v, err);
    if (!st) *out = v;
    return st;
}

enum ph_status ph_graph_add_constant(ph_graph *g, const char *name, const ph_tensor *t,
                                     ph_value *out, ph_error *err)
{
    ph_tensor *copy;
    enum ph_status st = phi_tensor_copy(&g->mem, t, &copy, err);
    if (st) return st;
    ph_value v;
    st = new_value(g, name, &v, err);
    if (st) {
        ph_tensor_free(copy);
        return st;
    }
    st = phi_graph_set_constant(g, v, copy, err);
    if (!st) *out = v;
    return st;
}

enum ph_status ph_graph_add_output(ph_graph *g, ph_value v, ph_error *err)
{
    if (!value_exists(g, v))
        return phi_fail(err, PH_ERR_ARG, NULL, "value %d is not of this graph", (int)v);
    for (size_t i = 0; i < g->n_outputs; i++)
        if (g->outputs[i] == v)
            return phi_fail(err, PH_ERR_GRAPH, g->values[v].name, "output '%s' is listed twice",
                            g->values[v].name);
    return append_value(g, &g->outputs, &g->n_outputs, &g->outputs_capacity, v, err);
}

/* --- Nodes ----------------------------------------------------------------------------------- */

/* A free name for a node: its op_type and a number, which is not tried again: however many names of
 * that kind a file has itself, looking for a free one stays cheap. */
static char *make_node_name(ph_graph *g, const char *op_type)
{
    for (size_t i = g->n_nodes > g->names_made ? g->n_nodes : g->names_made;;) {
        char *name = phi_asprintf(&g->mem, "%s_%zu", op_type, ++i);
        if (!name) return NULL;
        g->names_made = i;
        if (phi_names_find(&g->node_names, node_name_at, g, name) == SIZE_MAX) return name;
        phi_free(&g->mem, name);
    }
}

static enum ph_status fill_node(ph_graph *g, phi_node *node, const char *domain,
                                const char *op_type, const char *name, size_t n_in,
                                const ph_value *in, size_t n_out, const ph_value *out,
                                ph_error *err)
{
    *node = (phi_node){ .n_in = n_in, .n_out = n_out };
    node->name_made_up = !name || !*name;
    node->name = node->name_made_up ? make_node_name(g, op_type) : phi_strdup(&g->mem, name);
    node->op_type = phi_strdup(&g->mem, op_type);
    node->domain = phi_strdup(&g->mem, strcmp(domain, "ai.onnx") == 0 ? "" : domain);
    node->in = phi_memdup(&g->mem, in, n_in * sizeof *in);
    node->out = phi_memdup(&g->mem, out, n_out * sizeof *out);
    if (!node->name || !node->op_type || !node->domain || !node->in || !node->out)
        return phi_fail_nomem(err);
    if (phi_names_find(&g->node_names, node_name_at, g, node->name) != SIZE_MAX)
        return phi_fail(err, PH_ERR_GRAPH, name, "there are two nodes '%s'", node->name);
    if (!*node->domain) node->op = phi_op_find(op_type);
    return PH_OK;
}

/* The first n outputs of the node that is being appended have no producer (-1), or it. */
static void mark_outputs(ph_graph *g, const phi_node *node, size_t n, int32_t producer)
{
    for (size_t i = 0; i < n; i++)
        if (node->out[i] != PH_NONE) g->values[node->out[i]].producer = producer;
}

/* Outputs must be new, known once, and neither inputs nor constants. */
static enum ph_status take_outputs(ph_graph *g, const phi_node *node, ph_error *err)
{
    for (size_t i = 0; i < node->n_out; i++) {
        if (node->out[i] == PH_NONE) continue;
        phi_value *v = &g->values[node->out[i]];
        if (v->producer >= 0 || phi_value_is_given(v)) {
            mark_outputs(g, node, i, -1);
            return phi_fail(err, PH_ERR_GRAPH, v->name, "%s '%s': its output '%s' is already made "
                            "elsewhere", node->op_type, node->name, v->name);
        }
        v->producer = (int32_t)g->n_nodes;
    }
    return PH_OK;
}

size_t phi_graph_find_node(const ph_graph *g, const char *name)
{
    return phi_names_find(&g->node_names, node_name_at, g, name);
}

enum ph_status phi_graph_append(ph_graph *g, const char *domain, const char *op_type,
                                const char *name, size_t n_in, const ph_value *in, size_t n_out,
                                const ph_value *out, size_t *index, ph_error *err)
{
    if (g->n_nodes >= INT32_MAX)
        return phi_fail(err, PH_ERR_OVERFLOW, name, "too many nodes in one graph");
    if (!phi_grow(&g->mem, (void **)&g->nodes, g->n_nodes, &g->nodes_capacity, sizeof *g->nodes))
        return phi_fail_nomem(err);
    phi_node *node = &g->nodes[g->n_nodes];
    enum ph_status st = fill_node(g, node, domain, op_type, name, n_in, in, n_out, out, err);
    if (!st) st = take_outputs(g, node, err);
    if (!st && !phi_names_add(&g->mem, &g->node_names, node_name_at, g, g->n_nodes)) {
        mark_outputs(g, node, n_out, -1);
        st = phi_fail_nomem(err);
    }
    if (st) {
        free_node(&g->mem, node);
        return st;
    }
    *index = g->n_nodes++;
    return PH_OK;
}

/* Room for one more attribute: a list's capacity is the power of two at or above its length. */
static bool grow_attrs(const ph_allocator *mem, phi_node *n)
{
    if (n->n_attrs & (n->n_attrs - 1)) return true;
    phi_attr *grown = phi_calloc(mem, n->n_attrs ? 2 * n->n_attrs : 1, sizeof *grown);
    if (!grown) return false;
    if (n->n_attrs) memcpy(grown, n->attrs, n->n_attrs * sizeof *grown);
    phi_free(mem, n->attrs);
    n->attrs = grown;
    return true;
}

enum ph_status phi_node_new_attr(ph_graph *g, size_t node, const char *name, phi_attr **out,
                                 ph_error *err)
{
    phi_node *n = &g->nodes[node];
    if (phi_attr_has(n, name))
        return phi_fail(err, PH_ERR_GRAPH, n->name, "%s '%s': attribute '%s' is given twice",
                        n->op_type, n->name, name);
    char *copy = phi_strdup(&g->mem, name);
    if (!copy || !grow_attrs(&g->mem, n)) {
        phi_free(&g->mem, copy);
        return phi_fail_nomem(err);
    }
    *out = &n->attrs[n->n_attrs++];
    (*out)->name = copy;
    return PH_OK;
}

static enum ph_status copy_strings(ph_graph *g, phi_attr *to, const ph_attr *from, ph_error *err)
{
    to->strings = phi_calloc(&g->mem, from->n, sizeof *to->strings);
    if (!to->strings) return phi_fail_nomem(err);
    to->n = from->n;
    for (size_t i = 0; i < from->n; i++)
        if (!(to->strings[i] = phi_strdup(&g->mem, from->strings[i]))) return phi_fail_nomem(err);
    return PH_OK;
}

enum ph_status phi_node_add_attr(ph_graph *g, size_t node, const ph_attr *attr, ph_error *err)
{
    phi_attr *a = NULL;
    enum ph_status st = phi_node_new_attr(g, node, attr->name, &a, err);
    if (st) return st;
    a->kind = attr->kind;
    a->i = attr->i;
    a->f = attr->f;
    switch (attr->kind) {
    case PH_ATTR_FLOAT:
    case PH_ATTR_INT: return PH_OK;
    case PH_ATTR_STRING:
        a->s_bytes = strlen(attr->s);
        a->s = phi_strdup(&g->mem, attr->s);
        return a->s ? PH_OK : phi_fail_nomem(err);
    case PH_ATTR_FLOATS:
        a->floats = phi_memdup(&g->mem, attr->floats, attr->n * sizeof *attr->floats);
        a->n = attr->n;
        return a->floats ? PH_OK : phi_fail_nomem(err);
    case PH_ATTR_INTS:
        a->ints = phi_memdup(&g->mem, attr->ints, attr->n * sizeof *attr->ints);
        a->n = attr->n;
        return a->ints ? PH_OK : phi_fail_nomem(err);
    case PH_ATTR_STRINGS: return copy_strings(g, a, attr, err);
    case PH_ATTR_TENSOR: return phi_tensor_copy(&g->mem, attr->tensor, &a->tensor, err);
    }
    return phi_fail(err, PH_ERR_ARG, g->nodes[node].name, "%s '%s': attribute '%s' is of no kind",
                    g->nodes[node].op_type, g->nodes[node].name, attr->name);
}

/* The name of output i where the caller gives none: the node's, with a number from the second on. */
static enum ph_status make_output(ph_graph *g, const char *node_name, const char *given, size_t i,
                                  ph_value *out, ph_error *err)
{
    if (given) return new_value(g, given, out, err);
    char *name = i == 0 ? phi_strdup(&g->mem, node_name)
                        : phi_asprintf(&g->mem, "%s:%zu", node_name, i);
    for (size_t k = 1; name && ph_graph_find(g, name) != PH_NONE; k++) {
        phi_free(&g->mem, name);
        name = phi_asprintf(&g->mem, "%s:%zu.%zu", node_name, i, k);
    }
    if (!name) return phi_fail_nomem(err);
    enum ph_status st = phi_graph_value(g, name, out, err);
    phi_free(&g->mem, name);
    return st;
}

enum ph_status ph_graph_add_node(ph_graph *g, const char *op_type, const char *name, size_t n_in,
                                 const ph_value *in, size_t n_attrs, const ph_attr *attrs,
                                 size_t n_out, const char *const *out_names, ph_value *out,
                                 ph_error *err)
{
    if (!op_type || !*op_type) return phi_fail(err, PH_ERR_ARG, name, "a node needs an operator");
    if (n_in > PHI_MAX_IN || n_out < 1 || n_out > PHI_MAX_OUT)
        return phi_fail(err, PH_ERR_ARG, name, "%s '%s': %zu inputs and %zu outputs; at most %d and "
                        "1 to %d are possible", op_type, name ? name : "", n_in, n_out, PHI_MAX_IN,
                        PHI_MAX_OUT);
    for (size_t i = 0; i < n_in; i++)
        if (in[i] != PH_NONE && !value_exists(g, in[i]))
            return phi_fail(err, PH_ERR_GRAPH, name, "%s '%s': input %zu is no value of this graph",
                            op_type, name ? name : "", i);
    if (name && *name && phi_names_find(&g->node_names, node_name_at, g, name) != SIZE_MAX)
        return phi_fail(err, PH_ERR_GRAPH, name, "there is a node '%s' already", name);

    ph_value made[PHI_MAX_OUT];
    char *node_name = name && *name ? phi_strdup(&g->mem, name) : make_node_name(g, op_type);
    if (!node_name) return phi_fail_nomem(err);
    enum ph_status st = PH_OK;
    for (size_t i = 0; i < n_out && !st; i++)
        st = make_output(g, node_name, out_names ? out_names[i] : NULL, i, &made[i], err);
    size_t node;
    if (!st) st = phi_graph_append(g, "", op_type, node_name, n_in, in, n_out, made, &node, err);
    phi_free(&g->mem, node_name);
    for (size_t i = 0; i < n_attrs && !st; i++) st = phi_node_add_attr(g, node, &attrs[i], err);
    if (!st) memcpy(out, made, n_out * sizeof *out);
    return st;
}

/* --- Convolution with new weights -------------------------------------------------------------- */

static int64_t or_default(int64_t value, int64_t fallback) { return value ? value : fallback; }

enum ph_status phi_graph_add_normal(ph_graph *g, const char *name, const phi_type *type,
                                    float sigma, uint64_t seed, ph_value *out, ph_error *err)
{
    ph_tensor *t;
    ph_value v;
    const bool hollow = g->outline && sigma > 0.0f;
    enum ph_status st = hollow ? phi_tensor_hollow(&g->mem, type, &t, err)
                               : phi_tensor_new(&g->mem, type, &t, err);
    if (st) return st;
    st = new_value(g, name, &v, err);
    if (st) {
        ph_tensor_free(t);
        return st;
    }
    if (!hollow && sigma > 0.0f)
        phi_rng_fill_normal(seed, phi_stream(name), sigma, t->data, (size_t)t->count);
    st = phi_graph_set_constant(g, v, t, err);
    if (!st) *out = v;
    return st;
}

enum ph_status phi_graph_need_weights(const ph_graph *g, bool in_memory, ph_error *err)
{
    if (g->left && in_memory)
        return phi_fail(err, PH_ERR_ARG, g->name, "weights of '%s' are left in its file: it can be run, "
                        "looked at, checked and accounted for", g->name);
    if (!g->outline) return PH_OK;
    return phi_fail(err, PH_ERR_ARG, g->name, "'%s' is an outline, without weights: it can be looked "
                    "at, checked and accounted for", g->name);
}

/* A new constant NODE.SUFFIX, likewise. */
static enum ph_status add_parameter(ph_graph *g, const char *node, const char *suffix, size_t rank,
                                    const int64_t *dims, float sigma, uint64_t seed, ph_value *out,
                                    ph_error *err)
{
    phi_type type = { .dtype = PH_FLOAT32, .rank = (int)rank };
    for (size_t i = 0; i < rank; i++) type.dims[i] = dims[i];
    char *name = phi_asprintf(&g->mem, "%s.%s", node, suffix);
    if (!name) return phi_fail_nomem(err);
    enum ph_status st = phi_graph_add_normal(g, name, &type, sigma, seed, out, err);
    phi_free(&g->mem, name);
    return st;
}

enum ph_status ph_graph_add_conv(ph_graph *g, ph_value x, int64_t c, const ph_conv_desc *d,
                                 uint64_t seed, ph_value *out, ph_error *err)
{
    const int64_t r = or_default(d->r, 1), s = or_default(d->s, r), groups = or_default(d->groups, 1);
    const int64_t sh = or_default(d->stride_h, 1), dh = or_default(d->dilation_h, 1);
    const char *shown = d->name ? d->name : "";
    if (d->k < 1 || c < 1 || r < 1 || s < 1 || groups < 1 || c % groups || d->k % groups)
        return phi_fail(err, PH_ERR_ARG, shown,
                        "conv '%s': %lld to %lld channels, %lldx%lld kernel and %lld groups do not "
                        "go together", shown, (long long)c, (long long)d->k, (long long)r,
                        (long long)s, (long long)groups);
    char *name = d->name ? phi_strdup(&g->mem, d->name) : make_node_name(g, "Conv");
    if (!name) return phi_fail_nomem(err);
    const int64_t w_dims[4] = { d->k, c / groups, r, s };
    const double fan_in = (double)w_dims[1] * (double)r * (double)s;
    ph_value in[3] = { x, PH_NONE, PH_NONE };
    enum ph_status st = add_parameter(g, name, "weight", 4, w_dims, (float)sqrt(2.0 / fan_in), seed,
                                      &in[1], err);
    if (!st && !d->no_bias)
        st = add_parameter(g, name, "bias", 1, &d->k, 0.0f, seed, &in[2], err);
    const int64_t kernel[2] = { r, s }, strides[2] = { sh, or_default(d->stride_w, sh) };
    const int64_t dilations[2] = { dh, or_default(d->dilation_w, dh) };
    const int64_t pads[4] = { d->pad_top, d->pad_left, d->pad_bottom, d->pad_right };
    const ph_attr attrs[] = {
        { .name = "kernel_shape", .kind = PH_ATTR_INTS, .n = 2, .ints = kernel },
        { .name = "strides", .kind = PH_ATTR_INTS, .n = 2, .ints = strides },
        { .name = "dilations", .kind = PH_ATTR_INTS, .n = 2, .ints = dilations },
        { .name = "pads", .kind = PH_ATTR_INTS, .n = 4, .ints = pads },
        { .name = "group", .kind = PH_ATTR_INT, .i = groups },
    };
    if (!st)
        st = ph_graph_add_node(g, "Conv", name, d->no_bias ? 2 : 3, in, PHI_COUNT(attrs), attrs, 1,
                               NULL, out, err);
    phi_free(&g->mem, name);
    return st;
}

/* --- Opsets, metadata, blobs ------------------------------------------------------------------ */

enum ph_status phi_graph_set_opset(ph_graph *g, const char *domain, int64_t version, ph_error *err)
{
    if (strcmp(domain, "ai.onnx") == 0) domain = "";
    for (size_t i = 0; i < g->n_opsets; i++)
        if (strcmp(g->opsets[i].domain, domain) == 0) {
            g->opsets[i].version = version;
            return PH_OK;
        }
    if (!phi_grow(&g->mem, (void **)&g->opsets, g->n_opsets, &g->opsets_capacity,
                  sizeof *g->opsets))
        return phi_fail_nomem(err);
    char *copy = phi_strdup(&g->mem, domain);
    if (!copy) return phi_fail_nomem(err);
    g->opsets[g->n_opsets++] = (phi_opset){ copy, version };
    return PH_OK;
}

int64_t phi_graph_opset_of(const ph_graph *g, const char *domain)
{
    for (size_t i = 0; i < g->n_opsets; i++)
        if (strcmp(g->opsets[i].domain, domain) == 0) return g->opsets[i].version;
    return 0;
}

static char **find_metadata(const ph_graph *g, const char *key)
{
    const size_t i = phi_names_find(&g->meta_names, meta_key_at, g, key);
    return i == SIZE_MAX ? NULL : &g->meta[i].value;
}

static enum ph_status add_metadata(ph_graph *g, char *key, char *value, ph_error *err)
{
    if (!key || !value ||
        !phi_grow(&g->mem, (void **)&g->meta, g->n_meta, &g->meta_capacity, sizeof *g->meta))
        return phi_fail_nomem(err);
    g->meta[g->n_meta] = (phi_meta){ key, value };
    if (!phi_names_add(&g->mem, &g->meta_names, meta_key_at, g, g->n_meta))
        return phi_fail_nomem(err);
    g->n_meta++;
    return PH_OK;
}

enum ph_status ph_graph_set_metadata(ph_graph *g, const char *key, const char *value, ph_error *err)
{
    char **known = find_metadata(g, key), *copy = phi_strdup(&g->mem, value);
    if (known && copy) {
        phi_free(&g->mem, *known);
        *known = copy;
        return PH_OK;
    }
    char *key_copy = known ? NULL : phi_strdup(&g->mem, key);
    enum ph_status st = add_metadata(g, key_copy, copy, err);
    if (!st) return PH_OK;
    phi_free(&g->mem, copy);
    phi_free(&g->mem, key_copy);
    return st;
}

const char *ph_graph_metadata(const ph_graph *g, const char *key)
{
    char *const *value = find_metadata(g, key);
    return value ? *value : NULL;
}

enum ph_status phi_blob_set(const ph_graph *g, phi_blob *blob, const void *bytes, size_t n,
                            ph_error *err)
{
    unsigned char *copy = phi_memdup(&g->mem, bytes, n);
    if (!copy) return phi_fail_nomem(err);
    phi_free(&g->mem, blob->bytes);
    *blob = (phi_blob){ copy, n };
    return PH_OK;
}

/* --- Looking ----------------------------------------------------------------------------------- */

enum ph_status phi_graph_settle(ph_graph *g, ph_error *err)
{
    g->n_open_inputs = 0;
    g->settled = false;
    for (size_t k = 0; k < g->n_inputs; k++) {
        if (phi_value_is_constant(&g->values[g->inputs[k]])) continue;
        enum ph_status st = append_value(g, &g->open_inputs, &g->n_open_inputs,
                                         &g->open_inputs_capacity, g->inputs[k], err);
        if (st) return st;
    }
    g->settled = true;
    return PH_OK;
}

/* Input i, counting only those that are no constants. */
static ph_value real_input(const ph_graph *g, size_t i, size_t *count)
{
    size_t n = 0;
    ph_value found = PH_NONE;
    if (g->settled) {
        *count = g->n_open_inputs;
        return i < g->n_open_inputs ? g->open_inputs[i] : PH_NONE;
    }
    for (size_t k = 0; k < g->n_inputs; k++)
        if (!phi_value_is_constant(&g->values[g->inputs[k]]) && n++ == i) found = g->inputs[k];
    *count = n;
    return found;
}

size_t ph_graph_n_inputs(const ph_graph *g)
{
    size_t n;
    real_input(g, SIZE_MAX, &n);
    return n;
}

ph_value ph_graph_input(const ph_graph *g, size_t i)
{
    size_t n;
    return real_input(g, i, &n);
}

const char *ph_graph_name(const ph_graph *g) { return g->name; }
int64_t ph_graph_opset(const ph_graph *g) { return phi_graph_opset_of(g, ""); }
size_t ph_graph_n_outputs(const ph_graph *g) { return g->n_outputs; }
ph_value ph_graph_output(const ph_graph *g, size_t i)
{
    return i < g->n_outputs ? g->outputs[i] : PH_NONE;
}
size_t ph_graph_n_values(const ph_graph *g) { return g->n_values; }
const char *ph_value_name(const ph_graph *g, ph_value v) { return g->values[v].name; }
const ph_tensor *ph_value_constant(const ph_graph *g, ph_value v) { return g->values[v].constant; }

int ph_value_type(const ph_graph *g, ph_value v, enum ph_dtype *dtype, int64_t *dims)
{
    const phi_value *value = &g->values[v];
    if (dtype) *dtype = value->dtype;
    for (int i = 0; dims && i < value->rank; i++) dims[i] = value->dims[i];
    return value->rank;
}

const char *ph_value_dim_name(const ph_graph *g, ph_value v, size_t dim)
{
    const phi_value *value = &g->values[v];
    const bool open = value->rank >= 0 && dim < (size_t)value->rank && value->dims[dim] < 0;
    return open ? value->dim_names[dim] : NULL;
}

size_t ph_graph_n_nodes(const ph_graph *g) { return g->n_nodes; }
const char *ph_node_name(const ph_graph *g, size_t node) { return g->nodes[node].name; }
const char *ph_node_op(const ph_graph *g, size_t node) { return g->nodes[node].op_type; }
bool ph_node_supported(const ph_graph *g, size_t node) { return g->nodes[node].op != NULL; }
