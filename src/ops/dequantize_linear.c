/* SPDX-License-Identifier: MIT */
/* DequantizeLinear: y = (x - zero point) * scale, from integers of 8, 16 or 32 bits. */
#include "ops/elements.h"
#include "ops/op_check.h"
#include "ops/quantised.h"

static enum ph_status dequantize_infer(phi_infer *c)
{
    phi_quanta *q = c->params;
    const phi_type *zero = c->n_in > 2 ? c->in[2] : NULL;
    int64_t asked = phi_attr_int(c->node, "output_dtype", 0);
    enum ph_status st =
        phi_need_types(c, 0,
                       PHI_TYPE_BIT(PH_UINT8) | PHI_TYPE_BIT(PH_INT8) | PHI_TYPE_BIT(PH_UINT16) |
                           PHI_TYPE_BIT(PH_INT16) | PHI_TYPE_BIT(PH_INT32));
    if (!st) st = phi_quanta_infer(c, q);
    if (st) return st;
    if (zero && zero->dtype != c->in[0]->dtype)
        return phi_op_fail(c, PH_ERR_TYPE, "zero point is %s, the input %s",
                           ph_dtype_name(zero->dtype), ph_dtype_name(c->in[0]->dtype));
    c->out[0] = *c->in[0];
    c->out[0].dtype = asked ? (enum ph_dtype)asked : c->in[1]->dtype;
    if (c->out[0].dtype == PH_FLOAT32 || c->out[0].dtype == PH_FLOAT16 ||
        c->out[0].dtype == PH_BFLOAT16)
        return PH_OK;
    return phi_op_fail(c, PH_ERR_UNSUPPORTED, "the output would be %s, wanted a float type",
                       ph_dtype_name(c->out[0].dtype));
}

typedef struct run {
    enum ph_dtype x, y, scale;
    bool has_zero;
} run;

/* ptrs: y, x, scale, zero point */
static void dequantize_run(void *arg, int64_t count, void *const *ptrs, const int64_t *steps)
{
    const run *r = arg;
    const size_t size[] = {ph_dtype_size(r->y), ph_dtype_size(r->x), ph_dtype_size(r->scale),
                           ph_dtype_size(r->has_zero ? r->x : r->scale)};
    for (int64_t i = 0; i < count; i += PHI_RUN) {
        int64_t n = count - i < PHI_RUN ? count - i : PHI_RUN, sx, ss, sz = 0;
        phi_room rx, rs, rz, ry;
        char *at[4];
        for (int k = 0; k < 4; k++)
            at[k] = (char *)ptrs[k] + i * steps[k] * (int64_t)size[k];
        const int64_t *x = phi_widen(r->x, PHI_I64, n, at[1], steps[1], &rx, &sx);
        const float *s = phi_widen(r->scale, PHI_F32, n, at[2], steps[2], &rs, &ss);
        const int64_t *z =
            r->has_zero ? phi_widen(r->x, PHI_I64, n, at[3], steps[3], &rz, &sz) : NULL;
        for (int64_t k = 0; k < n; k++)
            ry.f32[k] = (float)(x[k * sx] - (z ? z[k * sz] : 0)) * s[k * ss];
        phi_narrow(r->y, PHI_F32, n, &ry, at[0], steps[0]);
    }
}

static enum ph_status dequantize_forward(const phi_exec *e, ph_error *err)
{
    run r = {.x = e->in[0].type.dtype,
             .y = e->out[0].type.dtype,
             .scale = e->in[1].type.dtype,
             .has_zero = e->n_in > 2 && !phi_view_absent(&e->in[2])};
    (void)err;
    phi_quanta_loop(e, e->params, dequantize_run, &r);
    return PH_OK;
}

static const phi_attr_rule dequantize_attrs[] = {
    {"axis", PH_ATTR_INT, 13, 0, false},
    {"block_size", PH_ATTR_INT, 21, 0, false},
    {"output_dtype", PH_ATTR_INT, 23, 0, false},
    {0},
};

const phi_op phi_op_dequantize_linear = {
    .name = "DequantizeLinear",
    .since = 10,
    .attrs = dequantize_attrs,
    .min_in = 2,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .keeps_channels = true,
    .layout = PHI_LAYOUT_ANY,
    .params_bytes = sizeof(phi_quanta),
    .infer = dequantize_infer,
    .forward = dequantize_forward,
};
