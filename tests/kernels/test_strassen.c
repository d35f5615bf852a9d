/* SPDX-License-Identifier: MIT */
/*
 * Strassen's product against sums in double: awkward shapes, slices of wider tensors, residual in
 * place, bias and clamp; integers to the bit; the same bits for 1, 2 and 3 threads and for an image
 * whatever its batch; and which convolutions it is chosen for.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/rng.h"
#include "kernels/strassen.h"
#include "ops/conv.h"
#include "by_rows.h"

typedef struct strassen_case {
    int64_t n, h, w, c, k;
    int64_t x_gap, y_gap; /* channels of the wider tensors that are not ours */
    bool bias, add, clamp;
} strassen_case;

/* Odd halves and single pixels; panels without a fellow, and half filled ones; sums in several blocks;
 * rows that collide in the cache, with and without lone panels. */
static const strassen_case cases[] = {
    {1, 7, 7, 128, 128, 0, 0, false, false, false},
    {3, 1, 1, 16, 64, 0, 0, true, true, false},
    {2, 1, 2, 32, 33, 5, 3, true, false, true},
    {1, 1, 3, 16, 1, 0, 1, true, true, true},
    {2, 5, 5, 48, 100, 0, 0, true, true, true},
    {1, 13, 11, 272, 80, 16, 7, false, true, false},
    {2, 9, 7, 1040, 50, 0, 0, true, true, true},
    {1, 14, 14, 1024, 96, 0, 0, true, true, true},
    {1, 6, 7, 1008, 200, 16, 8, true, false, false},
    {1, 24, 23, 64, 145, 0, 2, true, true, true},
};

static float *floats(int64_t n)
{
    float *x = malloc((size_t)n * sizeof *x);
    assert_non_null(x);
    return x;
}

static float *filled(int64_t n, phi_rng *r, bool integers)
{
    float *x = floats(n);
    for (int64_t i = 0; i < n; i++)
        x[i] = integers ? (float)phi_rng_below(r, 9) - 4 : phi_rng_normal(r);
    return x;
}

typedef struct problem {
    phi_conv_shape d;
    phi_conv_data data;
    float *x, *w, *bias, *add, *y;
    int64_t n_y;
    void *packed;
} problem;

static phi_filters filters_of(const problem *p)
{
    return (phi_filters){.row = (size_t)p->d.c, .data = p->w};
}

static void set_up(problem *p, const strassen_case *t, bool integers)
{
    phi_rng rng = phi_rng_start(5, (uint64_t)(t->c * 1000 + t->k));
    const int64_t pixels = t->n * t->h * t->w, x_pitch = t->c + t->x_gap, y_pitch = t->k + t->y_gap;
    p->d = (phi_conv_shape){.n = t->n, .c = t->c, .h = t->h, .w = t->w, .k = t->k, .r = 1, .s = 1,
                            .groups = 1, .oh = t->h, .ow = t->w, .stride_h = 1, .stride_w = 1,
                            .dilation_h = 1, .dilation_w = 1};
    p->n_y = (pixels - 1) * y_pitch + t->k;
    p->x = filled((pixels - 1) * x_pitch + t->c, &rng, integers);
    p->w = filled(t->k * t->c, &rng, integers);
    p->bias = filled(t->k, &rng, integers);
    p->add = filled(p->n_y, &rng, integers);
    p->y = floats(p->n_y);
    p->data = (phi_conv_data){.x = p->x, .x_pitch = x_pitch, .y = p->y, .y_pitch = y_pitch,
                              .bias = t->bias ? p->bias : NULL, .add = t->add ? p->y : NULL,
                              .add_pitch = y_pitch, .lo = t->clamp ? -2 : -INFINITY,
                              .hi = t->clamp ? 30 : INFINITY};
    p->packed = phi_alloc(NULL, phi_strassen_pack_bytes(&p->d));
    assert_non_null(p->packed);
    const phi_filters filters = filters_of(p);
    phi_strassen_pack(&p->d, &filters, NULL, p->packed);
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

/* y, which holds `add`, after a run for `n` images. */
static void run(problem *p, int64_t n, size_t threads)
{
    phi_conv_shape d = p->d;
    phi_pool *pool = NULL;
    d.n = n;
    assert_int_equal(phi_pool_new(NULL, threads, &pool, NULL), PH_OK);
    void *work = phi_alloc(NULL, phi_strassen_work_bytes(&d, threads));
    assert_non_null(work);
    memcpy(p->y, p->add, (size_t)p->n_y * sizeof *p->y);
    phi_strassen_run(&d, &p->data, p->packed, pool, work);
    phi_free(NULL, work);
    phi_pool_free(pool);
}

/* The largest sum of magnitudes of an output: errors come from others, too. */
static double largest(const problem *p)
{
    double most = 0;
    for (int64_t i = 0; i < p->d.n * p->d.oh * p->d.ow; i++)
        for (int64_t k = 0; k < p->d.k; k++) {
            double size = 1;
            for (int64_t c = 0; c < p->d.c; c++)
                size += fabs((double)p->x[i * p->data.x_pitch + c] * (double)p->w[k * p->d.c + c]);
            most = fmax(most, size);
        }
    return most;
}

static void check(const problem *p, int which, bool integers)
{
    const int64_t y_pitch = p->data.y_pitch;
    const double bound = integers ? 0 : 1e-6 * largest(p);
    for (int64_t i = 0; i < p->d.n * p->d.oh * p->d.ow; i++) {
        for (int64_t k = 0; k < p->d.k; k++) {
            double want = 0;
            for (int64_t c = 0; c < p->d.c; c++)
                want += (double)p->x[i * p->data.x_pitch + c] * (double)p->w[k * p->d.c + c];
            if (p->data.bias) want += (double)p->bias[k];
            if (p->data.add) want += (double)p->add[i * y_pitch + k];
            want = fmin(fmax(want, (double)p->data.lo), (double)p->data.hi);
            if (fabs((double)p->y[i * y_pitch + k] - want) > bound)
                fail_msg("case %d, pixel %d, channel %d: got %.9g, wanted %.9g within %g", which,
                         (int)i, (int)k, (double)p->y[i * y_pitch + k], want, bound);
        }
        for (int64_t k = p->d.k; k < y_pitch && i * y_pitch + k < p->n_y; k++)
            assert_true(p->y[i * y_pitch + k] == p->add[i * y_pitch + k]);
    }
}

static void test_shapes(void **state)
{
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(cases); i++)
        for (int integers = 0; integers < 2; integers++) {
            problem p;
            set_up(&p, &cases[i], integers);
            float *first = floats(p.n_y);
            run(&p, p.d.n, 1);
            check(&p, (int)i, integers);
            memcpy(first, p.y, (size_t)p.n_y * sizeof *first);
            for (size_t threads = 2; threads <= 3; threads++) {
                run(&p, p.d.n, threads);
                assert_memory_equal(first, p.y, (size_t)p.n_y * sizeof *first);
            }
            run(&p, 1, 2); /* the first image alone */
            const int64_t image = (p.d.oh * p.d.ow - 1) * p.data.y_pitch + p.d.k;
            assert_memory_equal(first, p.y, (size_t)image * sizeof *first);
            free(first);
            tear_down(&p);
        }
}

