/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "plan/fuse.h"

typedef struct uses {
    size_t *count;  /* [n_values] live readers, the outside world among them */
    int32_t *reader; /* [n_values] one of the reading nodes, or -1 */
} uses;

static bool is_constant(const phi_facts *f, ph_value v) { return f->value[v].constant != NULL; }

/* Nodes that an output depends on, other than through constants. */
static void mark_live(const phi_facts *f, phi_fusion *fusion)
{
    const ph_graph *g = f->graph;
    for (size_t i = 0; i < g->n_outputs; i++) {
        const ph_value v = g->outputs[i];
        if (!is_constant(f, v) && g->values[v].producer >= 0)
            fusion[g->values[v].producer].live = true;
    }
    for (size_t i = g->n_nodes; i-- > 0;) {
        const phi_node *n = &g->nodes[i];
        for (size_t k = 0; fusion[i].live && k < n->n_in; k++) {
            if (n->in[k] == PH_NONE || is_constant(f, n->in[k])) continue;
            const int32_t producer = g->values[n->in[k]].producer;
            if (producer >= 0) fusion[producer].live = true;
        }
    }
}

static void count_uses(const phi_facts *f, const phi_fusion *fusion, uses *u)
{
    const ph_graph *g = f->graph;
    for (size_t v = 0; v < g->n_values; v++) u->reader[v] = -1;
    for (size_t i = 0; i < g->n_outputs; i++) u->count[g->outputs[i]]++;
    for (size_t i = 0; i < g->n_nodes; i++)
        for (size_t k = 0; fusion[i].live && k < g->nodes[i].n_in; k++) {
            const ph_value v = g->nodes[i].in[k];
            if (v == PH_NONE) continue;
            u->count[v]++;
            u->reader[v] = (int32_t)i;
        }
}

/* The one node that reads `v` and has a single output of the same type, or -1. */
static int32_t only_reader(const phi_facts *f, const uses *u, ph_value v)
{
    const int32_t reader = u->count[v] == 1 ? u->reader[v] : -1;
    if (reader < 0) return -1;
    const phi_node *n = &f->graph->nodes[reader];
    const bool simple = n->out[0] != PH_NONE &&
                        phi_type_equal(&f->value[v].type, &f->value[n->out[0]].type);
    for (size_t k = 1; simple && k < n->n_out; k++)
        if (n->out[k] != PH_NONE && u->count[n->out[k]]) return -1;
    return simple ? reader : -1;
}

/* Factors and bias of convolution `i` as the plan has them now; made on first use. */
static enum ph_status own_scale(const phi_facts *f, size_t i, phi_fusion *fusion, ph_error *err)
{
    const phi_node *n = &f->graph->nodes[i];
    if (fusion->scale) return PH_OK;
    const ph_tensor *w = f->value[n->in[1]].constant;
    const bool biased = n->n_in > 2 && n->in[2] != PH_NONE;
    const phi_type bias = { .dtype = PH_FLOAT32, .rank = 1, .dims = { w->type.dims[0] } };
    const size_t k = (size_t)w->type.dims[0];
    enum ph_status st = biased
                            ? phi_tensor_copy(&f->mem, f->value[n->in[2]].constant, &fusion->bias, err)
                            : phi_tensor_new(&f->mem, &bias, &fusion->bias, err);
    if (st) return st;
    fusion->scale = phi_calloc(&f->mem, k, sizeof *fusion->scale);
    if (!fusion->scale) {
        ph_tensor_free(fusion->bias);
        fusion->bias = NULL;
        return phi_fail_nomem(err);
    }
    for (size_t j = 0; j < k; j++) fusion->scale[j] = 1;
    return PH_OK;
}

static bool weights_are_known(const phi_facts *f, size_t i)
{
    const phi_node *n = &f->graph->nodes[i];
    if (n->n_in < 2 || n->in[1] == PH_NONE || !is_constant(f, n->in[1])) return false;
    if (f->value[n->in[1]].type.dtype != PH_FLOAT32) return false;
    return n->n_in < 3 || n->in[2] == PH_NONE || is_constant(f, n->in[2]);
}

static void fold(phi_fusion *fusion, const double *scale, const double *shift)
{
    float *b = fusion->bias->data;
    for (int64_t i = 0; i < fusion->bias->count; i++) {
        fusion->scale[i] *= scale[i];
        b[i] = (float)((double)b[i] * scale[i] + shift[i]);
    }
}

/* Infinite factors would make NaN of zero weights, which the nodes apart do not. */
static bool all_finite(const double *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite((float)v[i])) return false;
    return true;
}

/* Fold the affine node `reader` into convolution `i`; *done says whether it could be. */
static enum ph_status fold_affine(const phi_facts *f, size_t i, size_t reader, phi_fusion *fusion,
                                  bool *done, ph_error *err)
{
    const phi_type *in[PHI_MAX_IN];
    const ph_tensor *constant[PHI_MAX_IN];
    phi_type out[PHI_MAX_OUT];
    phi_infer c;
    phi_facts_node(f, reader, &c, in, constant, out);
    *done = false;
    const phi_op *op = c.node->op;
    if (!op->as_affine || !weights_are_known(f, i) || !op->as_affine(&c, NULL, NULL)) return PH_OK;
    const size_t k = (size_t)f->value[f->graph->nodes[i].in[1]].type.dims[0];
    double *both = phi_calloc(&f->mem, k, 2 * sizeof *both);
    enum ph_status st = both ? PH_OK : phi_fail_nomem(err);
    if (!st && op->as_affine(&c, both, both + k) && all_finite(both, 2 * k)) {
        st = own_scale(f, i, &fusion[i], err);
        if (!st) fold(&fusion[i], both, both + k);
        *done = !st;
    }
    phi_free(&f->mem, both);
    return st;
}

