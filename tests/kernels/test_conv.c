/* SPDX-License-Identifier: MIT */
/*
 * The convolution engine against loops in double: forward and all three gradients over shapes
 * chosen for their awkwardness and swept over, slices of wider tensors among them, and the same
 * bits for 1, 2 and 3 threads.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/rng.h"
#include "graph/graph.h"
#include "ops/conv.h"

extern const phi_op phi_op_conv;

/* Kernel, stride, ... are (h, w); rank 3 uses w alone. */
typedef struct conv_case {
    int rank;
    int64_t n, c, h, w, k, r, s, groups;
    int64_t stride[2], pads[4], dilation[2];
    bool bias;
    float lo, hi;
} conv_case;

#define NO_CLAMP -INFINITY, INFINITY
static const conv_case cases[] = {
    /* plain 1x1: exact tiles, odd everything, one pixel, one channel */
    {4, 2, 32, 6, 8, 16, 1, 1, 1, {1, 1}, {0}, {1, 1}, true, NO_CLAMP},
    {4, 3, 7, 5, 3, 13, 1, 1, 1, {1, 1}, {0}, {1, 1}, true, 0, 0.5f},
    {4, 1, 300, 1, 1, 37, 1, 1, 1, {1, 1}, {0}, {2, 3}, false, NO_CLAMP},
    {4, 1, 1, 4, 9, 1, 1, 1, 1, {1, 1}, {0}, {1, 1}, true, NO_CLAMP},
    {4, 1, 520, 9, 11, 70, 1, 1, 1, {1, 1}, {0}, {1, 1}, true, 0, INFINITY},
    /* 1x1 with stride, with padding, with both, with groups */
    {4, 2, 19, 7, 9, 11, 1, 1, 1, {2, 2}, {0}, {1, 1}, true, NO_CLAMP},
    {4, 2, 19, 8, 8, 33, 1, 1, 1, {3, 2}, {0}, {1, 1}, true, NO_CLAMP},
    {4, 2, 5, 4, 3, 6, 1, 1, 1, {1, 1}, {1, 2, 0, 3}, {1, 1}, true, NO_CLAMP},
    {4, 2, 12, 7, 7, 18, 1, 1, 3, {2, 3}, {1, 0, 2, 1}, {1, 1}, true, 0, 6},
    {4, 2, 12, 5, 6, 8, 1, 1, 4, {1, 1}, {0}, {1, 1}, true, NO_CLAMP},
    /* first layers */
    {4, 2, 1, 28, 28, 20, 5, 5, 1, {1, 1}, {2, 2, 2, 2}, {1, 1}, true, NO_CLAMP},
    {4, 2, 1, 11, 13, 5, 3, 4, 1, {2, 3}, {0, 1, 2, 0}, {2, 1}, true, NO_CLAMP},
    {4, 1, 3, 17, 19, 24, 7, 7, 1, {2, 2}, {3, 3, 3, 3}, {1, 1}, true, 0, INFINITY},
    /* wide kernels, long sums */
    {4, 2, 40, 9, 10, 50, 3, 3, 1, {1, 1}, {1, 1, 1, 1}, {1, 1}, true, 0, INFINITY},
    {4, 1, 70, 5, 6, 200, 3, 3, 1, {1, 1}, {0, 1, 2, 0}, {1, 1}, false, NO_CLAMP},
    {4, 2, 16, 12, 12, 17, 3, 3, 1, {2, 2}, {1, 1, 1, 1}, {1, 1}, true, NO_CLAMP},
    {4, 1, 6, 13, 12, 7, 5, 4, 1, {3, 2}, {4, 3, 1, 0}, {1, 2}, true, NO_CLAMP},
    /* dilation and stride with and without a common divisor */
    {4, 2, 5, 15, 14, 9, 3, 3, 1, {1, 1}, {2, 2, 2, 2}, {2, 2}, true, NO_CLAMP},
    {4, 2, 5, 17, 16, 9, 3, 3, 1, {2, 4}, {2, 3, 2, 3}, {2, 6}, true, NO_CLAMP},
    {4, 1, 4, 21, 20, 6, 4, 3, 1, {4, 3}, {1, 5, 0, 2}, {3, 2}, true, NO_CLAMP},
    /* padding left and right, where columns of taps are left out */
    {4, 2, 130, 8, 7, 37, 3, 3, 1, {2, 1}, {1, 1, 1, 1}, {1, 1}, true, 0, INFINITY},
    {4, 2, 150, 13, 12, 20, 3, 3, 1, {2, 2}, {1, 1, 1, 1}, {1, 1}, true, NO_CLAMP},
    {4, 1, 270, 9, 6, 33, 5, 5, 1, {1, 1}, {3, 2, 1, 3}, {1, 2}, true, -1, 1},
    {4, 2, 260, 3, 2, 18, 5, 5, 1, {2, 1}, {2, 2, 2, 2}, {1, 1}, false, NO_CLAMP},
    {4, 1, 131, 15, 16, 70, 3, 3, 1, {1, 1}, {2, 2, 2, 2}, {2, 2}, true, NO_CLAMP},
    /* stride larger than the kernel and than the image; padding larger than the image */
    {4, 2, 4, 11, 10, 6, 2, 2, 1, {5, 4}, {0}, {1, 1}, true, NO_CLAMP},
    {4, 2, 4, 5, 5, 6, 2, 2, 1, {9, 7}, {0}, {1, 1}, true, NO_CLAMP},
    {4, 1, 3, 2, 3, 4, 3, 3, 1, {1, 2}, {4, 5, 3, 4}, {1, 1}, true, NO_CLAMP},
    /* located pixels: lines that see some taps, one, none; 5x5 that take several blocks of a sum */
    {4, 2, 12, 2, 3, 9, 3, 3, 1, {1, 2}, {4, 5, 3, 4}, {1, 1}, true, 0, INFINITY},
    {4, 2, 70, 4, 5, 20, 5, 5, 1, {2, 1}, {2, 2, 3, 1}, {1, 1}, true, NO_CLAMP},
    {4, 1, 300, 3, 4, 35, 3, 3, 1, {2, 2}, {3, 1, 3, 1}, {1, 1}, true, NO_CLAMP},
    /* rows that share a set of the cache, in memory and by stride; a slice of them for each group
     */
    {4, 2, 1024, 5, 7, 40, 1, 1, 1, {1, 1}, {0}, {1, 1}, true, 0, INFINITY},
    {4, 1, 512, 7, 9, 33, 1, 1, 1, {2, 2}, {0}, {1, 1}, true, NO_CLAMP},
    {4, 1, 1024, 5, 5, 24, 3, 3, 4, {1, 1}, {1, 1, 1, 1}, {1, 1}, true, NO_CLAMP},
    /* groups, with one channel on either side of a group */
    {4, 2, 12, 6, 7, 18, 3, 3, 3, {1, 1}, {1, 1, 1, 1}, {1, 1}, true, 0, INFINITY},
    {4, 2, 10, 7, 6, 5, 3, 2, 5, {2, 1}, {1, 0, 1, 1}, {1, 2}, true, NO_CLAMP},
    /* depthwise: vector widths and rests, multipliers, strides, many taps */
    {4, 2, 35, 7, 8, 35, 3, 3, 35, {1, 1}, {1, 1, 1, 1}, {1, 1}, true, 0, 6},
    {4, 2, 64, 9, 8, 64, 3, 3, 64, {2, 2}, {1, 1, 1, 1}, {1, 1}, false, NO_CLAMP},
    {4, 2, 9, 6, 7, 27, 3, 2, 9, {1, 2}, {1, 0, 1, 1}, {2, 1}, true, -0.2f, 0.3f},
    {4, 1, 2, 5, 5, 8, 3, 3, 2, {2, 3}, {0, 2, 1, 0}, {1, 1}, true, NO_CLAMP},
    {4, 1, 8, 14, 13, 8, 9, 11, 8, {1, 1}, {4, 5, 4, 5}, {1, 1}, true, NO_CLAMP},
    {4, 1, 8, 12, 13, 16, 9, 9, 8, {2, 1}, {4, 4, 4, 4}, {1, 1}, true, NO_CLAMP},
    {4, 2, 3, 12, 13, 3, 2, 2, 3, {4, 5}, {0}, {2, 3}, true, NO_CLAMP},
    /* one-dimensional */
    {3, 3, 6, 1, 31, 10, 1, 5, 1, {1, 2}, {0, 2, 0, 1}, {1, 3}, true, NO_CLAMP},
    {3, 2, 8, 1, 20, 12, 1, 1, 1, {1, 1}, {0}, {1, 1}, true, NO_CLAMP},
    {3, 2, 8, 1, 20, 8, 1, 3, 8, {1, 1}, {0, 1, 0, 1}, {1, 1}, true, NO_CLAMP},
    {3, 1, 1, 1, 50, 4, 1, 7, 1, {1, 1}, {0, 3, 0, 3}, {1, 1}, false, NO_CLAMP},
    /* no image at all; enough pixels for sums in several pieces */
    {4, 0, 3, 5, 5, 4, 3, 3, 1, {1, 1}, {1, 1, 1, 1}, {1, 1}, true, NO_CLAMP},
    {4, 7, 9, 28, 27, 10, 1, 1, 1, {1, 1}, {0}, {1, 1}, true, NO_CLAMP},
    {4, 7, 1, 28, 29, 10, 5, 5, 1, {1, 1}, {2, 2, 2, 2}, {1, 1}, true, NO_CLAMP},
};

