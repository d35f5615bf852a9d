/* SPDX-License-Identifier: MIT */
/*
 * Drivers of the depthwise kernels. With m = k / c filters a channel, output channel ch * m + j is
 * filter j of input channel ch. Filters are kept as [m][r * s][c], and gradients of y, if m > 1,
 * are first sorted into [m][pixels][c], so that kernels always run over neighbouring channels.
 */
#include "kernels/depthwise.h"

#include <math.h>

#define TAPS 64   /* taps handed to a kernel at once */
#define PIECES 16 /* pieces of the sum over output lines in the weight gradient */
#define HEAD_BYTES 64

typedef struct packed_head {
    const phk_kernel *dw, *dwrow, *dwg;
} packed_head;
_Static_assert(sizeof(packed_head) <= HEAD_BYTES, "packed_head");

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}
static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}
static int64_t multiplier(const phi_conv_shape *d)
{
    return d->k / d->c;
}

/* Bytes of a * b * c floats, up to the next multiple of PHI_ALIGN; SIZE_MAX if too large. */
static size_t float_bytes(size_t a, size_t b, size_t c)
{
    size_t n;
    if (!phi_mul_size(a, b, &n) || !phi_mul_size(n, c, &n) || !phi_mul_size(n, sizeof(float), &n) ||
        n > SIZE_MAX - PHI_ALIGN)
        return SIZE_MAX;
    return (n + PHI_ALIGN - 1) / PHI_ALIGN * PHI_ALIGN;
}

static size_t add_bytes(size_t a, size_t b)
{
    size_t sum;
    return a == SIZE_MAX || b == SIZE_MAX || !phi_add_size(a, b, &sum) ? SIZE_MAX : sum;
}

size_t phi_depthwise_pack_bytes(const phi_conv_shape *d)
{
    return add_bytes(HEAD_BYTES, float_bytes((size_t)d->k, (size_t)d->r, (size_t)d->s));
}

void phi_depthwise_pack(const phi_conv_shape *d, const float *weights, void *packed)
{
    const int64_t taps = d->r * d->s, m = multiplier(d);
    float *out = (float *)(void *)((char *)packed + HEAD_BYTES);
    *(packed_head *)packed = (packed_head){phk_choose(PHK_dw_f32), phk_choose(PHK_dwrow_f32),
                                           phk_choose(PHK_dwg_f32)};
    for (int64_t j = 0; j < m; j++)
        for (int64_t t = 0; t < taps; t++)
            for (int64_t ch = 0; ch < d->c; ch++)
                *out++ = weights[(ch * m + j) * taps + t];
}

static const float *packed_filters(const void *packed)
{
    return (const float *)(const void *)((const char *)packed + HEAD_BYTES);
}

/* --- A list of taps, handed on to the kernel whenever it is full ------------------------------ */

typedef struct tap_list {
    const phk_kernel *kernel;
    phk_dw_f32_args args;
    const float *x[TAPS], *w[TAPS];
    const float *bias; /* what the last call adds and clamps */
    float lo, hi;
} tap_list;

static void taps_start(tap_list *l, const phk_kernel *kernel, int64_t n, float *y)
{
    l->kernel = kernel;
    l->args = (phk_dw_f32_args){
        .n = (size_t)n, .x = l->x, .w = l->w, .y = y, .lo = -INFINITY, .hi = INFINITY};
    l->bias = NULL;
    l->lo = -INFINITY;
    l->hi = INFINITY;
}

static void taps_add(tap_list *l, const float *x, const float *w)
{
    if (l->args.taps == TAPS) {
        PHK_CALL(dw_f32, l->kernel)(&l->args);
        l->args.accumulate = true;
        l->args.taps = 0;
    }
    l->x[l->args.taps] = x;
    l->w[l->args.taps++] = w;
}

static void taps_finish(tap_list *l)
{
    l->args.bias = l->bias;
    l->args.lo = l->lo;
    l->args.hi = l->hi;
    PHK_CALL(dw_f32, l->kernel)(&l->args);
}

/* --- Forward --------------------------------------------------------------------------------- */

typedef struct dw_job {
    const phi_conv_shape *d;
    const phi_conv_data *data;
    const packed_head *head;
    const float *filters; /* [m][r * s][c] */
    float *scratch;       /* [threads][c], if m > 1 */
    size_t thread_bytes;
} dw_job;

/* Output positions o (first .. end - 1) whose input o * stride - pad + reach is within 0 .. size.
 */
static void valid_outputs(int64_t stride, int64_t pad, int64_t reach, int64_t size, int64_t outputs,
                          int64_t *first, int64_t *end)
{
    const int64_t start = reach - pad; /* input of output 0 */
    *first = start >= 0 ? 0 : (-start + stride - 1) / stride;
    *end = start >= size ? 0 : min64(outputs, (size - 1 - start) / stride + 1);
    *end = max64(*first, *end);
}

