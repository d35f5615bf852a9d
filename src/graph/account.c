/* SPDX-License-Identifier: MIT */
/*
 * What a network costs, node by node, and what its 1x1 reductions save.
 */
#include <stdio.h>

#include "graph/account.h"

const char *ph_role_name(enum ph_role role)
{
    switch (role) {
    case PH_ROLE_SHRINK:
        return "shrink";
    case PH_ROLE_KEEP:
        return "keep";
    case PH_ROLE_GROW:
        return "grow";
    case PH_ROLE_NONE:
        break;
    }
    return NULL;
}

/* An account in the making. */
typedef struct counter {
    ph_account *a;
    const ph_graph *g;
    const phi_facts *f;
    ph_value *source; /* [n_values], see find_sources */
    ph_value *origin; /* [n_values], see find_origins */
    bool *counted;    /* [n_values] parameters that some node had already */
    int64_t *macs;    /* [n_nodes] */
    ph_error *err;
} counter;

static enum ph_status too_large(const counter *c, const char *name)
{
    return phi_fail(c->err, PH_ERR_OVERFLOW, name, "'%s': its cost does not fit into 63 bits",
                    name);
}

static bool add_to(int64_t *sum, int64_t x)
{
    return phi_add_i64(*sum, x, sum);
}

/* --- Constants ------------------------------------------------------------------------------- */

static bool is_floating(enum ph_dtype t)
{
    return t == PH_FLOAT32 || t == PH_FLOAT64 || t == PH_FLOAT16 || t == PH_BFLOAT16;
}

static bool is_one_of(const phi_node *n, const char *const *ops, size_t n_ops)
{
    for (size_t i = 0; i < n_ops; i++)
        if (strcmp(n->op_type, ops[i]) == 0) return true;
    return false;
}

/* Do the node's results follow from constants alone? */
static bool is_known(const counter *c, const phi_node *n)
{
    for (size_t k = 0; k < n->n_in; k++)
        if (n->in[k] != PH_NONE && c->source[n->in[k]] == PH_NONE) return false;
    return true;
}

/*
 * For each value that is known before running, the constant whose elements it holds: itself, or
 * what came into operators that only move elements. PH_NONE for all others. Producers come first in
 * the graph's order, so one pass does it.
 */
static void find_sources(counter *c)
{
    static const char *const moves[] = {"Identity", "Reshape", "Transpose",
                                        "Flatten",  "Squeeze", "Unsqueeze"};
    const ph_graph *g = c->g;
    for (size_t v = 0; v < g->n_values; v++)
        c->source[v] = c->f->value[v].constant ? (ph_value)v : PH_NONE;
    for (size_t i = 0; i < g->n_nodes; i++) {
        const phi_node *n = &g->nodes[i];
        if (!is_known(c, n)) continue;
        const bool moved = n->n_in > 0 && is_one_of(n, moves, PHI_COUNT(moves));
        for (size_t k = 0; k < n->n_out; k++)
            if (n->out[k] != PH_NONE)
                c->source[n->out[k]] = moved ? c->source[n->in[0]] : n->out[k];
    }
}

/* --- Layers ---------------------------------------------------------------------------------- */

/* Constants that training would update: weights, biases, scales; no running statistics, no scalars,
 * which are settings, and no whole numbers. */
static enum ph_status count_parameters(counter *c, const phi_node *n, int64_t *parameters)
{
    bool fits = true;
    for (size_t k = 0; k < n->n_in && k < 32; k++) {
        const ph_value v = n->in[k] == PH_NONE ? PH_NONE : c->source[n->in[k]];
        if (v == PH_NONE || !(n->op->trainable >> k & 1) || c->counted[v]) continue;
        const phi_type *t = &c->f->value[v].type;
        if (t->rank == 0 || !is_floating(t->dtype)) continue;
        c->counted[v] = true;
        fits &= add_to(parameters, phi_type_count(t));
        fits &= add_to(&c->a->totals.parameter_bytes, (int64_t)phi_type_bytes(t));
    }
    return fits ? PH_OK : too_large(c, n->name);
}

