/* SPDX-License-Identifier: MIT */
/* Functions of one number; powers, rests, largest, smallest and mean of several. */
#include "oracle.h"

#include <math.h>
#include <string.h>

enum { BOOL = 9 }; /* TensorProto.DataType */

/* What is done, and by how much a float's rounding of the argument is magnified in the result. */
typedef struct formula {
    const char *op;
    double (*f)(double);
    double (*magnified)(double x, double y); /* |x f'(x)|; NULL: the result is exact */
} formula;

static double reciprocal(double x)
{
    return 1 / x;
}
static double negative(double x)
{
    return -x;
}
static double sign(double x)
{
    return x > 0 ? 1 : x < 0 ? -1 : 0;
}
static double truth_not(double x)
{
    return x == 0;
}
static double is_nan(double x)
{
    return x != x;
}

/* Halves to the even neighbour. */
static double nearest(double x)
{
    double below = floor(x), rest = x - below;
    if (rest != 0.5) return rest < 0.5 ? below : below + 1;
    return fmod(below, 2) == 0 ? below : below + 1;
}

static double like_y(double x, double y)
{
    return (void)x, fabs(y);
}
static double like_exp(double x, double y)
{
    return fabs(y) * (1 + fabs(x));
}
static double like_log(double x, double y)
{
    return (void)x, 1 + fabs(y);
}
static double like_wave(double x, double y)
{
    return 1 + fabs(x) + fabs(y);
}
static double like_tan(double x, double y)
{
    return 1 + fabs(x) * (1 + y * y) + fabs(y);
}
static double like_arc(double x, double y)
{
    return 1 + fabs(x) / sqrt(1.0001 - x * x) + fabs(y);
}
static double like_arcosh(double x, double y)
{
    return 1 + x / sqrt(x * x - 0.9999) + fabs(y);
}
static double like_artanh(double x, double y)
{
    return 1 + fabs(x) / (1.0001 - x * x) + fabs(y);
}

static const formula formulas[] = {
    {"Sqrt", sqrt, like_y},
    {"Exp", exp, like_exp},
    {"Log", log, like_log},
    {"Sin", sin, like_wave},
    {"Cos", cos, like_wave},
    {"Tan", tan, like_tan},
    {"Asin", asin, like_arc},
    {"Acos", acos, like_arc},
    {"Atan", atan, like_wave},
    {"Sinh", sinh, like_exp},
    {"Cosh", cosh, like_exp},
    {"Asinh", asinh, like_wave},
    {"Acosh", acosh, like_arcosh},
    {"Atanh", atanh, like_artanh},
    {"Reciprocal", reciprocal, like_y},
    {"Abs", fabs, NULL},
    {"Neg", negative, NULL},
    {"Sign", sign, NULL},
    {"Floor", floor, NULL},
    {"Ceil", ceil, NULL},
    {"Round", nearest, NULL},
    {"Not", truth_not, NULL},
    {"IsNaN", is_nan, NULL},
};

static or_array *like(const or_array *x, int rank, const int64_t *dims)
{
    or_array *y = or_new(rank, dims);
    y->integer = x->integer;
    y->dtype = x->dtype;
    return y;
}

bool or_formula(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0];
    const formula *f = formulas;
    while (strcmp(f->op, n->op) != 0)
        f++;
    or_array *y = like(x, x->rank, x->dims);
    if (f->f == is_nan || f->f == truth_not) y->integer = true, y->dtype = BOOL;
    for (int64_t i = 0; i < x->count; i++) {
        y->v[i] = f->f(x->v[i]);
        if (f->magnified) y->slack[i] = 4 * f->magnified(x->v[i], y->v[i]);
    }
    out[0] = y;
    return true;
}

bool or_is_inf(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0];
    or_array *y = or_new(x->rank, x->dims);
    y->integer = true;
    y->dtype = BOOL;
    for (int64_t i = 0; i < x->count; i++)
        y->v[i] = (x->v[i] == HUGE_VAL && or_int(n, "detect_positive", 1)) ||
                  (x->v[i] == -HUGE_VAL && or_int(n, "detect_negative", 1));
    out[0] = y;
    return true;
}

static double at(const or_array *a, const or_array *y, int64_t k)
{
    int64_t index[OR_MAX_RANK];
    or_coordinates(y, k, index);
    return a->v[or_broadcast_at(a, y->rank, index)];
}

/* Shape and type of a node that broadcasts all its inputs and has the type of the first. */
static or_array *spread(const or_node *n)
{
    int rank = 0;
    int64_t dims[OR_MAX_RANK];
    for (int i = 0; i < n->n_in; i++)
        if (!or_broadcast(&rank, dims, n->in[i])) return NULL;
    return like(n->in[0], rank, dims);
}

bool or_pow(const or_node *n, or_array **out)
{
    or_array *y = spread(n);
    for (int64_t k = 0; y && k < y->count; k++) {
        double u = at(n->in[0], y, k), v = at(n->in[1], y, k), p = pow(u, v);
        y->v[k] = y->integer ? trunc(p) : p;
        y->slack[k] = 4 * fabs(p) * (1 + fabs(v) + fabs(v * log(fabs(u) + 1e-30)));
    }
    out[0] = y;
    return y;
}

/* Of whole numbers: floor division's rest, or what C's fmod leaves. */
bool or_mod(const or_node *n, or_array **out)
{
    or_array *y = spread(n);
    bool c = or_int(n, "fmod", 0) != 0;
    for (int64_t k = 0; y && k < y->count; k++) {
        double u = at(n->in[0], y, k), v = at(n->in[1], y, k);
        y->v[k] = c ? u - v * trunc(u / v) : u - v * floor(u / v);
    }
    out[0] = y;
    return y;
}

/* Max, Min, Mean */
bool or_variadic(const or_node *n, or_array **out)
{
    or_array *y = spread(n);
    for (int64_t k = 0; y && k < y->count; k++) {
        double sum = 0, size = 0, most = -HUGE_VAL, least = HUGE_VAL;
        for (int i = 0; i < n->n_in; i++) {
            double v = at(n->in[i], y, k);
            sum += v;
            size += fabs(v);
            most = fmax(most, v);
            least = fmin(least, v);
        }
        y->v[k] = !strcmp(n->op, "Mean") ? sum / n->n_in : n->op[1] == 'a' ? most : least;
        y->slack[k] = !strcmp(n->op, "Mean") && n->n_in > 1 ? 2 * size : 0;
    }
    out[0] = y;
    return y;
}
