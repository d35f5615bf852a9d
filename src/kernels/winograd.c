/* SPDX-License-Identifier: MIT */
/*
 * Winograd's convolution as products of matrices: for each of the a * a elements of a transformed
 * tile, [tiles that have it, c] by [c, k].
 *
 * Not three passes over everything, but block by block: the inputs of a block of tiles are
 * transformed into scratch that stays in the second-level cache; then, for each few panels of
 * output channels, the a * a small products are made and at once transformed back. Weights are
 * stored in exactly the order in which they are read, once for each block of tiles.
 */
#include "kernels/winograd.h"

#include <math.h>

#include "kernels/caches.h"
#include "kernels/gemm.h"

/* --- Geometry --------------------------------------------------------------------------------- */

#define LEAST_SAVED 50 /* one part of so many */

/* Along one axis: `whole` tiles of m outputs, and, unless it is 0, one more of the first `rest_a`
 * inputs and products. One that would save little is whole, too, and outputs outside are left out.
 */
typedef struct tiling {
    size_t whole, rest_a;
} tiling;

static tiling tiling_of(const phi_wino *v, int64_t outputs)
{
    const size_t whole = (size_t)outputs / v->m, rest = (size_t)outputs % v->m;
    const size_t rest_a = rest ? phi_wino_inputs(v, rest) : 0;
    if (rest && (v->a - rest_a) * LEAST_SAVED < (whole + 1) * v->a) return (tiling){whole + 1, 0};
    return (tiling){whole, rest_a};
}

static size_t tiles_along(const phi_wino *v, int64_t outputs)
{
    return phi_div_up((size_t)outputs, v->m);
}
static size_t n_tiles(const phi_wino *v, const phi_conv_shape *d)
{
    return (size_t)d->n * tiles_along(v, d->oh) * tiles_along(v, d->ow);
}

/* Elements of a transformed tile. */
static size_t n_elements(const phi_wino *v)
{
    return v->a * v->a;
}
static size_t n_filters(const phi_wino *v)
{
    return v->n_filters * v->n_filters;
}

/* A group is a convolution of its own over slices of the channels. */
static phi_conv_shape one_group(const phi_conv_shape *all)
{
    phi_conv_shape d = *all;
    d.c /= d.groups;
    d.k /= d.groups;
    d.groups = 1;
    return d;
}

#define MOST_GROUPS 8 /* they run one after the other */

bool phi_wino_applies(const phi_wino *v, const phi_conv_shape *all)
{
    const phi_conv_shape d = one_group(all);
    const int64_t r = (int64_t)v->r, stride = (int64_t)v->stride;
    return all->groups <= MOST_GROUPS && d.r == r && d.s == r && d.stride_h == stride &&
           d.stride_w == stride && d.dilation_h == 1 && d.dilation_w == 1 && d.c >= 8 && d.k >= 8;
}

/* A multiply-add of a product of matrices elsewhere is 0.8 (ops/conv_methods.c). Elements of tiles
 * and weights, which move through memory, cost several each. Weights are read while the products
 * are made, but not faster than memory gives them: where there are few tiles to a weight, it sets
 * the pace, and F(2x2), whose weights are fewer, is ahead of F(4x4). Fitted to shapes of 6x6 to
 * 112x112 with weights from memory on Zen 4; F(6x6), whose errors are larger, is a little dearer
 * than it was measured. Of a group: it is compared with others of that. */
double phi_wino_cost(const phi_wino *v, const phi_conv_shape *all)
{
    const phi_conv_shape d = one_group(all);
    const tiling y = tiling_of(v, d.oh), x = tiling_of(v, d.ow);
    const double elements =
        (double)(y.whole * v->a + y.rest_a) * (double)(x.whole * v->a + x.rest_a);
    const double products = elements * (double)d.c * (double)d.k;
    const double moved = elements * (double)(d.c + d.k);
    const double weights = (double)n_filters(v) * (double)d.c * (double)d.k, reading = 11 * weights;
    return 0.75 * (products > reading ? products : reading) + v->move * moved + 1.7 * weights;
}

/* --- Weights ---------------------------------------------------------------------------------- */

/* In front of the weights: which kernels they are for, and a pixel of zeros for the padding.
 * Weights are [panels][n_filters][n_filters][c][nr]. */
