/* SPDX-License-Identifier: MIT */
/* Random nodes of functions of one number and of arithmetic of several. */
#include "draw_sheet.h"

#include <math.h>
#include <string.h>

enum { FLOAT = 1, UINT8 = 2, INT8 = 3, INT32 = 6, INT64 = 7, BOOL = 9, DOUBLE = 11, UINT32 = 12 };

/* The arguments a function is for, and the first opset that has it. */
typedef struct formula {
    const char *op;
    int opset;
    double lo, hi;
    bool integers; /* takes them, too */
} formula;

static const formula formulas[] = {
    {"Sqrt", 6, 0.01, 30, false},     {"Exp", 6, -8, 3, false},
    {"Log", 6, 0.01, 30, false},      {"Sin", 7, -4, 4, false},
    {"Cos", 7, -4, 4, false},         {"Tan", 7, -1.2, 1.2, false},
    {"Asin", 7, -0.95, 0.95, false},  {"Acos", 7, -0.95, 0.95, false},
    {"Atan", 7, -4, 4, false},        {"Sinh", 9, -4, 4, false},
    {"Cosh", 9, -4, 4, false},        {"Asinh", 9, -4, 4, false},
    {"Acosh", 9, 1.1, 9, false},      {"Atanh", 9, -0.9, 0.9, false},
    {"Reciprocal", 6, 0.2, 4, false}, {"Abs", 6, -4, 4, true},
    {"Neg", 6, -4, 4, true},          {"Sign", 9, -4, 4, true},
    {"Floor", 6, 0, 20, false},       {"Ceil", 6, 0, 20, false},
    {"Round", 11, 0, 20, false},
};

void draw_formula(sheet *s)
{
    or_node *n = &s->c->node;
    const formula *f = formulas;
    int64_t dims[6];
    while (strcmp(f->op, n->op) != 0)
        f++;
    int rank = shape(s, 0, 6, dims);
    n->opset = (int)ONE_OF(&s->r, f->opset, 13, 17);
    bool exact = strchr("ANFR", n->op[0]) || !strcmp(n->op, "Sign") || !strcmp(n->op, "Ceil");
    if (strchr("AR", n->op[0]) && strcmp(n->op, "Abs") && strcmp(n->op, "Round")) exact = false;
    s->c->exact = exact;
    if (f->integers && s->fill == DRAW_INTEGER) {
        give_typed(s, (int)ONE_OF(&s->r, INT8, INT32, INT64, DOUBLE), rank, dims, -40, 40);
        return;
    }
    if (s->fill == DRAW_INTEGER) s->fill = DRAW_UNIFORM; /* whole numbers may be out of range */
    or_array *x = give(s, rank, dims, f->lo, f->hi);
    for (int64_t i = 0; i < x->count && f->hi == 20; i++)
        if (i % 2 == 0) x->v[i] = -floor(x->v[i]) - 0.5; /* halves, below 0 */
}

/* Not a number here and there, infinities. */
void draw_classify(sheet *s)
{
    or_node *n = &s->c->node;
    int64_t dims[6];
    int rank = shape(s, 0, 5, dims);
    n->opset = (int)ONE_OF(&s->r, 10, 13, 20);
    s->c->exact = true;
    if (!strcmp(n->op, "Not")) {
        give_typed(s, BOOL, rank, dims, 0, 1);
        return;
    }
    or_array *x = give(s, rank, dims, -1, 1);
    if (draw_chance(&s->r, 30)) x->dtype = DOUBLE;
    for (int64_t i = 0; i < x->count; i++) {
        int64_t kind = draw_int(&s->r, 0, 9);
        if (kind > 1)
            x->v[i] = kind < 4 && n->op[2] == 'I' ? HUGE_VAL : kind < 6 ? -HUGE_VAL : (double)NAN;
    }
    if (!strcmp(n->op, "IsInf") && draw_chance(&s->r, 40)) {
        or_set_int(n, "detect_negative", draw_int(&s->r, 0, 1));
        or_set_int(n, "detect_positive", 1);
        for (int64_t i = 0; i < x->count; i += 2)
            x->v[i] = HUGE_VAL;
    }
}

/* Two shapes that broadcast together, of `rank` dimensions at most. */
static int two_shapes(sheet *s, int64_t *a, int64_t *b, int *rank_b)
{
    int rank = shape(s, 0, 5, a);
    *rank_b = narrower(s, rank, a, b);
    return rank;
}

void draw_pow(sheet *s)
{
    draw_rng *r = &s->r;
    int64_t a[6], b[6];
    int rank_b, rank = two_shapes(s, a, b, &rank_b);
    bool real = s->fill != DRAW_INTEGER, mixed = draw_chance(r, 40);
    s->c->node.opset = real && !mixed && draw_chance(r, 30) ? 7 : (int)ONE_OF(r, 12, 13, 15);
    if (real) {
        give(s, rank, a, 0.2, 3);
        if (mixed && s->fill != DRAW_SPACED)
            give_typed(s, (int)ONE_OF(r, INT32, INT64, DOUBLE), rank_b, b, -2, 3);
        else
            give(s, rank_b, b, -1.5, 2.5);
        if (draw_chance(r, 25) && s->fill != DRAW_SPACED)
            for (int64_t i = 0; i < s->c->node.in[1]->count; i++)
                s->c->node.in[1]->v[i] = 2;
        return;
    }
    s->c->exact = true;
    give_typed(s, (int)ONE_OF(r, INT32, INT64), rank, a, -5, 5);
    give_typed(s, (int)ONE_OF(r, INT32, INT64, FLOAT), rank_b, b, 0, 5);
}

void draw_mod(sheet *s)
{
    int64_t a[6], b[6];
    int rank_b, rank = two_shapes(s, a, b, &rank_b);
    int dtype = (int)ONE_OF(&s->r, FLOAT, DOUBLE, INT8, INT32, INT64, UINT8, UINT32);
    bool is_real = dtype == FLOAT || dtype == DOUBLE,
         is_unsigned = dtype == UINT8 || dtype == UINT32;
    give_typed(s, dtype, rank, a, is_unsigned ? 0 : -100, 100);
    or_array *v = give_typed(s, dtype, rank_b, b, 7, 23);
    for (int64_t i = 0; i < v->count && !is_unsigned; i += 2)
        v->v[i] = -v->v[i];
    if (is_real || draw_chance(&s->r, 40)) or_set_int(&s->c->node, "fmod", 1);
    s->c->exact = true;
}

void draw_variadic(sheet *s)
{
    int64_t dims[6], other[6];
    int rank = shape(s, 0, 5, dims), n = (int)draw_int(&s->r, 1, 5);
    bool mean = !strcmp(s->c->node.op, "Mean");
    int dtype = s->fill == DRAW_INTEGER && !mean && draw_chance(&s->r, 60)
                    ? (int)ONE_OF(&s->r, INT8, INT32, INT64, UINT8, DOUBLE)
                    : 0;
    bool same = draw_chance(&s->r, 20);
    if (same) s->c->node.opset = dtype ? 8 : (int)ONE_OF(&s->r, 6, 7, 8);
    for (int i = 0; i < n; i++) {
        bool full = same || draw_chance(&s->r, 60);
        int rank_i = full ? rank : narrower(s, rank, dims, other);
        if (dtype)
            give_typed(s, dtype, rank_i, full ? dims : other, dtype == UINT8 ? 0 : -50, 100);
        else
            give(s, rank_i, full ? dims : other, -1, 1);
    }
    maybe_constant(s, n - 1, n > 1 ? 30 : 0);
    s->c->exact = !mean || n == 1;
}
