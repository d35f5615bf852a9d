/* SPDX-License-Identifier: MIT */
/* Normalisation of groups of elements: of channels, of the last dimensions, along axes. */
#include "oracle.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Which group an element belongs to: group[i] for element i of x, numbered from 0; how many. */
typedef struct grouping {
    int64_t n, *group;
    double *mean, *squares, *power, *largest, *count; /* [n]; squares: of distances from the mean */
} grouping;

static grouping group_by(const or_array *x, int64_t (*number)(const or_array *, int64_t, int64_t),
                         int64_t how, int64_t n, double p)
{
    grouping g = {.n = n, .group = malloc((size_t)x->count * sizeof(int64_t) + 1)};
    double **sums[] = {&g.mean, &g.squares, &g.power, &g.largest, &g.count};
    for (int i = 0; i < 5; i++)
        *sums[i] = calloc((size_t)n + 1, sizeof(double));
    for (int64_t i = 0; i < x->count; i++) {
        int64_t k = g.group[i] = number(x, i, how);
        g.mean[k] += x->v[i];
        g.power[k] += pow(fabs(x->v[i]), p);
        g.largest[k] = fmax(g.largest[k], fabs(x->v[i]));
        g.count[k] += 1;
    }
    for (int64_t k = 0; k < n; k++)
        g.mean[k] /= g.count[k];
    for (int64_t i = 0; i < x->count; i++) {
        double d = x->v[i] - g.mean[g.group[i]];
        g.squares[g.group[i]] += d * d;
    }
    return g;
}

static void ungroup(grouping *g)
{
    free(g->group);
    free(g->mean);
    free(g->squares);
    free(g->power);
    free(g->largest);
    free(g->count);
}

/* `how` groups of channels in each image. */
static int64_t by_channels(const or_array *x, int64_t i, int64_t how)
{
    int64_t index[OR_MAX_RANK];
    or_coordinates(x, i, index);
    return index[0] * how + index[1] / (x->dims[1] / how);
}

bool or_channel_norm(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0], *scale = n->in[1], *bias = n->in[2];
    int64_t groups = n->op[0] == 'G' ? or_int(n, "num_groups", 1) : x->dims[1];
    double epsilon = or_float(n, "epsilon", 1e-5);
    grouping g = group_by(x, by_channels, groups, x->dims[0] * groups, 2);
    or_array *y = or_new(x->rank, x->dims);
    for (int64_t i = 0; i < x->count; i++) {
        int64_t index[OR_MAX_RANK], k = g.group[i];
        or_coordinates(x, i, index);
        int64_t at = index[1] / (x->dims[1] / scale->count);
        double factor = scale->v[at] / sqrt(g.squares[k] / g.count[k] + epsilon);
        y->v[i] = (x->v[i] - g.mean[k]) * factor + bias->v[at];
        y->slack[i] = or_sum_slack(4, 2 * g.largest[k] * fabs(factor) + fabs(bias->v[at]));
    }
    ungroup(&g);
    out[0] = y;
    return true;
}

/* Everything from dimension `how` on is a group. */
static int64_t from_axis(const or_array *x, int64_t i, int64_t how)
{
    for (int d = (int)how; d < x->rank; d++)
        i /= x->dims[d];
    return i;
}

bool or_layer_norm(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0], *scale = n->in[1], *bias = n->n_in > 2 ? n->in[2] : NULL;
    bool rms = n->op[0] == 'R';
    int64_t axis = or_int(n, "axis", -1), dims[OR_MAX_RANK], number = 1;
    double epsilon = or_float(n, "epsilon", 1e-5);
    if (axis < 0) axis += x->rank;
    for (int d = 0; d < x->rank; d++) {
        dims[d] = d < axis ? x->dims[d] : 1;
        number *= dims[d];
    }
    grouping g = group_by(x, from_axis, axis, number, 2);
    or_array *y = or_new(x->rank, x->dims);
    or_array *mean = or_new(x->rank, dims), *inverse = or_new(x->rank, dims);
    for (int64_t k = 0; k < number; k++) {
        double squares = rms ? g.power[k] : g.squares[k];
        mean->v[k] = rms ? 0 : g.mean[k];
        mean->slack[k] = or_sum_slack(4, g.largest[k]);
        inverse->v[k] = 1 / sqrt(squares / g.count[k] + epsilon);
        inverse->slack[k] = 8 * inverse->v[k];
    }
    for (int64_t i = 0; i < x->count; i++) {
        int64_t index[OR_MAX_RANK], k = g.group[i];
        or_coordinates(x, i, index);
        double factor = inverse->v[k] * scale->v[or_broadcast_at(scale, x->rank, index)];
        double b = bias ? bias->v[or_broadcast_at(bias, x->rank, index)] : 0;
        y->v[i] = (x->v[i] - mean->v[k]) * factor + b;
        y->slack[i] = or_sum_slack(4, 2 * g.largest[k] * fabs(factor) + fabs(b));
    }
    ungroup(&g);
    or_array *all[] = {y, mean, inverse};
    for (int i = 0; i < 3; i++)
        if (i < n->n_out)
            out[i] = all[i];
        else
            or_free(all[i]);
    return true;
}

/* Elements that differ only in the dimensions whose bit is set in `how` are a group. */
static int64_t by_axes(const or_array *x, int64_t i, int64_t how)
{
    int64_t index[OR_MAX_RANK], number = 0;
    or_coordinates(x, i, index);
    for (int d = 0; d < x->rank; d++)
        if (!(how >> d & 1)) number = number * x->dims[d] + index[d];
    return number;
}

/* LpNormalization and MeanVarianceNormalization */
bool or_axis_norm(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0];
    const or_attr *axes = or_find(n, "axes");
    bool lp = n->op[0] == 'L';
    int64_t list[OR_MAX_LIST] = {0, 2, 3}, mask = 0, number = 1;
    int n_axes = lp ? 1 : axes ? axes->n : 3;
    double p = (double)or_int(n, "p", 2);
    if (lp) list[0] = or_int(n, "axis", -1);
    for (int i = 0; i < n_axes; i++) {
        int64_t d = !lp && axes ? axes->list[i] : list[i];
        mask |= INT64_C(1) << (d < 0 ? d + x->rank : d);
    }
    for (int d = 0; d < x->rank; d++)
        if (!(mask >> d & 1)) number *= x->dims[d];
    grouping g = group_by(x, by_axes, mask, number, p);
    or_array *y = or_new(x->rank, x->dims);
    for (int64_t i = 0; i < x->count; i++) {
        int64_t k = g.group[i];
        double norm = pow(g.power[k], 1 / p), deviation = sqrt(g.squares[k] / g.count[k]);
        if (lp)
            y->v[i] = norm == 0.0 ? 0 : x->v[i] / norm;
        else
            y->v[i] = (x->v[i] - g.mean[k]) / (deviation + 1e-9);
        y->slack[i] =
            lp ? 8 * fabs(y->v[i]) : or_sum_slack(4, 2 * g.largest[k] / (deviation + 1e-9));
    }
    ungroup(&g);
    out[0] = y;
    return true;
}