typedef struct packed_head {
    const phk_kernel *gemm, *in, *out, *extend;
} packed_head;
#define HEAD_BYTES 64
_Static_assert(sizeof(packed_head) <= HEAD_BYTES, "packed_head");

static size_t zeros_bytes(const phi_conv_shape *d)
{
    return phi_round_up((size_t)d->c * sizeof(float), PHI_ALIGN);
}

/* Of one group; a multiple of PHI_ALIGN. */
static size_t group_bytes(const phi_wino *v, const phi_conv_shape *d)
{
    const size_t one = phi_gemm_pack_bytes((size_t)d->c, (size_t)d->k, 1);
    size_t bytes;
    if (one == SIZE_MAX || !phi_mul_size(one, n_filters(v), &bytes) ||
        !phi_add_size(bytes, HEAD_BYTES + zeros_bytes(d) + PHI_ALIGN, &bytes))
        return SIZE_MAX;
    return bytes / PHI_ALIGN * PHI_ALIGN;
}

size_t phi_wino_pack_bytes(const phi_wino *v, const phi_conv_shape *d)
{
    const phi_conv_shape group = one_group(d);
    size_t bytes = group_bytes(v, &group);
    if (bytes == SIZE_MAX || !phi_mul_size(bytes, (size_t)d->groups, &bytes)) return SIZE_MAX;
    return bytes;
}

typedef struct pack_job {
    const phi_wino *v;
    const phi_conv_shape *d;
    const phi_filters *filters;
    size_t first, nr; /* first: row of the group's first output channel */
    float *out;
} pack_job;

/* One panel of output channels. */
static void pack_task(void *arg, size_t panel, size_t thread)
{
    const pack_job *p = arg;
    const size_t c = (size_t)p->d->c, taps = p->v->r * p->v->r, nr = p->nr;
    const size_t n = phi_min_size(nr, (size_t)p->d->k - panel * nr);
    const float *w = phi_filter_rows(p->filters, p->first + panel * nr, n, thread);
    float *out = p->out + panel * n_filters(p->v) * c * nr;
    for (size_t ch = 0; ch < c; ch++)
        phi_wino_filters(p->v, w + ch * taps, c * taps, n, nr, out + ch * nr, c * nr);
}

static float *packed_zeros(const void *packed)
{
    return (float *)(void *)((char *)(uintptr_t)packed + HEAD_BYTES);
}

static void pack_group(const phi_wino *v, const phi_conv_shape *d, const phi_filters *filters,
                       size_t first, phi_pool *pool, void *packed)
{
    packed_head *head = packed;
    *head = (packed_head){phk_choose(PHK_gemm_f32), phk_choose(v->in_slot), phk_choose(v->out_slot),
                          phk_choose(PHK_lines_in_f32)};
    memset(packed_zeros(packed), 0, zeros_bytes(d));
    pack_job p = {v,
                  d,
                  filters,
                  first,
                  head->gemm->nr,
                  (float *)(void *)((char *)packed + HEAD_BYTES + zeros_bytes(d))};
    phi_pool_run(pool, phi_div_up((size_t)d->k, p.nr), pack_task, &p);
}

void phi_wino_pack(const phi_wino *v, const phi_conv_shape *d, const phi_filters *filters,
                   phi_pool *pool, void *packed)
{
    const phi_conv_shape group = one_group(d);
    const size_t bytes = group_bytes(v, &group);
    for (int64_t g = 0; g < d->groups; g++)
        pack_group(v, &group, filters, (size_t)(g * group.k), pool,
                   (char *)packed + (size_t)g * bytes);
}

/* --- The convolution -------------------------------------------------------------------------- */

#define LEAST_TILES 28 /* of a block: each weight is read once a block */
#define MOST_TILES 60
#define TASKS 8           /* cut output channels, too, where blocks alone give fewer tasks */
#define EXTRA_CHANNELS 64 /* of tiles at the edge, transformed at a time */

/*
 * Tiles are ordered by kind, so that those that have an element are neighbours in every block:
 * whole ones and those at the right have the elements that a tile at the bottom lacks, and so on.
 */
