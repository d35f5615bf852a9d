/* SPDX-License-Identifier: MIT */
/*
 * Writing ONNX: ph_graph to ModelProto (onnx/docs/IR.md). Every message starts as what was left of
 * it when it was read (see onnx_pb.h). Tensors are always written as raw_data inside the model,
 * also those that came from typed lists or from files of external data: the result stands alone.
 */
#include "onnx/onnx_pb.h"

#include "base/file.h"

typedef struct writer {
    const ph_graph *g;
    phi_arena arena;
    phi_type *inferred; /* [n_values] of outputs that declare no shape, or NULL: none do */
    ph_error *err;
} writer;

static enum ph_status nomem(writer *w)
{
    return phi_fail_nomem(w->err);
}

/* protobuf-c has no const members; packing only reads. */
static char *borrow(const char *s)
{
    return (char *)s;
}

static enum ph_status recall(writer *w, const ProtobufCMessageDescriptor *type,
                             const phi_blob *blob, void *out)
{
    return phi_pb_recall(&w->arena, type, blob, out, w->err);
}

/* A new message; NULL: out of memory. */
static void *new_message(writer *w, const ProtobufCMessageDescriptor *type)
{
    void *m = phi_arena_calloc(&w->arena, 1, type->sizeof_message);

    if (m) protobuf_c_message_init(type, m);
    return m;
}

/* --- Types of values ------------------------------------------------------------------------ */

/* Bring the dimensions up to date; a dimension that was kept for its denotation stays where it is.
 */
static enum ph_status write_shape(writer *w, phi_pb_shape *shape, int rank, const int64_t *dims,
                                  char *const *names)
{
    if (shape->n_dim != (size_t)rank) {
        shape->n_dim = 0;
        shape->dim = phi_arena_calloc(&w->arena, (size_t)rank, sizeof *shape->dim);
        if (!shape->dim) return nomem(w);
        for (int i = 0; i < rank; i++) {
            shape->dim[i] = new_message(w, &phi_onnx__dimension__descriptor);
            if (!shape->dim[i]) return nomem(w);
        }
        shape->n_dim = (size_t)rank;
    }
    for (int i = 0; i < rank; i++) {
        phi_pb_dimension *d = shape->dim[i];
        d->has_dim_value = dims[i] >= 0;
        d->dim_value = dims[i];
        d->dim_param = dims[i] < 0 && names ? names[i] : NULL;
    }
    return PH_OK;
}

static enum ph_status write_type(writer *w, phi_pb_value_info *info, enum ph_dtype dtype, int rank,
                                 const int64_t *dims, char *const *names)
{
    phi_pb_tensor_type *t;

    if (dtype == PH_UNDEFINED && rank < 0) return PH_OK;
    if (!info->type) info->type = new_message(w, &phi_onnx__type__descriptor);
    if (!info->type) return nomem(w);
    if (!info->type->tensor_type)
        info->type->tensor_type = new_message(w, &phi_onnx__tensor_type__descriptor);
    t = info->type->tensor_type;
    if (!t) return nomem(w);
    t->has_elem_type = dtype != PH_UNDEFINED;
    t->elem_type = (int32_t)dtype;
    if (rank < 0) return PH_OK;
    if (!t->shape) t->shape = new_message(w, &phi_onnx__shape__descriptor);
    return t->shape ? write_shape(w, t->shape, rank, dims, names) : nomem(w);
}

/* An inferred type stands in for one that the value does not declare. */
static enum ph_status write_value_info(writer *w, ph_value v, phi_pb_value_info **out)
{
    const phi_value *value = &w->g->values[v];
    const phi_type *inferred = w->inferred ? &w->inferred[v] : NULL;
    enum ph_status st = recall(w, &phi_onnx__value_info__descriptor, &value->extra, out);

    if (st) return st;
    (*out)->name = borrow(value->name);
    if (inferred && inferred->rank >= 0)
        return write_type(w, *out, inferred->dtype, inferred->rank, inferred->dims, NULL);
    return write_type(w, *out, value->dtype, value->rank, value->dims, value->dim_names);
}

/* --- Types of outputs that were built, not read ----------------------------------------------- */

/* Infer with every open batch size set to `batch`. */
static enum ph_status infer_batch(writer *w, int64_t batch, phi_facts **facts)
{
    const ph_graph *g = w->g;
    const size_t n = ph_graph_n_inputs(g);
    ph_shape_hint *hints = phi_arena_calloc(&w->arena, n, sizeof *hints);
    size_t n_hints = 0;
    ph_error inner = {.status = PH_OK};

