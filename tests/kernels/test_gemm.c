/* SPDX-License-Identifier: MIT */
/*
 * The drivers of the matrix products against triple loops in double: operands with all kinds of
 * strides, gathered operands in both orders, groups, accumulation, epilogues, scattering, sizes
 * around the blocks; the same bits for 1, 2 and 3 threads.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/rng.h"
#include "kernels/gemm.h"
#include "by_rows.h"

static float *random_floats(size_t n, uint64_t stream)
{
    float *x = phi_alloc(NULL, (n ? n : 1) * sizeof *x);
    assert_non_null(x);
    phi_rng_fill_normal(11, stream, 1, x, n);
    return x;
}

static float *nan_floats(size_t n)
{
    float *x = phi_alloc(NULL, (n ? n : 1) * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++)
        x[i] = NAN;
    return x;
}

/* A matrix (per group) in memory, and how a product is told about it. */
enum access { BY_ROWS, BY_COLUMNS, APART, GATHERED, GATHERED_BY_COLUMN, LOCATED, N_ACCESS };

typedef struct matrix {
    size_t rows, columns, groups;
    float *x;      /* [groups][rows][columns], or [columns][rows], or with gaps */
    phi_rows view; /* without gather: what is where */
    phi_rows told;
} matrix;

static void gather(const void *arg, size_t group, size_t row0, size_t n_rows, size_t k0, size_t n_k,
                   float *out, size_t ld)
{
    const matrix *m = arg;
    assert_true(group < m->groups && row0 + n_rows <= m->rows && k0 + n_k <= m->columns);
    phi_rows_copy(&m->view, group, row0, n_rows, k0, n_k, m->told.by_column, out, ld);
}

/* The columns are one tap. The first row of groups is said to be zeros, and is. */
static void locate(const void *arg, size_t group, size_t row0, size_t n_rows, size_t tap0,
                   size_t n_taps, size_t k0, const float *zeros, float *room, const float **rows,
                   size_t rows_ld)
{
    const matrix *m = arg;
    memset(room, 0xff, n_rows * (m->columns < 256 ? m->columns : 1) * sizeof *room);
    assert_true(group < m->groups && row0 + n_rows <= m->rows && k0 < m->columns);
    assert_true(tap0 == 0 && n_taps == 1 && rows_ld >= n_rows);
    for (size_t i = 0; i < n_rows; i++)
        rows[i] = row0 + i == 0 ? zeros
                                : m->x + (ptrdiff_t)group * m->view.group_stride +
                                      (ptrdiff_t)(row0 + i) * m->view.row + k0;
}

static void matrix_new(matrix *m, size_t rows, size_t columns, size_t groups, enum access how,
                       uint64_t stream)
{
    const ptrdiff_t gap = how == APART ? 2 : 1;
    m->rows = rows;
    m->columns = columns;
    m->groups = groups;
    m->x = random_floats(groups * rows * columns * (size_t)gap, stream);
    m->view = (phi_rows){.data = m->x,
                         .row = (ptrdiff_t)columns * gap,
                         .step = gap,
                         .group_stride = (ptrdiff_t)(rows * columns) * gap};
    if (how == BY_COLUMNS) {
        m->view.row = 1;
        m->view.step = (ptrdiff_t)rows;
    }
    m->told = m->view;
    if (how == GATHERED || how == GATHERED_BY_COLUMN)
        m->told = (phi_rows){.gather = gather, .arg = m, .by_column = how == GATHERED_BY_COLUMN};
    if (how == LOCATED) {
        m->told = (phi_rows){
            .gather = gather, .locate = columns ? locate : NULL, .tap = columns, .arg = m};
        for (size_t g = 0; g < groups && rows && columns; g++)
            memset(m->x + g * rows * columns, 0, columns * sizeof *m->x);
    }
}

static double matrix_at(const matrix *m, size_t group, size_t i, size_t j)
{
    return (double)m->x[(ptrdiff_t)group * m->view.group_stride + (ptrdiff_t)i * m->view.row +
                        (ptrdiff_t)j * m->view.step];
}

