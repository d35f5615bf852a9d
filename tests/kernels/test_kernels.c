/* SPDX-License-Identifier: MIT */
/*
 * Every line of kernels.def that this machine can run, against plain loops in double: sizes around
 * the tile, strides wider than rows, guard pages at either end of all memory, three kinds of numbers,
 * epilogues.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/rng.h"
#include "kernels/kernels.h"
#include "kernels/winograd.h"

/* --- Memory with guard pages ---------------------------------------------------------------------
 */

#define FENCE 16
#define POISON 0x7fa5a5a5u /* a signalling NaN: arithmetic on it shows */

static void poison(float *x, size_t n)
{
    const uint32_t word = POISON;
    for (size_t i = 0; i < n; i++)
        memcpy(&x[i], &word, sizeof word);
}

static bool is_poison(const float *x)
{
    uint32_t word;
    memcpy(&word, x, sizeof word);
    return word == POISON;
}

/* Rooms between two pages that nobody may touch, used again and again. */
enum { ROOM_BYTES = 1 << 20, N_ROOMS = 8 };
static struct room {
    unsigned char *start;
    bool taken;
} rooms[N_ROOMS];

static unsigned char *room_new(void)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *p = mmap(NULL, ROOM_BYTES + 2 * page, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(p != MAP_FAILED);
    assert_int_equal(mprotect(p, page, PROT_NONE), 0);
    assert_int_equal(mprotect(p + page + ROOM_BYTES, page, PROT_NONE), 0);
    return p + page;
}

/* The first or the last n floats of a room. */
static float *guarded_new(size_t n, bool first)
{
    size_t i = 0;
    while (i < N_ROOMS && rooms[i].taken)
        i++;
    if (i == N_ROOMS || n > ROOM_BYTES / sizeof(float)) fail_msg("no room for %zu floats", n);
    if (!rooms[i].start) rooms[i].start = room_new();
    rooms[i].taken = true;
    return (float *)(void *)(rooms[i].start + (first ? 0 : ROOM_BYTES - n * sizeof(float)));
}

static void guarded_free(const float *x)
{
    const unsigned char *p = (const void *)x;
    for (size_t i = 0; i < N_ROOMS; i++)
        if (rooms[i].start && p >= rooms[i].start && p <= rooms[i].start + ROOM_BYTES)
            rooms[i].taken = false;
}

/* Which guard page comes next, such that each operand of each test meets both: 7 has no divisor in
 * common with the number of a test's operands. */
static bool next_is_first(void)
{
    static unsigned turn;
    return turn++ % 7 < 3;
}

/* n floats to write to, all poison; a guard page on one side, FENCE more poison on the other. */
typedef struct fenced {
    float *x;
    size_t n;
    bool first;
} fenced;

static fenced fenced_new(size_t n)
{
    const bool first = next_is_first();
    float *all = guarded_new(n + FENCE, first);
    poison(all, n + FENCE);
    return (fenced){first ? all : all + FENCE, n, first};
}

static void fenced_free(fenced *f)
{
    for (size_t i = 0; i < FENCE; i++)
        assert_true(is_poison(f->first ? f->x + f->n + i : f->x - 1 - i));
    guarded_free(f->x);
}

/* n floats to be read, all poison so far. */
static float *input_new(size_t n)
{
    float *x = guarded_new(n, next_is_first());
    poison(x, n);
    return x;
}

enum fill { INTEGERS, RANDOM };

static float draw(phi_rng *r, enum fill fill)
{
    if (fill == INTEGERS) return (float)phi_rng_below(r, 15) - 7;
    return phi_rng_normal(r);
}

static bool runs_here(const phk_kernel *k)
{
    return (k->needs & ~phi_cpu_flags()) == 0;
}

/* Integer sums are exact in any order; others are off by roundings of each term. */
static void check_value(const char *kernel, const char *what, enum fill fill, float got,
                        double want, double size, size_t terms)
{
    const double bound = fill == INTEGERS ? 0 : (double)(terms + 4) * 6e-8 * size;
    if (fabs((double)got - want) <= bound) return;
    fail_msg("%s, %s, fill %d: got %.9g, wanted %.9g within %g", kernel, what, (int)fill,
             (double)got, want, bound);
}