/* Weights of a node that is a convolution of one group, or NULL. */
static const phi_type *conv_weights(const counter *c, const phi_node *n)
{
    if (strcmp(n->op_type, "Conv") != 0 || *n->domain || n->n_in < 2 || n->in[1] == PH_NONE ||
        phi_attr_int(n, "group", 1) != 1)
        return NULL;
    return &c->f->value[n->in[1]].type;
}

static bool is_1x1(const phi_type *w)
{
    for (int i = 2; w && i < w->rank; i++)
        if (w->dims[i] != 1) return false;
    return w != NULL;
}

static enum ph_role role_of(const counter *c, const phi_node *n)
{
    const phi_type *w = conv_weights(c, n);
    if (!is_1x1(w)) return PH_ROLE_NONE;
    return w->dims[0] < w->dims[1]   ? PH_ROLE_SHRINK
           : w->dims[0] > w->dims[1] ? PH_ROLE_GROW
                                     : PH_ROLE_KEEP;
}

static enum ph_status node_macs(const counter *c, size_t i, int64_t *macs)
{
    const phi_type *in[PHI_MAX_IN];
    const ph_tensor *constant[PHI_MAX_IN];
    phi_type out[PHI_MAX_OUT];
    phi_infer context;
    phi_facts_node(c->f, i, &context, in, constant, out);
    context.err = c->err;
    *macs = 0;
    return c->g->nodes[i].op->macs ? c->g->nodes[i].op->macs(&context, macs) : PH_OK;
}

static enum ph_status count_outputs(const counter *c, const phi_node *n, ph_layer_cost *l)
{
    bool fits = true;
    for (size_t k = 0; k < n->n_out; k++) {
        if (n->out[k] == PH_NONE) continue;
        const phi_type *t = &c->f->value[n->out[k]].type;
        fits &= add_to(&l->activation_bytes, (int64_t)phi_type_bytes(t));
        if (k > 0) continue;
        l->output_rank = (size_t)t->rank;
        memcpy(l->output_dims, t->dims, sizeof l->output_dims);
    }
    return fits ? PH_OK : too_large(c, n->name);
}

static enum ph_status add_layer(counter *c, size_t i)
{
    ph_account *a = c->a;
    const phi_node *n = &c->g->nodes[i];
    ph_layer_cost *l = &a->layers[a->n_layers++];
    l->name = phi_strdup(&a->mem, n->name);
    l->op = phi_strdup(&a->mem, n->op_type);
    if (!l->name || !l->op) return phi_fail_nomem(c->err);
    enum ph_status st = node_macs(c, i, &c->macs[i]);
    if (!st) st = count_parameters(c, n, &l->parameters);
    if (!st) st = count_outputs(c, n, l);
    if (st) return st;
    l->macs = c->macs[i];
    l->role = role_of(c, n);
    a->totals.layers++;
    const bool fits = add_to(&a->totals.parameters, l->parameters) &&
                      add_to(&a->totals.macs, l->macs) &&
                      add_to(&a->totals.activation_bytes, l->activation_bytes);
    return fits ? PH_OK : too_large(c, n->name);
}

/* --- Savings --------------------------------------------------------------------------------- */

/* Does what comes before the node still feed, channel by channel, what comes after it? */
static bool hands_channels_on(const counter *c, const phi_node *n)
{
    if (!n->op->keeps_channels || n->in[0] == PH_NONE || n->out[0] == PH_NONE)
        return false;
    const phi_type *x = &c->f->value[n->in[0]].type, *y = &c->f->value[n->out[0]].type;
    return x->rank >= 2 && x->dims[1] == y->dims[1]; /* padding may add some */
}

/* For each value, the one it is before operators that hand channels on. */
static void find_origins(counter *c)
{
    const ph_graph *g = c->g;
    for (size_t v = 0; v < g->n_values; v++)
        c->origin[v] = (ph_value)v;
    for (size_t i = 0; i < g->n_nodes; i++) {
        const phi_node *n = &g->nodes[i];
        if (hands_channels_on(c, n)) c->origin[n->out[0]] = c->origin[n->in[0]];
    }
}

/* Weights and bias of a convolution. */
static int64_t conv_parameters(const counter *c, const phi_node *n)
{
    const bool biased = n->n_in > 2 && n->in[2] != PH_NONE;
    return phi_type_count(&c->f->value[n->in[1]].type) +
           (biased ? phi_type_count(&c->f->value[n->in[2]].type) : 0);
}

