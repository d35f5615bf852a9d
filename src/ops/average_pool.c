/* SPDX-License-Identifier: MIT */
/*
 * AveragePool: the mean of each window, without the padding unless count_include_pad is set. What a
 * window of ceil_mode reaches beyond the padded input never counts. Images are channels-last, so
 * the inner loops run over channels.
 *
 * Forward, a task is some rows of the output; backward, some channels of one image, which no other
 * task touches.
 */
#include "graph/loop.h"
#include "ops/op_check.h"
#include "ops/pool_window.h"

enum { BLOCK = 64 }; /* channels at a time */

typedef struct average_pool {
    phi_pool_shape s;
    const phi_window *w;
    int64_t rows_a_task;
    const float *x; /* [n,h,w,c]; backward: dy [n,oh,ow,c] */
    float *y;       /* [n,oh,ow,c]; backward: dx [n,h,w,c] */
} average_pool;

static enum ph_status average_pool_infer(phi_infer *c)
{
    enum ph_status st = phi_need_dtype(c, 0, PH_FLOAT32);
    return st ? st : phi_window_infer(c, c->params);
}

/* The number that the sum over a window is divided by. */
static float divisor(const phi_window *w, const phi_taps *ty, const phi_taps *tx)
{
    return w->include_pad ? (float)ty->counted * (float)tx->counted : (float)ty->n * (float)tx->n;
}

static void add(float *restrict sum, const float *restrict x, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        sum[k] += x[k];
}

/* The mean of a window over n <= BLOCK channels; x is the image's first pixel. Row by row, so that
 * rounding errors grow with the sides of the window, not with its area. */
static void mean_window(const average_pool *a, const float *x, const phi_taps *ty,
                        const phi_taps *tx, int64_t n, float *y)
{
    int64_t step = a->w->dilation[1] * a->s.c;
    float sum[BLOCK] = {0}, row[BLOCK], count = divisor(a->w, ty, tx);
    for (int64_t i = 0; i < ty->n; i++) {
        const float *v = x + ((ty->first + i * a->w->dilation[0]) * a->s.w + tx->first) * a->s.c;
        memcpy(row, v, (size_t)n * sizeof *v);
        for (int64_t j = 1; j < tx->n; j++)
            add(row, v + j * step, n);
        add(sum, row, n);
    }
    for (int64_t k = 0; k < n; k++)
        y[k] = sum[k] / count;
}

static void forward_row(const average_pool *a, int64_t row)
{
    const phi_pool_shape *s = &a->s;
    const float *x = a->x + row / s->oh * s->h * s->w * s->c;
    phi_taps ty = phi_window_taps(a->w, 0, s->h, row % s->oh);
    for (int64_t ox = 0; ox < s->ow; ox++) {
        float *y = a->y + (row * s->ow + ox) * s->c;
        phi_taps tx = phi_window_taps(a->w, 1, s->w, ox);
        for (int64_t c = 0; c < s->c; c += BLOCK)
            mean_window(a, x + c, &ty, &tx, s->c - c < BLOCK ? s->c - c : BLOCK, y + c);
    }
}

static void forward_task(void *arg, size_t task, size_t thread)
{
    const average_pool *a = arg;
    int64_t rows = a->s.n * a->s.oh, first = (int64_t)task * a->rows_a_task;
    int64_t end = first + a->rows_a_task < rows ? first + a->rows_a_task : rows;
    (void)thread;
    for (int64_t row = first; row < end; row++)
        forward_row(a, row);
}

