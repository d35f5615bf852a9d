/* SPDX-License-Identifier: MIT */
/*
 * Reading ONNX: ModelProto to ph_graph (onnx/docs/IR.md). Each step takes what the graph holds out
 * of its message; what is left then goes into the blobs (see onnx_pb.h).
 */
#include "onnx/onnx_pb.h"

/* Of things that the graph keeps in plain lists; far more than any model has. */
#define MAX_LISTED 16384
/* Of things that are looked up by walking down a list, once a node or more often. */
#define MAX_WALKED 256

typedef struct reader {
    ph_graph *g;
    phi_arena arena;
    phi_pb_origin from;
    phi_left *left; /* the file that large initializers may stay in, or NULL */
    phi_pb_graph *pb;
    ph_error *err;
    phi_names node_names; /* those given in the file */
    phi_functions functions;
} reader;

/* "initializer 'w'": what a message is about. */
typedef struct label {
    char text[200];
} label;

static label label_of(const char *kind, const char *name)
{
    label l;

    snprintf(l.text, sizeof l.text, "%s '%.160s'", kind, name);
    return l;
}

static bool is_empty(const char *s)
{
    return !s || !*s;
}

/* --- Types of values ------------------------------------------------------------------------ */

/* Is there nothing in the type but what phi_value holds? */
static bool type_is_plain(const phi_pb_type *type)
{
    const phi_pb_tensor_type *t = type->tensor_type;

    if (type->base.n_unknown_fields) return false;
    if (!t) return true;
    if (t->base.n_unknown_fields) return false;
    if (!t->shape) return true;
    if (t->shape->base.n_unknown_fields || t->shape->n_dim > PH_MAX_RANK) return false;
    for (size_t i = 0; i < t->shape->n_dim; i++)
        if (t->shape->dim[i]->base.n_unknown_fields) return false;
    return true;
}

static enum ph_status read_shape(reader *r, const phi_pb_shape *shape, phi_value *value)
{
    for (size_t i = 0; i < shape->n_dim; i++) {
        const phi_pb_dimension *d = shape->dim[i];
        if (d->has_dim_value && d->dim_value < -1)
            return phi_fail(r->err, PH_ERR_FORMAT, value->name, "value '%s': dimension %zu is %lld",
                            value->name, i, (long long)d->dim_value);
        value->dims[i] = d->has_dim_value ? d->dim_value : -1;
        if (d->has_dim_value || is_empty(d->dim_param)) continue;
        value->dim_names[i] = phi_strdup(&r->g->mem, d->dim_param);
        if (!value->dim_names[i]) return phi_fail_nomem(r->err);
    }
    value->rank = (int)shape->n_dim;
    return PH_OK;
}

/*
 * What a ValueInfoProto says about value v. A type that says more than phi_value holds (no tensor,
 * more than PH_MAX_RANK dimensions, denotations) is kept as a whole; the writer then brings up to
 * date what we do understand of it. The first of several infos about one value counts.
 */
static enum ph_status read_value_info(reader *r, phi_pb_value_info *info, ph_value v)
{
    phi_value *value = &r->g->values[v];
    const phi_pb_tensor_type *t = info->type ? info->type->tensor_type : NULL;
    enum ph_status st = PH_OK;

    if (t && value->dtype == PH_UNDEFINED && t->has_elem_type)
        value->dtype = (enum ph_dtype)t->elem_type;
    if (t && value->rank < 0 && t->shape && t->shape->n_dim <= PH_MAX_RANK)
        st = read_shape(r, t->shape, value);
    if (st) return st;
    info->name = NULL;
    if (info->type && type_is_plain(info->type)) info->type = NULL;
    if (value->extra.bytes) return PH_OK;
    return phi_pb_keep(r->g, info, &value->extra, r->err);
}

/* --- Head of the model ------------------------------------------------------------------------ */

