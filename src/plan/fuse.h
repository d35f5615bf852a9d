/* SPDX-License-Identifier: MIT */
/*
 * Which nodes of a graph disappear into the node before them.
 */
#ifndef PHI_FUSE_H
#define PHI_FUSE_H

#include "graph/graph.h"

/* What becomes of a node. */
typedef struct phi_fusion {
    bool live;      /* something needs its results */
    bool absorbed;  /* done by the node that makes its first input */
    ph_value result; /* the value that output 0 holds once fused nodes are in: their last one's */
    ph_value add;   /* what is added to the result before it is clamped, or PH_NONE */
    float lo, hi;
    /* Owned; where an affine was folded in: factors of the weights, one an output channel, and what
     * is there instead of input 2. */
    double *scale;
    ph_tensor *bias;
} phi_fusion;

/*
 * Live nodes, and, if `fuse`, convolutions with the batch norms (as factors of weights, and bias:
 * y = s * (W x + b) + t = (s W) x + (s b + t)), the addition of a value that is there before them (a
 * residual connection), and clamps that follow them alone.
 * *out is [n_nodes].
 */
enum ph_status phi_fuse(const phi_facts *facts, bool fuse, phi_fusion **out, ph_error *err);
void phi_fusion_free(const phi_facts *facts, phi_fusion *fusion);

#endif /* PHI_FUSE_H */
