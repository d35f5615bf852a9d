/* SPDX-License-Identifier: MIT */
/*
 * Strassen's product block by block: a run of pixels of one image is the upper half, as many that
 * follow are the lower half. Their sums go to scratch that stays in the second-level cache; then,
 * for each panel of the left half of output channels and its fellow of the right half, the seven
 * products are made one after the other. Panels that have no fellow are multiplied as they are.
 * Weights are stored in exactly the order in which they are read, once for each block.
 */
#include "kernels/strassen.h"

#include <math.h>

#include "kernels/caches.h"
#include "kernels/gemm.h"

#define PRODUCTS 7 /* of a pair of panels */
#define LONE_PRODUCTS 4

bool phi_strassen_applies(const phi_conv_shape *d)
{
    return d->groups == 1 && d->c % 16 == 0 && d->c > 0;
}

/* --- Weights --------------------------------------------------------------------------------- */

/* In front of the weights: which kernels they are for. Weights are [pairs][7][c / 2][nr] and, of
 * panels without a fellow, [lone][2][c / 2][nr]. */
typedef struct packed_head {
    const phk_kernel *gemm, *in, *out;
} packed_head;
#define HEAD_BYTES 64
_Static_assert(sizeof(packed_head) <= HEAD_BYTES, "packed_head");

/* How output channels are cut into panels: 0 .. pairs - 1 are left, pairs .. 2 pairs - 1 right. A
 * last one that would be half empty stays alone. */
typedef struct columns {
    size_t n, nr, pairs, lone;
} columns;

static columns cut_columns(const phi_conv_shape *d, size_t nr)
{
    columns c = {.n = (size_t)d->k, .nr = nr};
    c.pairs = (c.n + (nr - 1) / 2) / nr / 2;
    c.lone = phi_div_up(c.n, nr) - 2 * c.pairs;
    return c;
}

/* Floats of weights before pair or lone panel `unit`. */
static size_t weights_before(const columns *c, size_t c2, size_t unit)
{
    const size_t pairs = phi_min_size(unit, c->pairs);
    return (PRODUCTS * pairs + 2 * (unit - pairs)) * c2 * c->nr;
}

size_t phi_strassen_pack_bytes(const phi_conv_shape *d)
{
    size_t most = 0, bytes;
    const phk_kernel *kernel;
    for (size_t i = 0; (kernel = phk_kernel_at(i)); i++) {
        if (kernel->slot != PHK_gemm_f32) continue;
        const columns c = cut_columns(d, kernel->nr);
        const size_t wide = (PRODUCTS * c.pairs + 2 * c.lone) * c.nr;
        if (wide > most) most = wide;
    }
    if (!phi_mul_size(most, (size_t)d->c / 2, &bytes) ||
        !phi_mul_size(bytes, sizeof(float), &bytes) || !phi_add_size(bytes, HEAD_BYTES, &bytes))
        return SIZE_MAX;
    return bytes;
}

typedef struct pack_job {
    const phi_conv_shape *d;
    const phi_filters *filters;
    columns columns;
    float *out;
} pack_job;

/* `rows` rows of B, from w [n][c], to [rows][nr]; a few of all columns at a time: these may be a
 * power of two apart, and then their lines push each other out of the cache (gemm_nn.c, pack_run).
 */
static void pack_rows(const float *w, size_t c, size_t n, size_t rows, size_t nr, float *out)
{
    enum { FEW = 16 };
    for (size_t i0 = 0; i0 < rows; i0 += FEW)
        for (size_t k = 0; k < nr; k++)
            for (size_t i = i0; i < phi_min_size(i0 + FEW, rows); i++)
                out[i * nr + k] = k < n ? w[k * c + i] : 0;
}

/* B11 and B21 of a panel, or of a right one B12 and B22. */
static void pack_panel(const pack_job *p, size_t panel, size_t thread, float *top, float *bottom)
{
    const size_t c = (size_t)p->d->c, nr = p->columns.nr;
    const size_t n = phi_min_size(nr, p->columns.n - panel * nr);
    const float *w = phi_filter_rows(p->filters, panel * nr, n, thread);
    pack_rows(w, c, n, c / 2, nr, top);
    pack_rows(w + c / 2, c, n, c / 2, nr, bottom);
}

