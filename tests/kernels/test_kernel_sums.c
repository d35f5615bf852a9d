/* SPDX-License-Identifier: MIT */
/* Sums before and behind products: Winograd's transforms, in two dimensions and in one, and
 * Strassen's halves. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "kernels/winograd.h"
#include "kernel_check.h"

/* --- Winograd's transforms: against products with the matrices, in double --------------------- */

/* out [rows][rows] = L d L', L [rows][a] */
static void both_sides(const float *l, size_t rows, size_t a, const double *d, double *out)
{
    double half[PHI_WINO_MAX * PHI_WINO_MAX];
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < a; j++) {
            half[i * a + j] = 0;
            for (size_t p = 0; p < a; p++)
                half[i * a + j] += (double)l[i * a + p] * d[p * a + j];
        }
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < rows; j++) {
            out[i * rows + j] = 0;
            for (size_t p = 0; p < a; p++)
                out[i * rows + j] += half[i * a + p] * (double)l[j * a + p];
        }
}

static void wino_in_case(const phk_kernel *k, const phi_wino *v, size_t n)
{
    const size_t a2 = v->a * v->a, slab = n + 5;
    const float *xs[PHI_WINO_MAX * PHI_WINO_MAX];
    float *x = input_new(a2 * n);
    fenced y = fenced_new((a2 - 1) * slab + n);
    phi_rng r = phi_rng_start(9, n);
    for (size_t i = 0; i < a2 * n; i++)
        x[i] = phi_rng_normal(&r);
    for (size_t i = 0; i < a2; i++)
        xs[i] = x + (a2 - 1 - i) * n;
    const phk_wino_in_f32_args args = {.n = n, .x = xs, .v = y.x, .slab = slab};
    PHK_CALL(wino_in_f32, k)(&args);
    for (size_t c = 0; c < n; c++) {
        double d[PHI_WINO_MAX * PHI_WINO_MAX] = {0}, want[PHI_WINO_MAX * PHI_WINO_MAX];
        for (size_t i = 0; i < a2; i++)
            d[i] = (double)xs[i][c];
        both_sides(v->input, v->a, v->a, d, want);
        for (size_t i = 0; i < a2; i++)
            check_value(k->name, "transform", RANDOM, y.x[i * slab + c], want[i], 40, a2);
    }
    for (size_t i = 0; i + 1 < a2; i++)
        for (size_t c = n; c < slab; c++)
            assert_true(is_poison(&y.x[i * slab + c]));
    guarded_free(x);
    fenced_free(&y);
}

static void wino_out_case(const phk_kernel *k, const phi_wino *v, size_t n, size_t rows,
                          size_t cols, bool all)
{
    const size_t a2 = v->a * v->a, slab = n + PHK_MAX_NR, pitch = n + 3, line = cols * pitch;
    float *m = input_new(a2 * slab), *bias = input_new(n), *add = input_new(rows * line);
    fenced y = fenced_new((rows - 1) * line + (cols - 1) * pitch + n);
    phi_rng r = phi_rng_start(10, n * 10 + rows);
    for (size_t i = 0; i < a2 * slab; i++)
        m[i] = phi_rng_normal(&r);
    for (size_t i = 0; i < n; i++)
        bias[i] = phi_rng_normal(&r);
    for (size_t i = 0; i < rows * line; i++)
        add[i] = phi_rng_normal(&r);
    const phk_wino_out_f32_args args = {.n = n,
                                        .m = m,
                                        .slab = slab,
                                        .y = y.x,
                                        .y_row = (ptrdiff_t)line,
                                        .y_col = (ptrdiff_t)pitch,
                                        .rows = rows,
                                        .cols = cols,
                                        .bias = all ? bias : NULL,
                                        .add = all ? add : NULL,
                                        .add_row = (ptrdiff_t)line,
                                        .add_col = (ptrdiff_t)pitch,
                                        .lo = all ? -1 : -INFINITY,
                                        .hi = all ? 2 : INFINITY};
    PHK_CALL(wino_out_f32, k)(&args);
    for (size_t c = 0; c < n; c++) {
        double d[PHI_WINO_MAX * PHI_WINO_MAX] = {0}, want[PHI_WINO_MAX * PHI_WINO_MAX];
        for (size_t i = 0; i < a2; i++)
            d[i] = (double)m[i * slab + c];
        both_sides(v->output, v->m, v->a, d, want);
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < cols; j++) {
                double w = want[i * v->m + j];
                if (all) w += (double)bias[c] + (double)add[i * line + j * pitch + c];
                if (all) w = fmin(fmax(w, -1), 2);
                check_value(k->name, "transform back", RANDOM, y.x[i * line + j * pitch + c], w, 80,
                            a2);
            }
    }
    for (size_t i = 0; i + pitch < y.n; i++)
        if (i % pitch >= n) assert_true(is_poison(&y.x[i]));
    guarded_free(m);
    guarded_free(bias);
    guarded_free(add);
    fenced_free(&y);
}

