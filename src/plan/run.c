/* SPDX-License-Identifier: MIT */
/*
 * Running a plan. Everything is bound when the run is made; running only calls operators.
 */
#include "base/clock.h"
#include "graph/loop.h"
#include "graph/widen.h"
#include "plan/chain.h"

struct ph_run {
    ph_allocator mem;
    const ph_plan *plan;
    phi_pool *pool;
    char *arena, *work;
    phi_exec *execs; /* [n_steps] */
    phi_view *views; /* the operands of all steps, step by step: inputs, outputs, what is added */
};

/* Of a step and those that run in one pass with it; `e` is its execution, theirs follow. */
static size_t work_bytes_of(const phi_step *step, const phi_exec *e)
{
    if (step->chain == 1) return phi_forward_work_bytes(step->op, e);
    return step->chain ? phi_chain_work_bytes(step, e) : 0;
}

static enum ph_status bind_steps(ph_run *r, ph_error *err)
{
    const ph_plan *p = r->plan;
    size_t n_views = 0, work_bytes = 0;
    for (size_t i = 0; i < p->n_steps; i++) n_views += p->steps[i].n_in + p->steps[i].n_out + 1;
    r->execs = phi_calloc(&r->mem, p->n_steps, sizeof *r->execs);
    r->views = phi_calloc(&r->mem, n_views, sizeof *r->views);
    if (!r->execs || !r->views) return phi_fail_nomem(err);
    phi_view *views = r->views;
    for (size_t i = 0; i < p->n_steps; i++) {
        const phi_step *step = &p->steps[i];
        phi_view *in = views, *out = views + step->n_in;
        views = out + step->n_out + 1;
        phi_step_views(p, step, r->arena, in, out);
        r->execs[i] = phi_step_exec(p, step, in, out, r->pool);
        out[step->n_out] = phi_step_view(p, step, step->add, 0, r->arena);
        if (step->add >= 0) r->execs[i].add = &out[step->n_out];
    }
    for (size_t i = 0; i < p->n_steps; i++) {
        const size_t bytes = work_bytes_of(&p->steps[i], &r->execs[i]);
        if (bytes > work_bytes) work_bytes = bytes;
    }
    r->work = phi_alloc(&r->mem, work_bytes);
    if (!r->work) return phi_fail_nomem(err);
    for (size_t i = 0; i < p->n_steps; i++) r->execs[i].work = r->work;
    return PH_OK;
}

enum ph_status ph_run_new(const ph_plan *p, size_t n_threads, ph_run **out, ph_error *err)
{
    ph_run *r = phi_calloc(&p->mem, 1, sizeof *r);
    if (!r) return phi_fail_nomem(err);
    r->mem = p->mem;
    r->plan = p;
    r->arena = phi_alloc(&r->mem, p->arena_bytes);
    enum ph_status st = PH_OK;
    if (!r->arena)
        st = phi_fail(err, PH_ERR_NOMEM, p->graph->name,
                      "out of memory: a run of '%s' needs %zu bytes for activations",
                      p->graph->name, p->arena_bytes);
    if (!st && n_threads != 1) st = phi_pool_new(&r->mem, n_threads, &r->pool, err);
    if (!st) st = bind_steps(r, err);
    if (st)
        ph_run_free(r);
    else
        *out = r;
    return st;
}

void ph_run_free(ph_run *r)
{
    if (!r) return;
    const ph_allocator mem = r->mem;
    phi_pool_free(r->pool);
    phi_free(&mem, r->arena);
    phi_free(&mem, r->work);
    phi_free(&mem, r->execs);
    phi_free(&mem, r->views);
    phi_free(&mem, r);
}

static phi_view slot_in_run(const ph_run *r, int32_t index)
{
    return phi_slot_view(r->plan, index, r->arena);
}

