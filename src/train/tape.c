/* SPDX-License-Identifier: MIT */
/*
 * Making a tape: parameters, memory for activations, gradients and what operators keep, and the
 * views of every step, so that running it is a loop over calls.
 */
#include "graph/widen.h"
#include "train/tape.h"

/* What is only known while the tape is made. Time runs backwards through the plan: the loss is
 * time 0, step i is time n_steps - i. */
typedef struct tape_maker {
    phi_tape *tape;
    ph_graph *graph;
    phi_path path;
    int32_t *slot_block; /* [n_slots] block of the slot's gradient; -1 none yet */
    bool *param_written; /* [n_params] a contribution is written straight to it */
    phi_block *blocks;
    size_t n_blocks, blocks_capacity;
    int32_t *temporary; /* per input of a backward step, in order of steps backwards: block, or -1
                           if it is written straight to its slot's gradient or is not wanted */
    size_t n_temporary;
    ph_error *err;
} tape_maker;

static size_t time_of(const tape_maker *m, size_t step)
{
    return m->tape->plan->n_steps - step;
}

/* --- Parameters and statistics --------------------------------------------------------------- */

static enum ph_status make_params(tape_maker *m)
{
    phi_tape *t = m->tape;
    const ph_plan *p = t->plan;
    size_t total = 0, n_params = m->path.n_params;
    t->params = phi_calloc(&t->mem, n_params, sizeof *t->params);
    if (!t->params) return phi_fail_nomem(m->err);
    t->n_params = n_params;
    for (size_t i = 0; i < p->n_slots; i++) {
        if (m->path.param[i] < 0) continue;
        phi_value *v = &m->graph->values[p->slots[i].value];
        t->params[m->path.param[i]] = (phi_param){.name = v->name,
                                                  .value = p->slots[i].value,
                                                  .rank = (size_t)v->constant->type.rank,
                                                  .n = (size_t)v->constant->count,
                                                  .w = v->constant->data};
    }
    for (size_t i = 0; i < n_params; i++)
        if (!phi_add_size(total, t->params[i].n, &total))
            return phi_fail(m->err, PH_ERR_OVERFLOW, NULL, "parameters do not fit into memory");
    t->param_gradients = phi_calloc(&t->mem, total, sizeof(float));
    if (!t->param_gradients) return phi_fail_nomem(m->err);
    float *g = t->param_gradients;
    for (size_t i = 0; i < n_params; g += t->params[i++].n)
        t->params[i].g = g;
    return PH_OK;
}

/* The constant behind input `j` if the step's forward updates it in place while training (a running
 * mean, say); NULL otherwise. */
static ph_tensor *updated_constant(const tape_maker *m, const phi_step *s, size_t j)
{
    if (!s->node || j > 31 || !(s->op->state >> j & 1) || s->in[j] < 0) return NULL;
    ph_value v = m->tape->plan->slots[s->in[j]].value;
    ph_tensor *t = v < 0 ? NULL : m->graph->values[v].constant;
    return t && t->type.dtype == PH_FLOAT32 ? t : NULL;
}

static enum ph_status make_statistics(tape_maker *m)
{
    phi_tape *t = m->tape;
    size_t n = 0, total = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < t->plan->n_steps; i++)
            for (size_t j = 0; j < t->plan->steps[i].n_in && m->path.forward[i]; j++) {
                ph_tensor *c = updated_constant(m, &t->plan->steps[i], j);
                if (!c) continue;
                if (pass == 0) {
                    n++;
                    total += (size_t)c->count;
                    continue;
                }
                t->statistics[t->n_statistics++] =
                    (phi_statistic){c->data, t->kept + total, (size_t)c->count};
                total += (size_t)c->count;
            }
        if (pass == 1) break;
        t->statistics = phi_calloc(&t->mem, n, sizeof *t->statistics);
        t->kept = phi_calloc(&t->mem, total, sizeof(float));
        if (!t->statistics || !t->kept) return phi_fail_nomem(m->err);
        total = 0;
    }
    return PH_OK;
}