/* B11, B21, T2, T3, T4, T1, B22 out of B11, B21, ., ., ., B12, B22. In double, as errors made here
 * are in every output. */
static void combine(float *b, size_t slab)
{
    for (size_t i = 0; i < slab; i++, b++) {
        const double b11 = (double)b[0], b21 = (double)b[slab];
        const double b12 = (double)b[5 * slab], b22 = (double)b[6 * slab];
        const double t1 = b12 - b11, t2 = b22 - t1;
        b[2 * slab] = (float)t2;
        b[3 * slab] = (float)(b22 - b12);
        b[4 * slab] = (float)(b21 - t2);
        b[5 * slab] = (float)t1;
    }
}

/* A pair or a lone panel. */
static void pack_task(void *arg, size_t unit, size_t thread)
{
    const pack_job *p = arg;
    const columns *c = &p->columns;
    const size_t c2 = (size_t)p->d->c / 2, slab = c2 * c->nr;
    float *b = p->out + weights_before(c, c2, unit);
    pack_panel(p, unit < c->pairs ? unit : unit + c->pairs, thread, b, b + slab);
    if (unit >= c->pairs) return;
    pack_panel(p, unit + c->pairs, thread, b + 5 * slab, b + 6 * slab);
    combine(b, slab);
}

void phi_strassen_pack(const phi_conv_shape *d, const phi_filters *filters, phi_pool *pool,
                       void *packed)
{
    packed_head *head = packed;
    *head = (packed_head){phk_choose(PHK_gemm_f32), phk_choose(PHK_halves_in_f32),
                          phk_choose(PHK_halves_out_f32)};
    pack_job p = {d, filters, cut_columns(d, head->gemm->nr),
                  (float *)(void *)((char *)packed + HEAD_BYTES)};
    phi_pool_run(pool, p.columns.pairs + p.columns.lone, pack_task, &p);
}

/* --- The products ---------------------------------------------------------------------------- */

/* Left operands, in the order in which halves_in makes them, the lower half's own last; tiles of
 * sums in scratch; quarters of the result. */
enum operand { S1, S2, S3, S4, A11, A12, A22, A21, N_OPERANDS };
enum tile { X, Z, W, N_TILES };
enum quarter { C11, C12, C21, C22, NOT_YET };

/* to = a * b + from. Or part of the result is, and then `to` has the sums of all blocks of the sum
 * but the last. */
typedef struct product {
    enum operand a;
    size_t b;           /* which of the weights */
    enum tile from, to; /* from N_TILES: nothing */
    enum quarter c;
} product;

/* Y takes the place of X. */
static const product of_pair[PRODUCTS] = {
    {A11, 0, N_TILES, X, NOT_YET}, /* B11 */
    {A12, 1, X, W, C11},           /* B21 */
    {S2, 2, X, X, NOT_YET},        /* T2 */
    {S3, 3, X, Z, NOT_YET},        /* T3 */
    {A22, 4, Z, W, C21},           /* T4 */
    {S1, 5, N_TILES, W, NOT_YET},  /* T1 */
    {S4, 6, X, X, C12},            /* B22 */
};
static const product of_lone[LONE_PRODUCTS] = {
    {A11, 0, N_TILES, X, NOT_YET},
    {A12, 1, X, X, C11},
    {A21, 0, N_TILES, X, NOT_YET},
    {A22, 1, X, X, C21},
};

#define LEAST_TILES 2 /* rows of them in a block: each weight is read once a block */
#define TASKS 12      /* cut output channels, too, where blocks alone give fewer tasks */

/* How a convolution is cut. The same for any number of threads, and an image's rows for any batch.
 */
typedef struct cut {
    columns columns;
    size_t rows, block, n_blocks; /* of an image; block: of its upper half */
    size_t row, slab;             /* of operands: floats to the next pixel, the next operand */
    size_t task_units, n_parts;   /* pairs and lone panels of a task; tasks of a block */
    size_t tile;                  /* floats of one in scratch */
    size_t v_bytes, thread_bytes;
} cut;

