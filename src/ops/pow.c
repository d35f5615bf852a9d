/* SPDX-License-Identifier: MIT */
/*
 * Pow: y = a^b. The result has the type of a; from opset 12 on b may have another. Integers wrap; a
 * negative power of an integer is cut off (1 / a is 0 but for 1 and -1); an integer to the power of
 * a float is computed in double and cut off. dL/da = dL/dy b a^(b - 1), dL/db = dL/dy y log(a),
 * where log(a) exists.
 */
#include <math.h>

#include "ops/binary.h"

PHI_BINARY_LOOP(any_f32, float, float, powf(u, v))
PHI_BINARY_LOOP(square_f32, float, float, ((void)v, u *u))
PHI_BINARY_LOOP(f64, double, double, pow(u, v))

/* Squares are what networks have: of variances, distances, in the tanh form of Gelu. */
static bool f32(int64_t n, void *const *p, const int64_t *s)
{
    const float *b = p[2];
    return s[2] == 0 && b[0] == 2.0f ? square_f32(n, p, s) : any_f32(n, p, s);
}

/* By squaring, modulo 2^64: the bits are those of signed and unsigned numbers alike. */
static uint64_t power(uint64_t base, int64_t exponent)
{
    uint64_t y = 1;
    const bool odd = exponent & 1;
    if (exponent < 0) return base == 1 ? 1 : base == UINT64_MAX ? (odd ? base : 1) : 0;
    for (; exponent; exponent >>= 1, base *= base)
        if (exponent & 1) y *= base;
    return y;
}
PHI_BINARY_LOOP(u64, uint64_t, uint64_t, power(u, (int64_t)v))

static const phi_kernels kernels = {PHI_KERNELS_WRAPPING};

static enum ph_status infer(phi_infer *c)
{
    enum ph_status st = phi_need_types(c, 0, PHI_TYPES_NUMBER);
    if (!st) st = phi_need_types(c, 1, PHI_TYPES_NUMBER);
    if (st) return st;
    if (c->opset < 12 && c->in[0]->dtype != c->in[1]->dtype)
        return phi_op_fail(c, PH_ERR_TYPE,
                           "inputs are %s and %s, wanted is one type for both before opset 12",
                           ph_dtype_name(c->in[0]->dtype), ph_dtype_name(c->in[1]->dtype));
    return phi_binary_shape(c, c->params);
}

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    enum phi_wide wide = phi_wide_of(e->in[0].type.dtype);
    const bool floating = phi_types_have(PHI_TYPES_FLOAT, e->in[1].type.dtype);
    if (floating && (wide == PHI_I64 || wide == PHI_U64)) wide = PHI_F64;
    return phi_binary_run(e, e->params, wide, &kernels, err);
}

/* ptrs {y, g, a, b} */
static void grad_a(void *arg, int64_t n, void *const *p, const int64_t *s)
{
    float *y = p[0];
    const float *g = p[1], *a = p[2], *b = p[3];
    (void)arg;
    for (int64_t i = 0; i < n; i++) {
        const float v = b[i * s[3]];
        y[i * s[0]] = v == 0.0f ? 0.0f : g[i * s[1]] * v * powf(a[i * s[2]], v - 1.0f);
    }
}

static void grad_b(void *arg, int64_t n, void *const *p, const int64_t *s)
{
    float *y = p[0];
    const float *g = p[1], *a = p[2], *b = p[3];
    (void)arg;
    for (int64_t i = 0; i < n; i++) {
        const float u = a[i * s[2]];
        y[i * s[0]] = u > 0.0f ? g[i * s[1]] * powf(u, b[i * s[3]]) * logf(u) : 0.0f;
    }
}

static const phi_binary gradients = {.grad_a = grad_a, .grad_b = grad_b};

const phi_op phi_op_pow = {
    .name = "Pow",
    .since = 1,
    .attrs = phi_comparison_attrs,
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_ANY,
    .params_bytes = sizeof(phi_binary_params),
    .family = &gradients,
    .infer = infer,
    .forward = forward,
    .backward = phi_binary_backward,
};
