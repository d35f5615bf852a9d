/* SPDX-License-Identifier: MIT */
/*
 * Which way each step is done: as its operator estimates, or as it was measured.
 */
#ifndef PHI_MEASURE_H
#define PHI_MEASURE_H

#include "plan/plan.h"

/* Give each step the method that its operator thinks best. */
void phi_estimate_methods(ph_plan *p);

/* Then another where desc->measurements, if there are any, know that it is faster. Before anything
 * is decided that depends on methods. */
enum ph_status phi_choose_measured(ph_plan *p, const ph_plan_desc *desc, ph_error *err);

/* How long it takes: seconds of one forward of `e`, which goes by e->method. */
typedef struct phi_meter {
    double (*seconds)(void *arg, const phi_exec *e);
    void *arg;
} phi_meter;

/* As ph_measurements_add, but by `meter` (here for its test); NULL: the clock. */
enum ph_status phi_measurements_add(ph_measurements *to, const ph_graph *g,
                                    const ph_plan_desc *desc, const phi_meter *meter,
                                    ph_error *err);

#endif /* PHI_MEASURE_H */
