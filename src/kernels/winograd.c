/* SPDX-License-Identifier: MIT */
/*
 * Winograd's convolution as products of matrices: for each of the a * a elements of a transformed
 * tile, [tiles, c] by [c, k].
 *
 * Not three passes over everything, but block by block: the inputs of a block of tiles are
 * transformed into scratch that stays in the second-level cache; then, for each few panels of output
 * channels, the a * a small products are made and at once transformed back. Weights are stored in
 * exactly the order in which they are read, once for each block of tiles.
 */
#include "kernels/winograd.h"

#include <math.h>

#include "kernels/gemm.h"

#define P 0.70710678118654752440
#define Q 1.41421356237309504880

/* --- Matrices ------------------------------------------------------------------------------------ */

/* clang-format off */
static const double filter_2x3[4 * 3] = {
    1,    0,   0,
    0.5,  0.5, 0.5,
    0.5, -0.5, 0.5,
    0,    0,   1,
};
static const float input_4[4 * 4] = {
    1,  0, -1, 0,
    0,  1,  1, 0,
    0, -1,  1, 0,
    0, -1,  0, 1,
};
static const float output_4_2[2 * 4] = {
    1, 1,  1, 0,
    0, 1, -1, 1,
};

static const double filter_4x3[6 * 3] = {
     1,        0,          0,
    -1 / 1.5, -P / 1.5,   -0.5 / 1.5,
    -1 / 1.5,  P / 1.5,   -0.5 / 1.5,
     1 / 6.0,  Q / 6.0,    2 / 6.0,
     1 / 6.0, -Q / 6.0,    2 / 6.0,
     0,        0,          1,
};
static const double filter_2x5[6 * 5] = {
     1,        0,         0,          0,             0,
    -1 / 1.5, -P / 1.5,  -0.5 / 1.5, -0.5 * P / 1.5, -0.25 / 1.5,
    -1 / 1.5,  P / 1.5,  -0.5 / 1.5,  0.5 * P / 1.5, -0.25 / 1.5,
     1 / 6.0,  Q / 6.0,   2 / 6.0,    2 * Q / 6.0,    4 / 6.0,
     1 / 6.0, -Q / 6.0,   2 / 6.0,   -2 * Q / 6.0,    4 / 6.0,
     0,        0,         0,          0,              1,
};
static const float input_6[6 * 6] = {
    1,  0,               -2.5f,  0,        1, 0,
    0, -2 * (float)P,    -2,     (float)P, 1, 0,
    0,  2 * (float)P,    -2,    -(float)P, 1, 0,
    0, -0.5f * (float)Q, -0.5f,  (float)Q, 1, 0,
    0,  0.5f * (float)Q, -0.5f, -(float)Q, 1, 0,
    0,  1,                0,    -2.5f,     0, 1,
};
static const float output_6_4[4 * 6] = {
    1, 1,                1,                1,             1,             0,
    0, (float)P,        -(float)P,         (float)Q,     -(float)Q,      0,
    0, 0.5f,             0.5f,             2,             2,             0,
    0, 0.5f * (float)P, -0.5f * (float)P,  2 * (float)Q, -2 * (float)Q,  1,
};
static const double filter_6x3[8 * 3] = {
     1,          0,         0,
    -2 / 9.0,   -2 / 9.0,  -2 / 9.0,
    -2 / 9.0,    2 / 9.0,  -2 / 9.0,
    32 / 45.0,  16 / 45.0,  8 / 45.0,
    32 / 45.0, -16 / 45.0,  8 / 45.0,
     1 / 90.0,   1 / 45.0,  2 / 45.0,
     1 / 90.0,  -1 / 45.0,  2 / 45.0,
     0,          0,         1,
};
static const float input_8[8 * 8] = {
    1,  0,    -5.25f,  0,      5.25f,  0,    -1, 0,
    0,  1,     1,     -4.25f, -4.25f,  1,     1, 0,
    0, -1,     1,      4.25f, -4.25f, -1,     1, 0,
    0,  2,     4,     -2.5f,  -5,      0.5f,  1, 0,
    0, -2,     4,      2.5f,  -5,     -0.5f,  1, 0,
    0,  0.5f,  0.25f, -2.5f,  -1.25f,  2,     1, 0,
    0, -0.5f,  0.25f,  2.5f,  -1.25f, -2,     1, 0,
    0, -1,     0,      5.25f,  0,     -5.25f, 0, 1,
};
static const float output_8_6[6 * 8] = {
    1, 1,  1, 1,         1,         1,   1, 0,
    0, 1, -1, 0.5f,     -0.5f,      2,  -2, 0,
    0, 1,  1, 0.25f,     0.25f,     4,   4, 0,
    0, 1, -1, 0.125f,   -0.125f,    8,  -8, 0,
    0, 1,  1, 0.0625f,   0.0625f,  16,  16, 0,
    0, 1, -1, 0.03125f, -0.03125f, 32, -32, 1,
};
static const double filter_4x5[8 * 5] = {
     1,          0,         0,          0,         0,
    -2 / 9.0,   -2 / 9.0,  -2 / 9.0,   -2 / 9.0,  -2 / 9.0,
    -2 / 9.0,    2 / 9.0,  -2 / 9.0,    2 / 9.0,  -2 / 9.0,
    32 / 45.0,  16 / 45.0,  8 / 45.0,   4 / 45.0,  2 / 45.0,
    32 / 45.0, -16 / 45.0,  8 / 45.0,  -4 / 45.0,  2 / 45.0,
     1 / 90.0,   1 / 45.0,  2 / 45.0,   4 / 45.0,  8 / 45.0,
     1 / 90.0,  -1 / 45.0,  2 / 45.0,  -4 / 45.0,  8 / 45.0,
     0,          0,         0,          0,         1,
};
static const float output_8_4[4 * 8] = {
    1, 1,  1, 1,       1,      1,  1, 0,
    0, 1, -1, 0.5f,   -0.5f,   2, -2, 0,
    0, 1,  1, 0.25f,   0.25f,  4,  4, 0,
    0, 1, -1, 0.125f, -0.125f, 8, -8, 1,
};
static const float output_6_2[2 * 6] = {
    1, 1,         1,        1,         1,        0,
    0, (float)P, -(float)P, (float)Q, -(float)Q, 1,
};
/* clang-format on */