static void test_winograd(void **state)
{
    const phi_wino *const variants[] = {&phi_wino_f2x3, &phi_wino_f4x3, &phi_wino_f6x3,
                                        &phi_wino_f2x5, &phi_wino_f4x5, &phi_wino_f2x3s2};
    const phk_kernel *k;
    (void)state;
    for (size_t i = 0; (k = phk_kernel_at(i)); i++)
        for (size_t v = 0; v < PHI_COUNT(variants) && runs_here(k); v++)
            for (size_t c = 0; c < N_CHANNEL_COUNTS; c++) {
                if (k->slot == variants[v]->in_slot)
                    wino_in_case(k, variants[v], channel_counts[c]);
                if (k->slot != variants[v]->out_slot) continue;
                for (size_t rows = 1; rows <= variants[v]->m; rows++) {
                    wino_out_case(k, variants[v], channel_counts[c], rows, variants[v]->m, true);
                    wino_out_case(k, variants[v], channel_counts[c], rows, 1, false);
                }
            }
}

/* --- Strassen's sums -------------------------------------------------------------------------- */

static void halves_in_case(const phk_kernel *k, size_t n, size_t n_v)
{
    const size_t slab = n + 3;
    float *x[4];
    fenced v = fenced_new((n_v - 1) * slab + n);
    phi_rng r = phi_rng_start(11, n);
    for (size_t i = 0; i < 4; i++) {
        x[i] = input_new(n);
        for (size_t c = 0; c < n; c++)
            x[i][c] = phi_rng_normal(&r);
    }
    const phk_halves_in_f32_args args = {.n = n,
                                         .x11 = x[0],
                                         .x12 = x[1],
                                         .x21 = x[2],
                                         .x22 = x[3],
                                         .n_v = n_v,
                                         .v = v.x,
                                         .slab = slab};
    PHK_CALL(halves_in_f32, k)(&args);
    for (size_t c = 0; c < n; c++) {
        const double x11 = (double)x[0][c], x12 = (double)x[1][c], x21 = (double)x[2][c];
        const double x22 = (double)x[3][c], s1 = x21 + x22, s2 = s1 - x11;
        const double want[] = {s1, s2, x11 - x21, x12 - s2, x11, x12, x22, x21};
        for (size_t i = 0; i < n_v; i++)
            check_value(k->name, "sums", RANDOM, v.x[i * slab + c], want[i], 4, 4);
    }
    for (size_t i = 0; i + 1 < n_v; i++)
        for (size_t c = n; c < slab; c++)
            assert_true(is_poison(&v.x[i * slab + c]));
    for (size_t i = 0; i < 4; i++)
        guarded_free(x[i]);
    fenced_free(&v);
}