static enum ph_status check_count(reader *r, size_t n, size_t max, const char *of, const char *what)
{
    if (n <= max) return PH_OK;
    return phi_fail(r->err, PH_ERR_UNSUPPORTED, of, "%s has %zu %s; at most %zu are supported", of,
                    n, what, max);
}

static enum ph_status read_opset(reader *r, const phi_pb_opset *o)
{
    const char *domain = o->domain ? o->domain : "", *shown;
    int64_t known;

    if (strcmp(domain, "ai.onnx") == 0) domain = "";
    shown = *domain ? domain : "ai.onnx";
    if (!o->has_version || o->version < 1 || o->version > INT32_MAX)
        return phi_fail(r->err, PH_ERR_FORMAT, domain, "opset of domain '%s' has version %lld",
                        shown, o->has_version ? (long long)o->version : 0);
    known = phi_graph_opset_of(r->g, domain);
    if (known && known != o->version)
        return phi_fail(r->err, PH_ERR_FORMAT, domain,
                        "opset of domain '%s' is imported twice: versions %lld and %lld", shown,
                        (long long)known, (long long)o->version);
    return phi_graph_set_opset(r->g, domain, o->version, r->err);
}

/* Opsets came with IR version 3; before, there was one. */
static enum ph_status read_opsets(reader *r, const phi_pb_model *m)
{
    ph_graph *g = r->g;
    enum ph_status st = check_count(r, m->n_opset_import, MAX_WALKED, "model", "opset imports");

    for (size_t i = 0; i < g->n_opsets; i++)
        phi_free(&g->mem, g->opsets[i].domain);
    g->n_opsets = 0; /* a new graph has the one that graphs built here are in */
    if (!st && m->n_opset_import == 0) {
        if (m->ir_version < 3) return phi_graph_set_opset(g, "", 1, r->err);
        return phi_fail(r->err, PH_ERR_FORMAT, "model", "the model imports no operator set");
    }
    for (size_t i = 0; i < m->n_opset_import && !st; i++)
        st = read_opset(r, m->opset_import[i]);
    return st;
}

static enum ph_status read_metadata(reader *r, const phi_pb_model *m)
{
    enum ph_status st =
        check_count(r, m->n_metadata_props, MAX_LISTED, "model", "metadata entries");

    for (size_t i = 0; i < m->n_metadata_props && !st; i++) {
        const phi_pb_entry *e = m->metadata_props[i];
        st = ph_graph_set_metadata(r->g, e->key ? e->key : "", e->value ? e->value : "", r->err);
    }
    return st;
}

/* --- Inputs, constants, outputs --------------------------------------------------------------- */

/* The value of a named entry of the graph. */
static enum ph_status named_value(reader *r, const char *name, const char *kind, size_t i,
                                  ph_value *v)
{
    if (is_empty(name)) return phi_fail(r->err, PH_ERR_FORMAT, kind, "%s %zu has no name", kind, i);
    return phi_graph_value(r->g, name, v, r->err);
}

static enum ph_status read_inputs(reader *r)
{
    enum ph_status st = PH_OK;
    ph_value v;

    for (size_t i = 0; i < r->pb->n_input && !st; i++) {
        st = named_value(r, r->pb->input[i]->name, "input", i, &v);
        if (!st) st = phi_graph_set_input(r->g, v, r->err);
        if (!st) st = read_value_info(r, r->pb->input[i], v);
    }
    return st;
}

/* An initializer that no ph_tensor can hold is carried along, and known to be there. */
static enum ph_status carry_initializer(reader *r, phi_pb_tensor *pb, ph_value v, const char *why)
{
    phi_value *value = &r->g->values[v];
    enum ph_status st = phi_pb_fetch_raw(&r->arena, pb, &r->from, r->err);

    if (!st && (phi_value_is_constant(value) || value->producer >= 0))
        st = phi_fail(r->err, PH_ERR_GRAPH, value->name, "constant '%s' is defined twice",
                      value->name);
    if (st) return st;
    value->unread = phi_strdup(&r->g->mem, why);
    pb->name = NULL;
    return value->unread ? phi_pb_keep(r->g, pb, &value->tensor_extra, r->err)
                         : phi_fail_nomem(r->err);
}

