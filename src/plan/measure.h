/* SPDX-License-Identifier: MIT */
/*
 * Which way each step is done: as its operator estimates, or as it was measured.
 */
#ifndef PHI_MEASURE_H
#define PHI_MEASURE_H

#include "plan/plan.h"

/* Give each step the method that its operator thinks best. */
void phi_estimate_methods(ph_plan *p);

/*
 * Then, as desc->measure and desc->measurements say, another where that was faster. `meter` says
 * how long a forward takes; NULL: the clock does. Before anything is decided that depends on
 * methods.
 */
enum ph_status phi_measure_methods(ph_plan *p, const ph_plan_desc *desc, const phi_meter *meter,
                                   ph_error *err);

#endif /* PHI_MEASURE_H */