/* --- A node and its operands ------------------------------------------------------------------ */

typedef struct fixture {
    size_t index; /* in cases, or of a sweep */
    conv_case t;
    int64_t x_pitch, y_pitch;
    phi_node node;
    phi_attr attrs[5];
    int64_t ints[10];
    phi_conv_params params;
    const phi_method *method; /* NULL: what it would choose */
    phi_type type[4];         /* x, w, bias, y */
    float *x, *w, *b, *y, *dy, *dx, *dw, *db;
    phi_view in[3], din[3], out[1], dout[1];
} fixture;

static float *floats(size_t n)
{
    float *x = phi_alloc(NULL, n * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++)
        x[i] = NAN; /* whoever forgets to write is found out */
    return x;
}

static void add_ints(fixture *f, char *name, size_t n, const int64_t *values)
{
    phi_attr *a = &f->attrs[f->node.n_attrs++];
    *a = (phi_attr){.name = name, .kind = PH_ATTR_INTS, .n = n};
    a->ints = calloc(n, sizeof *a->ints);
    assert_non_null(a->ints);
    memcpy(a->ints, values, n * sizeof *values);
}

static void build_node(fixture *f)
{
    static char op[] = "Conv", name[] = "case", strides[] = "strides", pads[] = "pads",
                dilations[] = "dilations", group[] = "group";
    const conv_case *t = &f->t;
    const size_t n = t->rank == 3 ? 1 : 2;
    const int64_t pads1[2] = {t->pads[1], t->pads[3]};
    f->node = (phi_node){.name = name, .op_type = op, .op = &phi_op_conv, .attrs = f->attrs};
    add_ints(f, strides, n, t->stride + 2 - n);
    add_ints(f, dilations, n, t->dilation + 2 - n);
    add_ints(f, pads, 2 * n, n == 1 ? pads1 : t->pads);
    f->attrs[f->node.n_attrs++] = (phi_attr){.name = group, .kind = PH_ATTR_INT, .i = t->groups};
}

