/* SPDX-License-Identifier: MIT */
#ifndef PHI_CLIP_H
#define PHI_CLIP_H

#include "graph/op.h"

/* Parameters of a Clip node after its shape rule: what a plan needs to fuse it behind a Conv. */
typedef struct phi_clip_params {
    bool known;   /* both bounds are: no need to look at inputs 1 and 2 */
    float lo, hi; /* of float32; the bound that an input gives while running is not in here */
} phi_clip_params;

#endif /* PHI_CLIP_H */
