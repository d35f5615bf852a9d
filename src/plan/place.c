/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "plan/place.h"

typedef struct life {
    size_t slot, bytes;  /* bytes rounded up to PHI_ALIGN */
    size_t first, last;  /* steps; inputs are alive from 0, outputs to the end */
} life;

static int by_size(const void *a, const void *b)
{
    const life *x = a, *y = b;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
    return x->slot < y->slot ? -1 : 1;
}

static int by_offset(const void *a, const void *b)
{
    const phi_slot *x = *(const phi_slot *const *)a, *y = *(const phi_slot *const *)b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* A slice lives in the memory of the whole. */
static life *life_of(const ph_plan *p, life *lives, int32_t slot)
{
    return &lives[p->slots[slot].whole < 0 ? slot : p->slots[slot].whole];
}

static void touch(life *l, size_t step)
{
    if (step < l->first) l->first = step;
    if (step > l->last) l->last = step;
}

/* Lives of all slots, by slot number. */
static void find_lives(const ph_plan *p, life *lives)
{
    for (size_t s = 0; s < p->n_slots; s++) lives[s] = (life){ .slot = s, .first = SIZE_MAX };
    for (size_t i = 0; i < p->n_inputs; i++) touch(life_of(p, lives, p->input_slots[i]), 0);
    for (size_t i = 0; i < p->n_steps; i++) {
        const phi_step *step = &p->steps[i];
        for (size_t k = 0; k < step->n_in; k++)
            if (step->in[k] >= 0) touch(life_of(p, lives, step->in[k]), i + 1);
        for (size_t k = 0; k < step->n_out; k++)
            if (step->out[k] >= 0) touch(life_of(p, lives, step->out[k]), i + 1);
        if (step->add >= 0) touch(life_of(p, lives, step->add), i + 1);
    }
    for (size_t i = 0; i < p->n_outputs; i++) touch(life_of(p, lives, p->output_slots[i]), p->n_steps + 1);
}

/* Lowest offset for `l` beside the slots in `placed` [n], sorted by offset, that live with it. */
static size_t lowest_gap(const life *l, const life *lives, phi_slot *const *placed, size_t n,
                         const phi_slot *slots)
{
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        const life *other = &lives[placed[i] - slots];
        if (other->last < l->first || l->last < other->first) continue;
        if (placed[i]->offset >= at && placed[i]->offset - at >= l->bytes) break;
        const size_t end = placed[i]->offset + other->bytes;
        if (end > at) at = end;
    }
    return at;
}

static enum ph_status place_all(ph_plan *p, bool reuse, life *lives, life *order,
                                phi_slot **placed, ph_error *err)
{
    size_t n = 0, n_placed = 0, total = 0;
    for (size_t s = 0; s < p->n_slots; s++) {
        if (p->slots[s].kind != PHI_SLOT_ARENA || p->slots[s].whole >= 0) continue;
        size_t padded;
        if (!phi_add_size(p->slots[s].bytes, PHI_ALIGN - 1, &padded) ||
            !phi_add_size(total, padded, &total))
            return phi_fail(err, PH_ERR_OVERFLOW, p->graph->name,
                            "graph '%s': its activations are too large to address", p->graph->name);
        lives[s].bytes = padded & ~(size_t)(PHI_ALIGN - 1);
        order[n++] = lives[s];
    }
    if (reuse) qsort(order, n, sizeof *order, by_size);
    for (size_t i = 0; i < n; i++) {
        phi_slot *slot = &p->slots[order[i].slot];
        slot->offset = reuse ? lowest_gap(&order[i], lives, placed, n_placed, p->slots)
                             : p->arena_bytes;
        const size_t end = slot->offset + order[i].bytes;
        if (end > p->arena_bytes) p->arena_bytes = end;
        size_t at = n_placed++;
        for (; reuse && at > 0 && by_offset(&placed[at - 1], &slot) > 0; at--)
            placed[at] = placed[at - 1];
        placed[at] = slot;
    }
    for (size_t s = 0; s < p->n_slots; s++)
        if (p->slots[s].whole >= 0)
            p->slots[s].offset = p->slots[p->slots[s].whole].offset + p->slots[s].first;
    return PH_OK;
}

enum ph_status phi_place(ph_plan *p, bool reuse, ph_error *err)
{
    life *lives = phi_calloc(&p->mem, p->n_slots, sizeof *lives);
    life *order = phi_calloc(&p->mem, p->n_slots, sizeof *order);
    phi_slot **placed = phi_calloc(&p->mem, p->n_slots, sizeof *placed);
    enum ph_status st = lives && order && placed ? PH_OK : phi_fail_nomem(err);
    if (!st) {
        find_lives(p, lives);
        st = place_all(p, reuse, lives, order, placed, err);
    }
    phi_free(&p->mem, lives);
    phi_free(&p->mem, order);
    phi_free(&p->mem, placed);
    return st;
}

/* Bytes of an arena slot with what fills it up to PHI_ALIGN; phi_place has seen that they fit. */
static size_t padded_bytes(const phi_slot *slot)
{
    return (slot->bytes + PHI_ALIGN - 1) & ~(size_t)(PHI_ALIGN - 1);
}

enum ph_status phi_place_live(const ph_plan *p, size_t *live, ph_error *err)
{
    life *lives = phi_calloc(&p->mem, p->n_slots, sizeof *lives);
    if (!lives) return phi_fail_nomem(err);
    const size_t n = p->n_steps + 2;
    find_lives(p, lives);
    memset(live, 0, (n + 1) * sizeof *live);
    for (size_t s = 0; s < p->n_slots; s++) {
        if (p->slots[s].kind != PHI_SLOT_ARENA || lives[s].first == SIZE_MAX) continue;
        live[lives[s].first] += padded_bytes(&p->slots[s]);
        live[lives[s].last + 1] -= padded_bytes(&p->slots[s]); /* wraps; the sums do not */
    }
    for (size_t i = 1; i < n; i++)
        live[i] += live[i - 1];
    phi_free(&p->mem, lives);
    return PH_OK;
}