static enum ph_status read_initializer(reader *r, phi_pb_tensor *pb, size_t i)
{
    ph_tensor *t;
    ph_value v;
    label l;
    ph_error inner = {.status = PH_OK};
    const phi_pb_origin from = {.path = r->from.path, .file = r->from.file, .left = r->left};
    const bool external = pb->has_data_location && pb->data_location != 0;
    enum ph_status st = named_value(r, pb->name, "initializer", i, &v);

    if (st) return st;
    l = label_of("initializer", pb->name);
    st = phi_pb_to_tensor(&r->g->mem, pb, l.text, &from, &t, &inner);
    if (st == PH_ERR_UNSUPPORTED && !external) return carry_initializer(r, pb, v, inner.message);
    if (st) return phi_fail(r->err, st, inner.where, "%s", inner.message);
    st = phi_graph_set_constant(r->g, v, t, r->err); /* takes t even if it fails */
    if (st) return st;
    pb->name = NULL;
    phi_pb_strip_tensor(pb);
    return phi_pb_keep(r->g, pb, &r->g->values[v].tensor_extra, r->err);
}

/* Becomes an ordinary one: what is written says the same in more bytes. */
static enum ph_status read_sparse(reader *r, const phi_pb_sparse *pb, size_t i)
{
    ph_tensor *t;
    ph_value v;
    label l;
    enum ph_status st =
        named_value(r, pb->values ? pb->values->name : NULL, "sparse initializer", i, &v);

    if (st) return st;
    l = label_of("sparse initializer", pb->values->name);
    st = phi_pb_to_dense(&r->g->mem, pb, l.text, &r->from, &t, r->err);
    return st ? st : phi_graph_set_constant(r->g, v, t, r->err); /* takes t even if it fails */
}

static enum ph_status read_initializers(reader *r)
{
    enum ph_status st = PH_OK;

    for (size_t i = 0; i < r->pb->n_initializer && !st; i++)
        st = read_initializer(r, r->pb->initializer[i], i);
    for (size_t i = 0; i < r->pb->n_sparse_initializer && !st; i++)
        st = read_sparse(r, r->pb->sparse_initializer[i], i);
    r->pb->n_sparse_initializer = 0;
    return st;
}

static enum ph_status read_outputs(reader *r)
{
    enum ph_status st = check_count(r, r->pb->n_output, MAX_LISTED, "graph", "outputs");
    ph_value v;

    for (size_t i = 0; i < r->pb->n_output && !st; i++) {
        st = named_value(r, r->pb->output[i]->name, "output", i, &v);
        if (!st) st = ph_graph_add_output(r->g, v, r->err);
        if (!st) st = read_value_info(r, r->pb->output[i], v);
    }
    return st;
}

/* Infos about values that are not in the graph stay behind in the message, for the graph's blob. */
static enum ph_status read_value_infos(reader *r)
{
    size_t n_left = 0;
    enum ph_status st = PH_OK;

    for (size_t i = 0; i < r->pb->n_value_info && !st; i++) {
        phi_pb_value_info *info = r->pb->value_info[i];
        const ph_value v = is_empty(info->name) ? PH_NONE : ph_graph_find(r->g, info->name);
        if (v == PH_NONE) {
            r->pb->value_info[n_left++] = info;
            continue;
        }
        st = read_value_info(r, info, v);
        r->g->values[v].has_info = true;
    }
    r->pb->n_value_info = n_left;
    return st;
}

/* --- Attributes ------------------------------------------------------------------------------- */

