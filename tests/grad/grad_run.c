/* SPDX-License-Identifier: MIT */
#include "grad_run.h"
#include "graph/loop.h"

#include <stdlib.h>

/* --- Life ---------------------------------------------------------------------------------- */

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Scratch for all steps, and what each keeps from forward to backward. */
static enum ph_status make_room(grad_run *r)
{
    const ph_plan *p = r->plan;
    size_t work = 1;
    for (size_t i = 0; i < p->n_steps; i++) {
        const phi_step *s = &p->steps[i];
        phi_view in[PHI_MAX_IN], out[PHI_MAX_OUT];
        phi_step_views(p, s, r->arena, in, out);
        phi_exec e = phi_step_exec(p, s, in, out, r->pool);
        e.training = r->training;
        if (s->op->work_bytes) {
            work = larger(work, s->op->work_bytes(&e, false));
            work = larger(work, s->op->work_bytes(&e, true));
        }
        size_t save = s->op->save_bytes ? s->op->save_bytes(&e) : 0;
        if (save && !(r->save[i] = phi_alloc(NULL, save))) return PH_ERR_NOMEM;
    }
    r->work = phi_alloc(NULL, work);
    if (!r->work) return PH_ERR_NOMEM;
    memset(r->work, 0xff, work); /* contents undefined: NaN */
    return PH_OK;
}

enum ph_status grad_run_new(const ph_graph *g, phi_pool *pool, bool training, grad_run *out,
                            ph_error *err)
{
    *out = (grad_run){.pool = pool, .training = training, .seed = 7};
    enum ph_status st = phi_plan_build(g, NULL, true, &out->plan, err);
    if (st) return st;
    out->arena = phi_alloc(NULL, out->plan->arena_bytes);
    out->gradient = phi_alloc(NULL, out->plan->arena_bytes);
    out->save = phi_calloc(NULL, out->plan->n_steps, sizeof *out->save);
    if (!out->arena || !out->gradient || !out->save) return phi_fail_nomem(err);
    memset(out->arena, 0xff, out->plan->arena_bytes);
    return make_room(out);
}

void grad_run_free(grad_run *r)
{
    for (size_t i = 0; r->save && i < r->plan->n_steps; i++)
        phi_free(NULL, r->save[i]);
    phi_free(NULL, r->save);
    phi_free(NULL, r->work);
    phi_free(NULL, r->arena);
    phi_free(NULL, r->gradient);
    ph_plan_free(r->plan);
    *r = (grad_run){0};
}

/* --- Slots --------------------------------------------------------------------------------- */

static phi_view slot_view(const grad_run *r, int32_t index, char *arena)
{
    const phi_slot *slot = &r->plan->slots[index];
    phi_view v = slot->view;
    if (slot->kind == PHI_SLOT_ARENA) v.data = arena + slot->offset;
    return v;
}

static bool has_gradient(const grad_run *r, int32_t index)
{
    return index >= 0 && r->plan->slots[index].kind == PHI_SLOT_ARENA &&
           r->plan->slots[index].view.type.dtype == PH_FLOAT32;
}

/* Step i, all set but dout and din. in [PHI_MAX_IN], out [PHI_MAX_OUT]. */
static phi_exec exec_of(const grad_run *r, size_t i, phi_view *in, phi_view *out)
{
    const phi_step *s = &r->plan->steps[i];
    phi_step_views(r->plan, s, r->arena, in, out);
    phi_exec e = phi_step_exec(r->plan, s, in, out, r->pool);
    e.training = r->training;
    e.seed = r->seed;
    e.work = r->work;
    e.save = r->save[i];
    return e;
}

size_t grad_step(const grad_run *r, const char *name)
{
    for (size_t i = 0; i < r->plan->n_steps; i++)
        if (r->plan->steps[i].node && !strcmp(r->plan->steps[i].node->name, name)) return i;
    abort();
}

/* --- Forward ------------------------------------------------------------------------------- */

