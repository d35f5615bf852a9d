/* SPDX-License-Identifier: MIT */
/*
 * C = A B. After Goto and van de Geijn 2008, "Anatomy of high-performance matrix multiplication"
 * (ACM TOMS 34:3), with two differences: B is weights and packed once, and A is not packed where
 * its rows lie in memory with neighbours side by side (a 1x1 convolution's pixels), because
 * micro-kernels take A with any strides.
 *
 * K is cut into blocks; a task is a block of rows of C times a range of columns, and walks through
 * all of K, so that nobody else adds to its part of C.
 */
#include "kernels/gemm.h"

#include <math.h>

#include "kernels/caches.h"

#define K_BLOCK PHI_K_BLOCK
#define ROW_BLOCK 96    /* rows of a task; with K_BLOCK, A's share of the second-level cache */
#define B_NEAR 65536    /* bytes of B that may be walked through again for every strip of rows */
#define STRIP_TILES 4   /* tiles of rows in such a walk */
#define TASKS 12        /* cut columns, too, where rows alone give fewer tasks */
#define TASK_MACS 65536 /* but not into tasks smaller than this */
#define SCATTER_COLUMNS 256

/* What stands in front of a packed operand. */
typedef struct packed_head {
    const phk_kernel *kernel;
    size_t k, n;
    size_t tap, block; /* see end_of_block */
} packed_head;
#define HEAD_BYTES 64
_Static_assert(sizeof(packed_head) <= HEAD_BYTES, "packed_head");

size_t phi_block(size_t length, size_t most, size_t multiple)
{
    if (length <= most) return length;
    return phi_round_up(phi_div_up(length, phi_div_up(length, most)), multiple);
}

#define LONGEST_TAP 128

size_t phi_gemm_tap(size_t taps_w, size_t channels)
{
    const size_t line = channels < PHI_GEMM_LEAST_TAP ? taps_w * channels : 0;
    return channels > 1 && line >= PHI_GEMM_LEAST_TAP && line <= LONGEST_TAP ? line : channels;
}

/* K is cut between taps, several to a block, or, where one is too long, into parts of taps. */
static size_t k_block(size_t k, size_t tap)
{
    if (k == 0 || tap > K_BLOCK) return phi_block(tap, K_BLOCK, 8);
    const size_t taps = k / tap, n_blocks = phi_div_up(taps, K_BLOCK / tap);
    return phi_div_up(taps, n_blocks) * tap;
}

static size_t end_of_block(const packed_head *h, size_t k0)
{
    const size_t end = h->block < h->tap ? (k0 / h->tap + 1) * h->tap : h->k;
    return phi_min_size(k0 + h->block, end);
}

/* --- Operands -------------------------------------------------------------------------------- */

phi_weights phi_weights_matrix(const float *data, size_t k, ptrdiff_t k_stride, ptrdiff_t n_stride)
{
    return (phi_weights){.data = data,
                         .count = {1, 1, k},
                         .stride = {0, 0, k_stride},
                         .n_stride = n_stride,
                         .scale = 1};
}

/* out[i * ld + j] = in[i * row + j * step] */
static void copy_block(const float *in, ptrdiff_t row, ptrdiff_t step, size_t n_rows, size_t n,
                       float *out, size_t ld)
{
    for (size_t i = 0; i < n_rows; i++, in += row, out += ld) {
        if (step == 1)
            memcpy(out, in, n * sizeof *out);
        else
            for (size_t j = 0; j < n; j++)
                out[j] = in[(ptrdiff_t)j * step];
    }
}

void phi_rows_copy(const phi_rows *rows, size_t group, size_t row0, size_t n_rows, size_t k0,
                   size_t n_k, bool by_column, float *out, size_t ld)
{
    const float *in = rows->data + (ptrdiff_t)group * rows->group_stride +
                      (ptrdiff_t)row0 * rows->row + (ptrdiff_t)k0 * rows->step;
    if (by_column)
        copy_block(in, rows->step, rows->row, n_k, n_rows, out, ld);
    else
        copy_block(in, rows->row, rows->step, n_rows, n_k, out, ld);
}

