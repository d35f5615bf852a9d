/* SPDX-License-Identifier: MIT */
#ifndef PHI_PLACE_H
#define PHI_PLACE_H

#include "plan/plan.h"

/*
 * Give every arena slot of the plan its offset and set arena_bytes. With `reuse`, slots that are
 * never alive at the same step share memory: largest first, each at the lowest offset that is free
 * during its life (Pisarchyk and Lee 2020, "Efficient memory management for deep neural net
 * inference", arXiv:2001.03288, greedy by size).
 */
enum ph_status phi_place(ph_plan *p, bool reuse, ph_error *err);

/*
 * Bytes of the arena slots that are alive: live[0] while inputs are copied in, live[i + 1] during
 * step i, live[n_steps + 1] while outputs are copied out. `live` has room for n_steps + 3.
 */
enum ph_status phi_place_live(const ph_plan *p, size_t *live, ph_error *err);

#endif /* PHI_PLACE_H */