/* A clamp behind a clamp: min(max(min(max(x, a), b), c), d), again a clamp if a <= b and c <= d. */
static bool fuse_clamp(const phi_facts *f, size_t reader, phi_fusion *fusion)
{
    const phi_type *in[PHI_MAX_IN];
    const ph_tensor *constant[PHI_MAX_IN];
    phi_type out[PHI_MAX_OUT];
    phi_infer c;
    float lo, hi;
    phi_facts_node(f, reader, &c, in, constant, out);
    if (!c.node->op->as_clamp || c.constant[0] || !c.node->op->as_clamp(&c, &lo, &hi) || !(lo <= hi)) return false;
    const float a = fusion->lo, b = fusion->hi;
    fusion->lo = a < lo ? lo : a > hi ? hi : a;
    fusion->hi = b < lo ? lo : b > hi ? hi : b;
    return true;
}

/* An addition to the result of convolution `i` of a value that is there before it runs. */
static bool fuse_add(const phi_facts *f, size_t i, size_t reader, phi_fusion *fusion)
{
    const phi_type *in[PHI_MAX_IN];
    const ph_tensor *constant[PHI_MAX_IN];
    phi_type out[PHI_MAX_OUT];
    phi_infer c;
    phi_facts_node(f, i, &c, in, constant, out);
    if (!c.node->op->takes_add || !c.node->op->takes_add(&c) || fusion->add != PH_NONE) return false;
    phi_facts_node(f, reader, &c, in, constant, out);
    if (!c.node->op->as_add || !c.node->op->as_add(&c)) return false;
    const ph_value other = c.node->in[c.node->in[0] == fusion->result];
    const phi_fact *fact = &f->value[other];
    if (fact->constant || f->graph->values[other].producer >= (int32_t)i ||
        !phi_type_equal(&fact->type, &f->value[fusion->result].type))
        return false;
    fusion->add = other;
    return true;
}

/* Absorb what follows convolution `i`, as long as there is something to absorb. */
static enum ph_status absorb(const phi_facts *f, size_t i, const uses *u, phi_fusion *fusion,
                             ph_error *err)
{
    for (;;) {
        const int32_t reader = only_reader(f, u, fusion[i].result);
        if (reader < 0) return PH_OK;
        const bool clamped = fusion[i].lo > -INFINITY || fusion[i].hi < INFINITY;
        const bool first = f->graph->nodes[reader].in[0] == fusion[i].result;
        bool done = false;
        enum ph_status st = clamped || fusion[i].add != PH_NONE
                                ? PH_OK
                                : fold_affine(f, i, (size_t)reader, fusion, &done, err);
        if (st) return st;
        if (!done && !clamped) done = fuse_add(f, i, (size_t)reader, &fusion[i]);
        if (!done && first) done = fuse_clamp(f, (size_t)reader, &fusion[i]);
        if (!done) return PH_OK;
        fusion[reader].absorbed = true;
        fusion[i].result = f->graph->nodes[reader].out[0];
    }
}

enum ph_status phi_fuse(const phi_facts *f, bool fuse, phi_fusion **out, ph_error *err)
{
    const ph_graph *g = f->graph;
    phi_fusion *fusion = phi_calloc(&f->mem, g->n_nodes, sizeof *fusion);
    uses u = { phi_calloc(&f->mem, g->n_values, sizeof *u.count),
               phi_calloc(&f->mem, g->n_values, sizeof *u.reader) };
    enum ph_status st = fusion && u.count && u.reader ? PH_OK : phi_fail_nomem(err);
    if (!st) {
        for (size_t i = 0; i < g->n_nodes; i++) {
            fusion[i].lo = -INFINITY;
            fusion[i].hi = INFINITY;
            fusion[i].add = PH_NONE;
            fusion[i].result = g->nodes[i].n_out ? g->nodes[i].out[0] : PH_NONE;
        }
        mark_live(f, fusion);
        count_uses(f, fusion, &u);
    }
    for (size_t i = 0; fuse && i < g->n_nodes && !st; i++)
        if (fusion[i].live && g->nodes[i].op->epilogue && fusion[i].result != PH_NONE)
            st = absorb(f, i, &u, fusion, err);
    phi_free(&f->mem, u.count);
    phi_free(&f->mem, u.reader);
    if (st)
        phi_fusion_free(f, fusion);
    else
        *out = fusion;
    return st;
}

void phi_fusion_free(const phi_facts *f, phi_fusion *fusion)
{
    for (size_t i = 0; fusion && i < f->graph->n_nodes; i++) {
        phi_free(&f->mem, fusion[i].scale);
        ph_tensor_free(fusion[i].bias);
    }
    phi_free(&f->mem, fusion);
}