/* --- The kernel ------------------------------------------------------------------------------ */

/* Work for n columns, in columns at the rate of the wide kernel. The last panel is computed
 * whole or half; wide kernels have no half for pointers (body_gemm.h). */
static double column_work(const phk_kernel *kernel, size_t n, bool pointers)
{
    const bool avx512 = kernel->needs & PHI_CPU_AVX512;
    const size_t least = avx512 && pointers ? kernel->nr : kernel->nr / 2;
    const double narrow = 1.03; /* tiles of fewer rows read weights more often */
    return (double)phi_round_up(n, least) * (avx512 ? 1 : narrow * phi_cpu_avx512_rate());
}

const phk_kernel *phi_gemm_kernel(size_t n, bool pointers)
{
    const phk_kernel *best = phk_choose(PHK_gemm_f32), *kernel;
    if (!(best->needs & PHI_CPU_AVX512)) return best;
    for (size_t i = 0; (kernel = phk_kernel_at(i)); i++)
        if (kernel->slot == PHK_gemm_f32 && kernel->needs == PHI_CPU_AVX2 &&
            column_work(kernel, n, pointers) < column_work(best, n, pointers))
            return kernel;
    return best;
}

/* --- Packing B ------------------------------------------------------------------------------- */

/* Upper bound of n rounded up to whole panels, whichever kernel comes; SIZE_MAX: too large. */
static size_t widest_columns(size_t n)
{
    size_t widest = 0;
    const phk_kernel *kernel;
    for (size_t i = 0; (kernel = phk_kernel_at(i)); i++) {
        if (kernel->slot != PHK_gemm_f32) continue;
        if (n > SIZE_MAX - kernel->nr) return SIZE_MAX;
        size_t wide = phi_round_up(n, kernel->nr);
        if (wide > widest) widest = wide;
    }
    return widest;
}

size_t phi_gemm_pack_bytes(size_t k, size_t n, size_t groups)
{
    size_t bytes;
    if (!phi_mul_size(k, widest_columns(n), &bytes) || !phi_mul_size(bytes, groups, &bytes) ||
        !phi_mul_size(bytes, sizeof(float), &bytes) || !phi_add_size(bytes, HEAD_BYTES, &bytes))
        return SIZE_MAX;
    return bytes;
}

typedef struct pack_job {
    const phi_weights *b;
    const packed_head *head;
    size_t n_panels;
    float *out;
} pack_job;

/* Rows l .. l + n_k - 1 along the last count, of `n` columns, to out [n_k][nr]. Some rows of one
 * column at a time: columns may be a power of two apart, and then their lines push each other out
 * of the cache before the next row is read from them. */
static void pack_run(const phi_weights *b, const float *in, size_t n_k, size_t n, size_t nr,
                     float *out)
{
    enum { ROWS = 16 };
    const ptrdiff_t step = b->stride[2];
    for (size_t k0 = 0, end; k0 < n_k; k0 = end) {
        end = phi_min_size(k0 + ROWS, n_k);
        for (size_t c = 0; c < nr; c++) {
            const float *from = in + (ptrdiff_t)c * b->n_stride;
            for (size_t k = k0; k < end; k++)
                out[k * nr + c] = c < n ? b->scale * from[(ptrdiff_t)k * step] : 0;
        }
    }
}

/* Rows k0 .. k0 + n_k - 1 of `n` columns to out [n_k][nr]; `in` is column 0 of the group. */
static void pack_panel(const phi_weights *b, const float *in, size_t k0, size_t n_k, size_t n,
                       size_t nr, float *out)
{
    size_t l = k0 % b->count[2], ij = k0 / b->count[2];
    size_t j = ij % b->count[1], hi = ij / b->count[1];
    size_t i = hi % b->count[0], h = hi / b->count[0];
    while (n_k > 0) {
        const size_t run = phi_min_size(n_k, b->count[2] - l);
        const float *row = in + ((ptrdiff_t)h * b->outer_stride + (ptrdiff_t)i * b->stride[0] +
                                 (ptrdiff_t)j * b->stride[1] + (ptrdiff_t)l * b->stride[2]);
        pack_run(b, row, run, n, nr, out);
        out += run * nr;
        n_k -= run;
        l = 0;
        if (++j < b->count[1]) continue;
        j = 0;
        if (++i < b->count[0]) continue;
        i = 0;
        h++;
    }
}