static cut cut_up(const phi_conv_shape *d, const phk_kernel *kernel)
{
    const size_t mr = kernel->mr, c2 = (size_t)d->c / 2;
    cut u = {.columns = cut_columns(d, kernel->nr),
             .rows = (size_t)(d->oh * d->ow),
             .row = phi_round_up(c2, 16) + 16};
    size_t tiles = PHI_STRASSEN_INPUT_BYTES / (N_OPERANDS * u.row * sizeof(float) * mr);
    if (tiles < LEAST_TILES) tiles = LEAST_TILES;
    u.block = phi_block(phi_div_up(u.rows, 2), tiles * mr, mr);
    u.n_blocks = u.block ? phi_div_up(u.rows, 2 * u.block) : 0;
    u.slab = u.block * u.row + 16; /* not a power of two */
    const size_t units = u.columns.pairs + u.columns.lone, blocks = u.n_blocks * (size_t)d->n;
    u.task_units = phi_div_up(units, phi_min_size(units, blocks ? phi_div_up(TASKS, blocks) : 1));
    u.n_parts = phi_div_up(units, u.task_units);
    u.tile = u.block * kernel->nr;
    u.v_bytes = phi_round_up(N_OPERANDS * u.slab * sizeof(float), PHI_ALIGN);
    u.thread_bytes =
        HEAD_BYTES + u.v_bytes + phi_round_up(N_TILES * u.tile * sizeof(float), PHI_ALIGN);
    return u;
}

#define LEAST_CHANNELS 128 /* of input or output: fewer gain nothing, or more in a chain */
#define LEAST_PIXELS 32    /* fewer, and weights do not come as fast as they are needed */
#define FEW_TASKS 8

/* As for Winograd, in multiply-adds, and those of plain products as cheap as there: products, sums
 * on the left, and tiles of results that go through memory; a few tasks that two threads cannot
 * share are no gain. Fitted to 6x6 .. 56x56 on Zen 4; 3 % are the least worth the weights. It is
 * that of wide panels, so that the choice is the same for all kernels. */
double phi_strassen_cost(const phi_conv_shape *all)
{
    const phk_kernel wide = {.mr = 14, .nr = 32};
    phi_conv_shape d = *all;
    d.n = 1; /* an image's bits are the same in a batch of any size */
    const cut u = cut_up(&d, &wide);
    const double m = (double)u.rows, k = (double)d.c, n = (double)d.k;
    const double paired = (double)phi_min_size(u.columns.n, 2 * u.columns.pairs * wide.nr);
    const size_t tasks = u.n_blocks * u.n_parts;
    if (d.c < LEAST_CHANNELS || d.k < LEAST_CHANNELS || u.rows < LEAST_PIXELS ||
        (tasks < FEW_TASKS && tasks % 2 != 0))
        return (double)INFINITY;
    return 1.03 * (0.8 * k * (m + 8) * (n - paired / 8) + m * (4 * k + 5 * n));
}

size_t phi_strassen_work_bytes(const phi_conv_shape *d, size_t n_threads)
{
    size_t most = 0, bytes;
    const phk_kernel *kernel;
    for (size_t i = 0; (kernel = phk_kernel_at(i)); i++) {
        if (kernel->slot != PHK_gemm_f32) continue;
        const cut u = cut_up(d, kernel);
        if (u.thread_bytes > most) most = u.thread_bytes;
    }
    return phi_mul_size(most, n_threads, &bytes) ? bytes : SIZE_MAX;
}

typedef struct strassen_job {
    const phi_conv_shape *d;
    const phi_conv_data *data;
    const packed_head *head;
    const float *weights;
    cut u;
    char *work;
} strassen_job;

/* Some pixels, from pixel `first` of all images on. */
typedef struct block {
    size_t first, upper, lower;
    const float *a[N_OPERANDS];
    ptrdiff_t a_row[N_OPERANDS];
    float *tiles; /* [N_TILES] */
} block;