const phi_wino phi_wino_f2x3 = {.a = 4,
                                .m = 2,
                                .r = 3,
                                .filter = filter_2x3,
                                .input = input_4,
                                .output = output_4_2,
                                .in_slot = PHK_wino4_in_f32,
                                .out_slot = PHK_wino4_out2_f32};
const phi_wino phi_wino_f4x3 = {.a = 6,
                                .m = 4,
                                .r = 3,
                                .filter = filter_4x3,
                                .input = input_6,
                                .output = output_6_4,
                                .in_slot = PHK_wino6_in_f32,
                                .out_slot = PHK_wino6_out4_f32};
const phi_wino phi_wino_f6x3 = {.a = 8,
                                .m = 6,
                                .r = 3,
                                .filter = filter_6x3,
                                .input = input_8,
                                .output = output_8_6,
                                .in_slot = PHK_wino8_in_f32,
                                .out_slot = PHK_wino8_out6_f32};
const phi_wino phi_wino_f2x5 = {.a = 6,
                                .m = 2,
                                .r = 5,
                                .filter = filter_2x5,
                                .input = input_6,
                                .output = output_6_2,
                                .in_slot = PHK_wino6_in_f32,
                                .out_slot = PHK_wino6_out2_f32};

const phi_wino phi_wino_f4x5 = {.a = 8,
                                .m = 4,
                                .r = 5,
                                .filter = filter_4x5,
                                .input = input_8,
                                .output = output_8_4,
                                .in_slot = PHK_wino8_in_f32,
                                .out_slot = PHK_wino8_out4_f32};

/* --- Geometry ------------------------------------------------------------------------------------ */

