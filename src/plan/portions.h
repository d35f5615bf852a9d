/* SPDX-License-Identifier: MIT */
/*
 * Which steps take a batch some images at a time.
 */
#ifndef PHI_PORTIONS_H
#define PHI_PORTIONS_H

#include "plan/plan.h"

/*
 * Divide the steps into sections that take the batch in portions: few images where activations are
 * large, so that one step finds near what the one before it left; many, or all, where weights are,
 * which each portion reads again. Values that only one section touches have room for a portion.
 * Every image's bits are those of the batch as a whole: no operator that goes by images computes one
 * of them differently for their number.
 * Before phi_place.
 */
enum ph_status phi_portions(ph_plan *p, ph_error *err);

#endif /* PHI_PORTIONS_H */
