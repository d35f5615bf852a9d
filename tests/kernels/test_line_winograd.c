/* SPDX-License-Identifier: MIT */
/*
 * Winograd's filtering down the lines against loops in double: all numbers of lines and strides
 * that it takes, odd widths, one to four channels, padded or not, slices of wider tensors,
 * residual, bias and clamp; the same bits for 1, 2 and 3 threads, for an image whatever its batch,
 * and for some lines of an image; and which convolutions it is chosen for.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/rng.h"
#include "kernels/line_winograd.h"
#include "ops/conv.h"
#include "by_rows.h"

typedef struct lines_case {
    int64_t n, c, h, w, k, r, s;
    int64_t stride_h, stride_w;
    int64_t pad_top, pad_left, pad_bottom, pad_right;
    int64_t x_gap, y_gap; /* channels of the wider tensors that are not ours */
    bool bias, add, clamp;
} lines_case;

static const lines_case cases[] = {
    {1, 3, 56, 56, 64, 7, 7, 2, 2, 3, 3, 3, 3, 0, 0, true, false, true},
    {2, 3, 47, 61, 33, 11, 11, 4, 4, 2, 2, 2, 2, 0, 0, true, false, false},
    {1, 3, 64, 150, 17, 11, 11, 4, 4, 0, 0, 0, 0, 5, 3, false, false, false},
    {2, 1, 19, 23, 5, 5, 5, 1, 1, 2, 2, 2, 2, 0, 0, true, true, true},
    {1, 4, 30, 17, 48, 5, 3, 2, 1, 1, 0, 2, 3, 2, 1, false, true, true},
    {3, 2, 13, 60, 20, 3, 3, 1, 1, 1, 1, 1, 1, 0, 4, true, false, true},
    {1, 3, 224, 9, 96, 7, 7, 2, 2, 3, 3, 3, 3, 1, 0, true, true, false},
    {1, 4, 9, 118, 7, 9, 2, 3, 2, 4, 0, 4, 1, 0, 0, true, false, false},
    {2, 3, 5, 5, 3, 7, 7, 2, 2, 6, 6, 6, 6, 0, 0, true, true, true},
    {1, 3, 11, 11, 40, 11, 11, 4, 4, 0, 0, 0, 0, 0, 0, false, false, false},
    {1, 2, 40, 33, 16, 10, 1, 4, 3, 3, 0, 1, 0, 0, 0, true, false, false},
    {1, 3, 21, 57, 64, 6, 16, 2, 4, 0, 9, 9, 0, 0, 0, true, true, true},
    {1, 1, 12, 4, 1, 4, 4, 1, 1, 9, 9, 9, 9, 0, 0, false, false, false},
};

static float *floats(int64_t n)
{
    float *x = malloc((size_t)(n ? n : 1) * sizeof *x);
    assert_non_null(x);
    return x;
}

static float *filled(int64_t n, phi_rng *r)
{
    float *x = floats(n);
    for (int64_t i = 0; i < n; i++)
        x[i] = phi_rng_normal(r);
    return x;
}

typedef struct problem {
    phi_conv_shape d;
    phi_conv_data data;
    float *x, *w, *bias, *add, *y;
    int64_t n_y;
    void *packed;
} problem;

static void set_up(problem *p, const lines_case *t)
{
    phi_rng rng = phi_rng_start(6, (uint64_t)(t->w * 1000 + t->k));
    const int64_t x_pitch = t->c + t->x_gap, y_pitch = t->k + t->y_gap;
    p->d = (phi_conv_shape){.n = t->n,
                            .c = t->c,
                            .h = t->h,
                            .w = t->w,
                            .k = t->k,
                            .r = t->r,
                            .s = t->s,
                            .groups = 1,
                            .oh = (t->h + t->pad_top + t->pad_bottom - t->r) / t->stride_h + 1,
                            .ow = (t->w + t->pad_left + t->pad_right - t->s) / t->stride_w + 1,
                            .stride_h = t->stride_h,
                            .stride_w = t->stride_w,
                            .dilation_h = 1,
                            .dilation_w = 1,
                            .pad_top = t->pad_top,
                            .pad_left = t->pad_left,
                            .pad_bottom = t->pad_bottom,
                            .pad_right = t->pad_right};
    assert_true(phi_line_wino_applies(&p->d));
    p->n_y = (t->n * p->d.oh * p->d.ow - 1) * y_pitch + t->k;
    p->x = filled((t->n * t->h * t->w - 1) * x_pitch + t->c, &rng);
    p->w = filled(t->k * t->c * t->r * t->s, &rng);
    p->bias = filled(t->k, &rng);
    p->add = filled(p->n_y, &rng);
    p->y = floats(p->n_y);
    p->data = (phi_conv_data){.x = p->x,
                              .x_pitch = x_pitch,
                              .y = p->y,
                              .y_pitch = y_pitch,
                              .bias = t->bias ? p->bias : NULL,
                              .add = t->add ? p->y : NULL,
                              .add_pitch = y_pitch,
                              .lo = t->clamp ? -2 : -INFINITY,
                              .hi = t->clamp ? 30 : INFINITY};
    p->packed = phi_alloc(NULL, phi_line_wino_pack_bytes(&p->d));
    assert_non_null(p->packed);
    const phi_filters filters = {.row = (size_t)(t->c * t->r * t->s), .data = p->w};
    phi_line_wino_pack(&p->d, &filters, NULL, p->packed);
}

