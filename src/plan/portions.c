/* SPDX-License-Identifier: MIT */
/*
 * The cheapest way through the steps, by dynamic programming: a state is a step with a size of
 * portion; what a way costs is what it moves from far away, in bytes an image.
 */
#include "plan/portions.h"

#include <math.h>

#include "kernels/caches.h"

#define FAR_PRICE 0.25   /* of a byte from the last cache, where one from memory is 1 */
#define STEP_BYTES 32768 /* what might be moved while a step starts and its threads meet */
#define MOST_SIZES 24    /* sizes of portions that are looked at */

/* What a step moves, bytes. */
typedef struct load {
    double images;  /* of each image: what it reads and writes */
    double weights; /* of each run */
    double passing; /* of each image: what lives on from the step before it */
    bool whole;     /* takes the batch as a whole */
} load;

typedef struct way {
    double cost;
    size_t before; /* the size that the step before has */
} way;

typedef struct planner {
    ph_plan *p;
    int64_t batch;
    int64_t size[MOST_SIZES]; /* divisors of the batch, itself the last */
    size_t n_sizes;
    load *loads; /* [n_steps] */
    way *ways;   /* [n_steps][n_sizes] */
} planner;

static int32_t root_of(const ph_plan *p, int32_t slot)
{
    return p->slots[slot].whole < 0 ? slot : p->slots[slot].whole;
}

/* Operand k of a step: its inputs, its outputs, what is added. -1 if it is left out. */
static int32_t operand(const phi_step *s, size_t k)
{
    if (k < s->n_in) return s->in[k];
    return k < s->n_in + s->n_out ? s->out[k - s->n_in] : s->add;
}

static size_t n_operands(const phi_step *s)
{
    return s->n_in + s->n_out + 1;
}

static bool in_arena(const ph_plan *p, int32_t slot)
{
    return slot >= 0 && p->slots[slot].kind == PHI_SLOT_ARENA;
}

/* --- Which steps can -------------------------------------------------------------------------- */

/* Does the operator make an image of its first output from the same image of its inputs? */
static bool goes_by_image(const ph_plan *p, const phi_step *s)
{
    if (!s->node || s->op->by_image || s->op->passes == PHI_PASSES_ELEMENTS) return true;
    const phi_type *in[PHI_MAX_IN];
    const ph_tensor *constant[PHI_MAX_IN];
    phi_type out[PHI_MAX_OUT];
    phi_infer c;
    phi_facts_node(p->facts, (size_t)(s->node - p->graph->nodes), &c, in, constant, out);
    return (s->op->as_concat && s->op->as_concat(&c)) ||
           (s->op->as_affine && s->op->as_affine(&c, NULL, NULL));
}

/* Is operand k the same for every image? Where it is spread over the output, no dimension of it may
 * be taken for the batch. */
static bool is_common(const planner *b, const phi_step *s, size_t k, int rank)
{
    const phi_type *t = &b->p->slots[operand(s, k)].view.type;
    if (s->op->layout == PHI_LAYOUT_IMAGE) return !(s->op->image_in >> (k < 31 ? k : 31) & 1);
    if (t->rank > rank) return false;
    for (int i = 0; i < t->rank; i++)
        if (t->dims[i] == b->batch) return false;
    return true;
}

static bool can_divide(const planner *b, const phi_step *s)
{
    if (s->n_out == 0 || s->out[0] < 0 || !goes_by_image(b->p, s)) return false;
    const int rank = b->p->slots[s->out[0]].view.type.rank;
    for (size_t k = 1; k < s->n_out; k++)
        if (s->out[k] >= 0) return false;
    for (size_t k = 0; k < n_operands(s); k++) {
        if (operand(s, k) < 0) continue;
        const phi_slot *slot = &b->p->slots[operand(s, k)];
        const phi_type *t = &slot->view.type;
        if (slot->kind == PHI_SLOT_CONSTANT) {
            if (!is_common(b, s, k, rank)) return false;
        } else if (t->rank != rank || rank == 0 || t->dims[0] != b->batch ||
                   (k < s->n_in && s->op->layout == PHI_LAYOUT_IMAGE && is_common(b, s, k, rank))) {
            return false;
        }
    }
    return true;
}

/* --- What they move --------------------------------------------------------------------------- */

