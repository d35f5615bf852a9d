/* SPDX-License-Identifier: MIT */
/*
 * DynamicQuantizeLinear: to uint8, with the scale and zero point that just hold x and 0:
 *     scale = (max(x, 0) - min(x, 0)) / 255, zero point = round(-min(x, 0) / scale)
 */
#include <math.h>

#include "graph/loop.h"
#include "ops/op_check.h"
#include "ops/quantised.h"

static enum ph_status dynamic_infer(phi_infer *c)
{
    enum ph_status st = phi_need_dtype(c, 0, PH_FLOAT32);
    if (st) return st;
    c->out[0] = *c->in[0];
    c->out[0].dtype = PH_UINT8;
    if (c->n_out > 1) c->out[1] = (phi_type){.dtype = PH_FLOAT32, .rank = 0};
    if (c->n_out > 2) c->out[2] = (phi_type){.dtype = PH_UINT8, .rank = 0};
    return PH_OK;
}

typedef struct range {
    float lo, hi, scale;
    int64_t zero;
} range;

/* views: x; one thread, as the result does not depend on the order anyway */
static void range_run(void *arg, int64_t n, void *const *ptrs, const int64_t *steps)
{
    range *r = arg;
    const float *x = ptrs[0];
    for (int64_t i = 0; i < n; i++) {
        float v = x[i * steps[0]];
        r->lo = v < r->lo ? v : r->lo;
        r->hi = v > r->hi ? v : r->hi;
    }
}

/* views: y, x */
static void quantise_run(void *arg, int64_t n, void *const *ptrs, const int64_t *steps)
{
    const range *r = arg;
    uint8_t *y = ptrs[0];
    const float *x = ptrs[1];
    for (int64_t i = 0; i < n; i++)
        y[i * steps[0]] = (uint8_t)phi_quantise(x[i * steps[1]] / r->scale, r->zero, 0, 255);
}

static enum ph_status dynamic_forward(const phi_exec *e, ph_error *err)
{
    range r = {0};
    (void)err;
    phi_loop(NULL, 1, (const phi_view *const[]){&e->in[0]}, range_run, &r);
    r.scale = (r.hi == r.lo ? 1.0f : r.hi - r.lo) / 255.0f;
    r.zero = phi_quantise(-r.lo / r.scale, 0, 0, 255);
    phi_loop(e->pool, 2, (const phi_view *const[]){&e->out[0], &e->in[0]}, quantise_run, &r);
    if (e->n_out > 1 && !phi_view_absent(&e->out[1])) *(float *)e->out[1].data = r.scale;
    if (e->n_out > 2 && !phi_view_absent(&e->out[2])) *(uint8_t *)e->out[2].data = (uint8_t)r.zero;
    return PH_OK;
}

static const phi_attr_rule dynamic_attrs[] = {{0}};

const phi_op phi_op_dynamic_quantize_linear = {
    .name = "DynamicQuantizeLinear",
    .since = 11,
    .attrs = dynamic_attrs,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 3,
    .layout = PHI_LAYOUT_ANY,
    .infer = dynamic_infer,
    .forward = dynamic_forward,
};
