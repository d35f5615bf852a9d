/* SPDX-License-Identifier: MIT */
/* What tables for people are put together from: numbers, names, ratios, in columns. */
#ifndef PHI_CELLS_H
#define PHI_CELLS_H

#include <stdio.h>

#include "graph/account.h"

enum { PHI_LINE = 100, PHI_GROUPED_BYTES = 32 };

/* Where a table goes. */
typedef struct phi_cells {
    const ph_allocator *mem;
    FILE *f;
    bool no_memory; /* a name is missing */
} phi_cells;

/* 1234567 as "1,234,567"; PH_UNKNOWN as "?". */
const char *phi_grouped(int64_t n, char buf[PHI_GROUPED_BYTES]);

/* "1x64x28x28"; "?" if it is not known. */
const char *phi_shape_text(const ph_layer_cost *l, char buf[PHI_TYPE_TEXT]);

/* Characters of a UTF-8 text. */
int phi_length(const char *s);

/*
 * Print a name in at most `width` characters: clean, and where it is longer without its middle,
 * which says least of a layer's name, or its end, which says least of an operator's. Returns the
 * characters printed.
 */
int phi_put_layer_name(phi_cells *c, const char *name, int width);
int phi_put_op_name(phi_cells *c, const char *name, int width);
/* The same, filled up with blanks to `width`. */
void phi_put_name_column(phi_cells *c, const char *name, int width);

/* A text in lines of at most PHI_LINE characters, the second and later ones indented. Text that is
 * printed before it takes `used` characters of the first one. */
void phi_put_wrapped(phi_cells *c, const char *text, int used, int indent);

double phi_percent(int64_t part, int64_t whole);
int phi_wider(int width, const char *text);

/* b / a to three digits ("8.71", "0.0931", "1234"), "=" where they are the same, "" where there is
 * nothing to divide. */
const char *phi_ratio(double a, double b, char buf[PHI_GROUPED_BYTES]);

#endif /* PHI_CELLS_H */
