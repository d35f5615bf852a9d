/* SPDX-License-Identifier: MIT */
/* Conv, Gemm, MatMul: sums of products. */
#include "oracle.h"

#include <math.h>
#include <stdlib.h>

/* Sum of products in progress: value, and the sum of absolute values. */
typedef struct dot {
    double sum, magnitude, terms;
} dot;

static void dot_add(dot *d, double a, double b)
{
    d->sum += a * b;
    d->magnitude += fabs(a * b);
    d->terms += 1;
}

/* y[n,k,o] = b[k] + sum over channels c and taps t of x[n,c,what o reads through t] * w[k,c,t],
 * group by group. */
bool or_conv(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0], *w = n->in[1], *b = n->n_in > 2 ? n->in[2] : NULL;
    int64_t groups = or_int(n, "group", 1);
    or_window axis[3];
    if (!or_windows(n, x, w->dims + 2, axis)) return false;
    int64_t channels = w->dims[1], filters = w->dims[0] / groups, taps = or_taps(axis);
    int64_t pixels = axis[0].in * axis[1].in * axis[2].in, outputs = or_outputs(axis);
    or_array *y = or_windowed(x, w->dims[0], axis);
    for (int64_t at = 0; at < y->count; at++) {
        int64_t o = at % outputs, k = at / outputs % w->dims[0], image = at / outputs / w->dims[0];
        dot d = {0};
        if (b) dot_add(&d, b->v[k], 1.0);
        for (int64_t c = 0; c < channels; c++)
            for (int64_t t = 0; t < taps; t++) {
                int64_t from = or_reads(axis, o, t);
                int64_t plane = image * x->dims[1] + k / filters * channels + c;
                if (from >= 0)
                    dot_add(&d, x->v[plane * pixels + from], w->v[(k * channels + c) * taps + t]);
            }
        y->v[at] = d.sum;
        y->slack[at] = or_sum_slack(d.terms, d.magnitude);
    }
    out[0] = y;
    return true;
}

/* Size of one side of a transposed convolution, and its padding, from Operators.md. */
static void turn(const or_node *n, int spatial, int i, or_window *w)
{
    const or_attr *extra = or_find(n, "output_padding"), *shape = or_find(n, "output_shape");
    const char *pad = or_string(n, "auto_pad", "NOTSET");
    int64_t all =
        w->stride * (w->in - 1) + (extra ? extra->list[i] : 0) + (w->k - 1) * w->dilation + 1;
    bool same = pad[0] == 'S';
    (void)spatial;
    w->out = w->in;
    if (same || shape) {
        w->in = shape ? shape->list[i] : w->out * w->stride;
        int64_t total = all > w->in ? all - w->in : 0;
        w->pad_begin = pad[0] == 'S' && pad[5] == 'U' ? total / 2 : total - total / 2;
        w->pad_end = total - w->pad_begin;
    } else {
        w->in = all - w->pad_begin - w->pad_end;
    }
}

/* Each element of x gives x * w to all places that a convolution would have read for it. */
bool or_conv_transpose(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0], *w = n->in[1], *b = n->n_in > 2 ? n->in[2] : NULL;
    const or_attr *strides = or_find(n, "strides"), *pads = or_find(n, "pads");
    const or_attr *dilations = or_find(n, "dilations");
    int spatial = x->rank - 2;
    int64_t groups = or_int(n, "group", 1), each = w->dims[1], channels = each * groups;
    int64_t dims[5] = {x->dims[0], channels}, pixels = 1;
    or_window axis[3];
    for (int i = 0; i < 3; i++)
        axis[i] = (or_window){.in = 1, .k = 1, .stride = 1, .dilation = 1, .out = 1};
    for (int i = 0; i < spatial; i++) {
        or_window *a = &axis[3 - spatial + i];
        *a = (or_window){.in = x->dims[2 + i],
                         .k = w->dims[2 + i],
                         .stride = strides ? strides->list[i] : 1,
                         .dilation = dilations ? dilations->list[i] : 1,
                         .pad_begin = pads ? pads->list[i] : 0,
                         .pad_end = pads ? pads->list[spatial + i] : 0};
        turn(n, spatial, i, a);
        if (a->in < 1) return false;
        dims[2 + i] = a->in;
        pixels *= a->in;
    }
    or_array *y = or_new(x->rank, dims);
    dot *sums = calloc((size_t)y->count, sizeof *sums);
    int64_t outputs = or_outputs(axis), taps = or_taps(axis);
    for (int64_t at = 0; at < x->count; at++) {
        int64_t o = at % outputs, k = at / outputs % x->dims[1], image = at / outputs / x->dims[1];
        int64_t group = k / (x->dims[1] / groups);
        for (int64_t c = 0; c < each; c++)
            for (int64_t t = 0; t < taps; t++) {
                int64_t to = or_reads(axis, o, t);
                if (to < 0) continue;
                dot_add(&sums[(image * channels + group * each + c) * pixels + to], x->v[at],
                        w->v[(k * each + c) * taps + t]);
            }
    }
    for (int64_t at = 0; at < y->count; at++) {
        if (b) dot_add(&sums[at], b->v[at / pixels % channels], 1.0);
        y->v[at] = sums[at].sum;
        y->slack[at] = or_sum_slack(sums[at].terms, sums[at].magnitude);
    }
    free(sums);
    out[0] = y;
    return true;
}