/* A pair of panels or a lone one. */
typedef struct unit {
    size_t left, right; /* first columns; right is 0 if there is none */
    const float *b;
} unit;

/* The operands of a block: sums in scratch `v`, quarters of x there if their rows collide in the
 * cache, or as they are. Where the lower half is a row shorter the upper one's stands in, and
 * nobody asks for the result. */
static void find_operands(const strassen_job *j, block *b, float *v, bool made)
{
    const size_t c2 = (size_t)j->d->c / 2;
    const ptrdiff_t pitch = j->data->x_pitch;
    const float *x = j->data->x + (ptrdiff_t)b->first * pitch;
    const float *low = x + (ptrdiff_t)b->upper * pitch;
    const bool copies = pitch % PHI_WAY_FLOATS == 0;
    const float *quarters[] = {x, x + c2, low + c2, low}; /* A11, A12, A22, A21 */
    for (size_t i = 0; i < N_OPERANDS; i++) {
        const bool in_place = i >= A11 && !copies;
        b->a[i] = in_place ? quarters[i - A11] : v + i * j->u.slab;
        b->a_row[i] = in_place ? pitch : (ptrdiff_t)j->u.row;
    }
    if (made) return;
    for (size_t i = 0; i < b->upper; i++, x += pitch, low += pitch) {
        const float *second = i < b->lower ? low : x;
        const phk_halves_in_f32_args args = {.n = c2,
                                             .x11 = x,
                                             .x12 = x + c2,
                                             .x21 = second,
                                             .x22 = second + c2,
                                             .n_v = !copies             ? A11
                                                    : j->u.columns.lone ? N_OPERANDS
                                                                        : A21,
                                             .v = v + i * j->u.row,
                                             .slab = j->u.slab};
        PHK_CALL(halves_in_f32, j->head->in)(&args);
    }
}

static float *tile_at(const strassen_job *j, const block *b, enum tile t)
{
    return t == N_TILES ? NULL : b->tiles + t * j->u.tile;
}

/* Where and how a quarter of the result is finished. */
typedef struct finish {
    size_t rows, n;
    float *y;
    const float *bias, *add;
} finish;

static finish finish_of(const strassen_job *j, const block *b, const unit *u, enum quarter c)
{
    const phi_conv_data *data = j->data;
    const bool lower = c == C21 || c == C22, right = c == C12 || c == C22;
    const ptrdiff_t row = (ptrdiff_t)(b->first + (lower ? b->upper : 0));
    const size_t n0 = right ? u->right : u->left;
    return (finish){.rows = lower ? b->lower : b->upper,
                    .n = phi_min_size(j->u.columns.nr, j->u.columns.n - n0),
                    .y = data->y + row * data->y_pitch + n0,
                    .bias = data->bias ? data->bias + n0 : NULL,
                    .add = data->add ? data->add + row * data->add_pitch + n0 : NULL};
}

static void multiply(const strassen_job *j, const block *b, const unit *u, const product *p)
{
    const size_t c2 = (size_t)j->d->c / 2, nr = j->u.columns.nr,
                 k_block = phi_block(c2, PHI_K_BLOCK, 8);
    const finish f = finish_of(j, b, u, p->c);
    phk_gemm_f32_args t = {.taps = 1,
                           .a_row = b->a_row[p->a],
                           .a_step = 1,
                           .c = tile_at(j, b, p->to),
                           .c_row = (ptrdiff_t)nr,
                           .m = p->a < A22 ? b->upper : b->lower,
                           .n = u->right ? nr : f.n,
                           .accumulate = p->from != N_TILES,
                           .from = tile_at(j, b, p->from),
                           .from_row = (ptrdiff_t)nr,
                           .lo = -INFINITY,
                           .hi = INFINITY};
    if (t.m == 0) return;
    for (size_t k0 = 0; k0 < c2; k0 += t.kc) {
        t.kc = phi_min_size(k_block, c2 - k0);
        t.a = b->a[p->a] + k0;
        t.b = u->b + (p->b * c2 + k0) * nr;
        t.next = t.b + t.kc * nr;
        t.next_lines = t.kc * nr / 16;
        if (k0 + t.kc == c2 && p->c != NOT_YET) {
            t.c = f.y;
            t.c_row = j->data->y_pitch;
            t.n = f.n;
            t.bias = f.bias;
            t.add = f.add;
            t.add_row = j->data->add_pitch;
            t.lo = j->data->lo;
            t.hi = j->data->hi;
        }
        PHK_CALL(gemm_f32, j->head->gemm)(&t);
        t.accumulate = true;
        t.from = tile_at(j, b, p->to);
    }
}

