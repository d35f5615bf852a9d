/* SPDX-License-Identifier: MIT */
/*
 * Which inputs have values that shapes depend on: inference is tried, and what it misses is traced
 * back to the inputs it is computed from, until nothing more is missing.
 */
#include "graph/graph.h"

typedef struct search {
    const ph_graph *g;
    const ph_plan_desc *desc;
    bool *wanted;           /* [ph_graph_n_inputs(g)] */
    ph_shape_hint *hints;   /* desc's, and the shapes of the values */
    ph_known_value *values; /* [desc->n_values] those wanted so far */
    size_t n_values;
    bool *seen; /* [n_values of g] */
} search;

/* The number among the inputs that are no constants of what is called `name` (NULL: the only one),
 * or SIZE_MAX. */
static size_t input_number(const ph_graph *g, const char *name)
{
    const size_t n = ph_graph_n_inputs(g);
    if (!name) return n == 1 ? 0 : SIZE_MAX;
    for (size_t i = 0; i < n; i++)
        if (strcmp(g->values[ph_graph_input(g, i)].name, name) == 0) return i;
    return SIZE_MAX;
}

/* Take the values that `v` depends on; false if there is none that is not taken yet. */
static bool take_values(search *s, ph_value v)
{
    const size_t before = s->n_values;
    phi_graph_trace(s->g, v, s->seen);
    for (size_t i = 0; i < s->desc->n_values; i++) {
        const size_t k = input_number(s->g, s->desc->values[i].name);
        if (k == SIZE_MAX || s->wanted[k] || !s->seen[ph_graph_input(s->g, k)]) continue;
        s->wanted[k] = true;
        s->values[s->n_values++] = s->desc->values[i];
    }
    return s->n_values > before;
}

static void fill_hints(search *s)
{
    const ph_plan_desc *d = s->desc;
    for (size_t i = 0; i < d->n_values; i++) {
        const phi_type *t = &d->values[i].value->type;
        s->hints[i] = (ph_shape_hint){.name = d->values[i].name, .rank = (size_t)t->rank};
        memcpy(s->hints[i].dims, t->dims, sizeof t->dims);
    }
    if (d->n_hints) memcpy(s->hints + d->n_values, d->hints, d->n_hints * sizeof *d->hints);
}

static enum ph_status find(search *s, ph_error *err)
{
    ph_value unknown = PH_NONE;
    do {
        phi_facts *facts = NULL;
        const phi_infer_desc desc = {.n_hints = s->desc->n_values + s->desc->n_hints,
                                     .hints = s->hints,
                                     .n_values = s->n_values,
                                     .values = s->values,
                                     .unknown = &unknown};
        const enum ph_status st = phi_infer_graph_with(s->g, &desc, &facts, err);
        if (!st) phi_facts_free(facts);
        if (st == PH_ERR_NOMEM) return st;
        if (!st) return PH_OK;
    } while (unknown != PH_NONE && take_values(s, unknown));
    return PH_OK;
}

enum ph_status ph_graph_wanted_values(const ph_graph *g, const ph_plan_desc *desc, bool *wanted,
                                      ph_error *err)
{
    static const ph_plan_desc nothing;
    if (!desc) desc = &nothing;
    search s = {.g = g,
                .desc = desc,
                .wanted = wanted,
                .hints = phi_calloc(&g->mem, desc->n_values + desc->n_hints, sizeof *s.hints),
                .values = phi_calloc(&g->mem, desc->n_values, sizeof *s.values),
                .seen = phi_calloc(&g->mem, g->n_values, sizeof *s.seen)};
    enum ph_status st = s.hints && s.values && s.seen ? PH_OK : phi_fail_nomem(err);
    for (size_t i = 0; i < ph_graph_n_inputs(g) && !st; i++)
        wanted[i] = false;
    if (!st) {
        fill_hints(&s);
        st = find(&s, err);
    }
    phi_free(&g->mem, s.hints);
    phi_free(&g->mem, s.values);
    phi_free(&g->mem, s.seen);
    return st;
}
