/* SPDX-License-Identifier: MIT */
/*
 * Winograd's convolution against loops in double: every variant on awkward shapes, slices of wider
 * tensors, residual, bias and clamp; integer data to the bit where the transforms are exact; the
 * same bits for 1, 2 and 3 threads, and for an image whatever its batch; and its matrices against
 * the definition of a convolution.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/rng.h"
#include "kernels/winograd.h"
#include "ops/conv.h"
#include "by_rows.h"

static const phi_wino *const variants[] = {&phi_wino_f2x3, &phi_wino_f4x3, &phi_wino_f6x3,
                                         &phi_wino_f2x5, &phi_wino_f4x5, &phi_wino_f2x3s2};

/* Output `out` of A' [(G g) . (B' d)] for unit vectors g and d, d extended from its first n elements. */
static double one_output(const phi_wino *v, size_t out, size_t gi, size_t di, size_t n)
{
    float extend[PHI_WINO_MAX][PHI_WINO_MAX] = {{0}};
    double y = 0;
    if (n < v->a) phi_wino_extend(v, n, extend);
    for (size_t e = 0; e < n; e++) {
        double transformed = (double)v->input[e * v->a + di];
        for (size_t i = n; i < v->a; i++)
            transformed += (double)v->input[e * v->a + i] * (double)extend[i][di];
        y += (double)v->output[out * v->a + e] *
             v->filter[phi_wino_filter_of(v, e) * v->r + gi] * transformed;
    }
    return y;
}

/* One dimension is the convolution of d with g, for any number of outputs up to m. */
static void check_axis(const phi_wino *v)
{
    assert_int_equal(phi_wino_inputs(v, v->m), v->a);
    for (size_t m = 1; m <= v->m; m++) {
        const size_t n = phi_wino_inputs(v, m);
        for (size_t gi = 0; gi < v->r; gi++)
            for (size_t di = 0; di < n; di++)
                for (size_t out = 0; out < m; out++) {
                    const double want = out * v->stride + gi == di;
                    assert_true(fabs(one_output(v, out, gi, di, n) - want) < 3e-6);
                }
    }
}

static void test_matrices(void **state)
{
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(variants); i++)
        check_axis(variants[i]);
}

typedef struct wino_case {
    int64_t n, c, h, w, k;
    int64_t pad_top, pad_left, pad_bottom, pad_right;
    int64_t x_gap, y_gap; /* channels of the wider tensors that are not ours */
    bool bias, add, clamp;
    int64_t more_groups; /* than one; each of c and k channels */
} wino_case;

static const wino_case cases[] = {
    {1, 8, 4, 4, 16, 1, 1, 1, 1, 0, 0, false, false, false, 0},
    {1, 64, 14, 14, 64, 1, 1, 1, 1, 0, 0, true, false, true, 0},
    {2, 19, 7, 9, 33, 1, 1, 1, 1, 0, 0, true, true, true, 0},
    {1, 3, 13, 13, 7, 0, 0, 0, 0, 5, 3, true, false, false, 0},
    {3, 16, 6, 5, 17, 2, 2, 2, 2, 0, 9, true, true, false, 0},
    {1, 130, 9, 8, 50, 0, 2, 1, 3, 7, 0, false, true, true, 0},
    {1, 1, 40, 37, 1, 1, 1, 1, 1, 0, 0, true, false, false, 0},
    {1, 24, 56, 55, 40, 1, 1, 1, 1, 0, 2, true, true, true, 0},
    {2, 40, 7, 7, 100, 3, 1, 0, 2, 1, 1, true, true, true, 0},
    {1, 5, 5, 5, 4, 4, 4, 4, 4, 0, 0, true, false, false, 0},
    {1, 16, 9, 9, 24, 1, 1, 1, 1, 0, 0, true, true, true, 1},
    {2, 9, 6, 7, 11, 1, 1, 1, 1, 2, 3, true, false, true, 2},
    /* maps that end within a tile, after any number of outputs; more channels than go at a time */
    {1, 70, 13, 15, 40, 1, 1, 1, 1, 0, 0, true, true, true, 0},
    {3, 65, 7, 6, 33, 1, 1, 1, 1, 3, 0, true, true, false, 0},
    {1, 16, 29, 30, 72, 1, 1, 1, 1, 0, 0, false, false, true, 0},
    {2, 9, 1, 11, 8, 1, 1, 1, 1, 0, 0, true, false, false, 0},
    {1, 12, 17, 3, 9, 1, 1, 1, 1, 0, 4, true, true, true, 0},
    {1, 200, 10, 12, 64, 1, 1, 1, 1, 0, 0, true, true, true, 0},
    /* so many tiles that those at the edge are whole: F(6x6) down the lines, stride 2 along them */
    {2, 9, 41, 81, 8, 1, 1, 1, 1, 0, 0, true, true, false, 0},
};

