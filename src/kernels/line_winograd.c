/* SPDX-License-Identifier: MIT */
/*
 * Piece by piece: for m lines of output and some pixels of each, the lines of the image are copied
 * with zeros around, transformed phase by phase, and laid side by side pixel by pixel, so that all
 * phases' windows of a pixel are one row of numbers in memory. Then, for each panel of output
 * channels, the a products are made, which stay in the caches, and at once
 * transformed back.
 */
#include "kernels/line_winograd.h"

#include <math.h>

#include "kernels/caches.h"
#include "kernels/gemm.h"

#define MOST_CHANNELS 4 /* pixels are moved as four floats */
#define LEAST_A 8
#define MOST_A 9
#define MOST_M 6
#define MOST_PHASES 4

/* --- Points and matrices ---------------------------------------------------------------------- */

/* Points for LEAST_A .. MOST_A products: pairs +-, 0 where their number is odd, and infinity.
 * Chosen by errors measured. */
static const double pairs_of[][MOST_A / 2] = {{0.5, 1, 2}, {0.3, 0.7, 1.2, 2.2}};

/* How lines are transformed. Phases 0 .. n_full - 1 of n have t lines of the filter, others t - 1.
 */
typedef struct scheme {
    size_t m, t, a;
    size_t n, n_full;
} scheme;

static scheme scheme_of(const phi_conv_shape *d)
{
    scheme s = {.t = (size_t)((d->r + d->stride_h - 1) / d->stride_h), .n = (size_t)d->stride_h};
    s.m = s.t > 4 ? 4 : 6;
    s.a = s.m + s.t - 1;
    s.n_full = (size_t)((d->r - 1) % d->stride_h) + 1;
    return s;
}

static double point(size_t a, size_t i)
{
    const double p = i / 2 < (a - 1) / 2 ? pairs_of[a - LEAST_A][i / 2] : 0;
    return i % 2 ? -p : p;
}

/* Product i of a; the phases that have it. The last finite one is number a - 2. */
static size_t phases_of(const scheme *s, size_t i)
{
    return i == s->a - 2 ? s->n_full : s->n;
}

/* x -> x * (z - root) of a polynomial of degree n, by powers of z from 0 on. */
static void multiply_root(double *x, size_t n, double root)
{
    x[n + 1] = x[n];
    for (size_t i = n; i > 0; i--)
        x[i] = x[i - 1] - root * x[i];
    x[0] *= -root;
}

/* B' [a][a] and G [a][t] of a phase; row a - 2 of both is zero, and so is the last column of B',
 * where it has but t - 1 lines. */
static void make_matrices(const scheme *s, bool full, float *input, double *filter)
{
    const size_t n = s->a - 1 - !full, t = s->t - !full; /* finite points */
    memset(input, 0, s->a * s->a * sizeof *input);
    memset(filter, 0, s->a * s->t * sizeof *filter);
    for (size_t i = 0; i <= n; i++) {
        double x[MOST_A + 1] = {1}, product = 1, power = 1;
        const size_t row = i < n ? i : s->a - 1;
        const double p = i < n ? point(s->a, i) : 0;
        for (size_t k = 0, degree = 0; k < n; k++) {
            if (k == i) continue;
            multiply_root(x, degree++, point(s->a, k));
            product *= p - point(s->a, k);
        }
        for (size_t k = 0; k <= n; k++)
            input[row * s->a + k] = (float)x[k];
        for (size_t k = 0; k < t && i < n; k++, power *= p)
            filter[row * s->t + k] = power / product;
        if (i == n) filter[row * s->t + t - 1] = 1;
    }
}

/* --- Geometry --------------------------------------------------------------------------------- */


/* How a convolution is cut. The same for any number of threads. */
typedef struct cut {
    scheme s;
    size_t tiles, parts, part; /* of lines; of pixels; pixels of a part */
    size_t seen, row, pixel;   /* lines of the image; floats of one; of a pixel, all phases */
    size_t wide;               /* floats of a transformed line */
    size_t slab;               /* of products */
    size_t v_offset, u_offset, m_offset, bytes; /* of a thread's scratch, in floats */
} cut;