/* One panel of columns of one group, through all blocks of K. */
static void pack_task(void *arg, size_t task, size_t thread)
{
    const pack_job *p = arg;
    const packed_head *h = p->head;
    const size_t nr = h->kernel->nr, group = task / p->n_panels, panel = task % p->n_panels;
    const size_t wide = p->n_panels * nr, n0 = panel * nr, n = phi_min_size(nr, h->n - n0);
    const float *in =
        p->b->filters
            ? phi_filter_rows(p->b->filters, group * h->n + n0, n, thread)
            : p->b->data + ((ptrdiff_t)group * p->b->group_stride + (ptrdiff_t)n0 * p->b->n_stride);
    float *out = p->out + group * h->k * wide;
    for (size_t k0 = 0, end; k0 < h->k; k0 = end) {
        end = end_of_block(h, k0);
        pack_panel(p->b, in, k0, end - k0, n, nr, out + k0 * wide + panel * (end - k0) * nr);
    }
}

void phi_gemm_pack(const phi_weights *b, size_t n, size_t groups, phi_pool *pool, void *packed)
{
    const bool windows = b->outer > 1 || b->count[0] * b->count[1] > 1;
    const phk_kernel *kernel = phi_gemm_kernel(n, windows);
    const size_t k = (b->outer ? b->outer : 1) * b->count[0] * b->count[1] * b->count[2];
    const size_t tap = phi_gemm_tap(b->count[1], b->count[2]);
    packed_head *head = packed;
    *head = (packed_head){kernel, k, n, tap, k_block(k, tap)};
    pack_job p = {b, head, phi_div_up(n, kernel->nr),
                  (float *)(void *)((char *)packed + HEAD_BYTES)};
    phi_pool_run(pool, groups * p.n_panels, pack_task, &p);
}

/* --- The product ----------------------------------------------------------------------------- */

typedef struct gemm_job {
    const phi_gemm *g;
    const phk_kernel *kernel;
    const packed_head *head;
    const float *b;
    char *work;
    size_t thread_bytes;
    size_t n_panels;    /* of all columns */
    size_t m_block;     /* rows of all blocks but the last */
    size_t task_panels; /* panels of a task */
    size_t n_m, n_n;    /* tasks along rows and columns */
} gemm_job;

/* Part of C that one task makes in one block of K. */
typedef struct gemm_part {
    size_t group, m0, m, n0, n, k0, k;
    bool first, last; /* block of K */
    const float *a;   /* row m0, column k0 */
    ptrdiff_t a_row, a_step;
    const float **rows; /* or where the rows of each tap are, in order */
    size_t taps;
    const phi_run *runs; /* all rows, in order; NULL: as they are */
    size_t n_runs;
    const uint16_t *order; /* their numbers, row m0 + i being i; or NULL */
    const float *b;        /* panel at n0 */
    float *c;              /* element (m0, n0) */
    ptrdiff_t c_row;
} gemm_part;

static bool a_may_be_ready(const phi_rows *a)
{
    return !a->gather && a->step == 1;
}

/* Rows a whole way apart: a tile taller than the cache has ways pushes its own rows out of it, and
 * reads them from a copy instead. */
static bool rows_collide(const phi_rows *a)
{
    return a->row % PHI_WAY_FLOATS == 0 && a->row != 0;
}

/* Distance of rows in A's scratch; not a multiple of the cache's way size. */
static size_t scratch_ld(size_t n)
{
    return phi_round_up(n, 16) + 16;
}