static enum ph_status average_pool_forward(const phi_exec *e, ph_error *err)
{
    average_pool a = {.s = phi_pool_shape_of(e), .w = e->params};
    int64_t kernel = a.w->kernel[0] < a.s.h ? a.w->kernel[0] : a.s.h;
    kernel *= a.w->kernel[1] < a.s.w ? a.w->kernel[1] : a.s.w;
    (void)err;
    if (a.s.n == 0 || a.s.c == 0) return PH_OK;
    a.x = e->in[0].data;
    a.y = e->out[0].data;
    a.rows_a_task = phi_rows_a_task(a.s.ow * a.s.c * kernel);
    int64_t rows = a.s.n * a.s.oh;
    phi_pool_run(e->pool, (size_t)((rows + a.rows_a_task - 1) / a.rows_a_task), forward_task, &a);
    return PH_OK;
}

/* Share dy of a window over n <= BLOCK channels out to its positions in the image dx. */
static void spread_window(const average_pool *a, const float *dy, const phi_taps *ty,
                          const phi_taps *tx, int64_t n, float *dx)
{
    float part[BLOCK], count = divisor(a->w, ty, tx);
    for (int64_t k = 0; k < n; k++)
        part[k] = dy[k] / count;
    for (int64_t i = 0; i < ty->n; i++)
        for (int64_t j = 0; j < tx->n; j++) {
            int64_t y = ty->first + i * a->w->dilation[0], x = tx->first + j * a->w->dilation[1];
            add(dx + (y * a->s.w + x) * a->s.c, part, n);
        }
}

static void backward_task(void *arg, size_t task, size_t thread)
{
    const average_pool *a = arg;
    const phi_pool_shape *s = &a->s;
    int64_t blocks = (s->c + BLOCK - 1) / BLOCK, c = (int64_t)task % blocks * BLOCK;
    int64_t image = (int64_t)task / blocks, n = s->c - c < BLOCK ? s->c - c : BLOCK;
    float *dx = a->y + image * s->h * s->w * s->c + c;
    (void)thread;
    for (int64_t p = 0; p < s->h * s->w; p++)
        memset(dx + p * s->c, 0, (size_t)n * sizeof *dx);
    for (int64_t oy = 0; oy < s->oh; oy++) {
        phi_taps ty = phi_window_taps(a->w, 0, s->h, oy);
        for (int64_t ox = 0; ox < s->ow; ox++) {
            phi_taps tx = phi_window_taps(a->w, 1, s->w, ox);
            const float *dy = a->x + ((image * s->oh + oy) * s->ow + ox) * s->c + c;
            spread_window(a, dy, &ty, &tx, n, dx);
        }
    }
}

static enum ph_status average_pool_backward(const phi_exec *e, ph_error *err)
{
    average_pool a = {.s = phi_pool_shape_of(e), .w = e->params};
    (void)err;
    if (phi_view_absent(&e->din[0])) return PH_OK;
    if (phi_view_absent(&e->dout[0])) {
        phi_zero(e->pool, &e->din[0]);
        return PH_OK;
    }
    a.x = e->dout[0].data;
    a.y = e->din[0].data;
    phi_pool_run(e->pool, (size_t)(a.s.n * ((a.s.c + BLOCK - 1) / BLOCK)), backward_task, &a);
    return PH_OK;
}

static const phi_attr_rule average_pool_attrs[] = {
    {"kernel_shape", PH_ATTR_INTS, 1, 0, true},
    {"strides", PH_ATTR_INTS, 1, 0, false},
    {"pads", PH_ATTR_INTS, 1, 0, false},
    {"auto_pad", PH_ATTR_STRING, 1, 0, false},
    {"count_include_pad", PH_ATTR_INT, 7, 0, false},
    {"ceil_mode", PH_ATTR_INT, 10, 0, false},
    {"dilations", PH_ATTR_INTS, 19, 0, false},
    {0},
};

const phi_op phi_op_average_pool = {
    .name = "AveragePool",
    .since = 1,
    .attrs = average_pool_attrs,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .keeps_channels = true,
    .layout = PHI_LAYOUT_IMAGE,
    .image_in = 1,
    .params_bytes = sizeof(phi_window),
    .infer = average_pool_infer,
    .forward = average_pool_forward,
    .backward = average_pool_backward,
};