/* Floats of a window, all phases, for product i. */
static size_t window_of(const scheme *s, const phi_conv_shape *d, size_t i)
{
    return phases_of(s, i) * (size_t)(d->s * d->c);
}

static cut cut_up(const phi_conv_shape *d, size_t nr)
{
    cut u = {.s = scheme_of(d)};
    const size_t ow = (size_t)d->ow;
    u.tiles = phi_div_up((size_t)d->oh, u.s.m);
    u.parts = phi_div_up(ow, PHI_LINE_WINO_PIXELS);
    u.part = phi_div_up(ow, u.parts);
    u.parts = phi_div_up(ow, u.part);
    u.seen = (u.s.m - 1) * u.s.n + (size_t)d->r;
    u.pixel = u.s.n * (size_t)d->c;
    const size_t cols = (u.part - 1) * (size_t)d->stride_w + (size_t)d->s;
    u.row = phi_round_up(cols * (size_t)d->c + MOST_CHANNELS, 16) + 16;
    u.wide = phi_round_up(cols * u.pixel + MOST_CHANNELS, 16) + 16;
    u.slab = u.part * nr + 16;
    u.v_offset = u.seen * u.row;
    u.u_offset = u.v_offset + u.s.a * u.s.n * u.row;
    u.m_offset = u.u_offset + u.s.a * u.wide;
    u.bytes = phi_round_up((u.m_offset + u.s.a * u.slab) * sizeof(float), PHI_ALIGN);
    return u;
}

bool phi_line_wino_applies(const phi_conv_shape *d)
{
    const scheme s = scheme_of(d);
    return d->groups == 1 && d->c <= MOST_CHANNELS && d->dilation_h == 1 && d->dilation_w == 1 &&
           d->stride_h <= MOST_PHASES && s.t >= 3 && s.a <= MOST_A && d->s <= 16 && d->oh > 0 &&
           d->ow > 0;
}

int64_t phi_line_wino_lines(const phi_conv_shape *d)
{
    return (int64_t)scheme_of(d).m;
}

static size_t windows_floats(const scheme *s, const phi_conv_shape *d)
{
    return ((s->a - 1) * s->n + s->n_full) * (size_t)(d->s * d->c);
}

/* Multiplications, each product's way through memory, transformed pixels. Fitted to 3x3 .. 11x11 of
 * strides 1, 2 and 4 on Zen 4; 5 % are the least worth its errors. */
double phi_line_wino_cost(const phi_conv_shape *d)
{
    const scheme s = scheme_of(d);
    const double pixels = (double)(phi_div_up((size_t)d->oh, s.m) * (size_t)d->ow);
    const double products = 0.85 * (double)windows_floats(&s, d) * (double)d->k;
    const double moved = (double)(s.a * s.n * (size_t)(d->c * d->stride_w));
    return 1.05 *
           (products * (pixels + 8) + pixels * (5.5 * (double)s.a * (double)d->k + 12 * moved));
}

/* --- Weights ---------------------------------------------------------------------------------- */

/* In front of the weights, which are [panels][a][window][nr]. */
typedef struct packed_head {
    const phk_kernel *gemm, *in, *out;
    float input[2][MOST_A * MOST_A]; /* B' of phases with t and t - 1 lines */
    float powers[MOST_A / 2 * MOST_M];
} packed_head;
#define HEAD_BYTES (phi_round_up(sizeof(packed_head), PHI_ALIGN))

size_t phi_line_wino_pack_bytes(const phi_conv_shape *d)
{
    const scheme s = scheme_of(d);
    size_t bytes = phi_gemm_pack_bytes(windows_floats(&s, d), (size_t)d->k, 1);
    return bytes != SIZE_MAX && phi_add_size(bytes, HEAD_BYTES, &bytes) ? bytes : SIZE_MAX;
}

