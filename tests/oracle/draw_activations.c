/* SPDX-License-Identifier: MIT */
/* Random nodes of activations. */
#include "draw_sheet.h"

#include <string.h>

typedef struct activation {
    const char *op;
    int opset; /* from which on it exists */
    double lo, hi;
    const char *attr;
    double attr_lo, attr_hi;
    const char *attr2;
    double attr2_lo, attr2_hi;
} activation;

/* Ranges hold what is 0 down to less than half. */
static const activation activations[] = {
    {"Elu", 6, -4, 4, "alpha", -0.5, 2, NULL, 0, 0},
    {"Selu", 6, -4, 4, "alpha", 0.5, 2, "gamma", 0.5, 2},
    {"Celu", 12, -4, 4, "alpha", 0.5, 3, NULL, 0, 0},
    {"Gelu", 20, -4, 4, NULL, 0, 0, NULL, 0, 0},
    {"Mish", 18, -6, 6, NULL, 0, 0, NULL, 0, 0},
    {"Swish", 24, -5, 5, "alpha", -1, 2, NULL, 0, 0},
    {"Softplus", 1, -8, 8, NULL, 0, 0, NULL, 0, 0},
    {"Softsign", 1, -8, 8, NULL, 0, 0, NULL, 0, 0},
    {"Erf", 13, -3, 3, NULL, 0, 0, NULL, 0, 0},
    {"ThresholdedRelu", 10, -1, 3, "alpha", -0.5, 0.5, NULL, 0, 0},
    {"Shrink", 9, -2, 2, "lambd", 0.2, 0.6, "bias", -0.5, 0.5},
};

void draw_activation(sheet *s)
{
    or_node *n = &s->c->node;
    const activation *a = activations;
    int64_t dims[6];
    while (strcmp(a->op, n->op) != 0)
        a++;
    int rank = shape(s, 0, 6, dims);
    double far = s->fill == DRAW_UNIFORM && draw_chance(&s->r, 20) ? 8 : 1;
    give(s, rank, dims, far * a->lo, far * a->hi);
    if (n->opset < a->opset) n->opset = a->opset;
    /* the default of ThresholdedRelu leaves too many zeros */
    if (a->attr && (a->op[0] == 'T' || draw_chance(&s->r, 70)))
        or_set_float(n, a->attr, draw_uniform(&s->r, a->attr_lo, a->attr_hi));
    if (a->attr2 && draw_chance(&s->r, 70))
        or_set_float(n, a->attr2, draw_uniform(&s->r, a->attr2_lo, a->attr2_hi));
    if (!strcmp(n->op, "Gelu") && draw_chance(&s->r, 60))
        or_set_string(n, "approximate", draw_chance(&s->r, 70) ? "tanh" : "none");
    if (!strcmp(n->op, "Selu") && draw_chance(&s->r, 20)) n->opset = 1;
}

void draw_prelu(sheet *s)
{
    int64_t dims[6], slope[6];
    int rank = shape(s, 1, 5, dims);
    give(s, rank, dims, -2, 2);
    if (rank > 1 && draw_chance(&s->r, 30)) { /* one for each channel, or one for all */
        s->c->node.opset = 6;
        give(s, 1, draw_chance(&s->r, 20) ? (int64_t[]){1} : &dims[1], 0.1, 0.9);
    } else {
        int n = narrower(s, rank, dims, slope);
        give(s, n, slope, -0.5, 0.9);
    }
    maybe_constant(s, 1, 60);
}

void draw_hardmax(sheet *s)
{
    int64_t dims[5];
    int rank = shape(s, 1, 5, dims);
    if (rank > 1) dims[rank - 1] = draw_int(&s->r, 1, 2);
    give(s, rank, dims, -1, 1);
    if (draw_chance(&s->r, 25)) s->c->node.opset = (int)draw_int(&s->r, 11, 12);
    if (draw_chance(&s->r, 80) || rank == 1)
        or_set_int(&s->c->node, "axis", draw_int(&s->r, -rank, rank - 1));
    s->c->exact = true;
}