    if (!hints) return PH_ERR_NOMEM;
    for (size_t i = 0; i < g->n_inputs; i++) {
        const phi_value *v = &g->values[g->inputs[i]];
        ph_shape_hint *h = &hints[n_hints];
        if (v->constant || v->rank < 1 || v->dims[0] >= 0) continue;
        *h = (ph_shape_hint){.name = v->name, .rank = (size_t)v->rank};
        memcpy(h->dims, v->dims, sizeof h->dims);
        h->dims[0] = batch;
        n_hints++;
    }
    return phi_infer_graph(g, n_hints, hints, false, facts, &inner);
}

/* A type that was kept as a whole is one that we cannot say better. */
static bool needs_type(const phi_value *v)
{
    return v->rank < 0 && !v->extra.bytes;
}

static bool outputs_are_declared(const ph_graph *g)
{
    for (size_t i = 0; i < g->n_outputs; i++)
        if (needs_type(&g->values[g->outputs[i]])) return false;
    return true;
}

/* What is the same for two batch sizes; where a dimension is not, it is open. */
static phi_type common_type(const phi_type *a, const phi_type *b)
{
    phi_type t = *a;

    if (a->rank != b->rank) t.rank = -1;
    for (int d = 0; d < t.rank; d++)
        if (a->dims[d] != b->dims[d]) t.dims[d] = -1;
    return t;
}

/*
 * ONNX wants the types of outputs. Where they cannot be inferred (operators that we do not know,
 * open image sizes), outputs stay undeclared: only running out of memory is an error here.
 */
static enum ph_status infer_outputs(writer *w)
{
    const ph_graph *g = w->g;
    phi_facts *a = NULL, *b = NULL;
    enum ph_status st;

    if (outputs_are_declared(g)) return PH_OK;
    st = infer_batch(w, 2, &a);
    if (!st) st = infer_batch(w, 3, &b);
    if (!st) {
        w->inferred = phi_arena_calloc(&w->arena, g->n_values, sizeof *w->inferred);
        if (!w->inferred) st = PH_ERR_NOMEM;
    }
    for (size_t i = 0; i < g->n_values && !st; i++)
        w->inferred[i].rank = -1;
    for (size_t i = 0; i < g->n_outputs && !st; i++) {
        const ph_value v = g->outputs[i];
        if (needs_type(&g->values[v]))
            w->inferred[v] = common_type(&a->value[v].type, &b->value[v].type);
    }
    phi_facts_free(a);
    phi_facts_free(b);
    return st == PH_ERR_NOMEM ? nomem(w) : PH_OK;
}

/* --- Attributes and nodes --------------------------------------------------------------------- */

static enum ph_status write_strings(writer *w, const phi_attr *a, phi_pb_attribute *pb)
{
    pb->strings = phi_arena_calloc(&w->arena, a->n, sizeof *pb->strings);
    if (!pb->strings) return nomem(w);
    pb->n_strings = a->n;
    for (size_t i = 0; i < a->n; i++) {
        pb->strings[i].len = strlen(a->strings[i]);
        pb->strings[i].data = (uint8_t *)a->strings[i];
    }
    return PH_OK;
}

static enum ph_status write_attribute(writer *w, const phi_attr *a, phi_pb_attribute **out)
{
    phi_pb_attribute *pb;
    enum ph_status st = recall(w, &phi_onnx__attribute__descriptor, &a->extra, out);

    if (st) return st;
    pb = *out;
    pb->name = a->name;
    if (a->kind == PHI_ATTR_OTHER) return PH_OK; /* all of it was kept */
    pb->has_type = true;
    pb->type = (int32_t)a->kind;
    switch (a->kind) {
    case PH_ATTR_FLOAT:
        pb->has_f = true;
        pb->f = a->f;
        break;
    case PH_ATTR_INT:
        pb->has_i = true;
        pb->i = a->i;
        break;
    case PH_ATTR_STRING:
        pb->has_s = true;
        pb->s.len = a->s_bytes;
        pb->s.data = (uint8_t *)a->s;
        break;
    case PH_ATTR_FLOATS:
        pb->n_floats = a->n;
        pb->floats = a->floats;
        break;
    case PH_ATTR_INTS:
        pb->n_ints = a->n;
        pb->ints = a->ints;
        break;
    case PH_ATTR_STRINGS:
        return write_strings(w, a, pb);
    case PH_ATTR_TENSOR:
        if (!pb->t) pb->t = new_message(w, &phi_onnx__tensor__descriptor);
        return pb->t ? phi_pb_from_tensor(&w->arena, a->tensor, pb->t, w->err) : nomem(w);
    }
    return PH_OK;
}

/* Names of operands; one left out is "". */
static char **operand_names(writer *w, size_t n, const ph_value *v)
{
    char **names = phi_arena_calloc(&w->arena, n, sizeof *names);

    for (size_t i = 0; names && i < n; i++)
        names[i] = borrow(v[i] == PH_NONE ? "" : w->g->values[v[i]].name);
    return names;
}

