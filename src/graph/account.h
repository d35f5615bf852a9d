/* SPDX-License-Identifier: MIT */
/* The account: what stands in it, and what its files share while it is made. */
#ifndef PHI_ACCOUNT_H
#define PHI_ACCOUNT_H

#include "graph/graph.h"

/*
 * A figure that somebody published, as the metadata `pinhole.published.*` give it: "6.8M Szegedy
 * 2014, table 1".
 */
typedef struct phi_published {
    char *text;   /* figure and source; NULL: none is given */
    bool is_read; /* the figure could be read: */
    double value;
    double half_digit; /* half a unit of the last digit that is printed */
    size_t n_figure;   /* bytes of `text` that are the figure */
} phi_published;

/* Everything is copied: an account outlives its graph. */
struct ph_account {
    ph_allocator mem;
    char *model;
    char *inputs;        /* "x float32[1,3,32,32]", several joined by ", " */
    char *title, *paper; /* or NULL */
    phi_published parameters, macs;
    char **notes; /* [n_notes] why a count differs */
    size_t n_notes, notes_capacity;
    ph_layer_cost *layers;
    size_t *nodes; /* [n_layers] which node of the graph a layer is */
    size_t n_layers, n_nodes;
    ph_saving *savings;
    size_t n_savings, savings_capacity;
    ph_totals totals;
    bool planned;
    double flop_per_second, bytes_per_second; /* 0: not known */
};

/* An account in the making. */
typedef struct phi_counter {
    ph_account *a;
    const ph_graph *g;
    const phi_facts *f;
    char **unknown; /* [n_nodes] why a node is not understood; NULL: it is */
    size_t n_unknown;
    bool *known;         /* [n_nodes] its results follow from constants alone */
    unsigned char *flow; /* [n_values], see parameters.h */
    ph_value *source;    /* [n_values], see find_sources */
    ph_value *origin;    /* [n_values], see find_origins */
    bool *counted;       /* [n_values] parameters that some node had already */
    int64_t *macs;       /* [n_nodes], or PH_UNKNOWN */
    ph_error *err;
} phi_counter;

enum ph_status phi_count_too_large(const phi_counter *c, const char *name);

/* --- account_kind.c -------------------------------------------------------------------------- */

/* Weights of a node that is a convolution of one group, or NULL (also if their type is not known).
 */
const phi_type *phi_conv_weights(const phi_counter *c, const phi_node *n);
/* Elements of its weights and bias. */
int64_t phi_conv_parameters(const phi_counter *c, const phi_node *n);
bool phi_is_1x1(const phi_type *weights);
enum ph_role phi_role_of(const phi_counter *c, const phi_node *n);
enum ph_kind phi_kind_of(const phi_counter *c, const phi_node *n);
/* Set `classifier` of the layers that make the scores, and the totals of them. */
enum ph_status phi_find_classifier(phi_counter *c);

/* --- account_savings.c ----------------------------------------------------------------------- */

enum ph_status phi_add_savings(phi_counter *c);

/* --- account_notes.c ------------------------------------------------------------------------- */

/* Title, paper, published figures and notes from the graph's metadata. */
enum ph_status phi_add_notes(phi_counter *c);
void phi_free_notes(ph_account *a);

/* --- account.c: for the plan ----------------------------------------------------------------- */

/* Lower bounds anew, after a change of the peak or of what layers move. */
void phi_account_bound(ph_account *a);

#endif /* PHI_ACCOUNT_H */
