/* SPDX-License-Identifier: MIT */
/*
 * Backwards through the nodes, what distance of pixels each value is wanted at; then forwards, the
 * nodes anew.
 */
#include "plan/strides.h"

#include <string.h>

typedef struct strider {
    const phi_facts *f;
    const ph_graph *g;
    ph_graph *to;
    int64_t *wanted;   /* [n_values] distance at which all readers so far want it; 0: no reader yet */
    int64_t *distance; /* [n_values] at which it is made */
    int32_t *readers;  /* [n_values] how often it is read */
    int64_t *thin;     /* [n_values] made in full, but also wanted at this distance; or 0 */
    ph_value *thinned; /* [n_values] and there it is */
    ph_error *err;
} strider;

static const phi_type *type_of(const strider *s, ph_value v)
{
    return &s->f->value[v].type;
}

static bool is_known(const strider *s, ph_value v)
{
    return s->f->value[v].constant != NULL;
}

/* --- What is known about nodes ------------------------------------------------------------------- */

/* The one number of an attribute for two dimensions; 0 if there are two. */
static int64_t both(const phi_node *n, const char *name, int64_t fallback)
{
    size_t count;
    const int64_t *at = phi_attr_ints(n, name, &count);
    if (!at) return fallback;
    return count == 2 && at[0] == at[1] ? at[0] : 0;
}

/* A convolution of images with one stride and explicit padding. */
static bool is_conv(const strider *s, const phi_node *n)
{
    return n->op && strcmp(n->op->name, "Conv") == 0 && n->n_out == 1 && n->out[0] != PH_NONE &&
           type_of(s, n->in[0])->rank == 4 && both(n, "strides", 1) > 0 &&
           strcmp(phi_attr_string(n, "auto_pad", "NOTSET"), "NOTSET") == 0;
}

/* ... that reads single pixels and nothing outside of the image. */
static bool is_pointwise_conv(const strider *s, const phi_node *n)
{
    if (!is_conv(s, n)) return false; /* others may have fewer inputs */
    size_t count;
    const int64_t *pads = phi_attr_ints(n, "pads", &count);
    const phi_type *w = type_of(s, n->in[1]);
    if (w->dims[2] != 1 || w->dims[3] != 1) return false;
    for (size_t i = 0; pads && i < count; i++)
        if (pads[i]) return false;
    return true;
}

/* Makes each pixel from the same pixel of its one or two images. */
static bool is_elementwise(const strider *s, size_t i)
{
    const phi_type *in[PHI_MAX_IN];
    const ph_tensor *constant[PHI_MAX_IN];
    phi_type out[PHI_MAX_OUT];
    phi_infer c;
    float lo, hi;
    const phi_node *n = &s->g->nodes[i];
    if (!n->op || n->n_out != 1 || n->out[0] == PH_NONE || n->n_in > PHI_MAX_IN) return false;
    phi_facts_node(s->f, i, &c, in, constant, out);
    if (out[0].rank != 4) return false;
    for (size_t k = 0; k < n->n_in; k++)
        if (n->in[k] != PH_NONE && !is_known(s, n->in[k]) && !phi_type_equal(in[k], &out[0]))
            return false;
    const phi_op *op = n->op;
    return (op->as_clamp && !constant[0] && op->as_clamp(&c, &lo, &hi)) ||
           (op->as_affine && op->as_affine(&c, NULL, NULL)) || (op->as_add && op->as_add(&c));
}

/* --- Backwards ------------------------------------------------------------------------------------ */

/* Can the maker of `v` leave pixels out, with work saved in the end? */
static bool can_thin(const strider *s, ph_value v)
{
    const int32_t maker = s->g->values[v].producer;
    if (maker < 0 || is_known(s, v)) return false;
    const phi_node *n = &s->g->nodes[maker];
    if (is_conv(s, n)) return true;
    if (!is_elementwise(s, (size_t)maker)) return false;
    for (size_t k = 0; k < n->n_in; k++)
        if (n->in[k] != PH_NONE && s->readers[n->in[k]] == 1 && can_thin(s, n->in[k])) return true;
    return false;
}