/* Bit k: the field that holds an attribute of kind k is there. */
static unsigned filled_kinds(const phi_pb_attribute *pb)
{
    return (pb->has_f ? 1u << PH_ATTR_FLOAT : 0) | (pb->has_i ? 1u << PH_ATTR_INT : 0) |
           (pb->has_s ? 1u << PH_ATTR_STRING : 0) | (pb->t ? 1u << PH_ATTR_TENSOR : 0) |
           (pb->n_floats ? 1u << PH_ATTR_FLOATS : 0) | (pb->n_ints ? 1u << PH_ATTR_INTS : 0) |
           (pb->n_strings ? 1u << PH_ATTR_STRINGS : 0);
}

/* Files of IR version 1 may not say the type; it is that of the field in use. */
static enum ph_attr_kind attribute_kind(const phi_pb_attribute *pb)
{
    static const enum ph_attr_kind kinds[] = {PH_ATTR_FLOAT,  PH_ATTR_INT,    PH_ATTR_STRING,
                                              PH_ATTR_TENSOR, PH_ATTR_FLOATS, PH_ATTR_INTS,
                                              PH_ATTR_STRINGS};
    const bool typed = pb->has_type && pb->type != 0;
    const unsigned filled = filled_kinds(pb);

    if (!is_empty(pb->ref_attr_name)) return PHI_ATTR_OTHER; /* stands for a function's attribute */
    for (size_t i = 0; i < PHI_COUNT(kinds); i++)
        if (typed ? pb->type == (int32_t)kinds[i] : filled == 1u << kinds[i]) return kinds[i];
    return PHI_ATTR_OTHER;
}

/* phi_attr has no lengths for strings in lists. */
static bool strings_are_plain(const phi_pb_attribute *pb)
{
    for (size_t i = 0; i < pb->n_strings; i++)
        if (pb->strings[i].len && memchr(pb->strings[i].data, 0, pb->strings[i].len)) return false;
    return true;
}

static enum ph_status read_strings(reader *r, const phi_pb_attribute *pb, phi_attr *a)
{
    const ph_allocator *mem = &r->g->mem;

    a->strings = phi_calloc(mem, pb->n_strings, sizeof *a->strings);
    if (!a->strings) return phi_fail_nomem(r->err);
    a->n = pb->n_strings;
    for (size_t i = 0; i < a->n; i++) {
        a->strings[i] = phi_strndup(mem, (const char *)pb->strings[i].data, pb->strings[i].len);
        if (!a->strings[i]) return phi_fail_nomem(r->err);
    }
    return PH_OK;
}

/* A tensor that ph_tensor cannot hold makes the attribute one of those we only carry along; it must
 * not need another file for that. */
static enum ph_status read_attribute_tensor(reader *r, const phi_pb_attribute *pb, const char *what,
                                            phi_attr *a)
{
    ph_error inner = {.status = PH_OK};
    const bool external = pb->t && pb->t->has_data_location && pb->t->data_location != 0;
    enum ph_status st;

    if (!pb->t)
        return phi_fail(r->err, PH_ERR_FORMAT, what, "%s is a tensor, but there is none", what);
    st = phi_pb_to_tensor(&r->g->mem, pb->t, what, &r->from, &a->tensor, &inner);
    if (st == PH_ERR_UNSUPPORTED && !external) {
        a->kind = PHI_ATTR_OTHER;
        return PH_OK;
    }
    return st ? phi_fail(r->err, st, what, "%s", inner.message) : PH_OK;
}

