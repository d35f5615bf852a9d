/* SPDX-License-Identifier: MIT */
/*
 * What a network costs, node by node.
 */
#include <stdio.h>

#include "graph/account.h"
#include "graph/parameters.h"

enum ph_status phi_count_too_large(const phi_counter *c, const char *name)
{
    return phi_fail(c->err, PH_ERR_OVERFLOW, name, "'%s': its cost does not fit into 63 bits",
                    name);
}

static bool add_to(int64_t *sum, int64_t x)
{
    return phi_add_i64(*sum, x, sum);
}

/* --- Constants ------------------------------------------------------------------------------- */

static bool is_one_of(const phi_node *n, const char *const *ops, size_t n_ops)
{
    for (size_t i = 0; i < n_ops; i++)
        if (strcmp(n->op_type, ops[i]) == 0) return true;
    return false;
}

/* Do the node's results follow from constants alone? What is not understood has a line of its own
 * in any case. */
static bool is_known(const phi_counter *c, size_t i)
{
    const phi_node *n = &c->g->nodes[i];
    for (size_t k = 0; k < n->n_in; k++)
        if (n->in[k] != PH_NONE && c->source[n->in[k]] == PH_NONE) return false;
    return !c->unknown[i];
}

/*
 * For each value that is known before running, the constant whose elements it holds: itself, or
 * what came into operators that only move elements. PH_NONE for all others. Producers come first in
 * the graph's order, so one pass does it.
 */
static void find_sources(phi_counter *c)
{
    static const char *const moves[] = {"Identity", "Reshape", "Transpose",
                                        "Flatten",  "Squeeze", "Unsqueeze"};
    const ph_graph *g = c->g;
    for (size_t v = 0; v < g->n_values; v++)
        c->source[v] = c->f->value[v].constant ? (ph_value)v : PH_NONE;
    for (size_t i = 0; i < g->n_nodes; i++) {
        const phi_node *n = &g->nodes[i];
        c->known[i] = is_known(c, i);
        if (!c->known[i]) continue;
        const bool moved =
            n->n_in > 0 && n->in[0] != PH_NONE && is_one_of(n, moves, PHI_COUNT(moves));
        for (size_t k = 0; k < n->n_out; k++)
            if (n->out[k] != PH_NONE)
                c->source[n->out[k]] = moved ? c->source[n->in[0]] : n->out[k];
    }
}

/* --- Layers ---------------------------------------------------------------------------------- */

/* The constant behind input k of the node, if its type is known and nobody counted it; or
 * PH_NONE. */
static ph_value uncounted(const phi_counter *c, const phi_node *n, size_t k)
{
    const ph_value v = n->in[k] == PH_NONE ? PH_NONE : c->source[n->in[k]];
    if (v == PH_NONE || c->counted[v] || c->f->value[v].type.rank < 0) return PH_NONE;
    return v;
}

static enum ph_status count_constants(phi_counter *c, const phi_node *n, ph_layer_cost *l)
{
    bool fits = true;
    for (size_t k = 0; k < n->n_in; k++) {
        const ph_value v = uncounted(c, n, k);
        if (v == PH_NONE) continue;
        const phi_type *t = &c->f->value[v].type;
        const int64_t count = phi_type_count(t);
        const bool state = n->op && k < 32 && (n->op->state >> k & 1);
        if (state) {
            fits &= add_to(&l->statistics, count);
        } else if (phi_is_parameter(c->flow, n, k, t)) {
            fits &= add_to(&l->parameters, count);
            fits &= add_to(&c->a->totals.parameter_bytes, (int64_t)phi_type_bytes(t));
            if (l->kind != PH_KIND_OTHER && t->rank >= 2) fits &= add_to(&l->weights, count);
        } else {
            continue;
        }
        c->counted[v] = true;
    }
    return fits ? PH_OK : phi_count_too_large(c, n->name);
}

/* MACs are known where the node is, and where there are none whatever the shapes. */
static enum ph_status node_macs(const phi_counter *c, size_t i, int64_t *macs)
{
    const phi_node *n = &c->g->nodes[i];
    *macs = n->op && !n->op->macs ? 0 : PH_UNKNOWN;
    if (c->unknown[i] || !n->op->macs) return PH_OK;
    const phi_type *in[PHI_MAX_IN];
    const ph_tensor *constant[PHI_MAX_IN];
    phi_type out[PHI_MAX_OUT];
    phi_infer context;
    phi_facts_node(c->f, i, &context, in, constant, out);
    context.err = c->err;
    *macs = 0;
    return n->op->macs(&context, macs);
}

/* Bytes of a value into *sum, which is PH_UNKNOWN from then on if they are not known. */
static bool add_bytes(const phi_counter *c, ph_value v, int64_t *sum)
{
    const phi_type *t = &c->f->value[v].type;
    if (*sum != PH_UNKNOWN && t->rank >= 0) return add_to(sum, (int64_t)phi_type_bytes(t));
    *sum = PH_UNKNOWN;
    return true;
}

