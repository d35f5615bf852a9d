/* SPDX-License-Identifier: MIT */
/*
 * The tape: a training plan with memory for activations and gradients, run forwards and backwards.
 *
 * Reverse-mode differentiation over the plan's steps (Griewank and Walther 2008, "Evaluating
 * Derivatives", ch. 3). Everything is decided when the tape is made: which slots need a gradient,
 * where each gradient lies, which contributions are written straight to it and which go through a
 * temporary and are added, in the fixed order of the steps backwards. Running allocates nothing.
 */
#ifndef PHI_TAPE_H
#define PHI_TAPE_H

#include "plan/plan.h"

/* --- gradient_path.c: what needs a gradient -------------------------------------------------- */

typedef struct phi_path {
    ph_allocator mem;
    bool *slot;     /* [n_slots] lies on a way from a trainable constant to the loss */
    bool *forward;  /* [n_steps] the loss depends on it */
    bool *backward; /* [n_steps] has an output whose gradient is needed */
    int32_t *param; /* [n_slots] number of the parameter the slot holds, or -1 */
    size_t n_params;
} phi_path;

/*
 * PH_ERR_UNSUPPORTED listing all nodes on the way that have no backward; PH_ERR_ARG if nothing can
 * be trained. `loss_slot` holds the logits.
 */
enum ph_status phi_path_find(const ph_plan *p, int32_t loss_slot, phi_path *path, ph_error *err);
void phi_path_clear(phi_path *path);

/* --- gradient_memory.c ----------------------------------------------------------------------- */

/* A piece of memory that is in use from time `first` to time `last`, both included. */
typedef struct phi_block {
    size_t bytes;
    size_t first, last;
    size_t offset; /* out: multiple of PHI_ALIGN */
} phi_block;

/* Place blocks so that those in use at the same time do not overlap; *bytes is the room needed. */
enum ph_status phi_place_blocks(const ph_allocator *mem, phi_block *blocks, size_t n, size_t *bytes,
                                ph_error *err);

/* --- tape.c ---------------------------------------------------------------------------------- */

/* A parameter: a float32 constant of the graph, updated in place. */
typedef struct phi_param {
    const char *name; /* the graph's */
    ph_value value;
    size_t rank;
    size_t n; /* elements */
    float *w; /* the graph's memory */
    float *g; /* gradient of the mean loss, as of the last backward run */
} phi_param;

/* A constant that forward runs change by themselves: running mean, running variance. */
typedef struct phi_statistic {
    float *data; /* the graph's memory */
    float *kept; /* as of before the last forward run */
    size_t n;
} phi_statistic;

/* to[i] += from[i] */
typedef struct phi_tape_add {
    float *to;
    const float *from;
    size_t n;
} phi_tape_add;

typedef struct phi_tape_step {
    const phi_step *step;
    phi_view *in, *out;   /* NULL: the step is not run */
    phi_view *din, *dout; /* NULL: not run backwards */
    void *save;
    size_t first_add, n_adds; /* of tape->adds, done behind the step's backward */
} phi_tape_step;

typedef struct phi_tape {
    ph_allocator mem;
    const ph_plan *plan;
    phi_pool *pool;
    phi_tape_step *steps; /* [plan->n_steps] */
    phi_view *views;
    phi_tape_add *adds;
    size_t n_adds;
    phi_param *params;
    size_t n_params;
    phi_statistic *statistics;
    size_t n_statistics;
    unsigned char *arena, *saves, *work, *gradients;
    size_t gradient_bytes; /* of activations' gradients and temporaries */
    float *param_gradients, *kept;
    phi_view logits, dlogits;
} phi_tape;

/*
 * A tape that trains `g` through `plan` (phi_plan_build of `g` with training = true). `logits` is
 * the graph's value that the loss is taken of. plan, pool (may be NULL) and g are borrowed for the
 * tape's life.
 */
enum ph_status phi_tape_new(ph_graph *g, const ph_plan *plan, ph_value logits, phi_pool *pool,
                            phi_tape **out, ph_error *err);
void phi_tape_free(phi_tape *t);

/* --- tape_run.c ------------------------------------------------------------------------------ */

/* The plan's input `i` as a view to be filled before a run. */
phi_view phi_tape_input(const phi_tape *t, size_t i);

/* Run to the logits. `seed` is this step's alone: dropout draws from it. */
enum ph_status phi_tape_forward(phi_tape *t, uint64_t seed, ph_error *err);

/* From t->dlogits, which the caller has filled, to the gradients of all parameters. The same `seed`
 * as forward. */
enum ph_status phi_tape_backward(phi_tape *t, uint64_t seed, ph_error *err);

/* Give running statistics the values they had before the last forward run. */
void phi_tape_restore_statistics(phi_tape *t);

#endif /* PHI_TAPE_H */