/* --- Gradients: who writes where ------------------------------------------------------------- */

static enum ph_status add_block(tape_maker *m, size_t bytes, size_t time, int32_t *number)
{
    if (!phi_grow(&m->tape->mem, (void **)&m->blocks, m->n_blocks, &m->blocks_capacity,
                  sizeof *m->blocks))
        return phi_fail_nomem(m->err);
    m->blocks[m->n_blocks] = (phi_block){.bytes = bytes, .first = time, .last = time};
    *number = (int32_t)m->n_blocks++;
    return PH_OK;
}

/* Input `slot` of the step at `time` gets a contribution: the first is written straight to the
 * slot's gradient, later ones to a temporary. */
static enum ph_status plan_contribution(tape_maker *m, int32_t slot, size_t time,
                                        int32_t *temporary)
{
    size_t bytes = m->tape->plan->slots[slot].bytes;
    int32_t param = m->path.param[slot];
    *temporary = -1;
    if (param >= 0) {
        if (m->param_written[param]) return add_block(m, bytes, time, temporary);
        m->param_written[param] = true;
        return PH_OK;
    }
    if (m->slot_block[slot] >= 0) return add_block(m, bytes, time, temporary);
    return add_block(m, bytes, time, &m->slot_block[slot]);
}

static enum ph_status plan_step(tape_maker *m, size_t i)
{
    const phi_step *s = &m->tape->plan->steps[i];
    size_t time = time_of(m, i);
    for (size_t j = 0; j < s->n_out; j++) { /* its outputs' gradients are read now, and then done */
        int32_t block = s->out[j] < 0 ? -1 : m->slot_block[s->out[j]];
        if (block >= 0) m->blocks[block].last = time;
    }
    enum ph_status st = PH_OK;
    for (size_t j = 0; j < s->n_in && !st; j++) {
        int32_t *temporary = &m->temporary[m->n_temporary++];
        *temporary = -1;
        if (s->in[j] < 0 || !m->path.slot[s->in[j]]) continue;
        st = plan_contribution(m, s->in[j], time, temporary);
        if (*temporary >= 0) m->tape->n_adds++;
    }
    return st;
}

static enum ph_status plan_gradients(tape_maker *m, int32_t loss_slot)
{
    phi_tape *t = m->tape;
    const ph_plan *p = t->plan;
    size_t n_in = 0;
    for (size_t i = 0; i < p->n_steps; i++)
        n_in += m->path.backward[i] ? p->steps[i].n_in : 0;
    m->temporary = phi_calloc(&t->mem, n_in, sizeof *m->temporary);
    m->slot_block = phi_calloc(&t->mem, p->n_slots, sizeof *m->slot_block);
    m->param_written = phi_calloc(&t->mem, t->n_params, sizeof *m->param_written);
    if (!m->temporary || !m->slot_block || !m->param_written) return phi_fail_nomem(m->err);
    for (size_t i = 0; i < p->n_slots; i++)
        m->slot_block[i] = -1;
    enum ph_status st = add_block(m, p->slots[loss_slot].bytes, 0, &m->slot_block[loss_slot]);
    for (size_t i = p->n_steps; i-- > 0 && !st;)
        if (m->path.backward[i]) st = plan_step(m, i);
    if (!st) st = phi_place_blocks(&t->mem, m->blocks, m->n_blocks, &t->gradient_bytes, m->err);
    return st;
}

/* --- Views ----------------------------------------------------------------------------------- */

/* A slot's view, with its own memory replaced. */
static phi_view slot_view(const tape_maker *m, int32_t slot, void *data)
{
    phi_view v = m->tape->plan->slots[slot].view;
    v.data = data;
    return v;
}

static void *block_data(const tape_maker *m, int32_t block)
{
    return m->tape->gradients + m->blocks[block].offset;
}

/* Where the gradient of a wanted slot is gathered. */
static void *gradient_data(const tape_maker *m, int32_t slot)
{
    int32_t param = m->path.param[slot];
    return param >= 0 ? (void *)m->tape->params[param].g : block_data(m, m->slot_block[slot]);
}

