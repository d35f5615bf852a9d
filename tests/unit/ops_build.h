/* SPDX-License-Identifier: MIT */
/* From a drawn node to a graph of the library's that holds it. */
#ifndef OPS_BUILD_H
#define OPS_BUILD_H

#include "draw.h"
#include "pinhole/pinhole.h"

typedef struct ops_graph {
    ph_graph *graph;
    size_t n_inputs;
    ph_tensor *input[OR_MAX_IN]; /* [n_inputs] values, in the order of the graph's inputs */
    int which[OR_MAX_IN];        /* [n_inputs] the node's input that each of them is */
} ops_graph;

/* Build and check. Free it with ops_graph_free, whatever came of it. */
enum ph_status ops_build(const draw_case *c, ops_graph *out, ph_error *err);
void ops_graph_free(ops_graph *g);

/* The library's type of an array of the oracle, and element i of data of that type. */
enum ph_dtype ops_dtype(const or_array *a);
double ops_get(enum ph_dtype dtype, const void *data, int64_t i);

#endif /* OPS_BUILD_H */
