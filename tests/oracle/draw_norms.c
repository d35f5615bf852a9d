/* SPDX-License-Identifier: MIT */
/* Random nodes of normalisations of groups. */
#include "draw_sheet.h"

#include <string.h>

static void draw_epsilon(sheet *s)
{
    if (draw_chance(&s->r, 60))
        or_set_float(&s->c->node, "epsilon", draw_chance(&s->r, 50) ? 1e-3 : 1e-2);
}

/* A group of one element, or of equal ones, is a division of rounding errors by sqrt(epsilon): an
 * image with some pixels. */
void draw_channel_norm(sheet *s)
{
    or_node *n = &s->c->node;
    int64_t dims[5], groups = draw_int(&s->r, 1, 4);
    bool grouped = n->op[0] == 'G';
    int rank;
    do {
        rank = image(s, dims);
        if (grouped) dims[1] = groups * draw_int(&s->r, 1, 9);
    } while (product(rank - 2, dims + 2) < 3 || product(rank, dims) > s->budget);
    give(s, rank, dims, -1, 1);
    if (grouped) {
        n->opset = draw_chance(&s->r, 40) ? 18 : 21;
        or_set_int(n, "num_groups", groups);
    }
    int64_t size = grouped && n->opset == 18 ? groups : dims[1];
    give(s, 1, &size, -1.5, 1.5);
    give(s, 1, &size, -1, 1);
    maybe_constant(s, 1, 60);
    maybe_constant(s, 2, 60);
    draw_epsilon(s);
}

void draw_layer_norm(sheet *s)
{
    or_node *n = &s->c->node;
    int64_t dims[5], axis;
    bool rms = n->op[0] == 'R';
    int rank;
    do {
        rank = shape(s, 1, 5, dims);
        axis = draw_int(&s->r, 0, rank - 1);
    } while (product(rank - (int)axis, dims + axis) < 3);
    give(s, rank, dims, -1, 1);
    for (int i = 1; i < (rms || draw_chance(&s->r, 30) ? 2 : 3); i++) {
        int64_t stretched[6];
        bool whole = draw_chance(&s->r, 80);
        int own = whole ? 0 : narrower(s, rank, dims, stretched);
        give(s, whole ? rank - (int)axis : own, whole ? dims + axis : stretched, -1.5, 1.5);
        maybe_constant(s, i, 60);
    }
    if (axis != rank - 1 || draw_chance(&s->r, 60))
        or_set_int(n, "axis", draw_chance(&s->r, 50) ? axis : axis - rank);
    if (rms)
        n->opset = 23;
    else
        n->n_out = (int)draw_int(&s->r, 1, 3);
    draw_epsilon(s);
}

void draw_axis_norm(sheet *s)
{
    or_node *n = &s->c->node;
    int64_t dims[5], axes[5];
    bool lp = n->op[0] == 'L';
    int rank, n_axes = 0;
    do {
        n_axes = 0;
        rank = lp ? shape(s, 1, 5, dims) : 4;
        if (!lp) shape(s, 4, 4, dims);
        for (int i = 0; i < rank; i++)
            if (lp ? n_axes == 0 && (i == rank - 1 || draw_chance(&s->r, 40)) : i != 1)
                axes[n_axes++] = i;
    } while (!lp && dims[0] * dims[2] * dims[3] < 3);
    give(s, rank, dims, -1, 1);
    if (lp) {
        or_set_int(n, "axis", draw_chance(&s->r, 50) ? axes[0] : axes[0] - rank);
        if (draw_chance(&s->r, 60)) or_set_int(n, "p", draw_int(&s->r, 1, 2));
    } else if (draw_chance(&s->r, 60)) {
        or_set_ints(n, "axes", n_axes, axes);
    }
}