enum { AT_RIGHT, INSIDE, AT_BOTTOM, IN_CORNER, N_KINDS };

typedef struct kind {
    size_t first, rows, cols; /* number of the first tile; tiles in an image */
    size_t row, col;          /* in the image, counted in tiles: the first one */
} kind;

/* How a convolution is cut. The same for any number of threads. */
typedef struct cut {
    tiling y, x;
    kind kinds[N_KINDS];
    size_t tiles, block, n_blocks; /* tiles: all of them; in a block; blocks */
    size_t row, slab;              /* of transformed tiles: floats to the next tile, next element */
    size_t m_row, m_slab;          /* the same of products */
    size_t n_panels, near_panels, task_panels, n_parts; /* near: between two looks at the tiles */
    size_t v_bytes, extra_bytes, thread_bytes;
} cut;

static void cut_kinds(cut *u, const phi_conv_shape *d)
{
    const size_t h = u->y.whole, w = u->x.whole, right = u->x.rest_a > 0, bottom = u->y.rest_a > 0;
    u->kinds[AT_RIGHT] = (kind){.rows = h, .cols = right, .col = w};
    u->kinds[INSIDE] = (kind){.rows = h, .cols = w};
    u->kinds[AT_BOTTOM] = (kind){.rows = bottom, .cols = w, .row = h};
    u->kinds[IN_CORNER] = (kind){.rows = bottom, .cols = right, .row = h, .col = w};
    for (size_t i = 1; i < N_KINDS; i++) {
        const kind *before = &u->kinds[i - 1];
        u->kinds[i].first = before->first + (size_t)d->n * before->rows * before->cols;
    }
}

static cut cut_up(const phi_wino *v, const phi_conv_shape *d, size_t nr)
{
    const size_t elements = n_elements(v);
    cut u = {.y = tiling_of(v, d->oh),
             .x = tiling_of(v, d->ow),
             .tiles = n_tiles(v, d),
             .row = phi_round_up((size_t)d->c, 16) + 16};
    cut_kinds(&u, d);
    const size_t tile_bytes = elements * u.row * sizeof(float);
    size_t most = PHI_WINO_INPUT_BYTES / tile_bytes;
    most = most < LEAST_TILES ? LEAST_TILES : most > MOST_TILES ? MOST_TILES : most;
    u.n_blocks = phi_div_up(u.tiles, most);
    if (u.n_blocks == 0) u.n_blocks = 1;
    u.block = phi_div_up(u.tiles, u.n_blocks);
    u.n_blocks = u.block ? phi_div_up(u.tiles, u.block) : 0;
    u.slab = u.block * u.row + 16; /* not a power of two */
    u.n_panels = phi_div_up((size_t)d->k, nr);
    const size_t parts = u.n_blocks ? phi_div_up(TASKS, u.n_blocks) : 1;
    const size_t part_panels = phi_div_up(u.n_panels, parts);
    u.near_panels = PHI_WINO_OUTPUT_BYTES / (elements * (u.block + 1) * nr * sizeof(float));
    u.near_panels = u.near_panels < 2 ? 2 : phi_min_size(u.near_panels, part_panels);
    u.task_panels = phi_round_up(part_panels, u.near_panels);
    u.m_row = u.near_panels * nr;
    u.m_slab = u.block * u.m_row + 16;
    u.n_parts = phi_div_up(u.n_panels, u.task_panels);
    u.v_bytes = phi_round_up(elements * u.slab * sizeof(float), PHI_ALIGN);
    u.extra_bytes = elements * EXTRA_CHANNELS * sizeof(float);
    u.thread_bytes = HEAD_BYTES + u.v_bytes + u.extra_bytes +
                     phi_round_up(elements * u.m_slab * sizeof(float), PHI_ALIGN);
    return u;
}

size_t phi_wino_work_bytes(const phi_wino *v, const phi_conv_shape *all, size_t n_threads)
{
    const phi_conv_shape group = one_group(all), *d = &group;
    size_t most = 0, bytes;
    const phk_kernel *kernel;
    for (size_t i = 0; (kernel = phk_kernel_at(i)); i++) {
        if (kernel->slot != PHK_gemm_f32) continue;
        const cut u = cut_up(v, d, kernel->nr);
        if (u.thread_bytes > most) most = u.thread_bytes;
    }
    return phi_mul_size(most, n_threads, &bytes) ? bytes : SIZE_MAX;
}