static void set_gradient_views(tape_maker *m, phi_tape_step *ts)
{
    phi_tape *t = m->tape;
    const phi_step *s = ts->step;
    ts->first_add = t->n_adds;
    for (size_t j = 0; j < s->n_out; j++) {
        bool wanted = s->out[j] >= 0 && m->path.slot[s->out[j]];
        ts->dout[j] = wanted ? slot_view(m, s->out[j], gradient_data(m, s->out[j])) : PHI_NO_VIEW;
    }
    for (size_t j = 0; j < s->n_in; j++) {
        int32_t temporary = m->temporary[m->n_temporary++];
        ts->din[j] = PHI_NO_VIEW;
        if (s->in[j] < 0 || !m->path.slot[s->in[j]]) continue;
        float *sum = gradient_data(m, s->in[j]);
        float *to = temporary >= 0 ? block_data(m, temporary) : sum;
        ts->din[j] = slot_view(m, s->in[j], to);
        if (temporary >= 0)
            t->adds[t->n_adds++] =
                (phi_tape_add){sum, to, t->plan->slots[s->in[j]].bytes / sizeof(float)};
    }
    ts->n_adds = t->n_adds - ts->first_add;
}

static enum ph_status make_views(tape_maker *m)
{
    phi_tape *t = m->tape;
    const ph_plan *p = t->plan;
    size_t n = 0, used = 0;
    for (size_t i = 0; i < p->n_steps; i++)
        n += (p->steps[i].n_in + p->steps[i].n_out) *
             ((size_t)m->path.forward[i] + (size_t)m->path.backward[i]);
    t->steps = phi_calloc(&t->mem, p->n_steps, sizeof *t->steps);
    t->views = phi_calloc(&t->mem, n, sizeof *t->views);
    t->adds = phi_calloc(&t->mem, t->n_adds, sizeof *t->adds);
    if (!t->steps || !t->views || !t->adds) return phi_fail_nomem(m->err);
    t->n_adds = m->n_temporary = 0; /* counted again, in the same order */
    for (size_t i = p->n_steps; i-- > 0;) {
        phi_tape_step *ts = &t->steps[i];
        ts->step = &p->steps[i];
        if (!m->path.forward[i]) continue;
        ts->in = t->views + used;
        ts->out = ts->in + ts->step->n_in;
        used += ts->step->n_in + ts->step->n_out;
        phi_step_views(p, ts->step, t->arena, ts->in, ts->out);
        if (!m->path.backward[i]) continue;
        ts->din = t->views + used;
        ts->dout = ts->din + ts->step->n_in;
        used += ts->step->n_in + ts->step->n_out;
        set_gradient_views(m, ts);
    }
    return PH_OK;
}

/* --- What operators keep and use ------------------------------------------------------------- */

static phi_exec exec_of(const phi_tape *t, const phi_tape_step *ts)
{
    phi_exec e = phi_step_exec(t->plan, ts->step, ts->in, ts->out, t->pool);
    e.training = true;
    e.din = ts->din;
    e.dout = ts->dout;
    return e;
}

