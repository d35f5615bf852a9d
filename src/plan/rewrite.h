/* SPDX-License-Identifier: MIT */
#ifndef PHI_REWRITE_H
#define PHI_REWRITE_H

#include "graph/graph.h"

/*
 * The graph behind `facts` without what a plan need not do: nodes that nobody needs, that are known
 * results, or that only hand their input on; and with Transposes moved behind what they can pass, so
 * that pairs of them cancel out. Values keep their numbers; constants are borrowed from `facts`, which
 * must live as long. *out is NULL if there is nothing to gain.
 */
enum ph_status phi_rewrite(const phi_facts *facts, ph_graph **out, ph_error *err);

#endif /* PHI_REWRITE_H */
