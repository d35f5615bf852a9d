/* SPDX-License-Identifier: MIT */
/*
 * What a plan adds to an account: memory of a run, and which layers have no step of their own.
 */
#include <stdlib.h>

#include "graph/account.h"
#include "plan/place.h"
#include "plan/plan.h"

static int by_name(const void *a, const void *b)
{
    const ph_layer_cost *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

/* The layer of this name in `sorted` [n], or NULL. By name, as the plan's nodes need not be those
 * of the graph that was accounted for. */
static ph_layer_cost *find_layer(ph_layer_cost *const *sorted, size_t n, const char *name)
{
    const ph_layer_cost key = {.name = name}, *const wanted = &key;
    ph_layer_cost *const *found = bsearch(&wanted, sorted, n, sizeof *sorted, by_name);
    return found ? *found : NULL;
}

/* The layer that makes what a step works on: the step's node, or the one before a change of
 * layout. */
static const char *layer_name(const ph_plan *p, const phi_step *step)
{
    if (step->node) return step->node->name;
    const ph_value v = step->out[0] >= 0 ? p->slots[step->out[0]].value : PH_NONE;
    const int32_t producer = v >= 0 ? p->graph->values[v].producer : -1;
    return producer >= 0 ? p->graph->nodes[producer].name : NULL;
}

/* The layer of step `i`, or NULL: a copy of an input. */
static ph_layer_cost *layer_of(ph_account *a, const ph_plan *p, size_t i,
                               ph_layer_cost *const *sorted)
{
    const char *name = layer_name(p, &p->steps[i]);
    return name ? find_layer(sorted, a->n_layers, name) : NULL;
}

/* live: see phi_place_live; sorted [a->n_layers] by name. */
static void add_steps(ph_account *a, const ph_plan *p, const size_t *live,
                      ph_layer_cost *const *sorted)
{
    size_t peak = 0, busiest = 0; /* most in memory; the step with most */
    for (size_t i = 0; i < a->n_layers; i++) {
        a->layers[i].fused = true;
        a->layers[i].live_bytes = 0;
    }
    for (size_t i = 0; i < p->n_steps; i++) {
        ph_layer_cost *l = layer_of(a, p, i, sorted);
        if (l && p->steps[i].node) l->fused = false;
        if (l && (int64_t)live[i + 1] > l->live_bytes) l->live_bytes = (int64_t)live[i + 1];
        if (live[i + 1] > live[busiest + 1]) busiest = i;
    }
    for (size_t i = 0; i < p->n_steps + 2; i++)
        if (live[i] > peak) peak = live[i];
    const ph_layer_cost *l = p->n_steps ? layer_of(a, p, busiest, sorted) : NULL;
    a->totals.peak_layer = l ? l->name : NULL;
    a->totals.peak_live_bytes = (int64_t)peak;
    a->totals.arena_bytes = (int64_t)p->arena_bytes;
    a->planned = true;
    phi_account_sum_moved(a);
}

enum ph_status ph_account_plan(ph_account *a, const ph_graph *g, size_t n_hints,
                               const ph_shape_hint *hints, ph_error *err)
{
    ph_plan *p = NULL;
    const ph_plan_desc desc = {.n_hints = n_hints, .hints = hints};
    enum ph_status st = phi_plan_layout(g, &desc, &p, err);
    if (st) return st;
    size_t *live = phi_calloc(&a->mem, p->n_steps + 3, sizeof *live);
    ph_layer_cost **sorted = phi_calloc(&a->mem, a->n_layers, sizeof *sorted);
    st = live && sorted ? phi_place_live(p, live, err) : phi_fail_nomem(err);
    if (!st) {
        for (size_t i = 0; i < a->n_layers; i++)
            sorted[i] = &a->layers[i];
        if (a->n_layers) qsort(sorted, a->n_layers, sizeof *sorted, by_name);
        add_steps(a, p, live, sorted);
    }
    phi_free(&a->mem, live);
    phi_free(&a->mem, sorted);
    ph_plan_free(p);
    return st;
}