/* Pointers to the parts of A, if that is how it is read. */
static size_t pointer_bytes(const phi_gemm *g)
{
    if (!g->a.locate) return 0;
    const size_t taps = g->a.tap < K_BLOCK ? K_BLOCK / g->a.tap : 1;
    return phi_round_up(ROW_BLOCK * taps * sizeof(float *), PHI_ALIGN);
}

/* Rows that lie ready take it, too: whether they collide is known when they are there, which may be
 * after scratch was asked for. */
static size_t a_scratch_bytes(const phi_gemm *g)
{
    const size_t k = phi_min_size(g->k, K_BLOCK);
    const size_t by_row = ROW_BLOCK * scratch_ld(k), by_column = k * scratch_ld(ROW_BLOCK);
    return pointer_bytes(g) + (by_row > by_column ? by_row : by_column) * sizeof(float);
}

static size_t thread_bytes(const phi_gemm *g)
{
    size_t bytes = a_scratch_bytes(g);
    if (g->scatter) bytes += ROW_BLOCK * SCATTER_COLUMNS * sizeof(float);
    return phi_round_up(bytes, PHI_ALIGN);
}

size_t phi_gemm_work_bytes(const phi_gemm *g, size_t n_threads)
{
    size_t bytes;
    return phi_mul_size(thread_bytes(g), n_threads, &bytes) ? bytes : SIZE_MAX;
}

static const float zeros[K_BLOCK]; /* what is outside of images */

/* Make A's part ready in scratch if it is not. */
static void prepare_a(const phi_gemm *g, gemm_part *p, size_t mr, char *work)
{
    const phi_rows *a = &g->a;
    const bool in_place = mr <= PHI_WAYS || !rows_collide(a);
    float *scratch = (float *)(void *)(work + pointer_bytes(g));
    p->rows = NULL;
    if (a->locate && in_place) {
        p->rows = (const float **)(void *)work;
        p->taps = phi_div_up(p->k, a->tap);
        for (size_t i = 0, at = 0, n; at < p->m; i++, at += n) {
            n = p->order ? p->runs[i].n : p->m;
            a->locate(a->arg, p->group, p->order ? p->runs[i].row : p->m0, n, p->k0 / a->tap,
                      p->taps, p->k0 % a->tap, zeros, scratch + at * p->k, p->rows + at, p->m);
        }
        return;
    }
    if (a_may_be_ready(a) && in_place) {
        p->a = a->data + ((ptrdiff_t)p->group * a->group_stride + (ptrdiff_t)p->m0 * a->row +
                          (ptrdiff_t)p->k0);
        p->a_row = a->row;
        p->a_step = 1;
        return;
    }
    const bool by_column = a->gather ? a->by_column : a->row == 1;
    const size_t ld = scratch_ld(by_column ? p->m : p->k);
    if (a->gather)
        a->gather(a->arg, p->group, p->m0, p->m, p->k0, p->k, scratch, ld);
    else
        phi_rows_copy(a, p->group, p->m0, p->m, p->k0, p->k, by_column, scratch, ld);
    p->a = scratch;
    p->a_row = by_column ? 1 : (ptrdiff_t)ld;
    p->a_step = by_column ? (ptrdiff_t)ld : 1;
}

/* Some rows of a part, and which of its taps they have (one, if A is not read by pointers). */
typedef struct gemm_strip {
    size_t i, m;
    size_t tap, taps;
    bool fetches; /* B that comes next */
} gemm_strip;