static void near(const char *what, size_t i, size_t j, double got, double want, double size)
{
    if (fabs(got - want) <= 1e-6 * (size + 1)) return;
    fail_msg("%s [%zu,%zu]: got %g, wanted %g", what, i, j, got, want);
}

/* --- C = A B ---------------------------------------------------------------------------------- */

typedef struct nn_case {
    size_t m, n, k, groups;
    enum access a;
    bool b_transposed, accumulate, bias, scatter;
    float scale, lo, hi;
} nn_case;

typedef struct nn_result {
    float *c;
    size_t c_row;
} nn_result;

/* Columns of groups lie side by side in C, as channels do. */
static void scatter_rows(const void *arg, size_t group, size_t row0, size_t n_rows, size_t n0,
                         size_t n, const float *tile, size_t ld)
{
    const nn_result *r = arg;
    const size_t width = r->c_row / 2; /* two groups at most; see run_nn */
    for (size_t i = 0; i < n_rows; i++)
        memcpy(r->c + (row0 + i) * r->c_row + group * width + n0, tile + i * ld, n * sizeof *tile);
}

static void *work_new(size_t bytes)
{
    unsigned char *w = phi_alloc(NULL, bytes + 64);
    assert_non_null(w);
    memset(w, 0xff, bytes + 64);
    return w;
}

static void work_free(void *work, size_t bytes)
{
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(((unsigned char *)work)[bytes + i], 0xff);
    phi_free(NULL, work);
}

/* A transposed B that comes by rows is packed to the same bits as one in memory. */
static void check_rows(const nn_case *t, const phi_weights *in, phi_pool *pool, const void *packed,
                       size_t bytes)
{
    by_rows rows;
    const phi_filters filters = by_rows_new(&rows, &(phi_filters){.row = t->k, .data = in->data});
    phi_weights w = *in;
    void *again = work_new(bytes);
    memcpy(again, packed, bytes); /* there is room that no kernel of today fills */
    w.data = NULL;
    w.filters = &filters;
    phi_gemm_pack(&w, t->n, t->groups, pool, again);
    assert_memory_equal(again, packed, bytes);
    by_rows_free(&rows);
    work_free(again, bytes);
}

/* Run; `old` is what C holds before. Returns C [m][2 * n], groups side by side. */
static float *run_nn(const nn_case *t, const matrix *a, const float *b, const float *bias,
                     const float *old, size_t n_threads)
{
    phi_pool *pool = NULL;
    nn_result r = {nan_floats(t->m * 2 * t->n), 2 * t->n};
    if (t->accumulate) memcpy(r.c, old, t->m * 2 * t->n * sizeof *old);
    assert_int_equal(phi_pool_new(NULL, n_threads, &pool, NULL), PH_OK);
    phi_weights w = phi_weights_matrix(b, t->k, t->b_transposed ? 1 : (ptrdiff_t)t->n,
                                       t->b_transposed ? (ptrdiff_t)t->k : 1);
    w.group_stride = (ptrdiff_t)(t->k * t->n);
    w.scale = t->scale;
    const size_t packed_bytes = phi_gemm_pack_bytes(t->k, t->n, t->groups);
    void *packed = work_new(packed_bytes);
    phi_gemm_pack(&w, t->n, t->groups, pool, packed);
    if (t->b_transposed) check_rows(t, &w, pool, packed, packed_bytes);
    phi_gemm g = {.m = t->m,
                  .n = t->n,
                  .k = t->k,
                  .groups = t->groups,
                  .a = a->told,
                  .c = r.c,
                  .c_row = (ptrdiff_t)r.c_row,
                  .c_group_stride = (ptrdiff_t)t->n,
                  .scatter = t->scatter ? scatter_rows : NULL,
                  .scatter_arg = &r,
                  .accumulate = t->accumulate,
                  .bias = t->bias ? bias : NULL,
                  .lo = t->lo,
                  .hi = t->hi};
    const size_t bytes = phi_gemm_work_bytes(&g, n_threads);
    void *work = work_new(bytes);
    phi_gemm_run(&g, packed, pool, work);
    work_free(work, bytes);
    work_free(packed, packed_bytes);
    phi_pool_free(pool);
    return r.c;
}

