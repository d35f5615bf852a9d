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

#endif /* OPS_BUILD_H */