/* Add consumer `i`, as it is and as it would be on the wide input. Everything in it but the bias is
 * proportional to its input channels. */
static bool add_consumer(const counter *c, size_t i, ph_saving *s)
{
    const phi_node *n = &c->g->nodes[i];
    const int64_t weights = phi_type_count(&c->f->value[n->in[1]].type);
    const int64_t with = conv_parameters(c, n), bias = with - weights;
    int64_t wide_weights, wide_macs;
    return phi_mul_i64(weights / s->c_reduced, s->c_in, &wide_weights) &&
           phi_mul_i64(c->macs[i] / s->c_reduced, s->c_in, &wide_macs) &&
           add_to(&s->parameters_with, with) && add_to(&s->parameters_without, wide_weights) &&
           add_to(&s->parameters_without, bias) && add_to(&s->macs_with, c->macs[i]) &&
           add_to(&s->macs_without, wide_macs);
}

/* The reduction whose channels node `i` reads, if `i` is a convolution larger than 1x1: a node, or
 * SIZE_MAX. */
static size_t reduction_of(const counter *c, size_t i)
{
    const phi_node *n = &c->g->nodes[i];
    const phi_type *w = conv_weights(c, n);
    if (!w || is_1x1(w)) return SIZE_MAX;
    const int32_t p = c->g->values[c->origin[n->in[0]]].producer;
    if (p < 0 || is_known(c, &c->g->nodes[p]) || role_of(c, &c->g->nodes[p]) != PH_ROLE_SHRINK)
        return SIZE_MAX;
    return (size_t)p;
}

static void start_saving(const counter *c, size_t i, ph_saving *s)
{
    const phi_node *n = &c->g->nodes[i];
    const phi_type *w = conv_weights(c, n);
    *s = (ph_saving){.c_in = w->dims[1],
                     .c_reduced = w->dims[0],
                     .macs_with = c->macs[i],
                     .parameters_with = conv_parameters(c, n)};
}

/* saving [n_nodes], zeroed: what each reduction saves; first [n_nodes]: its first consumer. */
static enum ph_status sum_savings(const counter *c, ph_saving *saving, size_t *first)
{
    for (size_t i = 0; i < c->g->n_nodes; i++) {
        const size_t r = is_known(c, &c->g->nodes[i]) ? SIZE_MAX : reduction_of(c, i);
        if (r == SIZE_MAX) continue;
        if (saving[r].n_consumers == 0) {
            start_saving(c, r, &saving[r]);
            first[r] = i;
        }
        saving[r].n_consumers++;
        if (!add_consumer(c, i, &saving[r])) return too_large(c, c->g->nodes[r].name);
    }
    return PH_OK;
}

static enum ph_status add_savings(counter *c)
{
    ph_account *a = c->a;
    const size_t n = c->g->n_nodes;
    ph_saving *saving = phi_calloc(&a->mem, n, sizeof *saving);
    size_t *first = phi_calloc(&a->mem, n, sizeof *first);
    enum ph_status st = saving && first ? sum_savings(c, saving, first) : phi_fail_nomem(c->err);
    for (size_t i = 0; i < n && !st; i++) {
        if (saving[i].n_consumers == 0) continue;
        if (!phi_grow(&a->mem, (void **)&a->savings, a->n_savings, &a->savings_capacity,
                      sizeof *a->savings)) {
            st = phi_fail_nomem(c->err);
            break;
        }
        ph_saving *s = &a->savings[a->n_savings++];
        *s = saving[i];
        s->reduction = phi_strdup(&a->mem, c->g->nodes[i].name);
        s->consumer = phi_strdup(&a->mem, c->g->nodes[first[i]].name);
        if (!s->reduction || !s->consumer) st = phi_fail_nomem(c->err);
    }
    phi_free(&a->mem, saving);
    phi_free(&a->mem, first);
    return st;
}

/* --- The whole ------------------------------------------------------------------------------- */