/* --- gemm ---------------------------------------------------------------------------------------
 */

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
    o->args = (phk_gemm_f32_args){.kc = t->kc / taps,
                                  .taps = taps,
                                  .rows = t->form == A_POINTERS ? o->rows : NULL,
                                  .rows_ld = t->m + 1,
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
    for (size_t i = 0; i < t->m; i++) {
        for (size_t j = 0; j < t->n; j++) {
            double want = 0, size = 1;
            for (size_t p = 0; p < t->kc; p++) {
                const size_t at = (size_t)((ptrdiff_t)i * o->args.a_row + (ptrdiff_t)p * o->args.a_step);
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

/* --- Depthwise -----------------------------------------------------------------------------------
 */

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

static const size_t channel_counts[] = {1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 40, 63, 64, 65, 101};

static void test_dw(void **state)
{
    const size_t taps[] = {0, 1, 2, 9, 16};
    const phk_kernel *k;
    (void)state;
    for (size_t i = 0; (k = phk_kernel_at(i)); i++) {
        if (k->slot != PHK_dw_f32 || !runs_here(k)) continue;
        for (size_t c = 0; c < PHI_COUNT(channel_counts); c++)
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
        for (size_t c = 0; c < PHI_COUNT(channel_counts); c++)
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
        for (size_t c = 0; c < PHI_COUNT(channel_counts); c++)
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
                poison(&x[i * line + ((t->pixels - 1) * t->stride + 2 * t->dilation) * pitch + c], 1);
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
    static const run_case cases[] = {{1, 3, 3, 1, 1, true, false}, {4, 3, 3, 1, 1, false, true},
                                     {7, 3, 3, 1, 1, true, true},  {6, 2, 3, 1, 1, true, false},
                                     {5, 1, 3, 2, 1, true, false}, {9, 3, 3, 2, 1, true, true},
                                     {6, 3, 3, 2, 2, true, false}, {5, 3, 3, 1, 2, false, false},
                                     {6, 5, 5, 1, 1, true, true},  {3, 5, 5, 2, 1, true, false},
                                     {5, 0, 3, 1, 1, true, false}, {4, 2, 1, 3, 1, true, false},
                                     {2, 3, 3, 1, 1, true, false}, {35, 3, 3, 1, 1, true, true},
                                     {33, 3, 3, 2, 1, true, true}, {2, 2, 3, 2, 1, true, true}};
    const phk_kernel *k;
    (void)state;
    for (size_t i = 0; (k = phk_kernel_at(i)); i++) {
        if (k->slot != PHK_dwrow_f32 || !runs_here(k)) continue;
        for (size_t c = 0; c < PHI_COUNT(channel_counts); c++)
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
    const size_t elements = v->a * v->a, slab = n + 5;
    const float *xs[PHI_WINO_MAX * PHI_WINO_MAX];
    float *x = input_new(elements * n);
    fenced y = fenced_new((elements - 1) * slab + n);
    phi_rng r = phi_rng_start(9, n);
    for (size_t i = 0; i < elements * n; i++)
        x[i] = phi_rng_normal(&r);
    for (size_t i = 0; i < elements; i++)
        xs[i] = x + (elements - 1 - i) * n;
    const phk_wino_in_f32_args args = {.n = n, .x = xs, .v = y.x, .slab = slab};
    PHK_CALL(wino_in_f32, k)(&args);
    for (size_t c = 0; c < n; c++) {
        double d[PHI_WINO_MAX * PHI_WINO_MAX] = {0}, want[PHI_WINO_MAX * PHI_WINO_MAX];
        for (size_t i = 0; i < elements; i++)
            d[i] = (double)xs[i][c];
        both_sides(v->input, v->a, v->a, d, want);
        for (size_t i = 0; i < elements; i++)
            check_value(k->name, "transform", RANDOM, y.x[i * slab + c], want[i], 40, elements);
    }
    for (size_t i = 0; i + 1 < elements; i++)
        for (size_t c = n; c < slab; c++)
            assert_true(is_poison(&y.x[i * slab + c]));
    guarded_free(x);
    fenced_free(&y);
}

static void wino_out_case(const phk_kernel *k, const phi_wino *v, size_t n, size_t rows, size_t cols,
                          bool all)
{
    const size_t elements = v->a * v->a, slab = n + PHK_MAX_NR;
    const size_t pitch = n + 3, line = cols * pitch;
    float *m = input_new(elements * slab), *bias = input_new(n), *add = input_new(rows * line);
    fenced y = fenced_new((rows - 1) * line + (cols - 1) * pitch + n);
    phi_rng r = phi_rng_start(10, n * 10 + rows);
    for (size_t i = 0; i < elements * slab; i++)
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
        for (size_t i = 0; i < elements; i++)
            d[i] = (double)m[i * slab + c];
        both_sides(v->output, v->m, v->a, d, want);
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < cols; j++) {
                double w = want[i * v->m + j];
                if (all) w += (double)bias[c] + (double)add[i * line + j * pitch + c];
                if (all) w = fmin(fmax(w, -1), 2);
                check_value(k->name, "transform back", RANDOM, y.x[i * line + j * pitch + c], w, 80,
                            elements);
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
            for (size_t c = 0; c < PHI_COUNT(channel_counts); c++) {
                if (k->slot == variants[v]->in_slot) wino_in_case(k, variants[v], channel_counts[c]);
                if (k->slot != variants[v]->out_slot) continue;
                for (size_t rows = 1; rows <= variants[v]->m; rows++) {
                    wino_out_case(k, variants[v], channel_counts[c], rows, variants[v]->m, true);
                    wino_out_case(k, variants[v], channel_counts[c], rows, 1, false);
                }
            }
}

/* y = w0 x0 + w1 x1 .. */
static void blend_case(const phk_kernel *k, size_t n, size_t terms)
{
    const float *xs[PHI_WINO_MAX], w[PHI_WINO_MAX] = {0.5f, -2.5f, 1, 0.25f, -1, 4, 3, -0.125f};
    float *x = input_new(terms * n);
    fenced y = fenced_new(n);
    phi_rng r = phi_rng_start(12, n);
    for (size_t i = 0; i < terms * n; i++)
        x[i] = phi_rng_normal(&r);
    for (size_t i = 0; i < terms; i++)
        xs[i] = x + (terms - 1 - i) * n;
    const phk_blend_f32_args args = {.n = n, .terms = terms, .x = xs, .w = w, .y = y.x};
    PHK_CALL(blend_f32, k)(&args);
    for (size_t c = 0; c < n; c++) {
        double want = 0;
        for (size_t i = 0; i < terms; i++)
            want += (double)w[i] * (double)xs[i][c];
        check_value(k->name, "sum", RANDOM, y.x[c], want, 20, terms);
    }
    guarded_free(x);
    fenced_free(&y);
}

static void test_blend(void **state)
{
    const phk_kernel *k;
    (void)state;
    for (size_t i = 0; (k = phk_kernel_at(i)); i++)
        for (size_t c = 0; c < PHI_COUNT(channel_counts); c++)
            for (size_t terms = 0; terms <= PHI_WINO_MAX && k->slot == PHK_blend_f32; terms++)
                if (runs_here(k)) blend_case(k, channel_counts[c], terms);
}

/* --- Strassen's sums --------------------------------------------------------------------------- */

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
            check_value(k->name, "shared sum", RANDOM, x.x[at], (double)old[at] + (double)w[at], 4, 2);
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
        for (size_t c = 0; c < PHI_COUNT(channel_counts) && runs_here(k); c++) {
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
        for (size_t c = 0; c < PHI_COUNT(channel_counts); c++)
            for (size_t p = 0; p < PHI_COUNT(pixels); p++) {
                dwg_case(k, channel_counts[c], pixels[p], INTEGERS);
                dwg_case(k, channel_counts[c], pixels[p], RANDOM);
            }
    }
}

/* --- Measuring -------------------------------------------------------------------------------- */

static void fma_case(const phk_kernel *k, size_t rounds, enum fill fill)
{
    phi_rng r = phi_rng_start(7, rounds);
    const size_t n = (size_t)k->mr * k->nr;
    fenced x = fenced_new(n);
    float *old = input_new(n);
    /* 0.5 and 1: integers stay multiples of 2^-rounds; 0.75, 0.3 round */
    const float a = fill == INTEGERS ? 0.5f : 0.75f, b = fill == INTEGERS ? 1 : 0.3f;
    for (size_t i = 0; i < n; i++)
        x.x[i] = old[i] = draw(&r, fill);
    const phk_fma_f32_args g = {.rounds = rounds, .a = a, .b = b, .x = x.x};
    PHK_CALL(fma_f32, k)(&g);
    for (size_t i = 0; i < n; i++) {
        double want = (double)old[i], size = fabs(want);
        for (size_t t = 0; t < rounds; t++) {
            want = want * (double)a + (double)b;
            size = size * (double)a + (double)b;
        }
        check_value(k->name, "fma", fill, x.x[i], want, size, 8);
    }
    fenced_free(&x);
    guarded_free(old);
}

static void read_case(const phk_kernel *k, size_t n, enum fill fill)
{
    phi_rng r = phi_rng_start(8, n);
    float *x = input_new(n), sum = 99;
    double want = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        x[i] = draw(&r, fill);
        want += (double)x[i];
        size += fabs((double)x[i]);
    }
    const phk_read_f32_args g = {.x = x, .n = n, .sum = &sum};
    PHK_CALL(read_f32, k)(&g);
    check_value(k->name, "read", fill, sum, want, size, n);
    guarded_free(x);
}

/* What is measured is what is promised: so many multiply-adds, all of the memory. */
static void test_measuring(void **state)
{
    const size_t rounds[] = {0, 1, 2, 3, 4, 7, 12};
    const size_t counts[] = {0, 1, 31, 32, 33, 95, 96, 97, 191, 192, 1009};
    const phk_kernel *k;
    (void)state;
    for (size_t i = 0; (k = phk_kernel_at(i)); i++) {
        if (!runs_here(k)) continue;
        for (size_t t = 0; k->slot == PHK_fma_f32 && t < PHI_COUNT(rounds); t++) {
            fma_case(k, rounds[t], INTEGERS);
            fma_case(k, rounds[t], RANDOM);
        }
        for (size_t t = 0; k->slot == PHK_read_f32 && t < PHI_COUNT(counts); t++) {
            read_case(k, counts[t], INTEGERS);
            read_case(k, counts[t], RANDOM);
        }
    }
}

/* --- The table -------------------------------------------------------------------------------- */

/* Each slot starts with a kernel for every machine, and the cap chooses. */
static void test_dispatch(void **state)
{
    const phk_kernel *k;
    const char *slot;
    bool plain[PHK_N_SLOTS] = {false};
    (void)state;
    for (size_t i = 0; (k = phk_kernel_at(i)); i++) {
        if (k->needs == 0) plain[k->slot] = true;
        if (!runs_here(k)) print_message("not on this machine: %s\n", k->name);
    }
    assert_int_equal(ph_cpu_limit("scalar"), PH_OK);
    assert_string_equal(ph_cpu_isa(), "scalar");
    for (size_t s = 0; s < PHK_N_SLOTS; s++) {
        assert_true(plain[s]);
        assert_non_null(strstr(ph_kernel_name(s, &slot), "_scalar"));
        assert_non_null(strstr(ph_kernel_name(s, NULL), slot));
    }
    assert_int_equal(ph_cpu_limit("sse9"), PH_ERR_ARG);
    assert_string_equal(ph_cpu_isa(), "scalar");
    assert_int_equal(ph_cpu_limit(NULL), PH_OK);
    assert_null(ph_kernel_name(PHK_N_SLOTS, NULL));
    assert_non_null(strstr(ph_kernel_name(PHK_gemm_f32, NULL), ph_cpu_isa()));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gemm),         cmocka_unit_test(test_gemm_bits),
        cmocka_unit_test(test_gemm_special), cmocka_unit_test(test_dw),
        cmocka_unit_test(test_dw_nan),       cmocka_unit_test(test_dwg),
        cmocka_unit_test(test_max),          cmocka_unit_test(test_dwrow),
        cmocka_unit_test(test_winograd),     cmocka_unit_test(test_blend),
        cmocka_unit_test(test_strassen),
        cmocka_unit_test(test_lrn),
        cmocka_unit_test(test_measuring),    cmocka_unit_test(test_dispatch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