static float *floats(int64_t n)
{
    float *x = malloc((size_t)(n ? n : 1) * sizeof *x);
    assert_non_null(x);
    return x;
}

static void fill(float *x, int64_t n, phi_rng *r, bool integers)
{
    for (int64_t i = 0; i < n; i++)
        x[i] = integers ? (float)phi_rng_below(r, 9) - 4 : phi_rng_normal(r);
}

/* One output in double; *size is the sum of magnitudes. */
static double want(const phi_conv_shape *d, const phi_conv_data *data, const float *w, int64_t pixel,
                   int64_t k, double *size)
{
    const int64_t cg = d->c / d->groups, first = k / (d->k / d->groups) * cg;
    const int64_t ox = pixel % d->ow, oy = pixel / d->ow % d->oh, image = pixel / d->ow / d->oh;
    double sum = 0;
    *size = 1;
    for (int64_t i = 0; i < d->r; i++)
        for (int64_t j = 0; j < d->s; j++) {
            const int64_t y = oy * d->stride_h - d->pad_top + i;
            const int64_t x = ox * d->stride_w - d->pad_left + j;
            if (y < 0 || y >= d->h || x < 0 || x >= d->w) continue;
            const float *in = data->x + ((image * d->h + y) * d->w + x) * data->x_pitch;
            for (int64_t c = 0; c < cg; c++) {
                const double term =
                    (double)in[first + c] * (double)w[((k * cg + c) * d->r + i) * d->s + j];
                sum += term;
                *size += fabs(term);
            }
        }
    if (data->bias) sum += (double)data->bias[k];
    if (data->add) sum += (double)data->add[pixel * data->add_pitch + k];
    return fmin(fmax(sum, (double)data->lo), (double)data->hi);
}

/* Filters that come by rows, on some threads, are packed to the same bits as those in memory. */
static void check_rows(const phi_wino *v, const phi_conv_shape *d, const phi_filters *in,
                       const void *packed)
{
    const size_t bytes = phi_wino_pack_bytes(v, d);
    by_rows rows;
    const phi_filters filters = by_rows_new(&rows, in);
    phi_pool *pool = NULL;
    char *again = phi_alloc(NULL, bytes);
    assert_non_null(again);
    memcpy(again, packed, bytes); /* there is room that no kernel of today fills */
    assert_int_equal(phi_pool_new(NULL, 3, &pool, NULL), PH_OK);
    phi_wino_pack(v, d, &filters, pool, again);
    assert_memory_equal(again, packed, bytes);
    by_rows_free(&rows);
    phi_pool_free(pool);
    phi_free(NULL, again);
}

