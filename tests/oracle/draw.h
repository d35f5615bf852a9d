/* SPDX-License-Identifier: MIT */
/*
 * Nodes drawn at random, awkward ones on purpose, for the tests of operators and of gradients. The
 * same (operator, seed, index) always gives the same node.
 */
#ifndef DRAW_H
#define DRAW_H

#include "oracle.h"

enum draw_fill {
    DRAW_UNIFORM, /* real numbers */
    DRAW_INTEGER, /* small integers: sums stay below 2^24, so that float is exact */
    DRAW_SPACED   /* real numbers, no two of an input alike: for finite differences */
};

typedef struct draw_case {
    or_node node;
    uint32_t constant; /* bit i: input i is a constant of the graph, not an input */
    uint32_t known;    /* bit i: input i has to be one */
    uint32_t image;    /* bit i: input i comes channels-last */
    bool half;         /* all floats have 16 bits */
    bool exact;        /* float must agree to the bit */
} draw_case;

typedef struct draw_rng {
    uint64_t state;
} draw_rng;

uint64_t draw_u64(draw_rng *r);
int64_t draw_int(draw_rng *r, int64_t lo, int64_t hi); /* lo .. hi, both included */
bool draw_chance(draw_rng *r, int percent);
double draw_uniform(draw_rng *r, double lo, double hi); /* a float's value */

/*
 * Draw a node of `op`. `budget` bounds the multiply-accumulates or elements. Free it with
 * draw_free.
 */
void draw_node(const char *op, uint64_t seed, uint64_t index, enum draw_fill fill, int64_t budget,
               draw_case *out);
void draw_free(draw_case *c);

/* Fill an array: uniform in lo .. hi, or integers or spaced values of that range. */
void draw_values(draw_rng *r, enum draw_fill fill, double lo, double hi, or_array *a);

/* One line that says what the node is. */
void draw_text(const draw_case *c, char *text, size_t n);

#endif /* DRAW_H */
