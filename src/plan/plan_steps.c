/* SPDX-License-Identifier: MIT */
/*
 * What a run does, step by step, in words and numbers: for those who look for where its time goes.
 */
#include <math.h>

#include "plan/plan.h"

size_t ph_plan_n_steps(const ph_plan *p)
{
    return p->n_inputs + p->n_passes + p->n_outputs;
}

static void set_type(ph_step *out, const phi_type *t)
{
    out->dtype = t->dtype;
    out->rank = (size_t)t->rank;
    memcpy(out->dims, t->dims, out->rank * sizeof *t->dims);
}

static void describe_copy(const ph_plan *p, const char *method, const char *name, int32_t slot,
                          ph_step *out)
{
    out->name = name;
    out->method = method;
    set_type(out, &p->slots[slot].view.type);
}

static const char *value_name(const ph_plan *p, int32_t slot)
{
    const ph_value v = p->slots[slot].value;
    return v == PH_NONE ? "" : p->graph->values[v].name;
}

static void describe_change(const ph_plan *p, const phi_step *step, ph_step *out)
{
    const phi_type type = phi_slot_type(p, step, step->out[0]);
    out->name = value_name(p, step->out[0]);
    out->method = "layout copy";
    set_type(out, &type);
}

/* Weights of no value of the graph are those that the plan scales (plan.c, bind_folded). */
static bool has_folded_weights(const ph_plan *p, const phi_step *step)
{
    const phi_slot *weights =
        step->op->epilogue && step->n_in > 1 && step->in[1] >= 0 ? &p->slots[step->in[1]] : NULL;
    return weights && weights->kind == PHI_SLOT_CONSTANT && weights->value == PH_NONE;
}

/* Of a step and those that run in one pass with it. */
static const char *method_of(const phi_step *step)
{
    if (step->pass_name) return step->pass_name;
    return step->method ? step->method->name : step->op->name;
}

static enum ph_status macs_of(const ph_plan *p, const phi_step *step, int64_t *macs, ph_error *err)
{
    const phi_type *in[PHI_MAX_IN];
    const ph_tensor *constant[PHI_MAX_IN];
    phi_type out[PHI_MAX_OUT];
    phi_infer c;
    if (!step->op->macs) return PH_OK;
    phi_facts_node(p->facts, (size_t)(step->node - p->graph->nodes), &c, in, constant, out);
    c.err = err;
    return step->op->macs(&c, macs);
}

static enum ph_status macs_of_all(const ph_plan *p, const phi_step *step, int64_t *sum,
                                  ph_error *err)
{
    enum ph_status st = PH_OK;
    for (size_t i = 0; i < step->chain && !st; i++) {
        int64_t macs = 0;
        st = macs_of(p, &step[i], &macs, err);
        if (!st && !phi_add_i64(*sum, macs, sum))
            st = phi_fail(err, PH_ERR_OVERFLOW, step[i].node->name, "MACs do not fit into 63 bits");
    }
    return st;
}

static enum ph_status describe_node(const ph_plan *p, const phi_step *step, ph_step *out,
                                    ph_error *err)
{
    const phi_step *last = step + step->chain - 1;
    out->name = last->node->name;
    out->op = last->op->name;
    out->method = method_of(step);
    for (const phi_step *s = step; s <= last; s++) {
        out->scaled |= has_folded_weights(p, s);
        out->added |= s->add >= 0;
        out->clamped |= s->lo > -INFINITY || s->hi < INFINITY;
    }
    for (size_t k = 0; k < last->n_out; k++)
        if (last->out[k] >= 0) {
            const phi_type type = phi_slot_type(p, last, last->out[k]);
            set_type(out, &type);
            break;
        }
    return macs_of_all(p, step, &out->macs, err);
}

enum ph_status ph_plan_step(const ph_plan *p, size_t i, ph_step *out, ph_error *err)
{
    const size_t n = ph_plan_n_steps(p), outputs = n - p->n_outputs;
    ph_step s = {.name = ""};
    enum ph_status st = PH_OK;
    if (i >= n)
        return phi_fail(err, PH_ERR_ARG, p->graph->name, "step %zu of '%s': there are %zu", i,
                        p->graph->name, n);
    if (i < p->n_inputs) {
        describe_copy(p, "copy in", p->inputs[i].name, p->input_slots[i], &s);
    } else if (i >= outputs) {
        describe_copy(p, "copy out", p->outputs[i - outputs].name, p->output_slots[i - outputs],
                      &s);
    } else {
        const phi_step *step = &p->steps[p->passes[i - p->n_inputs]];
        if (step->node)
            st = describe_node(p, step, &s, err);
        else
            describe_change(p, step, &s);
    }
    if (!st) *out = s;
    return st;
}