/* C22 = Z + W, and Y + W to the place of Y. */
static void share_w(const strassen_job *j, const block *b, const unit *u)
{
    const finish f = finish_of(j, b, u, C22);
    const phk_halves_out_f32_args args = {.n = f.n,
                                          .rows = f.rows,
                                          .x_rows = b->upper,
                                          .z = tile_at(j, b, Z),
                                          .w = tile_at(j, b, W),
                                          .x = tile_at(j, b, X),
                                          .ld = j->u.columns.nr,
                                          .y = f.y,
                                          .y_row = j->data->y_pitch,
                                          .bias = f.bias,
                                          .add = f.add,
                                          .add_row = j->data->add_pitch,
                                          .lo = j->data->lo,
                                          .hi = j->data->hi};
    PHK_CALL(halves_out_f32, j->head->out)(&args);
}

static void run_unit(const strassen_job *j, const block *b, size_t which)
{
    const columns *c = &j->u.columns;
    const bool pair = which < c->pairs;
    const unit u = {.left = (pair ? which : which + c->pairs) * c->nr,
                    .right = pair ? (which + c->pairs) * c->nr : 0,
                    .b = j->weights + weights_before(c, (size_t)j->d->c / 2, which)};
    for (size_t i = 0; i < LONE_PRODUCTS && !pair; i++)
        multiply(j, b, &u, &of_lone[i]);
    for (size_t i = 0; i < PRODUCTS && pair; i++) {
        if (of_pair[i].c == C12) share_w(j, b, &u);
        multiply(j, b, &u, &of_pair[i]);
    }
}

/* A thread's scratch: [HEAD_BYTES] which block's operands are there, operands, tiles. The tasks of
 * a block share operands as far as one thread has several. */
static void strassen_task(void *arg, size_t task, size_t thread)
{
    const strassen_job *j = arg;
    const cut *u = &j->u;
    const size_t in_image = task / u->n_parts % u->n_blocks * 2 * u->block;
    const size_t rows = phi_min_size(2 * u->block, u->rows - in_image);
    char *work = j->work + thread * u->thread_bytes;
    size_t *made = (size_t *)(void *)work;
    float *v = (float *)(void *)(work + HEAD_BYTES);
    block b = {.first = task / u->n_parts / u->n_blocks * u->rows + in_image,
               .upper = rows - rows / 2,
               .lower = rows / 2,
               .tiles = (float *)(void *)(work + HEAD_BYTES + u->v_bytes)};
    find_operands(j, &b, v, *made == b.first);
    *made = b.first;
    const size_t first = task % u->n_parts * u->task_units;
    const size_t end = phi_min_size(first + u->task_units, u->columns.pairs + u->columns.lone);
    for (size_t i = first; i < end; i++)
        run_unit(j, &b, i);
}

void phi_strassen_run(const phi_conv_shape *d, const phi_conv_data *data, const void *packed,
                      phi_pool *pool, void *work)
{
    const packed_head *head = packed;
    strassen_job j = {.d = d,
                      .data = data,
                      .head = head,
                      .weights = (const float *)(const void *)((const char *)packed + HEAD_BYTES),
                      .u = cut_up(d, head->gemm),
                      .work = work};
    for (size_t i = 0; i < phi_pool_threads(pool); i++)
        *(size_t *)(void *)(j.work + i * j.u.thread_bytes) = SIZE_MAX;
    phi_pool_run(pool, (size_t)d->n * j.u.n_blocks * j.u.n_parts, strassen_task, &j);
}
