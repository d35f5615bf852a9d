/* SPDX-License-Identifier: MIT */
/* Axes that become one element each, or are cut, repeated, or turned into others. */
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

/* Does axis `axis` go? `axes` in an attribute or in input 1; none: all, or none of them. */
static bool goes(const or_node *n, int axis)
{
    const or_array *list = n->n_in > 1 ? n->in[1] : NULL;
    const or_attr *attr = or_find(n, "axes");
    int64_t count = list ? list->count : attr ? attr->n : 0;
    if (count == 0) return !or_int(n, "noop_with_empty_axes", 0);
    for (int64_t i = 0; i < count; i++) {
        int64_t a = list ? (int64_t)list->v[i] : attr->list[i];
        if ((a < 0 ? a + n->in[0]->rank : a) == axis) return true;
    }
    return false;
}

/* The elements that become element `to` of y, gathered in v: how many. `mask`: the axes that go. */
static int64_t gather(const or_array *x, const bool *mask, const int64_t *kept, double *v)
{
    int64_t count = 0, index[OR_MAX_RANK];
    for (int64_t k = 0; k < x->count; k++) {
        bool here = true;
        or_coordinates(x, k, index);
        for (int i = 0; i < x->rank; i++)
            here &= mask[i] || index[i] == kept[i];
        if (here) v[count++] = x->v[k];
    }
    return count;
}

/* One result from n numbers, and how far a float may be off. */
static double reduce(const char *kind, int64_t n, const double *v, double *slack)
{
    double sum = 0, size = 0, squares = 0, product = 1, most = -HUGE_VAL, least = HUGE_VAL,
           exps = 0;
    for (int64_t i = 0; i < n; i++) {
        sum += v[i];
        size += fabs(v[i]);
        squares += v[i] * v[i];
        product *= v[i];
        most = fmax(most, v[i]);
        least = fmin(least, v[i]);
    }
    for (int64_t i = 0; i < n; i++)
        exps += exp(v[i] - most);
    *slack = 0;
    if (!strcmp(kind, "Max")) return most;
    if (!strcmp(kind, "Min")) return least;
    *slack = 2 * fabs(product);
    if (!strcmp(kind, "Prod")) return product;
    *slack = or_sum_slack((double)n, size);
    if (!strcmp(kind, "Sum")) return sum;
    if (!strcmp(kind, "L1")) return size;
    if (!strcmp(kind, "LogSum")) return *slack = 4 + 2 * *slack / sum, log(sum);
    if (!strcmp(kind, "LogSumExp"))
        return *slack = 4 * (1 + fabs(most + log(exps))), most + log(exps);
    if (!strcmp(kind, "Mean")) return *slack /= (double)n, sum / (double)n;
    *slack = or_sum_slack((double)n, squares);
    if (!strcmp(kind, "SumSquare")) return squares;
    *slack = 2 * sqrt(squares);
    return sqrt(squares); /* L2 */
}

bool or_reduce(const or_node *n, or_array **out)
{
    enum { MOST = 1 << 18 };
    static double v[MOST];
    const or_array *x = n->in[0];
    bool keep = or_int(n, "keepdims", 1), mask[OR_MAX_RANK];
    int64_t dims[OR_MAX_RANK], rank = 0;
    for (int i = 0; i < x->rank; i++) {
        mask[i] = goes(n, i);
        if (!mask[i] || keep) dims[rank++] = mask[i] ? 1 : x->dims[i];
    }
    or_array *y = same_type(x, (int)rank, dims);
    for (int64_t k = 0; k < y->count; k++) {
        int64_t to[OR_MAX_RANK], kept[OR_MAX_RANK] = {0};
        or_coordinates(y, k, to);
        for (int i = 0, from = 0; i < x->rank; i++) {
            if (!mask[i]) kept[i] = to[from];
            if (!mask[i] || keep) from++;
        }
        y->v[k] = reduce(n->op + strlen("Reduce"), gather(x, mask, kept, v), v, &y->slack[k]);
        if (y->integer) y->v[k] = trunc(y->v[k]);
    }
    out[0] = y;
    return true;
}

