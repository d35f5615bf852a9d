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

/* What a section shares with others is there while any of its portions is. */
static void live_through(const ph_plan *p, life *lives, const phi_section *s)
{
    for (size_t i = s->first; i < s->end; i++) {
        const phi_step *step = &p->steps[i];
        for (size_t k = 0; k < step->n_in + step->n_out + 1; k++) {
            const int32_t slot = k < step->n_in                 ? step->in[k]
                                 : k < step->n_in + step->n_out ? step->out[k - step->n_in]
                                                                : step->add;
            if (slot < 0 || p->slots[slot].view.type.dims[0] == step->images) continue;
            touch(life_of(p, lives, slot), s->first + 1);
            touch(life_of(p, lives, slot), s->end);
        }
    }
}

/* What the chain from step `i` on reads and makes is there from its first step to its last. */
static void touch_chain(const ph_plan *p, life *lives, size_t i)
{
    const size_t end = i + p->steps[i].chain;
    touch(life_of(p, lives, p->steps[i].in[0]), end);
    touch(life_of(p, lives, p->steps[end - 1].out[0]), i + 1);
    for (size_t k = i; k < end; k++) {
        const int32_t add = p->steps[k].add;
        if (add >= 0) touch(life_of(p, lives, add), i + 1);
        if (add >= 0) touch(life_of(p, lives, add), end);
    }
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
        if (step->chain > 1) touch_chain(p, lives, i);
    }
    for (size_t i = 0; i < p->n_sections; i++)
        if (p->sections[i].times > 1) live_through(p, lives, &p->sections[i]);
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

/* --- Plans of very many slots -------------------------------------------------------------------
 *
 * The search for the lowest gap takes time that grows with the square of the number of slots. Above
 * MANY_SLOTS, far beyond real networks, slots are placed in the order of time instead: one that is
 * dead leaves its block to a later one that needs at least a quarter of it. Linear in the slots.
 */
#define MANY_SLOTS 8192
#define NO_SLOT SIZE_MAX

typedef struct heap {
    size_t free[64];  /* by floor(log2(bytes of the block)): a slot whose block is free, or NO_SLOT */
    size_t *next;     /* [n_slots] the next of the same list */
    size_t *capacity; /* [n_slots] bytes of the slot's block */
    size_t *dying;    /* [n_steps + 2] slots whose last step that is, or NO_SLOT */
} heap;

static unsigned class_of(size_t bytes) { return 63u - (unsigned)__builtin_clzll(bytes); }

static void push(heap *h, size_t *list, size_t slot)
{
    h->next[slot] = *list;
    *list = slot;
}

/* A free block of at least `bytes` and less than four times as much: the slot that had it. */
static size_t pop(heap *h, size_t bytes)
{
    const unsigned c = class_of(bytes);
    for (unsigned k = c; k <= c + 1 && k < 64; k++) {
        const size_t slot = h->free[k];
        if (slot == NO_SLOT || h->capacity[slot] < bytes) continue;
        h->free[k] = h->next[slot];
        return slot;
    }
    return NO_SLOT;
}

static void place_one(ph_plan *p, heap *h, const life *l)
{
    phi_slot *slot = &p->slots[l->slot];
    const size_t old = pop(h, l->bytes);
    slot->offset = old == NO_SLOT ? p->arena_bytes : p->slots[old].offset;
    h->capacity[l->slot] = old == NO_SLOT ? l->bytes : h->capacity[old];
    if (old == NO_SLOT) p->arena_bytes += l->bytes;
    push(h, &h->dying[l->last], l->slot);
}

static int by_first(const void *a, const void *b)
{
    const life *x = a, *y = b;
    if (x->first != y->first) return x->first < y->first ? -1 : 1;
    return x->slot < y->slot ? -1 : 1;
}

static enum ph_status place_many(ph_plan *p, life *order, size_t n, ph_error *err)
{
    const size_t n_times = p->n_steps + 2;
    heap h = { .next = phi_calloc(&p->mem, p->n_slots, sizeof *h.next),
               .capacity = phi_calloc(&p->mem, p->n_slots, sizeof *h.capacity),
               .dying = phi_calloc(&p->mem, n_times, sizeof *h.dying) };
    enum ph_status st = h.next && h.capacity && h.dying ? PH_OK : phi_fail_nomem(err);
    for (size_t c = 0; c < PHI_COUNT(h.free); c++) h.free[c] = NO_SLOT;
    for (size_t t = 0; t < n_times && !st; t++) h.dying[t] = NO_SLOT;
    qsort(order, n, sizeof *order, by_first);
    for (size_t i = 0, time = 0; i < n && !st; i++) {
        if (order[i].bytes == 0 || order[i].first == SIZE_MAX) continue; /* nothing, or never used */
        for (; time < order[i].first; time++)
            for (size_t dead = h.dying[time]; dead != NO_SLOT;) {
                const size_t after = h.next[dead];
                push(&h, &h.free[class_of(h.capacity[dead])], dead);
                dead = after;
            }
        place_one(p, &h, &order[i]);
    }
    phi_free(&p->mem, h.next);
    phi_free(&p->mem, h.capacity);
    phi_free(&p->mem, h.dying);
    return st;
}

/* --- All --------------------------------------------------------------------------------------- */

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
    if (reuse && n > MANY_SLOTS) return place_many(p, order, n, err);
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
