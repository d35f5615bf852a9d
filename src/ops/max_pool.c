/* SPDX-License-Identifier: MIT */
/*
 * MaxPool: the largest element of each window. Not-a-number counts as larger than every number (as
 * in PyTorch; ONNX leaves it open). Of equals the first counts, row by row; the gradient goes to
 * that one.
 *
 * Backward looks for the place of the largest again instead of keeping it.
 *
 * Integers (from opset 12) run forward only.
 */
#include <math.h>

#include "graph/graph.h"
#include "kernels/kernels.h"
#include "ops/op_check.h"
#include "ops/pool_window.h"

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

static enum ph_status max_pool_infer(phi_infer *c)
{
    const phi_type *x = c->in[0];
    bool integers = c->opset >= 12 && (x->dtype == PH_UINT8 || x->dtype == PH_INT8);
    enum ph_status st = integers ? PH_OK : phi_need_dtype(c, 0, PH_FLOAT32);
    if (st) return st;
    st = phi_window_infer(c, c->params, false);
    if (st) return st;
    int64_t pixels = 1;
    for (int i = 2; i < x->rank; i++)
        if (!phi_mul_i64(pixels, x->dims[i], &pixels) || pixels > INT32_MAX)
            return phi_op_fail(c, PH_ERR_UNSUPPORTED, "images of more than 2^31 - 1 pixels");
    if (c->n_out < 2) return PH_OK;
    c->out[1] = c->out[0];
    c->out[1].dtype = PH_INT64;
    return phi_type_check(&c->out[1], c->node->name, c->err);
}

static max_fn *max_of(enum ph_dtype t)
{
    return t == PH_FLOAT32 ? max_f32 : t == PH_UINT8 ? max_u8 : max_i8;
}

static argmax_fn *argmax_of(enum ph_dtype t)
{
    return t == PH_FLOAT32 ? argmax_f32 : t == PH_UINT8 ? argmax_u8 : argmax_i8;
}

/* What a window without elements gives: less than everything. */
static void set_lowest(enum ph_dtype t, void *best, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (t == PH_FLOAT32)
            ((float *)best)[i] = -INFINITY;
        else if (t == PH_UINT8)
            ((uint8_t *)best)[i] = 0;
        else
            ((int8_t *)best)[i] = INT8_MIN;
}

/*
 * The largest of a window into best [n]. `where`, if not NULL, receives its pixel in the image,
 * counted row by row; -1 if there is none.
 */
static void pool_window(const phi_pooling *p, const phi_window_place *at, void *best,
                        int32_t *where)
{
    const phi_taps *t = at->taps;
    const size_t size = ph_dtype_size(p->dtype);
    bool first = true;
    for (int64_t i = 0; i < t[0].n; i++)
        for (int64_t j = 0; j < t[1].n; j++)
            for (int64_t k = 0; k < t[2].n; k++) {
                int64_t pixel = phi_window_pixel(p, at, i, j, k);
                const char *v = (const char *)p->x + (size_t)(at->x + pixel * p->x_pitch) * size;
                if (first) {
                    memcpy(best, v, (size_t)at->n * size);
                    for (int64_t c = 0; where && c < at->n; c++)
                        where[c] = (int32_t)pixel;
                    first = false;
                } else if (where) {
                    argmax_of(p->dtype)(best, v, at->n, where, (int32_t)pixel);
                } else {
                    max_of(p->dtype)(best, v, at->n);
                }
            }
    if (!first) return;
    set_lowest(p->dtype, best, at->n);
    for (int64_t c = 0; where && c < at->n; c++)
        where[c] = -1;
}

/* Index of a pixel of channel number `plane` (of all images) in the tensor, in the order
 * [n,c,d,h,w], or [n,c,w,h,d]. */
static int64_t index_of(const phi_pooling *p, int64_t plane, int32_t pixel)
{
    const int64_t d = p->w->side[0].in, h = p->w->side[1].in, w = p->w->side[2].in;
    if (pixel < 0) return -1;
    int64_t z = pixel / w / h, y = pixel / w % h, x = pixel % w;
    return plane * d * h * w + (p->w->transposed ? (x * h + y) * d + z : pixel);
}

static void forward_window(const phi_pooling *p, const phi_window_place *at)
{
    char *y = (char *)p->y + (size_t)at->y * ph_dtype_size(p->dtype);
    int32_t where[PHI_POOL_BLOCK];
    pool_window(p, at, y, p->indices ? where : NULL);
    for (int64_t k = 0; p->indices && k < at->n; k++)
        p->indices[at->index + k] = index_of(p, at->plane + k, where[k]);
}

#define TAPS 64 /* of a window that the kernel takes */

