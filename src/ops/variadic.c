/* SPDX-License-Identifier: MIT */
#include "graph/graph.h"
#include "graph/loop.h"
#include "ops/binary.h"
#include "ops/variadic.h"

const phi_attr_rule phi_variadic_attrs[] = {
    {.name = "consumed_inputs", .kind = PH_ATTR_INTS, .first = 1, .last = 5},
    {.name = NULL},
};

static const phi_variadic *family(const phi_node *node)
{
    return node->op->family;
}

static enum ph_status add_shape(const phi_infer *c, size_t i, phi_type *out)
{
    char ta[PHI_TYPE_TEXT], tb[PHI_TYPE_TEXT];
    const phi_type *t = c->in[i];
    phi_type sum = *out;
    if (!t) return phi_op_fail(c, PH_ERR_ARG, "input %zu is left out", i);
    if (t->dtype != out->dtype)
        return phi_op_fail(c, PH_ERR_TYPE, "input %zu is %s, input 0 is %s", i,
                           ph_dtype_name(t->dtype), ph_dtype_name(out->dtype));
    bool fits = c->opset < 8 ? phi_type_equal(t, out) : phi_broadcast_types(out, t, &sum);
    if (!fits)
        return phi_op_fail(c, PH_ERR_SHAPE, "input %zu is %s, which does not fit to %s", i,
                           phi_type_text(t, ta, sizeof ta), phi_type_text(out, tb, sizeof tb));
    *out = sum;
    return PH_OK;
}

enum ph_status phi_variadic_infer(phi_infer *c)
{
    enum ph_status st = phi_need_types(c, 0, family(c->node)->types);
    if (st) return st;
    c->out[0] = *c->in[0];
    for (size_t i = 1; i < c->n_in && !st; i++)
        st = add_shape(c, i, &c->out[0]);
    return st;
}

/* --- Forward ---------------------------------------------------------------------------------- */

PHI_BINARY_FLOATS(u / v)
static const phi_kernels quotient = {.f32 = f32, .f64 = f64};

enum ph_status phi_variadic_forward(const phi_exec *e, ph_error *err)
{
    const phi_variadic *k = family(e->node);
    const phi_view *y = &e->out[0];
    const enum phi_wide wide = phi_wide_of(y->type.dtype);
    phi_view sum = phi_view_broadcast(&e->in[0], &y->type);
    float count = (float)e->n_in;
    phi_view n = {.type = y->type, .data = &count}; /* one number stretched */
    n.type.dtype = PH_FLOAT32;
    (void)err;
    if (e->n_in == 1) phi_copy(e->pool, y, &sum);
    for (size_t i = 1; i < e->n_in; i++) {
        phi_view x = phi_view_broadcast(&e->in[i], &y->type);
        phi_apply(e->pool, y, 2, (const phi_view *const[]){&sum, &x}, wide, &k->kernels);
        sum = *y;
    }
    if (k->mean && e->n_in > 1)
        phi_apply(e->pool, y, 2, (const phi_view *const[]){&sum, &n}, wide, &quotient);
    return PH_OK;
}

/* --- Backward --------------------------------------------------------------------------------- */

/* Gradients of one input before what was broadcast is summed, and a mark for each element of the
 * output whose gradient is given away already (an input that ties with an earlier one gets none).
 */
size_t phi_variadic_work_bytes(const phi_exec *e, bool backward)
{
    const phi_variadic *k = family(e->node);
    if (!backward || !(k->picks || k->mean)) return 0;
    return (size_t)phi_type_count(&e->out[0].type) * (sizeof(float) + 1);
}

/* ptrs {gradient, taken, g, y, x} */
static void pick_run(void *arg, int64_t n, void *const *p, const int64_t *s)
{
    float *d = p[0];
    unsigned char *taken = p[1];
    const float *g = p[2], *y = p[3], *x = p[4];
    (void)arg;
    for (int64_t i = 0; i < n; i++) {
        const bool mine = !taken[i * s[1]] && x[i * s[4]] == y[i * s[3]];
        d[i * s[0]] = mine ? g[i * s[2]] : 0.0f;
        taken[i * s[1]] |= mine;
    }
}

static void scale_run(void *arg, int64_t n, void *const *p, const int64_t *s)
{
    const float count = *(const float *)arg;
    float *d = p[0];
    const float *g = p[1];
    for (int64_t i = 0; i < n; i++)
        d[i * s[0]] = g[i * s[1]] / count;
}

/* The gradient of input i, in the shape of the output: g itself, or made in the work space. */
static phi_view share(const phi_exec *e, size_t i, const phi_view *taken)
{
    const phi_variadic *k = family(e->node);
    const phi_view *g = &e->dout[0];
    float count = (float)e->n_in;
    phi_view d = phi_view_plain(&g->type, e->work);
    phi_view x = phi_view_broadcast(&e->in[i], &g->type);
    if (k->picks)
        phi_loop(e->pool, 5, (const phi_view *const[]){&d, taken, g, &e->out[0], &x}, pick_run,
                 NULL);
    else if (k->mean && i == 0) /* the same for all */
        phi_loop(e->pool, 2, (const phi_view *const[]){&d, g}, scale_run, &count);
    return k->picks || k->mean ? d : *g;
}

enum ph_status phi_variadic_backward(const phi_exec *e, ph_error *err)
{
    phi_type marks = e->out[0].type;
    marks.dtype = PH_UINT8;
    phi_view taken = PHI_NO_VIEW;
    (void)err;
    if (family(e->node)->picks) {
        taken = phi_view_plain(&marks, (float *)e->work + phi_type_count(&marks));
        phi_zero(e->pool, &taken);
    }
    for (size_t i = 0; i < e->n_in; i++) {
        const phi_view g = share(e, i, &taken);
        if (!phi_view_absent(&e->din[i])) phi_unbroadcast(e->pool, &e->din[i], &g);
    }
    return PH_OK;
}