static phi_type type_of(int rank, int64_t a, int64_t b, int64_t h, int64_t w)
{
    phi_type t = {.dtype = PH_FLOAT32, .rank = rank, .dims = {a, b, h, w}};
    if (rank == 3) t.dims[2] = w;
    return t;
}

/* The first channels of pixels that have `pitch`. */
static phi_view image_view(const phi_type *t, int64_t pitch, float *data)
{
    phi_view v = {.type = *t, .data = data};
    phi_type all = *t;
    all.dims[1] = pitch;
    phi_strides_channels_last(&all, v.strides);
    return v;
}

static enum ph_status infer(fixture *f, ph_error *err)
{
    const conv_case *t = &f->t;
    const phi_type *in[3] = {&f->type[0], &f->type[1], t->bias ? &f->type[2] : NULL};
    const ph_tensor *constant[3] = {NULL, NULL, NULL};
    f->type[0] = type_of(t->rank, t->n, t->c, t->h, t->w);
    f->type[1] = type_of(t->rank, t->k, t->c / t->groups, t->r, t->s);
    f->type[2] = (phi_type){.dtype = PH_FLOAT32, .rank = 1, .dims = {t->k}};
    phi_infer c = {.node = &f->node,
                   .opset = 17,
                   .n_in = t->bias ? 3 : 2,
                   .n_out = 1,
                   .in = in,
                   .constant = constant,
                   .out = &f->type[3],
                   .params = &f->params,
                   .err = err};
    return phi_op_conv.infer(&c);
}