static size_t tiles_h(const phi_wino *v, const phi_conv_shape *d)
{
    return phi_div_up((size_t)d->oh, v->m);
}
static size_t tiles_w(const phi_wino *v, const phi_conv_shape *d)
{
    return phi_div_up((size_t)d->ow, v->m);
}
static size_t n_tiles(const phi_wino *v, const phi_conv_shape *d)
{
    return (size_t)d->n * tiles_h(v, d) * tiles_w(v, d);
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
    return all->groups <= MOST_GROUPS && d.stride_h == 1 && d.stride_w == 1 && d.dilation_h == 1 &&
           d.dilation_w == 1 && d.r == (int64_t)v->r && d.s == d.r && d.c >= 8 && d.k >= 8;
}

/* Work in units of a multiply-add in the product; elements of tiles and weights, which move through
 * memory, cost several each. Weights are read while the products are made, but not faster than
 * memory gives them: where there are few tiles to a weight, it sets the pace, and F(2x2), whose
 * weights are fewer, is ahead of F(4x4). An element of F(6x6) takes half as many sums again, and is
 * dearer by a little more, as its errors are larger: it must win clearly. Fitted to shapes of 6x6
 * to 224x224 on Zen 4. Of a group: it is compared with others of that. */
double phi_wino_cost(const phi_wino *v, const phi_conv_shape *all)
{
    phi_conv_shape d = one_group(all);
    d.n = 1; /* an image's bits are the same in a batch of any size */
    const double tiles = (double)n_tiles(v, &d), a2 = (double)(v->a * v->a);
    const double products = tiles * a2 * (double)d.c * (double)d.k;
    const double moved = tiles * a2 * (double)(d.c + d.k), move = v->a == 8 ? 12 : 6;
    const double weights = a2 * (double)d.c * (double)d.k, reading = 8 * weights;
    return (products > reading ? products : reading) + move * moved + 2 * weights;
}

/* --- Weights ------------------------------------------------------------------------------------- */

/* In front of the weights: which kernels they are for, and a pixel of zeros for the padding. Weights
 * are [panels][a * a][c][nr]. */
