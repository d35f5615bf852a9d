/* SPDX-License-Identifier: MIT */
/*
 * What a network costs, node by node, and what its 1x1 reductions save.
 */
#include "graph/account.h"

const char *ph_role_name(enum ph_role role)
{
    switch (role) {
    case PH_ROLE_SHRINK: return "shrink";
    case PH_ROLE_KEEP: return "keep";
    case PH_ROLE_GROW: return "grow";
    case PH_ROLE_NONE: break;
    }
    return NULL;
}

/* An account in the making. */
typedef struct counter {
    ph_account *a;
    const ph_graph *g;
    const phi_facts *f;
    bool *counted;   /* [n_values] parameters that some node had already */
    int64_t *macs;   /* [n_nodes] */
    ph_error *err;
} counter;

static enum ph_status too_large(const counter *c, const char *name)
{
    return phi_fail(c->err, PH_ERR_OVERFLOW, name, "'%s': its cost does not fit into 63 bits", name);
}

static bool add_to(int64_t *sum, int64_t x) { return phi_add_i64(*sum, x, sum); }

/* --- Layers -------------------------------------------------------------------------------------- */

/* Constants that training would update: weights, biases, scales; no running statistics, and no
 * scalars, which are settings. */
static int64_t node_parameters(counter *c, const phi_node *n, int64_t *bytes)
{
    int64_t sum = 0;
    for (size_t k = 0; k < n->n_in; k++) {
        const ph_value v = n->in[k];
        if (v == PH_NONE || k > 31 || !(n->op->trainable >> k & 1) || c->counted[v]) continue;
        const ph_tensor *t = c->f->value[v].constant;
        if (!t || t->type.rank == 0) continue;
        c->counted[v] = true;
        sum += t->count; /* they are all in memory: no overflow */
        *bytes += (int64_t)t->bytes;
    }
    return sum;
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

/* A node whose results are known before running is no layer. */
static bool is_layer(const counter *c, const phi_node *n)
{
    for (size_t k = 0; k < n->n_out; k++)
        if (n->out[k] != PH_NONE && !c->f->value[n->out[k]].constant) return true;
    return false;
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
    if (st) return st;
    l->macs = c->macs[i];
    l->role = role_of(c, n);
    l->parameters = node_parameters(c, n, &a->totals.parameter_bytes);
    bool fits = true;
    for (size_t k = 0; k < n->n_out; k++) {
        if (n->out[k] == PH_NONE) continue;
        const phi_type *t = &c->f->value[n->out[k]].type;
        fits &= add_to(&l->activation_bytes, (int64_t)phi_type_bytes(t));
        if (k > 0) continue;
        l->output_rank = (size_t)t->rank;
        memcpy(l->output_dims, t->dims, sizeof l->output_dims);
    }
    a->totals.layers++;
    fits &= add_to(&a->totals.parameters, l->parameters);
    fits &= add_to(&a->totals.macs, l->macs);
    fits &= add_to(&a->totals.activation_bytes, l->activation_bytes);
    return fits ? PH_OK : too_large(c, n->name);
}

/* --- Savings ------------------------------------------------------------------------------------- */

/* Operators that hand every channel on: what they follow still feeds what follows them. */
static bool passes_channels_on(const phi_node *n)
{
    static const char *const ops[] = { "BatchNormalization", "Relu",    "LeakyRelu",   "Clip",
                                       "Sigmoid",            "Tanh",    "HardSigmoid", "HardSwish",
                                       "Dropout",            "Identity", "MaxPool",     "AveragePool" };
    for (size_t i = 0; i < PHI_COUNT(ops); i++)
        if (strcmp(n->op_type, ops[i]) == 0) return true;
    return false;
}

/* The value that `v` is, before operators that hand channels on. */
static ph_value origin_of(const counter *c, ph_value v)
{
    for (;;) {
        const int32_t p = c->g->values[v].producer;
        if (p < 0) return v;
        const phi_node *n = &c->g->nodes[p];
        if (!passes_channels_on(n) || n->in[0] == PH_NONE || n->out[0] != v) return v;
        v = n->in[0];
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

static enum ph_status add_saving(counter *c, size_t i)
{
    ph_account *a = c->a;
    const phi_node *n = &c->g->nodes[i];
    const phi_type *w = conv_weights(c, n);
    ph_saving s = { .c_in = w->dims[1], .c_reduced = w->dims[0], .macs_with = c->macs[i],
                    .parameters_with = conv_parameters(c, n) };
    const char *consumer = NULL;
    for (size_t k = i + 1; k < c->g->n_nodes; k++) {
        const phi_node *reader = &c->g->nodes[k];
        const phi_type *rw = conv_weights(c, reader);
        if (!rw || is_1x1(rw) || origin_of(c, reader->in[0]) != n->out[0]) continue;
        if (!s.n_consumers++) consumer = reader->name;
        if (!add_consumer(c, k, &s)) return too_large(c, n->name);
    }
    if (!consumer) return PH_OK;
    if (!phi_grow(&a->mem, (void **)&a->savings, a->n_savings, &a->savings_capacity,
                  sizeof *a->savings))
        return phi_fail_nomem(c->err);
    s.reduction = phi_strdup(&a->mem, n->name);
    s.consumer = phi_strdup(&a->mem, consumer);
    a->savings[a->n_savings++] = s;
    return s.reduction && s.consumer ? PH_OK : phi_fail_nomem(c->err);
}

/* --- The whole ------------------------------------------------------------------------------------- */

static enum ph_status describe(counter *c)
{
    ph_account *a = c->a;
    a->model = phi_strdup(&a->mem, c->g->name);
    a->inputs = phi_strdup(&a->mem, "");
    for (size_t i = 0; i < ph_graph_n_inputs(c->g) && a->inputs; i++) {
        char text[PHI_TYPE_TEXT];
        const ph_value v = ph_graph_input(c->g, i);
        phi_type_text(&c->f->value[v].type, text, sizeof text);
        char *longer = phi_asprintf(&a->mem, "%s%s%.60s %s", a->inputs, i ? ", " : "",
                                    c->g->values[v].name, text);
        phi_free(&a->mem, a->inputs);
        a->inputs = longer;
    }
    return a->model && a->inputs ? PH_OK : phi_fail_nomem(c->err);
}

static enum ph_status count_all(counter *c)
{
    ph_account *a = c->a;
    const size_t n = c->g->n_nodes;
    a->layers = phi_calloc(&a->mem, n, sizeof *a->layers);
    c->counted = phi_calloc(&a->mem, c->g->n_values, sizeof *c->counted);
    c->macs = phi_calloc(&a->mem, n, sizeof *c->macs);
    if (!a->layers || !c->counted || !c->macs) return phi_fail_nomem(c->err);
    enum ph_status st = describe(c);
    for (size_t i = 0; i < n && !st; i++)
        if (is_layer(c, &c->g->nodes[i])) st = add_layer(c, i);
    for (size_t i = 0; i < n && !st; i++)
        if (is_layer(c, &c->g->nodes[i]) && role_of(c, &c->g->nodes[i]) == PH_ROLE_SHRINK)
            st = add_saving(c, i);
    return st;
}

enum ph_status ph_account_new(const ph_graph *g, size_t n_hints, const ph_shape_hint *hints,
                              ph_account **out, ph_error *err)
{
    phi_facts *facts;
    enum ph_status st = phi_infer_graph(g, n_hints, hints, false, &facts, err);
    if (st) return st;
    counter c = { .g = g, .f = facts, .err = err, .a = phi_calloc(&g->mem, 1, sizeof *c.a) };
    if (c.a) {
        c.a->mem = g->mem;
        st = count_all(&c);
    } else {
        st = phi_fail_nomem(err);
    }
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

size_t ph_account_n_layers(const ph_account *a) { return a->n_layers; }
const ph_layer_cost *ph_account_layer(const ph_account *a, size_t i) { return &a->layers[i]; }
size_t ph_account_n_savings(const ph_account *a) { return a->n_savings; }
const ph_saving *ph_account_saving(const ph_account *a, size_t i) { return &a->savings[i]; }
const ph_totals *ph_account_totals(const ph_account *a) { return &a->totals; }
