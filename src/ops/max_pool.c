/* SPDX-License-Identifier: MIT */
/*
 * MaxPool: the largest element of each window. Images are channels-last, so the inner loops run
 * over channels. Not-a-number counts as larger than every number (as in PyTorch; ONNX leaves it
 * open). Of equals the first counts, row by row; the gradient goes to that one.
 *
 * Forward, a task is some rows of the output; backward, some channels of one image, which no other
 * task touches. The place of the largest is looked for again there instead of being kept.
 *
 * Integers (from opset 12) run forward only.
 */
#include "graph/graph.h"
#include "graph/loop.h"
#include "ops/op_check.h"
#include "ops/pool_window.h"

enum { BLOCK = 64 }; /* channels at a time where places are wanted */

/* best = max(best, x), n channels. */
typedef void max_fn(void *best, const void *x, int64_t n);
/* The same, and where[i] = at wherever x took over. */
typedef void argmax_fn(void *best, const void *x, int64_t n, int32_t *where, int32_t at);

/* without || and &&, which would be branches */
#define LARGER_FLOAT(a, b) (((a) > (b)) | (((a) != (a)) & ((b) == (b))))
#define LARGER_INT(a, b) ((a) > (b))

#define DEFINE_MAX(suffix, type, LARGER)                                                           \
    static void max_##suffix(void *best, const void *x, int64_t n)                                 \
    {                                                                                              \
        type *restrict b = best;                                                                   \
        const type *restrict v = x;                                                                \
        for (int64_t i = 0; i < n; i++)                                                            \
            b[i] = LARGER(v[i], b[i]) ? v[i] : b[i];                                               \
    }                                                                                              \
    static void argmax_##suffix(void *best, const void *x, int64_t n, int32_t *where, int32_t at)  \
    {                                                                                              \
        type *restrict b = best;                                                                   \
        const type *restrict v = x;                                                                \
        int32_t *restrict to = where;                                                              \
        for (int64_t i = 0; i < n; i++) {                                                          \
            int32_t old = to[i];                                                                   \
            to[i] = LARGER(v[i], b[i]) ? at : old;                                                 \
            b[i] = LARGER(v[i], b[i]) ? v[i] : b[i];                                               \
        }                                                                                          \
    }
DEFINE_MAX(f32, float, LARGER_FLOAT)
DEFINE_MAX(u8, uint8_t, LARGER_INT)
DEFINE_MAX(i8, int8_t, LARGER_INT)

typedef struct max_pool {
    phi_pool_shape s;
    const phi_window *w;
    int64_t rows_a_task;
    size_t size; /* bytes of an element */
    max_fn *max;
    argmax_fn *argmax;
    const char *x;    /* [n,h,w,c] */
    char *y;          /* [n,oh,ow,c] */
    int64_t *indices; /* [n,oh,ow,c] or NULL */
    const float *dy;  /* backward */
    float *dx;
} max_pool;

static enum ph_status max_pool_infer(phi_infer *c)
{
    const phi_type *x = c->in[0];
    bool integers = c->opset >= 12 && x && (x->dtype == PH_UINT8 || x->dtype == PH_INT8);
    enum ph_status st = integers ? PH_OK : phi_need_dtype(c, 0, PH_FLOAT32);
    if (st) return st;
    st = phi_window_infer(c, c->params);
    if (st) return st;
    int64_t h = x->rank == 4 ? x->dims[2] : 1, w = x->dims[x->rank - 1];
    if (h > INT32_MAX / w)
        return phi_op_fail(c, PH_ERR_UNSUPPORTED, "images of %lld x %lld pixels, at most 2^31 - 1",
                           (long long)h, (long long)w);
    if (c->n_out < 2) return PH_OK;
    c->out[1] = c->out[0];
    c->out[1].dtype = PH_INT64;
    return phi_type_check(&c->out[1], c->node->name, c->err);
}

