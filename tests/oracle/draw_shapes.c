/* SPDX-License-Identifier: MIT */
/* Random nodes of operators that speak of shapes, pick elements, or change their type. */
#include "draw_sheet.h"

#include <string.h>

enum { FLOAT = 1, UINT8 = 2, INT8 = 3, INT32 = 6, INT64 = 7, BOOL = 9, DOUBLE = 11 };

/* An input of floats lo .. hi or, unless gradients are looked for, of whole numbers of some type.
 */
static or_array *give_any(sheet *s, int rank, const int64_t *dims, int lo, int hi)
{
    if (s->fill == DRAW_SPACED || draw_chance(&s->r, 60)) return give(s, rank, dims, lo, hi);
    int dtype = (int)ONE_OF(&s->r, UINT8, INT8, INT32, INT64, DOUBLE);
    return give_typed(s, dtype, rank, dims, dtype == UINT8 ? 0 : lo, hi);
}

/* Another input of the type of `like`. */
static or_array *give_like(sheet *s, const or_array *like, int rank, const int64_t *dims, int lo,
                           int hi)
{
    if (!like->dtype) return give(s, rank, dims, lo, hi);
    return give_typed(s, like->dtype, rank, dims, like->dtype == UINT8 ? 0 : lo, hi);
}

void draw_dimensions(sheet *s)
{
    or_node *n = &s->c->node;
    int64_t dims[6];
    int rank = shape(s, 0, 5, dims);
    give_any(s, rank, dims, 0, 1);
    if (!strcmp(n->op, "Size") || draw_chance(&s->r, 30)) {
        n->opset = (int)ONE_OF(&s->r, 1, 13, 21);
        return;
    }
    if (draw_chance(&s->r, 60)) or_set_int(n, "start", draw_int(&s->r, -7, 7));
    if (draw_chance(&s->r, 60)) or_set_int(n, "end", draw_int(&s->r, -7, 7));
}

void draw_gather(sheet *s)
{
    int64_t dims[5], at[2] = {0};
    int rank = shape(s, 1, 4, dims), rank_at = (int)draw_int(&s->r, 0, 2);
    int axis = (int)draw_int(&s->r, 0, rank - 1);
    for (int i = 0; i < rank_at; i++)
        at[i] = draw_int(&s->r, 1, 5);
    give_any(s, rank, dims, -2, 2);
    give_typed(s, draw_chance(&s->r, 50) ? INT32 : INT64, rank_at, at, -dims[axis], dims[axis] - 1);
    if (axis || draw_chance(&s->r, 50))
        or_set_int(&s->c->node, "axis", draw_chance(&s->r, 30) ? axis - rank : axis);
    maybe_constant(s, 1, 50);
    s->c->exact = true;
}

void draw_slice(sheet *s)
{
    const int64_t far = INT64_C(1) << 62; /* as far as a double says exactly */
    draw_rng *r = &s->r;
    or_node *n = &s->c->node;
    int64_t dims[5], starts[5], ends[5], axes[5], steps[5];
    int rank = shape(s, 1, 5, dims), count = 0;
    bool all = draw_chance(r, 30), old = draw_chance(r, 25), stepped = !old && draw_chance(r, 60);
    for (int i = 0; i < rank; i++) {
        if (!all && draw_chance(r, 50)) continue;
        int64_t size = dims[i];
        axes[count] = draw_chance(r, 30) && !all ? i - rank : i;
        steps[count] = stepped ? ONE_OF(r, 1, 1, 2, 3, -1, -1, -2, far, -far) : 1;
        bool back = steps[count] < 0;
        starts[count] = back ? draw_int(r, size / 2, size + 2) : draw_int(r, -size - 2, size / 2);
        ends[count] = draw_chance(r, 30) ? (back  ? -far
                                            : old ? INT64_MAX
                                                  : far)
                      : back             ? draw_int(r, -size - 2, -1 - (size + 1) / 2)
                                         : draw_int(r, size / 2, size + 2);
        count++;
    }
    give_any(s, rank, dims, -2, 2);
    s->c->exact = true;
    if (old) {
        n->opset = (int)draw_int(r, 1, 9);
        or_set_ints(n, "starts", count, starts);
        or_set_ints(n, "ends", count, ends);
        if (!all) or_set_ints(n, "axes", count, axes);
        return;
    }
    n->opset = (int)ONE_OF(r, 10, 11, 13, 17);
    give_integers(s, count, starts);
    give_integers(s, count, ends);
    if (!all)
        give_integers(s, count, axes);
    else if (stepped)
        leave_out(s);
    if (stepped) give_integers(s, count, steps);
}