static void fill(float *x, int64_t n, uint64_t stream)
{
    phi_rng_fill_normal(7, stream, 1, x, (size_t)n);
}

/* Elements of an image whose last pixel ends with its channels. */
static int64_t image_count(const phi_type *t, int64_t pitch)
{
    const int64_t pixels = t->dims[1] ? phi_type_count(t) / t->dims[1] : 0;
    return pixels ? (pixels - 1) * pitch + t->dims[1] : 0;
}

/* x and y are the first channels of tensors that have `x_gap` and `y_gap` more. */
static void set_up_case(fixture *f, size_t index, const conv_case *t, int64_t x_gap, int64_t y_gap)
{
    ph_error err = {0};
    memset(f, 0, sizeof *f);
    f->index = index;
    f->t = *t;
    f->x_pitch = t->c + x_gap;
    f->y_pitch = t->k + y_gap;
    build_node(f);
    if (infer(f, &err)) fail_msg("%s", err.message);
    const int64_t nx = image_count(&f->type[0], f->x_pitch), nw = phi_type_count(&f->type[1]);
    const int64_t ny = image_count(&f->type[3], f->y_pitch);
    f->x = floats((size_t)nx);
    f->dx = floats((size_t)nx);
    f->w = floats((size_t)nw);
    f->dw = floats((size_t)nw);
    f->b = floats((size_t)t->k);
    f->db = floats((size_t)t->k);
    f->y = floats((size_t)ny);
    f->dy = floats((size_t)ny);
    fill(f->x, nx, 1);
    fill(f->w, nw, 2);
    fill(f->b, t->k, 3);
    fill(f->dy, ny, 4);
    f->in[0] = image_view(&f->type[0], f->x_pitch, f->x);
    f->in[1] = phi_view_plain(&f->type[1], f->w);
    f->in[2] = t->bias ? phi_view_plain(&f->type[2], f->b) : PHI_NO_VIEW;
    f->din[0] = image_view(&f->type[0], f->x_pitch, f->dx);
    f->din[1] = phi_view_plain(&f->type[1], f->dw);
    f->din[2] = t->bias ? phi_view_plain(&f->type[2], f->db) : PHI_NO_VIEW;
    f->out[0] = image_view(&f->type[3], f->y_pitch, f->y);
    f->dout[0] = image_view(&f->type[3], f->y_pitch, f->dy);
}

static void set_up(fixture *f, size_t index)
{
    set_up_case(f, index, &cases[index], 0, 0);
}

static void tear_down(fixture *f)
{
    float *all[] = {f->x, f->w, f->b, f->y, f->dy, f->dx, f->dw, f->db};
    for (size_t i = 0; i < PHI_COUNT(all); i++)
        phi_free(NULL, all[i]);
    for (size_t i = 0; i < f->node.n_attrs; i++)
        free(f->attrs[i].ints);
}

/* Scratch with a fence behind it. */
#define FENCE 64
static void *scratch(size_t bytes)
{
    assert_true(bytes < (size_t)1 << 32);
    unsigned char *p = phi_alloc(NULL, bytes + FENCE);
    assert_non_null(p);
    memset(p, 0xff, bytes + FENCE);
    return p;
}

static void drop_scratch(void *p, size_t bytes)
{
    for (size_t i = 0; i < FENCE; i++)
        assert_int_equal(((unsigned char *)p)[bytes + i], 0xff);
    phi_free(NULL, p);
}

static phi_exec exec_of(fixture *f, phi_pool *pool)
{
    return (phi_exec){.node = &f->node,
                      .params = &f->params,
                      .n_in = f->t.bias ? 3 : 2,
                      .n_out = 1,
                      .in = f->in,
                      .out = f->out,
                      .dout = f->dout,
                      .din = f->din,
                      .pool = pool,
                      .lo = f->t.lo,
                      .hi = f->t.hi,
                      .method = f->method};
}

