/* SPDX-License-Identifier: MIT */
/*
 * Packing. Most operators read weights by rows, those of some output channels at a time: they are
 * read from the file then, if they were left there, and what was folded into them is multiplied in,
 * in memory that stays near; the threads share the rows. For the others the weights are made as a
 * whole. Packed weights lie in one block: large pages take fewer faults.
 */
#include "plan/pack.h"

#include <stdatomic.h>

#include "base/pool.h"
#include "graph/left.h"
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
    atomic_flag failed;   /* the first thread that cannot read them says why */
    enum ph_status status;
    ph_error *err;
} packer;

/* --- Rows ------------------------------------------------------------------------------------- */

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

/* to = from, rows of weights, times what was folded into them. */
static void scale_rows(const phi_slot *slot, size_t first, size_t n, const float *from, float *to)
{
    const size_t row = row_floats(slot);
    for (size_t i = 0; i < n; i++, from += row, to += row) {
        const double scale = slot->scale[first + i];
        for (size_t j = 0; j < row; j++)
            to[j] = (float)((double)from[j] * scale);
    }
}

/* Rows as they are packed, to `to`. */
static enum ph_status get_rows(const phi_slot *slot, size_t first, size_t n, float *to,
                               ph_error *err)
{
    const size_t row = row_floats(slot), at = first * row;
    const float *from = slot->left ? to : (const float *)slot->view.data + at;
    enum ph_status st = PH_OK;
    if (slot->left)
        st = phi_tensor_read(slot->left, at * sizeof *to, n * row * sizeof *to, to, err);
    if (!st && slot->scale) scale_rows(slot, first, n, from, to);
    return st;
}

/* Rows that cannot be read are zeros: packing goes on to its end, and then fails. */
static const float *make_rows(void *arg, size_t first, size_t n, size_t thread)
{
    packer *k = arg;
    float *to = k->room + thread * k->room_floats;
    ph_error err = {.status = PH_OK};
    const enum ph_status st = get_rows(k->slot, first, n, to, &err);
    if (!st) return to;
    memset(to, 0, n * row_floats(k->slot) * sizeof *to);
    if (!atomic_flag_test_and_set(&k->failed))
        k->status = phi_fail(k->err, st, err.where, "%s", err.message);
    return to;
}

/* Input `i` of a step if its elements must be made, else NULL. */
static phi_slot *made_input(const ph_plan *p, const phi_step *step, size_t i)
{
    phi_slot *slot = i < step->n_in && step->in[i] >= 0 ? &p->slots[step->in[i]] : NULL;
    return slot && (slot->scale || slot->left) ? slot : NULL;
}

/* --- Steps ------------------------------------------------------------------------------------ */

/* Weights for an operator that does not pack them. */
static enum ph_status keep_whole(ph_plan *p, phi_slot *slot, ph_error *err)
{
    enum ph_status st = phi_tensor_new_raw(&p->mem, &slot->view.type, &slot->owned, err);
    if (!st) st = get_rows(slot, 0, (size_t)n_rows(slot), slot->owned->data, err);
    if (!st && slot->left) st = phi_file_unchanged(phi_left_file(slot->left->left), err);
    if (st) return st;
    slot->view = phi_view_of(slot->owned);
    slot->left = NULL;
    phi_free(&p->mem, slot->scale);
    slot->scale = NULL;
    return PH_OK;
}

/* The whole weights exist while they are packed. */
static enum ph_status pack_whole(const packer *k, const phi_step *step, phi_exec *e, phi_view *in)
{
    const phi_slot *slot = made_input(k->p, step, 1);
    float *whole = phi_alloc(&k->p->mem, slot->bytes);
    if (!whole) return phi_fail_nomem(k->err);
    const enum ph_status st = get_rows(slot, 0, (size_t)n_rows(slot), whole, k->err);
    in[1].data = whole;
    if (!st) step->op->pack(e, step->packed);
    phi_free(&k->p->mem, whole);
    return st;
}

