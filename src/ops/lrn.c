/* SPDX-License-Identifier: MIT */
/*
 * LRN: local response normalisation across channels (AlexNet, Krizhevsky 2012, sec. 3.3):
 *     y[c] = x[c] * s[c]^-beta,   s[c] = bias + alpha / size * sum of x[i]^2, i = c - lo .. c + hi
 * with lo = floor((size - 1) / 2), hi = ceil((size - 1) / 2), where such channels exist.
 *
 * Channels-last: a pixel is a row of C channels, and a window is `size` shifted rows added up.
 * Forward, the usual powers are a kernel's.
 */
#include <math.h>

#include "graph/loop.h"
#include "kernels/kernels.h"
#include "ops/op_check.h"

typedef struct lrn_params {
    int64_t size;
    float alpha, beta, bias;
} lrn_params;

/* Of C floats a thread has: three backward; forward twice the largest window and channels. */
#define ROWS 6

typedef struct lrn {
    lrn_params p;
    int64_t lo, hi; /* channels of the window below and above, at most C - 1 */
    int64_t P, C;
    int64_t x_pitch, y_pitch; /* floats from pixel to pixel; backward both are C */
    int64_t rows_a_task;
    const float *x, *dy;
    float *y;    /* or dx */
    float *room; /* [threads,ROWS,C] */
    const phk_kernel *kernel; /* forward, by roots, if not NULL */
} lrn;

static enum ph_status lrn_infer(phi_infer *c)
{
    lrn_params *p = c->params;
    char text[PHI_TYPE_TEXT];
    enum ph_status st = phi_need_dtype(c, 0, PH_FLOAT32);
    if (st) return st;
    const phi_type *x = c->in[0];
    if (x->rank < 2)
        return phi_op_fail(c, PH_ERR_SHAPE, "input has shape %s, wanted [n,c,...]",
                           phi_dims_text(x->rank, x->dims, text, sizeof text));
    p->size = phi_attr_int(c->node, "size", 0);
    p->alpha = phi_attr_float(c->node, "alpha", 1e-4f);
    p->beta = phi_attr_float(c->node, "beta", 0.75f);
    p->bias = phi_attr_float(c->node, "bias", 1.0f);
    if (p->size < 1)
        return phi_op_fail(c, PH_ERR_ARG, "size is %lld, wanted at least 1", (long long)p->size);
    c->out[0] = *x;
    return PH_OK;
}

/* Is the power one of a few roots? For sums that are below zero or -0, a power is not a root. */
static bool lrn_is_roots(const lrn_params *p)
{
    return p->bias > 0 && p->alpha >= 0 && (p->beta == 0.5f || p->beta == 0.75f || p->beta == 1.0f);
}

static lrn lrn_of(const phi_exec *e)
{
    const phi_type *x = &e->in[0].type;
    lrn l = {.p = *(const lrn_params *)e->params,
             .C = x->dims[1],
             .x = e->in[0].data,
             .room = e->work,
             .x_pitch = phi_view_pitch(&e->in[0]),
             .y_pitch = phi_view_pitch(&e->out[0])};
    int64_t count = phi_type_count(x);
    if (count == 0) return l;
    l.P = count / l.C;
    l.lo = (l.p.size - 1) / 2;
    l.hi = l.p.size / 2;
    if (l.lo > l.C - 1) l.lo = l.C - 1;
    if (l.hi > l.C - 1) l.hi = l.C - 1;
    l.rows_a_task = phi_rows_a_task(l.C * (l.lo + l.hi + 8));
    return l;
}

/* to[c] = sum of from[i], i = c - lo .. c + hi; `from` squared if `square`. */
static void add_windows(const float *restrict from, bool square, int64_t lo, int64_t hi, int64_t C,
                        float *restrict to)
{
    memset(to, 0, (size_t)C * sizeof *to);
    for (int64_t o = -lo; o <= hi; o++) {
        int64_t first = o < 0 ? -o : 0, end = o < 0 ? C : C - o;
        if (square)
            for (int64_t c = first; c < end; c++)
                to[c] += from[c + o] * from[c + o];
        else
            for (int64_t c = first; c < end; c++)
                to[c] += from[c + o];
    }
}

/* s[c] of the formula above, from sums of squares, in place. */
static void scale_sums(const lrn_params *p, int64_t C, float *s)
{
    float alpha = p->alpha / (float)p->size;
    for (int64_t c = 0; c < C; c++)
        s[c] = p->bias + alpha * s[c];
}

/* to = s^-beta; everybody's 0.75 is two square roots, far quicker than a power. `to` may be s. */
static void lrn_powers(float beta, int64_t C, const float *s, float *to)
{
    if (beta == 0.75f)
        for (int64_t c = 0; c < C; c++) {
            float root = sqrtf(s[c]);
            to[c] = 1.0f / (root * sqrtf(root));
        }
    else
        for (int64_t c = 0; c < C; c++)
            to[c] = powf(s[c], -beta);
}