/* Y = alpha * op(A) * op(B) + beta * C */
bool or_gemm(const or_node *n, or_array **out)
{
    const or_array *a = n->in[0], *b = n->in[1], *c = n->n_in > 2 ? n->in[2] : NULL;
    bool ta = or_int(n, "transA", 0) != 0, tb = or_int(n, "transB", 0) != 0;
    double alpha = or_float(n, "alpha", 1), beta = or_float(n, "beta", 1);
    int64_t M = a->dims[ta ? 1 : 0], K = a->dims[ta ? 0 : 1], N = b->dims[tb ? 0 : 1];
    or_array *y = or_new(2, (int64_t[]){M, N});
    for (int64_t i = 0; i < M; i++)
        for (int64_t j = 0; j < N; j++) {
            dot d = {0};
            for (int64_t k = 0; k < K; k++)
                dot_add(&d, alpha * a->v[ta ? k * M + i : i * K + k],
                        b->v[tb ? j * K + k : k * N + j]);
            if (c) dot_add(&d, beta, c->v[or_broadcast_at(c, 2, (int64_t[]){i, j})]);
            y->v[i * N + j] = d.sum;
            y->slack[i * N + j] = or_sum_slack(d.terms, d.magnitude);
        }
    out[0] = y;
    return true;
}

/* numpy.matmul: vectors are a row on the left and a column on the right; leading dimensions are
 * batches and broadcast. */
bool or_matmul(const or_node *n, or_array **out)
{
    or_array a = *n->in[0], b = *n->in[1];
    bool row = a.rank == 1, column = b.rank == 1;
    if (row) {
        a.rank = 2, a.dims[1] = a.dims[0], a.dims[0] = 1;
    }
    if (column) {
        b.rank = 2, b.dims[1] = 1;
    }
    int64_t M = a.dims[a.rank - 2], K = a.dims[a.rank - 1], N = b.dims[b.rank - 1];
    int rank = 0;
    int64_t dims[OR_MAX_RANK];
    or_array a_batch = a, b_batch = b;
    a_batch.rank -= 2, b_batch.rank -= 2;
    if (!or_broadcast(&rank, dims, &a_batch) || !or_broadcast(&rank, dims, &b_batch)) return false;
    int batch_rank = rank;
    if (!row) dims[rank++] = M;
    if (!column) dims[rank++] = N;
    or_array *y = or_new(rank, dims);
    or_array batches = {.rank = batch_rank};
    for (int i = 0; i < batch_rank; i++)
        batches.dims[i] = dims[i];

    for (int64_t at = 0; at < y->count; at++) {
        int64_t index[OR_MAX_RANK], j = at % N, i = at / N % M;
        or_coordinates(&batches, at / N / M, index);
        const double *pa = a.v + or_broadcast_at(&a_batch, batch_rank, index) * M * K;
        const double *pb = b.v + or_broadcast_at(&b_batch, batch_rank, index) * K * N;
        dot d = {0};
        for (int64_t k = 0; k < K; k++)
            dot_add(&d, pa[i * K + k], pb[k * N + j]);
        y->v[at] = d.sum;
        y->slack[at] = or_sum_slack(d.terms, d.magnitude);
    }
    out[0] = y;
    return true;
}