static void add_window(tap_list *l, const dw_job *f, const float *image, int64_t oy, int64_t ox,
                       const float *filter)
{
    const phi_conv_shape *d = f->d;
    for (int64_t i = 0; i < d->r; i++) {
        const int64_t y = oy * d->stride_h - d->pad_top + i * d->dilation_h;
        if (y < 0 || y >= d->h) continue;
        for (int64_t j = 0; j < d->s; j++) {
            const int64_t x = ox * d->stride_w - d->pad_left + j * d->dilation_w;
            if (x < 0 || x >= d->w) continue;
            taps_add(l, image + (y * d->w + x) * f->data->x_pitch, filter + (i * d->s + j) * d->c);
        }
    }
}

/* Filter j's results for one pixel to their places among the k channels. */
static void spread_pixel(const dw_job *f, const float *in, int64_t j, float *y)
{
    const phi_conv_data *data = f->data;
    const int64_t m = multiplier(f->d);
    for (int64_t ch = 0; ch < f->d->c; ch++) {
        float v = in[ch];
        if (data->bias) v += data->bias[ch * m + j];
        v = v < data->lo ? data->lo : v;
        y[ch * m + j] = v > data->hi ? data->hi : v;
    }
}

/* Pixels first .. end - 1 of a line, one by one, whatever taps they see. */
static void forward_pixels(const dw_job *f, const float *image, float *line, int64_t oy,
                           int64_t first, int64_t end, float *scratch)
{
    const phi_conv_shape *d = f->d;
    const int64_t m = multiplier(d);
    tap_list l;
    for (int64_t ox = first; ox < end; ox++) {
        float *y = line + ox * f->data->y_pitch;
        for (int64_t j = 0; j < m; j++) {
            taps_start(&l, f->head->dw, d->c, m > 1 ? scratch : y);
            if (m == 1) {
                l.bias = f->data->bias;
                l.lo = f->data->lo;
                l.hi = f->data->hi;
            }
            add_window(&l, f, image, oy, ox, f->filters + j * d->r * d->s * d->c);
            taps_finish(&l);
            if (m > 1) spread_pixel(f, scratch, j, y);
        }
    }
}

/* Pixels first .. end - 1, which see all columns of taps but for those that are cut, by the kernel
 * for runs. */
static void forward_run(const dw_job *f, const float *image, float *line, int64_t oy, int64_t first,
                        int64_t end)
{
    const phi_conv_shape *d = f->d;
    const phi_conv_data *data = f->data;
    const int64_t y0 = oy * d->stride_h - d->pad_top; /* of tap line 0 */
    int64_t i0 = 0, i1 = d->r;
    while (i0 < i1 && y0 + i0 * d->dilation_h < 0)
        i0++;
    while (i1 > i0 && y0 + (i1 - 1) * d->dilation_h >= d->h)
        i1--;
    const int64_t x0 = first * d->stride_w - d->pad_left;
    const int64_t x1 = (end - 1) * d->stride_w - d->pad_left + (d->s - 1) * d->dilation_w;
    const phk_dwrow_f32_args args = {
        .n = (size_t)d->c,
        .pixels = (size_t)(end - first),
        .taps_h = (size_t)(i1 - i0),
        .taps_w = (size_t)d->s,
        .x = i1 > i0 ? image + ((y0 + i0 * d->dilation_h) * d->w + x0) * data->x_pitch : image,
        .w = f->filters + i0 * d->s * d->c,
        .x_step = d->stride_w * data->x_pitch,
        .x_row = d->dilation_h * d->w * data->x_pitch,
        .x_col = d->dilation_w * data->x_pitch,
        .w_row = d->s * d->c,
        .w_col = d->c,
        .cut_first = x0 < 0,
        .cut_last = x1 >= d->w,
        .y = line + first * data->y_pitch,
        .y_step = data->y_pitch,
        .bias = data->bias,
        .lo = data->lo,
        .hi = data->hi};
    PHK_CALL(dwrow_f32, f->head->dwrow)(&args);
}

/* Output pixels that the kernel for runs can do: those that see all columns of taps and, where it
 * knows how, neighbours that miss one. */
static void find_run(const phi_conv_shape *d, int64_t *first, int64_t *end)
{
    int64_t last_first, last_end;
    valid_outputs(d->stride_w, d->pad_left, 0, d->w, d->ow, first, end);
    valid_outputs(d->stride_w, d->pad_left, (d->s - 1) * d->dilation_w, d->w, d->ow, &last_first,
                  &last_end);
    *end = min64(*end, last_end);
    if (*first >= *end || !phk_dwrow_cuts((size_t)d->r, (size_t)d->s, d->stride_w, d->dilation_w))
        return;
    if (*first > 0 && (*first - 1) * d->stride_w - d->pad_left == -d->dilation_w) --*first;
    if (*end < d->ow && *end * d->stride_w - d->pad_left + d->dilation_w == d->w - 1) ++*end;
}

