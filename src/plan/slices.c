/* SPDX-License-Identifier: MIT */
#include "plan/slices.h"

/* Which values will be channels-last, as plan.c lays them out: see leaves_image there. */
static void find_images(const phi_facts *f, const phi_fusion *fusion, bool prefers_image,
                        bool *image)
{
    const ph_graph *g = f->graph;
    for (size_t i = 0; i < g->n_inputs; i++)
        image[g->inputs[i]] = prefers_image && f->value[g->inputs[i]].type.rank >= 3;
    for (size_t i = 0; i < g->n_nodes; i++) {
        const phi_node *n = &g->nodes[i];
        bool is = n->op && n->op->layout == PHI_LAYOUT_IMAGE;
        for (size_t k = 0; n->op && n->op->layout == PHI_LAYOUT_ANY && k < n->n_in; k++) {
            if (n->in[k] == PH_NONE || f->value[n->in[k]].constant || n->out[0] == PH_NONE) continue;
            const int rank = f->value[n->in[k]].type.rank;
            if (rank < 3 || rank != f->value[n->out[0]].type.rank) continue;
            is = image[n->in[k]];
            break;
        }
        for (size_t k = 0; k < n->n_out; k++)
            if (n->out[k] != PH_NONE) image[n->out[k]] = is;
        if (fusion[i].live && fusion[i].result != PH_NONE) image[fusion[i].result] = is;
    }
}

/* The node that computes a value, with what was fused into it. */
static void find_makers(const ph_graph *g, const phi_fusion *fusion, int32_t *maker)
{
    for (size_t v = 0; v < g->n_values; v++) maker[v] = -1;
    for (size_t i = 0; i < g->n_nodes; i++) {
        if (!fusion[i].live || fusion[i].absorbed) continue;
        for (size_t k = 1; k < g->nodes[i].n_out; k++)
            if (g->nodes[i].out[k] != PH_NONE) maker[g->nodes[i].out[k]] = (int32_t)i;
        if (fusion[i].result != PH_NONE) maker[fusion[i].result] = (int32_t)i;
    }
}

static bool concatenates(const phi_facts *f, size_t i)
{
    const phi_type *in[PHI_MAX_IN];
    const ph_tensor *constant[PHI_MAX_IN];
    phi_type out[PHI_MAX_OUT];
    phi_infer c;
    const phi_op *op = f->graph->nodes[i].op;
    if (!op || !op->as_concat) return false;
    phi_facts_node(f, i, &c, in, constant, out);
    return op->as_concat(&c);
}

/* Can the node write to a slice? */
static bool writes_slices(const phi_node *n)
{
    return n->op->layout == PHI_LAYOUT_ANY || (n->op->layout == PHI_LAYOUT_IMAGE && n->op->slices);
}

/* Do the node's inputs lie one behind the other in one memory already? */
static bool lie_in_a_row(const phi_facts *f, const phi_node *n, const phi_slice *slice)
{
    const phi_slice at = slice[n->in[0]];
    int64_t first = at.first;
    for (size_t k = 0; k < n->n_in; k++) {
        const phi_slice *s = &slice[n->in[k]];
        if (at.whole == PH_NONE || s->whole != at.whole || s->first != first) return false;
        first += f->value[n->in[k]].type.dims[1];
    }
    return true;
}

static void place_inputs(const phi_facts *f, const phi_node *n, const bool *image,
                         const int32_t *maker, phi_slice *slice)
{
    const ph_value whole = n->out[0];
    int64_t first = 0;
    if (lie_in_a_row(f, n, slice) && slice[whole].whole == PH_NONE) {
        slice[whole] = slice[n->in[0]];
        return;
    }
    for (size_t k = 0; k < n->n_in; k++) {
        const ph_value v = n->in[k];
        if (image[v] && maker[v] >= 0 && slice[v].whole == PH_NONE &&
            writes_slices(&f->graph->nodes[maker[v]]))
            slice[v] = (phi_slice){ whole, first };
        first += f->value[v].type.dims[1];
    }
}

enum ph_status phi_find_slices(const phi_facts *f, const phi_fusion *fusion, bool prefers_image,
                               phi_slice **out, ph_error *err)
{
    const ph_graph *g = f->graph;
    bool *image = phi_calloc(&f->mem, g->n_values, sizeof *image);
    int32_t *maker = phi_calloc(&f->mem, g->n_values, sizeof *maker);
    phi_slice *slice = phi_calloc(&f->mem, g->n_values, sizeof *slice);
    const enum ph_status st = image && maker && slice ? PH_OK : phi_fail_nomem(err);
    if (!st) {
        for (size_t v = 0; v < g->n_values; v++) slice[v].whole = PH_NONE;
        find_images(f, fusion, prefers_image, image);
        find_makers(g, fusion, maker);
        for (size_t i = g->n_nodes; i-- > 0;)
            if (fusion[i].live && !fusion[i].absorbed && concatenates(f, i) &&
                f->value[g->nodes[i].out[0]].type.rank <= 4 && image[g->nodes[i].out[0]])
                place_inputs(f, &g->nodes[i], image, maker, slice);
    }
    phi_free(&f->mem, image);
    phi_free(&f->mem, maker);
    if (st)
        phi_free(&f->mem, slice);
    else
        *out = slice;
    return st;
}