/* The last image alone, its tiles being others of a block, has the bits it has in the batch. */
static void check_image(const phi_wino *v, const phi_conv_shape *batch, const phi_conv_data *all,
                        const void *packed)
{
    const int64_t before = batch->n - 1, pixels = batch->oh * batch->ow;
    phi_conv_shape d = *batch;
    phi_conv_data data = *all;
    d.n = 1;
    float *y = floats(pixels * d.k);
    void *work = phi_alloc(NULL, phi_wino_work_bytes(v, &d, 1));
    assert_non_null(work);
    data.x += before * d.h * d.w * data.x_pitch;
    data.y = y;
    data.y_pitch = d.k;
    if (data.add) data.add += before * pixels * data.add_pitch;
    phi_wino_run(v, &d, &data, packed, NULL, work);
    for (int64_t i = 0; i < pixels; i++)
        assert_memory_equal(y + i * d.k, all->y + (before * pixels + i) * all->y_pitch,
                            (size_t)d.k * sizeof *y);
    phi_free(NULL, work);
    free(y);
}

static void run_case(const phi_wino *v, const wino_case *t, bool integers)
{
    const int64_t r = (int64_t)v->r, stride = (int64_t)v->stride, groups = 1 + t->more_groups;
    const phi_conv_shape d = {.n = t->n, .c = groups * t->c, .h = t->h, .w = t->w,
                              .k = groups * t->k, .r = r, .s = r, .groups = groups,
                              .oh = (t->h + t->pad_top + t->pad_bottom - r + stride) / stride,
                              .ow = (t->w + t->pad_left + t->pad_right - r + stride) / stride,
                              .stride_h = stride, .stride_w = stride,
                              .dilation_h = 1, .dilation_w = 1,
                              .pad_top = t->pad_top, .pad_left = t->pad_left,
                              .pad_bottom = t->pad_bottom, .pad_right = t->pad_right};
    if (d.oh < 1 || d.ow < 1) return;
    phi_rng rng = phi_rng_start(7, (uint64_t)(t->c * 1000 + t->k));
    const int64_t pixels = d.n * d.oh * d.ow, x_pitch = d.c + t->x_gap, y_pitch = d.k + t->y_gap;
    const int64_t n_x = (d.n * d.h * d.w - 1) * x_pitch + d.c, n_y = pixels * y_pitch;
    float *x = floats(n_x), *w = floats(d.k * t->c * r * r), *bias = floats(d.k);
    float *add = floats(pixels * d.k), *y = floats(n_y), *first = floats(n_y);
    fill(x, n_x, &rng, integers);
    fill(w, d.k * t->c * r * r, &rng, integers);
    fill(bias, d.k, &rng, integers);
    fill(add, pixels * d.k, &rng, integers);
    const phi_conv_data data = {.x = x, .x_pitch = x_pitch, .y = y, .y_pitch = y_pitch,
                                .bias = t->bias ? bias : NULL, .add = t->add ? add : NULL,
                                .add_pitch = d.k, .lo = t->clamp ? -2 : -INFINITY,
                                .hi = t->clamp ? 30 : INFINITY};
    void *packed = phi_alloc(NULL, phi_wino_pack_bytes(v, &d));
    assert_non_null(packed);
    const phi_filters filters = {.row = (size_t)(t->c * r * r), .data = w};
    phi_wino_pack(v, &d, &filters, NULL, packed);
    check_rows(v, &d, &filters, packed);
    for (size_t threads = 1; threads <= 3; threads++) {
        phi_pool *pool = NULL;
        assert_int_equal(phi_pool_new(NULL, threads, &pool, NULL), PH_OK);
        void *work = phi_alloc(NULL, phi_wino_work_bytes(v, &d, threads));
        assert_non_null(work);
        memset(work, 0xff, phi_wino_work_bytes(v, &d, threads)); /* NaN */
        for (int64_t i = 0; i < n_y; i++)
            y[i] = 12345;
        phi_wino_run(v, &d, &data, packed, pool, work);
        if (threads == 1) memcpy(first, y, (size_t)n_y * sizeof *y);
        assert_memory_equal(first, y, (size_t)n_y * sizeof *y);
        phi_free(NULL, work);
        phi_pool_free(pool);
    }
    check_image(v, &d, &data, packed);
    /* F(2x2)'s transforms of small integers are exact: quarters at most */
    const bool exact = integers && (v == &phi_wino_f2x3 || v == &phi_wino_f2x3s2);
    double largest = 0, size;
    for (int64_t i = 0; i < pixels; i++) /* an output's error comes from all of its tile */
        for (int64_t k = 0; k < d.k; k += t->k) {
            want(&d, &data, w, i, k, &size);
            largest = fmax(largest, size);
        }
    const double bound = exact ? 0 : (v->a == 8 ? 1e-5 : 2e-6) * largest;
    for (int64_t i = 0; i < pixels; i++) {
        for (int64_t k = 0; k < d.k; k++) {
            const double expected = want(&d, &data, w, i, k, &size);
            if (fabs((double)y[i * y_pitch + k] - expected) > bound)
                fail_msg("F(%dx%d,%d), case %d, pixel %d, channel %d: got %.9g, wanted %.9g within %g",
                         (int)v->m, (int)v->m, (int)v->r, (int)(t - cases), (int)i, (int)k,
                         (double)y[i * y_pitch + k], expected, bound);
        }
        for (int64_t k = d.k; k < y_pitch; k++)
            assert_true(y[i * y_pitch + k] == 12345.0f);
    }
    phi_free(NULL, packed);
    free(x);
    free(w);
    free(bias);
    free(add);
    free(y);
    free(first);
}

