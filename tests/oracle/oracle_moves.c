/* SPDX-License-Identifier: MIT */
/* Operators that only move elements; all of them are exact. */
#include "oracle.h"

#include <string.h>

static int positive(int64_t axis, int rank)
{
    return (int)(axis < 0 ? axis + rank : axis);
}

bool or_concat(const or_node *n, or_array **out)
{
    int axis = positive(or_int(n, "axis", 0), n->in[0]->rank);
    int64_t dims[OR_MAX_RANK];
    memcpy(dims, n->in[0]->dims, sizeof dims);
    dims[axis] = 0;
    for (int i = 0; i < n->n_in; i++)
        dims[axis] += n->in[i]->dims[axis];
    or_array *y = or_new(n->in[0]->rank, dims);
    int64_t offset = 0;
    for (int i = 0; i < n->n_in; i++) {
        const or_array *x = n->in[i];
        for (int64_t at = 0; at < x->count; at++) {
            int64_t index[OR_MAX_RANK];
            or_coordinates(x, at, index);
            index[axis] += offset;
            y->v[or_at(y, index)] = x->v[at];
        }
        offset += x->dims[axis];
    }
    out[0] = y;
    return true;
}

/* Integers that are an input in newer opsets and were an attribute in older ones. */
typedef struct list {
    bool given;
    int n;
    int64_t v[2 * OR_MAX_RANK];
} list;

static list list_of(const or_node *n, int input, const char *attribute)
{
    list l = {0};
    const or_array *a = n->n_in > input ? n->in[input] : NULL;
    const or_attr *attr = or_find(n, attribute);
    l.given = a || attr;
    l.n = a ? (int)a->count : attr ? attr->n : 0;
    for (int i = 0; i < l.n; i++)
        l.v[i] = a ? (int64_t)a->v[i] : attr->list[i];
    return l;
}

/* Is `axis` (of `rank`) in the list? */
static bool listed(const list *axes, int axis, int rank)
{
    for (int i = 0; i < axes->n; i++)
        if (positive(axes->v[i], rank) == axis) return true;
    return false;
}

static int squeezed(const or_array *x, const list *axes, int64_t *dims)
{
    int rank = 0;
    for (int i = 0; i < x->rank; i++)
        if (axes->given ? !listed(axes, i, x->rank) : x->dims[i] != 1) dims[rank++] = x->dims[i];
    return rank;
}

static int unsqueezed(const or_array *x, const list *axes, int64_t *dims)
{
    int rank = x->rank + axes->n, from = 0;
    for (int i = 0; i < rank; i++)
        dims[i] = listed(axes, i, rank) ? 1 : x->dims[from++];
    return rank;
}

static int flattened(const or_array *x, int axis, int64_t *dims)
{
    dims[0] = dims[1] = 1;
    for (int i = 0; i < x->rank; i++)
        dims[i < axis ? 0 : 1] *= x->dims[i];
    return 2;
}

/* 0 copies a dimension unless allowzero, -1 is what is left. */
static int reshaped(const or_array *x, const or_array *shape, bool allow_zero, int64_t *dims)
{
    int rank = (int)shape->count, open = -1;
    int64_t known = 1;
    for (int i = 0; i < rank; i++) {
        dims[i] = (int64_t)shape->v[i];
        if (dims[i] == 0 && !allow_zero) dims[i] = x->dims[i];
        if (dims[i] == -1)
            open = i;
        else
            known *= dims[i];
    }
    if (open >= 0) dims[open] = x->count / known;
    return rank;
}

bool or_same_elements(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0];
    const list axes = list_of(n, 1, "axes");
    int rank;
    int64_t dims[OR_MAX_RANK];
    if (!strcmp(n->op, "Flatten"))
        rank = flattened(x, positive(or_int(n, "axis", 1), x->rank), dims);
    else if (!strcmp(n->op, "Reshape"))
        rank = reshaped(x, n->in[1], or_int(n, "allowzero", 0) != 0, dims);
    else if (!strcmp(n->op, "Squeeze"))
        rank = squeezed(x, &axes, dims);
    else
        rank = unsqueezed(x, &axes, dims);
    or_array *y = or_new(rank, dims);
    y->integer = x->integer;
    if (y->count != x->count) {
        or_free(y);
        return false;
    }
    memcpy(y->v, x->v, (size_t)x->count * sizeof *x->v);
    out[0] = y;
    return true;
}

bool or_transpose(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0];
    const or_attr *perm = or_find(n, "perm");
    int64_t dims[OR_MAX_RANK], order[OR_MAX_RANK];
    for (int i = 0; i < x->rank; i++) {
        order[i] = perm ? perm->list[i] : x->rank - 1 - i;
        dims[i] = x->dims[order[i]];
    }
    or_array *y = or_new(x->rank, dims);
    for (int64_t at = 0; at < y->count; at++) {
        int64_t to[OR_MAX_RANK], from[OR_MAX_RANK];
        or_coordinates(y, at, to);
        for (int i = 0; i < x->rank; i++)
            from[order[i]] = to[i];
        y->v[at] = x->v[or_at(x, from)];
    }
    out[0] = y;
    return true;
}

/* Where coordinate `i` of the padded axis comes from in one of size `n`; -1: from nowhere. */
static int64_t source(const char *mode, int64_t i, int64_t n)
{
    if (i >= 0 && i < n) return i;
    if (mode[0] == 'e') return i < 0 ? 0 : n - 1;
    if (mode[0] == 'w') return (i % n + n) % n;
    if (mode[0] == 'r')
        while (i < 0 || i >= n)
            i = i < 0 ? -i : 2 * (n - 1) - i;
    return mode[0] == 'c' ? -1 : i;
}

/* Inputs: data, pads [begins, ends], constant_value, axes. A negative pad takes away. Before opset
 * 11 pads and value were attributes. */
bool or_pad(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0], *fill = n->n_in > 2 ? n->in[2] : NULL;
    const list pads = list_of(n, 1, "pads"), axes = list_of(n, 3, "axes");
    const char *mode = or_string(n, "mode", "constant");
    int64_t begin[OR_MAX_RANK] = {0}, dims[OR_MAX_RANK];
    memcpy(dims, x->dims, sizeof dims);
    for (int i = 0; i < pads.n / 2; i++) {
        int axis = axes.given ? positive(axes.v[i], x->rank) : i;
        begin[axis] = pads.v[i];
        dims[axis] += begin[axis] + pads.v[pads.n / 2 + i];
        if (dims[axis] < 0) return false;
    }
    or_array *y = or_new(x->rank, dims);
    for (int64_t at = 0; at < y->count; at++) {
        int64_t index[OR_MAX_RANK];
        bool outside = false;
        or_coordinates(y, at, index);
        for (int i = 0; i < x->rank; i++) {
            index[i] = source(mode, index[i] - begin[i], x->dims[i]);
            outside |= index[i] < 0;
        }
        double value = fill ? fill->v[0] : or_float(n, "value", 0);
        y->v[at] = outside ? value : x->v[or_at(x, index)];
    }
    out[0] = y;
    return true;
}

/* The attribute `value` is handed over as the float "value" here. */
bool or_constant_of_shape(const or_node *n, or_array **out)
{
    const or_array *shape = n->in[0];
    int64_t dims[OR_MAX_RANK];
    for (int64_t i = 0; i < shape->count; i++)
        dims[i] = (int64_t)shape->v[i];
    or_array *y = or_new((int)shape->count, dims);
    for (int64_t i = 0; i < y->count; i++)
        y->v[i] = or_float(n, "value", 0);
    out[0] = y;
    return true;
}
