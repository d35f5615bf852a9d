/* SPDX-License-Identifier: MIT */
/*
 * What a layer is: which product, what a 1x1 does to the channels, what makes the scores.
 */
#include "graph/account.h"
#include "graph/parameters.h"

const char *ph_role_name(enum ph_role role)
{
    static const char *const names[] = {NULL, "shrink", "keep", "grow"};
    return (unsigned)role < PHI_COUNT(names) ? names[role] : NULL;
}

const char *ph_kind_name(enum ph_kind kind)
{
    static const char *const names[PH_N_KINDS] = {"other",   "1x1",       "conv",
                                                  "grouped", "depthwise", "dense"};
    return (unsigned)kind < PHI_COUNT(names) ? names[kind] : "?";
}

/* Operators that multiply, and where their weights and biases are. */
typedef struct product {
    const char *op;
    size_t weights, bias; /* inputs */
    bool dense;
    bool outputs_first; /* dimension 0 of the weights are output channels */
} product;

static const product *product_of(const phi_node *n)
{
    static const product products[] = {
        {"Conv", 1, 2, false, true},           {"QLinearConv", 3, 8, false, true},
        {"ConvInteger", 1, 99, false, true},   {"ConvTranspose", 1, 2, false, false},
        {"Gemm", 1, 2, true, false},           {"MatMul", 1, 99, true, false},
        {"QLinearMatMul", 3, 99, true, false}, {"MatMulInteger", 1, 99, true, false},
    };
    for (size_t i = 0; !*n->domain && i < PHI_COUNT(products); i++)
        if (strcmp(n->op_type, products[i].op) == 0) return &products[i];
    return NULL;
}

static const phi_type *type_of_input(const phi_counter *c, const phi_node *n, size_t k)
{
    if (k >= n->n_in || n->in[k] == PH_NONE || c->f->value[n->in[k]].type.rank < 0) return NULL;
    return &c->f->value[n->in[k]].type;
}

const phi_type *phi_conv_weights(const phi_counter *c, const phi_node *n)
{
    const product *p = product_of(n);
    if (!p || p->dense || !p->outputs_first || phi_attr_int(n, "group", 1) != 1) return NULL;
    const phi_type *w = type_of_input(c, n, p->weights);
    return w && w->rank >= 3 ? w : NULL;
}

int64_t phi_conv_parameters(const phi_counter *c, const phi_node *n)
{
    const product *p = product_of(n);
    const phi_type *bias = type_of_input(c, n, p->bias);
    return phi_type_count(phi_conv_weights(c, n)) + (bias ? phi_type_count(bias) : 0);
}

bool phi_is_1x1(const phi_type *w)
{
    for (int i = 2; w && i < w->rank; i++)
        if (w->dims[i] != 1) return false;
    return w != NULL;
}

enum ph_role phi_role_of(const phi_counter *c, const phi_node *n)
{
    const phi_type *w = phi_conv_weights(c, n);
    if (!phi_is_1x1(w)) return PH_ROLE_NONE;
    return w->dims[0] < w->dims[1]   ? PH_ROLE_SHRINK
           : w->dims[0] > w->dims[1] ? PH_ROLE_GROW
                                     : PH_ROLE_KEEP;
}

enum ph_kind phi_kind_of(const phi_counter *c, const phi_node *n)
{
    const product *p = product_of(n);
    if (!p) return PH_KIND_OTHER;
    if (p->dense) return PH_KIND_DENSE;
    const phi_type *w = type_of_input(c, n, p->weights);
    const int64_t groups = phi_attr_int(n, "group", 1);
    if (!w || w->rank < 3) return PH_KIND_CONV;
    if (groups != 1) /* w is [k, c/g, ...] or, transposed, [c, k/g, ...] */
        return p->outputs_first       ? w->dims[1] == 1 ? PH_KIND_DEPTHWISE : PH_KIND_GROUPED
               : w->dims[0] == groups ? PH_KIND_DEPTHWISE
                                      : PH_KIND_GROUPED;
    return phi_is_1x1(w) ? PH_KIND_1X1 : PH_KIND_CONV;
}

/* --- Classifier ------------------------------------------------------------------------------ */

/* Scores: [n, classes], with or without an image of one pixel around. */
static bool is_vector(const phi_type *t)
{
    for (int d = 2; d < t->rank; d++)
        if (t->dims[d] != 1) return false;
    return t->rank >= 2;
}

static bool leads_to_scores(const phi_node *n, const bool *scores)
{
    for (size_t k = 0; k < n->n_out; k++)
        if (n->out[k] != PH_NONE && scores[n->out[k]]) return true;
    return false;
}

/* Inputs of a node that follow from an input of the graph; *last is one of them. */
static size_t flowing_inputs(const phi_counter *c, const phi_node *n, ph_value *last)
{
    size_t count = 0;
    for (size_t k = 0; k < n->n_in; k++) {
        if (n->in[k] == PH_NONE || !(c->flow[n->in[k]] & PHI_FLOW_INPUT)) continue;
        count += count == 0 || n->in[k] != *last;
        *last = n->in[k];
    }
    return count;
}

static void mark_classifier(phi_counter *c, bool *scores)
{
    ph_account *a = c->a;
    for (size_t i = 0; i < c->g->n_outputs; i++)
        scores[c->g->outputs[i]] = is_vector(&c->f->value[c->g->outputs[i]].type);
    for (size_t i = a->n_layers; i-- > 0;) {
        ph_layer_cost *l = &a->layers[i];
        const phi_node *n = &c->g->nodes[a->nodes[i]];
        if (!leads_to_scores(n, scores)) continue;
        ph_value x = PH_NONE;
        const bool joins = flowing_inputs(c, n, &x) != 1; /* Add, Concat: no single layer before */
        if (joins || c->unknown[a->nodes[i]]) continue;
        l->classifier = l->parameters > 0 || l->kind != PH_KIND_OTHER;
        if (l->kind == PH_KIND_OTHER) scores[x] = true;
    }
}

/*
 * Backwards from outputs that are vectors of scores: the layers with parameters up to and with the
 * first product on the way. A bias that is added and a norm behind it belong to it. Where results
 * of several layers come together, there is no classifier.
 */
enum ph_status phi_find_classifier(phi_counter *c)
{
    ph_account *a = c->a;
    bool *scores = phi_calloc(&a->mem, c->g->n_values, sizeof *scores);
    if (!scores) return phi_fail_nomem(c->err);
    mark_classifier(c, scores);
    phi_free(&a->mem, scores);
    bool any = false;
    for (size_t i = 0; i < a->n_layers; i++)
        any |= a->layers[i].classifier && a->layers[i].kind != PH_KIND_OTHER;
    for (size_t i = 0; i < a->n_layers; i++) { /* a norm without a product is none */
        ph_layer_cost *l = &a->layers[i];
        l->classifier &= any;
        if (!l->classifier) continue;
        a->totals.classifier_parameters += l->parameters; /* parts of totals, which fit */
        if (l->macs > 0) a->totals.classifier_macs += l->macs;
    }
    return PH_OK;
}