static void test_shapes(void **state)
{
    (void)state;
    for (size_t v = 0; v < PHI_COUNT(variants); v++)
        for (size_t i = 0; i < PHI_COUNT(cases); i++) {
            run_case(variants[v], &cases[i], true);
            run_case(variants[v], &cases[i], false);
        }
}

/* The variant by which a convolution would be computed, or NULL. */
static const phi_wino *chosen(const phi_conv_shape *d)
{
    const phi_conv_params p = {.image = *d};
    phi_choice choices[PHI_MOST_METHODS];
    assert_true(phi_conv_methods(&p, false, choices) > 0);
    return ((const phi_conv_method *)(const void *)choices[0].method)->wino;
}

/* What Winograd does not do, it does not choose; what it would lose, neither. */
static void test_choice(void **state)
{
    const phi_conv_shape base = {.n = 1, .c = 64, .h = 56, .w = 56, .k = 64, .r = 3, .s = 3,
                                 .groups = 1, .oh = 56, .ow = 56, .stride_h = 1, .stride_w = 1,
                                 .dilation_h = 1, .dilation_w = 1, .pad_top = 1, .pad_left = 1,
                                 .pad_bottom = 1, .pad_right = 1};
    phi_conv_shape d = base;
    (void)state;
    assert_ptr_equal(chosen(&d), &phi_wino_f6x3);
    d.c = d.k = 256;
    d.h = d.w = d.oh = d.ow = 14;
    assert_ptr_equal(chosen(&d), &phi_wino_f4x3);
    d = base;
    d.stride_w = 2;
    assert_null(chosen(&d));
    d.stride_h = 2;
    d.oh = d.ow = 28;
    assert_ptr_equal(chosen(&d), &phi_wino_f2x3s2);
    d.stride_h = d.stride_w = 3;
    assert_null(chosen(&d));
    d = base;
    d.dilation_h = 2;
    assert_null(chosen(&d));
    d = base;
    d.groups = 2;
    assert_ptr_equal(chosen(&d), &phi_wino_f4x3);
    d.groups = 16;
    assert_null(chosen(&d));
    d = base;
    d.s = 5;
    assert_null(chosen(&d));
    d.r = 5;
    assert_ptr_equal(chosen(&d), &phi_wino_f4x5);
    d = base;
    d.c = 3;
    assert_null(chosen(&d));
    d = base;
    d.c = d.k = 512;
    d.h = d.w = d.oh = d.ow = 7; /* mostly weights */
    assert_ptr_equal(chosen(&d), &phi_wino_f2x3);
    d = base;
    d.oh = d.ow = 1;
    assert_null(chosen(&d));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matrices),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_choice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
