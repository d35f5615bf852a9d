/* SPDX-License-Identifier: MIT */
/* Tiles of products of matrices. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "kernel_check.h"

/* How A is handed over: rows in memory, a packed panel, rows by pointers of three taps. */
enum a_form { A_ROWS, A_PACKED, A_POINTERS, N_A_FORMS };

#define TAPS 3

typedef struct gemm_case {
    const phk_kernel *kernel;
    size_t m, n, kc; /* kc: all of K */
    enum a_form form;
    bool accumulate, from, bias, clamp, add; /* from: accumulate to other rows than C's */
    enum fill fill;
} gemm_case;

typedef struct gemm_operands {
    float *a, *b, *old, *bias, *add;
    const float **rows;
    uint16_t *order;
    fenced c;
    phk_gemm_f32_args args;
} gemm_operands;

#define C_GAP 5 /* columns of C beyond the tile */
#define A_GAP 3

static void gemm_set_up(const gemm_case *t, gemm_operands *o)
{
    const size_t mr = t->kernel->mr, nr = t->kernel->nr, c_row = nr + C_GAP;
    const size_t high = t->m > mr ? t->m : mr;
    const size_t a_row = t->form == A_PACKED ? 1 : t->kc + A_GAP;
    const size_t a_step = t->form == A_PACKED ? high : 1;
    const size_t taps = t->form == A_POINTERS && t->kc % TAPS == 0 ? TAPS : 1;
    phi_rng r = phi_rng_start(20260101, t->m * 1000000 + t->n * 1000 + t->kc);
    o->a = input_new(t->kc ? (t->m - 1) * a_row + (t->kc - 1) * a_step + 1 : 0);
    o->b = input_new(t->kc * nr);
    o->old = input_new(t->m * t->n);
    o->bias = input_new(t->n);
    o->add = input_new(t->m * (t->n + A_GAP));
    for (size_t i = 0; i < t->m * (t->n + A_GAP); i++)
        o->add[i] = draw(&r, t->fill);
    o->c = fenced_new((t->m - 1) * c_row + t->n);
    for (size_t i = 0; i < t->m; i++)
        for (size_t p = 0; p < t->kc; p++)
            o->a[i * a_row + p * a_step] = draw(&r, t->fill);
    for (size_t i = 0; i < t->kc * nr; i++)
        o->b[i] = i % nr < t->n ? draw(&r, t->fill) : 0;
    for (size_t j = 0; j < t->n; j++)
        o->bias[j] = draw(&r, t->fill);
    for (size_t i = 0; i < t->m; i++)
        for (size_t j = 0; j < t->n; j++) {
            o->old[i * t->n + j] = draw(&r, t->fill);
            if (t->accumulate && !t->from) o->c.x[i * c_row + j] = o->old[i * t->n + j];
        }
    o->rows = malloc((taps * (t->m + 1)) * sizeof *o->rows);
    assert_non_null(o->rows);
    for (size_t tap = 0; tap < taps; tap++)
        for (size_t i = 0; i < t->m; i++)
            o->rows[tap * (t->m + 1) + i] = o->a + i * a_row + tap * (t->kc / taps);
    o->order = malloc(t->m * sizeof *o->order);
    assert_non_null(o->order);
    for (size_t i = 0; i < t->m; i++) /* turned round, but for the first */
        o->order[i] = (uint16_t)((t->m - i) % t->m);
    const bool ordered = t->form == A_POINTERS && (t->m + t->n) % 2;
    o->args = (phk_gemm_f32_args){.kc = t->kc / taps,
                                  .taps = taps,
                                  .rows = t->form == A_POINTERS ? o->rows : NULL,
                                  .rows_ld = t->m + 1,
                                  .order = ordered ? o->order : NULL,
                                  .a = t->form == A_POINTERS ? NULL : o->a,
                                  .a_row = (ptrdiff_t)a_row,
                                  .a_step = (ptrdiff_t)a_step,
                                  .b = o->b,
                                  .c = o->c.x,
                                  .c_row = (ptrdiff_t)c_row,
                                  .m = t->m,
                                  .n = t->n,
                                  .accumulate = t->accumulate,
                                  .from = t->from ? o->old : NULL,
                                  .from_row = (ptrdiff_t)t->n,
                                  .bias = t->bias ? o->bias : NULL,
                                  .add = t->add ? o->add : NULL,
                                  .add_row = (ptrdiff_t)(t->n + A_GAP),
                                  .next = o->b,
                                  .next_lines = t->kc / 2,
                                  .lo = t->clamp ? -3 : -INFINITY,
                                  .hi = t->clamp ? 5 : INFINITY};
}

static void gemm_tear_down(gemm_operands *o)
{
    guarded_free(o->a);
    free(o->rows);
    free(o->order);
    guarded_free(o->b);
    guarded_free(o->old);
    guarded_free(o->bias);
    guarded_free(o->add);
    fenced_free(&o->c);
}

