/* SPDX-License-Identifier: MIT */
/*
 * C = A' B with a long sum: A [P, M] and B [P, N] are pixels by channels, C is a weight gradient.
 * Too few tiles of C to keep threads busy, so the sum is cut into pieces whose number depends on
 * the shape alone; each makes its own C in scratch, and the pieces are added in their order at the
 * end. Blocks of A and B are packed as panels on the way, both once per block of the other.
 */
#include "kernels/gemm.h"

#include <math.h>

#define P_BLOCK 192 /* of the sum */
#define M_BLOCK 192 /* of C's rows */
#define N_BLOCK 128 /* of C's columns */
#define TASKS 16
#define PIECE_BYTES (64u << 20) /* that all pieces of C together may take, if there are several */
#define LINES 8                 /* rows gathered at a time */

/* Per-thread scratch, in floats. A's block is either panels [P_BLOCK][mr] or columns with a row
 * distance of COLUMN_LD. */
#define COLUMN_LD (P_BLOCK + 16)
#define A_FLOATS ((M_BLOCK + PHK_MAX_MR) * COLUMN_LD)
#define B_FLOATS ((N_BLOCK + PHK_MAX_NR) * P_BLOCK)
#define LINE_FLOATS (LINES * (M_BLOCK + N_BLOCK + PHK_MAX_MR + PHK_MAX_NR))
#define THREAD_FLOATS (A_FLOATS + B_FLOATS + LINE_FLOATS)
_Static_assert(A_FLOATS % 16 == 0 && B_FLOATS % 16 == 0 && LINE_FLOATS % 16 == 0, "64 bytes");

typedef struct tn_job {
    const phi_gemm_tn *g;
    const phk_kernel *kernel;
    size_t pieces, piece; /* number, and length of all but the last */
    size_t m_block, n_block, n_m, n_n;
    float *part;    /* [pieces][groups][m][n] */
    float *scratch; /* [threads][THREAD_FLOATS] */
} tn_job;

/* Pieces of the sum: enough for TASKS tasks, none shorter than two blocks, within PIECE_BYTES. */
static size_t piece_length(const phi_gemm_tn *g)
{
    const size_t tiles = g->groups * phi_div_up(g->m, M_BLOCK) * phi_div_up(g->n, N_BLOCK);
    const double bytes = (double)g->groups * (double)g->m * (double)g->n * sizeof(float);
    size_t pieces = tiles ? phi_div_up(TASKS, tiles) : 1;
    if ((double)pieces * bytes > PIECE_BYTES) pieces = (size_t)(PIECE_BYTES / bytes);
    pieces = phi_min_size(pieces, g->p / (2 * P_BLOCK));
    if (pieces < 2) return g->p ? g->p : 1;
    return phi_div_up(phi_div_up(g->p, pieces), P_BLOCK) * P_BLOCK;
}

static size_t part_count(const phi_gemm_tn *g, size_t piece)
{
    size_t count;
    size_t pieces = g->p ? phi_div_up(g->p, piece) : 1;
    if (!phi_mul_size(g->m, g->n, &count) || !phi_mul_size(count, g->groups, &count) ||
        !phi_mul_size(count, pieces, &count) || !phi_add_size(count, 15, &count))
        return SIZE_MAX;
    return count / 16 * 16;
}

size_t phi_gemm_tn_work_bytes(const phi_gemm_tn *g, size_t n_threads)
{
    size_t threads, bytes = part_count(g, piece_length(g));
    if (bytes == SIZE_MAX || !phi_mul_size(n_threads, THREAD_FLOATS, &threads) ||
        !phi_add_size(bytes, threads, &bytes) || !phi_mul_size(bytes, sizeof(float), &bytes))
        return SIZE_MAX;
    return bytes;
}

/* Rows p .. p + n_p - 1, columns x0 .. x0 + n_x - 1 of an operand as rows in memory: where they
 * are, or copied to `lines`. *ld receives the distance of rows. */
static const float *load_lines(const phi_rows *rows, size_t group, size_t p, size_t n_p, size_t x0,
                               size_t n_x, float *lines, ptrdiff_t *ld)
{
    if (!rows->gather && rows->step == 1) {
        *ld = rows->row;
        return rows->data +
               ((ptrdiff_t)group * rows->group_stride + (ptrdiff_t)p * rows->row + (ptrdiff_t)x0);
    }
    *ld = (ptrdiff_t)n_x;
    if (rows->gather)
        rows->gather(rows->arg, group, p, n_p, x0, n_x, lines, n_x);
    else
        phi_rows_copy(rows, group, p, n_p, x0, n_x, false, lines, n_x);
    return lines;
}

/* n floats, usually the width of a panel. */
static inline void copy_width(float *out, const float *in, size_t n)
{
    if (n == 16) {
        memcpy(out, in, 16 * sizeof *out);
    } else if (n == 6) {
        memcpy(out, in, 6 * sizeof *out);
    } else {
        for (size_t i = 0; i < n; i++)
            out[i] = in[i];
    }
}