enum ph_status grad_forward(grad_run *r, const void *const *inputs, ph_error *err)
{
    enum ph_status st = PH_OK;
    for (size_t i = 0; i < r->plan->n_inputs; i++) {
        phi_view to = slot_view(r, r->plan->input_slots[i], r->arena);
        phi_view from = phi_view_plain(&to.type, NULL);
        memcpy(&from.data, &inputs[i], sizeof from.data);
        phi_copy(NULL, &to, &from);
    }
    for (size_t i = 0; i < r->plan->n_steps && !st; i++) {
        phi_view in[PHI_MAX_IN], out[PHI_MAX_OUT];
        phi_exec e = exec_of(r, i, in, out);
        st = r->plan->steps[i].op->forward(&e, err);
    }
    return st;
}

void grad_output(const grad_run *r, size_t i, void *y)
{
    phi_view from = slot_view(r, r->plan->output_slots[i], r->arena);
    phi_view to = phi_view_plain(&from.type, y);
    phi_copy(NULL, &to, &from);
}

/* --- Backward ------------------------------------------------------------------------------ */

enum ph_status grad_step_alone(grad_run *r, size_t step, uint32_t wanted, bool no_dout, float **din,
                               ph_error *err)
{
    const phi_step *s = &r->plan->steps[step];
    phi_view in[PHI_MAX_IN], out[PHI_MAX_OUT], d_in[PHI_MAX_IN], d_out[PHI_MAX_OUT];
    phi_exec e = exec_of(r, step, in, out);
    for (size_t k = 0; k < s->n_out; k++)
        d_out[k] = no_dout || !has_gradient(r, s->out[k]) ? PHI_NO_VIEW
                                                          : slot_view(r, s->out[k], r->gradient);
    for (size_t k = 0; k < s->n_in; k++) {
        d_in[k] = PHI_NO_VIEW;
        din[k] = NULL;
        if (!has_gradient(r, s->in[k]) || !(wanted >> k & 1)) continue;
        d_in[k] = in[k];
        d_in[k].data = din[k] = phi_alloc(NULL, r->plan->slots[s->in[k]].bytes);
        if (!din[k]) return PH_ERR_NOMEM;
        memset(din[k], 0xff, r->plan->slots[s->in[k]].bytes); /* it has to be written in full */
    }
    e.dout = d_out;
    e.din = d_in;
    if (!s->op->backward)
        return phi_fail(err, PH_ERR_UNSUPPORTED, s->op->name, "%s has no backward", s->op->name);
    return phi_backward(s->op, &e, err);
}

static void add_to(grad_run *r, int32_t slot, const float *din)
{
    float *sum = (float *)(void *)(r->gradient + r->plan->slots[slot].offset);
    for (size_t i = 0; i < r->plan->slots[slot].bytes / sizeof *sum; i++)
        sum[i] += din[i];
}

enum ph_status grad_backward(grad_run *r, const float *const *dout, ph_error *err)
{
    const ph_plan *p = r->plan;
    enum ph_status st = PH_OK;
    memset(r->gradient, 0, p->arena_bytes);
    for (size_t i = 0; i < p->n_outputs; i++) {
        if (!dout[i] || !has_gradient(r, p->output_slots[i])) continue;
        phi_view to = slot_view(r, p->output_slots[i], r->gradient);
        phi_view from = phi_view_plain(&to.type, NULL);
        memcpy(&from.data, &dout[i], sizeof from.data);
        phi_copy(NULL, &to, &from);
    }
    for (size_t i = p->n_steps; i-- > 0 && !st;) {
        float *din[PHI_MAX_IN];
        st = grad_step_alone(r, i, UINT32_MAX, false, din, err);
        for (size_t k = 0; k < p->steps[i].n_in; k++) {
            if (din[k] && !st) add_to(r, p->steps[i].in[k], din[k]);
            phi_free(NULL, din[k]);
        }
    }
    return st;
}

void grad_of_input(const grad_run *r, size_t i, float *dx)
{
    phi_view from = slot_view(r, r->plan->input_slots[i], r->gradient);
    phi_view to = phi_view_plain(&from.type, dx);
    phi_copy(NULL, &to, &from);
}
