/* SPDX-License-Identifier: MIT */
/* Random nodes that pick by indices, or put, sort, sum up or mark along an axis. */
#include "draw_sheet.h"

#include <string.h>

enum { FLOAT = 1, UINT8 = 2, INT8 = 3, INT32 = 6, INT64 = 7, BOOL = 9, DOUBLE = 11 };

/* An input of floats or of whole numbers of some type, few of them zero. */
static or_array *give_any(sheet *s, int rank, const int64_t *dims)
{
    if (draw_chance(&s->r, 50)) return give(s, rank, dims, -1, 2);
    return give_typed(s, (int)ONE_OF(&s->r, UINT8, INT8, INT32, INT64, DOUBLE), rank, dims, 1, 9);
}

static void give_like(sheet *s, const or_array *like, int rank, const int64_t *dims)
{
    if (like->dtype)
        give_typed(s, like->dtype, rank, dims, 1, 3);
    else
        give(s, rank, dims, -1, 2);
}

static int small_shape(sheet *s, int lo, int hi, int64_t *dims)
{
    int rank;
    do
        rank = shape(s, lo, hi, dims);
    while (product(rank, dims) > 5000);
    return rank;
}

void draw_top_k(sheet *s)
{
    draw_rng *r = &s->r;
    or_node *n = &s->c->node;
    int64_t dims[5];
    int rank = small_shape(s, 1, 4, dims), axis = (int)draw_int(r, 0, rank - 1);
    give_any(s, rank, dims);
    int64_t k = draw_int(r, 1, dims[axis]);
    if (axis != rank - 1 || draw_chance(r, 50))
        or_set_int(n, "axis", draw_chance(r, 50) ? axis : axis - rank);
    n->n_out = 2;
    n->opset = (int)ONE_OF(r, 1, 10, 11, 17);
    s->c->exact = true;
    if (n->opset < 10) {
        if (or_find(n, "axis")) n->attrs[0].i = axis;
        or_set_int(n, "k", k);
        return;
    }
    give_integers(s, 1, &k);
    if (n->opset >= 11 && draw_chance(r, 60)) or_set_int(n, "largest", draw_int(r, 0, 1));
    if (n->opset >= 11 && draw_chance(r, 50)) or_set_int(n, "sorted", 1);
}

void draw_gather_elements(sheet *s)
{
    draw_rng *r = &s->r;
    or_node *n = &s->c->node;
    int64_t dims[5], at[5];
    int rank = small_shape(s, 1, 4, dims), axis = (int)draw_int(r, 0, rank - 1);
    bool scatter = n->op[0] == 'S';
    for (int i = 0; i < rank; i++)
        at[i] = draw_int(r, 1, i == axis && !scatter ? 7 : dims[i]);
    or_array *x = give_any(s, rank, dims);
    or_array *index =
        give_typed(s, draw_chance(r, 50) ? INT32 : INT64, rank, at, -dims[axis], dims[axis] - 1);
    if (axis || draw_chance(r, 50)) or_set_int(n, "axis", draw_chance(r, 30) ? axis - rank : axis);
    n->opset = (int)ONE_OF(r, 11, 13, 17);
    s->c->exact = true;
    if (!scatter) return;
    give_like(s, x, rank, at);
    if (!strcmp(n->op, "Scatter")) n->opset = (int)draw_int(r, 9, 10);
    if (n->opset >= 16 && draw_chance(r, 70)) {
        n->opset = 18;
        or_set_string(n, "reduction",
                      (const char *[]){"none", "add", "max", "min"}[draw_int(r, 0, 3)]);
        s->c->exact = x->integer;
        return;
    }
    for (int64_t i = 0; i < index->count; i++) { /* no place twice: the order is open */
        int64_t c[5];
        or_coordinates(index, i, c);
        index->v[i] = (double)(c[axis] - (draw_chance(r, 30) ? dims[axis] : 0));
    }
}

