/* SPDX-License-Identifier: MIT */
/*
 * What DepthToSpace and SpaceToDepth share: blocks of b x b pixels on one side, b * b times the
 * channels on the other. Both sides are views [n, c, h, b, w, b] of one another, in any layout.
 */
#ifndef PHI_BLOCKS_H
#define PHI_BLOCKS_H

#include "graph/tensor.h"
#include "ops/move.h"

typedef struct phi_block_params {
    int64_t size;        /* b */
    bool channels_first; /* deep channels are counted [c, b, b] (CRD), not [b, b, c] (DCR) */
} phi_block_params;

/* blocksize; the checks that both need. Input 0 is [n,c,h,w]. */
enum ph_status phi_block_infer(phi_infer *c, phi_block_params *p);

/* Copy: from the deep view to the wide one, or back. One of them is written. */
void phi_block_copy(phi_pool *pool, const phi_block_params *p, const phi_view *deep,
                    const phi_view *wide, bool to_wide);

#endif /* PHI_BLOCKS_H */
