/* SPDX-License-Identifier: MIT */
/* Operators that speak of shapes, pick elements, or change their type. */
#include "oracle.h"

#include <math.h>
#include <string.h>

enum { FLOAT = 1, INT64 = 7, BOOL = 9, DOUBLE = 11 }; /* TensorProto.DataType */

static or_array *whole(int dtype, int rank, const int64_t *dims)
{
    or_array *y = or_new(rank, dims);
    y->integer = true;
    y->dtype = dtype;
    return y;
}

/* A new array of the type of `like`. */
static or_array *same_type(const or_array *like, int rank, const int64_t *dims)
{
    or_array *y = or_new(rank, dims);
    y->integer = like->integer;
    y->dtype = like->dtype;
    return y;
}

bool or_shape(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0];
    int64_t start = or_int(n, "start", 0), end = or_int(n, "end", x->rank), kept = 0;
    double v[OR_MAX_RANK];
    for (int64_t i = 0; i < x->rank; i++)
        if (i >= (start < 0 ? start + x->rank : start) && i < (end < 0 ? end + x->rank : end))
            v[kept++] = (double)x->dims[i];
    out[0] = whole(INT64, 1, &kept);
    memcpy(out[0]->v, v, (size_t)kept * sizeof *v);
    return true;
}

bool or_size(const or_node *n, or_array **out)
{
    out[0] = whole(INT64, 0, NULL);
    out[0]->v[0] = (double)n->in[0]->count;
    return true;
}

bool or_gather(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0], *at = n->in[1];
    int axis = (int)or_int(n, "axis", 0);
    int64_t dims[OR_MAX_RANK];
    if (axis < 0) axis += x->rank;
    int rank = 0;
    for (int i = 0; i < axis; i++)
        dims[rank++] = x->dims[i];
    for (int i = 0; i < at->rank; i++)
        dims[rank++] = at->dims[i];
    for (int i = axis + 1; i < x->rank; i++)
        dims[rank++] = x->dims[i];
    or_array *y = same_type(x, rank, dims);
    for (int64_t k = 0; k < y->count; k++) {
        int64_t to[OR_MAX_RANK], from[OR_MAX_RANK];
        or_coordinates(y, k, to);
        for (int i = 0; i < x->rank; i++)
            if (i != axis) from[i] = i < axis ? to[i] : to[i + at->rank - 1];
        from[axis] = (int64_t)at->v[or_at(at, to + axis)];
        if (from[axis] < 0) from[axis] += x->dims[axis];
        y->v[k] = x->v[or_at(x, from)];
    }
    out[0] = y;
    return true;
}

/* Integers of an input or of an attribute. */
static int list_of(const or_node *n, int input, const char *attribute, int64_t *v)
{
    const or_array *a = n->n_in > input ? n->in[input] : NULL;
    const or_attr *attr = or_find(n, attribute);
    int count = a ? (int)a->count : attr ? attr->n : 0;
    for (int i = 0; i < count; i++)
        v[i] = a ? (int64_t)a->v[i] : attr->list[i];
    return count;
}

/* The indices start, start + step, ... that lie in an axis of size n and before end, one by one. */
static int64_t walk(int64_t n, int64_t start, int64_t end, int64_t step, int64_t *at)
{
    int64_t count = 0;
    if (start < 0) start += n;
    if (end < 0) end += n;
    if (step > 0 && start < 0) start = 0;
    if (step < 0 && start > n - 1) start = n - 1;
    for (int64_t i = start; i >= 0 && i < n && (step > 0 ? i < end : i > end); i += step)
        at[count++] = i;
    return count;
}

bool or_slice(const or_node *n, or_array **out)
{
    enum { MOST = 64 };
    const or_array *x = n->in[0];
    int64_t starts[OR_MAX_RANK], ends[OR_MAX_RANK], axes[OR_MAX_RANK], steps[OR_MAX_RANK];
    int64_t at[OR_MAX_RANK][MOST], dims[OR_MAX_RANK];
    int count = list_of(n, 1, "starts", starts), n_axes, n_steps;
    list_of(n, 2, "ends", ends);
    n_axes = list_of(n, 3, "axes", axes);
    n_steps = list_of(n, 4, "steps", steps);
    for (int i = 0; i < x->rank; i++)
        dims[i] = walk(x->dims[i], 0, x->dims[i], 1, at[i]);
    for (int i = 0; i < count; i++) {
        int axis = n_axes ? (int)axes[i] : i;
        if (axis < 0) axis += x->rank;
        dims[axis] = walk(x->dims[axis], starts[i], ends[i], n_steps ? steps[i] : 1, at[axis]);
    }
    or_array *y = same_type(x, x->rank, dims);
    for (int64_t k = 0; k < y->count; k++) {
        int64_t index[OR_MAX_RANK];
        or_coordinates(y, k, index);
        for (int i = 0; i < x->rank; i++)
            index[i] = at[i][index[i]];
        y->v[k] = x->v[or_at(x, index)];
    }
    out[0] = y;
    return true;
}

