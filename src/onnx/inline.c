/* SPDX-License-Identifier: MIT */
/*
 * Model-local functions: calls are replaced by the nodes of their bodies before the graph is read
 * (onnx/docs/IR.md, "Functions"). Values and nodes of a body get the caller's name in front;
 * attributes that refer to the function's take the call's, or the default, or go.
 *
 * Calls can multiply what a file says without bound, so there is a budget. A function that cannot
 * be inlined (nested graphs in its body; another version of an operator set than the model's) is
 * left as it is, and its calls are operators that nobody knows.
 */
#include <stdio.h>

#include "onnx/onnx_pb.h"

enum {
    MAX_DEPTH = 64,       /* of calls in calls */
    MAX_COST = 1 << 20,   /* nodes, operands, attributes and values made by inlining */
    MAX_NAMES = 64 << 20, /* bytes of names made by inlining */
    FIELD_G = 6,          /* AttributeProto.g, .graphs: onnx.proto does not know them */
    FIELD_GRAPHS = 11
};

/* A function and the values in it: inputs first, then what comes up in outputs and nodes. */
struct phi_function {
    phi_pb_function *pb;
    const char *key;
    phi_names index;
    const char **values; /* [n_values] */
    size_t n_values;
    size_t cost;  /* of one call */
    bool scanned; /* values, cost and blocked are known */
    bool blocked; /* not to be inlined */
    bool active;  /* a call is being inlined: one more would be recursion */
};

typedef struct inliner {
    phi_functions *f;
    phi_arena *arena;
    ph_graph *g;
    phi_pb_model *m;
    ph_error *err;
    phi_names taken; /* names of values, those made here among them */
    const char **names;     /* [n_names] */
    size_t n_names, names_capacity;
    phi_pb_node **nodes; /* the result */
    size_t n_nodes, nodes_capacity;
    size_t cost, name_bytes;
    size_t n_unnamed;
} inliner;

/* A call whose body is being copied. */
typedef struct scope {
    struct phi_function *f;
    const phi_pb_node *caller;
    const char *name;    /* goes in front of names */
    const char **actual; /* [f->n_values] */
} scope;

static const char *or_empty(const char *s)
{
    return s ? s : "";
}

/* --- The functions of a model ----------------------------------------------------------------- */

static const char *key_at(const void *owner, size_t i)
{
    return ((const phi_functions *)owner)->at[i].key;
}

static const char *value_at(const void *owner, size_t i)
{
    return ((const struct phi_function *)owner)->values[i];
}

static const char *name_at(const void *owner, size_t i)
{
    return ((const inliner *)owner)->names[i];
}

/* "domain\nname\noverload"; NULL: out of memory. */
static char *make_key(phi_arena *a, const char *domain, const char *name, const char *overload)
{
    if (!domain || strcmp(domain, "ai.onnx") == 0) domain = "";
    const size_t bytes = strlen(domain) + strlen(or_empty(name)) + strlen(or_empty(overload)) + 3;
    char *key = phi_arena_calloc(a, bytes, 1);
    if (key) snprintf(key, bytes, "%s\n%s\n%s", domain, or_empty(name), or_empty(overload));
    return key;
}

enum ph_status phi_functions_start(phi_functions *f, phi_arena *a, phi_pb_model *m, ph_error *err)
{
    *f = (phi_functions){.mem = a->mem, .at = phi_arena_calloc(a, m->n_functions, sizeof *f->at)};
    if (!f->at) return phi_fail_nomem(err);
    f->n = m->n_functions;
    for (size_t i = 0; i < f->n; i++) {
        phi_pb_function *pb = m->functions[i];
        f->at[i].pb = pb;
        f->at[i].key = make_key(a, pb->domain, pb->name, pb->overload);
        if (!f->at[i].key) return phi_fail_nomem(err);
        if (phi_names_find(&f->keys, key_at, f, f->at[i].key) != SIZE_MAX) continue;
        if (!phi_names_add(&f->mem, &f->keys, key_at, f, i)) return phi_fail_nomem(err);
    }
    return PH_OK;
}

void phi_functions_end(phi_functions *f)
{
    for (size_t i = 0; i < f->n; i++)
        phi_names_free(&f->mem, &f->at[i].index);
    phi_names_free(&f->mem, &f->keys);
}

