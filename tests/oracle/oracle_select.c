/* SPDX-License-Identifier: MIT */
/* Operators that pick by indices, or put, sort, sum up or mark along an axis. All go element by
 * element from the definitions. */
#include "oracle.h"

#include <math.h>
#include <string.h>

enum { INT64 = 7 }; /* TensorProto.DataType */

static or_array *same_type(const or_array *like, int rank, const int64_t *dims)
{
    or_array *y = or_new(rank, dims);
    y->integer = like->integer;
    y->dtype = like->dtype;
    return y;
}

static int axis_of(const or_node *n, int64_t fallback, int rank)
{
    int64_t axis = or_int(n, "axis", fallback);
    return (int)(axis < 0 ? axis + rank : axis);
}

static int64_t positive(double index, int64_t n)
{
    return (int64_t)(index < 0 ? index + (double)n : index);
}

/* How many elements of the axis come before element i of it: greater ones, and equal ones to the
 * left. That many places behind the first it stands in the result. */
bool or_top_k(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0];
    int axis = axis_of(n, -1, x->rank);
    double sign = or_int(n, "largest", 1) ? 1 : -1;
    int64_t k = n->n_in > 1 ? (int64_t)n->in[1]->v[0] : or_int(n, "k", 0), dims[OR_MAX_RANK];
    memcpy(dims, x->dims, sizeof dims);
    dims[axis] = k;
    out[0] = same_type(x, x->rank, dims);
    out[1] = or_new(x->rank, dims);
    out[1]->integer = true;
    out[1]->dtype = INT64;
    for (int64_t e = 0; e < x->count; e++) {
        int64_t at[OR_MAX_RANK], place = 0;
        or_coordinates(x, e, at);
        int64_t i = at[axis];
        for (at[axis] = 0; at[axis] < x->dims[axis]; at[axis]++) {
            double other = sign * x->v[or_at(x, at)], mine = sign * x->v[e];
            place += other > mine || (other == mine && at[axis] < i);
        }
        at[axis] = place;
        if (place >= k) continue;
        out[0]->v[or_at(out[0], at)] = x->v[e];
        out[1]->v[or_at(out[1], at)] = (double)i;
    }
    return true;
}

bool or_gather_elements(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0], *indices = n->in[1];
    int axis = axis_of(n, 0, x->rank);
    or_array *y = same_type(x, indices->rank, indices->dims);
    for (int64_t e = 0; e < y->count; e++) {
        int64_t at[OR_MAX_RANK];
        or_coordinates(y, e, at);
        at[axis] = positive(indices->v[e], x->dims[axis]);
        y->v[e] = x->v[or_at(x, at)];
    }
    out[0] = y;
    return true;
}

bool or_gather_nd(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0], *indices = n->in[1];
    int batch = (int)or_int(n, "batch_dims", 0), lead = indices->rank - 1, rank = 0;
    int depth = (int)indices->dims[lead];
    int64_t dims[OR_MAX_RANK];
    for (int i = 0; i < lead; i++)
        dims[rank++] = indices->dims[i];
    for (int i = batch + depth; i < x->rank; i++)
        dims[rank++] = x->dims[i];
    or_array *y = same_type(x, rank, dims);
    for (int64_t e = 0; e < y->count; e++) {
        int64_t to[OR_MAX_RANK], row[OR_MAX_RANK], from[OR_MAX_RANK];
        or_coordinates(y, e, to);
        memcpy(row, to, sizeof row);
        for (int i = 0; i < batch; i++)
            from[i] = to[i];
        for (int i = 0; i < depth; i++) {
            row[lead] = i;
            from[batch + i] = positive(indices->v[or_at(indices, row)], x->dims[batch + i]);
        }
        for (int i = batch + depth; i < x->rank; i++)
            from[i] = to[lead + i - batch - depth];
        y->v[e] = x->v[or_at(x, from)];
    }
    out[0] = y;
    return true;
}

static double combine(const char *reduction, double there, double update)
{
    if (reduction[0] == 'a') return there + update;
    if (!strcmp(reduction, "mul")) return there * update;
    if (!strcmp(reduction, "max")) return fmax(there, update);
    if (!strcmp(reduction, "min")) return fmin(there, update);
    return update;
}