/* The distance at which node `i` wants its input `k`, when its result is wanted at `distance`. */
static int64_t distance_of_input(const strider *s, size_t i, size_t k, int64_t distance)
{
    const phi_node *n = &s->g->nodes[i];
    if (k == 0 && is_pointwise_conv(s, n)) return both(n, "strides", 1) * distance;
    return is_elementwise(s, i) ? distance : 1;
}

static void look_back(strider *s)
{
    const ph_graph *g = s->g;
    for (size_t v = 0; v < g->n_values; v++)
        s->distance[v] = 1;
    for (size_t i = 0; i < g->n_outputs; i++)
        s->wanted[g->outputs[i]] = 1;
    for (size_t i = 0; i < g->n_nodes; i++)
        for (size_t k = 0; k < g->nodes[i].n_in; k++)
            if (g->nodes[i].in[k] != PH_NONE) s->readers[g->nodes[i].in[k]]++;
    for (size_t i = g->n_nodes; i-- > 0;) {
        const phi_node *n = &g->nodes[i];
        const ph_value y = n->n_out == 1 ? n->out[0] : PH_NONE;
        int64_t distance = 1;
        if (y != PH_NONE && s->wanted[y] > 1 && can_thin(s, y)) distance = s->wanted[y];
        if (y != PH_NONE) s->distance[y] = distance;
        for (size_t k = 0; k < n->n_in; k++) {
            const ph_value v = n->in[k];
            if (v == PH_NONE || is_known(s, v)) continue;
            const int64_t want = distance_of_input(s, i, k, distance);
            s->wanted[v] = s->wanted[v] == 0 || s->wanted[v] == want ? want : 1;
        }
    }
}

/* Operands of additions that are made in full while the sum is not. */
static void look_for_thin(strider *s)
{
    for (size_t i = 0; i < s->g->n_nodes; i++) {
        const phi_node *n = &s->g->nodes[i];
        if (n->n_out != 1 || n->out[0] == PH_NONE || is_conv(s, n)) continue;
        const int64_t made = s->distance[n->out[0]];
        for (size_t k = 0; made > 1 && k < n->n_in; k++)
            if (n->in[k] != PH_NONE && !is_known(s, n->in[k]) && s->distance[n->in[k]] == 1)
                s->thin[n->in[k]] = made;
    }
}

/* --- Forwards ------------------------------------------------------------------------------------- */

static enum ph_status set_strides(strider *s, size_t node, int64_t stride)
{
    phi_node *n = &s->to->nodes[node];
    int64_t two[2] = {stride, stride};
    const ph_attr attr = {.name = "strides", .kind = PH_ATTR_INTS, .n = 2, .ints = two};
    for (size_t i = 0; i < n->n_attrs; i++)
        if (strcmp(n->attrs[i].name, "strides") == 0) {
            memcpy(n->attrs[i].ints, two, sizeof two);
            return PH_OK;
        }
    return phi_node_add_attr(s->to, node, &attr, s->err);
}

/* What is wanted of `v` at a distance, as a value of its own. Made behind `v` at once: it has to be
 * there before the convolution that an addition of it is fused into. */
static enum ph_status thin_out(strider *s, ph_value v)
{
    const int64_t distance = s->thin[v];
    ph_value *out = &s->thinned[v];
    if (!distance) return PH_OK;

    const int64_t one[2] = {1, 1};
    const ph_attr kernel = {.name = "kernel_shape", .kind = PH_ATTR_INTS, .n = 2,
                            .ints = (int64_t *)(uintptr_t)one};
    size_t node;
    enum ph_status st = PH_OK;
    char *name = NULL;
    for (size_t k = 0; !name; k++) { /* a name that neither graph has */
        name = phi_asprintf(&s->to->mem, "%s:every %lld:%zu", s->g->values[v].name,
                            (long long)distance, k);
        if (!name) return phi_fail_nomem(s->err);
        if (ph_graph_find(s->to, name) == PH_NONE &&
            phi_graph_find_node(s->g, name) == SIZE_MAX &&
            phi_graph_find_node(s->to, name) == SIZE_MAX)
            break;
        phi_free(&s->to->mem, name);
        name = NULL;
    }
    st = phi_graph_value(s->to, name, out, s->err);
    if (!st) st = phi_graph_append(s->to, "", "MaxPool", name, 1, &v, 1, out, &node, s->err);
    if (!st) st = phi_node_add_attr(s->to, node, &kernel, s->err);
    if (!st) st = set_strides(s, node, distance);
    phi_free(&s->to->mem, name);
    return st;
}

