/* SPDX-License-Identifier: MIT */
/* What the functions that draw an operator's nodes share. */
#ifndef DRAW_SHEET_H
#define DRAW_SHEET_H

#include "draw.h"

/* A node being drawn. */
typedef struct sheet {
    draw_rng r;
    enum draw_fill fill;
    int64_t budget; /* multiply-accumulates, or elements */
    draw_case *c;
} sheet;

int64_t draw_one_of(draw_rng *r, const int64_t *list, size_t n);
#define ONE_OF(r, ...)                                                                             \
    draw_one_of(r, (const int64_t[]){__VA_ARGS__},                                                 \
                sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t))
int64_t channels(draw_rng *r); /* an awkward number of them */

/* Add an input of floats lo .. hi. */
or_array *give(sheet *s, int rank, const int64_t *dims, double lo, double hi);
/* Add an input of whole numbers lo .. hi of an ONNX type. */
or_array *give_typed(sheet *s, int dtype, int rank, const int64_t *dims, int64_t lo, int64_t hi);
/* Add a constant input of int64, one-dimensional. */
void give_integers(sheet *s, int n, const int64_t *values);
void leave_out(sheet *s);
void maybe_constant(sheet *s, int input, int percent);

int64_t product(int rank, const int64_t *dims);
/* A shape of `lo` .. `hi` dimensions with no more elements than the budget. */
int shape(sheet *s, int lo, int hi, int64_t *dims);
/* An image [n,c,(h,)w]: 2-D mostly. */
int image(sheet *s, int64_t *dims);
/* A shape that broadcasts into `dims`. */
int narrower(sheet *s, int rank, const int64_t *dims, int64_t *out);

/* several operators share a function: declared once for each */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wredundant-decls"
#define OR_OP(op, compute, draw) void draw(sheet *s);
#include "oracle_ops.def"
#undef OR_OP
#pragma GCC diagnostic pop

#endif /* DRAW_SHEET_H */