static enum ph_status write_node(writer *w, const phi_node *n, phi_pb_node **out)
{
    phi_pb_node *pb;
    enum ph_status st = recall(w, &phi_onnx__node__descriptor, &n->extra, out);

    if (st) return st;
    pb = *out;
    pb->name = n->name_made_up ? NULL : n->name;
    pb->op_type = n->op_type;
    pb->domain = *n->domain ? n->domain : NULL;
    pb->input = operand_names(w, n->n_in, n->in);
    pb->output = operand_names(w, n->n_out, n->out);
    pb->attribute = phi_arena_calloc(&w->arena, n->n_attrs, sizeof *pb->attribute);
    if (!pb->input || !pb->output || !pb->attribute) return nomem(w);
    pb->n_input = n->n_in;
    pb->n_output = n->n_out;
    for (size_t i = 0; i < n->n_attrs && !st; i++)
        st = write_attribute(w, &n->attrs[i], &pb->attribute[i]);
    pb->n_attribute = n->n_attrs;
    return st;
}

/* --- The graph -------------------------------------------------------------------------------- */

static enum ph_status write_constants(writer *w, phi_pb_graph *pb)
{
    const ph_graph *g = w->g;
    size_t n = 0;
    enum ph_status st = PH_OK;

    for (size_t i = 0; i < g->n_values; i++)
        n += phi_value_is_constant(&g->values[i]);
    pb->initializer = phi_arena_calloc(&w->arena, n, sizeof *pb->initializer);
    if (!pb->initializer) return nomem(w);
    for (size_t i = 0; i < g->n_values && !st; i++) {
        const phi_value *v = &g->values[i];
        phi_pb_tensor *t;
        if (!phi_value_is_constant(v)) continue;
        st = recall(w, &phi_onnx__tensor__descriptor, &v->tensor_extra, &t);
        if (st) return st;
        t->name = v->name;
        if (v->constant) st = phi_pb_from_tensor(&w->arena, v->constant, t, w->err);
        pb->initializer[pb->n_initializer++] = t;
    }
    return st;
}

static enum ph_status write_ports(writer *w, phi_pb_graph *pb)
{
    const ph_graph *g = w->g;
    enum ph_status st = infer_outputs(w);

    if (st) return st;
    pb->input = phi_arena_calloc(&w->arena, g->n_inputs, sizeof *pb->input);
    pb->output = phi_arena_calloc(&w->arena, g->n_outputs, sizeof *pb->output);
    if (!pb->input || !pb->output) return nomem(w);
    for (size_t i = 0; i < g->n_inputs && !st; i++)
        st = write_value_info(w, g->inputs[i], &pb->input[i]);
    for (size_t i = 0; i < g->n_outputs && !st; i++)
        st = write_value_info(w, g->outputs[i], &pb->output[i]);
    pb->n_input = g->n_inputs;
    pb->n_output = g->n_outputs;
    return st;
}

/* Those of values in the graph, then those kept because they are about none of them. */
static enum ph_status write_value_infos(writer *w, phi_pb_graph *pb)
{
    const ph_graph *g = w->g;
    phi_pb_value_info **all;
    size_t n = 0;
    enum ph_status st = PH_OK;

    for (size_t i = 0; i < g->n_values; i++)
        n += g->values[i].has_info;
    all = phi_arena_calloc(&w->arena, n + pb->n_value_info, sizeof *all);
    if (!all) return nomem(w);
    n = 0;
    for (size_t i = 0; i < g->n_values && !st; i++)
        if (g->values[i].has_info) st = write_value_info(w, (ph_value)i, &all[n++]);
    if (pb->n_value_info) memcpy(all + n, pb->value_info, pb->n_value_info * sizeof *all);
    pb->value_info = all;
    pb->n_value_info += n;
    return st;
}

static enum ph_status write_graph(writer *w, phi_pb_graph **out)
{
    const ph_graph *g = w->g;
    phi_pb_graph *pb;
    enum ph_status st = recall(w, &phi_onnx__graph__descriptor, &g->extra, out);

    if (st) return st;
    pb = *out;
    pb->name = g->name;
    pb->node = phi_arena_calloc(&w->arena, g->n_nodes, sizeof *pb->node);
    if (!pb->node) return nomem(w);
    for (size_t i = 0; i < g->n_nodes && !st; i++)
        st = write_node(w, &g->nodes[i], &pb->node[i]);
    pb->n_node = g->n_nodes;
    if (!st) st = write_constants(w, pb);
    if (!st) st = write_ports(w, pb);
    if (!st) st = write_value_infos(w, pb);
    return st;
}