/* One line of output pixels: those in the middle see all columns of taps. */
static void forward_task(void *arg, size_t task, size_t thread)
{
    const dw_job *f = arg;
    const phi_conv_shape *d = f->d;
    const int64_t image = (int64_t)task / d->oh, oy = (int64_t)task % d->oh;
    const float *x = f->data->x + image * d->h * d->w * f->data->x_pitch;
    float *line = f->data->y + (int64_t)task * d->ow * f->data->y_pitch;
    float *scratch = (float *)(void *)((char *)f->scratch + thread * f->thread_bytes);
    int64_t first, end;
    find_run(d, &first, &end);
    if (multiplier(d) > 1 || first >= end) {
        forward_pixels(f, x, line, oy, 0, d->ow, scratch);
        return;
    }
    forward_pixels(f, x, line, oy, 0, first, scratch);
    forward_run(f, x, line, oy, first, end);
    forward_pixels(f, x, line, oy, end, d->ow, scratch);
}

static size_t forward_thread_bytes(const phi_conv_shape *d)
{
    return multiplier(d) > 1 ? float_bytes(1, 1, (size_t)d->c) : 0;
}

size_t phi_depthwise_work_bytes(const phi_conv_shape *d, size_t n_threads)
{
    size_t bytes;
    return phi_mul_size(forward_thread_bytes(d), n_threads, &bytes) ? bytes : SIZE_MAX;
}

void phi_depthwise(const phi_conv_shape *d, const phi_conv_data *data, const void *packed,
                   phi_pool *pool, void *work)
{
    assert(!data->add);
    dw_job f = {.d = d,
                .data = data,
                .head = packed,
                .filters = packed_filters(packed),
                .scratch = work,
                .thread_bytes = forward_thread_bytes(d)};
    phi_pool_run(pool, (size_t)(d->n * d->oh), forward_task, &f);
}

/* --- Backward -------------------------------------------------------------------------------- */

typedef struct dw_back_job {
    const phi_conv_shape *d;
    const packed_head *head;
    const float *filters;
    const float *x;
    const float *dy;     /* [n,oh,ow,k] */
    const float *sorted; /* [m][n,oh,ow][c]; dy itself if m = 1 */
    float *sort_out;
    float *dx, *dweights;
    float *part;           /* [pieces][m][r * s][c] */
    int64_t pieces, piece; /* output lines of a piece */
} dw_back_job;

/* One line of dy into [m][pixels][c]. */
static void sort_task(void *arg, size_t task, size_t thread)
{
    const dw_back_job *b = arg;
    const phi_conv_shape *d = b->d;
    const int64_t m = multiplier(d), pixels = d->n * d->oh * d->ow;
    (void)thread;
    for (int64_t p = (int64_t)task * d->ow; p < ((int64_t)task + 1) * d->ow; p++)
        for (int64_t j = 0; j < m; j++)
            for (int64_t ch = 0; ch < d->c; ch++)
                b->sort_out[(j * pixels + p) * d->c + ch] = b->dy[p * d->k + ch * m + j];
}

/* The output position that reads input position `at` through a tap at distance `reach` from the
 * window's start; false if none does. */
static bool reader(int64_t at, int64_t pad, int64_t reach, int64_t stride, int64_t outputs,
                   int64_t *o)
{
    int64_t q = at + pad - reach;
    if (q < 0) return false;
    if (stride > 1) {
        if (q % stride) return false;
        q /= stride;
    }
    *o = q;
    return q < outputs;
}

static void add_readers(tap_list *l, const dw_back_job *b, int64_t image, int64_t y, int64_t x)
{
    const phi_conv_shape *d = b->d;
    const int64_t m = multiplier(d), pixels = d->n * d->oh * d->ow;
    for (int64_t i = 0; i < d->r; i++) {
        int64_t oy, ox;
        if (!reader(y, d->pad_top, i * d->dilation_h, d->stride_h, d->oh, &oy)) continue;
        for (int64_t j = 0; j < d->s; j++) {
            if (!reader(x, d->pad_left, j * d->dilation_w, d->stride_w, d->ow, &ox)) continue;
            const int64_t p = (image * d->oh + oy) * d->ow + ox;
            for (int64_t f = 0; f < m; f++)
                taps_add(l, b->sorted + (f * pixels + p) * d->c,
                         b->filters + ((f * d->r + i) * d->s + j) * d->c);
        }
    }
}

