/* SPDX-License-Identifier: MIT */
/*
 * Kernels along lines of pixels: depthwise convolutions, their gradients, the largest of windows, LRN.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "kernel_check.h"

static void dw_case(const phk_kernel *k, size_t n, size_t taps, unsigned flags, enum fill fill)
{
    const bool accumulate = flags & 1, with_bias = flags & 2, clamp = flags & 4;
    const float *xs[16], *ws[16];
    float *x = input_new(n * taps), *w = input_new(n * taps);
    float *bias = input_new(n), *old = input_new(n);
    fenced y = fenced_new(n);
    phi_rng r = phi_rng_start(3, n * 100 + taps);
    for (size_t i = 0; i < n * taps; i++) {
        x[i] = draw(&r, fill);
        w[i] = draw(&r, fill);
    }
    for (size_t c = 0; c < n; c++) {
        bias[c] = draw(&r, fill);
        old[c] = draw(&r, fill);
        if (accumulate) y.x[c] = old[c];
    }
    for (size_t t = 0; t < taps; t++) {
        xs[t] = x + (taps - 1 - t) * n; /* the last channel of tap 0 ends at the fence */
        ws[t] = w + t * n;
    }
    phk_dw_f32_args args = {.n = n,
                            .taps = taps,
                            .x = xs,
                            .w = ws,
                            .y = y.x,
                            .accumulate = accumulate,
                            .bias = with_bias ? bias : NULL,
                            .lo = clamp ? -2 : -INFINITY,
                            .hi = clamp ? 9 : INFINITY};
    PHK_CALL(dw_f32, k)(&args);
    for (size_t c = 0; c < n; c++) {
        double want = 0, size = 1;
        for (size_t t = 0; t < taps; t++) {
            want += (double)xs[t][c] * (double)ws[t][c];
            size += fabs((double)xs[t][c] * (double)ws[t][c]);
        }
        if (accumulate) want += (double)old[c];
        if (with_bias) want += (double)bias[c];
        if (clamp) want = fmin(fmax(want, -2), 9);
        check_value(k->name, "dw", fill, y.x[c], want, size, taps);
    }
    guarded_free(x);
    guarded_free(w);
    fenced_free(&y);
    guarded_free(bias);
    guarded_free(old);
}

static void test_dw(void **state)
{
    const size_t taps[] = {0, 1, 2, 9, 16};
    const phk_kernel *k;
    (void)state;
    for (size_t i = 0; (k = phk_kernel_at(i)); i++) {
        if (k->slot != PHK_dw_f32 || !runs_here(k)) continue;
        for (size_t c = 0; c < N_CHANNEL_COUNTS; c++)
            for (size_t t = 0; t < PHI_COUNT(taps); t++)
                for (unsigned flags = 0; flags < 8; flags++) {
                    dw_case(k, channel_counts[c], taps[t], flags, INTEGERS);
                    dw_case(k, channel_counts[c], taps[t], flags, RANDOM);
                }
    }
}

static void test_dw_nan(void **state)
{
    const phk_kernel *k;
    (void)state;
    for (size_t i = 0; (k = phk_kernel_at(i)); i++) {
        if (k->slot != PHK_dw_f32 || !runs_here(k)) continue;
        float x[45], w[45], y[45];
        for (size_t c = 0; c < 45; c++)
            x[c] = w[c] = 1;
        x[3] = x[33] = x[44] = NAN;
        x[5] = INFINITY;
        const float *xs = x, *ws = w;
        phk_dw_f32_args args = {
            .n = 45, .taps = 1, .x = &xs, .w = &ws, .y = y, .lo = 0, .hi = INFINITY};
        PHK_CALL(dw_f32, k)(&args);
        for (size_t c = 0; c < 45; c++)
            assert_true(isnan(x[c]) ? isnan(y[c]) != 0 : y[c] == x[c]);
    }
}

