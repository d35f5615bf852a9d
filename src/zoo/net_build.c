/* SPDX-License-Identifier: MIT */
/*
 * Names, values and nodes of the graph that a text describes.
 *
 * Shapes are inferred node by node by the operators themselves, for a batch of 1 and again for a
 * batch of 2: a dimension that differs is open in the graph, and a layer that only fits one batch
 * size is refused.
 */
#include <math.h>
#include <stdio.h>

#include "base/rng.h"
#include "zoo/net.h"

/* --- Names ----------------------------------------------------------------------------------- */

static enum ph_status fail_now(net_parser *p, enum ph_status status, const char *text)
{
    const net_frame *f = p->frame;
    return phi_net_fail(p, f->source, f->now, f->now->word.p, status, "%s", text);
}

static size_t slot_of(const net_symbol *symbols, size_t n_slots, const char *path, uint64_t hash)
{
    size_t i = (size_t)hash & (n_slots - 1);
    while (symbols[i].path && (symbols[i].hash != hash || strcmp(symbols[i].path, path) != 0))
        i = (i + 1) & (n_slots - 1);
    return i;
}

const net_symbol *phi_net_find_symbol(const net_parser *p, const char *path)
{
    if (p->n_slots == 0) return NULL;
    const net_symbol *s = &p->symbols[slot_of(p->symbols, p->n_slots, path, phi_stream(path))];
    return s->path ? s : NULL;
}

/* Keep at least half of the slots free. */
static bool grow_symbols(net_parser *p)
{
    if (2 * (p->n_symbols + 1) <= p->n_slots) return true;
    const size_t n_slots = p->n_slots ? 2 * p->n_slots : 64;
    net_symbol *grown = phi_calloc(&p->mem, n_slots, sizeof *grown);
    if (!grown) return false;
    for (size_t i = 0; i < p->n_slots; i++) {
        const net_symbol *s = &p->symbols[i];
        if (s->path) grown[slot_of(grown, n_slots, s->path, s->hash)] = *s;
    }
    phi_free(&p->mem, p->symbols);
    p->symbols = grown;
    p->n_slots = n_slots;
    return true;
}

enum ph_status phi_net_define(net_parser *p, const char *path, ph_value v)
{
    const net_symbol *known = phi_net_find_symbol(p, path);
    if (known && known->value == v) return PH_OK;
    if (known)
        return phi_fail(p->err, PH_ERR_INTERNAL, path, "the name '%s' is given to two values",
                        path);
    char *copy = phi_strdup(&p->mem, path);
    if (!copy || !grow_symbols(p)) {
        phi_free(&p->mem, copy);
        return phi_fail_nomem(p->err);
    }
    const uint64_t hash = phi_stream(path);
    p->symbols[slot_of(p->symbols, p->n_slots, path, hash)] =
        (net_symbol){copy, hash, v, phi_net_own_frame(p)->now->number};
    p->n_symbols++;
    return PH_OK;
}

/* PATH/name of the frame's scope; false if that is too long. */
static bool join_path(const net_frame *f, const char *name, size_t n, char path[NET_PATH_BYTES])
{
    const int length =
        snprintf(path, NET_PATH_BYTES, "%s%s%.*s", f->scope, *f->scope ? "/" : "", (int)n, name);
    return length > 0 && length < NET_PATH_BYTES;
}