/* Nothing to compute: every output has no elements. */
static bool is_empty(const phi_exec *e)
{
    for (size_t k = 0; k < e->n_out; k++)
        if (!phi_view_absent(&e->out[k]) && phi_type_count(&e->out[k].type) > 0) return false;
    return true;
}

/* Time by the step: to seconds[i] goes that from the end of the step before to that of step i. */
typedef struct stopwatch {
    double *seconds; /* NULL: nobody asks, the clock is not looked at */
    double last;
} stopwatch;

static void lap(stopwatch *w, size_t i)
{
    if (!w->seconds) return;
    const double now = phi_clock();
    w->seconds[i] += now - w->last;
    w->last = now;
}

/* Bind the operands of step i to a portion of the batch. */
static void take_portion(ph_run *r, size_t i, size_t portion)
{
    const phi_step *step = &r->plan->steps[i];
    phi_view *in = r->views + (r->execs[i].in - r->views), *out = in + step->n_in;
    for (size_t k = 0; k < step->n_in; k++)
        in[k].data = phi_step_view(r->plan, step, step->in[k], portion, r->arena).data;
    for (size_t k = 0; k < step->n_out; k++)
        out[k].data = phi_step_view(r->plan, step, step->out[k], portion, r->arena).data;
    out[step->n_out].data = phi_step_view(r->plan, step, step->add, portion, r->arena).data;
}

/* A step and those that run in one pass with it; there is nothing to do if the last makes nothing. */
static enum ph_status run_step(const phi_step *step, const phi_exec *e, ph_error *err)
{
    if (is_empty(&e[step->chain - 1])) return PH_OK;
    if (step->chain == 1) return phi_forward(step->op, e, err);
    return phi_chain_forward(step, e, err);
}

static enum ph_status run_section(ph_run *r, const phi_section *s, stopwatch *w, ph_error *err)
{
    const ph_plan *p = r->plan;
    enum ph_status st = PH_OK;
    for (size_t portion = 0; portion < s->times && !st; portion++)
        for (size_t i = s->first; i < s->end && !st; i += p->steps[i].chain) {
            for (size_t k = 0; s->times > 1 && k < p->steps[i].chain; k++)
                take_portion(r, i + k, portion);
            st = run_step(&p->steps[i], &r->execs[i], err);
            lap(w, p->n_inputs + p->steps[i].pass);
        }
    return st;
}

enum ph_status ph_run_timed(ph_run *r, const void *const *inputs, void *const *outputs,
                            double *seconds, ph_error *err)
{
    const ph_plan *p = r->plan;
    const phi_section all = { .end = p->n_steps, .times = 1 };
    const size_t n_sections = p->sections ? p->n_sections : 1;
    if (seconds) memset(seconds, 0, ph_plan_n_steps(p) * sizeof *seconds);
    stopwatch w = { .seconds = seconds, .last = seconds ? phi_clock() : 0 };
    for (size_t i = 0; i < p->n_inputs; i++) {
        const phi_view to = slot_in_run(r, p->input_slots[i]);
        phi_view from = phi_view_plain(&to.type, NULL);
        memcpy(&from.data, &inputs[i], sizeof from.data); /* only read; drops const */
        phi_copy(r->pool, &to, &from);
        lap(&w, i);
    }
    enum ph_status st = PH_OK;
    for (size_t i = 0; i < n_sections && !st; i++)
        st = run_section(r, p->sections ? &p->sections[i] : &all, &w, err);
    for (size_t i = 0; i < p->n_outputs && !st; i++) {
        const phi_view from = slot_in_run(r, p->output_slots[i]);
        const phi_view to = phi_view_plain(&from.type, outputs[i]);
        phi_copy(r->pool, &to, &from);
        lap(&w, p->n_inputs + p->n_passes + i);
    }
    return st;
}

enum ph_status ph_run_once(ph_run *r, const void *const *inputs, void *const *outputs,
                           ph_error *err)
{
    return ph_run_timed(r, inputs, outputs, NULL, err);
}