/* The largest, with not-a-number in some places: the first, the last, in a tail. */
static void max_case(const phk_kernel *k, size_t n, size_t taps)
{
    const float *xs[64];
    float *x = input_new(n * taps);
    fenced y = fenced_new(n);
    phi_rng r = phi_rng_start(6, n * 100 + taps);
    for (size_t i = 0; i < n * taps; i++)
        x[i] = i % 17 == 5 ? NAN : i % 13 == 4 ? -INFINITY : phi_rng_normal(&r);
    for (size_t t = 0; t < taps; t++)
        xs[t] = x + (taps - 1 - t) * n; /* the last channel of tap 0 ends at the fence */
    const phk_max_f32_args args = {.n = n, .taps = taps, .x = xs, .y = y.x};
    PHK_CALL(max_f32, k)(&args);
    for (size_t c = 0; c < n; c++) {
        float want = xs[0][c];
        for (size_t t = 1; t < taps; t++)
            if (isnan(xs[t][c]) || xs[t][c] > want) want = isnan(want) ? want : xs[t][c];
        assert_true(isnan(want) ? isnan(y.x[c]) != 0 : y.x[c] == want);
    }
    guarded_free(x);
    fenced_free(&y);
}

static void test_max(void **state)
{
    const size_t taps[] = {1, 2, 9, 64};
    const phk_kernel *k;
    (void)state;
    for (size_t i = 0; (k = phk_kernel_at(i)); i++) {
        if (k->slot != PHK_max_f32 || !runs_here(k)) continue;
        for (size_t c = 0; c < N_CHANNEL_COUNTS; c++)
            for (size_t t = 0; t < PHI_COUNT(taps); t++)
                max_case(k, channel_counts[c], taps[t]);
    }
}

/* Neighbours of each channel, fenced where there are none; windows up to all channels. With
 * `special`, an infinity and a NaN reach those whose window has them and no one else. */
static void lrn_case(const phk_kernel *k, size_t n, size_t lo, size_t hi, int quarters,
                     bool special)
{
    enum { PIXELS = 3 };
    const size_t x_step = n + 2, y_step = n + 3;
    float *x = input_new((PIXELS - 1) * x_step + n);
    fenced y = fenced_new((PIXELS - 1) * y_step + n), room = fenced_new(2 * (lo + n + hi));
    phi_rng r = phi_rng_start(12, n * 10000 + lo * 100 + hi);
    for (size_t p = 0; p < PIXELS; p++)
        for (size_t c = 0; c < n; c++)
            x[p * x_step + c] = 3 * phi_rng_normal(&r);
    if (special) {
        x[n / 3] = INFINITY;
        x[x_step + n - 1] = NAN;
    }
    const phk_lrn_f32_args args = {.n = n,
                                   .pixels = PIXELS,
                                   .lo = lo,
                                   .hi = hi,
                                   .x = x,
                                   .x_step = (ptrdiff_t)x_step,
                                   .y = y.x,
                                   .y_step = (ptrdiff_t)y_step,
                                   .bias = 0.75f,
                                   .alpha = 0.3f,
                                   .quarters = quarters,
                                   .room = room.x};
    PHK_CALL(lrn_f32, k)(&args);
    for (size_t p = 0; p < PIXELS; p++) {
        const float *xs = x + p * x_step;
        for (size_t c = 0; c < n; c++) {
            double sum = 0;
            for (size_t i = c < lo ? 0 : c - lo; i <= c + hi && i < n; i++)
                sum += (double)xs[i] * (double)xs[i];
            const double s = (double)args.bias + (double)args.alpha * sum;
            const double want = (double)xs[c] / pow(s, quarters / 4.0);
            if (isnan(want))
                assert_true(isnan(y.x[p * y_step + c]));
            else
                check_value(k->name, "lrn", RANDOM, y.x[p * y_step + c], want, fabs(want), lo + hi);
        }
        for (size_t c = n; p + 1 < PIXELS && c < y_step; c++)
            assert_true(is_poison(&y.x[p * y_step + c]));
    }
    guarded_free(x);
    fenced_free(&y);
    fenced_free(&room);
}

static void test_lrn(void **state)
{
    const size_t windows[][2] = {{0, 0}, {2, 2}, {1, 2}, {0, 1}, {3, 3}, {7, 8}, {100, 100}};
    const phk_kernel *k;
    (void)state;
    for (size_t i = 0; (k = phk_kernel_at(i)); i++) {
        if (k->slot != PHK_lrn_f32 || !runs_here(k)) continue;
        for (size_t c = 0; c < N_CHANNEL_COUNTS; c++)
            for (size_t w = 0; w < PHI_COUNT(windows); w++)
                for (int quarters = 2; quarters <= 4; quarters++) {
                    const size_t n = channel_counts[c];
                    const size_t lo = windows[w][0] < n ? windows[w][0] : n - 1;
                    const size_t hi = windows[w][1] < n ? windows[w][1] : n - 1;
                    lrn_case(k, n, lo, hi, quarters, false);
                    lrn_case(k, n, lo, hi, quarters, true);
                }
    }
}