static void check_nn(const nn_case *t, const matrix *a, const float *b, const float *bias,
                     const float *old, const float *c)
{
    for (size_t g = 0; g < t->groups; g++)
        for (size_t i = 0; i < t->m; i++)
            for (size_t j = 0; j < t->n; j++) {
                const size_t at = i * 2 * t->n + g * t->n + j;
                double want = 0, size = 0;
                for (size_t k = 0; k < t->k; k++) {
                    double y = (double)
                        b[g * t->k * t->n + (t->b_transposed ? j * t->k + k : k * t->n + j)];
                    want += matrix_at(a, g, i, k) * y * (double)t->scale;
                    size += fabs(matrix_at(a, g, i, k) * y * (double)t->scale);
                }
                if (t->accumulate) want += (double)old[at];
                if (t->bias) want += (double)bias[g * t->n + j];
                want = fmin(fmax(want, (double)t->lo), (double)t->hi);
                near("C", i, j, (double)c[at], want, size);
            }
}

static void nn_case_run(const nn_case *t)
{
    matrix a;
    matrix_new(&a, t->m, t->k, t->groups, t->a, 1);
    float *b = random_floats(t->groups * t->k * t->n, 2);
    float *bias = random_floats(t->groups * t->n, 3), *old = random_floats(t->m * 2 * t->n, 4);
    float *c = run_nn(t, &a, b, bias, old, 1);
    check_nn(t, &a, b, bias, old, c);
    for (size_t n_threads = 2; n_threads <= 3; n_threads++) {
        float *again = run_nn(t, &a, b, bias, old, n_threads);
        for (size_t g = 0; g < t->groups; g++)
            for (size_t i = 0; i < t->m; i++)
                assert_memory_equal(c + (i * 2 + g) * t->n, again + (i * 2 + g) * t->n,
                                    t->n * sizeof *c);
        phi_free(NULL, again);
    }
    phi_free(NULL, a.x);
    phi_free(NULL, b);
    phi_free(NULL, bias);
    phi_free(NULL, old);
    phi_free(NULL, c);
}

/* Sizes: one, around tiles (6x16, 4x8) and around blocks (96 rows, 256 of K), primes. */
static const size_t nn_sizes[][3] = {
    {1, 1, 1},    {1, 17, 300},  {5, 15, 0},   {6, 16, 8},     {7, 33, 13}, {96, 16, 256},
    {97, 8, 257}, {193, 31, 64}, {13, 530, 7}, {101, 71, 521}, {300, 9, 3}, {2, 1000, 40},
};

/* Every combination for the small ones, 0, 5, 10 and 15 for those that take time. */
static unsigned nn_step(size_t s)
{
    return nn_sizes[s][0] * nn_sizes[s][1] * nn_sizes[s][2] < 200000 ? 1 : 5;
}

static void test_nn(void **state)
{
    (void)state;
    for (size_t s = 0; s < PHI_COUNT(nn_sizes); s++)
        for (int how = 0; how < N_ACCESS; how++)
            for (unsigned flags = 0; flags < 16; flags += nn_step(s)) {
                nn_case t = {.m = nn_sizes[s][0],
                             .n = nn_sizes[s][1],
                             .k = nn_sizes[s][2],
                             .groups = 1 + s % 2,
                             .a = (enum access)how,
                             .b_transposed = flags & 1,
                             .bias = flags & 2,
                             .scale = flags & 1 ? 0.5f : 1,
                             .lo = flags & 8 ? -1 : -INFINITY,
                             .hi = flags & 8 ? 2 : INFINITY};
                t.accumulate = (flags & 4) && !(flags & 8);
                t.scatter = (flags & 4) && (flags & 8);
                nn_case_run(&t);
            }
}