static void weigh(const planner *b, const phi_step *s, load *l)
{
    for (size_t k = 0; k < n_operands(s); k++) {
        const int32_t slot = operand(s, k);
        if (slot < 0) continue;
        const double bytes = (double)phi_type_bytes(&b->p->slots[slot].view.type);
        if (in_arena(b->p, slot))
            l->images += bytes / (double)b->batch;
        else if (b->p->slots[slot].kind == PHI_SLOT_CONSTANT)
            l->weights += bytes;
    }
    l->whole = !can_divide(b, s);
}

/* Add to `passing` of the steps behind the first that touches a slot, up to the last. */
static enum ph_status find_passing(const planner *b, ph_error *err)
{
    const ph_plan *p = b->p;
    size_t *last = phi_calloc(&p->mem, p->n_slots, sizeof *last);
    bool *seen = phi_calloc(&p->mem, p->n_slots, sizeof *seen);
    const enum ph_status st = last && seen ? PH_OK : phi_fail_nomem(err);
    double alive = 0;
    for (size_t i = 0; i < p->n_steps && !st; i++)
        for (size_t k = 0; k < n_operands(&p->steps[i]); k++) {
            const int32_t slot = operand(&p->steps[i], k);
            if (in_arena(p, slot)) last[root_of(p, slot)] = i;
        }
    for (size_t i = 0; i < p->n_steps && !st; i++) {
        b->loads[i].passing = alive;
        for (int closing = 0; closing < 2; closing++)
            for (size_t k = 0; k < n_operands(&p->steps[i]); k++) {
                const int32_t slot = operand(&p->steps[i], k);
                if (!in_arena(p, slot)) continue;
                const int32_t root = root_of(p, slot);
                const double bytes = (double)p->slots[root].bytes / (double)b->batch;
                if (!closing && !seen[root]) {
                    seen[root] = true;
                    alive += bytes;
                } else if (closing && last[root] == i) {
                    last[root] = SIZE_MAX;
                    alive -= bytes;
                }
            }
    }
    phi_free(&p->mem, last);
    phi_free(&p->mem, seen);
    return st;
}

/* Of a byte that is one of so many. */
static double price(double bytes)
{
    if (bytes <= PHI_NEAR_BYTES) return 0;
    return bytes <= PHI_FAR_BYTES ? FAR_PRICE : 1;
}

/* Bytes from far away, an image, of a step with portions of `images`. */
static double step_cost(const load *l, int64_t images)
{
    return l->images * price(l->images * (double)images) +
           (l->weights + STEP_BYTES) / (double)images;
}

/* What another size costs at a step: the batch as a whole is written, and read again. */
static double change_cost(const planner *b, const load *l)
{
    return 2 * l->passing * price(l->passing * (double)b->batch);
}

/* --- The cheapest way ------------------------------------------------------------------------- */

static void find_ways(planner *b)
{
    const ph_plan *p = b->p;
    for (size_t i = 0; i < p->n_steps; i++) {
        const way *old = i ? &b->ways[(i - 1) * b->n_sizes] : NULL;
        way *now = &b->ways[i * b->n_sizes];
        const double change = p->steps[i].chain ? change_cost(b, &b->loads[i]) : (double)INFINITY;
        size_t best = 0;
        for (size_t k = 1; old && k < b->n_sizes; k++)
            if (old[k].cost < old[best].cost) best = k;
        for (size_t k = 0; k < b->n_sizes; k++) {
            const bool stay = old && old[k].cost <= old[best].cost + change;
            now[k].before = stay ? k : best;
            now[k].cost = old ? (stay ? old[k].cost : old[best].cost + change) : 0;
            now[k].cost += b->loads[i].whole && k + 1 < b->n_sizes
                               ? (double)INFINITY
                               : step_cost(&b->loads[i], b->size[k]);
        }
    }
}

static void set_portions(planner *b)
{
    ph_plan *p = b->p;
    size_t k = 0;
    const way *end = &b->ways[(p->n_steps - 1) * b->n_sizes];
    for (size_t i = 1; i < b->n_sizes; i++)
        if (end[i].cost < end[k].cost) k = i;
    for (size_t i = p->n_steps; i-- > 0;) {
        if (k + 1 < b->n_sizes) p->steps[i].images = b->size[k];
        k = b->ways[i * b->n_sizes + k].before;
    }
}