/* Columns are dealt out to panels evenly: the first `wider` panels get one more than `width`. */
typedef struct spread {
    size_t n, width, wider;
} spread;

static spread spread_over(size_t length, size_t most)
{
    spread s = {.n = phi_div_up(length, most)};
    s.width = length / s.n;
    s.wider = length % s.n;
    return s;
}

static spread full_panels(size_t length, size_t width)
{
    return (spread){.n = phi_div_up(length, width), .width = width};
}

static size_t spread_start(const spread *s, size_t i)
{
    return i * s->width + phi_min_size(i, s->wider);
}

/* Rows of an operand to panels [n_p][step]. Columns beyond the operand stay undefined. */
static void pack_panels(const phi_rows *rows, size_t group, size_t p0, size_t n_p, size_t x0,
                        size_t n_x, const spread *s, size_t step, float *lines, float *out)
{
    for (size_t p = 0; p < n_p; p += LINES) {
        const size_t n = phi_min_size(LINES, n_p - p);
        ptrdiff_t ld;
        const float *in = load_lines(rows, group, p0 + p, n, x0, n_x, lines, &ld);
        for (size_t l = 0; l < n; l++, in += ld) {
            float *to = out + (p + l) * step;
            size_t x = 0;
            for (size_t i = 0; i < s->n; i++, to += n_p * step) {
                size_t width = phi_min_size(s->width + (i < s->wider), n_x - x);
                copy_width(to, in + x, width);
                x += width;
            }
        }
    }
}

/* Zero the columns of B's last panel that are not there: kernels read whole panels. */
static void zero_tail(float *panel, size_t n_p, size_t used, size_t nr)
{
    if (used == nr) return;
    for (size_t p = 0; p < n_p; p++)
        for (size_t j = used; j < nr; j++)
            panel[p * nr + j] = 0;
}

typedef struct tn_part {
    size_t group, m0, m, n0, n, p0, p;
    bool first;
    float *c; /* [m][n] with g->n between rows */
} tn_part;

static void run_block(const tn_job *job, const tn_part *t, float *scratch)
{
    const phi_gemm_tn *g = job->g;
    const size_t mr = job->kernel->mr, nr = job->kernel->nr;
    const spread rows = spread_over(t->m, mr), columns = full_panels(t->n, nr);
    float *a = scratch, *b = scratch + A_FLOATS, *lines = b + B_FLOATS;
    const bool by_column = g->a.gather ? g->a.by_column : g->a.row == 1 && g->a.step != 1;
    if (!by_column)
        pack_panels(&g->a, t->group, t->p0, t->p, t->m0, t->m, &rows, mr, lines, a);
    else if (g->a.gather)
        g->a.gather(g->a.arg, t->group, t->p0, t->p, t->m0, t->m, a, COLUMN_LD);
    else
        phi_rows_copy(&g->a, t->group, t->p0, t->p, t->m0, t->m, true, a, COLUMN_LD);
    pack_panels(&g->b, t->group, t->p0, t->p, t->n0, t->n, &columns, nr, lines, b);
    zero_tail(b + (columns.n - 1) * t->p * nr, t->p, t->n - (columns.n - 1) * nr, nr);
    for (size_t j = 0; j < columns.n; j++) {
        for (size_t i = 0; i < rows.n; i++) {
            const size_t start = spread_start(&rows, i);
            phk_gemm_f32_args k = {.kc = t->p,
                                   .taps = 1,
                                   .a = by_column ? a + start * COLUMN_LD : a + i * t->p * mr,
                                   .a_row = by_column ? COLUMN_LD : 1,
                                   .a_step = by_column ? 1 : (ptrdiff_t)mr,
                                   .b = b + j * t->p * nr,
                                   .c = t->c + start * g->n + j * nr,
                                   .c_row = (ptrdiff_t)g->n,
                                   .m = rows.width + (i < rows.wider),
                                   .n = phi_min_size(nr, t->n - j * nr),
                                   .accumulate = !t->first,
                                   .lo = -INFINITY,
                                   .hi = INFINITY};
            PHK_CALL(gemm_f32, job->kernel)(&k);
        }
    }
}

static void tn_task(void *arg, size_t task, size_t thread)
{
    const tn_job *job = arg;
    const phi_gemm_tn *g = job->g;
    const size_t column = task % job->n_n, row = task / job->n_n % job->n_m;
    const size_t rest = task / job->n_n / job->n_m, piece = rest / g->groups;
    tn_part t = {.group = rest % g->groups,
                 .m0 = row * job->m_block,
                 .n0 = column * job->n_block,
                 .p0 = piece * job->piece,
                 .first = true};
    const size_t end = phi_min_size(t.p0 + job->piece, g->p);
    t.m = phi_min_size(job->m_block, g->m - t.m0);
    t.n = phi_min_size(job->n_block, g->n - t.n0);
    t.c = job->part + ((piece * g->groups + t.group) * g->m + t.m0) * g->n + t.n0;
    do { /* once for P = 0 as well: zeros */
        t.p = phi_min_size(P_BLOCK, end - t.p0);
        run_block(job, &t, job->scratch + thread * THREAD_FLOATS);
        t.p0 += t.p;
        t.first = false;
    } while (t.p0 < end);
}