static enum ph_status pack_step(packer *k, phi_step *step)
{
    phi_view in[PHI_MAX_IN], out[PHI_MAX_OUT];
    enum ph_status st = PH_OK;
    for (size_t i = 0; i < step->n_in && !st; i++)
        if (made_input(k->p, step, i) && (i != 1 || !step->packed))
            st = keep_whole(k->p, made_input(k->p, step, i), k->err);
    if (st || !step->packed) return st;
    phi_step_views(k->p, step, NULL, in, out);
    phi_exec e = phi_step_exec(k->p, step, in, out, k->pool);
    const phi_slot *made = made_input(k->p, step, 1);
    const bool by_rows = made && step->op->packs_rows && step->op->packs_rows(&e);
    if (made && !by_rows) return pack_whole(k, step, &e, in);
    const phi_filters filters = {.make = make_rows, .arg = k};
    k->slot = made;
    if (made) e.filters = &filters;
    step->op->pack(&e, step->packed);
    return k->status;
}

/* --- Sizes ------------------------------------------------------------------------------------ */

size_t phi_packed_bytes(const ph_plan *p, const phi_step *step, const phi_method *method)
{
    phi_view in[PHI_MAX_IN], out[PHI_MAX_OUT];
    if (!step->op->pack_bytes) return 0;
    phi_step_views(p, step, NULL, in, out);
    phi_exec e = phi_step_exec(p, step, in, out, NULL);
    const phi_filters some = {.row = 0};
    if (made_input(p, step, 1)) e.filters = &some;
    e.method = method;
    return phi_widens(step->op, &e) ? 0 : step->op->pack_bytes(&e);
}

/* The best way to do a step that trades no accuracy for speed: its weights are the smaller ones. */
static const phi_method *exact_method(const ph_plan *p, const phi_step *step)
{
    phi_choice choices[PHI_MOST_METHODS];
    return phi_step_methods(p, step, true, choices) ? choices[0].method : NULL;
}

enum ph_status phi_bound_weights(ph_plan *p, size_t most, ph_error *err)
{
    size_t *surplus = phi_calloc(&p->mem, p->n_steps, sizeof *surplus), bytes = 0;
    if (!surplus) return phi_fail_nomem(err);
    for (size_t i = 0; i < p->n_steps; i++) {
        const phi_step *step = &p->steps[i];
        const size_t full = phi_packed_bytes(p, step, step->method);
        const size_t plain = phi_packed_bytes(p, step, exact_method(p, step));
        surplus[i] = full > plain ? full - plain : 0;
        bytes += full;
    }
    while (bytes > most) {
        size_t best = 0;
        for (size_t i = 1; i < p->n_steps; i++)
            if (surplus[i] > surplus[best]) best = i;
        if (p->n_steps == 0 || surplus[best] == 0) break;
        p->steps[best].method = exact_method(p, &p->steps[best]);
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
        const size_t bytes = phi_packed_bytes(p, &p->steps[i], p->steps[i].method);
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

/* --- All -------------------------------------------------------------------------------------- */

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
        const phi_slot *made = made_input(k->p, &k->p->steps[i], 1);
        if (made && row_floats(made) > most) most = row_floats(made);
    }
    k->room_floats = most * phk_choose(PHK_gemm_f32)->nr;
    if (!phi_mul_size(k->room_floats * sizeof(float), phi_pool_threads(k->pool), &bytes))
        return phi_fail_nomem(k->err);
    k->room = phi_alloc(&k->p->mem, bytes);
    return k->room ? PH_OK : phi_fail_nomem(k->err);
}

/* What was read must be of one state of the file. */
static enum ph_status check_files(const ph_plan *p, ph_error *err)
{
    const phi_left *last = NULL;
    enum ph_status st = PH_OK;
    for (size_t i = 0; i < p->n_slots && !st; i++) {
        const ph_tensor *t = p->slots[i].left;
        if (t && t->left != last) st = phi_file_unchanged(phi_left_file(t->left), err);
        if (t) last = t->left;
    }
    return st;
}

enum ph_status phi_pack_weights(ph_plan *p, size_t n_threads, ph_error *err)
{
    packer k = {.p = p, .failed = ATOMIC_FLAG_INIT, .err = err};
    enum ph_status st = place_packed(p, err);
    if (st) return st;
    start_threads(&k, n_threads);
    st = make_room(&k);
    for (size_t i = 0; i < p->n_steps && !st; i++)
        st = pack_step(&k, &p->steps[i]);
    if (!st) st = check_files(p, err);
    phi_free(&p->mem, k.room);
    phi_pool_free(k.pool);
    return st;
}
