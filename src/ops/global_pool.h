/* SPDX-License-Identifier: MIT */
/*
 * Pooling over whole images: what GlobalAveragePool, GlobalMaxPool and GlobalLpPool share.
 */
#ifndef PHI_GLOBAL_POOL_H
#define PHI_GLOBAL_POOL_H

#include "graph/op.h"

#define PHI_GLOBAL_BLOCK 64 /* channels that a task handles */

/* n <= PHI_GLOBAL_BLOCK channels of one image, channels-last: its pixels lie `pitch` elements apart. */
typedef struct phi_global_block {
    int64_t pixels, pitch, n;
    const void *params; /* of the node */
    const float *x;     /* [pixels, n] */
    float *y;           /* [n]; forward */
    const float *dy;    /* [n]; backward */
    float *dx;          /* [pixels, n]; backward */
} phi_global_block;

typedef void phi_global_fn(const phi_global_block *b);

/* Input 0 is a float32 image of any rank from 3 on that holds something. */
enum ph_status phi_global_infer(phi_infer *c);
enum ph_status phi_global_forward(const phi_exec *e, phi_global_fn *fn);
enum ph_status phi_global_backward(const phi_exec *e, phi_global_fn *fn);

#endif /* PHI_GLOBAL_POOL_H */