enum ph_status phi_functions_find(const phi_functions *f, phi_arena *a, const phi_pb_node *node,
                                  struct phi_function **out, ph_error *err)
{
    *out = NULL;
    if (!f->keys.n_used) return PH_OK;
    const char *key = make_key(a, node->domain, node->op_type, node->overload);
    if (!key) return phi_fail_nomem(err);
    const size_t i = phi_names_find(&f->keys, key_at, f, key);
    if (i != SIZE_MAX) *out = &f->at[i];
    return PH_OK;
}

/* --- Looking at a function once --------------------------------------------------------------- */

static enum ph_status add_value(inliner *x, struct phi_function *f, const char *name)
{
    if (!*name || phi_names_find(&f->index, value_at, f, name) != SIZE_MAX) return PH_OK;
    f->values[f->n_values] = name;
    if (!phi_names_add(&x->f->mem, &f->index, value_at, f, f->n_values))
        return phi_fail_nomem(x->err);
    f->n_values++;
    return PH_OK;
}

static enum ph_status add_values(inliner *x, struct phi_function *f, size_t n, char *const *names)
{
    enum ph_status st = PH_OK;
    for (size_t i = 0; i < n && !st; i++)
        st = add_value(x, f, names[i]);
    return st;
}

static bool has_graphs(const phi_pb_attribute *a)
{
    for (size_t i = 0; i < a->base.n_unknown_fields; i++) {
        const uint32_t tag = a->base.unknown_fields[i].tag;
        if (tag == FIELD_G || tag == FIELD_GRAPHS) return true;
    }
    return false;
}

static bool uses_domain(const phi_pb_function *pb, const char *domain)
{
    for (size_t i = 0; i < pb->n_node; i++) {
        const char *d = or_empty(pb->node[i]->domain);
        if (strcmp(strcmp(d, "ai.onnx") == 0 ? "" : d, domain) == 0) return true;
    }
    return false;
}

/* Import what the function imports. Where the model has another version of an operator set that the
 * body uses, its nodes would mean something else there. */
static enum ph_status import_opsets(inliner *x, struct phi_function *f)
{
    const phi_pb_function *pb = f->pb;
    enum ph_status st = PH_OK;
    for (size_t i = 0; i < pb->n_opset_import && !st; i++) {
        const char *domain = or_empty(pb->opset_import[i]->domain);
        if (strcmp(domain, "ai.onnx") == 0) domain = "";
        const int64_t version = pb->opset_import[i]->version;
        const int64_t known = phi_graph_opset_of(x->g, domain);
        if (known == version || !uses_domain(pb, domain)) continue;
        if (known || version < 1 || version > INT32_MAX)
            f->blocked = true;
        else
            st = phi_graph_set_opset(x->g, domain, version, x->err);
    }
    return st;
}

static enum ph_status scan_nodes(inliner *x, struct phi_function *f)
{
    const phi_pb_function *pb = f->pb;
    enum ph_status st = PH_OK;
    for (size_t i = 0; i < pb->n_node && !st; i++) {
        const phi_pb_node *n = pb->node[i];
        st = add_values(x, f, n->n_input, n->input);
        if (!st) st = add_values(x, f, n->n_output, n->output);
        f->cost += 1 + n->n_input + n->n_output + n->n_attribute;
        for (size_t k = 0; k < n->n_attribute; k++)
            f->blocked |= has_graphs(n->attribute[k]);
    }
    f->cost += 1 + f->n_values + pb->n_output;
    return st;
}

static enum ph_status scan(inliner *x, struct phi_function *f)
{
    const phi_pb_function *pb = f->pb;
    size_t most = pb->n_input + pb->n_output;
    if (f->scanned) return PH_OK;
    f->scanned = true;
    for (size_t i = 0; i < pb->n_node; i++)
        most += pb->node[i]->n_input + pb->node[i]->n_output;
    f->values = phi_arena_calloc(x->arena, most, sizeof *f->values);
    if (!f->values) return phi_fail_nomem(x->err);
    enum ph_status st = add_values(x, f, pb->n_input, pb->input);
    if (!st && f->n_values != pb->n_input)
        return phi_fail(x->err, PH_ERR_FORMAT, pb->name,
                        "function '%s' has inputs without names or of the same name",
                        or_empty(pb->name));
    if (!st) st = add_values(x, f, pb->n_output, pb->output);
    if (!st) st = scan_nodes(x, f);
    return st ? st : import_opsets(x, f);
}