/* `to` of Cast; the type of the second input of CastLike. Only values that the new type holds. */
bool or_cast(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0];
    int to = (int)or_int(n, "to", FLOAT);
    if (n->n_in > 1) to = n->in[1]->dtype ? n->in[1]->dtype : n->in[1]->integer ? INT64 : FLOAT;
    or_array *y = or_new(x->rank, x->dims);
    y->dtype = to;
    y->integer = to != FLOAT && to != DOUBLE;
    for (int64_t i = 0; i < x->count; i++)
        y->v[i] = to == BOOL ? x->v[i] != 0 : y->integer ? trunc(x->v[i]) : x->v[i];
    out[0] = y;
    return true;
}

bool or_range(const or_node *n, or_array **out)
{
    double start = n->in[0]->v[0], limit = n->in[1]->v[0], delta = n->in[2]->v[0];
    int64_t count = 0;
    while (delta > 0 ? start + (double)count * delta < limit
                     : start + (double)count * delta > limit)
        count++;
    out[0] = same_type(n->in[0], 1, &count);
    for (int64_t i = 0; i < count; i++) {
        out[0]->v[i] = start + (double)i * delta;
        out[0]->slack[i] = 2 * (fabs(start) + fabs((double)i * delta));
    }
    return true;
}

/* out[at] = pick(the inputs' elements there), broadcast. */
static or_array *spread(const or_node *n, const or_array *like)
{
    int rank = 0;
    int64_t dims[OR_MAX_RANK];
    for (int i = 0; i < n->n_in; i++)
        if (!or_broadcast(&rank, dims, n->in[i])) return NULL;
    return same_type(like, rank, dims);
}

static double at(const or_array *a, const or_array *y, int64_t k)
{
    int64_t index[OR_MAX_RANK];
    or_coordinates(y, k, index);
    return a->v[or_broadcast_at(a, y->rank, index)];
}

bool or_where(const or_node *n, or_array **out)
{
    or_array *y = spread(n, n->in[1]);
    for (int64_t k = 0; y && k < y->count; k++)
        y->v[k] = at(n->in[at(n->in[0], y, k) != 0 ? 1 : 2], y, k);
    out[0] = y;
    return y;
}

bool or_compare(const or_node *n, or_array **out)
{
    or_array *y = spread(n, n->in[0]);
    for (int64_t k = 0; y && k < y->count; k++) {
        double u = at(n->in[0], y, k), v = at(n->in[1], y, k);
        bool equal = strstr(n->op, "Equal") && u == v;
        y->v[k] = equal || (n->op[0] == 'L' && u < v) || (n->op[0] == 'G' && u > v) ||
                  (n->op[0] == 'A' && u != 0 && v != 0) ||
                  (n->op[0] == 'O' && (u != 0 || v != 0)) ||
                  (n->op[0] == 'X' && (u != 0) != (v != 0));
    }
    if (y) y->integer = true, y->dtype = BOOL;
    out[0] = y;
    return y;
}

bool or_expand(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0], *shape = n->in[1];
    int64_t wanted[OR_MAX_RANK], dims[OR_MAX_RANK];
    int rank = 0;
    for (int64_t i = 0; i < shape->count; i++)
        wanted[i] = (int64_t)shape->v[i];
    or_array *like = or_new((int)shape->count, wanted);
    bool fits = or_broadcast(&rank, dims, x) && or_broadcast(&rank, dims, like);
    or_free(like);
    if (!fits) return false;
    or_array *y = same_type(x, rank, dims);
    for (int64_t k = 0; k < y->count; k++)
        y->v[k] = at(x, y, k);
    out[0] = y;
    return true;
}