/* A run of depthwise pixels: kernels of 1 to 5 taps a side, any stride and dilation. */
typedef struct run_case {
    size_t pixels, taps_h, taps_w, stride, dilation;
    bool bias, clamp;
} run_case;

static void dwrow_case(const phk_kernel *k, size_t n, const run_case *t, unsigned cut,
                       enum fill fill)
{
    const size_t pitch = n + 2, y_step = n + 3;
    const size_t line = ((t->pixels - 1) * t->stride + (t->taps_w - 1) * t->dilation + 1) * pitch;
    const size_t n_x = (t->taps_h ? t->taps_h - 1 : 0) * line + line - 2;
    float *x = input_new(n_x), *w = input_new(t->taps_h * t->taps_w * n), *bias = input_new(n);
    fenced y = fenced_new((t->pixels - 1) * y_step + n);
    phi_rng r = phi_rng_start(8, n * 100 + t->pixels);
    for (size_t i = 0; i < n_x; i++)
        x[i] = draw(&r, fill);
    for (size_t i = 0; i < t->taps_h * t->taps_w * n; i++)
        w[i] = draw(&r, fill);
    for (size_t i = 0; i < n; i++)
        bias[i] = draw(&r, fill);
    const bool cut_first = cut & 1, cut_last = cut & 2;
    for (size_t i = 0; i < t->taps_h; i++) /* what is cut is poison, at the fence or not */
        for (size_t c = 0; c < n; c++) {
            if (cut_first) poison(&x[i * line + c], 1);
            if (cut_last)
                poison(&x[i * line + ((t->pixels - 1) * t->stride + 2 * t->dilation) * pitch + c],
                       1);
        }
    const phk_dwrow_f32_args args = {.n = n,
                                     .pixels = t->pixels,
                                     .cut_first = cut_first,
                                     .cut_last = cut_last,
                                     .taps_h = t->taps_h,
                                     .taps_w = t->taps_w,
                                     .x = x,
                                     .w = w,
                                     .x_step = (ptrdiff_t)(t->stride * pitch),
                                     .x_row = (ptrdiff_t)line,
                                     .x_col = (ptrdiff_t)(t->dilation * pitch),
                                     .w_row = (ptrdiff_t)(t->taps_w * n),
                                     .w_col = (ptrdiff_t)n,
                                     .y = y.x,
                                     .y_step = (ptrdiff_t)y_step,
                                     .bias = t->bias ? bias : NULL,
                                     .lo = t->clamp ? -2 : -INFINITY,
                                     .hi = t->clamp ? 9 : INFINITY};
    PHK_CALL(dwrow_f32, k)(&args);
    for (size_t p = 0; p < t->pixels; p++) {
        for (size_t c = 0; c < n; c++) {
            double want = 0, size = 1;
            for (size_t i = 0; i < t->taps_h; i++)
                for (size_t j = 0; j < t->taps_w; j++) {
                    if (cut_first && p == 0 && j == 0) continue;
                    if (cut_last && p + 1 == t->pixels && j + 1 == t->taps_w) continue;
                    const double term =
                        (double)x[i * line + (p * t->stride + j * t->dilation) * pitch + c] *
                        (double)w[(i * t->taps_w + j) * n + c];
                    want += term;
                    size += fabs(term);
                }
            if (t->bias) want += (double)bias[c];
            if (t->clamp) want = fmin(fmax(want, -2), 9);
            check_value(k->name, "dwrow", fill, y.x[p * y_step + c], want, size,
                        t->taps_h * t->taps_w);
        }
        for (size_t c = n; p + 1 < t->pixels && c < y_step; c++)
            assert_true(is_poison(&y.x[p * y_step + c]));
    }
    guarded_free(x);
    guarded_free(w);
    guarded_free(bias);
    fenced_free(&y);
}