/* A strip times panel `panel` of the part. */
static void run_strip(const gemm_job *job, const gemm_part *p, const gemm_strip *s, size_t panel,
                      const float *next)
{
    const phi_gemm *g = job->g;
    const size_t nr = job->kernel->nr, n = panel * nr, i = s->i;
    const size_t kc = p->rows ? p->k / p->taps : p->k;
    const uint16_t *order = p->rows && p->order ? p->order + i : NULL;
    const ptrdiff_t row = order ? 0 : (ptrdiff_t)i;
    phk_gemm_f32_args t = {.kc = s->taps > 0 ? kc : 0,
                           .taps = s->taps > 0 ? s->taps : 1,
                           .a = p->rows ? NULL : p->a + (ptrdiff_t)i * p->a_row,
                           .a_row = p->a_row,
                           .a_step = p->a_step,
                           .rows = p->rows ? p->rows + s->tap * p->m + i : NULL,
                           .rows_ld = p->m,
                           .order = order,
                           .b = p->b + (panel * p->k + s->tap * kc) * nr,
                           .c = p->c + (row * p->c_row + (ptrdiff_t)n),
                           .c_row = p->c_row,
                           .m = s->m,
                           .n = phi_min_size(nr, p->n - n),
                           .accumulate = !p->first || g->accumulate,
                           .lo = -INFINITY,
                           .hi = INFINITY,
                           .next = next,
                           .next_lines = next ? p->k * nr / 16 : 0};
    if (p->last) {
        if (g->add)
            t.add = g->add + ((ptrdiff_t)p->group * g->c_group_stride +
                              ((ptrdiff_t)p->m0 + row) * g->add_row + (ptrdiff_t)(p->n0 + n));
        t.add_row = g->add_row;
        if (g->bias) t.bias = g->bias + p->group * g->n + p->n0 + n;
        t.lo = g->lo;
        t.hi = g->hi;
    }
    PHK_CALL(gemm_f32, job->kernel)(&t);
}

/* What of B is read behind panel `panel` of the part: its next panel, or the next block of K, or
 * the next columns. NULL at the end of the group. */
static const float *next_of_b(const gemm_job *job, const gemm_part *p, size_t panel)
{
    const phi_gemm *g = job->g;
    const size_t nr = job->kernel->nr, wide = job->n_panels * nr, k1 = p->k0 + p->k;
    const float *group = job->b + p->group * g->k * wide;
    if ((panel + 1) * nr < p->n) return p->b + (panel + 1) * p->k * nr;
    if (!p->last) return group + k1 * wide + p->n0 * (end_of_block(job->head, k1) - k1);
    const size_t n1 = p->n0 + (panel + 1) * nr;
    return n1 < g->n ? group + n1 * end_of_block(job->head, 0) : NULL;
}

/* Whether B is small enough to be walked through for each strip of some rows, so that lines of C
 * are written while they are near; a large one is read once. */
static bool b_is_near(const gemm_part *p)
{
    return p->k * p->n * sizeof(float) <= B_NEAR;
}

/* Rows of a part that have the same taps, times panels panel0 .. end - 1. While the first of them
 * are multiplied with one panel, the one to come is fetched, if this strip does that. */
static void run_rows(const gemm_job *job, const gemm_part *p, const gemm_strip *all, size_t panel0,
                     size_t end)
{
    const size_t mr = job->kernel->mr;
    const size_t most = b_is_near(p) ? phi_block(all->m, STRIP_TILES * mr, mr) : all->m;
    gemm_strip s = *all;
    for (size_t done = 0; done < all->m; done += most, s.i += most) {
        s.m = phi_min_size(most, all->m - done);
        for (size_t panel = panel0; panel < end; panel++)
            run_strip(job, p, &s, panel,
                      all->fetches && done == 0 ? next_of_b(job, p, panel) : NULL);
    }
}

/* Work of a strip, in rows of a step of K: tiles of few rows wait for weights, and each has an end.
 */
static size_t strip_cost(const gemm_job *job, const gemm_part *p, size_t m, size_t taps)
{
    const size_t tiles = phi_div_up(m, job->kernel->mr);
    if (taps == 0 && !p->first && !p->last) return 0;
    return taps * (p->k / p->taps) * (m > 4 * tiles ? m : 4 * tiles) + 75 * tiles;
}