static void forward(fixture *f, phi_pool *pool, bool pack)
{
    phi_exec e = exec_of(f, pool);
    void *packed = NULL;
    size_t packed_bytes = 0;
    if (pack) {
        packed_bytes = phi_op_conv.pack_bytes(&e);
        packed = scratch(packed_bytes);
        phi_op_conv.pack(&e, packed);
        e.packed = packed;
    }
    const size_t bytes = phi_op_conv.work_bytes(&e, false);
    e.work = scratch(bytes);
    assert_int_equal(phi_op_conv.forward(&e, NULL), PH_OK);
    drop_scratch(e.work, bytes);
    if (pack) drop_scratch(packed, packed_bytes);
}

static void backward(fixture *f, phi_pool *pool)
{
    phi_exec e = exec_of(f, pool);
    e.training = true;
    const size_t bytes = phi_op_conv.work_bytes(&e, true);
    e.work = scratch(bytes);
    assert_int_equal(phi_backward(&phi_op_conv, &e, NULL), PH_OK);
    drop_scratch(e.work, bytes);
}

/* --- The definition --------------------------------------------------------------------------- */

/* What each y[n,k,oy,ox] += x[n,c,iy,ix] * w[k,cg,r,s] means; offsets into the arrays as they lie.
 */
typedef void each_product(fixture *f, void *arg, int64_t x, int64_t w, int64_t k, int64_t y);

static void each_tap(fixture *f, each_product *fn, void *arg, int64_t n, int64_t k, int64_t oy,
                     int64_t ox)
{
    const conv_case *t = &f->t;
    const phi_conv_shape *d = &f->params.image;
    const int64_t cg = t->c / t->groups, group = k / (t->k / t->groups);
    const int64_t y = ((n * d->oh + oy) * d->ow + ox) * f->y_pitch + k;
    for (int64_t i = 0; i < t->r; i++)
        for (int64_t j = 0; j < t->s; j++)
            for (int64_t c = 0; c < cg; c++) {
                int64_t iy = oy * t->stride[0] - t->pads[0] + i * t->dilation[0];
                int64_t ix = ox * t->stride[1] - t->pads[1] + j * t->dilation[1];
                if (iy < 0 || iy >= t->h || ix < 0 || ix >= t->w) continue;
                fn(f, arg, ((n * t->h + iy) * t->w + ix) * f->x_pitch + group * cg + c,
                   ((k * cg + c) * t->r + i) * t->s + j, k, y);
            }
}

static void each(fixture *f, each_product *fn, void *arg)
{
    for (int64_t n = 0; n < f->t.n; n++)
        for (int64_t oy = 0; oy < f->params.image.oh; oy++)
            for (int64_t ox = 0; ox < f->params.image.ow; ox++)
                for (int64_t k = 0; k < f->t.k; k++)
                    each_tap(f, fn, arg, n, k, oy, ox);
}

/* Values, and sums of magnitudes to measure rounding errors by. */
typedef struct expected {
    double *value, *size;
} expected;

static expected expect(int64_t n)
{
    expected e = {calloc((size_t)n + 1, sizeof(double)), calloc((size_t)n + 1, sizeof(double))};
    assert_non_null(e.value);
    assert_non_null(e.size);
    return e;
}

static void expect_add(expected *e, int64_t i, double v)
{
    e->value[i] += v;
    e->size[i] += fabs(v);
}

/* By Winograd's filtering or Strassen's product? */
static bool is_inexact(const fixture *f)
{
    const phi_exec e = {.params = &f->params, .method = f->method};
    return phi_conv_method_of(&e)->inexact;
}

/* `e` is used up. */
static void compare(const fixture *f, const char *what, const float *got, expected e, int64_t n)
{
    double largest = 0; /* an error comes from all of a tile */
    if (is_inexact(f))
        for (int64_t i = 0; i < n; i++)
            largest = fmax(largest, 2 * e.size[i]);
    for (int64_t i = 0; i < n; i++) {
        const double bound = 1e-6 * (fmax(largest, e.size[i]) + 1);
        if (fabs((double)got[i] - e.value[i]) <= bound) continue;
        fail_msg("case %zu of test_conv.c: %s[%lld] is %g, wanted %g", f->index, what, (long long)i,
                 (double)got[i], e.value[i]);
    }
    free(e.value);
    free(e.size);
}