static void test_dwrow(void **state)
{
    static const run_case cases[] = {
        {1, 3, 3, 1, 1, true, false}, {4, 3, 3, 1, 1, false, true},  {7, 3, 3, 1, 1, true, true},
        {6, 2, 3, 1, 1, true, false}, {5, 1, 3, 2, 1, true, false},  {9, 3, 3, 2, 1, true, true},
        {6, 3, 3, 2, 2, true, false}, {5, 3, 3, 1, 2, false, false}, {6, 5, 5, 1, 1, true, true},
        {3, 5, 5, 2, 1, true, false}, {5, 0, 3, 1, 1, true, false},  {4, 2, 1, 3, 1, true, false},
        {2, 3, 3, 1, 1, true, false}, {35, 3, 3, 1, 1, true, true},  {33, 3, 3, 2, 1, true, true},
        {2, 2, 3, 2, 1, true, true}};
    const phk_kernel *k;
    (void)state;
    for (size_t i = 0; (k = phk_kernel_at(i)); i++) {
        if (k->slot != PHK_dwrow_f32 || !runs_here(k)) continue;
        for (size_t c = 0; c < N_CHANNEL_COUNTS; c++)
            for (size_t t = 0; t < PHI_COUNT(cases); t++) {
                const run_case *r = &cases[t];
                const bool cuts = phk_dwrow_cuts(r->taps_h, r->taps_w, (ptrdiff_t)r->stride,
                                                 (ptrdiff_t)r->dilation);
                for (unsigned cut = 0; cut < (cuts ? 4 : 1); cut++) {
                    dwrow_case(k, channel_counts[c], r, cut, INTEGERS);
                    dwrow_case(k, channel_counts[c], r, cut, RANDOM);
                }
            }
    }
}

static void dwg_case(const phk_kernel *k, size_t n, size_t pixels, enum fill fill)
{
    const size_t x_step = n + 3, dy_step = n + 1;
    float *x = input_new(pixels ? (pixels - 1) * x_step + n : 0);
    float *dy = input_new(pixels ? (pixels - 1) * dy_step + n : 0), *old = input_new(n);
    fenced g = fenced_new(n);
    phi_rng r = phi_rng_start(4, n * 100 + pixels);
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < n; c++) {
            x[p * x_step + c] = draw(&r, fill);
            dy[p * dy_step + c] = draw(&r, fill);
        }
    for (size_t c = 0; c < n; c++)
        g.x[c] = old[c] = draw(&r, fill);
    phk_dwg_f32_args args = {.n = n,
                             .pixels = pixels,
                             .x = x,
                             .dy = dy,
                             .g = g.x,
                             .x_step = (ptrdiff_t)x_step,
                             .dy_step = (ptrdiff_t)dy_step};
    PHK_CALL(dwg_f32, k)(&args);
    for (size_t c = 0; c < n; c++) {
        double want = (double)old[c], size = fabs(want) + 1;
        for (size_t p = 0; p < pixels; p++) {
            want += (double)x[p * x_step + c] * (double)dy[p * dy_step + c];
            size += fabs((double)x[p * x_step + c] * (double)dy[p * dy_step + c]);
        }
        check_value(k->name, "dwg", fill, g.x[c], want, size, pixels);
    }
    guarded_free(x);
    guarded_free(dy);
    fenced_free(&g);
    guarded_free(old);
}

static void test_dwg(void **state)
{
    const size_t pixels[] = {0, 1, 2, 13, 56};
    const phk_kernel *k;
    (void)state;
    for (size_t i = 0; (k = phk_kernel_at(i)); i++) {
        if (k->slot != PHK_dwg_f32 || !runs_here(k)) continue;
        for (size_t c = 0; c < N_CHANNEL_COUNTS; c++)
            for (size_t p = 0; p < PHI_COUNT(pixels); p++) {
                dwg_case(k, channel_counts[c], pixels[p], INTEGERS);
                dwg_case(k, channel_counts[c], pixels[p], RANDOM);
            }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dw),    cmocka_unit_test(test_dw_nan), cmocka_unit_test(test_dwg),
        cmocka_unit_test(test_dwrow), cmocka_unit_test(test_max),    cmocka_unit_test(test_lrn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