/* The value of an attribute of a kind that phi_attr holds. */
static enum ph_status read_attribute_value(reader *r, const phi_pb_attribute *pb, const char *what,
                                           phi_attr *a)
{
    const ph_allocator *mem = &r->g->mem;

    switch (a->kind) {
    case PH_ATTR_FLOAT:
        a->f = pb->f;
        break;
    case PH_ATTR_INT:
        a->i = pb->i;
        break;
    case PH_ATTR_STRING:
        a->s_bytes = pb->has_s ? pb->s.len : 0;
        a->s = phi_strndup(mem, (const char *)pb->s.data, a->s_bytes);
        if (!a->s) return phi_fail_nomem(r->err);
        break;
    case PH_ATTR_FLOATS:
        a->n = pb->n_floats;
        a->floats = phi_memdup(mem, pb->floats, a->n * sizeof *a->floats);
        if (!a->floats) return phi_fail_nomem(r->err);
        break;
    case PH_ATTR_INTS:
        a->n = pb->n_ints;
        a->ints = phi_memdup(mem, pb->ints, a->n * sizeof *a->ints);
        if (!a->ints) return phi_fail_nomem(r->err);
        break;
    case PH_ATTR_STRINGS:
        if (strings_are_plain(pb)) return read_strings(r, pb, a);
        a->kind = PHI_ATTR_OTHER;
        break;
    case PH_ATTR_TENSOR:
        return read_attribute_tensor(r, pb, what, a);
    }
    return PH_OK;
}

/* Take the value out of the message. */
static void strip_attribute(phi_pb_attribute *pb)
{
    pb->has_type = pb->has_f = pb->has_i = pb->has_s = false;
    pb->n_floats = pb->n_ints = pb->n_strings = 0;
    if (!pb->t) return;
    phi_pb_strip_tensor(pb->t);
    if (protobuf_c_message_get_packed_size(&pb->t->base) == 0) pb->t = NULL;
}

/* Constant's sparse_value is its value in other words. */
static enum ph_status read_sparse_value(reader *r, size_t node, const phi_pb_attribute *pb)
{
    const phi_node *n = &r->g->nodes[node];
    label l = label_of(n->op_type, n->name);
    phi_attr *a;
    enum ph_status st = phi_node_new_attr(r->g, node, "value", &a, r->err);

    if (st) return st;
    a->kind = PH_ATTR_TENSOR;
    return phi_pb_to_dense(&r->g->mem, pb->sparse_tensor, l.text, &r->from, &a->tensor, r->err);
}

static bool is_sparse_value(const phi_node *n, const phi_pb_attribute *pb)
{
    return pb->sparse_tensor && !*n->domain && strcmp(n->op_type, "Constant") == 0 &&
           strcmp(pb->name, "sparse_value") == 0;
}

static enum ph_status read_attribute(reader *r, size_t node, phi_pb_attribute *pb)
{
    const phi_node *n = &r->g->nodes[node];
    label l = label_of(n->op_type, n->name);
    char what[300];
    phi_attr *a;
    enum ph_status st;

    if (is_empty(pb->name))
        return phi_fail(r->err, PH_ERR_FORMAT, n->name, "%s: an attribute has no name", l.text);
    if (is_sparse_value(n, pb)) return read_sparse_value(r, node, pb);
    snprintf(what, sizeof what, "%s: attribute '%.60s'", l.text, pb->name);
    st = phi_node_new_attr(r->g, node, pb->name, &a, r->err);
    if (st) return st;
    a->kind = attribute_kind(pb);
    if (a->kind != PHI_ATTR_OTHER && (filled_kinds(pb) & ~(1u << a->kind)))
        return phi_fail(r->err, PH_ERR_FORMAT, n->name, "%s has more than one value", what);
    st = read_attribute_value(r, pb, what, a);
    if (st) return st;
    pb->name = NULL;
    if (a->kind != PHI_ATTR_OTHER) strip_attribute(pb);
    if (pb->t) st = phi_pb_fetch_raw(&r->arena, pb->t, &r->from, r->err);
    if (st) return st;
    return phi_pb_keep(r->g, pb, &a->extra, r->err);
}

/* --- Nodes ---------------------------------------------------------------------------------- */

static const char *pb_node_name_at(const void *owner, size_t i)
{
    return ((const reader *)owner)->pb->node[i]->name;
}

static enum ph_status index_node_names(reader *r)
{
    for (size_t i = 0; i < r->pb->n_node; i++) {
        const char *name = r->pb->node[i]->name;
        if (is_empty(name)) continue;
        if (phi_names_find(&r->node_names, pb_node_name_at, r, name) != SIZE_MAX) continue;
        if (!phi_names_add(&r->g->mem, &r->node_names, pb_node_name_at, r, i))
            return phi_fail_nomem(r->err);
    }
    return PH_OK;
}