/* The kernel for n columns is one that may be used, and never leaves more of them empty than the
 * widest one does. */
static void test_choice(void **state)
{
    (void)state;
    static const char *const levels[] = {"scalar", "avx2", NULL};
    for (size_t l = 0; l < PHI_COUNT(levels); l++) {
        assert_int_equal(ph_cpu_limit(levels[l]), PH_OK);
        const phk_kernel *widest = phk_choose(PHK_gemm_f32);
        for (size_t n = 1; n < 200; n++)
            for (int pointers = 0; pointers < 2; pointers++) {
                const phk_kernel *k = phi_gemm_kernel(n, pointers);
                assert_int_equal(k->slot, PHK_gemm_f32);
                assert_int_equal(k->needs & ~phi_cpu_flags(), 0);
                assert_true((n + k->nr - 1) / k->nr * k->nr <=
                            (n + widest->nr - 1) / widest->nr * widest->nr);
            }
    }
    assert_int_equal(ph_cpu_limit(NULL), PH_OK);
}

/* One row against a column of weights is bit for bit what the same row gives among many: a fully
 * connected layer at each position is a 1x1 convolution. */
static void test_rows_alone(void **state)
{
    nn_case all = {.m = 50,
                   .n = 37,
                   .k = 300,
                   .groups = 1,
                   .bias = true,
                   .scale = 1,
                   .lo = -INFINITY,
                   .hi = INFINITY};
    nn_case one = all;
    matrix a;
    (void)state;
    one.m = 1;
    matrix_new(&a, all.m, all.k, 1, BY_ROWS, 1);
    float *b = random_floats(all.k * all.n, 2), *bias = random_floats(all.n, 3);
    float *c = run_nn(&all, &a, b, bias, NULL, 2);
    for (size_t i = 0; i < all.m; i++) {
        matrix row = a;
        row.told.data += i * all.k;
        float *single = run_nn(&one, &row, b, bias, NULL, 1);
        assert_memory_equal(single, c + i * 2 * all.n, all.n * sizeof *c);
        phi_free(NULL, single);
    }
    phi_free(NULL, a.x);
    phi_free(NULL, b);
    phi_free(NULL, bias);
    phi_free(NULL, c);
}

/* --- C = A' B --------------------------------------------------------------------------------- */

typedef struct tn_case {
    size_t m, n, p, groups, m_inner;
    enum access a, b;
} tn_case;

/* C lies as [groups][n][m_inner][m / m_inner], as weights [k][c][r s] do. */
static float *run_tn(const tn_case *t, const matrix *a, const matrix *b, size_t n_threads)
{
    phi_pool *pool = NULL;
    float *c = nan_floats(t->groups * t->m * t->n);
    const ptrdiff_t outer = (ptrdiff_t)(t->m / t->m_inner);
    assert_int_equal(phi_pool_new(NULL, n_threads, &pool, NULL), PH_OK);
    phi_gemm_tn g = {.m = t->m,
                     .n = t->n,
                     .p = t->p,
                     .groups = t->groups,
                     .a = a->told,
                     .b = b->told,
                     .c = c,
                     .m_inner = t->m_inner,
                     .c_outer = 1,
                     .c_inner = outer,
                     .c_column = (ptrdiff_t)t->m,
                     .c_group_stride = (ptrdiff_t)(t->m * t->n),
                     .scale = 0.5f};
    const size_t bytes = phi_gemm_tn_work_bytes(&g, n_threads);
    void *work = work_new(bytes);
    phi_gemm_tn_run(&g, pool, work);
    work_free(work, bytes);
    phi_pool_free(pool);
    return c;
}