typedef struct pack_job {
    scheme s;
    const phi_conv_shape *d;
    const phi_filters *filters;
    double filter[2][MOST_A * MOST_A];
    size_t nr;
    float *out;
} pack_job;

/* Of product i, filter w [c][r][s]: [window] at distance nr. */
static float *pack_windows(const pack_job *p, const float *w, size_t i, float *out)
{
    const scheme *s = &p->s;
    const size_t r = (size_t)p->d->r, cols = (size_t)p->d->s, c = (size_t)p->d->c;
    for (size_t x = 0; x < cols; x++)
        for (size_t phase = 0; phase < phases_of(s, i); phase++)
            for (size_t ch = 0; ch < c; ch++, out += p->nr) {
                const double *g = p->filter[phase >= s->n_full] + i * s->t;
                double sum = 0;
                for (size_t k = 0, y = phase; y < r; k++, y += s->n)
                    sum += g[k] * (double)w[(ch * r + y) * cols + x];
                *out = (float)sum;
            }
    return out;
}

static void pack_task(void *arg, size_t panel, size_t thread)
{
    const pack_job *p = arg;
    const size_t nr = p->nr, n = phi_min_size(nr, (size_t)p->d->k - panel * nr);
    const size_t size = windows_floats(&p->s, p->d) * nr;
    const float *w = phi_filter_rows(p->filters, panel * nr, n, thread);
    float *out = p->out + panel * size;
    memset(out, 0, size * sizeof *out);
    for (size_t k = 0; k < n; k++, w += p->d->c * p->d->r * p->d->s) {
        float *to = out + k;
        for (size_t i = 0; i < p->s.a; i++)
            to = pack_windows(p, w, i, to);
    }
}

void phi_line_wino_pack(const phi_conv_shape *d, const phi_filters *filters, phi_pool *pool,
                        void *packed)
{
    packed_head *head = packed;
    pack_job p = {.s = scheme_of(d), .d = d, .filters = filters};
    memset(head, 0, HEAD_BYTES);
    head->gemm = phi_gemm_kernel((size_t)d->k, false);
    head->in = phk_choose(PHK_lines_in_f32);
    head->out = phk_choose(PHK_lines_out_f32);
    for (size_t less = 0; less < 2; less++)
        make_matrices(&p.s, !less, head->input[less], p.filter[less]);
    for (size_t i = 0; i < (p.s.a - 1) / 2; i++) {
        double power = 1;
        for (size_t k = 0; k < MOST_M; k++, power *= pairs_of[p.s.a - LEAST_A][i])
            head->powers[i * MOST_M + k] = (float)power;
    }
    p.nr = head->gemm->nr;
    p.out = (float *)(void *)((char *)packed + HEAD_BYTES);
    phi_pool_run(pool, phi_div_up((size_t)d->k, p.nr), pack_task, &p);
}

/* --- The convolution -------------------------------------------------------------------------- */

size_t phi_line_wino_work_bytes(const phi_conv_shape *d, size_t n_threads)
{
    size_t most = 0, bytes;
    const phk_kernel *kernel;
    for (size_t i = 0; (kernel = phk_kernel_at(i)); i++)
        if (kernel->slot == PHK_gemm_f32) most = phi_max_size(most, cut_up(d, kernel->nr).bytes);
    return phi_mul_size(most, n_threads, &bytes) ? bytes : SIZE_MAX;
}

typedef struct job {
    const phi_conv_shape *d;
    const phi_conv_data *data;
    const packed_head *head;
    const float *weights;
    cut u;
    char *work;
} job;

/* What a task makes: pixels x0 .. x0 + n_x - 1 of lines y0 .. y0 + n_y - 1 of an image. */
typedef struct piece {
    size_t image, y0, n_y, x0, n_x, cols; /* cols: of the image that they see */
    float *x, *v, *u, *m;
} piece;