/*
 * One window of n channels from x on (a pixel of image 0, channel 0) into best [n]. `where`, if not
 * NULL, receives the pixel in the image, counted row by row.
 */
static void pool_window(const max_pool *m, const char *x, const phi_taps *ty, const phi_taps *tx,
                        int64_t n, void *best, int32_t *where)
{
    const phi_window *w = m->w;
    for (int64_t i = 0; i < ty->n; i++)
        for (int64_t j = 0; j < tx->n; j++) {
            int64_t at = (ty->first + i * w->dilation[0]) * m->s.w + tx->first + j * w->dilation[1];
            const char *v = x + (size_t)(at * m->s.c) * m->size;
            if (i == 0 && j == 0) {
                memcpy(best, v, (size_t)n * m->size);
                for (int64_t k = 0; where && k < n; k++)
                    where[k] = (int32_t)at;
            } else if (where) {
                m->argmax(best, v, n, where, (int32_t)at);
            } else {
                m->max(best, v, n);
            }
        }
}

/* Index of a pixel of channel number `plane` (of all images) in the tensor, in the order [n,c,h,w].
 */
static int64_t index_of(const max_pool *m, int64_t plane, int32_t pixel)
{
    int64_t y = pixel / m->s.w, x = pixel % m->s.w;
    return plane * m->s.h * m->s.w + (m->w->transposed ? x * m->s.h + y : pixel);
}

/* The same with indices: y and to are those of n <= BLOCK channels from `plane` on. */
static void index_window(const max_pool *m, const char *x, const phi_taps *ty, const phi_taps *tx,
                         int64_t plane, int64_t n, char *y, int64_t *to)
{
    int32_t where[BLOCK];
    pool_window(m, x, ty, tx, n, y, where);
    for (int64_t k = 0; k < n; k++)
        to[k] = index_of(m, plane + k, where[k]);
}

static void forward_row(const max_pool *m, int64_t row)
{
    const phi_pool_shape *s = &m->s;
    int64_t image = row / s->oh, block = m->indices ? BLOCK : s->c;
    const char *x = m->x + (size_t)(image * s->h * s->w * s->c) * m->size;
    phi_taps ty = phi_window_taps(m->w, 0, s->h, row % s->oh);
    for (int64_t ox = 0; ox < s->ow; ox++) {
        phi_taps tx = phi_window_taps(m->w, 1, s->w, ox);
        for (int64_t c = 0; c < s->c; c += block) {
            int64_t at = (row * s->ow + ox) * s->c + c, n = s->c - c < block ? s->c - c : block;
            const char *v = x + (size_t)c * m->size;
            char *y = m->y + (size_t)at * m->size;
            if (m->indices)
                index_window(m, v, &ty, &tx, image * s->c + c, n, y, m->indices + at);
            else
                pool_window(m, v, &ty, &tx, n, y, NULL);
        }
    }
}

static void forward_task(void *arg, size_t task, size_t thread)
{
    const max_pool *m = arg;
    int64_t rows = m->s.n * m->s.oh, first = (int64_t)task * m->rows_a_task;
    int64_t end = first + m->rows_a_task < rows ? first + m->rows_a_task : rows;
    (void)thread;
    for (int64_t row = first; row < end; row++)
        forward_row(m, row);
}

static max_pool max_pool_of(const phi_exec *e)
{
    max_pool m = {.s = phi_pool_shape_of(e), .w = e->params, .x = e->in[0].data};
    enum ph_dtype t = e->in[0].type.dtype;
    m.size = ph_dtype_size(t);
    m.max = t == PH_FLOAT32 ? max_f32 : t == PH_UINT8 ? max_u8 : max_i8;
    m.argmax = t == PH_FLOAT32 ? argmax_f32 : t == PH_UINT8 ? argmax_u8 : argmax_i8;
    return m;
}

