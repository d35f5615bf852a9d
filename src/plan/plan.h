/* SPDX-License-Identifier: MIT */
/*
 * A plan: the graph as a list of steps over slots (tensors with a place in memory).
 */
#ifndef PHI_PLAN_H
#define PHI_PLAN_H

#include "graph/graph.h"

enum phi_slot_kind {
    PHI_SLOT_CONSTANT, /* view.data is there: a graph's constant, or one the plan computed */
    PHI_SLOT_ARENA,    /* at `offset` of the run's arena */
    PHI_SLOT_PASSED    /* handed on within a chain: nowhere as a whole, view.data is NULL */
};

typedef struct phi_slot {
    enum phi_slot_kind kind;
    phi_view view;
    size_t bytes;   /* of the dense array behind the view */
    size_t offset;  /* PHI_SLOT_ARENA: in the arena; a multiple of PHI_ALIGN where whole < 0 */
    int32_t whole;  /* the slot it is a slice of, or -1 */
    size_t first;   /* bytes from there to the slice's first element */
    ph_value value; /* the graph's value it holds; several slots may hold one in different layouts */
    ph_tensor *owned; /* constants that the plan made */
    double *scale;    /* owned: weights that packing multiplies, a factor for each along dimension 0 */
    const ph_tensor *left; /* constants that are not in memory: packing reads them (graph/left.h) */
} phi_slot;

#define PHI_CHAIN_MOST 3 /* steps that run in one pass */

typedef struct phi_step {
    const phi_op *op;
    const phi_node *node; /* NULL: a change of layout (op is Identity) */
    const void *params;
    size_t n_in, n_out;
    int32_t *in;  /* [n_in] slots; -1: left out */
    int32_t *out; /* [n_out]; -1: an optional output that is left out (PH_NONE) */
    void *packed; /* in the plan's `packed`; or NULL */
    int32_t add;  /* fused addition: the slot that is added, or -1 */
    float lo, hi; /* fused clamp */
    uint64_t stream; /* for random numbers: from the node's name */
    const phi_method *method; /* of op->methods; NULL: there is one way */
    int64_t images;  /* that it works on at a time: dimension 0 of operands in the arena; 0: all */
    size_t chain;    /* steps that run in one pass with it, from it on; 0: one before it does them */
    size_t pass;     /* number of the pass */
    const char *pass_name; /* of several steps: how they are done; else NULL */
} phi_step;

/* Steps first .. end - 1 run so many times, each time on the next `images` (of the steps) of the batch. */
typedef struct phi_section {
    size_t first, end, times;
} phi_section;

struct ph_plan {
    ph_allocator mem;
    const ph_graph *graph;
    phi_facts *facts;
    size_t n_rewritten;
    ph_graph *rewritten[2];   /* `graph` is the last one, or the caller's */
    phi_facts *read_facts[2]; /* of the graph before each, whose constants it borrows */
    bool training, exact;
    phi_slot *slots;
    size_t n_slots, slots_capacity;
    phi_step *steps;
    size_t n_steps, steps_capacity;
    size_t *passes, n_passes; /* the first steps of what runs in one pass: most alone */
    phi_section *sections; /* of all steps, in their order; NULL: all run once */
    size_t n_sections;
    size_t n_inputs, n_outputs;
    ph_port *inputs, *outputs;
    int32_t *input_slots, *output_slots; /* plain or channels-last; run copies */
    void *packed; /* weights as the operators want them, step by step; see pack.c */
    size_t arena_bytes, weight_bytes;
};

/*
 * As ph_plan_new; `training` keeps every node and every activation (each arena slot has a place of
 * its own), packs no weights, and lets constants be changed between runs (slots of graph constants
 * point into the graph).
 */
enum ph_status phi_plan_build(const ph_graph *g, const ph_plan_desc *desc, bool training,
                              ph_plan **out, ph_error *err);
/* As ph_plan_new, but packs no weights: a plan to look at, not to run. */
enum ph_status phi_plan_layout(const ph_graph *g, const ph_plan_desc *desc, ph_plan **out,
                               ph_error *err);

/* The steps alone, each by the method that is estimated to be the best; nothing has a place yet. */
enum ph_status phi_plan_outline(const ph_graph *g, const ph_plan_desc *desc, ph_plan **out,
                                ph_error *err);

/* The type of a step's operand over the whole batch. */
phi_type phi_slot_type(const ph_plan *p, const phi_step *step, int32_t slot);

/* A slot's view, with `arena` added if it lies there (arena NULL: its data pointer stays NULL). */
phi_view phi_slot_view(const ph_plan *p, int32_t slot, void *arena);

/* The same as operand of a step: portion number `portion` of it, if the step works on portions. */
phi_view phi_step_view(const ph_plan *p, const phi_step *step, int32_t slot, size_t portion,
                       void *arena);

/*
 * The operands of a step, of the first portion, as views: slot views with `arena` added to arena
 * slots (arena NULL: data pointers of arena slots stay NULL). in [step->n_in], out [step->n_out].
 */
void phi_step_views(const ph_plan *p, const phi_step *step, void *arena, phi_view *in,
                    phi_view *out);

/* The ways to do a step (op.h), the best first; 0: there is one. `exact`: without those that trade
 * accuracy for speed. */
size_t phi_step_methods(const ph_plan *p, const phi_step *step, bool exact, phi_choice *out);

/* An exec of the step, forward, with everything set but add, work, save, dout, din. `in`, `out` as filled
 * by phi_step_views. */
phi_exec phi_step_exec(const ph_plan *p, const phi_step *step, const phi_view *in,
                       const phi_view *out, phi_pool *pool);

#endif /* PHI_PLAN_H */