/* --- Names ------------------------------------------------------------------------------------ */

static enum ph_status take_name(inliner *x, const char *name)
{
    const ph_allocator *mem = &x->f->mem;
    if (!*name || phi_names_find(&x->taken, name_at, x, name) != SIZE_MAX) return PH_OK;
    if (!phi_grow(mem, (void **)&x->names, x->n_names, &x->names_capacity, sizeof *x->names))
        return phi_fail_nomem(x->err);
    x->names[x->n_names] = name;
    if (!phi_names_add(mem, &x->taken, name_at, x, x->n_names)) return phi_fail_nomem(x->err);
    x->n_names++;
    return PH_OK;
}

/* All names of values that the graph has before anything is inlined. */
static enum ph_status take_graph_names(inliner *x)
{
    const phi_pb_graph *pb = x->m->graph;
    enum ph_status st = PH_OK;
    for (size_t i = 0; i < pb->n_input && !st; i++)
        st = take_name(x, or_empty(pb->input[i]->name));
    for (size_t i = 0; i < pb->n_initializer && !st; i++)
        st = take_name(x, or_empty(pb->initializer[i]->name));
    for (size_t i = 0; i < pb->n_sparse_initializer && !st; i++)
        if (pb->sparse_initializer[i]->values)
            st = take_name(x, or_empty(pb->sparse_initializer[i]->values->name));
    for (size_t i = 0; i < pb->n_node && !st; i++) {
        const phi_pb_node *n = pb->node[i];
        for (size_t k = 0; k < n->n_output && !st; k++)
            st = take_name(x, n->output[k]);
        for (size_t k = 0; k < n->n_input && !st; k++)
            st = take_name(x, n->input[k]);
    }
    return st;
}

/* "SCOPE/NAME", with a number behind it if that is taken and `free` is asked for. */
static enum ph_status scoped(inliner *x, const char *in, const char *name, bool free, char **out)
{
    const size_t bytes = strlen(in) + strlen(name) + 24;
    x->name_bytes += bytes;
    if (x->name_bytes > MAX_NAMES)
        return phi_fail(x->err, PH_ERR_UNSUPPORTED, in,
                        "inlining the model's functions makes more than %d MiB of names",
                        MAX_NAMES >> 20);
    char *s = phi_arena_calloc(x->arena, bytes, 1);
    if (!s) return phi_fail_nomem(x->err);
    snprintf(s, bytes, "%s/%s", in, name);
    const size_t end = strlen(s);
    while (free && phi_names_find(&x->taken, name_at, x, s) != SIZE_MAX)
        snprintf(s + end, bytes - end, ".%zu", ++x->n_unnamed);
    *out = s;
    return free ? take_name(x, s) : PH_OK;
}

/* What the values of the body are called where `caller` calls it. */
static enum ph_status bind_values(inliner *x, scope *s)
{
    const phi_pb_function *pb = s->f->pb;
    const phi_pb_node *caller = s->caller;
    s->actual = phi_arena_calloc(x->arena, s->f->n_values, sizeof *s->actual);
    if (!s->actual) return phi_fail_nomem(x->err);
    for (size_t i = 0; i < pb->n_output && i < caller->n_output; i++) {
        const size_t v = phi_names_find(&s->f->index, value_at, s->f, pb->output[i]);
        if (v != SIZE_MAX && *caller->output[i]) s->actual[v] = caller->output[i];
    }
    for (size_t i = 0; i < pb->n_input; i++)
        s->actual[i] = i < caller->n_input ? caller->input[i] : "";
    for (size_t v = pb->n_input; v < s->f->n_values; v++) {
        char *made = NULL;
        if (s->actual[v]) continue;
        enum ph_status st = scoped(x, s->name, s->f->values[v], true, &made);
        if (st) return st;
        s->actual[v] = made;
    }
    return PH_OK;
}

/* --- Copies of nodes -------------------------------------------------------------------------- */