/*
 * Add up the pieces of SUM_COLUMNS columns of one group's C and put them where they belong. Columns
 * of C may be far apart in memory (weights of one output channel each): those of a task and all
 * rows are written while they are in the cache.
 */
#define SUM_COLUMNS 16

static void sum_task(void *arg, size_t task, size_t thread)
{
    const tn_job *job = arg;
    const phi_gemm_tn *g = job->g;
    const size_t blocks = phi_div_up(g->n, SUM_COLUMNS), group = task / blocks;
    const size_t n0 = task % blocks * SUM_COLUMNS, n = phi_min_size(SUM_COLUMNS, g->n - n0);
    const size_t distance = g->groups * g->m * g->n; /* of pieces */
    const float *part = job->part + group * g->m * g->n + n0;
    (void)thread;
    for (size_t m = 0; m < g->m; m++, part += g->n) {
        float sum[SUM_COLUMNS];
        memcpy(sum, part, n * sizeof *sum);
        for (size_t i = 1; i < job->pieces; i++)
            for (size_t j = 0; j < n; j++)
                sum[j] += part[i * distance + j];
        float *c = g->c + ((ptrdiff_t)group * g->c_group_stride +
                           (ptrdiff_t)(m / g->m_inner) * g->c_outer +
                           (ptrdiff_t)(m % g->m_inner) * g->c_inner + (ptrdiff_t)n0 * g->c_column);
        for (size_t j = 0; j < n; j++)
            c[(ptrdiff_t)j * g->c_column] = g->scale * sum[j];
    }
}

void phi_gemm_tn_run(const phi_gemm_tn *g, phi_pool *pool, void *work)
{
    if (g->m == 0 || g->n == 0 || g->groups == 0) return;
    tn_job job = {
        .g = g, .kernel = phk_choose(PHK_gemm_f32), .piece = piece_length(g), .part = work};
    job.pieces = g->p ? phi_div_up(g->p, job.piece) : 1;
    job.scratch = job.part + part_count(g, job.piece);
    job.m_block = phi_block(g->m, M_BLOCK, job.kernel->mr);
    job.n_block = phi_block(g->n, N_BLOCK, job.kernel->nr);
    job.n_m = phi_div_up(g->m, job.m_block);
    job.n_n = phi_div_up(g->n, job.n_block);
    phi_pool_run(pool, job.pieces * g->groups * job.n_m * job.n_n, tn_task, &job);
    phi_pool_run(pool, g->groups * phi_div_up(g->n, SUM_COLUMNS), sum_task, &job);
}

/* --- Column sums ----------------------------------------------------------------------------- */

#define SUM_ROWS 1024 /* rows of a piece */

typedef struct sums_job {
    const float *x;
    size_t rows, n;
    ptrdiff_t row;
    float *part; /* [pieces][n] */
} sums_job;

size_t phi_column_sums_bytes(size_t rows, size_t n)
{
    size_t bytes;
    if (!phi_mul_size(phi_div_up(rows, SUM_ROWS), n, &bytes) ||
        !phi_mul_size(bytes, sizeof(float), &bytes) || bytes > SIZE_MAX - PHI_ALIGN)
        return SIZE_MAX;
    return (bytes + PHI_ALIGN - 1) / PHI_ALIGN * PHI_ALIGN;
}

/* Four at a time, so that sums are not read and written for every element. */
static void add_four_rows(const float *x, ptrdiff_t row, size_t n, float *restrict sum)
{
    const float *x1 = x + row, *x2 = x + 2 * row, *x3 = x + 3 * row;
    for (size_t j = 0; j < n; j++)
        sum[j] += (x[j] + x1[j]) + (x2[j] + x3[j]);
}

static void sums_task(void *arg, size_t task, size_t thread)
{
    const sums_job *s = arg;
    const size_t first = task * SUM_ROWS, end = phi_min_size(first + SUM_ROWS, s->rows);
    float *sum = s->part + task * s->n;
    (void)thread;
    const float *x = s->x + (ptrdiff_t)first * s->row;
    memset(sum, 0, s->n * sizeof *sum);
    size_t i = first;
    for (; i + 4 <= end; i += 4, x += 4 * s->row)
        add_four_rows(x, s->row, s->n, sum);
    for (; i < end; i++, x += s->row)
        for (size_t j = 0; j < s->n; j++)
            sum[j] += x[j];
}

void phi_column_sums(const float *x, size_t rows, ptrdiff_t row, size_t n, float *out,
                     phi_pool *pool, void *work)
{
    sums_job s = {x, rows, n, row, work};
    const size_t pieces = phi_div_up(rows, SUM_ROWS);
    phi_pool_run(pool, pieces, sums_task, &s);
    for (size_t j = 0; j < n; j++) {
        double sum = 0;
        for (size_t i = 0; i < pieces; i++)
            sum += (double)s.part[i * n + j];
        out[j] = (float)sum;
    }
}