/* Is input k of the node not one that came before? */
static bool is_first(const phi_node *n, size_t k)
{
    for (size_t i = 0; i < k; i++)
        if (n->in[i] == n->in[k]) return false;
    return true;
}

static enum ph_status count_bytes(const phi_counter *c, const phi_node *n, ph_layer_cost *l)
{
    bool fits = true;
    for (size_t k = 0; k < n->n_out; k++)
        if (n->out[k] != PH_NONE) fits &= add_bytes(c, n->out[k], &l->activation_bytes);
    l->moved_bytes = l->activation_bytes;
    for (size_t k = 0; k < n->n_in; k++)
        if (n->in[k] != PH_NONE && (k >= PHI_MAX_IN || is_first(n, k)))
            fits &= add_bytes(c, n->in[k], &l->moved_bytes);
    if (n->n_out > 0 && n->out[0] != PH_NONE && c->f->value[n->out[0]].type.rank >= 0) {
        const phi_type *t = &c->f->value[n->out[0]].type;
        l->shape_known = true;
        l->output_rank = (size_t)t->rank;
        memcpy(l->output_dims, t->dims, sizeof l->output_dims);
    }
    return fits ? PH_OK : phi_count_too_large(c, n->name);
}

static enum ph_status add_names(phi_counter *c, size_t i, ph_layer_cost *l)
{
    const phi_node *n = &c->g->nodes[i];
    ph_account *a = c->a;
    l->name = phi_strdup(&a->mem, n->name);
    l->op = *n->domain ? phi_asprintf(&a->mem, "%s.%s", n->domain, n->op_type)
                       : phi_strdup(&a->mem, n->op_type);
    l->unknown = phi_strdup(&a->mem, c->unknown[i]);
    return l->name && l->op && (l->unknown || !c->unknown[i]) ? PH_OK : phi_fail_nomem(c->err);
}

/* A number into a sum of what is known; *n_unknown counts the others. */
static bool add_known(int64_t *sum, int64_t x, int64_t *n_unknown)
{
    if (x != PH_UNKNOWN) return add_to(sum, x);
    ++*n_unknown;
    return true;
}

static enum ph_status add_to_totals(phi_counter *c, const ph_layer_cost *l)
{
    ph_totals *t = &c->a->totals;
    t->layers++;
    t->unknown_nodes += l->unknown != NULL;
    const bool fits =
        add_to(&t->parameters, l->parameters) && add_to(&t->weights, l->weights) &&
        add_to(&t->statistics, l->statistics) && add_known(&t->macs, l->macs, &t->unknown_macs) &&
        add_known(&t->activation_bytes, l->activation_bytes, &t->unknown_activations) &&
        (l->moved_bytes == PH_UNKNOWN || add_to(&t->moved_bytes, l->moved_bytes));
    return fits ? PH_OK : phi_count_too_large(c, l->name);
}

static enum ph_status add_layer(phi_counter *c, size_t i)
{
    ph_account *a = c->a;
    const phi_node *n = &c->g->nodes[i];
    a->nodes[a->n_layers] = i;
    ph_layer_cost *l = &a->layers[a->n_layers++];
    enum ph_status st = add_names(c, i, l);
    l->kind = phi_kind_of(c, n);
    l->role = phi_role_of(c, n);
    if (!st) st = node_macs(c, i, &c->macs[i]);
    if (!st) st = count_constants(c, n, l);
    if (!st) st = count_bytes(c, n, l);
    if (st) return st;
    l->macs = c->macs[i];
    return add_to_totals(c, l);
}

/* --- What is not understood ------------------------------------------------------------------- */

static enum ph_status note_unknown(phi_counter *c, size_t node, const char *why)
{
    enum { LONGEST = 500 };
    if (c->unknown[node]) return PH_OK; /* a node may have several problems; the first counts */
    c->n_unknown++;
    c->unknown[node] = phi_strndup(&c->g->mem, why, strnlen(why, LONGEST));
    return c->unknown[node] ? PH_OK : phi_fail_nomem(c->err);
}

/* What is not supported, or not known before running, is no error. Nor is a contradiction behind
 * such a node: what the file says of its results may be wrong. */
static enum ph_status on_problem(void *user, const phi_problem *p)
{
    phi_counter *c = user;
    const bool fatal = p->node < 0 || p->status == PH_ERR_NOMEM || p->status == PH_ERR_INTERNAL ||
                       p->status == PH_ERR_OVERFLOW;
    const bool missing = p->status == PH_ERR_UNSUPPORTED || p->unknown != PH_NONE;
    if (fatal || !(missing || c->n_unknown)) return p->status;
    return note_unknown(c, (size_t)p->node, p->err->message);
}

static enum ph_status on_skipped(void *user, size_t node)
{
    return note_unknown(user, node, "the shape of an input is not known");
}

