/* SPDX-License-Identifier: MIT */
/*
 * Packing. Most operators read weights by rows, those of some output channels at a time: what was
 * folded into them is multiplied in then, in memory that stays near, and the threads share the
 * rows. For the others the weights are made as a whole. Packed weights lie in one block: large
 * pages take fewer faults.
 */
#include "plan/pack.h"

#include "base/pool.h"
#include "graph/widen.h"
#include "kernels/filters.h"
#include "kernels/kernels.h"

/* Fewer bytes of packed weights are packed before other threads have started. */
#define THREADS_FROM ((size_t)4 << 20)

typedef struct packer {
    ph_plan *p;
    phi_pool *pool;       /* or NULL */
    float *room;          /* rows of each thread */
    size_t room_floats;   /* of one thread */
    const phi_slot *slot; /* whose rows are being read */
    ph_error *err;
} packer;

/* --- Rows --------------------------------------------------------------------------------------
 */

static int64_t n_rows(const phi_slot *slot)
{
    return slot->view.type.rank ? slot->view.type.dims[0] : 1;
}

/* Elements of a row, which is what belongs to an index of dimension 0. */
static size_t row_floats(const phi_slot *slot)
{
    const int64_t n = n_rows(slot);
    return n ? (size_t)(phi_type_count(&slot->view.type) / n) : 0;
}

/* Rows of weights times what was folded into them, to `to`. */
static void scale_rows(const phi_slot *slot, size_t first, size_t n, float *to)
{
    const size_t row = row_floats(slot);
    const float *from = (const float *)slot->view.data + first * row;
    for (size_t i = 0; i < n; i++, from += row, to += row) {
        const double scale = slot->scale[first + i];
        for (size_t j = 0; j < row; j++)
            to[j] = (float)((double)from[j] * scale);
    }
}

static const float *make_rows(void *arg, size_t first, size_t n, size_t thread)
{
    const packer *k = arg;
    float *to = k->room + thread * k->room_floats;
    scale_rows(k->slot, first, n, to);
    return to;
}

/* The weights that a step packs if they must be made, else NULL. */
static phi_slot *made_weights(const ph_plan *p, const phi_step *step)
{
    phi_slot *slot = step->n_in > 1 && step->in[1] >= 0 ? &p->slots[step->in[1]] : NULL;
    return slot && slot->scale ? slot : NULL;
}

/* --- Steps -------------------------------------------------------------------------------------
 */

/* Scaled weights for an operator that does not pack them. */
static enum ph_status keep_whole(ph_plan *p, phi_slot *slot, ph_error *err)
{
    enum ph_status st = phi_tensor_new_raw(&p->mem, &slot->view.type, &slot->owned, err);
    if (st) return st;
    scale_rows(slot, 0, (size_t)n_rows(slot), slot->owned->data);
    slot->view = phi_view_of(slot->owned);
    return PH_OK;
}

/* The whole weights exist while they are packed. */
static enum ph_status pack_whole(const packer *k, const phi_step *step, phi_exec *e, phi_view *in)
{
    phi_slot *slot = made_weights(k->p, step);
    float *whole = phi_alloc(&k->p->mem, slot->bytes);
    if (!whole) return phi_fail_nomem(k->err);
    scale_rows(slot, 0, (size_t)n_rows(slot), whole);
    in[1].data = whole;
    step->op->pack(e, step->packed);
    phi_free(&k->p->mem, whole);
    return PH_OK;
}

static enum ph_status pack_step(packer *k, phi_step *step)
{
    phi_view in[PHI_MAX_IN], out[PHI_MAX_OUT];
    phi_slot *made = made_weights(k->p, step);
    if (!step->packed) return made ? keep_whole(k->p, made, k->err) : PH_OK;
    phi_step_views(k->p, step, NULL, in, out);
    phi_exec e = phi_step_exec(k->p, step, in, out, k->pool);
    const bool by_rows = made && step->op->packs_rows && step->op->packs_rows(&e);
    if (made && !by_rows) return pack_whole(k, step, &e, in);
    k->slot = made;
    const phi_filters filters = {.row = made ? row_floats(made) : 0, .make = make_rows, .arg = k};
    if (made) e.filters = &filters;
    step->op->pack(&e, step->packed);
    return PH_OK;
}

/* --- Sizes -------------------------------------------------------------------------------------
 */

