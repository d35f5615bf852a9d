/* SPDX-License-Identifier: MIT */
/*
 * Which constants are parameters. One rule for whoever counts them and whoever trains them:
 *
 *   - a constant where an operator has its weights (op->trainable: Conv, Gemm, batch norm ...), of
 *     at least one dimension;
 *   - a constant of more than one element that is added, subtracted, multiplied or divided by
 *     (op->trainable_behind), if what it is applied to follows from a layer with weights. Before
 *     any weights it is preprocessing: a mean image, the standard deviations of the data.
 *   - a constant of more than one element read by an operator that is not known here.
 */
#include "graph/parameters.h"

static bool is_floating(enum ph_dtype t)
{
    return t == PH_FLOAT32 || t == PH_FLOAT64 || t == PH_FLOAT16 || t == PH_BFLOAT16;
}

/* Weights, and biases, that were trained before they were rounded to whole numbers. */
static bool is_quantised(enum ph_dtype t)
{
    return t == PH_INT8 || t == PH_UINT8 || t == PH_INT32;
}

static bool bit(uint32_t mask, size_t k)
{
    return k < 32 && (mask >> k & 1);
}

static bool flows_in(const unsigned char *flow, const phi_node *n, size_t k, unsigned what)
{
    return n->in[k] != PH_NONE && (flow[n->in[k]] & what);
}

/* Does the node have weights: constants, or what follows from constants alone? */
static bool has_weights(const ph_graph *g, const unsigned char *flow, const phi_node *n)
{
    for (size_t k = 0; k < n->n_in; k++) {
        if (n->in[k] == PH_NONE || (flow[n->in[k]] & PHI_FLOW_INPUT)) continue;
        if (n->op && bit(n->op->trainable, k)) return true;
        const ph_tensor *t = g->values[n->in[k]].constant;
        if (!n->op && t && phi_is_parameter(flow, n, k, &t->type)) return true;
    }
    return false;
}

void phi_find_flow(const ph_graph *g, unsigned char *flow)
{
    for (size_t v = 0; v < g->n_values; v++)
        if (g->values[v].is_input && !g->values[v].constant) flow[v] = PHI_FLOW_INPUT;
    for (size_t i = 0; i < g->n_nodes; i++) {
        const phi_node *n = &g->nodes[i];
        unsigned what = has_weights(g, flow, n) ? PHI_FLOW_WEIGHTS : 0;
        for (size_t k = 0; k < n->n_in; k++)
            if (n->in[k] != PH_NONE) what |= flow[n->in[k]];
        for (size_t k = 0; k < n->n_out; k++)
            if (n->out[k] != PH_NONE) flow[n->out[k]] = (unsigned char)what;
    }
}

bool phi_is_parameter(const unsigned char *flow, const phi_node *n, size_t k, const phi_type *t)
{
    if (t->rank <= 0) return false;
    const bool several = phi_type_count(t) > 1;
    if (!n->op) return is_floating(t->dtype) && several;
    if (bit(n->op->trainable, k)) return is_floating(t->dtype) || is_quantised(t->dtype);
    if (!bit(n->op->trainable_behind, k) || !is_floating(t->dtype) || !several) return false;
    for (size_t i = 0; i < n->n_in; i++)
        if (i != k && flows_in(flow, n, i, PHI_FLOW_INPUT) &&
            flows_in(flow, n, i, PHI_FLOW_WEIGHTS))
            return true;
    return false;
}
