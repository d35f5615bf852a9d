/* SPDX-License-Identifier: MIT */
/*
 * QuantizeLinear: y = saturate(round(x / scale) + zero point), ties to even, to integers of 8 or 16
 * bits. The division is done in float.
 */
#include "ops/elements.h"
#include "ops/op_check.h"
#include "ops/quantised.h"

typedef struct quantize_params {
    phi_quanta quanta;
    enum ph_dtype dtype;
} quantize_params;

static bool is_quantised(enum ph_dtype t)
{
    return t == PH_UINT8 || t == PH_INT8 || t == PH_UINT16 || t == PH_INT16;
}

static enum ph_status quantize_infer(phi_infer *c)
{
    quantize_params *p = c->params;
    const phi_type *zero = c->n_in > 2 ? c->in[2] : NULL;
    int64_t asked = phi_attr_int(c->node, "output_dtype", 0);
    int64_t precision = phi_attr_int(c->node, "precision", 0);
    enum ph_status st = phi_need_types(c, 0,
                                       PHI_TYPE_BIT(PH_FLOAT32) | PHI_TYPE_BIT(PH_FLOAT16) |
                                           PHI_TYPE_BIT(PH_BFLOAT16) | PHI_TYPE_BIT(PH_INT32));
    if (!st) st = phi_quanta_infer(c, &p->quanta);
    if (st) return st;
    if (precision && precision != PH_FLOAT32)
        return phi_op_fail(c, PH_ERR_UNSUPPORTED,
                           "precision is %lld, only 1 (float32) is supported",
                           (long long)precision);
    p->dtype = zero ? zero->dtype : asked ? (enum ph_dtype)asked : PH_UINT8;
    if (zero && asked && asked != (int64_t)zero->dtype)
        return phi_op_fail(c, PH_ERR_TYPE, "output_dtype is %lld, the zero point is %s",
                           (long long)asked, ph_dtype_name(zero->dtype));
    if (!is_quantised(p->dtype))
        return phi_op_fail(c, PH_ERR_UNSUPPORTED,
                           "the output would be %s, only integers of 8 and 16 bits are supported",
                           ph_dtype_name(p->dtype));
    c->out[0] = *c->in[0];
    c->out[0].dtype = p->dtype;
    return PH_OK;
}

typedef struct run {
    enum ph_dtype x, y, scale, zero;
    bool has_zero;
} run;

/* ptrs: y, x, scale, zero point */
static void quantize_run(void *arg, int64_t count, void *const *ptrs, const int64_t *steps)
{
    const run *r = arg;
    const int64_t lo = phi_lowest(r->y), hi = phi_highest(r->y);
    const size_t size[] = {ph_dtype_size(r->y), ph_dtype_size(r->x), ph_dtype_size(r->scale),
                           ph_dtype_size(r->zero)};
    for (int64_t i = 0; i < count; i += PHI_RUN) {
        int64_t n = count - i < PHI_RUN ? count - i : PHI_RUN, sx, ss, sz = 0;
        phi_room rx, rs, rz, ry;
        char *at[4];
        for (int k = 0; k < 4; k++)
            at[k] = (char *)ptrs[k] + i * steps[k] * (int64_t)size[k];
        const float *x = phi_widen(r->x, PHI_F32, n, at[1], steps[1], &rx, &sx);
        const float *s = phi_widen(r->scale, PHI_F32, n, at[2], steps[2], &rs, &ss);
        const int64_t *z =
            r->has_zero ? phi_widen(r->zero, PHI_I64, n, at[3], steps[3], &rz, &sz) : NULL;
        for (int64_t k = 0; k < n; k++)
            ry.i64[k] = phi_quantise(x[k * sx] / s[k * ss], z ? z[k * sz] : 0, lo, hi);
        phi_narrow(r->y, PHI_I64, n, &ry, at[0], steps[0]);
    }
}

static enum ph_status quantize_forward(const phi_exec *e, ph_error *err)
{
    const quantize_params *p = e->params;
    run r = {.x = e->in[0].type.dtype, .y = p->dtype, .scale = e->in[1].type.dtype};
    (void)err;
    r.has_zero = e->n_in > 2 && !phi_view_absent(&e->in[2]);
    r.zero = r.has_zero ? e->in[2].type.dtype : r.scale;
    phi_quanta_loop(e, &p->quanta, quantize_run, &r);
    return PH_OK;
}

static const phi_attr_rule quantize_attrs[] = {
    {"axis", PH_ATTR_INT, 13, 0, false},       {"saturate", PH_ATTR_INT, 19, 0, false},
    {"block_size", PH_ATTR_INT, 21, 0, false}, {"output_dtype", PH_ATTR_INT, 21, 0, false},
    {"precision", PH_ATTR_INT, 23, 0, false},  {0},
};

const phi_op phi_op_quantize_linear = {
    .name = "QuantizeLinear",
    .since = 10,
    .attrs = quantize_attrs,
    .min_in = 2,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .keeps_channels = true,
    .layout = PHI_LAYOUT_ANY,
    .params_bytes = sizeof(quantize_params),
    .infer = quantize_infer,
    .forward = quantize_forward,
};
