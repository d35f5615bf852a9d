/* SPDX-License-Identifier: MIT */
/* A graph run forward and backward, step by step, through the interface that training uses. */
#ifndef GRAD_RUN_H
#define GRAD_RUN_H

#include "plan/plan.h"

typedef struct grad_run {
    ph_plan *plan;
    phi_pool *pool;
    char *arena, *gradient; /* of the same layout: a gradient for every slot */
    void *work;
    void **save; /* [n_steps] */
    bool training;
    uint64_t seed;
} grad_run;

/* `pool` is borrowed. */
enum ph_status grad_run_new(const ph_graph *g, phi_pool *pool, bool training, grad_run *out,
                            ph_error *err);
void grad_run_free(grad_run *r);

enum ph_status grad_forward(grad_run *r, const void *const *inputs, ph_error *err);

/*
 * dout[i]: gradient of output i, dense in logical order, or NULL. Afterwards grad_of_input gives
 * the gradient of input i in logical order.
 */
enum ph_status grad_backward(grad_run *r, const float *const *dout, ph_error *err);
void grad_of_input(const grad_run *r, size_t i, float *dx);
void grad_output(const grad_run *r, size_t i, void *y);

/* The one step that is a node of the graph called `name`. */
size_t grad_step(const grad_run *r, const char *name);

/*
 * Backward of one step alone, with the gradients in place for its outputs: `wanted` says which din
 * to ask for, `no_dout` leaves all of dout out. din[i] receives buffers (malloc), laid out like the
 * inputs; NULL where it was not wanted or is not a float.
 */
enum ph_status grad_step_alone(grad_run *r, size_t step, uint32_t wanted, bool no_dout, float **din,
                               ph_error *err);

#endif /* GRAD_RUN_H */
