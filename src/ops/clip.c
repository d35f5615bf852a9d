/* SPDX-License-Identifier: MIT */
/*
 * Clip: y = min(max(x, lo), hi), so that everything is hi where lo > hi. Not-a-number stays what it
 * is. Bounds are attributes before opset 11, optional inputs from then on; those left out are the
 * largest finite floats from opset 6 on, none before. The gradient passes at the bounds themselves.
 * Integers (from opset 12) run forward only.
 */
#include "ops/clip.h"

#include <float.h>
#include <math.h>

#include "graph/loop.h"
#include "graph/widen.h"
#include "ops/op_check.h"
#include "ops/unary.h"

/* The bound that input i gives: known now, or while running, or not at all. */
static enum ph_status bound_input(phi_infer *c, size_t i, float *bound)
{
    phi_clip_params *p = c->params;
    char text[PHI_TYPE_TEXT];
    if (i >= c->n_in || !c->in[i]) return PH_OK;
    const phi_type *t = c->in[i];
    if (t->dtype != c->in[0]->dtype)
        return phi_op_fail(c, PH_ERR_TYPE, "the %s is %s, the input %s",
                           i == 1 ? "minimum" : "maximum", ph_dtype_name(t->dtype),
                           ph_dtype_name(c->in[0]->dtype));
    if (phi_type_count(t) != 1)
        return phi_op_fail(c, PH_ERR_SHAPE, "the %s has shape %s, wanted a scalar",
                           i == 1 ? "minimum" : "maximum",
                           phi_dims_text(t->rank, t->dims, text, sizeof text));
    if (!c->constant[i] || phi_is_half(t->dtype))
        p->known = false;
    else if (t->dtype == PH_FLOAT32)
        memcpy(bound, c->constant[i]->data, sizeof *bound);
    return PH_OK;
}

static bool clips_integers(const phi_infer *c)
{
    if (c->opset < 12 || !c->in[0]) return false;
    switch (c->in[0]->dtype) {
    case PH_UINT8:
    case PH_INT8:
    case PH_UINT16:
    case PH_INT16:
    case PH_INT32:
    case PH_INT64:
    case PH_UINT32:
    case PH_UINT64:
        return true;
    default:
        return false;
    }
}

static enum ph_status clip_infer(phi_infer *c)
{
    phi_clip_params *p = c->params;
    float none = c->opset < 6 ? INFINITY : FLT_MAX;
    enum ph_status st = clips_integers(c) ? PH_OK : phi_need_dtype(c, 0, PH_FLOAT32);
    if (st) return st;
    *p = (phi_clip_params){.known = true, .lo = -none, .hi = none};
    c->out[0] = *c->in[0];
    if (c->opset < 11) {
        if (c->n_in > 1)
            return phi_op_fail(c, PH_ERR_ARG,
                               "%zu inputs, but bounds are attributes before opset 11", c->n_in);
        p->lo = phi_attr_float(c->node, "min", p->lo);
        p->hi = phi_attr_float(c->node, "max", p->hi);
        return PH_OK;
    }
    st = bound_input(c, 1, &p->lo);
    return st ? st : bound_input(c, 2, &p->hi);
}

/* The data of an optional scalar input, or NULL. */
static const void *scalar_input(const phi_exec *e, size_t i)
{
    return i < e->n_in && !phi_view_absent(&e->in[i]) ? e->in[i].data : NULL;
}

static phi_clip_params bounds_now(const phi_exec *e)
{
    phi_clip_params p = *(const phi_clip_params *)e->params;
    const float *lo = scalar_input(e, 1), *hi = scalar_input(e, 2);
    if (lo) p.lo = *lo;
    if (hi) p.hi = *hi;
    return p;
}

static void clip(const void *params, int64_t n, const float *x, float *y)
{
    const float lo = ((const phi_clip_params *)params)->lo;
    const float hi = ((const phi_clip_params *)params)->hi;
    for (int64_t i = 0; i < n; i++) {
        float z = x[i] < lo ? lo : x[i];
        y[i] = z > hi ? hi : z;
    }
}

static void clip_grad(const void *params, int64_t n, const float *x, const float *y,
                      const float *dy, float *dx)
{
    const float lo = ((const phi_clip_params *)params)->lo;
    const float hi = ((const phi_clip_params *)params)->hi;
    (void)y;
    for (int64_t i = 0; i < n; i++) {
        float g = dy[i]; /* read in any case, so that there is no branch */
        g = x[i] >= lo ? g : 0.0f;
        dx[i] = x[i] <= hi ? g : 0.0f;
    }
}

/* The two bounds of an integer clip; NULL: the type's own. */
typedef struct bounds {
    const void *lo, *hi;
} bounds;