/* What a and b, which follows, become as one, in *a; false if they are better apart. */
static bool unite(const gemm_job *job, const gemm_part *p, gemm_strip *a, const gemm_strip *b)
{
    gemm_strip s = {a->i, a->m + b->m, a->tap, a->taps, false};
    if (b->taps > 0 && a->taps == 0) {
        s.tap = b->tap;
        s.taps = b->taps;
    } else if (b->taps > 0) {
        const size_t end_a = a->tap + a->taps, end_b = b->tap + b->taps;
        s.tap = phi_min_size(a->tap, b->tap);
        s.taps = (end_a > end_b ? end_a : end_b) - s.tap;
    }
    if (strip_cost(job, p, s.m, s.taps) >
        strip_cost(job, p, a->m, a->taps) + strip_cost(job, p, b->m, b->taps))
        return false;
    *a = s;
    return true;
}

/* Of a part's taps, from s->tap on s->taps: the others are in the padding for all of a run. */
static void find_live_taps(const gemm_job *job, const gemm_part *p, const phi_run *r, gemm_strip *s)
{
    const phi_rows *a = &job->g->a;
    const size_t tap0 = p->k0 / a->tap;
    size_t line = tap0 / a->line_taps, column = tap0 % a->line_taps;
    for (size_t t = 0; t < p->taps; t++) {
        if (line >= r->line0 && line < r->line_end && column >= r->column0 &&
            column < r->column_end) {
            if (s->taps == 0) s->tap = t;
            s->taps = t + 1 - s->tap;
        }
        if (++column < a->line_taps) continue;
        column = 0;
        line++;
    }
}

/* Strips of rows that miss much the same taps; how many there are. */
static size_t cut_strips(const gemm_job *job, const gemm_part *p, gemm_strip *strips)
{
    size_t n = 0, at = 0, largest = 0;
    for (size_t i = 0; i < p->n_runs; i++) {
        gemm_strip s = {.i = at, .m = p->runs[i].n};
        find_live_taps(job, p, &p->runs[i], &s);
        at += s.m;
        if (n == 0 || !unite(job, p, &strips[n - 1], &s)) strips[n++] = s;
    }
    for (size_t i = 1; i < n; i++)
        if (strips[i].m * strips[i].taps > strips[largest].m * strips[largest].taps) largest = i;
    strips[largest].fetches = true;
    return n;
}

/* All of a part. Where images have padding, pixels that see less than all taps are strips of their
 * own; the sums miss nothing but zeros, and keep their bits. */
static void run_part(const gemm_job *job, const gemm_part *p)
{
    const size_t n_panels = phi_div_up(p->n, job->kernel->nr);
    gemm_strip strips[ROW_BLOCK]; /* the most there can be: clearing them would take its time */
    strips[0] = (gemm_strip){0, p->m, 0, p->rows ? p->taps : 1, true};
    const size_t n = p->rows && p->runs ? cut_strips(job, p, strips) : 1;
    const size_t at_once = b_is_near(p) ? n_panels : 1;
    for (size_t panel = 0; panel < n_panels; panel += at_once)
        for (size_t i = 0; i < n; i++)
            if (strips[i].taps > 0 || p->first || p->last)
                run_rows(job, p, &strips[i], panel, panel + at_once);
}

/* The order of a part's rows, in `runs` and, unless it is theirs in memory, in `order`. */
static void order_rows(const phi_rows *a, gemm_part *p, phi_run *runs, uint16_t *order)
{
    size_t at = 0;
    bool moved = false;
    p->n_runs = a->order(a->arg, p->m0, p->m, runs);
    p->runs = runs;
    for (size_t i = 0; i < p->n_runs; at += runs[i++].n)
        moved = moved || runs[i].row - p->m0 != at;
    assert(at == p->m);
    if (!moved) return;
    at = 0;
    for (size_t i = 0; i < p->n_runs; i++)
        for (size_t j = 0; j < runs[i].n; j++)
            order[at++] = (uint16_t)(runs[i].row - p->m0 + j);
    p->order = order;
}

