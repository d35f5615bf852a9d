/* SPDX-License-Identifier: MIT */
#include "graph/graph.h"

void phi_graph_trace(const ph_graph *g, ph_value v, bool *seen)
{
    memset(seen, 0, g->n_values);
    seen[v] = true;
    for (size_t i = g->n_nodes; i-- > 0;) {
        const phi_node *n = &g->nodes[i];
        bool wanted = false;
        for (size_t k = 0; k < n->n_out; k++)
            wanted |= n->out[k] != PH_NONE && seen[n->out[k]];
        if (!wanted || (n->op && n->op->shape_only)) continue;
        for (size_t k = 0; k < n->n_in; k++)
            if (n->in[k] != PH_NONE) seen[n->in[k]] = true;
    }
}
