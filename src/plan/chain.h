/* SPDX-License-Identifier: MIT */
/*
 * Which steps run in one pass.
 */
#ifndef PHI_CHAIN_H
#define PHI_CHAIN_H

#include "plan/plan.h"

/*
 * Fill in p->passes and, if `join`, join steps that follow each other where their operator says that
 * it pays (op.h, `chain`). What one hands to the next then takes no room in the arena, unless the
 * operator wants to decide when it runs. Before phi_place.
 */
enum ph_status phi_chain(ph_plan *p, bool join, ph_error *err);

#endif /* PHI_CHAIN_H */
