/* SPDX-License-Identifier: MIT */
/* Random nodes that bring axes down, cut them, repeat them, or turn them into others. */
#include "draw_sheet.h"

#include <string.h>

enum { UINT8 = 2, INT8 = 3, INT32 = 6, INT64 = 7, DOUBLE = 11 };

void draw_reduce(sheet *s)
{
    draw_rng *r = &s->r;
    or_node *n = &s->c->node;
    const char *kind = n->op + strlen("Reduce");
    int64_t dims[5], axes[5], kept;
    int rank, n_axes;
    do { /* the oracle looks at all elements for each result */
        rank = shape(s, 1, 5, dims);
        n_axes = 0;
        kept = 1;
        for (int i = 0; i < rank; i++)
            if (draw_chance(r, 50))
                axes[n_axes++] = draw_chance(r, 30) ? i - rank : i;
            else
                kept *= dims[i];
    } while (product(rank, dims) * kept > 3000000);
    bool pick = !strcmp(kind, "Max") || !strcmp(kind, "Min"), product_of = !strcmp(kind, "Prod");
    bool logarithm = !strncmp(kind, "Log", 3), sum = !strcmp(kind, "LogSum");
    if (s->fill == DRAW_INTEGER && !product_of && !logarithm && draw_chance(r, 60)) {
        give_typed(s, (int)ONE_OF(r, INT32, INT64), rank, dims, -9, 12);
        s->c->exact = true;
    } else {
        if (s->fill == DRAW_INTEGER) s->fill = DRAW_UNIFORM;
        give(s, rank, dims, product_of ? 0.8 : sum ? 0.1 : -1, product_of ? 1.2 : 2);
        s->c->exact = pick;
    }
    if (draw_chance(r, 50)) or_set_int(n, "keepdims", draw_int(r, 0, 1));
    int since = !strcmp(kind, "Sum") ? 13 : 18;
    if (draw_chance(r, 40)) {
        n->opset = (int)ONE_OF(r, 18, 20, since);
        if (n_axes) give_integers(s, n_axes, axes);
        if (draw_chance(r, 30)) or_set_int(n, "noop_with_empty_axes", draw_int(r, 0, 1));
    } else {
        n->opset = since == 13 ? (int)draw_int(r, 1, 12) : (int)ONE_OF(r, 1, 11, 13, 17);
        if (n_axes) or_set_ints(n, "axes", n_axes, axes);
    }
}

/* Few values, so that many are alike. */
void draw_arg_extreme(sheet *s)
{
    draw_rng *r = &s->r;
    or_node *n = &s->c->node;
    int64_t dims[5];
    int rank = shape(s, 1, 5, dims), axis = (int)draw_int(r, 0, rank - 1);
    if (dims[axis] < 3) dims[axis] = 5; /* not mostly zeros */
    if (draw_chance(r, 50))
        give(s, rank, dims, -3, 3);
    else
        give_typed(s, (int)ONE_OF(r, UINT8, INT8, INT32, INT64, DOUBLE), rank, dims, 0, 3);
    n->opset = (int)ONE_OF(r, 1, 11, 12, 13, 17);
    if (axis || draw_chance(r, 50))
        or_set_int(n, "axis", draw_chance(r, 30) && n->opset >= 11 ? axis - rank : axis);
    if (draw_chance(r, 50)) or_set_int(n, "keepdims", draw_int(r, 0, 1));
    if (n->opset >= 12 && draw_chance(r, 60)) or_set_int(n, "select_last_index", 1);
    s->c->exact = true;
}

void draw_split(sheet *s)
{
    draw_rng *r = &s->r;
    or_node *n = &s->c->node;
    int64_t dims[5], sizes[4], total = 0;
    int rank, axis;
    do
        rank = shape(s, 1, 4, dims);
    while (product(rank, dims) * 8 > s->budget);
    axis = rank == 4 && draw_chance(r, 60) ? 1 : (int)draw_int(r, 0, rank - 1);
    n->n_out = (int)draw_int(r, 1, 4);
    bool alike = draw_chance(r, 40), uneven = alike && draw_chance(r, 40);
    int64_t size = draw_int(r, 2, 5);
    for (int i = 0; i < n->n_out; i++) {
        sizes[i] = alike ? size : draw_int(r, 1, 6);
        if (uneven && i == n->n_out - 1) sizes[i] = size - 1;
        total += sizes[i];
    }
    /* ceil(total / n) must be `size`, which a part shorter by one leaves so for up to `size` parts
     */
    if (uneven && n->n_out > 1 && (total + n->n_out - 1) / n->n_out != size)
        total++, uneven = false;
    dims[axis] = total;
    give(s, rank, dims, -1, 1);
    if (axis || draw_chance(r, 50)) or_set_int(n, "axis", draw_chance(r, 30) ? axis - rank : axis);
    n->opset = (int)ONE_OF(r, 2, 11, 13, 17);
    if (uneven || (alike && draw_chance(r, 30))) {
        n->opset = 18;
        or_set_int(n, "num_outputs", n->n_out);
    } else if (!alike && n->opset < 13) {
        or_set_ints(n, "split", n->n_out, sizes);
    } else if (!alike) {
        give_integers(s, n->n_out, sizes);
    }
    s->c->exact = true;
}

void draw_tile(sheet *s)
{
    draw_rng *r = &s->r;
    or_node *n = &s->c->node;
    int64_t dims[4], repeats[4];
    int rank;
    do {
        rank = shape(s, 1, 4, dims);
        for (int i = 0; i < rank; i++)
            repeats[i] = ONE_OF(r, 1, 1, 2, 3);
    } while (product(rank, dims) * product(rank, repeats) > s->budget);
    if (s->fill == DRAW_SPACED || draw_chance(r, 60))
        give(s, rank, dims, -1, 1);
    else
        give_typed(s, (int)ONE_OF(r, UINT8, INT32, INT64, DOUBLE), rank, dims, 1, 9);
    s->c->exact = true;
    if (draw_chance(r, 20)) {
        int axis = (int)draw_int(r, 0, rank - 1);
        n->opset = (int)draw_int(r, 1, 5);
        give_typed(s, INT64, 0, NULL, 2, 3);
        give_typed(s, INT64, 0, NULL, axis, axis);
        s->c->constant |= 6;
        return;
    }
    give_integers(s, rank, repeats);
}

void draw_blocks(sheet *s)
{
    draw_rng *r = &s->r;
    or_node *n = &s->c->node;
    bool to_wide = n->op[0] == 'D';
    int64_t b = draw_int(r, 1, 4), dims[4];
    do {
        for (int i = 0; i < 4; i++)
            dims[i] = draw_int(r, 1, i == 1 ? 9 : 6);
        dims[1] *= to_wide ? b * b : 1;
        dims[2] *= to_wide ? 1 : b;
        dims[3] *= to_wide ? 1 : b;
    } while (product(4, dims) > s->budget);
    give(s, 4, dims, -1, 1);
    or_set_int(n, "blocksize", b);
    n->opset = (int)ONE_OF(r, 1, 11, 13);
    if (to_wide && n->opset >= 11 && draw_chance(r, 70))
        or_set_string(n, "mode", draw_chance(r, 60) ? "CRD" : "DCR");
    s->c->exact = true;
}