static void tear_down(problem *p)
{
    phi_free(NULL, p->packed);
    free(p->x);
    free(p->w);
    free(p->bias);
    free(p->add);
    free(p->y);
}

static void run_shape(const phi_conv_shape *d, const phi_conv_data *data, const void *packed,
                      size_t threads)
{
    phi_pool *pool = NULL;
    assert_int_equal(phi_pool_new(NULL, threads, &pool, NULL), PH_OK);
    void *work = phi_alloc(NULL, phi_line_wino_work_bytes(d, threads));
    assert_non_null(work);
    memset(work, 0xff, phi_line_wino_work_bytes(d, threads)); /* NaN */
    phi_line_wino_run(d, data, packed, pool, work);
    phi_free(NULL, work);
    phi_pool_free(pool);
}

/* y, which holds `add`, after a run for `n` images. */
static void run(problem *p, int64_t n, size_t threads)
{
    phi_conv_shape d = p->d;
    d.n = n;
    memcpy(p->y, p->add, (size_t)p->n_y * sizeof *p->y);
    run_shape(&d, &p->data, p->packed, threads);
}

/* One output in double; *size is the sum of magnitudes. */
static double want(const problem *p, int64_t pixel, int64_t k, double *size)
{
    const phi_conv_shape *d = &p->d;
    const int64_t ox = pixel % d->ow, oy = pixel / d->ow % d->oh, image = pixel / d->ow / d->oh;
    double sum = 0;
    *size = 1;
    for (int64_t i = 0; i < d->r; i++)
        for (int64_t j = 0; j < d->s; j++) {
            const int64_t y = oy * d->stride_h - d->pad_top + i;
            const int64_t x = ox * d->stride_w - d->pad_left + j;
            if (y < 0 || y >= d->h || x < 0 || x >= d->w) continue;
            for (int64_t c = 0; c < d->c; c++) {
                const double term =
                    (double)p->x[((image * d->h + y) * d->w + x) * p->data.x_pitch + c] *
                    (double)p->w[((k * d->c + c) * d->r + i) * d->s + j];
                sum += term;
                *size += fabs(term);
            }
        }
    if (p->data.bias) sum += (double)p->bias[k];
    if (p->data.add) sum += (double)p->add[pixel * p->data.y_pitch + k];
    return fmin(fmax(sum, (double)p->data.lo), (double)p->data.hi);
}

static void check(const problem *p, int which)
{
    const int64_t pixels = p->d.n * p->d.oh * p->d.ow, y_pitch = p->data.y_pitch;
    double largest = 0, size;
    for (int64_t i = 0; i < pixels; i++) /* an output's error comes from all of its tile */
        for (int64_t k = 0; k < p->d.k; k++) {
            want(p, i, k, &size);
            largest = fmax(largest, size);
        }
    for (int64_t i = 0; i < pixels; i++) {
        for (int64_t k = 0; k < p->d.k; k++) {
            const double expected = want(p, i, k, &size), got = (double)p->y[i * y_pitch + k];
            if (!(fabs(got - expected) <= 2e-6 * largest))
                fail_msg("case %d, pixel %d, channel %d: got %.9g, wanted %.9g within %g", which,
                         (int)i, (int)k, got, expected, 2e-6 * largest);
        }
        for (int64_t k = p->d.k; k < y_pitch && i * y_pitch + k < p->n_y; k++)
            assert_true(p->y[i * y_pitch + k] == p->add[i * y_pitch + k]);
    }
}

