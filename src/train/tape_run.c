/* SPDX-License-Identifier: MIT */
/*
 * Running a tape: forwards step by step, then backwards, each gradient gathered in a fixed order.
 */
#include "train/tape.h"
#include "train/chunk.h"

phi_view phi_tape_input(const phi_tape *t, size_t i)
{
    const phi_slot *slot = &t->plan->slots[t->plan->input_slots[i]];
    phi_view v = slot->view;
    v.data = t->arena + slot->offset;
    return v;
}

static phi_exec exec_of(const phi_tape *t, const phi_tape_step *ts, uint64_t seed)
{
    phi_exec e = phi_step_exec(t->plan, ts->step, ts->in, ts->out, t->pool);
    e.training = true;
    e.seed = seed;
    e.work = t->work;
    e.save = ts->save;
    return e;
}

enum ph_status phi_tape_forward(phi_tape *t, uint64_t seed, ph_error *err)
{
    for (size_t i = 0; i < t->n_statistics; i++)
        memcpy(t->statistics[i].kept, t->statistics[i].data, t->statistics[i].n * sizeof(float));
    for (size_t i = 0; i < t->plan->n_steps; i++) {
        const phi_tape_step *ts = &t->steps[i];
        if (!ts->in) continue;
        phi_exec e = exec_of(t, ts, seed);
        enum ph_status st = ts->step->op->forward(&e, err);
        if (st) return st;
    }
    return PH_OK;
}

void phi_tape_restore_statistics(phi_tape *t)
{
    for (size_t i = 0; i < t->n_statistics; i++)
        memcpy(t->statistics[i].data, t->statistics[i].kept, t->statistics[i].n * sizeof(float));
}

static void add_chunk(void *arg, size_t task, size_t thread)
{
    (void)thread;
    const phi_tape_add *add = arg;
    size_t n = phi_chunk_size(add->n, task);
    float *restrict to = add->to + task * PHI_CHUNK;
    const float *restrict from = add->from + task * PHI_CHUNK;
    for (size_t i = 0; i < n; i++)
        to[i] += from[i];
}

enum ph_status phi_tape_backward(phi_tape *t, uint64_t seed, ph_error *err)
{
    for (size_t i = t->plan->n_steps; i-- > 0;) {
        const phi_tape_step *ts = &t->steps[i];
        if (!ts->din) continue;
        phi_exec e = exec_of(t, ts, seed);
        e.din = ts->din;
        e.dout = ts->dout;
        enum ph_status st = phi_backward(ts->step->op, &e, err);
        if (st) return st;
        for (size_t j = ts->first_add; j < ts->first_add + ts->n_adds; j++)
            phi_pool_run(t->pool, phi_chunks(t->adds[j].n), add_chunk, &t->adds[j]);
    }
    return PH_OK;
}