typedef struct wino_job {
    const phi_wino *v;
    const phi_conv_shape *d;
    const phi_conv_data *data;
    const packed_head *head;
    const float *zeros, *weights;
    cut u;
    float extend_y[PHI_WINO_MAX][PHI_WINO_MAX], extend_x[PHI_WINO_MAX][PHI_WINO_MAX];
    char *work;
    size_t n_threads;
} wino_job;

/* A tile: image, line and column of the first output pixel, how many inputs it takes. */
typedef struct place {
    size_t image, rows, cols;
    int64_t y, x;
} place;

static place locate(const wino_job *j, size_t tile)
{
    const cut *u = &j->u;
    size_t at = 0;
    while (at + 1 < N_KINDS && tile >= u->kinds[at + 1].first)
        at++;
    const kind *k = &u->kinds[at];
    tile -= k->first;
    return (place){.image = tile / k->cols / k->rows,
                   .rows = at == AT_BOTTOM || at == IN_CORNER ? u->y.rest_a : j->v->a,
                   .cols = at == AT_RIGHT || at == IN_CORNER ? u->x.rest_a : j->v->a,
                   .y = (int64_t)((k->row + tile / k->cols % k->rows) * j->v->m),
                   .x = (int64_t)((k->col + tile % k->cols) * j->v->m)};
}

/* Which of the `tiles` tiles from `first` on have element e. */
typedef struct range {
    size_t from, to;
} range;

static size_t clip(size_t x, size_t first, size_t n)
{
    return x < first ? 0 : phi_min_size(x - first, n);
}

static range having(const wino_job *j, size_t e, size_t first, size_t tiles)
{
    const kind *kinds = j->u.kinds;
    const bool right = e % j->v->a < j->u.x.rest_a, bottom = e / j->v->a < j->u.y.rest_a;
    const size_t from = right ? 0 : kinds[INSIDE].first;
    const size_t to = !bottom ? kinds[AT_BOTTOM].first
                      : right ? j->u.tiles
                              : kinds[IN_CORNER].first;
    return (range){clip(from, first, tiles), clip(to, first, tiles)};
}

/* What a tile reads: pixels, zeros where there are none. */
static void point_at(const wino_job *j, const place *p, const float **x)
{
    const phi_conv_shape *d = j->d;
    const int64_t pitch = j->data->x_pitch;
    const int64_t x0 = p->x * d->stride_w - d->pad_left;
    int64_t y = p->y * d->stride_h - d->pad_top;
    for (size_t i = 0; i < p->rows; i++, y++) {
        const bool line = y >= 0 && y < d->h;
        int64_t at = (((int64_t)p->image * d->h + y) * d->w + x0) * pitch;
        for (int64_t k = 0; k < (int64_t)p->cols; k++, at += pitch)
            x[i * j->v->a + (size_t)k] =
                line && x0 + k >= 0 && x0 + k < d->w ? j->data->x + at : j->zeros;
    }
}

/* Of n channels, the inputs that a line or column of a tile lacks, from those before them in it,
 * which are `step` apart like these: x[0] .. x[have - 1] are there. */
static void extend(const wino_job *j, size_t n, const float w[PHI_WINO_MAX][PHI_WINO_MAX],
                   size_t have, const float *const *x, size_t step, float *to)
{
    const float *there[PHI_WINO_MAX];
    for (size_t i = 0; i < have; i++)
        there[i] = x[i * step];
    const phk_lines_in_f32_args args = {.n = n,
                                        .lines = have,
                                        .x = there,
                                        .products = j->v->a - have,
                                        .matrix = w[have],
                                        .ld = PHI_WINO_MAX,
                                        .v = to,
                                        .slab = step * EXTRA_CHANNELS};
    PHK_CALL(lines_in_f32, j->head->extend)(&args);
}