static void gemm_check(const gemm_case *t, const gemm_operands *o)
{
    const size_t nr = t->kernel->nr, c_row = (size_t)o->args.c_row;
    char what[96];
    snprintf(what, sizeof what, "m %zu n %zu kc %zu form %d accumulate %d bias %d clamp %d", t->m,
             t->n, t->kc, (int)t->form, t->accumulate, t->bias, t->clamp);
    for (size_t row = 0; row < t->m; row++) {
        const size_t i = o->args.order ? o->args.order[row] : row;
        for (size_t j = 0; j < t->n; j++) {
            double want = 0, size = 1;
            for (size_t p = 0; p < t->kc; p++) {
                const size_t at =
                    (size_t)((ptrdiff_t)row * o->args.a_row + (ptrdiff_t)p * o->args.a_step);
                double a = (double)o->a[at];
                want += a * (double)o->b[p * nr + j];
                size += fabs(a * (double)o->b[p * nr + j]);
            }
            size += fabs((double)o->old[i * t->n + j]) + fabs((double)o->bias[j]) +
                    fabs((double)o->add[i * (t->n + A_GAP) + j]);
            if (t->accumulate) want += (double)o->old[i * t->n + j];
            if (t->bias) want += (double)o->bias[j];
            if (t->add) want += (double)o->add[i * (t->n + A_GAP) + j];
            if (t->clamp) want = fmin(fmax(want, -3), 5);
            check_value(t->kernel->name, what, t->fill, o->c.x[i * c_row + j], want, size, t->kc);
        }
        for (size_t j = t->n; i + 1 < t->m && j < c_row; j++)
            if (!is_poison(&o->c.x[i * c_row + j]))
                fail_msg("%s, %s: wrote column %zu of row %zu", t->kernel->name, what, j, i);
    }
}

static void gemm_case_run(const gemm_case *t)
{
    gemm_operands o;
    gemm_set_up(t, &o);
    PHK_CALL(gemm_f32, t->kernel)(&o.args);
    gemm_check(t, &o);
    gemm_tear_down(&o);
}

static void gemm_flags(const phk_kernel *k, size_t m, size_t n, size_t kc, enum fill fill)
{
    for (int form = 0; form < N_A_FORMS; form++)
        for (unsigned flags = 0; flags < 32; flags++) {
            if ((flags & 17) == 16) continue;
            gemm_case t = {.kernel = k,
                           .m = m,
                           .n = n,
                           .kc = kc,
                           .form = (enum a_form)form,
                           .accumulate = flags & 1,
                           .from = flags & 16,
                           .bias = flags & 2,
                           .clamp = flags & 4,
                           .add = flags & 8,
                           .fill = fill};
            gemm_case_run(&t);
        }
}

/* All tiles; then strips of several, whose rows are spread evenly. */
static void gemm_sizes(const phk_kernel *k, enum fill fill)
{
    const size_t kcs[] = {0, 1, 2, 3, 17, 64, 258};
    for (size_t m = 1; m <= k->mr; m++)
        for (size_t n = 1; n <= k->nr; n++)
            for (size_t i = 0; i < PHI_COUNT(kcs); i++)
                gemm_flags(k, m, n, kcs[i], fill);
    for (size_t m = k->mr + 1; m <= 3 * k->mr + 1; m += 2)
        for (size_t n = 1; n <= k->nr; n += n == 1 ? k->nr / 2 - 1 : k->nr / 4 + 1)
            gemm_flags(k, m, n, 33, fill);
}

static void test_gemm(void **state)
{
    const phk_kernel *k;
    (void)state;
    for (size_t i = 0; (k = phk_kernel_at(i)); i++) {
        if (k->slot != PHK_gemm_f32 || !runs_here(k)) continue;
        gemm_sizes(k, INTEGERS);
        gemm_sizes(k, RANDOM);
    }
}

/* An element has the same bits wherever in a tile, in whatever tile, it is computed. */
static void test_gemm_bits(void **state)
{
    const phk_kernel *k;
    (void)state;
    for (size_t i = 0; (k = phk_kernel_at(i)); i++) {
        if (k->slot != PHK_gemm_f32 || !runs_here(k)) continue;
        gemm_case t = {
            .kernel = k, .m = k->mr, .n = k->nr, .kc = 131, .bias = true, .fill = RANDOM};
        gemm_operands o;
        gemm_set_up(&t, &o);
        PHK_CALL(gemm_f32, k)(&o.args);
        for (size_t row = 0; row < k->mr; row++)
            for (size_t n = 1; n <= k->nr; n++) {
                float one[PHK_MAX_NR];
                phk_gemm_f32_args a = o.args;
                a.a += (ptrdiff_t)row * a.a_row;
                a.c = one;
                a.m = 1;
                a.n = n;
                PHK_CALL(gemm_f32, k)(&a);
                assert_memory_equal(one, o.c.x + (ptrdiff_t)row * a.c_row, n * sizeof *one);
            }
        gemm_tear_down(&o);
    }
}

/* An infinity or NaN in row i of A, or column j of B, reaches exactly that row or column; a NaN
 * comes through the clamp. */
static void test_gemm_special(void **state)
{
    const phk_kernel *k;
    const float special[] = {INFINITY, -INFINITY, NAN};
    (void)state;
    for (size_t i = 0; (k = phk_kernel_at(i)); i++) {
        if (k->slot != PHK_gemm_f32 || !runs_here(k)) continue;
        for (size_t s = 0; s < 3; s++)
            for (size_t row = 0; row < k->mr; row++) {
                gemm_case t = {.kernel = k,
                               .m = k->mr,
                               .n = k->nr - 1,
                               .kc = 9,
                               .clamp = isnan(special[s]),
                               .fill = INTEGERS};
                gemm_operands o;
                gemm_set_up(&t, &o);
                for (size_t p = 0; p < t.kc * k->nr; p++)
                    o.b[p] = 1; /* inf * 0 would be NaN */
                o.a[(ptrdiff_t)row * o.args.a_row + 4] = special[s];
                PHK_CALL(gemm_f32, k)(&o.args);
                for (size_t r = 0; r < t.m; r++)
                    for (size_t j = 0; j < t.n; j++) {
                        const float c = o.c.x[(ptrdiff_t)r * o.args.c_row + (ptrdiff_t)j];
                        assert_true(r != row            ? isfinite(c) != 0
                                    : isnan(special[s]) ? isnan(c) != 0
                                                        : c == special[s]);
                    }
                gemm_tear_down(&o);
            }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gemm),
        cmocka_unit_test(test_gemm_bits),
        cmocka_unit_test(test_gemm_special),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