static enum ph_status copy_node(strider *s, size_t i)
{
    const phi_node *n = &s->g->nodes[i];
    const int64_t made = n->n_out == 1 && n->out[0] != PH_NONE ? s->distance[n->out[0]] : 1;
    ph_value in[PHI_MAX_IN];
    size_t node;
    const bool conv = is_conv(s, n);
    for (size_t k = 0; k < n->n_in; k++) {
        const ph_value v = in[k] = n->in[k];
        if (v != PH_NONE && !conv && made > 1 && !is_known(s, v) && s->distance[v] == 1)
            in[k] = s->thinned[v];
    }
    enum ph_status st =
        phi_graph_append_like(s->to, n, n->n_in, in, n->n_out, n->out, &node, s->err);
    const int64_t read = conv ? s->distance[n->in[0]] : 1;
    if (!st && conv && (made > 1 || read > 1))
        st = set_strides(s, node, both(n, "strides", 1) * made / read);
    for (size_t k = 0; k < n->n_out && !st; k++)
        if (n->out[k] != PH_NONE) st = thin_out(s, n->out[k]);
    return st;
}

static bool all_known(const strider *s, const phi_node *n)
{
    for (size_t k = 0; k < n->n_out; k++)
        if (n->out[k] != PH_NONE && !is_known(s, n->out[k])) return false;
    return true;
}

static enum ph_status build(strider *s)
{
    const ph_graph *g = s->g;
    enum ph_status st = phi_graph_share(s->f, &s->to, s->err);
    for (size_t i = 0; i < g->n_inputs && !st; i++)
        st = thin_out(s, g->inputs[i]);
    for (size_t i = 0; i < g->n_nodes && !st; i++)
        if (!all_known(s, &g->nodes[i])) st = copy_node(s, i);
    for (size_t i = 0; i < g->n_outputs && !st; i++)
        st = ph_graph_add_output(s->to, g->outputs[i], s->err);
    return st;
}

static bool is_worth_it(const strider *s)
{
    for (size_t v = 0; v < s->g->n_values; v++)
        if (s->distance[v] > 1) return true;
    return false;
}

enum ph_status phi_push_strides(const phi_facts *facts, ph_graph **out, ph_error *err)
{
    const ph_graph *g = facts->graph;
    strider s = {.f = facts,
                 .g = g,
                 .wanted = phi_calloc(&g->mem, g->n_values, sizeof *s.wanted),
                 .distance = phi_calloc(&g->mem, g->n_values, sizeof *s.distance),
                 .readers = phi_calloc(&g->mem, g->n_values, sizeof *s.readers),
                 .thin = phi_calloc(&g->mem, g->n_values, sizeof *s.thin),
                 .thinned = phi_calloc(&g->mem, g->n_values, sizeof *s.thinned),
                 .err = err};
    const bool room = s.wanted && s.distance && s.readers && s.thin && s.thinned;
    enum ph_status st = room ? PH_OK : phi_fail_nomem(err);
    *out = NULL;
    if (!st) look_back(&s);
    if (!st && is_worth_it(&s)) {
        look_for_thin(&s);
        st = build(&s);
    }
    phi_free(&g->mem, s.wanted);
    phi_free(&g->mem, s.distance);
    phi_free(&g->mem, s.readers);
    phi_free(&g->mem, s.thin);
    phi_free(&g->mem, s.thinned);
    if (st)
        ph_graph_free(s.to);
    else
        *out = s.to;
    return st;
}