/* A tile of fewer outputs: some channels at a time, the inputs it lacks in `extra`. */
static void transform_part(const wino_job *j, const float **x, size_t rows, size_t cols,
                           float *extra, float *v)
{
    const size_t a = j->v->a, c = (size_t)j->d->c;
    const float *some[PHI_WINO_MAX * PHI_WINO_MAX];
    for (size_t c0 = 0; c0 < c; c0 += EXTRA_CHANNELS) {
        const size_t n = phi_min_size(EXTRA_CHANNELS, c - c0);
        for (size_t i = 0; i < a; i++)
            for (size_t k = 0; k < a; k++)
                some[i * a + k] =
                    i < rows && k < cols ? x[i * a + k] + c0 : extra + (i * a + k) * EXTRA_CHANNELS;
        for (size_t i = 0; i < rows && cols < a; i++)
            extend(j, n, j->extend_x, cols, some + i * a, 1,
                   extra + (i * a + cols) * EXTRA_CHANNELS);
        for (size_t k = 0; k < a && rows < a; k++)
            extend(j, n, j->extend_y, rows, some + k, a, extra + (rows * a + k) * EXTRA_CHANNELS);
        const phk_wino_in_f32_args args = {.n = n, .x = some, .v = v + c0, .slab = j->u.slab};
        PHK_CALL(wino_in_f32, j->head->in)(&args);
    }
}

static void transform_tile(const wino_job *j, size_t tile, float *extra, float *v)
{
    const float *x[PHI_WINO_MAX * PHI_WINO_MAX];
    const place p = locate(j, tile);
    point_at(j, &p, x);
    if (p.rows < j->v->a || p.cols < j->v->a) {
        transform_part(j, x, p.rows, p.cols, extra, v);
        return;
    }
    const phk_wino_in_f32_args args = {.n = (size_t)j->d->c, .x = x, .v = v, .slab = j->u.slab};
    PHK_CALL(wino_in_f32, j->head->in)(&args);
}

/*
 * What the transforms around a block's products would wait for, fetched while these are made, which
 * leave memory idle: of every tile rows x cols pixels from (y, x) on, counted from `step` times its
 * first output.
 */
typedef struct fetched {
    const float *pixels;
    int64_t h, w, pitch, y, x, step;
    size_t rows, cols, channels;
} fetched;

/* Piece `piece` of `n_pieces` of the block of tiles that starts at `first`, if there is one. */
static void fetch(const wino_job *j, const fetched *f, size_t first, size_t piece, size_t n_pieces)
{
    const size_t tiles = first < j->u.tiles ? phi_min_size(j->u.block, j->u.tiles - first) : 0;
    const size_t lines = tiles * f->rows;
    for (size_t i = lines * piece / n_pieces; i < lines * (piece + 1) / n_pieces; i++) {
        const place p = locate(j, first + i / f->rows);
        const int64_t y = p.y * f->step + f->y + (int64_t)(i % f->rows);
        int64_t x = p.x * f->step + f->x;
        const int64_t end = x + (int64_t)f->cols < f->w ? x + (int64_t)f->cols : f->w;
        if (y < 0 || y >= f->h || x < 0) continue;
        for (int64_t at = ((int64_t)p.image * f->h + y) * f->w; x < end; x++)
            for (size_t c = 0; c < f->channels; c += PHI_LINE_FLOATS)
                __builtin_prefetch(f->pixels + (at + x) * f->pitch + c, 0, 2);
    }
}

/* Weights of panel `panel` for element e. */
static const float *weights_of(const wino_job *j, size_t panel, size_t e)
{
    const phi_wino *v = j->v;
    const size_t filter =
        phi_wino_filter_of(v, e / v->a) * v->n_filters + phi_wino_filter_of(v, e % v->a);
    return j->weights + (panel * n_filters(v) + filter) * (size_t)j->d->c * j->head->gemm->nr;
}

/* The products of element e of the block's tiles with a panel of weights, K in blocks of which a
 * panel of B stays near while the tiles go by. `after` are the weights used next. */