static void forward_row(const lrn *l, const float *x, float *y)
{
    add_windows(x, true, l->lo, l->hi, l->C, y);
    scale_sums(&l->p, l->C, y);
    lrn_powers(l->p.beta, l->C, y, y);
    for (int64_t c = 0; c < l->C; c++)
        y[c] *= x[c];
}

/*
 * dx[c] = dy[c] s[c]^-beta - 2 alpha / size beta x[c] * sum of dy[i] x[i] s[i]^(-beta - 1) over
 * those i whose window holds c: i = c - hi .. c + lo.
 */
static void backward_row(const lrn *l, const float *x, const float *dy, float *dx, float *room)
{
    float *s = room, *power = s + l->C, *t = power + l->C;
    float factor = 2.0f * l->p.alpha / (float)l->p.size * l->p.beta;
    add_windows(x, true, l->lo, l->hi, l->C, s);
    scale_sums(&l->p, l->C, s);
    lrn_powers(l->p.beta, l->C, s, power);
    for (int64_t c = 0; c < l->C; c++)
        t[c] = dy[c] * x[c] * power[c] / s[c];
    add_windows(t, false, l->hi, l->lo, l->C, dx);
    for (int64_t c = 0; c < l->C; c++)
        dx[c] = dy[c] * power[c] - factor * x[c] * dx[c];
}

static void forward_rows(const lrn *l, int64_t row, int64_t end, float *room)
{
    const phk_lrn_f32_args args = {.n = (size_t)l->C,
                                   .pixels = (size_t)(end - row),
                                   .lo = (size_t)l->lo,
                                   .hi = (size_t)l->hi,
                                   .x = l->x + row * l->x_pitch,
                                   .x_step = (ptrdiff_t)l->x_pitch,
                                   .y = l->y + row * l->y_pitch,
                                   .y_step = (ptrdiff_t)l->y_pitch,
                                   .bias = l->p.bias,
                                   .alpha = l->p.alpha / (float)l->p.size,
                                   .quarters = (int)(4 * l->p.beta),
                                   .room = room};
    PHK_CALL(lrn_f32, l->kernel)(&args);
}

static void lrn_task(void *arg, size_t task, size_t thread)
{
    const lrn *l = arg;
    int64_t row = (int64_t)task * l->rows_a_task;
    int64_t end = row + l->rows_a_task < l->P ? row + l->rows_a_task : l->P;
    float *room = l->room + (int64_t)thread * ROWS * l->C;
    if (l->kernel) {
        forward_rows(l, row, end, room);
        return;
    }
    for (; row < end; row++) {
        const float *x = l->x + row * l->x_pitch;
        float *y = l->y + row * l->y_pitch;
        if (l->dy)
            backward_row(l, x, l->dy + row * l->C, y, room);
        else
            forward_row(l, x, y);
    }
}

static void lrn_run(const phi_exec *e, lrn *l)
{
    if (l->P == 0) return;
    phi_pool_run(e->pool, (size_t)((l->P + l->rows_a_task - 1) / l->rows_a_task), lrn_task, l);
}

static size_t lrn_work_bytes(const phi_exec *e, bool backward)
{
    size_t row = (size_t)(ROWS * e->in[0].type.dims[1]) * sizeof(float);
    (void)backward;
    return phi_pool_threads(e->pool) * row;
}

static enum ph_status lrn_forward(const phi_exec *e, ph_error *err)
{
    lrn l = lrn_of(e);
    (void)err;
    l.y = e->out[0].data;
    if (lrn_is_roots(&l.p)) l.kernel = phk_choose(PHK_lrn_f32);
    lrn_run(e, &l);
    return PH_OK;
}

static enum ph_status lrn_backward(const phi_exec *e, ph_error *err)
{
    lrn l = lrn_of(e);
    (void)err;
    l.dy = e->dout[0].data;
    l.y = e->din[0].data;
    lrn_run(e, &l);
    return PH_OK;
}

static const phi_attr_rule lrn_attrs[] = {
    {"size", PH_ATTR_INT, 1, 0, true},
    {"alpha", PH_ATTR_FLOAT, 1, 0, false},
    {"beta", PH_ATTR_FLOAT, 1, 0, false},
    {"bias", PH_ATTR_FLOAT, 1, 0, false},
    {0},
};

const phi_op phi_op_lrn = {
    .name = "LRN",
    .widens = true,
    .since = 1,
    .attrs = lrn_attrs,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_IMAGE,
    .image_in = 1,
    .slices = true,
    .by_image = true,
    .params_bytes = sizeof(lrn_params),
    .infer = lrn_infer,
    .work_bytes = lrn_work_bytes,
    .forward = lrn_forward,
    .backward = lrn_backward,
};
