/* SPDX-License-Identifier: MIT */
/* Graphs and their accounts, for the tests of the account. What fails here fails the running test.
 */
#ifndef ACCOUNT_MAKE_H
#define ACCOUNT_MAKE_H

#include "pinhole/pinhole.h"

/* A network text. */
ph_graph *parse(const char *text);

/* A graph by hand: with one float input; constants of zeros; nodes with one output. */
ph_graph *graph_with(size_t rank, const int64_t *dims, ph_value *x);
ph_value constant(ph_graph *g, const char *name, enum ph_dtype type, size_t rank,
                  const int64_t *dims);
ph_value weights(ph_graph *g, const char *name, int64_t k, int64_t c, int64_t r); /* [k,c,r,r] */
ph_value node(ph_graph *g, const char *op, const char *name, size_t n_in, const ph_value *in);
ph_value unary(ph_graph *g, const char *op, const char *name, ph_value x);
ph_value binary(ph_graph *g, const char *op, const char *name, ph_value x, ph_value y);

/* Accounts. All but the first free the graph: an account outlives it. */
ph_account *account_of(const ph_graph *g, size_t n_hints, const ph_shape_hint *hints);
ph_account *account_and_free(ph_graph *g);
ph_account *account_of_output(ph_graph *g, ph_value y); /* which becomes the graph's output */
ph_account *account_of_text(const char *text);
ph_account *account_of_zoo(const char *name);

/* By name, which must be there. */
const ph_layer_cost *layer(const ph_account *a, const char *name);
const ph_saving *saving(const ph_account *a, const char *reduction);

#endif /* ACCOUNT_MAKE_H */