static enum ph_status make_scratch(tape_maker *m)
{
    phi_tape *t = m->tape;
    size_t work = 0, saved = 0;
    for (size_t i = 0; i < t->plan->n_steps; i++) {
        const phi_tape_step *ts = &t->steps[i];
        if (!ts->in) continue;
        phi_exec e = exec_of(t, ts);
        if (phi_widens(ts->step->op, &e))
            return phi_fail(m->err, PH_ERR_UNSUPPORTED, ts->step->node->name,
                            "%s '%s': 16-bit floats cannot be trained", ts->step->op->name,
                            ts->step->node->name);
        if (ts->step->op->work_bytes) {
            work = phi_max_size(work, ts->step->op->work_bytes(&e, false));
            if (ts->din) work = phi_max_size(work, ts->step->op->work_bytes(&e, true));
        }
        size_t bytes = ts->step->op->save_bytes ? ts->step->op->save_bytes(&e) : 0;
        if (bytes > SIZE_MAX - PHI_ALIGN || !phi_add_size(saved, bytes + PHI_ALIGN, &saved))
            return phi_fail(m->err, PH_ERR_OVERFLOW, NULL, "activations do not fit into memory");
    }
    t->work = phi_alloc(&t->mem, work);
    t->saves = phi_alloc(&t->mem, saved);
    if (!t->work || !t->saves) return phi_fail_nomem(m->err);
    saved = 0;
    for (size_t i = 0; i < t->plan->n_steps; i++) {
        phi_tape_step *ts = &t->steps[i];
        if (!ts->in || !ts->step->op->save_bytes) continue;
        phi_exec e = exec_of(t, ts);
        size_t bytes = ts->step->op->save_bytes(&e);
        ts->save = t->saves + saved;
        saved += (bytes + PHI_ALIGN - 1) / PHI_ALIGN * PHI_ALIGN;
    }
    return PH_OK;
}

/* --- The whole ------------------------------------------------------------------------------- */

/* The slot that the node which makes `v` writes it to; -1 if no step makes it. */
static int32_t find_slot(const ph_plan *p, ph_value v)
{
    for (size_t i = 0; i < p->n_steps; i++)
        for (size_t j = 0; p->steps[i].node && j < p->steps[i].n_out; j++)
            if (p->steps[i].out[j] >= 0 && p->slots[p->steps[i].out[j]].value == v)
                return p->steps[i].out[j];
    return -1;
}

static enum ph_status make(tape_maker *m, ph_value logits)
{
    phi_tape *t = m->tape;
    int32_t slot = find_slot(t->plan, logits);
    if (slot < 0)
        return phi_fail(m->err, PH_ERR_ARG, m->graph->name, "graph '%s': no node makes its output",
                        m->graph->name);
    enum ph_status st = phi_path_find(t->plan, slot, &m->path, m->err);
    if (!st) st = make_params(m);
    if (!st) st = make_statistics(m);
    if (!st) st = plan_gradients(m, slot);
    if (st) return st;
    t->arena = phi_alloc(&t->mem, t->plan->arena_bytes);
    t->gradients = phi_alloc(&t->mem, t->gradient_bytes);
    if (!t->arena || !t->gradients) return phi_fail_nomem(m->err);
    st = make_views(m);
    if (!st) st = make_scratch(m);
    t->logits = slot_view(m, slot, t->arena + t->plan->slots[slot].offset);
    t->dlogits = slot_view(m, slot, gradient_data(m, slot));
    return st;
}

enum ph_status phi_tape_new(ph_graph *g, const ph_plan *plan, ph_value logits, phi_pool *pool,
                            phi_tape **out, ph_error *err)
{
    const ph_allocator *mem = &plan->mem;
    phi_tape *t = phi_calloc(mem, 1, sizeof *t);
    if (!t) return phi_fail_nomem(err);
    t->mem = *mem;
    t->plan = plan;
    t->pool = pool;
    tape_maker m = {.tape = t, .graph = g, .path = {.mem = *mem}, .err = err};
    enum ph_status st = make(&m, logits);
    phi_path_clear(&m.path);
    phi_free(mem, m.slot_block);
    phi_free(mem, m.param_written);
    phi_free(mem, m.blocks);
    phi_free(mem, m.temporary);
    if (st)
        phi_tape_free(t);
    else
        *out = t;
    return st;
}

void phi_tape_free(phi_tape *t)
{
    if (!t) return;
    ph_allocator mem = t->mem;
    phi_free(&mem, t->steps);
    phi_free(&mem, t->views);
    phi_free(&mem, t->adds);
    phi_free(&mem, t->params);
    phi_free(&mem, t->statistics);
    phi_free(&mem, t->arena);
    phi_free(&mem, t->saves);
    phi_free(&mem, t->work);
    phi_free(&mem, t->gradients);
    phi_free(&mem, t->param_gradients);
    phi_free(&mem, t->kept);
    phi_free(&mem, t);
}
