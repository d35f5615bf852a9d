/* SPDX-License-Identifier: MIT */
/*
 * Weights of a plan: as its operators want them, once for all runs.
 */
#ifndef PHI_PACK_H
#define PHI_PACK_H

#include "plan/plan.h"

/* Bytes of a step's packed weights if it is done by `method`; 0: it packs none. */
size_t phi_packed_bytes(const ph_plan *p, const phi_step *step, const phi_method *method);

/* Make the steps that save most bytes exact until packed weights fit into `most`. */
enum ph_status phi_bound_weights(ph_plan *p, size_t most, ph_error *err);

/* Make all weights ready, with this number of threads (as ph_plan_desc says it). */
enum ph_status phi_pack_weights(ph_plan *p, size_t n_threads, ph_error *err);

#endif /* PHI_PACK_H */