/* A name for a node that has none, or one that another node has, too: `stem` (op type, or that
 * name) and number, unlike any name in the file. Numbers are not used again, so that looking for a
 * free one stays cheap whatever the file is up to. */
static const char *make_name(reader *r, const char *stem, size_t *number)
{
    const size_t bytes = strlen(stem) + 24;
    char *name = phi_arena_calloc(&r->arena, bytes, 1);

    while (name) {
        snprintf(name, bytes, "%s_%zu", stem, ++*number);
        if (phi_names_find(&r->node_names, pb_node_name_at, r, name) == SIZE_MAX) break;
    }
    return name;
}

/* The values behind names; "" is an operand left out. */
static enum ph_status read_operands(reader *r, size_t n, char *const *names, ph_value **out)
{
    enum ph_status st = PH_OK;
    ph_value *v = phi_arena_calloc(&r->arena, n, sizeof *v);

    if (!v) return phi_fail_nomem(r->err);
    for (size_t i = 0; i < n && !st; i++) {
        v[i] = PH_NONE;
        if (*names[i]) st = phi_graph_value(r->g, names[i], &v[i], r->err);
    }
    *out = v;
    return st;
}

/* May the operator behind a node be one of ours? Not if the model defines it itself. */
static enum ph_status check_callee(reader *r, const phi_pb_node *pb, phi_node *n)
{
    struct phi_function *function;
    enum ph_status st = phi_functions_find(&r->functions, &r->arena, pb, &function, r->err);

    if (st) return st;
    if (!is_empty(pb->overload) || function) n->op = NULL;
    if (!*n->domain && phi_graph_opset_of(r->g, "") == 0)
        return phi_fail(r->err, PH_ERR_FORMAT, n->name,
                        "%s '%s' is of ONNX's own operator set, which the model does not import",
                        n->op_type, n->name);
    return PH_OK;
}

/* Does an earlier node have the name of node `i`? The specification forbids it, exporters do it. */
static bool name_is_taken(const reader *r, size_t i)
{
    return phi_names_find(&r->node_names, pb_node_name_at, r, r->pb->node[i]->name) != i;
}

static enum ph_status append_node(reader *r, const phi_pb_node *pb, size_t i, size_t *made_up,
                                  size_t *node)
{
    const bool named = !is_empty(pb->name);
    const char *name = !named                ? make_name(r, pb->op_type, made_up)
                       : name_is_taken(r, i) ? make_name(r, pb->name, made_up)
                                             : pb->name;
    ph_value *in = NULL, *out = NULL;
    label l;
    enum ph_status st;

    if (!name) return phi_fail_nomem(r->err);
    l = label_of(pb->op_type, name);
    st = check_count(r, pb->n_output, MAX_LISTED, l.text, "outputs");
    if (!st) st = check_count(r, pb->n_attribute, MAX_WALKED, l.text, "attributes");
    if (!st) st = read_operands(r, pb->n_input, pb->input, &in);
    if (!st) st = read_operands(r, pb->n_output, pb->output, &out);
    if (!st)
        st = phi_graph_append(r->g, pb->domain ? pb->domain : "", pb->op_type, name, pb->n_input,
                              in, pb->n_output, out, node, r->err);
    if (!st) r->g->nodes[*node].name_made_up = !named;
    return st;
}

static enum ph_status read_node(reader *r, phi_pb_node *pb, size_t i, size_t *made_up)
{
    char *name = pb->name;
    size_t node;
    enum ph_status st;