/* --- The model -------------------------------------------------------------------------------- */

static enum ph_status write_opsets(writer *w, phi_pb_model *m)
{
    const ph_graph *g = w->g;

    m->opset_import = phi_arena_calloc(&w->arena, g->n_opsets, sizeof *m->opset_import);
    if (!m->opset_import) return nomem(w);
    for (size_t i = 0; i < g->n_opsets; i++) {
        phi_pb_opset *o = new_message(w, &phi_onnx__opset_id__descriptor);
        if (!o) return nomem(w);
        o->domain = g->opsets[i].domain;
        o->has_version = true;
        o->version = g->opsets[i].version;
        m->opset_import[i] = o;
    }
    m->n_opset_import = g->n_opsets;
    if (m->ir_version < 3 && g->n_opsets == 1 && phi_graph_opset_of(g, "") == 1)
        m->n_opset_import = 0; /* before IR version 3 it was implied */
    return PH_OK;
}

static enum ph_status write_metadata(writer *w, phi_pb_model *m)
{
    const ph_graph *g = w->g;

    m->metadata_props = phi_arena_calloc(&w->arena, g->n_meta, sizeof *m->metadata_props);
    if (!m->metadata_props) return nomem(w);
    for (size_t i = 0; i < g->n_meta; i++) {
        phi_pb_entry *e = new_message(w, &phi_onnx__entry__descriptor);
        if (!e) return nomem(w);
        e->key = g->meta[i].key;
        e->value = g->meta[i].value;
        m->metadata_props[i] = e;
    }
    m->n_metadata_props = g->n_meta;
    return PH_OK;
}

/* Constants that are no inputs are allowed from IR version 4 on. */
static int64_t ir_version(const ph_graph *g)
{
    for (size_t i = 0; i < g->n_values; i++)
        if (phi_value_is_constant(&g->values[i]) && !g->values[i].is_input)
            return g->ir_version < 4 ? 4 : g->ir_version;
    return g->ir_version;
}

static enum ph_status write_model(writer *w, phi_pb_model **out)
{
    phi_pb_model *m;
    enum ph_status st = recall(w, &phi_onnx__model__descriptor, &w->g->model_extra, out);

    if (st) return st;
    m = *out;
    if (!m->producer_name) {
        m->producer_name = borrow("pinhole");
        m->producer_version = borrow(ph_version());
    }
    m->has_ir_version = true;
    m->ir_version = ir_version(w->g);
    st = write_opsets(w, m);
    if (!st) st = write_metadata(w, m);
    if (!st) st = write_graph(w, &m->graph);
    return st;
}

/* Refuse before sums could wrap around: no message that holds these tensors would be short enough.
 */
static enum ph_status check_size(const ph_graph *g, const char *path, ph_error *err)
{
    size_t total = 0;

    for (size_t i = 0; i < g->n_values; i++)
        if (g->values[i].constant && !phi_add_size(total, g->values[i].constant->bytes, &total))
            total = SIZE_MAX;
    if (total <= PHI_PB_MAX_BYTES) return PH_OK;
    return phi_fail(err, PH_ERR_UNSUPPORTED, path,
                    "cannot write '%s': the model has at least %zu bytes, an ONNX file at most %zu",
                    path, total, PHI_PB_MAX_BYTES);
}

static enum ph_status pack_model(writer *w, const phi_pb_model *m, const char *path,
                                 unsigned char **bytes, size_t *n)
{
    *n = protobuf_c_message_get_packed_size(&m->base);
    if (*n > PHI_PB_MAX_BYTES)
        return phi_fail(w->err, PH_ERR_UNSUPPORTED, path,
                        "cannot write '%s': the model has %zu bytes, an ONNX file at most %zu",
                        path, *n, PHI_PB_MAX_BYTES);
    *bytes = phi_alloc(&w->g->mem, *n);
    if (!*bytes) return nomem(w);
    *n = protobuf_c_message_pack(&m->base, *bytes);
    return PH_OK;
}

enum ph_status ph_onnx_write(const ph_graph *g, const char *path, ph_error *err)
{
    writer w = {.g = g, .err = err};
    phi_pb_model *m;
    unsigned char *bytes = NULL;
    size_t n = 0;
    enum ph_status st = phi_graph_need_weights(g, true, err);

    if (!st) st = phi_graph_check_structure(g, err);
    if (!st) st = check_size(g, path, err);
    if (st) return st;
    phi_arena_start(&w.arena, &g->mem);
    st = write_model(&w, &m);
    if (!st) st = pack_model(&w, m, path, &bytes, &n);
    phi_arena_end(&w.arena);
    if (!st) st = phi_file_write(&g->mem, path, bytes, n, err);
    phi_free(&g->mem, bytes);
    return st;
}