bool or_arg_extreme(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0];
    int64_t axis = or_int(n, "axis", 0), dims[OR_MAX_RANK], rank = 0;
    bool keep = or_int(n, "keepdims", 1), last = or_int(n, "select_last_index", 0);
    double sign = !strcmp(n->op, "ArgMax") ? 1 : -1;
    if (axis < 0) axis += x->rank;
    for (int i = 0; i < x->rank; i++)
        if (i != axis || keep) dims[rank++] = i == axis ? 1 : x->dims[i];
    or_array *y = or_new((int)rank, dims);
    y->integer = true;
    y->dtype = INT64;
    for (int64_t k = 0; k < y->count; k++) {
        int64_t to[OR_MAX_RANK], at[OR_MAX_RANK], best = 0;
        or_coordinates(y, k, to);
        for (int i = 0, from = 0; i < x->rank; i++) {
            at[i] = i == axis ? 0 : to[from];
            if (i != axis || keep) from++;
        }
        double value = sign * x->v[or_at(x, at)];
        for (at[axis] = 1; at[axis] < x->dims[axis]; at[axis]++) {
            double v = sign * x->v[or_at(x, at)];
            if (v > value || (last && v >= value)) value = v, best = at[axis];
        }
        y->v[k] = (double)best;
    }
    out[0] = y;
    return true;
}

bool or_split(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0], *sizes = n->n_in > 1 ? n->in[1] : NULL;
    const or_attr *attr = or_find(n, "split");
    int64_t axis = or_int(n, "axis", 0), start = 0, dims[OR_MAX_RANK];
    if (axis < 0) axis += x->rank;
    for (int o = 0; o < n->n_out; o++) {
        int64_t alike = (x->dims[axis] + n->n_out - 1) / n->n_out;
        int64_t size = sizes  ? (int64_t)sizes->v[o]
                       : attr ? attr->list[o]
                              : (start + alike > x->dims[axis] ? x->dims[axis] - start : alike);
        memcpy(dims, x->dims, sizeof dims);
        dims[axis] = size;
        out[o] = same_type(x, x->rank, dims);
        for (int64_t k = 0; k < out[o]->count; k++) {
            int64_t at[OR_MAX_RANK];
            or_coordinates(out[o], k, at);
            at[axis] += start;
            out[o]->v[k] = x->v[or_at(x, at)];
        }
        start += size;
    }
    return true;
}

bool or_tile(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0];
    int64_t dims[OR_MAX_RANK];
    memcpy(dims, x->dims, sizeof dims);
    if (n->opset < 6)
        dims[(int)n->in[2]->v[0]] *= (int64_t)n->in[1]->v[0];
    else
        for (int i = 0; i < x->rank; i++)
            dims[i] *= (int64_t)n->in[1]->v[i];
    or_array *y = same_type(x, x->rank, dims);
    for (int64_t k = 0; k < y->count; k++) {
        int64_t at[OR_MAX_RANK];
        or_coordinates(y, k, at);
        for (int i = 0; i < x->rank; i++)
            at[i] %= x->dims[i];
        y->v[k] = x->v[or_at(x, at)];
    }
    out[0] = y;
    return true;
}

/* DepthToSpace and SpaceToDepth: the wide side's pixel (y, x) of channel c is, on the deep side, in
 * pixel (y / b, x / b) the channel of block place (y % b, x % b). */
bool or_blocks(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0];
    bool to_wide = n->op[0] == 'D', crd = !strcmp(or_string(n, "mode", "DCR"), "CRD");
    int64_t b = or_int(n, "blocksize", 1), c = to_wide ? x->dims[1] / (b * b) : x->dims[1];
    int64_t wide[4] = {x->dims[0], c, to_wide ? x->dims[2] * b : x->dims[2],
                       to_wide ? x->dims[3] * b : x->dims[3]};
    int64_t deep[4] = {x->dims[0], c * b * b, wide[2] / b, wide[3] / b};
    or_array *w = same_type(x, 4, wide), *d = same_type(x, 4, deep);
    const double *from = x->v;
    for (int64_t k = 0; k < w->count; k++) {
        int64_t at[4], place;
        or_coordinates(w, k, at);
        place = at[2] % b * b + at[3] % b;
        int64_t there = or_at(d, (int64_t[]){at[0], crd ? at[1] * b * b + place : place * c + at[1],
                                             at[2] / b, at[3] / b});
        w->v[k] = to_wide ? from[there] : 0;
        if (!to_wide) d->v[there] = from[k];
    }
    out[0] = to_wide ? w : d;
    or_free(to_wide ? d : w);
    return true;
}