void draw_gather_nd(sheet *s)
{
    draw_rng *r = &s->r;
    or_node *n = &s->c->node;
    int64_t dims[5], at[5];
    bool scatter = n->op[0] == 'S';
    int rank = small_shape(s, 1, 4, dims), batch = 0, lead = (int)draw_int(r, 0, 2);
    if (!scatter && rank > 1 && draw_chance(r, 40)) batch = (int)draw_int(r, 1, rank - 1);
    if (lead < batch) lead = batch;
    int depth = (int)draw_int(r, 1, rank - batch);
    for (int i = 0; i < lead; i++)
        at[i] = i < batch ? dims[i] : draw_int(r, 1, 4);
    at[lead] = depth;
    or_array *x = give_any(s, rank, dims);
    or_array *index = give_typed(s, INT64, lead + 1, at, 0, 0);
    for (int64_t i = 0; i < index->count; i++) {
        int64_t size = dims[batch + (int)(i % depth)];
        index->v[i] = (double)draw_int(r, -size, size - 1);
    }
    n->opset = batch ? 12 : (int)ONE_OF(r, 11, 12, 17);
    if (batch || (n->opset >= 12 && !scatter && draw_chance(r, 30)))
        or_set_int(n, "batch_dims", batch);
    s->c->exact = true;
    if (!scatter) return;
    n->opset = 18; /* a reduction, so that places may repeat */
    or_set_string(n, "reduction", (const char *[]){"add", "max", "min"}[draw_int(r, 0, 2)]);
    for (int i = depth; i < rank; i++)
        at[lead + i - depth] = dims[i];
    give_like(s, x, lead + rank - depth, at);
    s->c->exact = x->integer;
}

void draw_cum_sum(sheet *s)
{
    draw_rng *r = &s->r;
    int64_t dims[5];
    int rank = small_shape(s, 1, 4, dims);
    if (draw_chance(r, 50))
        give(s, rank, dims, -1, 2);
    else
        give_typed(s, (int)ONE_OF(r, INT32, INT64, DOUBLE), rank, dims, 1, 9);
    s->c->constant |= 2;
    give_typed(s, draw_chance(r, 50) ? INT32 : INT64, 0, NULL, -rank, rank - 1);
    s->c->node.opset = (int)ONE_OF(r, 11, 14);
    /* by themselves the first elements of an exclusive sum are zeros */
    if (dims[0] > 2 && draw_chance(r, 40)) or_set_int(&s->c->node, "exclusive", 1);
    if (draw_chance(r, 40)) or_set_int(&s->c->node, "reverse", 1);
    s->c->exact = s->c->node.in[0]->integer;
}

void draw_eye_like(sheet *s)
{
    int64_t dims[2] = {draw_int(&s->r, 1, 3), draw_int(&s->r, 1, 5)};
    give_any(s, 2, dims);
    s->c->node.opset = (int)ONE_OF(&s->r, 9, 22);
    if (draw_chance(&s->r, 50)) or_set_int(&s->c->node, "k", draw_int(&s->r, -4, 6));
    if (draw_chance(&s->r, 50))
        or_set_int(&s->c->node, "dtype", ONE_OF(&s->r, FLOAT, INT32, INT64, BOOL, DOUBLE));
    s->c->exact = true;
}

void draw_one_hot(sheet *s)
{
    draw_rng *r = &s->r;
    int64_t dims[4], depth = draw_int(r, 1, 6);
    int rank = small_shape(s, 0, 3, dims);
    int axis = (int)draw_int(r, 0, rank);
    give_typed(s, (int)ONE_OF(r, INT32, INT64, DOUBLE), rank, dims, -depth - 1, depth);
    s->c->constant |= 2;
    give_typed(s, INT64, draw_chance(r, 50), (int64_t[]){1}, depth, depth);
    or_array *values = give_typed(s, (int)ONE_OF(r, FLOAT, INT32, INT64), 1, (int64_t[]){2}, 2, 9);
    values->integer = values->dtype != FLOAT;
    if (axis != rank || draw_chance(r, 50))
        or_set_int(&s->c->node, "axis", draw_chance(r, 40) ? axis - rank - 1 : axis);
    s->c->node.opset = (int)ONE_OF(r, 9, 11);
    s->c->exact = true;
}

void draw_trilu(sheet *s)
{
    int64_t dims[4];
    int rank = small_shape(s, 2, 4, dims);
    bool upper = draw_chance(&s->r, 50);
    give_any(s, rank, dims);
    if (draw_chance(&s->r, 70)) give_typed(s, INT64, 0, NULL, upper ? -9 : -2, upper ? 2 : 9);
    if (!upper || draw_chance(&s->r, 30)) or_set_int(&s->c->node, "upper", upper);
    s->c->exact = true;
}

void draw_non_zero(sheet *s)
{
    int64_t dims[4];
    int rank = small_shape(s, 1, 4, dims);
    give_typed(s, (int)ONE_OF(&s->r, BOOL, FLOAT, INT32, UINT8), rank, dims, 0, 1);
    s->c->constant |= 1;
    s->c->exact = true;
}