/* The model's name and inputs. A header has room for a few inputs; a hostile file has thousands. */
static enum ph_status describe(counter *c)
{
    enum { SHOWN = 8 };
    ph_account *a = c->a;
    const size_t n = ph_graph_n_inputs(c->g), shown = n < SHOWN ? n : SHOWN;
    char line[SHOWN * (64 + PHI_TYPE_TEXT) + 32] = "";
    size_t at = 0;
    for (size_t i = 0; i < shown; i++) {
        char text[PHI_TYPE_TEXT];
        const ph_value v = ph_graph_input(c->g, i);
        phi_type_text(&c->f->value[v].type, text, sizeof text);
        at += (size_t)snprintf(line + at, sizeof line - at, "%s%.60s %s", i ? ", " : "",
                               c->g->values[v].name, text);
    }
    if (n > shown) snprintf(line + at, sizeof line - at, " and %zu more", n - shown);
    a->model = phi_strdup(&a->mem, c->g->name);
    a->inputs = phi_strdup(&a->mem, line);
    return a->model && a->inputs ? PH_OK : phi_fail_nomem(c->err);
}

static enum ph_status count_all(counter *c)
{
    ph_account *a = c->a;
    const size_t n = c->g->n_nodes, n_values = c->g->n_values;
    a->layers = phi_calloc(&a->mem, n, sizeof *a->layers);
    c->source = phi_calloc(&a->mem, n_values, sizeof *c->source);
    c->origin = phi_calloc(&a->mem, n_values, sizeof *c->origin);
    c->counted = phi_calloc(&a->mem, n_values, sizeof *c->counted);
    c->macs = phi_calloc(&a->mem, n, sizeof *c->macs);
    if (!a->layers || !c->source || !c->origin || !c->counted || !c->macs)
        return phi_fail_nomem(c->err);
    find_sources(c);
    find_origins(c);
    enum ph_status st = describe(c);
    for (size_t i = 0; i < n && !st; i++) /* what is known before running is no layer */
        if (!is_known(c, &c->g->nodes[i])) st = add_layer(c, i);
    return st ? st : add_savings(c);
}

enum ph_status ph_account_new(const ph_graph *g, size_t n_hints, const ph_shape_hint *hints,
                              ph_account **out, ph_error *err)
{
    phi_facts *facts;
    enum ph_status st = phi_infer_graph(g, n_hints, hints, false, &facts, err);
    if (st) return st;
    counter c = {.g = g, .f = facts, .err = err, .a = phi_calloc(&g->mem, 1, sizeof *c.a)};
    if (c.a) {
        c.a->mem = g->mem;
        st = count_all(&c);
    } else {
        st = phi_fail_nomem(err);
    }
    phi_free(&g->mem, c.source);
    phi_free(&g->mem, c.origin);
    phi_free(&g->mem, c.counted);
    phi_free(&g->mem, c.macs);
    phi_facts_free(facts);
    if (st)
        ph_account_free(c.a);
    else
        *out = c.a;
    return st;
}

/* The public structs show strings as const; here they are ours. */
static void free_text(const ph_allocator *mem, const char *text)
{
    void *ptr;
    memcpy(&ptr, &text, sizeof ptr);
    phi_free(mem, ptr);
}

void ph_account_free(ph_account *a)
{
    if (!a) return;
    const ph_allocator mem = a->mem;
    for (size_t i = 0; i < a->n_layers; i++) {
        free_text(&mem, a->layers[i].name);
        free_text(&mem, a->layers[i].op);
    }
    for (size_t i = 0; i < a->n_savings; i++) {
        free_text(&mem, a->savings[i].reduction);
        free_text(&mem, a->savings[i].consumer);
    }
    phi_free(&mem, a->layers);
    phi_free(&mem, a->savings);
    phi_free(&mem, a->model);
    phi_free(&mem, a->inputs);
    phi_free(&mem, a);
}

size_t ph_account_n_layers(const ph_account *a)
{
    return a->n_layers;
}
const ph_layer_cost *ph_account_layer(const ph_account *a, size_t i)
{
    return &a->layers[i];
}
size_t ph_account_n_savings(const ph_account *a)
{
    return a->n_savings;
}
const ph_saving *ph_account_saving(const ph_account *a, size_t i)
{
    return &a->savings[i];
}
const ph_totals *ph_account_totals(const ph_account *a)
{
    return &a->totals;
}