static enum ph_status infer(phi_counter *c, size_t n_hints, const ph_shape_hint *hints,
                            phi_facts **facts)
{
    const phi_infer_desc desc = {.n_hints = n_hints,
                                 .hints = hints,
                                 .problem = on_problem,
                                 .skipped = on_skipped,
                                 .user = c};
    enum ph_status st = phi_graph_check_structure(c->g, c->err);
    if (st) return st;
    c->unknown = phi_calloc(&c->g->mem, c->g->n_nodes, sizeof *c->unknown);
    if (!c->unknown) return phi_fail_nomem(c->err);
    return phi_infer_graph_with(c->g, &desc, facts, c->err);
}

/* --- The whole ------------------------------------------------------------------------------- */

/* The model's name and inputs. A header has room for a few inputs; a hostile file has thousands. */
static enum ph_status describe(phi_counter *c)
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

static enum ph_status count_all(phi_counter *c)
{
    ph_account *a = c->a;
    const size_t n = c->g->n_nodes, n_values = c->g->n_values;
    a->n_nodes = n;
    a->layers = phi_calloc(&a->mem, n, sizeof *a->layers);
    a->nodes = phi_calloc(&a->mem, n, sizeof *a->nodes);
    c->known = phi_calloc(&a->mem, n, sizeof *c->known);
    c->flow = phi_calloc(&a->mem, n_values, sizeof *c->flow);
    c->source = phi_calloc(&a->mem, n_values, sizeof *c->source);
    c->origin = phi_calloc(&a->mem, n_values, sizeof *c->origin);
    c->counted = phi_calloc(&a->mem, n_values, sizeof *c->counted);
    c->macs = phi_calloc(&a->mem, n, sizeof *c->macs);
    if (!a->layers || !a->nodes || !c->known || !c->flow || !c->source || !c->origin ||
        !c->counted || !c->macs)
        return phi_fail_nomem(c->err);
    find_sources(c);
    phi_find_flow(c->g, c->flow);
    enum ph_status st = describe(c);
    if (!st) st = phi_add_notes(c);
    for (size_t i = 0; i < n && !st; i++) /* what is known before running is no layer */
        if (!c->known[i]) st = add_layer(c, i);
    if (!st) st = phi_find_classifier(c);
    return st ? st : phi_add_savings(c);
}

static void free_counter(phi_counter *c)
{
    const ph_allocator *mem = &c->g->mem;
    for (size_t i = 0; c->unknown && i < c->g->n_nodes; i++)
        phi_free(mem, c->unknown[i]);
    phi_free(mem, c->unknown);
    phi_free(mem, c->known);
    phi_free(mem, c->flow);
    phi_free(mem, c->source);
    phi_free(mem, c->origin);
    phi_free(mem, c->counted);
    phi_free(mem, c->macs);
}

enum ph_status ph_account_new(const ph_graph *g, size_t n_hints, const ph_shape_hint *hints,
                              ph_account **out, ph_error *err)
{
    phi_facts *facts = NULL;
    phi_counter c = {.g = g, .err = err};
    enum ph_status st = infer(&c, n_hints, hints, &facts);
    if (!st) {
        c.f = facts;
        c.a = phi_calloc(&g->mem, 1, sizeof *c.a);
        if (c.a) c.a->mem = g->mem;
        st = c.a ? count_all(&c) : phi_fail_nomem(err);
    }
    free_counter(&c);
    phi_facts_free(facts);
    if (st)
        ph_account_free(c.a);
    else
        *out = c.a;
    return st;
}

/* --- Bounds ----------------------------------------------------------------------------------- */

static void bound_layer(const ph_account *a, ph_layer_cost *l)
{
    l->arithmetic_seconds = l->memory_seconds = 0;
    if (l->macs > 0 && a->flop_per_second > 0)
        l->arithmetic_seconds = 2.0 * (double)l->macs / a->flop_per_second;
    if (l->moved_bytes > 0 && a->bytes_per_second > 0)
        l->memory_seconds = (double)l->moved_bytes / a->bytes_per_second;
    l->bound_seconds =
        l->arithmetic_seconds > l->memory_seconds ? l->arithmetic_seconds : l->memory_seconds;
}

void phi_account_bound(ph_account *a)
{
    a->totals.bound_seconds = 0;
    for (size_t i = 0; i < a->n_layers; i++) {
        bound_layer(a, &a->layers[i]);
        a->totals.bound_seconds += a->layers[i].bound_seconds;
    }
}

void ph_account_set_peak(ph_account *a, double flop_per_second, double bytes_per_second)
{
    a->flop_per_second = flop_per_second > 0 ? flop_per_second : 0;
    a->bytes_per_second = bytes_per_second > 0 ? bytes_per_second : 0;
    phi_account_bound(a);
}

/* --- Outside ---------------------------------------------------------------------------------- */

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
        free_text(&mem, a->layers[i].unknown);
    }
    for (size_t i = 0; i < a->n_savings; i++) {
        free_text(&mem, a->savings[i].reduction);
        free_text(&mem, a->savings[i].consumer);
        free_text(&mem, a->savings[i].growth);
    }
    phi_free_notes(a);
    phi_free(&mem, a->layers);
    phi_free(&mem, a->nodes);
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