static void copy_pixel(float *to, const float *from, size_t c)
{
    for (size_t i = 0; i < c; i++)
        to[i] = from[i];
}

/* Columns x .. x + n - 1 of a line of the image, zeros outside of it. */
static void copy_line(const job *j, const float *line, int64_t x, size_t n, float *to)
{
    const phi_conv_shape *d = j->d;
    const size_t c = (size_t)d->c;
    const ptrdiff_t pitch = j->data->x_pitch;
    const size_t left = x < 0 ? phi_min_size((size_t)-x, n) : 0;
    const int64_t first = x + (int64_t)left;
    const size_t there = first < d->w ? phi_min_size((size_t)(d->w - first), n - left) : 0;
    memset(to, 0, left * c * sizeof *to);
    to += left * c;
    line += first * pitch;
    if (pitch == (ptrdiff_t)c)
        memcpy(to, line, there * c * sizeof *to);
    else
        for (size_t i = 0; i < there; i++)
            copy_pixel(to + i * c, line + (ptrdiff_t)i * pitch, c);
    memset(to + there * c, 0, (n - left - there) * c * sizeof *to);
}

/* All lines that the piece's outputs see, zeros for those that lie outside of the image, and for
 * those that only outputs below the last would see. */
static void copy_lines(const job *j, const piece *p)
{
    const phi_conv_shape *d = j->d;
    const size_t seen = (p->n_y - 1) * j->u.s.n + (size_t)d->r;
    const int64_t top = (int64_t)p->y0 * d->stride_h - d->pad_top;
    const int64_t left = (int64_t)p->x0 * d->stride_w - d->pad_left;
    for (size_t i = 0; i < j->u.seen; i++) {
        const int64_t y = top + (int64_t)i;
        float *to = p->x + i * j->u.row;
        if (i < seen && y >= 0 && y < d->h)
            copy_line(j, j->data->x + ((int64_t)p->image * d->h + y) * d->w * j->data->x_pitch,
                      left, p->cols, to);
        else
            memset(to, 0, p->cols * (size_t)d->c * sizeof *to);
    }
}

/* Transformed lines: of product i and a phase, at v + (i * phases + phase) * row. */
static void transform(const job *j, const piece *p)
{
    const scheme *s = &j->u.s;
    const float *x[MOST_A];
    for (size_t phase = 0; phase < s->n; phase++) {
        const bool less = phase >= s->n_full;
        for (size_t i = 0; i < s->a - less; i++)
            x[i] = p->x + (i * s->n + phase) * j->u.row;
        const phk_lines_in_f32_args args = {.n = p->cols * (size_t)j->d->c,
                                            .lines = s->a - less,
                                            .x = x,
                                            .products = s->a,
                                            .matrix = j->head->input[less],
                                            .ld = s->a,
                                            .v = p->v + phase * j->u.row,
                                            .slab = s->n * j->u.row};
        PHK_CALL(lines_in_f32, j->head->in)(&args);
    }
}

/* Where the windows for product i begin: where it has several phases, these are laid side by side,
 * pixel by pixel; each pixel spills into what comes after it. */
static const float *windows_at(const job *j, const piece *p, size_t i)
{
    const size_t n = phases_of(&j->u.s, i), c = (size_t)j->d->c;
    const float *v = p->v + i * j->u.s.n * j->u.row;
    float *u = p->u + i * j->u.wide;
    if (n == 1) return v;
    for (size_t x = 0; x < p->cols; x++, v += c)
        for (size_t phase = 0; phase < n; phase++, u += c)
            memcpy(u, v + phase * j->u.row, MOST_CHANNELS * sizeof *u);
    return p->u + i * j->u.wide;
}