static enum ph_status add_node(inliner *x, phi_pb_node *node)
{
    if (!phi_grow(&x->f->mem, (void **)&x->nodes, x->n_nodes, &x->nodes_capacity, sizeof *x->nodes))
        return phi_fail_nomem(x->err);
    x->nodes[x->n_nodes++] = node;
    return PH_OK;
}

static enum ph_status rename_list(inliner *x, const scope *s, size_t n, char ***names)
{
    char **renamed = phi_arena_calloc(x->arena, n, sizeof *renamed);
    if (!renamed) return phi_fail_nomem(x->err);
    for (size_t i = 0; i < n; i++) {
        const char *name = (*names)[i];
        const size_t v = phi_names_find(&s->f->index, value_at, s->f, name);
        renamed[i] = (char *)(v == SIZE_MAX ? "" : s->actual[v]);
    }
    *names = renamed;
    return PH_OK;
}

static const phi_pb_attribute *find_attribute(size_t n, phi_pb_attribute *const *list,
                                              const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(or_empty(list[i]->name), name) == 0) return list[i];
    return NULL;
}

/* The attribute as the call has it, in memory of its own as far as reading changes it; NULL in
 * *out: the call does not give it, and there is no default. */
static enum ph_status copy_attribute(inliner *x, const scope *s, const phi_pb_attribute *a,
                                     phi_pb_attribute **out)
{
    const phi_pb_attribute *from = a;
    *out = NULL;
    if (*or_empty(a->ref_attr_name)) {
        from = find_attribute(s->caller->n_attribute, s->caller->attribute, a->ref_attr_name);
        if (!from)
            from = find_attribute(s->f->pb->n_attribute_proto, s->f->pb->attribute_proto,
                                  a->ref_attr_name);
        if (!from) return PH_OK;
    }
    phi_pb_attribute *copy = phi_arena_calloc(x->arena, 1, sizeof *copy);
    if (!copy) return phi_fail_nomem(x->err);
    *copy = *from;
    copy->name = a->name;
    if (from->t) {
        copy->t = phi_arena_calloc(x->arena, 1, sizeof *copy->t);
        if (!copy->t) return phi_fail_nomem(x->err);
        *copy->t = *from->t;
    }
    *out = copy;
    return PH_OK;
}

static enum ph_status copy_node(inliner *x, const scope *s, const phi_pb_node *from,
                                phi_pb_node **out)
{
    phi_pb_node *n = phi_arena_calloc(x->arena, 1, sizeof *n);
    if (!n) return phi_fail_nomem(x->err);
    *n = *from;
    const char *name = *or_empty(from->name) ? from->name : or_empty(from->op_type);
    enum ph_status st = scoped(x, s->name, name, false, &n->name);
    if (!st) st = rename_list(x, s, n->n_input, &n->input);
    if (!st) st = rename_list(x, s, n->n_output, &n->output);
    n->attribute = phi_arena_calloc(x->arena, from->n_attribute, sizeof(phi_pb_attribute *));
    if (!st && !n->attribute) st = phi_fail_nomem(x->err);
    n->n_attribute = 0;
    for (size_t i = 0; i < from->n_attribute && !st; i++) {
        st = copy_attribute(x, s, from->attribute[i], &n->attribute[n->n_attribute]);
        if (!st && n->attribute[n->n_attribute]) n->n_attribute++;
    }
    *out = n;
    return st;
}

/* An output of a function that is one of its inputs as well: the call is a copy. */
static enum ph_status pass_through(inliner *x, const scope *s, size_t i)
{
    const phi_pb_function *pb = s->f->pb;
    const size_t v = phi_names_find(&s->f->index, value_at, s->f, pb->output[i]);
    if (v >= pb->n_input || !*s->caller->output[i]) return PH_OK;
    phi_pb_node *n = phi_arena_calloc(x->arena, 1, sizeof *n);
    char **names = phi_arena_calloc(x->arena, 2, sizeof *names);
    if (!n || !names) return phi_fail_nomem(x->err);
    phi_onnx__node__init(n);
    names[0] = (char *)s->actual[v];
    names[1] = s->caller->output[i];
    n->input = names;
    n->output = names + 1;
    n->n_input = n->n_output = 1;
    n->op_type = (char *)"Identity";
    enum ph_status st = scoped(x, s->name, "Identity", false, &n->name);
    return st ? st : add_node(x, n);
}

