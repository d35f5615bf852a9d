/* SPDX-License-Identifier: MIT */
#include "ops/global_pool.h"

#include "graph/loop.h"
#include "ops/op_check.h"

typedef struct global_pool {
    int64_t c;
    phi_global_block whole; /* of image 0, with n = c */
    phi_global_fn *fn;
} global_pool;

enum ph_status phi_global_infer(phi_infer *c)
{
    char text[PHI_TYPE_TEXT];
    enum ph_status st = phi_need_dtype(c, 0, PH_FLOAT32);
    if (st) return st;
    const phi_type *x = c->in[0];
    bool empty = false;
    for (int d = 2; d < x->rank; d++)
        empty = empty || x->dims[d] == 0;
    if (x->rank < 3 || empty)
        return phi_op_fail(c, PH_ERR_SHAPE,
                           "input has shape %s, wanted [n,c,h,w] with pixels in it",
                           phi_dims_text(x->rank, x->dims, text, sizeof text));
    c->out[0] = *x;
    for (int d = 2; d < x->rank; d++)
        c->out[0].dims[d] = 1;
    return PH_OK;
}

static int64_t n_blocks(int64_t c)
{
    return (c + PHI_GLOBAL_BLOCK - 1) / PHI_GLOBAL_BLOCK;
}

static void global_task(void *arg, size_t task, size_t thread)
{
    const global_pool *g = arg;
    phi_global_block b = g->whole;
    int64_t blocks = n_blocks(g->c), c = (int64_t)task % blocks * PHI_GLOBAL_BLOCK;
    int64_t image = (int64_t)task / blocks;
    int64_t from = image * b.pixels * b.pitch + c, to = image * g->c + c;
    (void)thread;
    b.n = g->c - c < PHI_GLOBAL_BLOCK ? g->c - c : PHI_GLOBAL_BLOCK;
    b.x += from;
    if (b.y) b.y += to;
    if (b.dy) b.dy += to;
    if (b.dx) b.dx += from;
    g->fn(&b);
}

static void global_run(const phi_exec *e, global_pool *g)
{
    const phi_type *x = &e->in[0].type;
    g->whole.params = e->params;
    g->whole.x = e->in[0].data;
    g->whole.pitch = phi_view_pitch(&e->in[0]);
    g->c = x->dims[1];
    g->whole.pixels = 1;
    for (int d = 2; d < x->rank; d++)
        g->whole.pixels *= x->dims[d];
    phi_pool_run(e->pool, (size_t)(x->dims[0] * n_blocks(x->dims[1])), global_task, g);
}

enum ph_status phi_global_forward(const phi_exec *e, phi_global_fn *fn)
{
    global_pool g = {.whole = {.y = e->out[0].data}, .fn = fn};
    global_run(e, &g);
    return PH_OK;
}

enum ph_status phi_global_backward(const phi_exec *e, phi_global_fn *fn)
{
    global_pool g = {.fn = fn};
    g.whole.dy = e->dout[0].data;
    g.whole.dx = e->din[0].data;
    global_run(e, &g);
    return PH_OK;
}