static void multiply(const wino_job *j, size_t tiles, const float *v, const float *b,
                     const float *after, float *m)
{
    const phk_kernel *kernel = j->head->gemm;
    const size_t c = (size_t)j->d->c, nr = kernel->nr, block = phi_block(c, PHI_K_BLOCK, 8);
    for (size_t k0 = 0, k; k0 < c; k0 += k) {
        k = phi_min_size(block, c - k0);
        const phk_gemm_f32_args args = {.kc = k,
                                        .taps = 1,
                                        .a = v + k0,
                                        .a_row = (ptrdiff_t)j->u.row,
                                        .a_step = 1,
                                        .b = b + k0 * nr,
                                        .c = m,
                                        .c_row = (ptrdiff_t)j->u.m_row,
                                        .m = tiles,
                                        .n = nr,
                                        .accumulate = k0 > 0,
                                        .lo = -INFINITY,
                                        .hi = INFINITY,
                                        .next = k0 + k < c ? b + (k0 + k) * nr : after,
                                        .next_lines = k * nr / 16};
        PHK_CALL(gemm_f32, kernel)(&args);
    }
}

/* All products of a block's tiles, which start at `first`, with `n_panels` panels. Meanwhile pixels
 * come: those where the results go, and in a block that is one task this share of the inputs of the
 * block that this thread is likely to have next. */
static void multiply_all(const wino_job *j, size_t first, size_t tiles, size_t panel,
                         size_t n_panels, const float *v, float *m)
{
    const phi_conv_shape *d = j->d;
    const size_t elements = n_elements(j->v), nr = j->head->gemm->nr;
    const size_t next = j->u.n_parts == 1 ? first + j->n_threads * j->u.block : j->u.tiles;
    const fetched in = {.pixels = j->data->x,
                        .h = d->h,
                        .w = d->w,
                        .pitch = j->data->x_pitch,
                        .y = (int64_t)(j->v->r - j->v->stride) - d->pad_top,
                        .x = (int64_t)(j->v->r - j->v->stride) - d->pad_left,
                        .step = d->stride_h,
                        .rows = j->v->m * j->v->stride,
                        .cols = j->v->m * j->v->stride,
                        .channels = (size_t)d->c};
    const fetched out = {.pixels = j->data->y + panel * nr,
                         .h = d->oh,
                         .w = d->ow,
                         .pitch = j->data->y_pitch,
                         .step = 1,
                         .rows = j->v->m,
                         .cols = j->v->m,
                         .channels = phi_min_size(n_panels * nr, (size_t)d->k - panel * nr)};
    for (size_t e = 0; e < elements; e++) {
        const range some = having(j, e, first, tiles);
        for (size_t p = 0; p < n_panels; p++) {
            const size_t piece = e * n_panels + p;
            fetch(j, &out, first, piece, elements * n_panels);
            fetch(j, &in, next, panel * elements + piece, j->u.n_panels * elements);
            if (some.from == some.to) continue;
            multiply(j, some.to - some.from, v + e * j->u.slab + some.from * j->u.row,
                     weights_of(j, panel + p, e),
                     p + 1 < n_panels   ? weights_of(j, panel + p + 1, e)
                     : e + 1 < elements ? weights_of(j, panel, e + 1)
                                        : weights_of(j, panel + n_panels, 0),
                     m + e * j->u.m_slab + some.from * j->u.m_row + p * nr);
        }
    }
}

/* Zeros for the products that tiles of fewer outputs lack. */
static void clear_missing(const wino_job *j, size_t first, size_t tiles, float *m)
{
    const size_t row = j->u.m_row;
    for (size_t e = 0; e < n_elements(j->v); e++, m += j->u.m_slab) {
        const range some = having(j, e, first, tiles);
        memset(m, 0, some.from * row * sizeof *m);
        memset(m + some.to * row, 0, (tiles - some.to) * row * sizeof *m);
    }
}

static void finish_tile(const wino_job *j, size_t tile, size_t k0, size_t n, const float *m)
{
    const phi_conv_shape *d = j->d;
    const phi_conv_data *data = j->data;
    const place p = locate(j, tile);
    const ptrdiff_t pixel = ((ptrdiff_t)p.image * d->oh + p.y) * d->ow + p.x;
    const phk_wino_out_f32_args args = {.n = n,
                                        .m = m,
                                        .slab = j->u.m_slab,
                                        .y = data->y + pixel * data->y_pitch + k0,
                                        .y_row = d->ow * data->y_pitch,
                                        .y_col = data->y_pitch,
                                        .rows = phi_min_size(j->v->m, (size_t)(d->oh - p.y)),
                                        .cols = phi_min_size(j->v->m, (size_t)(d->ow - p.x)),
                                        .bias = data->bias ? data->bias + k0 : NULL,
                                        .add = data->add ? data->add + pixel * data->add_pitch + k0
                                                         : NULL,
                                        .add_row = d->ow * data->add_pitch,
                                        .add_col = data->add_pitch,
                                        .lo = data->lo,
                                        .hi = data->hi};
    PHK_CALL(wino_out_f32, j->head->out)(&args);
}

