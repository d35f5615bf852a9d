/* SPDX-License-Identifier: MIT */
/*
 * What the numbers are that a classifier gives: the operator at its end says it.
 */
#include "graph/graph.h"

/* Operators that hand on what they get, in another shape or type. */
static bool hands_on(const char *op)
{
    static const char *const names[] = {
        "Identity", "Cast",      "Dropout",   "Reshape",        "Flatten",
        "Squeeze",  "Unsqueeze", "Transpose", "QuantizeLinear", "DequantizeLinear"};
    for (size_t i = 0; i < PHI_COUNT(names); i++)
        if (strcmp(op, names[i]) == 0) return true;
    return false;
}

enum ph_scores ph_graph_scores(const ph_graph *g, ph_value output)
{
    for (size_t steps = 0; output != PH_NONE && steps <= g->n_nodes; steps++) {
        const int32_t producer = g->values[output].producer;
        if (producer < 0) break;
        const phi_node *node = &g->nodes[producer];
        if (strcmp(node->op_type, "Softmax") == 0) return PH_SCORES_PROBABILITIES;
        if (strcmp(node->op_type, "LogSoftmax") == 0) return PH_SCORES_LOG_PROBABILITIES;
        if (!hands_on(node->op_type)) break;
        output = node->n_in > 0 ? node->in[0] : PH_NONE;
    }
    return PH_SCORES_LOGITS;
}
