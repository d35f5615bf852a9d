/* SPDX-License-Identifier: MIT */
/*
 * PRelu (He 2015, arXiv:1502.01852): y = x where x >= 0, slope * x below; the slope is stretched to
 * the shape of x. Before opset 7 a slope of one dimension belongs to the channels (dimension 1).
 * The gradient at 0 is that of x > 0. Integers run forward only.
 */
#include "ops/binary.h"
#include "ops/op_check.h"

PHI_BINARY_FLOATS(u < 0 ? v * u : u)
PHI_BINARY_LOOP(i64, int64_t, int64_t, u < 0 ? (int64_t)((uint64_t)v * (uint64_t)u) : u)
PHI_BINARY_LOOP(u64, uint64_t, uint64_t, ((void)v, u))

static enum ph_status prelu_infer(phi_infer *c)
{
    char tx[PHI_TYPE_TEXT], ts[PHI_TYPE_TEXT];
    phi_binary_params *p = c->params;
    const phi_type *x = c->in[0], *slope = c->in[1];
    enum ph_status st = phi_need_types(c, 0, PHI_TYPES_NUMBER);
    if (st) return st;
    if (x->dtype != slope->dtype)
        return phi_op_fail(c, PH_ERR_TYPE, "input is %s, slope %s, wanted is one type for both",
                           ph_dtype_name(x->dtype), ph_dtype_name(slope->dtype));
    c->out[0] = *x;
    p->b_one = c->opset < 7 && phi_type_count(slope) == 1;
    p->b_axis = x->rank - slope->rank;
    if (p->b_one) return PH_OK;
    if (c->opset < 7 && slope->rank == 1 && x->rank > 1 && slope->dims[0] == x->dims[1]) {
        p->b_axis = 1;
        return PH_OK;
    }
    phi_type out;
    if (phi_broadcast_types(x, slope, &out) && phi_type_equal(&out, x)) return PH_OK;
    return phi_op_fail(c, PH_ERR_SHAPE, "slope %s cannot be stretched to the input's %s",
                       phi_type_text(slope, ts, sizeof ts), phi_type_text(x, tx, sizeof tx));
}

/* ptrs: result, g, x, slope */
static void grad_x(void *arg, int64_t n, void *const *p, const int64_t *s)
{
    float *dx = p[0];
    const float *g = p[1], *x = p[2], *slope = p[3];
    (void)arg;
    for (int64_t i = 0; i < n; i++)
        dx[i * s[0]] = g[i * s[1]] * (x[i * s[2]] < 0.0f ? slope[i * s[3]] : 1.0f);
}

static void grad_slope(void *arg, int64_t n, void *const *p, const int64_t *s)
{
    float *d = p[0];
    const float *g = p[1], *x = p[2];
    (void)arg;
    for (int64_t i = 0; i < n; i++)
        d[i * s[0]] = g[i * s[1]] * (x[i * s[2]] < 0.0f ? x[i * s[2]] : 0.0f);
}

static const phi_binary prelu = {.types = PHI_TYPES_NUMBER,
                                 .kernels = {PHI_KERNELS_ALL},
                                 .grad_a = grad_x,
                                 .grad_b = grad_slope};

static const phi_attr_rule prelu_attrs[] = {
    {"consumed_inputs", PH_ATTR_INTS, 1, 5, false}, /* means nothing any more */
    {0},
};

const phi_op phi_op_prelu = {
    .name = "PRelu",
    .passes = PHI_PASSES_ELEMENTS,
    .since = 1,
    .attrs = prelu_attrs,
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_ANY,
    .trainable = 1u << 1,
    .params_bytes = sizeof(phi_binary_params),
    .family = &prelu,
    .infer = prelu_infer,
    .forward = phi_binary_forward,
    .backward = phi_binary_backward,
};