/* Of a panel of output channels. */
static void finish(const job *j, const piece *p, size_t panel)
{
    const phi_conv_shape *d = j->d;
    const phi_conv_data *data = j->data;
    const size_t nr = j->head->gemm->nr, k0 = panel * nr;
    const ptrdiff_t at = (ptrdiff_t)(p->image * (size_t)d->oh + p->y0) * d->ow + (ptrdiff_t)p->x0;
    const phk_lines_out_f32_args args = {
        .n = phi_min_size(nr, (size_t)d->k - k0),
        .pixels = p->n_x,
        .lines = p->n_y,
        .most = j->u.s.m,
        .m = p->m,
        .m_row = nr,
        .slab = j->u.slab,
        .pairs = (j->u.s.a - 1) / 2,
        .zero = j->u.s.a % 2 == 0,
        .powers = j->head->powers,
        .y = data->y + at * data->y_pitch + k0,
        .y_line = d->ow * data->y_pitch,
        .y_pixel = data->y_pitch,
        .bias = data->bias ? data->bias + k0 : NULL,
        .add = data->add ? data->add + at * data->add_pitch + k0 : NULL,
        .add_line = d->ow * data->add_pitch,
        .add_pixel = data->add_pitch,
        .lo = data->lo,
        .hi = data->hi,
    };
    PHK_CALL(lines_out_f32, j->head->out)(&args);
}

/* The products with the weights of a panel. */
static void multiply(const job *j, const piece *p, const float *const *windows, const float *b)
{
    const size_t nr = j->head->gemm->nr, c = (size_t)j->d->c;
    for (size_t i = 0; i < j->u.s.a; i++) {
        const size_t window = window_of(&j->u.s, j->d, i);
        const ptrdiff_t row = (ptrdiff_t)(phases_of(&j->u.s, i) * c) * j->d->stride_w;
        const phk_gemm_f32_args args = {.kc = window,
                                        .taps = 1,
                                        .a = windows[i],
                                        .a_row = row,
                                        .a_step = 1,
                                        .b = b,
                                        .c = p->m + i * j->u.slab,
                                        .c_row = (ptrdiff_t)nr,
                                        .m = p->n_x,
                                        .n = nr,
                                        .lo = -INFINITY,
                                        .hi = INFINITY};
        PHK_CALL(gemm_f32, j->head->gemm)(&args);
        b += window * nr;
    }
}

static void piece_task(void *arg, size_t task, size_t thread)
{
    const job *j = arg;
    const cut *u = &j->u;
    const phi_conv_shape *d = j->d;
    float *work = (float *)(void *)(j->work + thread * u->bytes);
    const float *windows[MOST_A];
    piece p = {.image = task / u->parts / u->tiles,
               .y0 = task / u->parts % u->tiles * u->s.m,
               .x0 = task % u->parts * u->part,
               .x = work,
               .v = work + u->v_offset,
               .u = work + u->u_offset,
               .m = work + u->m_offset};
    p.n_y = phi_min_size(u->s.m, (size_t)d->oh - p.y0);
    p.n_x = phi_min_size(u->part, (size_t)d->ow - p.x0);
    p.cols = (p.n_x - 1) * (size_t)d->stride_w + (size_t)d->s;
    copy_lines(j, &p);
    transform(j, &p);
    for (size_t i = 0; i < u->s.a; i++)
        windows[i] = windows_at(j, &p, i);
    const size_t panel_floats = windows_floats(&u->s, d) * j->head->gemm->nr;
    for (size_t panel = 0; panel * j->head->gemm->nr < (size_t)d->k; panel++) {
        multiply(j, &p, windows, j->weights + panel * panel_floats);
        finish(j, &p, panel);
    }
}

void phi_line_wino_run(const phi_conv_shape *d, const phi_conv_data *data, const void *packed,
                       phi_pool *pool, void *work)
{
    const packed_head *head = packed;
    job j = {.d = d,
             .data = data,
             .head = head,
             .weights = (const float *)(const void *)((const char *)packed + HEAD_BYTES),
             .u = cut_up(d, head->gemm->nr),
             .work = work};
    phi_pool_run(pool, (size_t)d->n * j.u.tiles * j.u.parts, piece_task, &j);
}
