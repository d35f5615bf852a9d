/* SPDX-License-Identifier: MIT */
/* Activations beyond the simplest: one formula each, from ONNX's Operators.md. */
#include "oracle.h"

#include <math.h>
#include <string.h>

typedef double formula(const or_node *n, double x);

static double elu(const or_node *n, double x)
{
    return x < 0 ? or_float(n, "alpha", 1) * (exp(x) - 1) : x;
}

static double selu(const or_node *n, double x)
{
    double alpha = or_float(n, "alpha", n->opset < 6 ? 1.6732 : 1.67326319217681884765625);
    double gamma = or_float(n, "gamma", n->opset < 6 ? 1.0507 : 1.05070102214813232421875);
    return x <= 0 ? gamma * (alpha * exp(x) - alpha) : gamma * x;
}

static double celu(const or_node *n, double x)
{
    double alpha = or_float(n, "alpha", 1);
    return fmax(0, x) + fmin(0, alpha * (exp(x / alpha) - 1));
}

static double gelu(const or_node *n, double x)
{
    if (!strcmp(or_string(n, "approximate", "none"), "tanh")) {
        double inner = sqrt(2 / acos(-1.0)) * (x + (double)0.044715f * x * x * x);
        return x / (1 + exp(-2 * inner)); /* = x / 2 (1 + tanh) */
    }
    return x < 0 ? 0.5 * x * erfc(-x / sqrt(2.0)) : 0.5 * x * (1 + erf(x / sqrt(2.0)));
}

static double mish(const or_node *n, double x)
{
    (void)n;
    return x * tanh(log1p(exp(x)));
}

static double swish(const or_node *n, double x)
{
    return x / (1 + exp(-or_float(n, "alpha", 1) * x));
}

static double softplus(const or_node *n, double x)
{
    (void)n;
    return log1p(exp(x));
}

static double softsign(const or_node *n, double x)
{
    (void)n;
    return x / (1 + fabs(x));
}

static double erf_of(const or_node *n, double x)
{
    (void)n;
    return erf(x);
}

static double thresholded_relu(const or_node *n, double x)
{
    return x > or_float(n, "alpha", 1) ? x : 0;
}

static double shrink(const or_node *n, double x)
{
    double lambd = or_float(n, "lambd", 0.5), bias = or_float(n, "bias", 0);
    return x < -lambd ? x + bias : x > lambd ? x - bias : 0;
}

static formula *pick(const char *op)
{
    static const struct {
        const char *op;
        formula *f;
    } table[] = {{"Elu", elu},           {"Selu", selu},
                 {"Celu", celu},         {"Gelu", gelu},
                 {"Mish", mish},         {"Swish", swish},
                 {"Softplus", softplus}, {"Softsign", softsign},
                 {"Erf", erf_of},        {"ThresholdedRelu", thresholded_relu},
                 {"Shrink", shrink}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (!strcmp(table[i].op, op)) return table[i].f;
    return NULL;
}

/* The slack: some roundings of the result, and some of the argument, which count by the slope. */
bool or_activation(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0];
    or_array *y = or_new(x->rank, x->dims);
    formula *f = pick(n->op);
    for (int64_t i = 0; i < x->count; i++) {
        double v = x->v[i], h = 1e-6 * fmax(fabs(v), 1e-3);
        double slope = (f(n, v + h) - f(n, v - h)) / (2 * h);
        y->v[i] = f(n, v);
        y->slack[i] = 6 * (fabs(y->v[i]) + fabs(v * slope));
    }
    out[0] = y;
    return true;
}

/* Slope of the element at `index` of x: stretched, or before opset 7 one for each channel. */
static double slope_at(const or_node *n, const int64_t *index)
{
    const or_array *x = n->in[0], *slope = n->in[1];
    if (n->opset < 7 && slope->rank == 1) return slope->v[slope->count == 1 ? 0 : index[1]];
    return slope->v[or_broadcast_at(slope, x->rank, index)];
}

bool or_prelu(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0];
    or_array *y = or_new(x->rank, x->dims);
    for (int64_t i = 0; i < x->count; i++) {
        int64_t index[OR_MAX_RANK];
        or_coordinates(x, i, index);
        y->v[i] = x->v[i] < 0 ? x->v[i] * slope_at(n, index) : x->v[i];
        y->slack[i] = x->v[i] < 0 ? fabs(y->v[i]) : 0;
    }
    out[0] = y;
    return true;
}

/* 1 for the first of the largest along an axis; before opset 13 over all from the axis on. */
bool or_hardmax(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0];
    int64_t axis = or_int(n, "axis", n->opset < 13 ? 1 : -1), size = 1, inner = 1;
    if (axis < 0) axis += x->rank;
    for (int i = (int)axis; i < x->rank; i++)
        if (i == axis || n->opset < 13)
            size *= x->dims[i];
        else
            inner *= x->dims[i];
    or_array *y = or_new(x->rank, x->dims);
    for (int64_t group = 0; group < x->count / size; group++) {
        int64_t first = group / inner * size * inner + group % inner, best = first;
        for (int64_t i = 0; i < size; i++)
            if (x->v[first + i * inner] > x->v[best]) best = first + i * inner;
        y->v[best] = 1;
    }
    out[0] = y;
    return true;
}