#define DEFINE_CLIP(name, type)                                                                    \
    static void name(void *arg, int64_t count, void *const *ptrs, const int64_t *steps)            \
    {                                                                                              \
        const bounds *b = arg;                                                                     \
        type *y = ptrs[0];                                                                         \
        const type *x = ptrs[1], *lo = b->lo, *hi = b->hi;                                         \
        for (int64_t i = 0; i < count; i++) {                                                      \
            type z = x[i * steps[1]];                                                              \
            if (lo && z < *lo) z = *lo;                                                            \
            if (hi && z > *hi) z = *hi;                                                            \
            y[i * steps[0]] = z;                                                                   \
        }                                                                                          \
    }
DEFINE_CLIP(clip_u8, uint8_t)
DEFINE_CLIP(clip_i8, int8_t)
DEFINE_CLIP(clip_u16, uint16_t)
DEFINE_CLIP(clip_i16, int16_t)
DEFINE_CLIP(clip_u32, uint32_t)
DEFINE_CLIP(clip_i32, int32_t)
DEFINE_CLIP(clip_u64, uint64_t)
DEFINE_CLIP(clip_i64, int64_t)

static phi_run_fn *integer_clip(enum ph_dtype dtype)
{
    switch (dtype) {
    case PH_UINT8:
        return clip_u8;
    case PH_INT8:
        return clip_i8;
    case PH_UINT16:
        return clip_u16;
    case PH_INT16:
        return clip_i16;
    case PH_UINT32:
        return clip_u32;
    case PH_INT32:
        return clip_i32;
    case PH_UINT64:
        return clip_u64;
    case PH_INT64:
        return clip_i64;
    default:
        return NULL;
    }
}

static enum ph_status clip_forward(const phi_exec *e, ph_error *err)
{
    phi_run_fn *fn = integer_clip(e->in[0].type.dtype);
    (void)err;
    if (fn) {
        bounds b = {.lo = scalar_input(e, 1), .hi = scalar_input(e, 2)};
        phi_loop(e->pool, 2, (const phi_view *const[]){&e->out[0], &e->in[0]}, fn, &b);
        return PH_OK;
    }
    phi_exec now = *e;
    phi_clip_params p = bounds_now(e);
    now.params = &p;
    return phi_unary_forward(&now, clip);
}

/* Gradients of the two bounds: what arrives where they took over. */
typedef struct bound_sums {
    float lo, hi;
    double dlo, dhi;
} bound_sums;

static void sum_bounds(void *arg, int64_t count, void *const *ptrs, const int64_t *steps)
{
    bound_sums *s = arg;
    const float *x = ptrs[0], *dy = ptrs[1];
    for (int64_t i = 0; i < count; i++) {
        float v = x[i * steps[0]], g = dy[i * steps[1]];
        if ((v < s->lo ? s->lo : v) > s->hi)
            s->dhi += (double)g;
        else if (v < s->lo)
            s->dlo += (double)g;
    }
}

static enum ph_status clip_backward(const phi_exec *e, ph_error *err)
{
    phi_exec now = *e;
    phi_clip_params p = bounds_now(e);
    bound_sums s = {.lo = p.lo, .hi = p.hi};
    bool want_lo = e->n_in > 1 && !phi_view_absent(&e->din[1]);
    bool want_hi = e->n_in > 2 && !phi_view_absent(&e->din[2]);
    (void)err;
    now.params = &p;
    if (want_lo || want_hi)
        phi_loop(NULL, 2, (const phi_view *const[]){&e->in[0], &e->dout[0]}, sum_bounds, &s);
    if (want_lo) *(float *)e->din[1].data = (float)s.dlo;
    if (want_hi) *(float *)e->din[2].data = (float)s.dhi;
    return phi_unary_backward(&now, clip_grad);
}

static bool clip_as_clamp(const phi_infer *c, float *lo, float *hi)
{
    const phi_clip_params *p = c->params;
    *lo = p->lo;
    *hi = p->hi;
    return p->known && c->in[0]->dtype == PH_FLOAT32;
}

static const phi_attr_rule clip_attrs[] = {
    {"min", PH_ATTR_FLOAT, 1, 10, false},
    {"max", PH_ATTR_FLOAT, 1, 10, false},
    {"consumed_inputs", PH_ATTR_INTS, 1, 5, false}, /* means nothing any more */
    {0},
};

const phi_op phi_op_clip = {
    .name = "Clip",
    .widens = true,
    .passes = PHI_PASSES_ELEMENTS,
    .since = 1,
    .attrs = clip_attrs,
    .min_in = 1,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .keeps_channels = true,
    .layout = PHI_LAYOUT_ANY,
    .params_bytes = sizeof(phi_clip_params),
    .infer = clip_infer,
    .forward = clip_forward,
    .backward = clip_backward,
    .as_clamp = clip_as_clamp,
};
