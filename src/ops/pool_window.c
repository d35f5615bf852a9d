/* SPDX-License-Identifier: MIT */
#include "ops/pool_window.h"

#include "graph/graph.h"
#include "graph/loop.h"
#include "ops/op_check.h"

static enum ph_status check_padding(const phi_infer *c, const phi_side *s)
{
    const int64_t span = phi_side_span(s);
    if (s->begin < span && s->end < span) return PH_OK;
    return phi_op_fail(c, PH_ERR_SHAPE,
                       "padding %lld and %lld, wanted less than the %lld positions that the kernel "
                       "spans",
                       (long long)s->begin, (long long)s->end, (long long)span);
}

enum ph_status phi_window_infer(phi_infer *c, phi_window *w, bool padding_counts)
{
    const phi_type *x = c->in[0];
    char text[PHI_TYPE_TEXT];
    phi_spatial s;
    enum ph_status st = phi_spatial_read(c, x, NULL, &s);
    if (st) return st;
    for (int d = 2; d < x->rank; d++)
        if (x->dims[d] == 0)
            return phi_op_fail(c, PH_ERR_SHAPE, "input has shape %s: nothing to pool",
                               phi_dims_text(x->rank, x->dims, text, sizeof text));
    st = phi_spatial_place(c, &s, phi_attr_int(c->node, "ceil_mode", 0) != 0);
    for (int i = 0; i < PHI_SIDES && !st && !padding_counts; i++)
        st = check_padding(c, &s.side[i]);
    if (st) return st;
    memcpy(w->side, s.side, sizeof w->side);
    w->include_pad = phi_attr_int(c->node, "count_include_pad", 0) != 0;
    w->transposed = phi_attr_int(c->node, "storage_order", 0) != 0;
    c->out[0] = *x;
    for (int i = 0; i < s.n; i++)
        c->out[0].dims[2 + i] = s.side[PHI_SIDES - s.n + i].out;
    return phi_type_check(&c->out[0], c->node->name, c->err);
}

/* How many of the `kernel` positions start, start + d, ... lie before `end`; 0 if none. */
static int64_t taps_before(int64_t start, int64_t d, int64_t kernel, int64_t end)
{
    int64_t n = end <= start ? 0 : (end - start - 1) / d + 1;
    return n < kernel ? n : kernel;
}

static phi_taps taps_of(const phi_side *s, int64_t o)
{
    int64_t start = o * s->stride - s->begin, d = s->dilation;
    int64_t skipped = taps_before(start, d, s->kernel, 0);
    return (phi_taps){
        .first = start + skipped * d,
        .n = taps_before(start, d, s->kernel, s->in) - skipped,
        .counted = taps_before(start, d, s->kernel, s->in + s->end),
    };
}

static int64_t pixels_in(const phi_window *w)
{
    return w->side[0].in * w->side[1].in * w->side[2].in;
}

phi_pooling phi_pooling_of(const phi_exec *e)
{
    const phi_type *x = &e->in[0].type;
    return (phi_pooling){.w = e->params,
                         .n = x->dims[0],
                         .c = x->dims[1],
                         .block = PHI_POOL_BLOCK,
                         .dtype = x->dtype,
                         .x = e->in[0].data,
                         .y = e->out[0].data,
                         .x_pitch = phi_view_pitch(&e->in[0]),
                         .y_pitch = phi_view_pitch(&e->out[0])};
}

/* The windows of one row of the output, channels c .. c + n - 1, `block` at a time. */
static void pool_row(const phi_pooling *p, int64_t row, int64_t c, int64_t n)
{
    const phi_side *s = p->w->side;
    int64_t image = row / s[1].out / s[0].out;
    phi_window_place at = {
        .taps = {taps_of(&s[0], row / s[1].out % s[0].out), taps_of(&s[1], row % s[1].out)}};
    for (int64_t o = 0; o < s[2].out; o++) {
        at.taps[2] = taps_of(&s[2], o);
        for (int64_t k = c; k < c + n; k += p->block) {
            at.n = c + n - k < p->block ? c + n - k : p->block;
            at.x = image * pixels_in(p->w) * p->x_pitch + k;
            at.y = (row * s[2].out + o) * p->y_pitch + k;
            at.index = (row * s[2].out + o) * p->c + k;
            at.plane = image * p->c + k;
            p->fn(p, &at);
        }
    }
}

static void forward_task(void *arg, size_t task, size_t thread)
{
    const phi_pooling *p = arg;
    int64_t rows = p->n * p->w->side[0].out * p->w->side[1].out;
    int64_t row = (int64_t)task * p->rows_a_task;
    int64_t end = row + p->rows_a_task < rows ? row + p->rows_a_task : rows;
    (void)thread;
    for (; row < end; row++)
        pool_row(p, row, 0, p->c);
}

/* Input elements of a row of windows, about. */
static int64_t row_cost(const phi_pooling *p)
{
    int64_t cost = p->w->side[2].out * p->c;
    for (int i = 0; i < PHI_SIDES; i++) {
        const phi_side *s = &p->w->side[i];
        int64_t taps = s->kernel < s->in ? s->kernel : s->in;
        cost = cost > INT64_MAX / taps ? INT64_MAX : cost * taps;
    }
    return cost;
}

void phi_pooling_forward(phi_pooling *p, phi_pool *pool)
{
    int64_t rows = p->n * p->w->side[0].out * p->w->side[1].out;
    if (rows == 0 || p->c == 0) return;
    p->rows_a_task = phi_rows_a_task(row_cost(p));
    phi_pool_run(pool, (size_t)((rows + p->rows_a_task - 1) / p->rows_a_task), forward_task, p);
}

static int64_t n_blocks(const phi_pooling *p)
{
    return (p->c + p->block - 1) / p->block;
}

static void backward_task(void *arg, size_t task, size_t thread)
{
    const phi_pooling *p = arg;
    int64_t c = (int64_t)task % n_blocks(p) * p->block, image = (int64_t)task / n_blocks(p);
    int64_t n = p->c - c < p->block ? p->c - c : p->block, pixels = pixels_in(p->w);
    int64_t rows = p->w->side[0].out * p->w->side[1].out;
    float *dx = p->dx + image * pixels * p->c + c;
    (void)thread;
    for (int64_t i = 0; i < pixels; i++)
        memset(dx + i * p->c, 0, (size_t)n * sizeof *dx);
    for (int64_t row = image * rows; row < (image + 1) * rows; row++)
        pool_row(p, row, c, n);
}

enum ph_status phi_pooling_backward(const phi_exec *e, phi_pooling *p)
{
    p->dy = e->dout[0].data;
    p->dx = e->din[0].data;
    phi_pool_run(e->pool, (size_t)(p->n * n_blocks(p)), backward_task, p);
    return PH_OK;
}