    if (is_empty(pb->op_type))
        return phi_fail(r->err, PH_ERR_FORMAT, pb->name, "node %zu ('%s') has no operator", i,
                        pb->name ? pb->name : "");
    st = append_node(r, pb, i, made_up, &node);
    if (!st) st = check_callee(r, pb, &r->g->nodes[node]);
    for (size_t k = 0; k < pb->n_attribute && !st; k++)
        st = read_attribute(r, node, pb->attribute[k]);
    if (st) return st;
    pb->name = pb->op_type = pb->domain = NULL;
    pb->n_input = pb->n_output = pb->n_attribute = 0;
    st = phi_pb_keep(r->g, pb, &r->g->nodes[node].extra, r->err);
    pb->name = name; /* the index of names still looks here */
    return st;
}

static enum ph_status read_nodes(reader *r)
{
    size_t made_up = 0;
    enum ph_status st = index_node_names(r);

    for (size_t i = 0; i < r->pb->n_node && !st; i++)
        st = read_node(r, r->pb->node[i], i, &made_up);
    return st;
}

/* --- The whole -------------------------------------------------------------------------------- */

static enum ph_status read_graph(reader *r)
{
    phi_pb_graph *pb = r->pb;
    enum ph_status st = read_inputs(r);

    if (!st) st = read_initializers(r);
    if (!st) st = read_nodes(r);
    if (!st) st = read_outputs(r);
    if (!st) st = read_value_infos(r);
    if (st) return st;
    pb->name = NULL;
    pb->n_node = pb->n_initializer = pb->n_input = pb->n_output = 0;
    return phi_pb_keep(r->g, pb, &r->g->extra, r->err);
}

/* Bring a value's elements into memory if they were left in the file. */
static enum ph_status fetch(reader *r, ph_value v)
{
    ph_tensor *t = v == PH_NONE ? NULL : r->g->values[v].constant;

    return t ? phi_tensor_fetch(t, r->err) : PH_OK;
}

/* Only what operators read while they pack may stay in the file. */
static enum ph_status fetch_what_is_read(reader *r)
{
    const ph_graph *g = r->g;
    enum ph_status st = PH_OK;

    for (size_t i = 0; i < g->n_nodes; i++) {
        const phi_node *n = &g->nodes[i];
        const bool packs = n->op && n->op->packs_rows;
        for (size_t k = 0; k < n->n_in && !st; k++)
            if (k != 1 || !packs) st = fetch(r, n->in[k]);
    }
    for (size_t i = 0; i < g->n_outputs && !st; i++)
        st = fetch(r, g->outputs[i]);
    r->g->left = true;
    return st;
}

static enum ph_status read_model(reader *r, phi_pb_model *m)
{
    enum ph_status st;

    r->g->ir_version = m->ir_version;
    r->pb = m->graph;
    st = read_opsets(r, m);
    if (!st) st = read_metadata(r, m);
    if (!st) st = phi_functions_start(&r->functions, &r->arena, m, r->err);
    if (!st) st = phi_functions_inline(&r->functions, &r->arena, r->g, m, r->err);
    if (!st) st = read_graph(r);
    if (st) return st;
    m->has_ir_version = false;
    m->n_opset_import = m->n_metadata_props = 0;
    m->graph = NULL;
    st = phi_pb_keep(r->g, m, &r->g->model_extra, r->err);
    if (!st) st = phi_graph_sort(r->g, r->err);
    if (!st) st = phi_graph_check_structure(r->g, r->err);
    if (!st && r->left) st = fetch_what_is_read(r);
    return st;
}

static enum ph_status check_model(const phi_pb_model *m, ph_error *err)
{
    if (!m->has_ir_version || m->ir_version < 1)
        return phi_fail(err, PH_ERR_FORMAT, "model", "not an ONNX model: no IR version");
    if (!m->graph) return phi_fail(err, PH_ERR_FORMAT, "model", "the model has no graph");
    return PH_OK;
}