/* --- Sections --------------------------------------------------------------------------------- */

static enum ph_status add_sections(planner *b, ph_error *err)
{
    ph_plan *p = b->p;
    p->sections = phi_calloc(&p->mem, p->n_steps, sizeof *p->sections);
    if (!p->sections) return phi_fail_nomem(err);
    for (size_t i = 0; i < p->n_steps; i++) {
        const int64_t images = p->steps[i].images;
        if (i == 0 || images != p->steps[i - 1].images)
            p->sections[p->n_sections++] =
                (phi_section){.first = i, .times = images ? (size_t)(b->batch / images) : 1};
        p->sections[p->n_sections - 1].end = i + 1;
    }
    return PH_OK;
}

/* The section that alone touches each slot [n_slots], by its root; n_sections: several, or ports. */
static void find_owners(const ph_plan *p, size_t *owner)
{
    for (size_t s = 0; s < p->n_slots; s++)
        owner[s] = SIZE_MAX;
    for (size_t j = 0; j < p->n_sections; j++)
        for (size_t i = p->sections[j].first; i < p->sections[j].end; i++)
            for (size_t k = 0; k < n_operands(&p->steps[i]); k++) {
                const int32_t slot = operand(&p->steps[i], k);
                if (slot < 0) continue;
                size_t *of = &owner[root_of(p, slot)];
                *of = *of == SIZE_MAX || *of == j ? j : p->n_sections;
            }
    for (size_t i = 0; i < p->n_inputs; i++)
        owner[root_of(p, p->input_slots[i])] = p->n_sections;
    for (size_t i = 0; i < p->n_outputs; i++)
        owner[root_of(p, p->output_slots[i])] = p->n_sections;
}

/* What stays within a section has room for a portion. */
static enum ph_status shrink_slots(ph_plan *p, ph_error *err)
{
    size_t *owner = phi_calloc(&p->mem, p->n_slots, sizeof *owner);
    if (!owner) return phi_fail_nomem(err);
    find_owners(p, owner);
    for (size_t s = 0; s < p->n_slots; s++) {
        const size_t of = owner[root_of(p, (int32_t)s)];
        phi_slot *slot = &p->slots[s];
        if (slot->kind != PHI_SLOT_ARENA || of >= p->n_sections || p->sections[of].times == 1)
            continue;
        slot->view.type.dims[0] = p->steps[p->sections[of].first].images;
        slot->bytes = phi_type_bytes(&slot->view.type);
    }
    phi_free(&p->mem, owner);
    return PH_OK;
}

/* Small divisors and the batch itself. */
static void find_sizes(planner *b)
{
    for (int64_t d = 1; d < b->batch && d <= 256 && b->n_sizes + 1 < MOST_SIZES; d++)
        if (b->batch % d == 0) b->size[b->n_sizes++] = d;
    b->size[b->n_sizes++] = b->batch;
}

static enum ph_status divide(planner *b, ph_error *err)
{
    ph_plan *p = b->p;
    size_t n_ways;
    find_sizes(b);
    if (!phi_mul_size(p->n_steps, b->n_sizes, &n_ways)) return phi_fail_nomem(err);
    b->loads = phi_calloc(&p->mem, p->n_steps, sizeof *b->loads);
    b->ways = phi_calloc(&p->mem, n_ways, sizeof *b->ways);
    if (!b->loads || !b->ways) return phi_fail_nomem(err);
    for (size_t i = 0; i < p->n_steps; i++)
        weigh(b, &p->steps[i], &b->loads[i]);
    enum ph_status st = find_passing(b, err);
    if (st) return st;
    find_ways(b);
    set_portions(b);
    st = add_sections(b, err);
    return st ? st : shrink_slots(p, err);
}

enum ph_status phi_portions(ph_plan *p, ph_error *err)
{
    planner b = {.p = p};
    if (p->n_inputs > 0 && p->inputs[0].rank > 0) b.batch = p->inputs[0].dims[0];
    if (b.batch < 2 || p->n_steps == 0) return PH_OK;
    const enum ph_status st = divide(&b, err);
    phi_free(&p->mem, b.loads);
    phi_free(&p->mem, b.ways);
    return st;
}