/* Bytes of a step's packed weights, if it is or is not exact. */
static size_t packed_bytes(const ph_plan *p, const phi_step *step, bool exact)
{
    phi_view in[PHI_MAX_IN], out[PHI_MAX_OUT];
    if (!step->op->pack_bytes) return 0;
    phi_step_views(p, step, NULL, in, out);
    phi_exec e = phi_step_exec(p, step, in, out, NULL);
    e.exact = exact;
    return phi_widens(step->op, &e) ? 0 : step->op->pack_bytes(&e);
}

enum ph_status phi_bound_weights(ph_plan *p, size_t most, ph_error *err)
{
    size_t *surplus = phi_calloc(&p->mem, p->n_steps, sizeof *surplus), bytes = 0;
    if (!surplus) return phi_fail_nomem(err);
    for (size_t i = 0; i < p->n_steps; i++) {
        const size_t full = packed_bytes(p, &p->steps[i], p->exact);
        const size_t plain = packed_bytes(p, &p->steps[i], true);
        surplus[i] = full > plain ? full - plain : 0;
        bytes += full;
    }
    while (bytes > most) {
        size_t best = 0;
        for (size_t i = 1; i < p->n_steps; i++)
            if (surplus[i] > surplus[best]) best = i;
        if (p->n_steps == 0 || surplus[best] == 0) break;
        p->steps[best].exact = true;
        bytes -= surplus[best];
        surplus[best] = 0;
    }
    phi_free(&p->mem, surplus);
    if (bytes <= most) return PH_OK;
    return phi_fail(err, PH_ERR_NOMEM, p->graph->name,
                    "packed weights of '%s' need at least %zu bytes, the plan may have %zu",
                    p->graph->name, bytes, most);
}

/* A place for the packed weights of each step, in one block. */
static enum ph_status place_packed(ph_plan *p, ph_error *err)
{
    size_t *at = phi_calloc(&p->mem, p->n_steps, sizeof *at), total = 0;
    if (!at) return phi_fail_nomem(err);
    bool fits = true;
    for (size_t i = 0; i < p->n_steps && fits; i++) {
        const size_t bytes = packed_bytes(p, &p->steps[i], p->exact || p->steps[i].exact);
        at[i] = bytes ? total : SIZE_MAX;
        p->weight_bytes += bytes;
        fits = bytes <= SIZE_MAX - PHI_ALIGN &&
               phi_add_size(total, (bytes + PHI_ALIGN - 1) / PHI_ALIGN * PHI_ALIGN, &total);
    }
    p->packed = fits ? phi_alloc(&p->mem, total) : NULL;
    for (size_t i = 0; i < p->n_steps && p->packed; i++)
        if (at[i] != SIZE_MAX) p->steps[i].packed = (char *)p->packed + at[i];
    phi_free(&p->mem, at);
    return p->packed ? PH_OK : phi_fail_nomem(err);
}

/* --- All ---------------------------------------------------------------------------------------
 */

/* Threads, where they are worth it; without them it takes longer, and that is all. */
static void start_threads(packer *k, size_t n_threads)
{
    if (n_threads == 1 || k->p->weight_bytes < THREADS_FROM) return;
    if (phi_pool_new(&k->p->mem, n_threads, &k->pool, NULL)) k->pool = NULL;
}

static enum ph_status make_room(packer *k)
{
    size_t most = 0, bytes;
    for (size_t i = 0; i < k->p->n_steps; i++) {
        const phi_slot *made = made_weights(k->p, &k->p->steps[i]);
        if (made && row_floats(made) > most) most = row_floats(made);
    }
    k->room_floats = most * phk_choose(PHK_gemm_f32)->nr;
    if (!phi_mul_size(k->room_floats * sizeof(float), phi_pool_threads(k->pool), &bytes))
        return phi_fail_nomem(k->err);
    k->room = phi_alloc(&k->p->mem, bytes);
    return k->room ? PH_OK : phi_fail_nomem(k->err);
}

enum ph_status phi_pack_weights(ph_plan *p, size_t n_threads, ph_error *err)
{
    packer k = {.p = p, .err = err};
    enum ph_status st = place_packed(p, err);
    if (st) return st;
    start_threads(&k, n_threads);
    st = make_room(&k);
    for (size_t i = 0; i < p->n_steps && !st; i++)
        st = pack_step(&k, &p->steps[i]);
    phi_free(&p->mem, k.room);
    phi_pool_free(k.pool);
    return st;
}