static void product_y(fixture *f, void *arg, int64_t x, int64_t w, int64_t k, int64_t y)
{
    (void)k;
    expect_add(arg, y, (double)f->x[x] * (double)f->w[w]);
}
static void product_dx(fixture *f, void *arg, int64_t x, int64_t w, int64_t k, int64_t y)
{
    (void)k;
    expect_add(arg, x, (double)f->dy[y] * (double)f->w[w]);
}
static void product_dw(fixture *f, void *arg, int64_t x, int64_t w, int64_t k, int64_t y)
{
    (void)k;
    expect_add(arg, w, (double)f->dy[y] * (double)f->x[x]);
}

static void check_forward(fixture *f)
{
    const int64_t n = image_count(&f->type[3], f->y_pitch);
    expected e = expect(n);
    each(f, product_y, &e);
    for (int64_t i = 0; i < n; i++) {
        const int64_t k = i % f->y_pitch;
        if (k >= f->t.k) { /* not ours: as it was */
            assert_true(isnan(f->y[i]));
            f->y[i] = 0;
            continue;
        }
        if (f->t.bias) expect_add(&e, i, (double)f->b[k]);
        e.value[i] = fmin(fmax(e.value[i], (double)f->t.lo), (double)f->t.hi);
    }
    compare(f, "y", f->y, e, n);
}

static void check_backward(fixture *f)
{
    const int64_t nx = phi_type_count(&f->type[0]), nw = phi_type_count(&f->type[1]);
    expected e = expect(nx);
    each(f, product_dx, &e);
    compare(f, "dx", f->dx, e, nx);
    e = expect(nw);
    each(f, product_dw, &e);
    compare(f, "dw", f->dw, e, nw);
    if (!f->t.bias) return;
    e = expect(f->t.k);
    for (int64_t i = 0; i < phi_type_count(&f->type[3]); i++)
        expect_add(&e, i % f->t.k, (double)f->dy[i]);
    compare(f, "dbias", f->db, e, f->t.k);
}

static void run_case(size_t i, size_t n_threads, bool pack, fixture *f)
{
    phi_pool *pool = NULL;
    assert_int_equal(phi_pool_new(NULL, n_threads, &pool, NULL), PH_OK);
    set_up(f, i);
    forward(f, pool, pack);
    backward(f, pool);
    phi_pool_free(pool);
}

static void test_definition(void **state)
{
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(cases); i++) {
        fixture f;
        run_case(i, 1, i % 2, &f);
        check_forward(&f);
        check_backward(&f);
        tear_down(&f);
    }
}

/* Whatever method it is told to go by, it does. */
static void test_methods(void **state)
{
    size_t others = 0;
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(cases); i++) {
        phi_choice choices[PHI_MOST_METHODS];
        size_t n = 1;
        for (size_t m = 0; m < n; m++) {
            fixture f;
            set_up(&f, i);
            n = phi_conv_methods(&f.params, false, choices);
            f.method = choices[m].method;
            forward(&f, NULL, i % 2);
            check_forward(&f);
            tear_down(&f);
        }
        others += n - 1;
    }
    assert_true(others >= 4);
}

/* --- Sweeps ----------------------------------------------------------------------------------- */

/* Forward, and backward where there are no gaps, on one thread. False if there is no output. */
static bool sweep_case(size_t index, const conv_case *t, int64_t x_gap, int64_t y_gap,
                       bool backwards)
{
    const int64_t h = t->h + t->pads[0] + t->pads[2], w = t->w + t->pads[1] + t->pads[3];
    if (h <= (t->r - 1) * t->dilation[0] || w <= (t->s - 1) * t->dilation[1]) return false;
    fixture f;
    set_up_case(&f, index, t, x_gap, y_gap);
    if (is_inexact(&f)) { /* exact, too */
        phi_choice choices[PHI_MOST_METHODS];
        fixture exact;
        set_up_case(&exact, index, t, x_gap, y_gap);
        phi_conv_methods(&exact.params, true, choices);
        exact.method = choices[0].method;
        forward(&exact, NULL, index % 2);
        check_forward(&exact);
        tear_down(&exact);
    }
    forward(&f, NULL, index % 2);
    check_forward(&f);
    if (backwards && !x_gap && !y_gap) {
        backward(&f, NULL);
        check_backward(&f);
    }
    tear_down(&f);
    return true;
}

