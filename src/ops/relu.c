/* SPDX-License-Identifier: MIT */
/*
 * Relu: y = max(x, 0). Not-a-number stays what it is. The gradient at 0 is 0.
 * Integers (from opset 14) run forward only.
 */
#include <math.h>

#include "graph/loop.h"
#include "ops/op_check.h"
#include "ops/unary.h"

static enum ph_status relu_infer(phi_infer *c)
{
    if (c->opset >= 14 && c->in[0]) {
        enum ph_dtype t = c->in[0]->dtype;
        if (t == PH_INT8 || t == PH_INT16 || t == PH_INT32 || t == PH_INT64) {
            c->out[0] = *c->in[0];
            return PH_OK;
        }
    }
    return phi_unary_infer(c);
}

static void relu(const void *params, int64_t n, const float *x, float *y)
{
    (void)params;
    for (int64_t i = 0; i < n; i++)
        y[i] = x[i] < 0.0f ? 0.0f : x[i];
}

static void relu_grad(const void *params, int64_t n, const float *x, const float *y,
                      const float *dy, float *dx)
{
    (void)params, (void)y;
    for (int64_t i = 0; i < n; i++) {
        float g = dy[i]; /* read in any case, so that there is no branch */
        dx[i] = x[i] > 0.0f ? g : 0.0f;
    }
}

#define DEFINE_RELU(name, type)                                                                    \
    static void name(void *arg, int64_t count, void *const *ptrs, const int64_t *steps)            \
    {                                                                                              \
        type *y = ptrs[0];                                                                         \
        const type *x = ptrs[1];                                                                   \
        (void)arg;                                                                                 \
        for (int64_t i = 0; i < count; i++)                                                        \
            y[i * steps[0]] = x[i * steps[1]] < 0 ? 0 : x[i * steps[1]];                           \
    }
DEFINE_RELU(relu_i8, int8_t)
DEFINE_RELU(relu_i16, int16_t)
DEFINE_RELU(relu_i32, int32_t)
DEFINE_RELU(relu_i64, int64_t)

static enum ph_status relu_forward(const phi_exec *e, ph_error *err)
{
    const phi_view *const views[] = {&e->out[0], &e->in[0]};
    (void)err;
    switch (e->in[0].type.dtype) {
    case PH_INT8:
        phi_loop(e->pool, 2, views, relu_i8, NULL);
        return PH_OK;
    case PH_INT16:
        phi_loop(e->pool, 2, views, relu_i16, NULL);
        return PH_OK;
    case PH_INT32:
        phi_loop(e->pool, 2, views, relu_i32, NULL);
        return PH_OK;
    case PH_INT64:
        phi_loop(e->pool, 2, views, relu_i64, NULL);
        return PH_OK;
    default:
        return phi_unary_forward(e, relu);
    }
}

static bool relu_as_clamp(const phi_infer *c, float *lo, float *hi)
{
    *lo = 0;
    *hi = INFINITY;
    return c->in[0]->dtype == PH_FLOAT32;
}

static enum ph_status relu_backward(const phi_exec *e, ph_error *err)
{
    (void)err;
    return phi_unary_backward(e, relu_grad);
}

static const phi_attr_rule relu_attrs[] = {
    {"consumed_inputs", PH_ATTR_INTS, 1, 5, false}, /* means nothing any more */
    {0},
};

const phi_op phi_op_relu = {
    .name = "Relu",
    .widens = true,
    .since = 1,
    .attrs = relu_attrs,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .keeps_channels = true,
    .layout = PHI_LAYOUT_ANY,
    .infer = relu_infer,
    .forward = relu_forward,
    .backward = relu_backward,
    .as_clamp = relu_as_clamp,
    .passes = PHI_PASSES_ELEMENTS,
};
