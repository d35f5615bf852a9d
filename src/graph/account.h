/* SPDX-License-Identifier: MIT */
#ifndef PHI_ACCOUNT_H
#define PHI_ACCOUNT_H

#include "graph/graph.h"

/* Everything is copied: an account outlives its graph. */
struct ph_account {
    ph_allocator mem;
    char *model;
    char *inputs; /* "x float32[1,3,32,32]", several joined by ", " */
    ph_layer_cost *layers;
    size_t n_layers;
    ph_saving *savings;
    size_t n_savings, savings_capacity;
    ph_totals totals;
};

#endif /* PHI_ACCOUNT_H */