/* Floats without indices. */
static void forward_floats(const phi_pooling *p, const phi_window_place *at)
{
    const phi_taps *t = at->taps;
    const float *x[TAPS];
    float *y = (float *)p->y + at->y;
    size_t taps = 0;
    if (t[0].n * t[1].n * t[2].n > TAPS || t[0].n * t[1].n * t[2].n == 0) {
        pool_window(p, at, y, NULL);
        return;
    }
    for (int64_t i = 0; i < t[0].n; i++)
        for (int64_t j = 0; j < t[1].n; j++)
            for (int64_t k = 0; k < t[2].n; k++)
                x[taps++] =
                    (const float *)p->x + at->x + phi_window_pixel(p, at, i, j, k) * p->x_pitch;
    const phk_max_f32_args args = {.n = (size_t)at->n, .taps = taps, .x = x, .y = y};
    PHK_CALL(max_f32, p->kernel)(&args);
}

static enum ph_status max_pool_forward(const phi_exec *e, ph_error *err)
{
    phi_pooling p = phi_pooling_of(e);
    (void)err;
    p.fn = p.dtype == PH_FLOAT32 ? forward_floats : forward_window;
    p.kernel = phk_choose(PHK_max_f32);
    if (e->n_out > 1 && !phi_view_absent(&e->out[1]))
        p.indices = e->out[1].data;
    else
        p.block = p.c; /* no room for places is needed */
    if (p.indices) p.fn = forward_window;
    phi_pooling_forward(&p, e->pool);
    return PH_OK;
}

static bool max_pool_lines(const phi_exec *e, phi_lines *out)
{
    const phi_type *x = &e->in[0].type;
    const phi_side *s = ((const phi_window *)e->params)->side;
    const bool indices = e->n_out > 1 && !phi_view_absent(&e->out[1]);
    if (x->dtype != PH_FLOAT32 || x->rank != 4 || indices) return false;
    *out = (phi_lines){.kind = PHI_LINK_POOLING,
                       .h = s[1].in,
                       .w = s[2].in,
                       .c = x->dims[1],
                       .oh = s[1].out,
                       .ow = s[2].out,
                       .unit = 1,
                       .stride = s[1].stride,
                       .pad = s[1].begin,
                       .extent = (s[1].kernel - 1) * s[1].dilation + 1};
    return true;
}

/* Those lines as an image of their own, with another padding. */
static void max_pool_band(const phi_exec *e, const phi_band *b)
{
    phi_window w = *(const phi_window *)e->params;
    phi_side *s = &w.side[1];
    s->begin = b->in.first - (b->out.first * s->stride - s->begin);
    s->in = b->in.end - b->in.first;
    s->out = b->out.end - b->out.first;
    phi_pooling p = phi_pooling_of(e);
    p.w = &w;
    p.n = 1;
    p.x = b->x;
    p.y = b->y;
    p.x_pitch = b->x_pitch;
    p.y_pitch = b->y_pitch;
    p.block = p.c;
    p.fn = forward_floats;
    p.kernel = phk_choose(PHK_max_f32);
    phi_pooling_forward(&p, NULL);
}

static void backward_window(const phi_pooling *p, const phi_window_place *at)
{
    int32_t where[PHI_POOL_BLOCK];
    float best[PHI_POOL_BLOCK];
    pool_window(p, at, best, where);
    for (int64_t k = 0; k < at->n; k++)
        if (where[k] >= 0) p->dx[at->x + where[k] * p->c + k] += p->dy[at->y + k];
}

static enum ph_status max_pool_backward(const phi_exec *e, ph_error *err)
{
    phi_pooling p = phi_pooling_of(e);
    (void)err;
    p.fn = backward_window;
    return phi_pooling_backward(e, &p);
}

static const phi_attr_rule max_pool_attrs[] = {
    {"kernel_shape", PH_ATTR_INTS, 1, 0, true},  {"strides", PH_ATTR_INTS, 1, 0, false},
    {"pads", PH_ATTR_INTS, 1, 0, false},         {"auto_pad", PH_ATTR_STRING, 1, 0, false},
    {"storage_order", PH_ATTR_INT, 8, 0, false}, {"ceil_mode", PH_ATTR_INT, 10, 0, false},
    {"dilations", PH_ATTR_INTS, 10, 0, false},   {0},
};

const phi_op phi_op_max_pool = {
    .name = "MaxPool",
    .widens = true,
    .since = 1,
    .attrs = max_pool_attrs,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 2,
    .keeps_channels = true,
    .layout = PHI_LAYOUT_IMAGE,
    .image_in = 1,
    .slices = true,
    .by_image = true,
    .params_bytes = sizeof(phi_window),
    .infer = max_pool_infer,
    .forward = max_pool_forward,
    .lines = max_pool_lines,
    .band = max_pool_band,
    .backward = max_pool_backward,
};
