/* SPDX-License-Identifier: MIT */
/*
 * Steps that run in one pass, by bands of lines: which (chain.c), and how (bands.c).
 */
#ifndef PHI_CHAIN_H
#define PHI_CHAIN_H

#include "plan/plan.h"

/*
 * Fill in p->passes and, if `join`, join steps that follow each other where it pays: each reads as
 * its input 0 what the one before it makes and nobody else wants. What one hands to the next then
 * takes no room in the arena, unless the run is to decide, which knows how many threads there are.
 * Before phi_place.
 */
enum ph_status phi_chain(ph_plan *p, bool join, ph_error *err);

/* Bands an image can be cut into, at most. */
int64_t phi_most_bands(const phi_lines *last);

/* Run steps->chain steps, whose executions are e[0] and on. They are run one by one where that is
 * better and there is room for what they hand on. The bits are the same. */
size_t phi_chain_work_bytes(const phi_step *steps, const phi_exec *e);
enum ph_status phi_chain_forward(const phi_step *steps, const phi_exec *e, ph_error *err);

#endif /* PHI_CHAIN_H */