/* Depthwise 3x3 at all kinds of edges, of images one pixel wide and wider. */
static void test_depthwise_edges(void **state)
{
    static const int64_t channels[] = {5, 8, 19};
    (void)state;
    for (size_t i = 0; i < 3 * 2 * 2 * 9 * 20; i++) {
        const int64_t c = channels[i % 3], stride = 1 + (int64_t)(i / 3 % 2);
        const int64_t dilation = 1 + (int64_t)(i / 6 % 2), pads = (int64_t)(i / 12 % 9);
        const conv_case t = {4,
                             1,
                             c,
                             3,
                             1 + (int64_t)(i / 108),
                             c,
                             3,
                             3,
                             c,
                             {stride, stride},
                             {1, pads % 3, 1, pads / 3},
                             {1, dilation},
                             i % 5 > 0,
                             NO_CLAMP};
        sweep_case(i, &t, i % 7 ? 0 : 3, i % 11 ? 0 : 2, i % 4 == 0);
    }
}

/* Windows of few channels, which are read line by line where they lie, and their neighbours. */
static void test_few_channels(void **state)
{
    static const int64_t channels[] = {3, 1, 2, 4, 7, 8, 9}, sides[] = {3, 7, 1, 5, 11, 2};
    phi_rng rng = phi_rng_start(7, 11);
    (void)state;
    for (size_t i = 0; i < 700; i++) {
#define BELOW(n) ((int64_t)phi_rng_below(&rng, (n)))
        const int64_t s = sides[BELOW(6)], r = BELOW(2) ? s : 2;
        const conv_case t = {4,
                             1 + BELOW(2),
                             channels[BELOW(i % 2 ? 7 : 1)],
                             1 + BELOW(6),
                             1 + BELOW(24),
                             1 + BELOW(20),
                             r,
                             s,
                             1,
                             {1 + BELOW(3), 1 + BELOW(4)},
                             {BELOW((uint64_t)r + 2), BELOW((uint64_t)s + 2),
                              BELOW((uint64_t)r + 2), BELOW((uint64_t)s + 2)},
                             {1 + BELOW(2), 1 + (BELOW(4) == 0)},
                             true,
                             NO_CLAMP};
        sweep_case(i, &t, BELOW(3) ? 0 : 1 + BELOW(9), BELOW(3) ? 0 : 1 + BELOW(9), i % 4 == 0);
    }
}

/* Groups by Winograd and by gathered windows, whose K is longer than a block, too. */
static void test_groups(void **state)
{
    phi_rng rng = phi_rng_start(7, 12);
    size_t by_winograd = 0;
    (void)state;
    for (size_t i = 0; i < 48; i++) {
        const int64_t groups = 2 + (int64_t)i % 8, side = i % 3 ? 3 : 5;
        const int64_t c = i == 40 ? 300 : 7 + BELOW(14);
        const conv_case t = {4,
                             1 + BELOW(2),
                             groups * c,
                             7 + BELOW(9),
                             7 + BELOW(9),
                             groups * (8 + BELOW(14)),
                             side,
                             side,
                             groups,
                             {1, 1},
                             {BELOW(3), BELOW(3), BELOW(3), BELOW(3)},
                             {1, 1},
                             true,
                             -1,
                             INFINITY};
        fixture f;
        set_up_case(&f, i, &t, i % 2 ? 5 : 0, i % 4 ? 3 : 0);
        by_winograd += is_inexact(&f);
        tear_down(&f);
        sweep_case(i, &t, i % 2 ? 5 : 0, i % 4 ? 3 : 0, false);
    }
    assert_true(by_winograd >= 8);
}
#undef BELOW

static void same_bits(const float *a, const float *b, const phi_type *t)
{
    if (phi_type_count(t)) assert_memory_equal(a, b, phi_type_bytes(t));
}