static enum ph_status max_pool_forward(const phi_exec *e, ph_error *err)
{
    max_pool m = max_pool_of(e);
    int64_t kernel = m.w->kernel[0] < m.s.h ? m.w->kernel[0] : m.s.h;
    kernel *= m.w->kernel[1] < m.s.w ? m.w->kernel[1] : m.s.w;
    (void)err;
    if (m.s.n == 0 || m.s.c == 0) return PH_OK;
    m.y = e->out[0].data;
    if (e->n_out > 1 && !phi_view_absent(&e->out[1])) m.indices = e->out[1].data;
    m.rows_a_task = phi_rows_a_task(m.s.ow * m.s.c * kernel);
    int64_t rows = m.s.n * m.s.oh;
    phi_pool_run(e->pool, (size_t)((rows + m.rows_a_task - 1) / m.rows_a_task), forward_task, &m);
    return PH_OK;
}

/* dx of n channels from `c` on of one image. */
static void backward_block(const max_pool *m, int64_t image, int64_t c, int64_t n)
{
    const phi_pool_shape *s = &m->s;
    int64_t pixels = s->h * s->w, from = image * pixels * s->c + c;
    int32_t where[BLOCK];
    const char *x = m->x + (size_t)from * m->size;
    float best[BLOCK], *dx = m->dx + from;
    for (int64_t p = 0; p < pixels; p++)
        memset(dx + p * s->c, 0, (size_t)n * sizeof *dx);
    for (int64_t oy = 0; oy < s->oh; oy++) {
        phi_taps ty = phi_window_taps(m->w, 0, s->h, oy);
        for (int64_t ox = 0; ox < s->ow; ox++) {
            phi_taps tx = phi_window_taps(m->w, 1, s->w, ox);
            const float *dy = m->dy + ((image * s->oh + oy) * s->ow + ox) * s->c + c;
            pool_window(m, x, &ty, &tx, n, best, where);
            for (int64_t k = 0; k < n; k++)
                dx[where[k] * s->c + k] += dy[k];
        }
    }
}

static void backward_task(void *arg, size_t task, size_t thread)
{
    const max_pool *m = arg;
    int64_t blocks = (m->s.c + BLOCK - 1) / BLOCK, c = (int64_t)task % blocks * BLOCK;
    (void)thread;
    backward_block(m, (int64_t)task / blocks, c, m->s.c - c < BLOCK ? m->s.c - c : BLOCK);
}

static enum ph_status max_pool_backward(const phi_exec *e, ph_error *err)
{
    max_pool m = max_pool_of(e);
    (void)err;
    if (phi_view_absent(&e->din[0])) return PH_OK;
    if (phi_view_absent(&e->dout[0])) {
        phi_zero(e->pool, &e->din[0]);
        return PH_OK;
    }
    m.dy = e->dout[0].data;
    m.dx = e->din[0].data;
    phi_pool_run(e->pool, (size_t)(m.s.n * ((m.s.c + BLOCK - 1) / BLOCK)), backward_task, &m);
    return PH_OK;
}

static const phi_attr_rule max_pool_attrs[] = {
    {"kernel_shape", PH_ATTR_INTS, 1, 0, true},  {"strides", PH_ATTR_INTS, 1, 0, false},
    {"pads", PH_ATTR_INTS, 1, 0, false},         {"auto_pad", PH_ATTR_STRING, 1, 0, false},
    {"storage_order", PH_ATTR_INT, 8, 0, false}, {"ceil_mode", PH_ATTR_INT, 10, 0, false},
    {"dilations", PH_ATTR_INTS, 10, 0, false},   {0},
};

const phi_op phi_op_max_pool = {
    .name = "MaxPool",
    .since = 1,
    .attrs = max_pool_attrs,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 2,
    .keeps_channels = true,
    .layout = PHI_LAYOUT_IMAGE,
    .image_in = 1,
    .params_bytes = sizeof(phi_window),
    .infer = max_pool_infer,
    .forward = max_pool_forward,
    .backward = max_pool_backward,
};
