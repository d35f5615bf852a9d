/* SPDX-License-Identifier: MIT */
/*
 * Div: y = a / b; integers are divided towards zero, the smallest number by -1 wraps to itself.
 * dL/da = dL/dy / b, dL/db = -dL/dy (a / b) / b, summed over what was broadcast.
 */
#include "ops/binary.h"

#define DIVIDE(type, x, y) ((x) / (y))
PHI_BINARY_LOOP(div_f32, float, DIVIDE)
PHI_BINARY_LOOP(div_f64, double, DIVIDE)

/* x / -1 is a negation of unsigned numbers, which wraps. */
#define UNSIGNED(type, x, y) ((type)((x) / (y)))
#define SIGNED(type, x, y) ((y) == -1 ? (type)(0 - (uint64_t)(x)) : (type)((x) / (y)))

#define DEFINE_INTEGER(name, type, expr)                                                           \
    static bool name(int64_t n, void *const *p, const int64_t *s)                                  \
    {                                                                                              \
        type *y = p[0];                                                                            \
        const type *a = p[1], *b = p[2];                                                           \
        for (int64_t i = 0; i < n; i++) {                                                          \
            const type u = a[i * s[1]], v = b[i * s[2]];                                           \
            if (v == 0) return false;                                                              \
            y[i * s[0]] = expr(type, u, v);                                                        \
        }                                                                                          \
        return true;                                                                               \
    }
DEFINE_INTEGER(div_u8, uint8_t, UNSIGNED)
DEFINE_INTEGER(div_i8, int8_t, SIGNED)
DEFINE_INTEGER(div_u16, uint16_t, UNSIGNED)
DEFINE_INTEGER(div_i16, int16_t, SIGNED)
DEFINE_INTEGER(div_u32, uint32_t, UNSIGNED)
DEFINE_INTEGER(div_i32, int32_t, SIGNED)
DEFINE_INTEGER(div_u64, uint64_t, UNSIGNED)
DEFINE_INTEGER(div_i64, int64_t, SIGNED)

static phi_binary_fn *const kernels[PHI_BINARY_TYPES] = PHI_BINARY_TABLE(div);

/* ptrs {y, g, a, b} */
static void grad_a(void *arg, int64_t n, void *const *p, const int64_t *s)
{
    float *y = p[0];
    const float *g = p[1], *b = p[3];
    (void)arg;
    for (int64_t i = 0; i < n; i++)
        y[i * s[0]] = g[i * s[1]] / b[i * s[3]];
}

static void grad_b(void *arg, int64_t n, void *const *p, const int64_t *s)
{
    float *y = p[0];
    const float *g = p[1], *a = p[2], *b = p[3];
    (void)arg;
    for (int64_t i = 0; i < n; i++) {
        float d = b[i * s[3]];
        y[i * s[0]] = -g[i * s[1]] * (a[i * s[2]] / d) / d;
    }
}

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    return phi_binary_forward(e, kernels, err);
}

static enum ph_status backward(const phi_exec *e, ph_error *err)
{
    (void)err;
    return phi_binary_backward(e, grad_a, grad_b);
}

const phi_op phi_op_div = {
    .name = "Div",
    .since = 1,
    .attrs = phi_binary_attrs,
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_ANY,
    .params_bytes = sizeof(phi_binary_params),
    .infer = phi_binary_infer,
    .forward = forward,
    .backward = backward,
};