/* A thread's scratch: [HEAD_BYTES] which block is transformed there, its tiles, inputs at the edge,
 * products. */
static char *thread_work(const wino_job *j, size_t thread)
{
    return j->work + thread * j->u.thread_bytes;
}

/* The tiles of a block that starts at tile `first`, transformed; the tasks of a block share them as
 * far as one thread has several. */
static float *transform_block(const wino_job *j, size_t thread, size_t first, size_t tiles)
{
    size_t *made = (size_t *)(void *)thread_work(j, thread);
    float *v = (float *)(void *)(thread_work(j, thread) + HEAD_BYTES);
    float *extra = (float *)(void *)((char *)v + j->u.v_bytes);
    if (*made == first) return v;
    for (size_t t = 0; t < tiles; t++)
        transform_tile(j, first + t, extra, v + t * j->u.row);
    *made = first;
    return v;
}

static void wino_task(void *arg, size_t task, size_t thread)
{
    const wino_job *j = arg;
    const size_t nr = j->head->gemm->nr, first = task / j->u.n_parts * j->u.block;
    const size_t tiles = phi_min_size(j->u.block, j->u.tiles - first);
    const size_t panel0 = task % j->u.n_parts * j->u.task_panels;
    const size_t panel_end = phi_min_size(panel0 + j->u.task_panels, j->u.n_panels);
    float *v = transform_block(j, thread, first, tiles);
    float *m = (float *)(void *)((char *)v + j->u.v_bytes + j->u.extra_bytes);
    clear_missing(j, first, tiles, m);
    for (size_t panel = panel0; panel < panel_end; panel += j->u.near_panels) {
        const size_t n_panels = phi_min_size(j->u.near_panels, panel_end - panel), k0 = panel * nr;
        multiply_all(j, first, tiles, panel, n_panels, v, m);
        for (size_t t = 0; t < tiles; t++)
            finish_tile(j, first + t, k0, phi_min_size(n_panels * nr, (size_t)j->d->k - k0),
                        m + t * j->u.m_row);
    }
}

static void run_group(const phi_wino *v, const phi_conv_shape *d, const phi_conv_data *data,
                      const void *packed, phi_pool *pool, void *work)
{
    const packed_head *head = packed;
    wino_job j = {.v = v,
                  .d = d,
                  .data = data,
                  .head = head,
                  .zeros = packed_zeros(packed),
                  .weights = (const float *)(const void *)((const char *)packed + HEAD_BYTES +
                                                           zeros_bytes(d)),
                  .u = cut_up(v, d, head->gemm->nr),
                  .work = work,
                  .n_threads = phi_pool_threads(pool)};
    if (j.u.y.rest_a) phi_wino_extend(v, j.u.y.rest_a, j.extend_y);
    if (j.u.x.rest_a) phi_wino_extend(v, j.u.x.rest_a, j.extend_x);
    for (size_t i = 0; i < j.n_threads; i++)
        *(size_t *)(void *)thread_work(&j, i) = SIZE_MAX;
    phi_pool_run(pool, j.u.n_blocks * j.u.n_parts, wino_task, &j);
}

void phi_wino_run(const phi_wino *v, const phi_conv_shape *d, const phi_conv_data *data,
                  const void *packed, phi_pool *pool, void *work)
{
    const phi_conv_shape group = one_group(d);
    const size_t bytes = group_bytes(v, &group);
    phi_conv_data part = *data;
    for (int64_t g = 0; g < d->groups; g++) {
        run_group(v, &group, &part, (const char *)packed + (size_t)g * bytes, pool, work);
        part.x += group.c;
        part.y += group.k;
        if (part.bias) part.bias += group.k;
        if (part.add) part.add += group.k;
    }
}