static void halves_out_case(const phk_kernel *k, size_t n, size_t rows, size_t x_rows, bool all)
{
    const size_t ld = n + 2, pitch = n + 3;
    float *z = input_new(x_rows * ld), *w = input_new(x_rows * ld), *old = input_new(x_rows * ld);
    float *bias = input_new(n), *add = input_new(rows * pitch);
    fenced x = fenced_new((x_rows - 1) * ld + n), y = fenced_new(rows ? (rows - 1) * pitch + n : 0);
    phi_rng r = phi_rng_start(12, n * 10 + rows);
    for (size_t i = 0; i < x_rows * ld; i++) {
        z[i] = phi_rng_normal(&r);
        w[i] = phi_rng_normal(&r);
        old[i] = phi_rng_normal(&r);
        if (i % ld < n) x.x[i] = old[i];
    }
    for (size_t j = 0; j < n; j++)
        bias[j] = phi_rng_normal(&r);
    for (size_t i = 0; i < rows * pitch; i++)
        add[i] = phi_rng_normal(&r);
    const phk_halves_out_f32_args args = {.n = n,
                                          .rows = rows,
                                          .x_rows = x_rows,
                                          .z = z,
                                          .w = w,
                                          .x = x.x,
                                          .ld = ld,
                                          .y = y.x,
                                          .y_row = (ptrdiff_t)pitch,
                                          .bias = all ? bias : NULL,
                                          .add = all ? add : NULL,
                                          .add_row = (ptrdiff_t)pitch,
                                          .lo = all ? -1 : -INFINITY,
                                          .hi = all ? 2 : INFINITY};
    PHK_CALL(halves_out_f32, k)(&args);
    for (size_t i = 0; i < x_rows; i++)
        for (size_t j = 0; j < n; j++) {
            const size_t at = i * ld + j;
            double want = (double)z[at] + (double)w[at];
            check_value(k->name, "shared sum", RANDOM, x.x[at], (double)old[at] + (double)w[at], 4,
                        2);
            if (i >= rows) continue;
            if (all) want += (double)bias[j] + (double)add[i * pitch + j];
            if (all) want = fmin(fmax(want, -1), 2);
            check_value(k->name, "result", RANDOM, y.x[i * pitch + j], want, 8, 4);
        }
    for (size_t i = 0; i < x.n; i++)
        if (i % ld >= n) assert_true(is_poison(&x.x[i]));
    for (size_t i = 0; i < y.n; i++)
        if (i % pitch >= n) assert_true(is_poison(&y.x[i]));
    guarded_free(z);
    guarded_free(w);
    guarded_free(old);
    guarded_free(bias);
    guarded_free(add);
    fenced_free(&x);
    fenced_free(&y);
}

static void test_strassen(void **state)
{
    const phk_kernel *k;
    (void)state;
    for (size_t i = 0; (k = phk_kernel_at(i)); i++)
        for (size_t c = 0; c < N_CHANNEL_COUNTS && runs_here(k); c++) {
            const size_t n = channel_counts[c];
            if (k->slot == PHK_halves_in_f32) {
                halves_in_case(k, n, 4);
                halves_in_case(k, n, 7);
                halves_in_case(k, n, 8);
            }
            if (k->slot != PHK_halves_out_f32) continue;
            for (size_t rows = 0; rows < 4; rows++) {
                halves_out_case(k, n, rows, rows + 1, true);
                halves_out_case(k, n, rows + 1, rows + 1, false);
            }
        }
}

/* --- Winograd down the lines ------------------------------------------------------------------ */

static void lines_in_case(const phk_kernel *k, size_t n, size_t lines, size_t products)
{
    const size_t slab = n + 3, ld = lines + 2;
    float *x = input_new(lines * n), *matrix = input_new((products - 1) * ld + lines);
    const float *xs[16];
    fenced v = fenced_new((products - 1) * slab + n);
    phi_rng r = phi_rng_start(13, n * 10 + lines);
    for (size_t i = 0; i < lines * n; i++)
        x[i] = phi_rng_normal(&r);
    for (size_t i = 0; i < lines; i++)
        xs[i] = x + (lines - 1 - i) * n;
    for (size_t e = 0; e < products; e++)
        for (size_t i = 0; i < lines; i++)
            matrix[e * ld + i] = (e + i) % 3 ? phi_rng_normal(&r) : 0;
    const phk_lines_in_f32_args args = {.n = n,
                                        .lines = lines,
                                        .x = xs,
                                        .products = products,
                                        .matrix = matrix,
                                        .ld = ld,
                                        .v = v.x,
                                        .slab = slab};
    PHK_CALL(lines_in_f32, k)(&args);
    for (size_t e = 0; e < products; e++)
        for (size_t j = 0; j < n; j++) {
            double want = 0, size = 0;
            for (size_t i = 0; i < lines; i++) {
                want += (double)matrix[e * ld + i] * (double)xs[i][j];
                size += fabs((double)matrix[e * ld + i] * (double)xs[i][j]);
            }
            check_value(k->name, "sum of lines", RANDOM, v.x[e * slab + j], want, size, lines);
        }
    for (size_t i = 0; i < v.n; i++)
        if (i % slab >= n) assert_true(is_poison(&v.x[i]));
    guarded_free(x);
    guarded_free(matrix);
    fenced_free(&v);
}

typedef struct lines_case {
    size_t most, lines; /* those that exist */
    size_t pairs;
    bool zero, all; /* all: bias, sum and clamp */
} lines_case;

