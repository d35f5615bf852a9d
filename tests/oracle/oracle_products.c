/* SPDX-License-Identifier: MIT */
/* Conv, Gemm, MatMul: sums of products. */
#include "oracle.h"

#include <math.h>

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

/* y[n,k,oh,ow] = b[k] + sum over c, r, s of x[n, c, oh * stride + r * dilation - pad, ...] * w,
 * group by group. */
bool or_conv(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0], *w = n->in[1], *b = n->n_in > 2 ? n->in[2] : NULL;
    int64_t groups = or_int(n, "group", 1);
    or_window axis[2];
    if (!or_windows(n, x, w->dims + 2, axis)) return false;
    const or_window h = axis[0], v = axis[1];
    int64_t channels = w->dims[1], filters = w->dims[0] / groups;
    int64_t dims[4] = {x->dims[0], w->dims[0], h.out, v.out};
    if (x->rank == 3) dims[2] = v.out;
    or_array *y = or_new(x->rank, dims);

    int64_t at = 0;
    for (int64_t image = 0; image < x->dims[0]; image++)
        for (int64_t k = 0; k < w->dims[0]; k++)
            for (int64_t oh = 0; oh < h.out; oh++)
                for (int64_t ow = 0; ow < v.out; ow++, at++) {
                    dot d = {0};
                    if (b) dot_add(&d, b->v[k], 1.0);
                    for (int64_t c = 0; c < channels; c++)
                        for (int64_t r = 0; r < h.k; r++)
                            for (int64_t s = 0; s < v.k; s++) {
                                int64_t ih = oh * h.stride + r * h.dilation - h.pad_begin;
                                int64_t iw = ow * v.stride + s * v.dilation - v.pad_begin;
                                if (ih < 0 || ih >= h.in || iw < 0 || iw >= v.in) continue;
                                int64_t plane = image * x->dims[1] + k / filters * channels + c;
                                dot_add(&d, x->v[(plane * h.in + ih) * v.in + iw],
                                        w->v[((k * channels + c) * h.k + r) * v.k + s]);
                            }
                    y->v[at] = d.sum;
                    y->slack[at] = or_sum_slack(d.terms, d.magnitude);
                }
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