/* Weights that come by rows, on some threads, are packed to the same bits as those in memory. */
static void test_rows(void **state)
{
    (void)state;
    for (size_t c = 0; c < PHI_COUNT(cases); c++) {
        problem p;
        phi_pool *pool = NULL;
        set_up(&p, &cases[c], false);
        const size_t bytes = phi_strassen_pack_bytes(&p.d);
        by_rows rows;
        const phi_filters in = filters_of(&p), filters = by_rows_new(&rows, &in);
        char *again = phi_alloc(NULL, bytes);
        assert_non_null(again);
        memcpy(again, p.packed, bytes); /* there is room that no kernel of today fills */
        assert_int_equal(phi_pool_new(NULL, 3, &pool, NULL), PH_OK);
        phi_strassen_pack(&p.d, &filters, pool, again);
        assert_memory_equal(again, p.packed, bytes);
        by_rows_free(&rows);
        phi_pool_free(pool);
        phi_free(NULL, again);
        tear_down(&p);
    }
}

static bool chosen(const phi_conv_shape *d, bool exact)
{
    const phi_conv_params p = {.image = *d};
    phi_choice choices[PHI_MOST_METHODS];
    assert_true(phi_conv_methods(&p, exact, choices) > 0);
    return strcmp(choices[0].method->name, "1x1 Strassen") == 0;
}

/* Large products of pixels as they are; not exact ones, and whatever the batch. */
static void test_choice(void **state)
{
    const phi_conv_shape base = {.n = 1, .c = 256, .h = 14, .w = 14, .k = 256, .r = 1, .s = 1,
                                 .groups = 1, .oh = 14, .ow = 14, .stride_h = 1, .stride_w = 1,
                                 .dilation_h = 1, .dilation_w = 1};
    phi_conv_shape d = base;
    (void)state;
    assert_true(chosen(&d, false));
    assert_false(chosen(&d, true));
    d.n = 32;
    assert_true(chosen(&d, false));
    d.c = 264; /* halves are no multiple of eight */
    assert_false(chosen(&d, false));
    d = base;
    d.c = 64;
    assert_false(chosen(&d, false));
    d = base;
    d.k = 64;
    assert_false(chosen(&d, false));
    d = base;
    d.groups = 2;
    assert_false(chosen(&d, false));
    d = base;
    d.pad_left = d.pad_right = 1;
    d.ow = 16;
    assert_false(chosen(&d, false));
    d = base;
    d.stride_h = d.stride_w = 2;
    d.oh = d.ow = 7;
    assert_false(chosen(&d, false));
    d = base;
    d.h = d.w = d.oh = d.ow = 5;
    d.n = 32;
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