/* --- Calls ------------------------------------------------------------------------------------ */

static enum ph_status check_call(inliner *x, const struct phi_function *f,
                                 const phi_pb_node *caller, size_t depth)
{
    const char *name = or_empty(f->pb->name);
    if (f->active) return phi_fail(x->err, PH_ERR_GRAPH, name, "function '%s' calls itself", name);
    if (depth >= MAX_DEPTH)
        return phi_fail(x->err, PH_ERR_UNSUPPORTED, name,
                        "function '%s' is called %d calls deep; that is as deep as is supported",
                        name, MAX_DEPTH);
    if (caller->n_input > f->pb->n_input || caller->n_output > f->pb->n_output)
        return phi_fail(x->err, PH_ERR_GRAPH, caller->name,
                        "%s '%s': %zu inputs and %zu outputs; the function has %zu and %zu", name,
                        or_empty(caller->name), caller->n_input, caller->n_output, f->pb->n_input,
                        f->pb->n_output);
    x->cost += f->cost;
    if (x->cost > MAX_COST)
        return phi_fail(x->err, PH_ERR_UNSUPPORTED, name,
                        "inlining the model's functions makes more than %d nodes, operands and "
                        "values",
                        MAX_COST);
    return PH_OK;
}

static enum ph_status expand(inliner *x, phi_pb_node *node, size_t depth);

static enum ph_status inline_call(inliner *x, struct phi_function *f, phi_pb_node *caller,
                                  size_t depth)
{
    char made[64];
    scope s = {.f = f, .caller = caller, .name = caller->name};
    enum ph_status st = check_call(x, f, caller, depth);
    if (st) return st;
    if (!*or_empty(s.name)) {
        snprintf(made, sizeof made, "%.40s_%zu", or_empty(f->pb->name), ++x->n_unnamed);
        s.name = made;
    }
    f->active = true;
    st = bind_values(x, &s);
    for (size_t i = 0; i < f->pb->n_node && !st; i++) {
        phi_pb_node *copy = NULL;
        st = copy_node(x, &s, f->pb->node[i], &copy);
        if (!st) st = expand(x, copy, depth + 1);
    }
    for (size_t i = 0; i < caller->n_output && !st; i++)
        st = pass_through(x, &s, i);
    f->active = false;
    return st;
}

/* A node into the result, or the nodes it stands for. */
static enum ph_status expand(inliner *x, phi_pb_node *node, size_t depth)
{
    struct phi_function *f;
    enum ph_status st = phi_functions_find(x->f, x->arena, node, &f, x->err);
    if (!st && f) st = scan(x, f);
    if (st) return st;
    if (!f) return add_node(x, node);
    if (!f->blocked) return inline_call(x, f, node, depth);
    x->f->calls_left = true;
    return add_node(x, node);
}

/* The list of nodes belongs to the arena from now on. */
static enum ph_status hand_over(inliner *x)
{
    phi_pb_graph *pb = x->m->graph;
    pb->node = phi_arena_calloc(x->arena, x->n_nodes, sizeof *pb->node);
    if (!pb->node) {
        pb->n_node = 0;
        return phi_fail_nomem(x->err);
    }
    if (x->n_nodes) memcpy(pb->node, x->nodes, x->n_nodes * sizeof *pb->node);
    pb->n_node = x->n_nodes;
    if (x->cost && !x->f->calls_left) x->m->n_functions = 0; /* nobody calls them any more */
    return PH_OK;
}

enum ph_status phi_functions_inline(phi_functions *f, phi_arena *a, ph_graph *g, phi_pb_model *m,
                                    ph_error *err)
{
    inliner x = {.f = f, .arena = a, .g = g, .m = m, .err = err};
    if (!f->n) return PH_OK;
    enum ph_status st = take_graph_names(&x);
    for (size_t i = 0; i < m->graph->n_node && !st; i++)
        st = expand(&x, m->graph->node[i], 0);
    if (!st) st = hand_over(&x);
    phi_names_free(&f->mem, &x.taken);
    phi_free(&f->mem, x.names);
    phi_free(&f->mem, x.nodes);
    return st;
}