static void test_threads(void **state)
{
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(cases); i++) {
        fixture one;
        run_case(i, 1, false, &one);
        for (size_t n_threads = 2; n_threads <= 3; n_threads++) {
            fixture f;
            run_case(i, n_threads, true, &f);
            same_bits(one.y, f.y, &one.type[3]);
            same_bits(one.dx, f.dx, &one.type[0]);
            same_bits(one.dw, f.dw, &one.type[1]);
            if (one.t.bias) same_bits(one.db, f.db, &one.type[2]);
            tear_down(&f);
        }
        tear_down(&one);
    }
}

/* A packed operand stays with its kernel when a cap comes later, and work sizes hold. */
static void test_limit_after_packing(void **state)
{
    (void)state;
    fixture before, after;
    set_up(&before, 13);
    set_up(&after, 13);
    forward(&before, NULL, true);
    phi_exec e = exec_of(&after, NULL);
    void *packed = scratch(phi_op_conv.pack_bytes(&e));
    phi_op_conv.pack(&e, packed);
    e.packed = packed;
    e.work = scratch(phi_op_conv.work_bytes(&e, false));
    assert_int_equal(ph_cpu_limit("scalar"), PH_OK);
    assert_int_equal(phi_op_conv.forward(&e, NULL), PH_OK);
    assert_int_equal(ph_cpu_limit(NULL), PH_OK);
    same_bits(before.y, after.y, &before.type[3]);
    phi_free(NULL, e.work);
    phi_free(NULL, packed);
    tear_down(&before);
    tear_down(&after);
}

/* The condition of the fast path: 1x1 and stride 1 and no padding; dilation does not matter. */
static void test_plain_gemm(void **state)
{
    (void)state;
    const phi_conv_shape plain = {.n = 1,
                                  .c = 4,
                                  .h = 5,
                                  .w = 5,
                                  .k = 6,
                                  .r = 1,
                                  .s = 1,
                                  .groups = 1,
                                  .oh = 5,
                                  .ow = 5,
                                  .stride_h = 1,
                                  .stride_w = 1,
                                  .dilation_h = 1,
                                  .dilation_w = 1};
    phi_conv_shape d = plain;
    assert_true(phi_conv_is_plain_gemm(&d));
    d.dilation_h = 3;
    d.groups = 2;
    assert_true(phi_conv_is_plain_gemm(&d));
    const size_t wrong[] = {
        offsetof(phi_conv_shape, r),          offsetof(phi_conv_shape, s),
        offsetof(phi_conv_shape, stride_h),   offsetof(phi_conv_shape, stride_w),
        offsetof(phi_conv_shape, pad_top),    offsetof(phi_conv_shape, pad_left),
        offsetof(phi_conv_shape, pad_bottom), offsetof(phi_conv_shape, pad_right)};
    for (size_t i = 0; i < PHI_COUNT(wrong); i++) {
        d = plain;
        *(int64_t *)(void *)((char *)&d + wrong[i]) += 1;
        assert_false(phi_conv_is_plain_gemm(&d));
    }
}

/* Gradients that nobody wants are not touched; no gradient from above is a gradient of zero. */
static void test_optional_gradients(void **state)
{
    (void)state;
    fixture f;
    set_up(&f, 13);
    f.din[0] = PHI_NO_VIEW;
    f.din[2] = PHI_NO_VIEW;
    backward(&f, NULL);
    assert_true(isnan(f.dx[0]) && isnan(f.db[0]) && isfinite(f.dw[0]));
    f.din[0] = image_view(&f.type[0], f.x_pitch, f.dx);
    f.dout[0] = PHI_NO_VIEW;
    backward(&f, NULL);
    for (int64_t i = 0; i < phi_type_count(&f.type[0]); i++)
        assert_true(f.dx[i] == 0);
    for (int64_t i = 0; i < phi_type_count(&f.type[1]); i++)
        assert_true(f.dw[i] == 0);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_definition),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_limit_after_packing),
        cmocka_unit_test(test_plain_gemm),
        cmocka_unit_test(test_optional_gradients),
        cmocka_unit_test(test_depthwise_edges),
        cmocka_unit_test(test_few_channels),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_methods),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