static void gemm_task(void *arg, size_t task, size_t thread)
{
    const gemm_job *job = arg;
    const phi_gemm *g = job->g;
    const size_t nr = job->kernel->nr, wide = job->n_panels * nr;
    const size_t column = task % job->n_n, row = task / job->n_n % job->n_m;
    char *scratch = job->work + thread * job->thread_bytes;
    gemm_part p = {.group = task / job->n_n / job->n_m,
                   .m0 = row * job->m_block,
                   .n0 = column * job->task_panels * nr,
                   .first = true,
                   .c_row = g->c_row};
    p.m = phi_min_size(job->m_block, g->m - p.m0);
    p.n = phi_min_size(job->task_panels * nr, g->n - p.n0);
    if (g->scatter) {
        p.c = (float *)(void *)(scratch + a_scratch_bytes(g));
        p.c_row = SCATTER_COLUMNS;
    } else {
        p.c = g->c + ((ptrdiff_t)p.group * g->c_group_stride + (ptrdiff_t)p.m0 * g->c_row +
                      (ptrdiff_t)p.n0);
    }
    phi_run runs[ROW_BLOCK];
    uint16_t order[ROW_BLOCK];
    if (g->a.order) order_rows(&g->a, &p, runs, order);
    do { /* once for K = 0 as well: C is all zeros, plus bias */
        p.k = g->k ? end_of_block(job->head, p.k0) - p.k0 : 0;
        p.last = p.k0 + p.k == g->k;
        p.b = job->b + (p.group * g->k + p.k0) * wide + p.n0 * p.k;
        prepare_a(g, &p, job->kernel->mr, scratch);
        run_part(job, &p);
        p.k0 += p.k;
        p.first = false;
    } while (p.k0 < g->k);
    if (g->scatter) g->scatter(g->scatter_arg, p.group, p.m0, p.m, p.n0, p.n, p.c, (size_t)p.c_row);
}

/* How many pieces to cut the panels of columns into, when there are `n_m` blocks of rows. No sum
 * hangs on it; one thread needs none, and would find and copy the rows of a block for each. */
static size_t column_tasks(const phi_gemm *g, size_t n_m, size_t n_panels, size_t nr,
                           size_t n_threads)
{
    const size_t have = n_m * g->groups;
    size_t want = n_threads == 1 ? 1 : phi_div_up(TASKS, have);
    double macs = (double)g->m * (double)g->n * (double)(g->k ? g->k : 1) * (double)g->groups;
    double most = macs / (double)have / TASK_MACS;
    if ((double)want > most) want = most < 1 ? 1 : (size_t)most;
    if (g->scatter) {
        size_t least = phi_div_up(n_panels, SCATTER_COLUMNS / nr);
        if (want < least) want = least;
    }
    return phi_min_size(want, n_panels);
}

void phi_gemm_run(const phi_gemm *g, const void *packed, phi_pool *pool, void *work)
{
    const packed_head *head = packed;
    assert(head->k == g->k && head->n == g->n);
    if (g->m == 0 || g->n == 0 || g->groups == 0) return;
    const phk_kernel *kernel = head->kernel;
    assert(!g->a.locate || g->a.tap == head->tap);
    gemm_job job = {.g = g,
                    .kernel = kernel,
                    .head = head,
                    .b = (const float *)(const void *)((const char *)packed + HEAD_BYTES),
                    .work = work,
                    .thread_bytes = thread_bytes(g),
                    .n_panels = phi_div_up(g->n, kernel->nr)};
    job.m_block = phi_block(g->m, ROW_BLOCK / kernel->mr * kernel->mr, kernel->mr);
    job.n_m = phi_div_up(g->m, job.m_block);
    job.task_panels = phi_div_up(
        job.n_panels, column_tasks(g, job.n_m, job.n_panels, kernel->nr, phi_pool_threads(pool)));
    job.n_n = phi_div_up(job.n_panels, job.task_panels);
    phi_pool_run(pool, g->groups * job.n_m * job.n_n, gemm_task, &job);
}