/* One line of input pixels. */
static void dx_task(void *arg, size_t task, size_t thread)
{
    const dw_back_job *b = arg;
    const phi_conv_shape *d = b->d;
    const int64_t image = (int64_t)task / d->h, y = (int64_t)task % d->h;
    float *dx = b->dx + (int64_t)task * d->w * d->c;
    tap_list l;
    (void)thread;
    for (int64_t x = 0; x < d->w; x++, dx += d->c) {
        taps_start(&l, b->head->dw, d->c, dx);
        add_readers(&l, b, image, y, x);
        taps_finish(&l);
    }
}

/* One output line's share of all filters' gradients. */
static void add_line(const dw_back_job *b, int64_t line, float *part)
{
    const phi_conv_shape *d = b->d;
    const int64_t image = line / d->oh, oy = line % d->oh, m = multiplier(d);
    const int64_t pixels = d->n * d->oh * d->ow;
    for (int64_t t = 0; t < d->r * d->s; t++) {
        const int64_t y = oy * d->stride_h - d->pad_top + t / d->s * d->dilation_h;
        const int64_t reach = t % d->s * d->dilation_w;
        int64_t first, end;
        if (y < 0 || y >= d->h) continue;
        valid_outputs(d->stride_w, d->pad_left, reach, d->w, d->ow, &first, &end);
        if (first == end) continue;
        const int64_t x = first * d->stride_w - d->pad_left + reach;
        for (int64_t f = 0; f < m; f++) {
            phk_dwg_f32_args args = {.n = (size_t)d->c,
                                     .pixels = (size_t)(end - first),
                                     .x = b->x + ((image * d->h + y) * d->w + x) * d->c,
                                     .x_step = d->stride_w * d->c,
                                     .dy = b->sorted + (f * pixels + line * d->ow + first) * d->c,
                                     .dy_step = d->c,
                                     .g = part + (f * d->r * d->s + t) * d->c};
            PHK_CALL(dwg_f32, b->head->dwg)(&args);
        }
    }
}

static void dweights_task(void *arg, size_t task, size_t thread)
{
    const dw_back_job *b = arg;
    const phi_conv_shape *d = b->d;
    const int64_t size = d->k * d->r * d->s;
    const int64_t first = (int64_t)task * b->piece, end = min64(first + b->piece, d->n * d->oh);
    float *part = b->part + (int64_t)task * size;
    (void)thread;
    memset(part, 0, (size_t)size * sizeof *part);
    for (int64_t line = first; line < end; line++)
        add_line(b, line, part);
}

/* Add the pieces up, back into ONNX's order. */
static void sum_pieces(const dw_back_job *b)
{
    const phi_conv_shape *d = b->d;
    const int64_t taps = d->r * d->s, m = multiplier(d), size = d->k * taps;
    for (int64_t q = 0; q < size; q++) {
        const int64_t ch = q % d->c, t = q / d->c % taps, j = q / d->c / taps;
        float sum = 0;
        for (int64_t i = 0; i < b->pieces; i++)
            sum += b->part[i * size + q];
        b->dweights[(ch * m + j) * taps + t] = sum;
    }
}

static int64_t piece_lines(const phi_conv_shape *d)
{
    return max64(1, (d->n * d->oh + PIECES - 1) / PIECES);
}

static size_t sorted_bytes(const phi_conv_shape *d)
{
    if (multiplier(d) == 1) return 0;
    size_t pixels;
    if (!phi_mul_size((size_t)d->n, (size_t)d->oh, &pixels)) return SIZE_MAX;
    return float_bytes(pixels, (size_t)d->ow, (size_t)d->k);
}

size_t phi_depthwise_backward_work_bytes(const phi_conv_shape *d, size_t n_threads)
{
    size_t filters;
    (void)n_threads;
    if (!phi_mul_size((size_t)d->r, (size_t)d->s, &filters)) return SIZE_MAX;
    return add_bytes(sorted_bytes(d), float_bytes(filters, (size_t)d->k, PIECES));
}

void phi_depthwise_backward(const phi_conv_shape *d, const float *x, const void *packed,
                            const float *dy, float *dx, float *dweights, phi_pool *pool, void *work)
{
    dw_back_job b = {.d = d,
                     .head = packed,
                     .filters = packed_filters(packed),
                     .x = x,
                     .dy = dy,
                     .sorted = dy,
                     .dx = dx,
                     .dweights = dweights,
                     .part = (float *)(void *)((char *)work + sorted_bytes(d)),
                     .piece = piece_lines(d)};
    b.pieces = (d->n * d->oh + b.piece - 1) / b.piece;
    if (multiplier(d) > 1) {
        b.sorted = b.sort_out = work;
        phi_pool_run(pool, (size_t)(d->n * d->oh), sort_task, &b);
    }
    if (dx) phi_pool_run(pool, (size_t)(d->n * d->h), dx_task, &b);
    if (!dweights) return;
    phi_pool_run(pool, (size_t)b.pieces, dweights_task, &b);
    sum_pieces(&b);
}