static void lines_out_case(const phk_kernel *k, size_t n, size_t pixels, const lines_case *t)
{
    const size_t m_row = n + PHK_MAX_NR, slab = pixels * m_row, pitch = n + 3;
    const size_t products = 2 * t->pairs + t->zero + 1, line = pixels * pitch;
    float *m = input_new(products * slab), *powers = input_new(t->pairs * 6);
    float *bias = input_new(n), *add = input_new(t->lines * line);
    fenced y = fenced_new((t->lines - 1) * line + (pixels - 1) * pitch + n);
    phi_rng r = phi_rng_start(14, n * 10 + t->lines);
    for (size_t i = 0; i < products * slab; i++)
        m[i] = phi_rng_normal(&r);
    for (size_t i = 0; i < t->pairs * 6; i++)
        powers[i] = i % 6 ? powers[i - 1] * (0.5f + (float)(i / 6)) : 1;
    for (size_t i = 0; i < n; i++)
        bias[i] = phi_rng_normal(&r);
    for (size_t i = 0; i < t->lines * line; i++)
        add[i] = phi_rng_normal(&r);
    const phk_lines_out_f32_args args = {.n = n,
                                         .pixels = pixels,
                                         .lines = t->lines,
                                         .most = t->most,
                                         .m = m,
                                         .m_row = m_row,
                                         .slab = slab,
                                         .pairs = t->pairs,
                                         .zero = t->zero,
                                         .powers = powers,
                                         .y = y.x,
                                         .y_line = (ptrdiff_t)line,
                                         .y_pixel = (ptrdiff_t)pitch,
                                         .bias = t->all ? bias : NULL,
                                         .add = t->all ? add : NULL,
                                         .add_line = (ptrdiff_t)line,
                                         .add_pixel = (ptrdiff_t)pitch,
                                         .lo = t->all ? -1 : -INFINITY,
                                         .hi = t->all ? 2 : INFINITY};
    PHK_CALL(lines_out_f32, k)(&args);
    for (size_t l = 0; l < t->lines; l++)
        for (size_t i = 0; i < pixels; i++)
            for (size_t j = 0; j < n; j++) {
                const float *at = m + i * m_row + j;
                double want = 0, size = 4;
                for (size_t p = 0; p < 2 * t->pairs; p++, at += slab) {
                    const double power = (double)powers[p / 2 * 6 + l];
                    want += (p % 2 && l % 2 ? -power : power) * (double)*at;
                    size += fabs(power * (double)*at);
                }
                if (t->zero) want += l == 0 ? (double)*at : 0;
                if (l + 1 == t->most) want += (double)at[t->zero ? slab : 0];
                if (t->all) want += (double)bias[j] + (double)add[l * line + i * pitch + j];
                if (t->all) want = fmin(fmax(want, -1), 2);
                check_value(k->name, "lines", RANDOM, y.x[l * line + i * pitch + j], want, size,
                            products);
            }
    for (size_t i = 0; i < y.n; i++)
        if (i % pitch >= n) assert_true(is_poison(&y.x[i]));
    guarded_free(m);
    guarded_free(powers);
    guarded_free(bias);
    guarded_free(add);
    fenced_free(&y);
}

static void test_lines(void **state)
{
    const phk_kernel *k;
    (void)state;
    for (size_t i = 0; (k = phk_kernel_at(i)); i++)
        for (size_t c = 0; c < N_CHANNEL_COUNTS && runs_here(k); c++) {
            const size_t n = channel_counts[c];
            if (k->slot == PHK_lines_in_f32) {
                lines_in_case(k, n, 1, 2);
                lines_in_case(k, n, 7, 9);
                lines_in_case(k, n, 9, 8);
            }
            if (k->slot != PHK_lines_out_f32) continue;
            lines_case t = {.most = 4};
            for (; t.most <= 6; t.most += 2)
                for (t.lines = 1; t.lines <= t.most; t.lines++)
                    for (t.pairs = 1; t.pairs <= 4; t.pairs++) {
                        t.zero = t.pairs % 2;
                        t.all = t.lines % 2;
                        lines_out_case(k, n, t.pairs, &t);
                        t.zero = !t.zero;
                        t.all = !t.all;
                        lines_out_case(k, n, 3, &t);
                    }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_winograd),
        cmocka_unit_test(test_strassen),
        cmocka_unit_test(test_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
