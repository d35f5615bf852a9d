/* SPDX-License-Identifier: MIT */
/*
 * Gelu (Hendrycks 2016, arXiv:1606.08415): y = x * P(N(0, 1) <= x), that is
 * x / 2 * (1 + erf(x / sqrt(2))), or with approximate = "tanh" their approximation
 * x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))).
 */
#include "kernels/erf_f32.h"
#include "ops/op_check.h"
#include "ops/unary.h"

typedef struct gelu_params {
    bool by_tanh;
} gelu_params;

static enum ph_status gelu_infer(phi_infer *c)
{
    gelu_params *p = c->params;
    const char *word = phi_attr_string(c->node, "approximate", "none");
    p->by_tanh = strcmp(word, "tanh") == 0;
    if (!p->by_tanh && strcmp(word, "none") != 0)
        return phi_op_fail(c, PH_ERR_ARG, "approximate is '%s', wanted none or tanh", word);
    return phi_unary_infer(c);
}

#define SQRT_2_PI 0.797884560802865356f /* sqrt(2 / pi) */
#define CUBIC 0.044715f

/* tanh(z) = 1 - 2 / (1 + exp(2 z)) as part of (1 + tanh(z)) / 2 = 1 / (1 + exp(-2 z)) */
static inline float tanh_gate(float x)
{
    return phi_sigmoid(2.0f * SQRT_2_PI * (x + CUBIC * x * x * x));
}

static void gelu(const void *params, int64_t n, const float *x, float *y)
{
    if (((const gelu_params *)params)->by_tanh) {
        for (int64_t i = 0; i < n; i++)
            y[i] = x[i] * tanh_gate(x[i]);
    } else {
        for (int64_t i = 0; i < n; i++)
            y[i] = x[i] * phi_normal(x[i]);
    }
}

static void gelu_grad(const void *params, int64_t n, const float *x, const float *y,
                      const float *dy, float *dx)
{
    (void)y;
    if (((const gelu_params *)params)->by_tanh) {
        for (int64_t i = 0; i < n; i++) {
            float s = tanh_gate(x[i]), inner = 1.0f + 3.0f * CUBIC * x[i] * x[i];
            dx[i] = dy[i] * (s + x[i] * 2.0f * s * (1.0f - s) * SQRT_2_PI * inner);
        }
    } else {
        for (int64_t i = 0; i < n; i++) {
            float density = 0.5f * SQRT_2_PI * phi_exp(-0.5f * x[i] * x[i]);
            dx[i] = dy[i] * (phi_normal(x[i]) + x[i] * density);
        }
    }
}

static const phi_attr_rule gelu_attrs[] = {
    {"approximate", PH_ATTR_STRING, 20, 0, false},
    {0},
};

PHI_UNARY_OP(gelu, "Gelu", 20, gelu_attrs, sizeof(gelu_params), gelu_infer, gelu, gelu_grad);