static void tn_case_run(const tn_case *t)
{
    matrix a, b;
    const size_t outer = t->m / t->m_inner;
    matrix_new(&a, t->p, t->m, t->groups, t->a, 1);
    matrix_new(&b, t->p, t->n, t->groups, t->b, 2);
    float *c = run_tn(t, &a, &b, 1);
    for (size_t g = 0; g < t->groups; g++)
        for (size_t i = 0; i < t->m; i++)
            for (size_t j = 0; j < t->n; j++) {
                double want = 0, size = 0;
                for (size_t p = 0; p < t->p; p++) {
                    want += 0.5 * matrix_at(&a, g, p, i) * matrix_at(&b, g, p, j);
                    size += fabs(matrix_at(&a, g, p, i) * matrix_at(&b, g, p, j));
                }
                const size_t at =
                    ((g * t->n + j) * t->m_inner + i % t->m_inner) * outer + i / t->m_inner;
                near("A'B", i, j, (double)c[at], want, size);
            }
    for (size_t n_threads = 2; n_threads <= 3; n_threads++) {
        float *again = run_tn(t, &a, &b, n_threads);
        assert_memory_equal(c, again, t->groups * t->m * t->n * sizeof *c);
        phi_free(NULL, again);
    }
    phi_free(NULL, a.x);
    phi_free(NULL, b.x);
    phi_free(NULL, c);
}

static void test_tn(void **state)
{
    const size_t sizes[][4] = {{1, 1, 1, 1},     {6, 16, 192, 3},   {25, 20, 3000, 1},
                               {36, 17, 193, 9}, {200, 130, 21, 8}, {7, 5, 0, 1},
                               {193, 3, 800, 1}, {12, 40, 391, 4}};
    (void)state;
    for (size_t s = 0; s < PHI_COUNT(sizes); s++)
        for (int a = 0; a < N_ACCESS; a++)
            for (int b = 0; b < GATHERED_BY_COLUMN; b++) {
                tn_case t = {.m = sizes[s][0],
                             .n = sizes[s][1],
                             .p = sizes[s][2],
                             .m_inner = sizes[s][3],
                             .groups = 1 + s % 3,
                             .a = (enum access)a,
                             .b = (enum access)b};
                tn_case_run(&t);
            }
}

/* --- Helpers ---------------------------------------------------------------------------------- */

static void test_column_sums(void **state)
{
    const size_t sizes[][2] = {{0, 3}, {1, 1}, {3, 5}, {1024, 7}, {1025, 17}, {5000, 2}};
    (void)state;
    for (size_t s = 0; s < PHI_COUNT(sizes); s++) {
        const size_t rows = sizes[s][0], n = sizes[s][1], row = n + 2;
        float *x = random_floats(rows * row, 5), *out = nan_floats(n);
        const size_t bytes = phi_column_sums_bytes(rows, n);
        void *work = work_new(bytes);
        phi_column_sums(x, rows, (ptrdiff_t)row, n, out, NULL, work);
        for (size_t j = 0; j < n; j++) {
            double want = 0, size = 0;
            for (size_t i = 0; i < rows; i++) {
                want += (double)x[i * row + j];
                size += fabs((double)x[i * row + j]);
            }
            near("sum", 0, j, (double)out[j], want, size);
        }
        work_free(work, bytes);
        phi_free(NULL, x);
        phi_free(NULL, out);
    }
}

/* Sizes that do not fit are said to be so, not wrapped around. */
static void test_overflow(void **state)
{
    const size_t big = SIZE_MAX / 4;
    phi_gemm_tn tn = {.m = big, .n = big, .p = 1, .groups = 1};
    (void)state;
    assert_true(phi_gemm_pack_bytes(big, 100, 1) == SIZE_MAX);
    assert_true(phi_gemm_pack_bytes(100, SIZE_MAX, 1) == SIZE_MAX);
    assert_true(phi_gemm_pack_bytes(1, 16, big) == SIZE_MAX);
    assert_true(phi_gemm_tn_work_bytes(&tn, 1) == SIZE_MAX);
    assert_true(phi_column_sums_bytes(SIZE_MAX, SIZE_MAX) == SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nn),          cmocka_unit_test(test_choice),
        cmocka_unit_test(test_rows_alone),  cmocka_unit_test(test_tn),
        cmocka_unit_test(test_column_sums), cmocka_unit_test(test_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
