/* SPDX-License-Identifier: MIT */
#include "draw_sheet.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Random numbers: SplitMix64 (Steele 2014, "Fast splittable pseudorandom number generators") --- */

uint64_t draw_u64(draw_rng *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

int64_t draw_int(draw_rng *r, int64_t lo, int64_t hi)
{
    return lo + (int64_t)(draw_u64(r) % (uint64_t)(hi - lo + 1));
}

bool draw_chance(draw_rng *r, int percent)
{
    return draw_int(r, 0, 99) < percent;
}

double draw_uniform(draw_rng *r, double lo, double hi)
{
    return (double)(float)(lo + (hi - lo) * (double)(draw_u64(r) >> 40) / 16777216.0);
}

int64_t draw_one_of(draw_rng *r, const int64_t *list, size_t n)
{
    return list[draw_int(r, 0, (int64_t)n - 1)];
}

int64_t channels(draw_rng *r)
{
    return ONE_OF(r, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33);
}

/* --- Values -------------------------------------------------------------------------------- */

static void spaced(draw_rng *r, double lo, double hi, or_array *a)
{
    for (int64_t i = 0; i < a->count; i++) {
        double place = ((double)i + 0.25 + 0.5 * draw_uniform(r, 0, 1)) / (double)a->count;
        a->v[i] = (double)(float)(lo + (hi - lo) * place);
    }
    for (int64_t i = a->count - 1; i > 0; i--) {
        int64_t j = draw_int(r, 0, i);
        double t = a->v[i];
        a->v[i] = a->v[j];
        a->v[j] = t;
    }
}

void draw_values(draw_rng *r, enum draw_fill fill, double lo, double hi, or_array *a)
{
    if (fill == DRAW_SPACED) {
        spaced(r, lo, hi, a);
        return;
    }
    for (int64_t i = 0; i < a->count; i++)
        a->v[i] = fill == DRAW_UNIFORM
                      ? draw_uniform(r, lo, hi)
                      : (double)draw_int(r, (int64_t)floor(4 * lo), (int64_t)ceil(4 * hi));
}

/* --- Shapes -------------------------------------------------------------------------------- */

or_array *give(sheet *s, int rank, const int64_t *dims, double lo, double hi)
{
    or_array *a = or_new(rank, dims);
    draw_values(&s->r, s->fill, lo, hi, a);
    s->c->node.in[s->c->node.n_in++] = a;
    return a;
}

or_array *give_typed(sheet *s, int dtype, int rank, const int64_t *dims, int64_t lo, int64_t hi)
{
    or_array *a = or_new(rank, dims);
    a->integer = true;
    a->dtype = dtype;
    for (int64_t i = 0; i < a->count; i++)
        a->v[i] = (double)draw_int(&s->r, lo, hi);
    s->c->node.in[s->c->node.n_in++] = a;
    return a;
}

void give_integers(sheet *s, int n, const int64_t *values)
{
    or_array *a = or_new(1, (int64_t[]){n});
    for (int i = 0; i < n; i++)
        a->v[i] = (double)values[i];
    a->integer = true;
    s->c->constant |= 1u << s->c->node.n_in;
    s->c->node.in[s->c->node.n_in++] = a;
}

void leave_out(sheet *s)
{
    s->c->node.in[s->c->node.n_in++] = NULL;
}

void maybe_constant(sheet *s, int input, int percent)
{
    if (draw_chance(&s->r, percent)) s->c->constant |= 1u << input;
}

int64_t product(int rank, const int64_t *dims)
{
    int64_t p = 1;
    for (int i = 0; i < rank; i++)
        p *= dims[i];
    return p;
}

int shape(sheet *s, int lo, int hi, int64_t *dims)
{
    int rank = (int)draw_int(&s->r, lo, hi);
    if (lo <= 4 && hi >= 4 && draw_chance(&s->r, 40)) rank = 4;
    do {
        for (int i = 0; i < rank; i++)
            dims[i] = ONE_OF(&s->r, 1, 1, 2, 3, 4, 5, 6, 7, 8, 13, 16, 17, 31);
    } while (product(rank, dims) > s->budget);
    return rank;
}

int image(sheet *s, int64_t *dims)
{
    int rank = draw_chance(&s->r, 85) ? 4 : 3;
    do {
        dims[0] = draw_int(&s->r, 1, 3);
        dims[1] = channels(&s->r);
        for (int i = 2; i < rank; i++)
            dims[i] = ONE_OF(&s->r, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 16);
    } while (product(rank, dims) > s->budget);
    return rank;
}

int narrower(sheet *s, int rank, const int64_t *dims, int64_t *out)
{
    int drop = draw_chance(&s->r, 40) ? (int)draw_int(&s->r, 0, rank) : 0;
    bool ones = draw_chance(&s->r, 50);
    for (int i = drop; i < rank; i++)
        out[i - drop] = ones && draw_chance(&s->r, 50) ? 1 : dims[i];
    return rank - drop;
}

/* --- Windows ------------------------------------------------------------------------------- */

typedef struct windows {
    int spatial;
    int64_t k[3], stride[3], dilation[3], pads[6], in[3];
    const char *auto_pad;
} windows;

/* Mostly images; lines and volumes, too. */
static int spatial(sheet *s)
{
    return draw_chance(&s->r, 75) ? 2 : draw_chance(&s->r, 50) ? 1 : 3;
}

static void draw_windows(sheet *s, bool dilated, int spatial, windows *w)
{
    draw_rng *r = &s->r;
    *w = (windows){.spatial = spatial};
    bool square = draw_chance(r, 60), pointwise = draw_chance(r, 30);
    if (draw_chance(r, 20))
        w->auto_pad = (const char *[]){"SAME_UPPER", "SAME_LOWER", "VALID"}[draw_int(r, 0, 2)];
    bool padded = !w->auto_pad && draw_chance(r, 60);
    for (int i = 0; i < spatial; i++) {
        w->k[i] = pointwise ? 1 : ONE_OF(r, 1, 2, 3, 3, 3, 4, 5, 7);
        w->stride[i] = ONE_OF(r, 1, 1, 1, 2, 2, 3, 4);
        w->dilation[i] = dilated && draw_chance(r, 30) ? draw_int(r, 2, 3) : 1;
        if (square && i)
            w->k[i] = w->k[0], w->stride[i] = w->stride[0], w->dilation[i] = w->dilation[0];
        int64_t extent = (w->k[i] - 1) * w->dilation[i] + 1;
        for (int end = 0; end < 2 && padded; end++)
            w->pads[i + end * spatial] = draw_int(r, 0, extent > 1 ? extent - 1 : 2);
        int64_t least = extent - w->pads[i] - w->pads[i + spatial];
        if (w->auto_pad && strcmp(w->auto_pad, "VALID")) least = 1;
        if (least < 1) least = 1;
        w->in[i] = draw_chance(r, 15) ? least : least + draw_int(r, 0, 9);
    }
}

/* Attributes, those that are at their default sometimes left out. */
static void set_windows(sheet *s, const windows *w)
{
    static const int64_t one[3] = {1, 1, 1}, none[6] = {0};
    size_t bytes = (size_t)w->spatial * sizeof(int64_t);
    or_node *n = &s->c->node;
    if (w->auto_pad) or_set_string(n, "auto_pad", w->auto_pad);
    if (memcmp(w->stride, one, bytes) || draw_chance(&s->r, 50))
        or_set_ints(n, "strides", w->spatial, w->stride);
    if (memcmp(w->dilation, one, bytes)) or_set_ints(n, "dilations", w->spatial, w->dilation);
    if (memcmp(w->pads, none, 2 * bytes) || (!w->auto_pad && draw_chance(&s->r, 50)))
        or_set_ints(n, "pads", 2 * w->spatial, w->pads);
}

void draw_conv(sheet *s)
{
    draw_rng *r = &s->r;
    windows w;
    int64_t n, c, k, g, macs;
    do {
        draw_windows(s, true, spatial(s), &w);
        n = draw_int(r, 1, 3);
        switch (draw_int(r, 0, 9)) {
        case 0: /* depthwise, with a multiplier sometimes */
        case 1:
            g = channels(r), c = g, k = g * ONE_OF(r, 1, 1, 2, 3);
            break;
        case 2:
        case 3:
            g = draw_int(r, 2, 5), c = g * draw_int(r, 1, 6), k = g * draw_int(r, 1, 9);
            break;
        default:
            g = 1, c = channels(r), k = channels(r);
        }
        macs = n * k * (c / g);
        for (int i = 0; i < w.spatial; i++)
            macs *= w.k[i] * ((w.in[i] + w.pads[i] + w.pads[i + w.spatial]) / w.stride[i] + 1);
    } while (macs > s->budget);

    int64_t x[5] = {n, c, w.in[0], w.in[1], w.in[2]};
    int64_t weights[5] = {k, c / g, w.k[0], w.k[1], w.k[2]};
    give(s, 2 + w.spatial, x, -1, 1);
    give(s, 2 + w.spatial, weights, -1, 1);
    if (draw_chance(r, 60)) give(s, 1, &k, -1, 1);
    set_windows(s, &w);
    if (draw_chance(r, 70)) or_set_ints(&s->c->node, "kernel_shape", w.spatial, w.k);
    if (g > 1 || draw_chance(r, 30)) or_set_int(&s->c->node, "group", g);
    maybe_constant(s, 1, 70);
    maybe_constant(s, 2, 80);
    s->c->exact = s->fill == DRAW_INTEGER;
}

/* Windows that lie in the padding as a whole are refused by most who run networks, Pinhole among
 * them: not drawn. */
static bool windows_touch(const windows *w)
{
    for (int i = 0; i < 2 * w->spatial; i++)
        if (w->pads[i] > (w->k[i % w->spatial] - 1) * w->dilation[i % w->spatial]) return false;
    return true;
}

void draw_pool(sheet *s)
{
    draw_rng *r = &s->r;
    or_node *n = &s->c->node;
    bool average = n->op[0] == 'A', norm = n->op[0] == 'L';
    windows w;
    int64_t x[5];
    do {
        draw_windows(s, true, spatial(s), &w);
        x[0] = draw_int(r, 1, 3), x[1] = channels(r);
        memcpy(x + 2, w.in, sizeof w.in);
    } while (!windows_touch(&w) || product(2 + w.spatial, x) * product(w.spatial, w.k) > s->budget);
    give(s, 2 + w.spatial, x, -1, 1);
    or_set_ints(n, "kernel_shape", w.spatial, w.k);
    set_windows(s, &w);
    if (!w.auto_pad && draw_chance(r, 40)) or_set_int(n, "ceil_mode", draw_int(r, 0, 1));
    if (average && draw_chance(r, 50)) or_set_int(n, "count_include_pad", draw_int(r, 0, 1));
    if (average && or_find(n, "dilations")) n->opset = 19;
    if (norm) n->opset = 18;
    if (norm && draw_chance(r, 60)) or_set_int(n, "p", draw_int(r, 1, 4));
    if (!average && !norm && s->fill != DRAW_SPACED && draw_chance(r, 20)) {
        n->n_out = 2;
        if (draw_chance(r, 50)) or_set_int(n, "storage_order", draw_int(r, 0, 1));
    }
    s->c->exact = !average && !norm;
}

void draw_conv_transpose(sheet *s)
{
    draw_rng *r = &s->r;
    or_node *node = &s->c->node;
    windows w;
    int64_t n, k, each, g, macs, extra[3] = {0}, shape[3], pads[6];
    do {
        draw_windows(s, true, spatial(s), &w);
        n = draw_int(r, 1, 2);
        g = draw_chance(r, 70) ? 1 : draw_int(r, 2, 5);
        k = g * ONE_OF(r, 1, 2, 3, 5, 8, 9, 17);
        each = g > 1 && draw_chance(r, 50) ? 1 : ONE_OF(r, 1, 2, 3, 5, 8, 9, 17);
        macs = n * k * each;
        for (int i = 0; i < w.spatial; i++) {
            w.in[i] = draw_int(r, 1, 7);
            macs *= w.k[i] * w.in[i];
        }
    } while (macs > s->budget);
    int64_t x[5] = {n, k, w.in[0], w.in[1], w.in[2]};
    int64_t weights[5] = {k, each, w.k[0], w.k[1], w.k[2]}, c = each * g;
    give(s, 2 + w.spatial, x, -1, 1);
    give(s, 2 + w.spatial, weights, -1, 1);
    if (draw_chance(r, 60)) give(s, 1, &c, -1, 1);
    bool sized = !w.auto_pad && draw_chance(r, 20);
    for (int i = 0; i < w.spatial; i++) {
        int64_t full = (w.in[i] - 1) * w.stride[i] + (w.k[i] - 1) * w.dilation[i] + 1;
        extra[i] = draw_int(r, 0, w.stride[i] - 1);
        shape[i] = full > 3 ? full - draw_int(r, 0, 2) : full;
        for (int end = 0; end < 2; end++) /* something must be left */
            pads[i + end * w.spatial] = full > 4 ? w.pads[i + end * w.spatial] % 2 : 0;
    }
    if (w.auto_pad) memset(pads, 0, sizeof pads);
    memcpy(w.pads, pads, sizeof pads);
    if (sized) memset(w.pads, 0, sizeof w.pads);
    set_windows(s, &w);
    if (sized)
        or_set_ints(node, "output_shape", w.spatial, shape);
    else if (draw_chance(r, 40))
        or_set_ints(node, "output_padding", w.spatial, extra);
    if (draw_chance(r, 50)) or_set_ints(node, "kernel_shape", w.spatial, w.k);
    if (g > 1) or_set_int(node, "group", g);
    maybe_constant(s, 1, 70);
    maybe_constant(s, 2, 80);
    s->c->exact = s->fill == DRAW_INTEGER;
}

void draw_max_unpool(sheet *s)
{
    draw_rng *r = &s->r;
    int64_t x[4] = {draw_int(r, 1, 2), draw_int(r, 1, 4), draw_int(r, 1, 5), draw_int(r, 1, 5)};
    int64_t k[2], full[4] = {x[0], x[1]};
    give(s, 4, x, 1, 2);
    for (int i = 0; i < 2; i++) {
        k[i] = draw_int(r, 1, 2);
        full[2 + i] = x[2 + i] * k[i];
    }
    or_array *at = or_new(4, x); /* each window's place, shifted within it */
    at->integer = true;
    for (int64_t i = 0; i < at->count; i++) {
        int64_t w = i % x[3], h = i / x[3] % x[2], plane = i / x[3] / x[2];
        int64_t y = h * k[0] + draw_int(r, 0, k[0] - 1), z = w * k[1] + draw_int(r, 0, k[1] - 1);
        at->v[i] = (double)((plane * full[2] + y) * full[3] + z);
    }
    s->c->node.in[s->c->node.n_in++] = at;
    if (draw_chance(r, 30)) {
        full[2] += draw_int(r, 0, 1);
        full[3] += draw_int(r, 0, 1);
        give_integers(s, 4, full);
    }
    or_set_ints(&s->c->node, "kernel_shape", 2, k);
    or_set_ints(&s->c->node, "strides", 2, k);
    s->c->exact = true;
}

void draw_global_pool(sheet *s)
{
    int64_t dims[4];
    int rank = image(s, dims);
    give(s, rank, dims, -1, 1);
    if (s->c->node.op[6] == 'L' && draw_chance(&s->r, 60))
        or_set_int(&s->c->node, "p", draw_int(&s->r, 1, 4));
    s->c->exact = !strcmp(s->c->node.op, "GlobalMaxPool");
}

void draw_gemm(sheet *s)
{
    draw_rng *r = &s->r;
    or_node *n = &s->c->node;
    int64_t M, N, K;
    do {
        M = ONE_OF(r, 1, 1, 2, 3, 5, 6, 7, 8, 13, 16, 17, 31);
        N = ONE_OF(r, 1, 2, 3, 5, 8, 10, 15, 16, 17, 31, 33, 64);
        K = ONE_OF(r, 1, 2, 3, 4, 7, 8, 9, 16, 31, 64, 129, 300);
    } while (M * N * K > s->budget);
    bool ta = draw_chance(r, 30), tb = draw_chance(r, 50);
    give(s, 2, ta ? (int64_t[]){K, M} : (int64_t[]){M, K}, -1, 1);
    give(s, 2, tb ? (int64_t[]){N, K} : (int64_t[]){K, N}, -1, 1);
    const int64_t shapes[6][2] = {{N}, {1, N}, {M, N}, {M, 1}, {1}, {1}};
    static const int ranks[6] = {1, 2, 2, 2, 1, 0};
    int64_t which = draw_int(r, 0, 7);
    if (which < 6) give(s, ranks[which], shapes[which], -1, 1);
    if (draw_chance(r, 20)) n->opset = which < 6 ? (int)ONE_OF(r, 7, 9) : 11;
    if (ta || draw_chance(r, 20)) or_set_int(n, "transA", ta);
    if (tb || draw_chance(r, 20)) or_set_int(n, "transB", tb);
    if (draw_chance(r, 40))
        or_set_float(n, "alpha", s->fill == DRAW_INTEGER ? -2 : draw_uniform(r, -2, 2));
    if (draw_chance(r, 40))
        or_set_float(n, "beta", s->fill == DRAW_INTEGER ? 3 : draw_uniform(r, -2, 2));
    maybe_constant(s, 1, 60);
    maybe_constant(s, 2, 60);
    s->c->exact = s->fill == DRAW_INTEGER;
}

void draw_matmul(sheet *s)
{
    draw_rng *r = &s->r;
    int64_t M, N, K, batch[2], a[4], b[4];
    do {
        M = ONE_OF(r, 1, 2, 3, 5, 7, 8, 16, 17, 31);
        N = ONE_OF(r, 1, 2, 3, 8, 15, 16, 17, 33);
        K = ONE_OF(r, 1, 2, 3, 4, 9, 16, 31, 64, 200);
        batch[0] = draw_int(r, 1, 3), batch[1] = draw_int(r, 1, 4);
    } while (M * N * K * batch[0] * batch[1] > s->budget);
    int batches_a = (int)ONE_OF(r, 0, 0, 1, 2), batches_b = (int)ONE_OF(r, 0, 0, 1, 2);
    for (int i = 0; i < batches_a; i++)
        a[i] = draw_chance(r, 25) ? 1 : batch[2 - batches_a + i];
    for (int i = 0; i < batches_b; i++)
        b[i] = draw_chance(r, 25) ? 1 : batch[2 - batches_b + i];
    a[batches_a] = M, a[batches_a + 1] = K;
    b[batches_b] = K, b[batches_b + 1] = N;
    bool row = draw_chance(r, 10), column = draw_chance(r, 10);
    if (row)
        give(s, 1, &K, -1, 1);
    else
        give(s, batches_a + 2, a, -1, 1);
    if (column)
        give(s, 1, &K, -1, 1);
    else
        give(s, batches_b + 2, b, -1, 1);
    maybe_constant(s, 1, 50);
    s->c->exact = s->fill == DRAW_INTEGER;
}

void draw_batch_normalization(sheet *s)
{
    draw_rng *r = &s->r;
    or_node *n = &s->c->node;
    int64_t dims[5];
    int rank = image(s, dims);
    if (draw_chance(r, 15)) rank = 2;
    bool training = draw_chance(r, 30);
    bool each = !training && rank > 2 && s->fill != DRAW_SPACED && draw_chance(r, 15);
    int of = each ? rank - 1 : 1; /* dimensions of the statistics */
    give(s, rank, dims, -1, 1);
    give(s, of, &dims[1], -1.5, 1.5);
    give(s, of, &dims[1], -1, 1);
    give(s, of, &dims[1], -0.5, 0.5);
    give(s, of, &dims[1], 0.25, 2);
    for (int i = 1; i < 5; i++)
        maybe_constant(s, i, 80);
    if (each) {
        n->opset = 7;
        or_set_int(n, "spatial", 0);
    } else if (training) {
        or_set_int(n, "training_mode", 1);
        n->n_out = 3;
    } else if (draw_chance(r, 30)) {
        n->opset = (int)ONE_OF(r, 9, 14);
    }
    if (draw_chance(r, 50)) or_set_float(n, "epsilon", draw_chance(r, 50) ? 1e-3 : 1e-2);
    if (draw_chance(r, 30)) or_set_float(n, "momentum", draw_uniform(r, 0.5, 0.99));
}

void draw_lrn(sheet *s)
{
    draw_rng *r = &s->r;
    or_node *n = &s->c->node;
    int64_t dims[4];
    int rank = image(s, dims);
    give(s, rank, dims, -1, 1);
    or_set_int(n, "size", draw_int(r, 1, 7));
    if (draw_chance(r, 70)) or_set_float(n, "alpha", draw_uniform(r, 0.01, 2));
    if (draw_chance(r, 40))
        or_set_float(n, "beta", draw_uniform(r, 0.2, 1.5));
    else if (draw_chance(r, 60)) /* those that are roots */
        or_set_float(n, "beta", (double)draw_int(r, 2, 4) / 4);
    if (draw_chance(r, 50)) or_set_float(n, "bias", draw_uniform(r, 0.5, 2));
}

void draw_softmax(sheet *s)
{
    int64_t dims[5];
    int rank = shape(s, 1, 5, dims);
    double reach = s->fill == DRAW_UNIFORM ? (double)ONE_OF(&s->r, 1, 5, 20, 60) : 2;
    give(s, rank, dims, -reach, reach);
    if (draw_chance(&s->r, 25)) s->c->node.opset = (int)draw_int(&s->r, 11, 12);
    if (draw_chance(&s->r, 80) || rank == 1)
        or_set_int(&s->c->node, "axis", draw_int(&s->r, -rank, rank - 1));
}

void draw_unary(sheet *s)
{
    or_node *n = &s->c->node;
    int64_t dims[6];
    int rank = shape(s, 0, 6, dims);
    bool hard = n->op[0] == 'H', relu = !strcmp(n->op, "Relu");
    double reach = hard                     ? 5
                   : relu                   ? 1
                   : s->fill == DRAW_SPACED ? 3
                   : draw_chance(&s->r, 80) ? 4
                                            : 30;
    give(s, rank, dims, relu ? -0.5 : hard ? -3 : -reach, relu ? 1.5 : reach);
    if (!strcmp(n->op, "LeakyRelu") && draw_chance(&s->r, 70))
        or_set_float(n, "alpha", draw_uniform(&s->r, -0.5, 0.5));
    if (!strcmp(n->op, "HardSigmoid") && draw_chance(&s->r, 70)) {
        or_set_float(n, "alpha", draw_uniform(&s->r, 0.1, 0.4));
        or_set_float(n, "beta", draw_uniform(&s->r, 0.3, 0.7));
    }
    s->c->exact = relu || !strcmp(n->op, "Identity");
}

void draw_clip(sheet *s)
{
    int64_t dims[6];
    int rank = shape(s, 0, 5, dims);
    bool lo = draw_chance(&s->r, 75), hi = draw_chance(&s->r, 75);
    give(s, rank, dims, -2, 2);
    s->c->exact = true;
    if (draw_chance(&s->r, 15)) { /* bounds as attributes */
        s->c->node.opset = (int)draw_int(&s->r, 6, 10);
        if (lo) or_set_float(&s->c->node, "min", draw_uniform(&s->r, -1.5, -0.5));
        if (hi) or_set_float(&s->c->node, "max", draw_uniform(&s->r, 0.5, 1.5));
        return;
    }
    if (lo)
        give(s, 0, NULL, -1.5, -0.5);
    else
        leave_out(s);
    if (hi) give(s, 0, NULL, 0.5, 1.5);
    maybe_constant(s, 1, 70);
    maybe_constant(s, 2, 70);
}

void draw_binary(sheet *s)
{
    int64_t dims[6], a[6], b[6];
    int rank = shape(s, 0, 5, dims);
    int rank_a = draw_chance(&s->r, 60) ? rank : narrower(s, rank, dims, a);
    if (rank_a == rank) memcpy(a, dims, sizeof a);
    int rank_b = narrower(s, rank, dims, b);
    bool swap = draw_chance(&s->r, 30), divide = s->c->node.op[0] == 'D';
    give(s, swap ? rank_b : rank_a, swap ? b : a, -1, 1);
    or_array *right = give(s, swap ? rank_a : rank_b, swap ? a : b, divide ? 0.5 : -1, 1.5);
    for (int64_t i = 0; divide && i < right->count; i++)
        if (i % 3 == 1) right->v[i] = -right->v[i];
    maybe_constant(s, (int)draw_int(&s->r, 0, 1), 40);
}

void draw_sum(sheet *s)
{
    int64_t dims[6], other[6];
    int rank = shape(s, 0, 5, dims), n = (int)draw_int(&s->r, 1, 5);
    for (int i = 0; i < n; i++) {
        bool full = draw_chance(&s->r, 60);
        int rank_i = full ? rank : narrower(s, rank, dims, other);
        give(s, rank_i, full ? dims : other, -1, 1);
    }
    maybe_constant(s, n - 1, n > 1 ? 30 : 0);
    s->c->exact = n == 1;
}

void draw_concat(sheet *s)
{
    int64_t dims[5];
    int rank, n = (int)draw_int(&s->r, 1, 5);
    do
        rank = shape(s, 1, 5, dims);
    while (product(rank, dims) * 3 > s->budget);
    int axis = rank == 4 && draw_chance(&s->r, 60) ? 1 : (int)draw_int(&s->r, 0, rank - 1);
    for (int i = 0; i < n; i++) {
        dims[axis] = ONE_OF(&s->r, 1, 2, 3, 5, 8);
        give(s, rank, dims, -1, 1);
    }
    or_set_int(&s->c->node, "axis", draw_chance(&s->r, 30) ? axis - rank : axis);
    maybe_constant(s, n - 1, n > 1 ? 30 : 0);
    s->c->exact = true;
}

void draw_flatten(sheet *s)
{
    int64_t dims[6];
    int rank = shape(s, 1, 5, dims);
    give(s, rank, dims, -1, 1);
    if (draw_chance(&s->r, 80)) or_set_int(&s->c->node, "axis", draw_int(&s->r, -rank, rank));
    s->c->exact = true;
}

void draw_reshape(sheet *s)
{
    draw_rng *r = &s->r;
    int64_t dims[8], to[8];
    int rank = shape(s, 1, 5, dims), n = 0;
    give(s, rank, dims, -1, 1);
    if (draw_chance(r, 50)) { /* merge neighbours */
        for (int i = 0; i < rank; i++)
            if (n && draw_chance(r, 50))
                to[n - 1] *= dims[i];
            else
                to[n++] = dims[i];
    } else { /* the sizes in another order, ones among them */
        n = rank;
        for (int i = 0; i < rank; i++)
            to[i] = dims[(i + 1) % rank];
        if (draw_chance(r, 40)) to[n++] = 1;
    }
    for (int i = 0; i < n && i < rank; i++)
        if (to[i] == dims[i] && draw_chance(r, 30)) to[i] = 0;
    if (draw_chance(r, 50)) to[draw_int(r, 0, n - 1)] = -1;
    give_integers(s, n, to);
    if (draw_chance(r, 15)) s->c->node.opset = 5;
    s->c->exact = true;
}

void draw_transpose(sheet *s)
{
    int64_t dims[6], order[6];
    int rank = shape(s, 1, 6, dims);
    give(s, rank, dims, -1, 1);
    for (int i = 0; i < rank; i++)
        order[i] = i;
    for (int i = rank - 1; i > 0; i--) {
        int64_t j = draw_int(&s->r, 0, i), t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
    if (draw_chance(&s->r, 85)) or_set_ints(&s->c->node, "perm", rank, order);
    s->c->exact = true;
}

/* An input from opset 13 on, an attribute before. */
static void give_axes(sheet *s, int n, const int64_t *axes)
{
    if (draw_chance(&s->r, 75)) {
        give_integers(s, n, axes);
        return;
    }
    s->c->node.opset = (int)draw_int(&s->r, 11, 12);
    or_set_ints(&s->c->node, "axes", n, axes);
}

void draw_squeeze(sheet *s)
{
    int64_t dims[6], axes[6];
    int rank = shape(s, 1, 5, dims), n = 0;
    if (draw_chance(&s->r, 70)) dims[draw_int(&s->r, 0, rank - 1)] = 1;
    give(s, rank, dims, -1, 1);
    for (int i = 0; i < rank; i++)
        if (dims[i] == 1 && draw_chance(&s->r, 70))
            axes[n++] = draw_chance(&s->r, 30) ? i - rank : i;
    if (n && draw_chance(&s->r, 80)) give_axes(s, n, axes);
    s->c->exact = true;
}

void draw_unsqueeze(sheet *s)
{
    int64_t dims[6], axes[6];
    int rank = shape(s, 0, 4, dims), n = (int)draw_int(&s->r, 1, 2), to = rank + n;
    give(s, rank, dims, -1, 1);
    axes[0] = draw_int(&s->r, 0, to - 1);
    axes[1] = (axes[0] + draw_int(&s->r, 1, to - 1 > 0 ? to - 1 : 1)) % to;
    for (int i = 0; i < n; i++)
        if (draw_chance(&s->r, 30)) axes[i] -= to;
    give_axes(s, n, axes);
    s->c->exact = true;
}

void draw_pad(sheet *s)
{
    draw_rng *r = &s->r;
    or_node *n = &s->c->node;
    int64_t dims[5], pads[10], axes[5];
    int rank = shape(s, 1, 4, dims), n_axes = 0;
    const char *mode =
        (const char *[]){"constant", "constant", "reflect", "edge", "wrap"}[draw_int(r, 0, 4)];
    bool by_axes = draw_chance(r, 25);
    for (int i = 0; i < rank; i++)
        if (!by_axes || draw_chance(r, 60)) axes[n_axes++] = i;
    if (!n_axes) axes[n_axes++] = 0;
    double kept = 1;
    for (int i = 0; i < n_axes; i++) {
        int64_t size = dims[axes[i]], most = mode[0] == 'r' || mode[0] == 'w' ? size - 1 : 3;
        bool crop = size > 3 && draw_chance(r, 20);
        for (int end = 0; end < 2; end++)
            pads[i + end * n_axes] =
                crop ? -draw_int(r, 0, 1) : draw_int(r, 0, most < 3 ? most : 3);
        kept *= (double)size / (double)(size + pads[i] + pads[i + n_axes]);
        if (draw_chance(r, 30)) axes[i] -= rank;
    }
    give(s, rank, dims, -1, 1);
    s->c->exact = true;
    bool filled = mode[0] == 'c' && (kept < 0.6 || draw_chance(r, 50));
    if (n_axes == rank && mode[0] != 'w' && draw_chance(r, 20)) { /* all as attributes */
        n->opset = (int)draw_int(r, 2, 10);
        or_set_ints(n, "pads", 2 * n_axes, pads);
        or_set_string(n, "mode", mode);
        if (filled) or_set_float(n, "value", draw_uniform(r, 0.5, 2));
        return;
    }
    give_integers(s, 2 * n_axes, pads);
    if (filled)
        give(s, 0, NULL, 0.5, 2);
    else if (by_axes)
        leave_out(s);
    if (by_axes) give_integers(s, n_axes, axes);
    if (mode[0] != 'c' || draw_chance(r, 50)) or_set_string(n, "mode", mode);
    if (filled) s->c->constant |= 1u << 2;
    if (by_axes) n->opset = 18;
    if (mode[0] == 'w') n->opset = 19;
    s->c->exact = true;
}

void draw_constant_of_shape(sheet *s)
{
    int64_t dims[5];
    int rank = shape(s, 1, 5, dims);
    give_integers(s, rank, dims);
    or_set_float(&s->c->node, "value", draw_uniform(&s->r, 1, 2));
    s->c->exact = true;
}

static void draw_once(sheet *s)
{
    static const struct {
        const char *op;
        void (*draw)(sheet *s);
    } table[] = {
#define OR_OP(op, compute, draw) {op, draw},
#include "oracle_ops.def"
#undef OR_OP
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (!strcmp(table[i].op, s->c->node.op)) {
            table[i].draw(s);
            return;
        }
    fprintf(stderr, "draw: no operator %s\n", s->c->node.op);
    exit(99);
}

/* A result that is finite everywhere (no window lies wholly in the padding) and not mostly zeros.
 */
static bool sensible(const or_node *n)
{
    or_array *out[OR_MAX_OUT];
    if (!or_compute(n, out)) return false;
    bool fine = true;
    int64_t zeros = 0;
    for (int64_t i = 0; i < out[0]->count; i++) {
        fine &= isfinite(out[0]->v[i]) != 0;
        zeros += out[0]->v[i] == 0.0;
    }
    fine &= out[0]->count < 16 || zeros * 10 < out[0]->count * 6;
    for (int i = 0; i < n->n_out; i++)
        or_free(out[i]);
    return fine;
}

/* Can input `i` come out of a layer that works channels-last? */
static bool is_image(const draw_case *c, int i)
{
    const or_array *a = c->node.in[i];
    return a && !a->integer && a->dtype <= 1 && !(c->constant >> i & 1) && a->rank >= 3 &&
           a->rank <= 5;
}

void draw_node(const char *op, uint64_t seed, uint64_t index, enum draw_fill fill, int64_t budget,
               draw_case *out)
{
    sheet s = {.fill = fill, .budget = budget, .c = out};
    s.r.state = seed * 0x2545f4914f6cdd1du ^ index;
    for (const char *p = op; *p; p++)
        s.r.state = (s.r.state ^ (unsigned char)*p) * 0x100000001b3u;
    for (;;) {
        *out = (draw_case){.node = {.op = op, .opset = 17, .n_out = 1}};
        draw_once(&s);
        for (int i = 0; i < out->node.n_in; i++)
            if (is_image(out, i) && draw_chance(&s.r, 40)) out->image |= 1u << i;
        if (sensible(&out->node)) return;
        draw_free(out);
    }
}

void draw_free(draw_case *c)
{
    for (int i = 0; i < c->node.n_in; i++)
        or_free(c->node.in[i]);
    c->node.n_in = 0;
}

static void say(char **text, size_t *n, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int wrote = vsnprintf(*text, *n, format, args);
    va_end(args);
    if (wrote < 0 || (size_t)wrote >= *n) wrote = (int)*n - 1;
    *text += wrote;
    *n -= (size_t)wrote;
}

static void say_list(char **text, size_t *n, int count, const int64_t *list)
{
    say(text, n, "[");
    for (int i = 0; i < count; i++)
        say(text, n, "%s%lld", i ? "," : "", (long long)list[i]);
    say(text, n, "]");
}

void draw_text(const draw_case *c, char *text, size_t n)
{
    say(&text, &n, "%s opset %d", c->node.op, c->node.opset);
    for (int i = 0; i < c->node.n_in; i++) {
        const or_array *a = c->node.in[i];
        say(&text, &n, " ");
        if (!a) {
            say(&text, &n, "-");
            continue;
        }
        if (a->integer && a->count < OR_MAX_LIST) {
            int64_t list[OR_MAX_LIST];
            for (int64_t j = 0; j < a->count; j++)
                list[j] = (int64_t)a->v[j];
            say(&text, &n, "ints");
            say_list(&text, &n, (int)a->count, list);
            continue;
        }
        say(&text, &n, "%s%s", c->constant >> i & 1 ? "constant" : "input",
            c->image >> i & 1 ? " image" : "");
        say_list(&text, &n, a->rank, a->dims);
    }
    for (int i = 0; i < c->node.n_attrs; i++) {
        const or_attr *a = &c->node.attrs[i];
        say(&text, &n, " %s=", a->name);
        if (a->kind == OR_INT)
            say(&text, &n, "%lld", (long long)a->i);
        else if (a->kind == OR_FLOAT)
            say(&text, &n, "%.9g", a->f);
        else if (a->kind == OR_STRING)
            say(&text, &n, "%s", a->s);
        else
            say_list(&text, &n, a->n, a->list);
    }
}