static enum ph_status read_decoded(reader *r, const ph_allocator *mem, phi_pb_model *m,
                                   ph_graph **out)
{
    enum ph_status st = check_model(m, r->err);

    if (!st) st = ph_graph_new(mem, m->graph->name, &r->g, r->err);
    if (!st) st = read_model(r, m);
    if (r->g) {
        phi_names_free(&r->g->mem, &r->node_names);
        phi_functions_end(&r->functions);
    }
    if (st)
        ph_graph_free(r->g);
    else
        *out = r->g;
    return st;
}

static enum ph_status read_unpacked(reader *r, const ph_allocator *mem, const unsigned char *bytes,
                                    size_t n, unsigned char *taken, ph_graph **out)
{
    phi_pb_model *m;
    enum ph_status st;

    phi_arena_start(&r->arena, mem);
    st = phi_pb_unpack(&r->arena, &phi_onnx__model__descriptor, bytes, n, "ONNX model", &m, r->err);
    phi_free(mem, taken);
    if (!st) st = read_decoded(r, mem, m, out);
    phi_arena_end(&r->arena);
    return st;
}

enum ph_status ph_onnx_read_memory(const ph_allocator *mem, const void *bytes, size_t n,
                                   ph_graph **out, ph_error *err)
{
    static const unsigned char nothing;
    reader r = {.err = err};

    return read_unpacked(&r, mem, n ? bytes : &nothing, n, NULL, out);
}

/* Is the message in `bytes` well-formed? The reader says so, too, but this looks without a word. */
static bool is_sound(const unsigned char *bytes, size_t n)
{
    return !phi_pb_scan(&phi_onnx__model__descriptor, bytes, n, "", NULL);
}

/*
 * Weights stay in the file until there is a tensor to hold them: they are in memory but once. A file
 * with something wrong in its encoding is read as a whole, so that messages say where in it.
 */
static enum ph_status read_file(reader *r, const ph_allocator *mem, const phi_file *f,
                                ph_graph **out)
{
    unsigned char *bytes;
    size_t n;
    enum ph_status st = phi_pb_read_thin(mem, f, &bytes, &n, r->err);

    if (st) return st;
    r->from = (phi_pb_origin){.path = f->path, .file = f};
    if (bytes && is_sound(bytes, n)) return read_unpacked(r, mem, bytes, n, bytes, out);
    phi_free(mem, bytes);
    r->from.file = NULL;
    r->left = NULL;
    st = phi_file_read_limit(mem, f->path, PHI_PB_MAX_BYTES, &bytes, &n, r->err);
    return st ? st : read_unpacked(r, mem, bytes, n, bytes, out);
}

/* Messages name the file. */
static enum ph_status fail_about(const char *path, enum ph_status st, const ph_error *inner,
                                 ph_error *err)
{
    if (strstr(inner->message, path)) return phi_fail(err, st, inner->where, "%s", inner->message);
    return phi_fail(err, st, inner->where, "%s: %s", path, inner->message);
}

enum ph_status ph_onnx_read(const ph_allocator *mem, const char *path, ph_graph **out,
                            ph_error *err)
{
    phi_file f;
    ph_error inner = {.status = PH_OK};
    reader r = {.err = &inner};
    enum ph_status st = phi_file_open(path, PHI_PB_MAX_BYTES, &f, err);

    if (st) return st;
    st = read_file(&r, mem, &f, out);
    phi_file_close(&f);
    return st ? fail_about(path, st, &inner, err) : PH_OK;
}

enum ph_status ph_onnx_open(const ph_allocator *mem, const char *path, ph_graph **out,
                            ph_error *err)
{
    phi_file f;
    phi_left *left = NULL;
    ph_error inner = {.status = PH_OK};
    reader r = {.err = &inner};
    enum ph_status st = phi_file_open(path, PHI_PB_MAX_BYTES, &f, err);

    if (!st) st = phi_left_new(mem, &f, &left, err); /* takes f even if it fails */
    if (st) return st;
    r.left = left;
    st = read_file(&r, mem, phi_left_file(left), out);
    phi_left_drop(left); /* tensors that stay there hold it */
    return st ? fail_about(path, st, &inner, err) : PH_OK;
}