enum ph_status phi_net_make_path(net_parser *p, const net_statement *st, const char *base,
                             size_t counter, char path[NET_PATH_BYTES])
{
    net_frame *f = p->frame;
    if (st->label.n) {
        if (!join_path(f, st->label.p, st->label.n, path))
            return fail_now(p, PH_ERR_FORMAT, "the full name is too long");
        const net_symbol *taken = phi_net_find_symbol(p, path);
        if (!taken) return PH_OK;
        return phi_net_fail(p, f->source, st, st->label.p, PH_ERR_FORMAT,
                        "the name '%s' is taken by line %zu%s", path, taken->line,
                        taken->line == phi_net_own_frame(p)->now->number
                            ? "; a name in front of 'repeat' gives each turn names of its own"
                            : "");
    }
    do {
        char name[NET_NAME_MAX + 32];
        const int n = snprintf(name, sizeof name, "%s_%u", base, ++f->made_up[counter]);
        if (!join_path(f, name, (size_t)n, path))
            return fail_now(p, PH_ERR_FORMAT, "the full name is too long");
    } while (phi_net_find_symbol(p, path));
    return PH_OK;
}

/* --- Values ---------------------------------------------------------------------------------- */

const phi_type *phi_net_type(const net_parser *p, ph_value v)
{
    return &p->info[v].type[0];
}

static enum ph_status reserve_info(net_parser *p)
{
    const size_t n = p->g->values_capacity;
    if (n <= p->info_capacity) return PH_OK;
    net_info *grown = phi_calloc(&p->mem, n, sizeof *grown);
    if (!grown) return phi_fail_nomem(p->err);
    if (p->info_capacity) memcpy(grown, p->info, p->info_capacity * sizeof *grown);
    phi_free(&p->mem, p->info);
    p->info = grown;
    p->info_capacity = n;
    return PH_OK;
}

enum ph_status phi_net_note_input(net_parser *p, ph_value v, const phi_type *batch1)
{
    enum ph_status st = reserve_info(p);
    if (st) return st;
    p->info[v].type[0] = p->info[v].type[1] = *batch1;
    p->info[v].type[1].dims[0] = 2;
    p->info[v].power = (net_power){1.0, 0.0};
    return PH_OK;
}

enum ph_status phi_net_charge(net_parser *p, int64_t n)
{
    if (n <= NET_WEIGHTS_MAX - p->weights) {
        p->weights += n;
        return PH_OK;
    }
    char text[160];
    snprintf(text, sizeof text,
             "%lld weights, after %lld before; at most %lld are possible in a "
             "text",
             (long long)n, (long long)p->weights, (long long)NET_WEIGHTS_MAX);
    return fail_now(p, PH_ERR_OVERFLOW, text);
}

/* An operator's complaint, with the place in the text. */
static enum ph_status pass_on(net_parser *p, enum ph_status st, const ph_error *inner, int batch)
{
    if (st == PH_ERR_NOMEM) return phi_fail_nomem(p->err);
    const net_frame *f = p->frame;
    return phi_net_fail(p, f->source, f->now, f->now->word.p, st, "%s%s", inner->message,
                    batch == 0 ? "" : " (with a batch of 2; with one image alone it would fit)");
}

/* --- Constants ------------------------------------------------------------------------------- */

/* The type of a constant, which must be possible and not too much. */
static enum ph_status constant_type(net_parser *p, const char *name, enum ph_dtype dtype, int rank,
                                    const int64_t *dims, phi_type *type)
{
    *type = (phi_type){.dtype = dtype, .rank = rank};
    for (int i = 0; i < rank; i++)
        type->dims[i] = dims[i];
    ph_error inner = {.status = PH_OK};
    enum ph_status st = phi_type_check(type, name, &inner);
    if (st) return pass_on(p, st, &inner, 0);
    return phi_net_charge(p, phi_type_count(type));
}

/* A new constant NAME.part, all zero; *t lives in the graph. */
static enum ph_status add_constant(net_parser *p, const char *name, const char *part,
                                   enum ph_dtype dtype, int rank, const int64_t *dims,
                                   ph_value *out, ph_tensor **t)
{
    phi_type type;
    enum ph_status st = constant_type(p, name, dtype, rank, dims, &type);
    ph_tensor *made = NULL;
    if (!st) st = phi_tensor_new(&p->mem, &type, &made, p->err);
    if (st) return st;
    char *full = phi_asprintf(&p->mem, "%s.%s", name, part);
    st = full ? phi_graph_value(p->g, full, out, p->err) : phi_fail_nomem(p->err);
    phi_free(&p->mem, full);
    if (st) {
        ph_tensor_free(made);
        return st;
    }
    *t = made;
    st = phi_graph_set_constant(p->g, *out, made, p->err);
    return st ? st : reserve_info(p);
}

