/* SPDX-License-Identifier: MIT */
#include "ops/unary.h"

#include "graph/loop.h"
#include "ops/op_check.h"

enum { RUN = 256 }; /* elements gathered at a time where they do not lie side by side */

const phi_attr_rule phi_unary_attrs[] = {
    {"consumed_inputs", PH_ATTR_INTS, 1, 5, false},
    {0},
};

typedef struct unary {
    const void *params;
    phi_unary_fn *fn;
    phi_unary_grad_fn *grad;
} unary;

enum ph_status phi_unary_infer(phi_infer *c)
{
    enum ph_status st = phi_need_dtype(c, 0, PH_FLOAT32);
    if (st) return st;
    c->out[0] = *c->in[0];
    return PH_OK;
}

/* n floats `step` apart, side by side: in place where they are so already, else in `room`. */
static const float *gather(const float *x, int64_t step, int64_t n, float *room)
{
    if (step == 1) return x;
    for (int64_t i = 0; i < n; i++)
        room[i] = x[i * step];
    return room;
}

static void scatter(const float *room, int64_t n, float *y, int64_t step)
{
    if (step == 1) return;
    for (int64_t i = 0; i < n; i++)
        y[i * step] = room[i];
}

/* views: y, x */
static void forward_run(void *arg, int64_t count, void *const *ptrs, const int64_t *steps)
{
    const unary *u = arg;
    float *y = ptrs[0], x_room[RUN], y_room[RUN];
    const float *x = ptrs[1];
    if (steps[0] == 1 && steps[1] == 1) {
        u->fn(u->params, count, x, y);
        return;
    }
    for (int64_t i = 0; i < count; i += RUN) {
        int64_t n = count - i < RUN ? count - i : RUN;
        float *to = y + i * steps[0];
        u->fn(u->params, n, gather(x + i * steps[1], steps[1], n, x_room),
              steps[0] == 1 ? to : y_room);
        scatter(y_room, n, to, steps[0]);
    }
}

enum ph_status phi_unary_forward(const phi_exec *e, phi_unary_fn *fn)
{
    unary u = {.params = e->params, .fn = fn};
    phi_loop(e->pool, 2, (const phi_view *const[]){&e->out[0], &e->in[0]}, forward_run, &u);
    return PH_OK;
}

/* views: dx, x, y, dy */
static void backward_run(void *arg, int64_t count, void *const *ptrs, const int64_t *steps)
{
    const unary *u = arg;
    float room[4][RUN];
    for (int64_t i = 0; i < count; i += RUN) {
        int64_t n = count - i < RUN ? count - i : RUN;
        const float *src[4];
        float *to = (float *)ptrs[0] + i * steps[0];
        for (int v = 1; v < 4; v++)
            src[v] = gather((const float *)ptrs[v] + i * steps[v], steps[v], n, room[v]);
        u->grad(u->params, n, src[1], src[2], src[3], steps[0] == 1 ? to : room[0]);
        scatter(room[0], n, to, steps[0]);
    }
}

enum ph_status phi_unary_backward(const phi_exec *e, phi_unary_grad_fn *fn)
{
    unary u = {.params = e->params, .grad = fn};
    if (phi_view_absent(&e->din[0])) return PH_OK;
    phi_loop(e->pool, 4, (const phi_view *const[]){&e->din[0], &e->in[0], &e->out[0], &e->dout[0]},
             backward_run, &u);
    return PH_OK;
}
