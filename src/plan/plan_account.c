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

/* Sums of bytes that came through the account's checks fit; copies into other layouts may not. */
static void add_capped(int64_t *sum, int64_t x)
{
    if (!phi_add_i64(*sum, x, sum)) *sum = INT64_MAX;
}

/* Is slot in[k] of the step none that came before? */
static bool is_first(const phi_step *step, size_t k)
{
    for (size_t i = 0; i < k; i++)
        if (step->in[i] == step->in[k]) return false;
    return true;
}

/* What is handed on within a chain stays in the caches. */
static int64_t operand_bytes(const ph_plan *p, const phi_step *step, int32_t slot)
{
    if (p->slots[slot].kind == PHI_SLOT_PASSED) return 0;
    const phi_type type = phi_slot_type(p, step, slot);
    return (int64_t)phi_type_bytes(&type);
}

/* Bytes of what a step reads and writes, each once; a fused sum's other operand among them. */
static int64_t step_bytes(const ph_plan *p, const phi_step *step)
{
    int64_t bytes = 0;
    for (size_t k = 0; k < step->n_in; k++)
        if (step->in[k] >= 0 && is_first(step, k))
            add_capped(&bytes, operand_bytes(p, step, step->in[k]));
    for (size_t k = 0; k < step->n_out; k++)
        if (step->out[k] >= 0)
            add_capped(&bytes, operand_bytes(p, step, step->out[k]));
    if (step->add >= 0) add_capped(&bytes, operand_bytes(p, step, step->add));
    return bytes;
}

/* live: see phi_place_live; sorted [a->n_layers] by name. */
static void add_steps(ph_account *a, const ph_plan *p, const size_t *live,
                      ph_layer_cost *const *sorted)
{
    size_t peak = 0, busiest = 0; /* most in memory; the step with most */
    for (size_t i = 0; i < a->n_layers; i++) {
        a->layers[i].fused = true;
        a->layers[i].live_bytes = a->layers[i].moved_bytes = 0;
    }
    a->totals.moved_bytes = 0;
    for (size_t i = 0; i < p->n_steps; i++) {
        ph_layer_cost *l = layer_of(a, p, i, sorted);
        if (l && p->steps[i].node) l->fused = false;
        if (l && (int64_t)live[i + 1] > l->live_bytes) l->live_bytes = (int64_t)live[i + 1];
        if (live[i + 1] > live[busiest + 1]) busiest = i;
        const int64_t moved = step_bytes(p, &p->steps[i]);
        if (l) add_capped(&l->moved_bytes, moved);
        add_capped(&a->totals.moved_bytes, moved);
    }
    for (size_t i = 0; i < p->n_steps + 2; i++)
        if (live[i] > peak) peak = live[i];
    const ph_layer_cost *l = p->n_steps ? layer_of(a, p, busiest, sorted) : NULL;
    a->totals.peak_layer = l ? l->name : NULL;
    a->totals.peak_live_bytes = (int64_t)peak;
    a->totals.arena_bytes = (int64_t)p->arena_bytes;
    a->planned = true;
    phi_account_bound(a);
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