enum ph_status phi_net_add_floats(net_parser *p, const char *name, const char *part, int rank,
                              const int64_t *dims, const float *x, float fill, ph_value *out)
{
    ph_tensor *t;
    enum ph_status st = add_constant(p, name, part, PH_FLOAT32, rank, dims, out, &t);
    if (st) return st;
    float *data = t->data;
    for (int64_t i = 0; i < t->count; i++)
        data[i] = x ? x[i] : fill;
    return PH_OK;
}

enum ph_status phi_net_add_ints(net_parser *p, const char *name, const char *part, size_t n,
                            const int64_t *x, ph_value *out)
{
    ph_tensor *t;
    const int64_t dims[1] = {(int64_t)n};
    enum ph_status st = add_constant(p, name, part, PH_INT64, 1, dims, out, &t);
    if (!st) memcpy(t->data, x, n * sizeof *x);
    return st;
}

enum ph_status phi_net_add_weights(net_parser *p, const char *name, const char *part, int rank,
                               const int64_t *dims, int64_t fan_in, ph_value *out)
{
    phi_type type;
    enum ph_status st = constant_type(p, name, PH_FLOAT32, rank, dims, &type);
    if (st) return st;
    char *full = phi_asprintf(&p->mem, "%s.%s", name, part);
    if (!full) return phi_fail_nomem(p->err);
    const float sigma = (float)sqrt(2.0 / (double)fan_in);
    st = phi_graph_add_normal(p->g, full, &type, sigma, p->seed, out, p->err);
    phi_free(&p->mem, full);
    return st ? st : reserve_info(p);
}

/* --- Nodes ----------------------------------------------------------------------------------- */

/* Infer the node's one output for the batch size number `batch`. */
static enum ph_status infer(net_parser *p, const phi_node *node, int batch, ph_error *err)
{
    const phi_op *op = node->op;
    if (!op)
        return phi_fail(err, PH_ERR_UNSUPPORTED, node->name, "%s '%s': there is no such operator",
                        node->op_type, node->name);
    const phi_type *in[PHI_MAX_IN];
    const ph_tensor *constant[PHI_MAX_IN];
    for (size_t i = 0; i < node->n_in; i++) {
        const ph_value v = node->in[i];
        constant[i] = v == PH_NONE ? NULL : p->g->values[v].constant;
        in[i] = v == PH_NONE ? NULL : constant[i] ? &constant[i]->type : &p->info[v].type[batch];
    }
    phi_infer c = {.node = node,
                   .opset = PH_OPSET,
                   .n_in = node->n_in,
                   .n_out = 1,
                   .in = in,
                   .constant = constant,
                   .out = &p->info[node->out[0]].type[batch],
                   .err = err};
    c.params = op->params_bytes ? phi_calloc(&p->mem, 1, op->params_bytes) : NULL;
    if (op->params_bytes && !c.params) return phi_fail_nomem(err);
    *c.out = (phi_type){.rank = -1};
    enum ph_status st = op->infer(&c);
    if (!st) st = phi_type_check(c.out, node->name, err);
    phi_free(&p->mem, c.params);
    return st;
}

/* The node just added: its shapes, its name; its output is the current value from now on. */
static enum ph_status settle(net_parser *p, const char *name)
{
    const phi_node *node = &p->g->nodes[p->g->n_nodes - 1];
    enum ph_status st = reserve_info(p);
    for (int batch = 0; batch < 2 && !st; batch++) {
        ph_error inner = {.status = PH_OK};
        st = infer(p, node, batch, &inner);
        if (st) return pass_on(p, st, &inner, batch);
    }
    if (st) return st;
    for (size_t i = 0; i < node->n_in; i++)
        if (node->in[i] != PH_NONE) p->info[node->in[i]].used = true;
    p->info[node->out[0]].power = phi_net_expect(p, node);
    p->current = node->out[0];
    return phi_net_define(p, name, p->current);
}