typedef struct packed_head {
    const phk_kernel *gemm, *in, *out;
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
    if (one == SIZE_MAX || !phi_mul_size(one, v->a * v->a, &bytes) ||
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
    float *out = p->out + panel * p->v->a * p->v->a * c * nr;
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
    *head = (packed_head){phk_choose(PHK_gemm_f32), phk_choose(v->in_slot),
                          phk_choose(v->out_slot)};
    memset(packed_zeros(packed), 0, zeros_bytes(d));
    pack_job p = {v, d, filters, first, head->gemm->nr,
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

/* --- The convolution ------------------------------------------------------------------------------ */

#define INPUT_BYTES 327680 /* of transformed tiles in a block, more or less */
#define LEAST_TILES 28     /* but not fewer: each weight is read once a block */
#define MOST_TILES 60
#define TASKS 8            /* cut output channels, too, where blocks alone give fewer tasks */
#define K_BLOCK 256        /* 16 KiB of weights in a panel */
#define LINE 16            /* floats in a cache line */
#define OUTPUT_BYTES 98304 /* of products between two looks at the tiles, more or less */

/* How a convolution is cut. The same for any number of threads. */
typedef struct cut {
    size_t tiles, block, n_blocks; /* tiles: all of them; in a block; blocks */
    size_t row, slab;              /* of transformed tiles: floats to the next tile, next element */
    size_t m_row, m_slab;          /* the same of products */
    size_t n_panels, near_panels, task_panels, n_parts; /* near: between two looks at the tiles */
    size_t v_bytes, thread_bytes;
} cut;

static cut cut_up(const phi_wino *v, const phi_conv_shape *d, size_t nr)
{
    cut u = {.tiles = n_tiles(v, d), .row = phi_round_up((size_t)d->c, 16) + 16};
    const size_t tile_bytes = v->a * v->a * u.row * sizeof(float);
    size_t most = INPUT_BYTES / tile_bytes;
    most = most < LEAST_TILES ? LEAST_TILES : most > MOST_TILES ? MOST_TILES : most;
    u.n_blocks = phi_div_up(u.tiles, most);
    if (u.n_blocks == 0) u.n_blocks = 1;
    u.block = phi_div_up(u.tiles, u.n_blocks);
    u.n_blocks = u.block ? phi_div_up(u.tiles, u.block) : 0;
    u.slab = u.block * u.row + 16; /* not a power of two */
    u.n_panels = phi_div_up((size_t)d->k, nr);
    const size_t parts = u.n_blocks ? phi_div_up(TASKS, u.n_blocks) : 1;
    const size_t part_panels = phi_div_up(u.n_panels, parts);
    u.near_panels = OUTPUT_BYTES / (v->a * v->a * (u.block + 1) * nr * sizeof(float));
    u.near_panels = u.near_panels < 2 ? 2 : phi_min_size(u.near_panels, part_panels);
    u.task_panels = phi_round_up(part_panels, u.near_panels);
    u.m_row = u.near_panels * nr;
    u.m_slab = u.block * u.m_row + 16;
    u.n_parts = phi_div_up(u.n_panels, u.task_panels);
    u.v_bytes = phi_round_up(v->a * v->a * u.slab * sizeof(float), PHI_ALIGN);
    u.thread_bytes =
        HEAD_BYTES + u.v_bytes + phi_round_up(v->a * v->a * u.m_slab * sizeof(float), PHI_ALIGN);
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
    char *work;
    size_t n_threads;
} wino_job;

/* Image, and line and column of the first output pixel, of a tile. */
static void locate(const wino_job *j, size_t tile, size_t *image, int64_t *y, int64_t *x)
{
    const size_t tw = tiles_w(j->v, j->d), th = tiles_h(j->v, j->d);
    *x = (int64_t)(tile % tw * j->v->m);
    *y = (int64_t)(tile / tw % th * j->v->m);
    *image = tile / tw / th;
}

static void transform_tile(const wino_job *j, size_t tile, float *v)
{
    const phi_conv_shape *d = j->d;
    const float *x[PHI_WINO_MAX * PHI_WINO_MAX];
    const int64_t a = (int64_t)j->v->a, pitch = j->data->x_pitch;
    size_t image;
    int64_t y0, x0;
    locate(j, tile, &image, &y0, &x0);
    y0 -= d->pad_top;
    x0 -= d->pad_left;
    for (int64_t i = 0; i < a; i++, y0++) {
        const bool line = y0 >= 0 && y0 < d->h;
        int64_t at = (((int64_t)image * d->h + y0) * d->w + x0) * pitch;
        for (int64_t k = 0; k < a; k++, at += pitch)
            x[i * a + k] = line && x0 + k >= 0 && x0 + k < d->w ? j->data->x + at : j->zeros;
    }
    const phk_wino_in_f32_args args = {
        .n = (size_t)d->c, .x = x, .v = v, .slab = j->u.slab};
    PHK_CALL(wino_in_f32, j->head->in)(&args);
}

/*
 * What the transforms around a block's products would wait for, fetched while these are made, which
 * leave memory idle: of every tile the m x m pixels from (y, x) on, counted from its first output.
 */
typedef struct fetched {
    const float *pixels;
    int64_t h, w, pitch, y, x;
    size_t channels;
} fetched;

/* Piece `piece` of `n_pieces` of the block of tiles that starts at `first`, if there is one. */
static void fetch(const wino_job *j, const fetched *f, size_t first, size_t piece, size_t n_pieces)
{
    const size_t tiles = first < j->u.tiles ? phi_min_size(j->u.block, j->u.tiles - first) : 0;
    const size_t lines = tiles * j->v->m;
    for (size_t i = lines * piece / n_pieces; i < lines * (piece + 1) / n_pieces; i++) {
        size_t image;
        int64_t y, x;
        locate(j, first + i / j->v->m, &image, &y, &x);
        y += f->y + (int64_t)(i % j->v->m);
        x += f->x;
        const int64_t end = x + (int64_t)j->v->m < f->w ? x + (int64_t)j->v->m : f->w;
        if (y < 0 || y >= f->h || x < 0) continue;
        for (int64_t at = ((int64_t)image * f->h + y) * f->w; x < end; x++)
            for (size_t c = 0; c < f->channels; c += LINE)
                __builtin_prefetch(f->pixels + (at + x) * f->pitch + c, 0, 2);
    }
}

/* Weights of panel `panel` for element e. */
static const float *weights_of(const wino_job *j, size_t panel, size_t e)
{
    return j->weights + (panel * j->v->a * j->v->a + e) * (size_t)j->d->c * j->head->gemm->nr;
}

/* The products of element e of the block's tiles with a panel of weights, K in blocks of which a panel
 * of B stays near while the tiles go by. `after` are the weights used next. */
static void multiply(const wino_job *j, size_t tiles, const float *v, const float *b,
                     const float *after, float *m)
{
    const phk_kernel *kernel = j->head->gemm;
    const size_t c = (size_t)j->d->c, nr = kernel->nr, block = phi_block(c, K_BLOCK, 8);
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
    const size_t a2 = j->v->a * j->v->a, nr = j->head->gemm->nr, pieces = a2 * n_panels;
    const size_t next = j->u.n_parts == 1 ? first + j->n_threads * j->u.block : j->u.tiles;
    const fetched in = {j->data->x, d->h, d->w, j->data->x_pitch,
                        (int64_t)j->v->r - 1 - d->pad_top, (int64_t)j->v->r - 1 - d->pad_left,
                        (size_t)d->c};
    const fetched out = {j->data->y + panel * nr,
                         d->oh,
                         d->ow,
                         j->data->y_pitch,
                         0,
                         0,
                         phi_min_size(n_panels * nr, (size_t)d->k - panel * nr)};
    for (size_t e = 0; e < a2; e++)
        for (size_t p = 0; p < n_panels; p++) {
            const size_t piece = e * n_panels + p;
            fetch(j, &out, first, piece, pieces);
            fetch(j, &in, next, panel * a2 + piece, j->u.n_panels * a2);
            multiply(j, tiles, v + e * j->u.slab, weights_of(j, panel + p, e),
                     p + 1 < n_panels ? weights_of(j, panel + p + 1, e)
                                      : weights_of(j, panel, e + 1),
                     m + e * j->u.m_slab + p * nr);
        }
}

static void finish_tile(const wino_job *j, size_t tile, size_t k0, size_t n, const float *m)
{
    const phi_conv_shape *d = j->d;
    const phi_conv_data *data = j->data;
    size_t image;
    int64_t y, x;
    locate(j, tile, &image, &y, &x);
    const ptrdiff_t pixel = ((ptrdiff_t)image * d->oh + y) * d->ow + x;
    const phk_wino_out_f32_args args = {.n = n,
                                        .m = m,
                                        .slab = j->u.m_slab,
                                        .y = data->y + pixel * data->y_pitch + k0,
                                        .y_row = d->ow * data->y_pitch,
                                        .y_col = data->y_pitch,
                                        .rows = phi_min_size(j->v->m, (size_t)(d->oh - y)),
                                        .cols = phi_min_size(j->v->m, (size_t)(d->ow - x)),
                                        .bias = data->bias ? data->bias + k0 : NULL,
                                        .add = data->add ? data->add + pixel * data->add_pitch + k0
                                                         : NULL,
                                        .add_row = d->ow * data->add_pitch,
                                        .add_col = data->add_pitch,
                                        .lo = data->lo,
                                        .hi = data->hi};
    PHK_CALL(wino_out_f32, j->head->out)(&args);
}

/* A thread's scratch: [HEAD_BYTES] which block is transformed there, its tiles, their products. */
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
    if (*made == first) return v;
    for (size_t t = 0; t < tiles; t++)
        transform_tile(j, first + t, v + t * j->u.row);
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
    float *m = (float *)(void *)((char *)v + j->u.v_bytes);
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
    const wino_job j = {.v = v,
                        .d = d,
                        .data = data,
                        .head = head,
                        .zeros = packed_zeros(packed),
                        .weights = (const float *)(const void *)((const char *)packed +
                                                                 HEAD_BYTES + zeros_bytes(d)),
                        .u = cut_up(v, d, head->gemm->nr),
                        .work = work,
                        .n_threads = phi_pool_threads(pool)};
    for (size_t i = 0; i < j.n_threads; i++)
        *(size_t *)(void *)thread_work(&j, i) = SIZE_MAX;
    phi_pool_run(pool, j.u.n_blocks * j.u.n_parts, wino_task, (void *)(uintptr_t)&j);
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