/* Lines first .. end - 1 of the first image, out of no more of the image than they see. */
static void run_lines(problem *p, int64_t first, int64_t end)
{
    phi_conv_shape d = p->d;
    phi_conv_data data = p->data;
    int64_t top = first * d.stride_h - d.pad_top, below = (end - 1) * d.stride_h - d.pad_top + d.r;
    const int64_t from = top < 0 ? 0 : top > d.h ? d.h : top;
    below = below < from ? from : below > d.h ? d.h : below;
    d.n = 1;
    d.pad_top = from - top;
    d.h = below - from;
    d.oh = end - first;
    /* nothing else is there */
    const int64_t n = d.h > 0 ? (d.h * d.w - 1) * data.x_pitch + d.c : 0;
    float *x = floats(n);
    if (n) memcpy(x, p->x + from * d.w * data.x_pitch, (size_t)n * sizeof *x);
    data.x = x;
    data.y += first * d.ow * data.y_pitch;
    if (data.add) data.add = data.y;
    run_shape(&d, &data, p->packed, 1);
    free(x);
}

static void test_shapes(void **state)
{
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(cases); i++) {
        problem p;
        set_up(&p, &cases[i]);
        float *first = floats(p.n_y);
        run(&p, p.d.n, 1);
        check(&p, (int)i);
        memcpy(first, p.y, (size_t)p.n_y * sizeof *first);
        for (size_t threads = 2; threads <= 3; threads++) {
            run(&p, p.d.n, threads);
            assert_memory_equal(first, p.y, (size_t)p.n_y * sizeof *first);
        }
        const size_t image =
            (size_t)((p.d.oh * p.d.ow - 1) * p.data.y_pitch + p.d.k) * sizeof *first;
        run(&p, 1, 2); /* the first image alone */
        assert_memory_equal(first, p.y, image);
        for (int64_t lines = 1; lines <= 3; lines++) { /* and by lines */
            const int64_t step = lines * phi_line_wino_lines(&p.d);
            memcpy(p.y, p.add, (size_t)p.n_y * sizeof *p.y);
            for (int64_t y = 0; y < p.d.oh; y += step)
                run_lines(&p, y, y + step < p.d.oh ? y + step : p.d.oh);
            assert_memory_equal(first, p.y, image);
        }
        free(first);
        tear_down(&p);
    }
}

/* Weights that come by rows, on some threads, are packed to the same bits. */
static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(cases); i++) {
        problem p;
        by_rows rows;
        phi_pool *pool = NULL;
        set_up(&p, &cases[i]);
        const size_t bytes = phi_line_wino_pack_bytes(&p.d);
        const phi_filters in = {.row = (size_t)(p.d.c * p.d.r * p.d.s), .data = p.w};
        const phi_filters filters = by_rows_new(&rows, &in);
        char *again = phi_alloc(NULL, bytes);
        assert_non_null(again);
        memcpy(again, p.packed, bytes); /* there is room that no kernel of today fills */
        assert_int_equal(phi_pool_new(NULL, 3, &pool, NULL), PH_OK);
        phi_line_wino_pack(&p.d, &filters, pool, again);
        assert_memory_equal(again, p.packed, bytes);
        phi_pool_free(pool);
        phi_free(NULL, again);
        by_rows_free(&rows);
        tear_down(&p);
    }
}

static bool chosen(const phi_conv_shape *d, bool exact)
{
    const phi_conv_params p = {.image = *d};
    phi_choice choices[PHI_MOST_METHODS];
    assert_true(phi_conv_methods(&p, exact, choices) > 0);
    return strcmp(choices[0].method->name, "line Winograd") == 0;
}

/* First layers; not exact ones, and whatever the batch. */
static void test_choice(void **state)
{
    const phi_conv_shape base = {.n = 1,
                                 .c = 3,
                                 .h = 224,
                                 .w = 224,
                                 .k = 64,
                                 .r = 7,
                                 .s = 7,
                                 .groups = 1,
                                 .oh = 112,
                                 .ow = 112,
                                 .stride_h = 2,
                                 .stride_w = 2,
                                 .dilation_h = 1,
                                 .dilation_w = 1,
                                 .pad_top = 3,
                                 .pad_left = 3,
                                 .pad_bottom = 3,
                                 .pad_right = 3};
    phi_conv_shape d = base;
    (void)state;
    assert_true(chosen(&d, false));
    assert_false(chosen(&d, true));
    d.n = 32;
    assert_true(chosen(&d, false));
    d = base;
    d.c = 5;
    assert_false(chosen(&d, false));
    d = base;
    d.dilation_h = 2;
    assert_false(chosen(&d, false));
    d = base;
    d.dilation_w = 2;
    assert_false(chosen(&d, false));
    d = base;
    d.c = 2;
    d.groups = 2;
    assert_false(chosen(&d, false));
    d = base;
    d.r = 2; /* a line of each phase */
    assert_false(chosen(&d, false));
    d = base;
    d.stride_h = 5;
    assert_false(chosen(&d, false));
    d = base;
    d.oh = 1; /* a line for six */
    assert_false(chosen(&d, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_choice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