static enum ph_status check_room(net_parser *p)
{
    if (p->g->n_nodes < NET_NODES_MAX) return PH_OK;
    char text[80];
    snprintf(text, sizeof text, "more than %d nodes", NET_NODES_MAX);
    return fail_now(p, PH_ERR_FORMAT, text);
}

enum ph_status phi_net_emit(net_parser *p, const char *op, const char *name, size_t n_in,
                        const ph_value *in, size_t n_attrs, const ph_attr *attrs)
{
    ph_value out;
    enum ph_status st = check_room(p);
    if (!st)
        st = ph_graph_add_node(p->g, op, name, n_in, in, n_attrs, attrs, 1, &name, &out, p->err);
    return st ? st : settle(p, name);
}

enum ph_status phi_net_emit_conv(net_parser *p, const ph_conv_desc *d)
{
    ph_value out;
    const int64_t c = phi_net_type(p, p->current)->dims[1];
    int64_t n;
    if (!phi_mul_i64(d->k, c / d->groups, &n) || !phi_mul_i64(n, d->r, &n) ||
        !phi_mul_i64(n, d->s, &n))
        n = INT64_MAX;
    enum ph_status st = check_room(p);
    if (!st) st = phi_net_charge(p, n);
    if (!st) st = phi_net_charge(p, d->no_bias ? 0 : d->k);
    if (!st) st = ph_graph_add_conv(p->g, p->current, c, d, p->seed, &out, p->err);
    return st ? st : settle(p, d->name);
}

/* --- The end --------------------------------------------------------------------------------- */

static enum ph_status declare_output(net_parser *p, ph_value v)
{
    phi_value *value = &p->g->values[v];
    const net_info *info = &p->info[v];
    value->dtype = info->type[0].dtype;
    value->rank = info->type[0].rank;
    for (int d = 0; d < value->rank; d++) {
        const bool open = info->type[0].dims[d] != info->type[1].dims[d];
        value->dims[d] = open ? -1 : info->type[0].dims[d];
        if (!open || value->dim_names[d]) continue;
        /* a batch that was moved is still the batch; one folded into something else is not */
        const bool batch = info->type[0].dims[d] == 1 && info->type[1].dims[d] == 2;
        if (batch && !(value->dim_names[d] = phi_strdup(&p->mem, "N")))
            return phi_fail_nomem(p->err);
    }
    return PH_OK;
}

static const net_symbol *symbol_of(const net_parser *p, ph_value v)
{
    for (size_t i = 0; i < p->n_slots; i++)
        if (p->symbols[i].path && p->symbols[i].value == v) return &p->symbols[i];
    return NULL;
}

enum ph_status phi_net_finish(net_parser *p)
{
    ph_graph *g = p->g;
    for (size_t i = 0; i < g->n_outputs; i++) {
        p->info[g->outputs[i]].used = true;
        enum ph_status st = declare_output(p, g->outputs[i]);
        if (st) return st;
    }
    for (size_t v = 0; v < g->n_values; v++) {
        const phi_value *value = &g->values[v];
        if (value->constant || p->info[v].used) continue;
        const net_symbol *s = symbol_of(p, (ph_value)v);
        char place[256];
        snprintf(place, sizeof place, "%.200s:%zu:1", p->text.origin, s ? s->line : 1);
        return phi_fail(p->err, PH_ERR_FORMAT, place,
                        "%s: nothing uses '%s', and it is no output; "
                        "is a 'from' or an 'output' missing?",
                        place, value->name);
    }
    return PH_OK;
}