void draw_cast(sheet *s)
{
    or_node *n = &s->c->node;
    int64_t dims[6];
    int rank = shape(s, 0, 5, dims);
    or_array *x = give_any(s, rank, dims, 0, 25);
    int to = (int)ONE_OF(&s->r, FLOAT, UINT8, INT8, INT32, INT64, BOOL, DOUBLE);
    for (int64_t i = 0; i < x->count; i++)
        if (to != UINT8 && x->dtype != UINT8 && i % 3 == 0) x->v[i] = -x->v[i];
    s->c->exact = true;
    if (!strcmp(n->op, "CastLike"))
        give_typed(s, to, 1, (int64_t[]){2}, 0, 1);
    else
        or_set_int(n, "to", to);
}

void draw_range(sheet *s)
{
    int dtype = (int)ONE_OF(&s->r, FLOAT, DOUBLE, INT32, INT64);
    int64_t delta = draw_int(&s->r, 1, 7) * (draw_chance(&s->r, 50) ? 1 : -1);
    for (int i = 0; i < 3; i++) {
        or_array *a = give_typed(s, dtype, 0, NULL, -30, 30);
        if (i == 2) a->v[0] = (double)delta;
        a->integer = dtype != FLOAT && dtype != DOUBLE;
        if (!a->integer) a->v[0] /= 4; /* quarters: nothing is rounded */
        s->c->constant |= 1u << i;
    }
    s->c->exact = true;
}

void draw_where(sheet *s)
{
    int64_t dims[6], narrow[6];
    int rank = shape(s, 0, 5, dims), full = (int)draw_int(&s->r, 0, 2);
    or_array *x = NULL;
    for (int i = 0; i < 3; i++) {
        int rank_i = i == full ? rank : narrower(s, rank, dims, narrow);
        const int64_t *d = i == full ? dims : narrow;
        if (i == 0)
            give_typed(s, BOOL, rank_i, d, 0, 1);
        else if (i == 1)
            x = give_any(s, rank_i, d, -3, 3);
        else
            give_like(s, x, rank_i, d, -3, 3);
    }
    maybe_constant(s, 2, 30);
    s->c->exact = true;
}

/* Few values, so that many are equal. */
void draw_compare(sheet *s)
{
    or_node *n = &s->c->node;
    int64_t dims[6], narrow[6];
    int rank = shape(s, 0, 5, dims), rank_b = narrower(s, rank, dims, narrow);
    bool swap = draw_chance(&s->r, 30), logic = strchr("AOX", n->op[0]) != NULL;
    int dtype = logic ? BOOL : (int)ONE_OF(&s->r, FLOAT, DOUBLE, INT8, INT32, INT64, UINT8);
    give_typed(s, dtype, swap ? rank_b : rank, swap ? narrow : dims, 0, 1);
    give_typed(s, dtype, swap ? rank : rank_b, swap ? dims : narrow, 0, 1);
    maybe_constant(s, (int)draw_int(&s->r, 0, 1), 40);
    s->c->exact = true;
}

void draw_expand(sheet *s)
{
    int64_t dims[6], narrow[6];
    int rank = shape(s, 1, 5, dims), rank_x = narrower(s, rank, dims, narrow);
    give_any(s, rank_x, narrow, -2, 2);
    for (int i = 0; i < rank; i++) /* the shape may have a 1 where the input has more */
        if (i >= rank - rank_x && narrow[i - rank + rank_x] > 1 && draw_chance(&s->r, 30))
            dims[i] = 1;
    give_integers(s, rank, dims);
    s->c->exact = true;
}
