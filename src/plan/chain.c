/* SPDX-License-Identifier: MIT */
#include "plan/chain.h"

enum { MOST_IN = 3 }; /* inputs of a step that can be joined to others */

/* Steps from the first on, as their operator is asked about them. */
typedef struct run {
    size_t n;
    phi_exec e[PHI_CHAIN_MOST];
    phi_view in[PHI_CHAIN_MOST][MOST_IN], out[PHI_CHAIN_MOST];
} run;

/* How often each slot is read, [n_slots]; slots that others share memory with count as read twice.
 */
static void count_readers(const ph_plan *p, size_t *readers)
{
    for (size_t i = 0; i < p->n_steps; i++) {
        const phi_step *step = &p->steps[i];
        for (size_t k = 0; k < step->n_in; k++)
            if (step->in[k] >= 0) readers[step->in[k]]++;
        if (step->add >= 0) readers[step->add]++;
    }
    for (size_t i = 0; i < p->n_outputs; i++)
        readers[p->output_slots[i]]++;
    for (size_t s = 0; s < p->n_slots; s++)
        if (p->slots[s].whole >= 0) {
            readers[s] += 2;
            readers[p->slots[s].whole] += 2;
        }
}

/* All inputs but the first must be known: they are packed. */
static bool can_join(const ph_plan *p, const phi_step *step)
{
    if (!step->node || !step->op->lines || step->n_in > MOST_IN || step->n_out != 1) return false;
    for (size_t k = 1; k < step->n_in; k++)
        if (step->in[k] >= 0 && p->slots[step->in[k]].kind != PHI_SLOT_CONSTANT) return false;
    return step->out[0] >= 0;
}

/* Does the step after `step` alone read what that makes? */
static bool hands_on(const ph_plan *p, const phi_step *step, const size_t *readers)
{
    const phi_step *next = step + 1;
    const int32_t slot = step->out[0];
    return p->slots[slot].kind == PHI_SLOT_ARENA && readers[slot] == 1 && can_join(p, next) &&
           next->in[0] == slot;
}

/* The steps from `i` on that could run in one pass. */
static void find_run(const ph_plan *p, size_t i, const size_t *readers, run *r)
{
    r->n = 0;
    if (!can_join(p, &p->steps[i])) return;
    do {
        const phi_step *step = &p->steps[i];
        phi_step_views(p, step, NULL, r->in[r->n], &r->out[r->n]);
        r->e[r->n] = phi_step_exec(p, step, r->in[r->n], &r->out[r->n], NULL);
        r->n++;
    } while (r->n < PHI_CHAIN_MOST && ++i < p->n_steps && hands_on(p, &p->steps[i - 1], readers));
}

/* --- Which ----------------------------------------------------------------------------------- */

#define BAND_LINES 4  /* of the last output, at least, where an image is cut into bands */
#define MANY_BANDS 12 /* enough for any number of threads */

int64_t phi_most_bands(const phi_lines *last)
{
    return last->oh > BAND_LINES ? last->oh / BAND_LINES : 1;
}

/* Is more handed on within the chain than it reads and leaves? If not, nothing is gained: apart,
 * the last map may be put where the first lay, which is in the cache. */
static bool is_wide(const phi_exec *e, size_t n)
{
    double around = (double)phi_type_bytes(&e[0].in[0].type), between = 0;
    around += (double)phi_type_bytes(&e[n - 1].out[0].type);
    for (size_t i = 1; i < n; i++)
        between += (double)phi_type_bytes(&e[i].in[0].type);
    return between > around;
}

static bool is_light(const phi_lines *l)
{
    return l->kind == PHI_LINK_DEPTHWISE || l->kind == PHI_LINK_POOLING;
}

/*
 * How many of a run should go together; 0: none. What makes the input of a depthwise convolution or
 * of pooling, that, and a 1x1 that reads what it leaves, if there is one. One image of few lines is
 * left alone: weights, not maps, are what there is to read, and threads would have nothing to
 * share. Where bands are few, `*keep`: the run decides.
 */
static size_t worth_joining(const ph_plan *p, size_t i, const run *r, bool *keep)
{
    phi_lines l[PHI_CHAIN_MOST];
    size_t n = 0;
    int64_t bands;
    while (n < r->n && p->steps[i + n].op->lines(&r->e[n], &l[n]))
        n++;
    if (n < 2 || is_light(&l[0]) || !is_light(&l[1])) return 0;
    if (n > 2 && l[2].kind != PHI_LINK_POINTWISE) n = 2;
    if (!is_wide(r->e, n) ||
        !phi_mul_i64(r->e[0].in[0].type.dims[0], phi_most_bands(&l[n - 1]), &bands))
        return 0;
    *keep = bands < MANY_BANDS;
    return bands > 1 ? n : 0;
}

/* The words stand in the public header and in pinhole(1). */
static const char *name_of(const ph_plan *p, size_t i, const run *r, size_t n)
{
    static const char *const names[2][2][2] = {
        {{"window+depthwise", "window+depthwise+1x1"}, {"window+pooling", "window+pooling+1x1"}},
        {{"1x1+depthwise", "1x1+depthwise+1x1"}, {"1x1+pooling", "1x1+pooling+1x1"}}};
    phi_lines first, second;
    p->steps[i].op->lines(&r->e[0], &first);
    p->steps[i + 1].op->lines(&r->e[1], &second);
    return names[first.kind == PHI_LINK_POINTWISE][second.kind == PHI_LINK_POOLING][n > 2];
}

static void join_steps(ph_plan *p, size_t i, size_t n, bool keep)
{
    p->steps[i].chain = n;
    for (size_t k = i + 1; k < i + n; k++) {
        p->steps[k].chain = 0;
        if (!keep) p->slots[p->steps[k].in[0]].kind = PHI_SLOT_PASSED;
    }
}

static enum ph_status join_all(ph_plan *p, ph_error *err)
{
    size_t *readers = phi_calloc(&p->mem, p->n_slots, sizeof *readers);
    if (!readers) return phi_fail_nomem(err);
    count_readers(p, readers);
    for (size_t i = 0; i < p->n_steps; i += p->steps[i].chain) {
        run r;
        bool keep = false;
        find_run(p, i, readers, &r);
        const size_t n = worth_joining(p, i, &r, &keep);
        if (n < 2) continue;
        p->steps[i].pass_name = name_of(p, i, &r, n);
        join_steps(p, i, n, keep);
    }
    phi_free(&p->mem, readers);
    return PH_OK;
}

enum ph_status phi_chain(ph_plan *p, bool join, ph_error *err)
{
    enum ph_status st = join ? join_all(p, err) : PH_OK;
    if (st) return st;
    p->passes = phi_calloc(&p->mem, p->n_steps, sizeof *p->passes);
    if (!p->passes) return phi_fail_nomem(err);
    for (size_t i = 0; i < p->n_steps; i++) {
        if (p->steps[i].chain) p->passes[p->n_passes++] = i;
        p->steps[i].pass = p->n_passes - 1;
    }
    return PH_OK;
}
