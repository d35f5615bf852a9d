/* SPDX-License-Identifier: MIT */
/* Operators on single elements, with broadcasting where there are several inputs. */
#include "oracle.h"

#include <math.h>
#include <string.h>

enum kind { RELU, LEAKY_RELU, SIGMOID, TANH, HARD_SIGMOID, HARD_SWISH, IDENTITY };

typedef struct function {
    enum kind op;
    double alpha, beta;
} function;

static function pick(const or_node *n)
{
    static const char *const names[] = {"Relu",        "LeakyRelu", "Sigmoid", "Tanh",
                                        "HardSigmoid", "HardSwish", "Identity"};
    function f = {.op = IDENTITY, .alpha = 0, .beta = 0};
    for (int i = 0; i <= IDENTITY; i++)
        if (!strcmp(names[i], n->op)) f.op = (enum kind)i;
    if (f.op == LEAKY_RELU) f.alpha = or_float(n, "alpha", 0.01);
    if (f.op == HARD_SIGMOID) {
        f.alpha = or_float(n, "alpha", 0.2);
        f.beta = or_float(n, "beta", 0.5);
    }
    return f;
}

static double apply(const function *f, double x, double *slack)
{
    *slack = 0; /* exact: Relu and Identity */
    switch (f->op) {
    case RELU:
        return x > 0 ? x : 0;
    case LEAKY_RELU:
        *slack = x < 0 ? fabs(f->alpha * x) : 0;
        return x < 0 ? f->alpha * x : x;
    case SIGMOID: {
        double y = 1 / (1 + exp(-x));
        *slack = 4 * y * (2 + fabs(x) * (1 - y));
        return y;
    }
    case TANH: {
        double y = tanh(x);
        *slack = 8 * fabs(y);
        return y;
    }
    case HARD_SIGMOID:
        *slack = 2 * (fabs(f->alpha * x) + fabs(f->beta));
        return fmax(0, fmin(1, f->alpha * x + f->beta));
    case HARD_SWISH:
        *slack = 2 * fabs(x) * (fabs(x) / 6 + 0.5);
        return x * fmax(0, fmin(1, x / 6 + 0.5));
    default:
        return x;
    }
}

bool or_unary(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0];
    function f = pick(n);
    or_array *y = or_new(x->rank, x->dims);
    y->integer = x->integer;
    for (int64_t i = 0; i < x->count; i++)
        y->v[i] = apply(&f, x->v[i], &y->slack[i]);
    out[0] = y;
    return true;
}

/* min(max(x, lo), hi): with lo above hi everything becomes hi. Bounds were attributes before opset
 * 11. */
bool or_clip(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0];
    double lo = n->n_in > 1 && n->in[1] ? n->in[1]->v[0] : or_float(n, "min", -HUGE_VAL);
    double hi = n->n_in > 2 && n->in[2] ? n->in[2]->v[0] : or_float(n, "max", HUGE_VAL);
    or_array *y = or_new(x->rank, x->dims);
    for (int64_t i = 0; i < x->count; i++)
        y->v[i] = fmin(fmax(x->v[i], lo), hi);
    out[0] = y;
    return true;
}

static double operate(char first, double a, double b)
{
    switch (first) {
    case 'A':
        return a + b;
    case 'S':
        return a - b;
    case 'M':
        return a * b;
    default:
        return a / b;
    }
}

/* Add, Sub, Mul, Div: one rounding each, so the slack is an ulp of the result. */
bool or_binary(const or_node *n, or_array **out)
{
    const or_array *a = n->in[0], *b = n->in[1];
    int rank = 0;
    int64_t dims[OR_MAX_RANK];
    if (!or_broadcast(&rank, dims, a) || !or_broadcast(&rank, dims, b)) return false;
    or_array *y = or_new(rank, dims);
    for (int64_t at = 0; at < y->count; at++) {
        int64_t index[OR_MAX_RANK];
        or_coordinates(y, at, index);
        double u = a->v[or_broadcast_at(a, rank, index)], v = b->v[or_broadcast_at(b, rank, index)];
        y->v[at] = operate(n->op[0], u, v);
        y->slack[at] = fabs(y->v[at]);
    }
    out[0] = y;
    return true;
}

bool or_sum(const or_node *n, or_array **out)
{
    int rank = 0;
    int64_t dims[OR_MAX_RANK];
    for (int i = 0; i < n->n_in; i++)
        if (!or_broadcast(&rank, dims, n->in[i])) return false;
    or_array *y = or_new(rank, dims);
    for (int64_t at = 0; at < y->count; at++) {
        int64_t index[OR_MAX_RANK];
        or_coordinates(y, at, index);
        double magnitude = 0;
        for (int i = 0; i < n->n_in; i++) {
            double v = n->in[i]->v[or_broadcast_at(n->in[i], rank, index)];
            y->v[at] += v;
            magnitude += fabs(v);
        }
        y->slack[at] = n->n_in == 1 ? 0 : (double)n->n_in * magnitude;
    }
    out[0] = y;
    return true;
}
