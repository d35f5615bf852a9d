/* SPDX-License-Identifier: MIT */
/* Which constants of a graph are parameters; see parameters.c. */
#ifndef PHI_PARAMETERS_H
#define PHI_PARAMETERS_H

#include "graph/graph.h"

/* What a value follows from. */
enum {
    PHI_FLOW_INPUT = 1 /* an input of the graph */,
    PHI_FLOW_WEIGHTS = 2 /* weights of a layer */
};

/* flow [n_values], zeroed: bits of what each value follows from. */
void phi_find_flow(const ph_graph *g, unsigned char *flow);

/* Is a constant of type `t`, read by node `n` as its input k, a parameter? */
bool phi_is_parameter(const unsigned char *flow, const phi_node *n, size_t k, const phi_type *t);

#endif /* PHI_PARAMETERS_H */