/* ScatterElements, Scatter and ScatterND: for each update, where it goes. */
bool or_scatter(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0], *indices = n->in[1], *updates = n->in[2];
    bool nd = !strcmp(n->op, "ScatterND");
    int axis = axis_of(n, 0, x->rank), lead = indices->rank - 1;
    or_array *y = or_copy(x);
    for (int64_t e = 0; e < updates->count; e++) {
        int64_t at[OR_MAX_RANK], to[OR_MAX_RANK];
        or_coordinates(updates, e, at);
        memcpy(to, at, sizeof to);
        if (!nd) {
            to[axis] = positive(indices->v[e], x->dims[axis]);
        } else {
            int64_t row[OR_MAX_RANK];
            int depth = (int)indices->dims[lead];
            memcpy(row, at, sizeof row);
            for (int i = 0; i < depth; i++) {
                row[lead] = i;
                to[i] = positive(indices->v[or_at(indices, row)], x->dims[i]);
            }
            for (int i = depth; i < x->rank; i++)
                to[i] = at[lead + i - depth];
        }
        double *v = &y->v[or_at(y, to)];
        y->slack[or_at(y, to)] +=
            or_string(n, "reduction", "none")[0] == 'n' ? 0 : 4 + 4 * fabs(*v);
        *v = combine(or_string(n, "reduction", "none"), *v, updates->v[e]);
    }
    out[0] = y;
    return true;
}

bool or_cum_sum(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0];
    int axis = (int)positive(n->in[1]->v[0], x->rank);
    bool exclusive = or_int(n, "exclusive", 0), reverse = or_int(n, "reverse", 0);
    or_array *y = same_type(x, x->rank, x->dims);
    for (int64_t e = 0; e < y->count; e++) {
        int64_t at[OR_MAX_RANK];
        or_coordinates(y, e, at);
        int64_t i = at[axis];
        for (at[axis] = 0; at[axis] < x->dims[axis]; at[axis]++) {
            bool counts = reverse ? at[axis] > i : at[axis] < i;
            if (!counts && (at[axis] != i || exclusive)) continue;
            y->v[e] += x->v[or_at(x, at)];
            y->slack[e] += 2 * fabs(x->v[or_at(x, at)]);
        }
    }
    out[0] = y;
    return true;
}

bool or_eye_like(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0];
    or_array *y = or_new(2, x->dims);
    int dtype = (int)or_int(n, "dtype", x->dtype);
    y->dtype = dtype;
    y->integer = dtype ? dtype != 1 && dtype != 11 : x->integer;
    for (int64_t e = 0; e < y->count; e++)
        y->v[e] = e % x->dims[1] - e / x->dims[1] == or_int(n, "k", 0);
    out[0] = y;
    return true;
}

bool or_one_hot(const or_node *n, or_array **out)
{
    const or_array *indices = n->in[0], *values = n->in[2];
    int axis = axis_of(n, -1, indices->rank + 1);
    int64_t depth = (int64_t)n->in[1]->v[0], dims[OR_MAX_RANK];
    for (int i = 0; i <= indices->rank; i++)
        dims[i] = i == axis ? depth : indices->dims[i - (i > axis)];
    or_array *y = same_type(values, indices->rank + 1, dims);
    for (int64_t e = 0; e < y->count; e++) {
        int64_t at[OR_MAX_RANK], from[OR_MAX_RANK];
        or_coordinates(y, e, at);
        for (int i = 0; i < indices->rank; i++)
            from[i] = at[i + (i >= axis)];
        y->v[e] = values->v[positive(indices->v[or_at(indices, from)], depth) == at[axis]];
    }
    out[0] = y;
    return true;
}

bool or_trilu(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0];
    int64_t k = n->n_in > 1 ? (int64_t)n->in[1]->v[0] : 0;
    or_array *y = same_type(x, x->rank, x->dims);
    for (int64_t e = 0; e < y->count; e++) {
        int64_t at[OR_MAX_RANK];
        or_coordinates(y, e, at);
        int64_t off = at[x->rank - 1] - at[x->rank - 2];
        y->v[e] = (or_int(n, "upper", 1) ? off >= k : off <= k) ? x->v[e] : 0;
    }
    out[0] = y;
    return true;
}

bool or_non_zero(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0];
    int64_t count = 0, at[OR_MAX_RANK];
    for (int64_t e = 0; e < x->count; e++)
        count += x->v[e] != 0;
    or_array *y = or_new(2, (int64_t[]){x->rank, count});
    y->integer = true;
    y->dtype = INT64;
    for (int64_t e = 0, column = 0; e < x->count; e++) {
        if (x->v[e] == 0) continue;
        or_coordinates(x, e, at);
        for (int i = 0; i < x->rank; i++)
            y->v[i * count + column] = (double)at[i];
        column++;
    }
    out[0] = y;
    return true;
}
