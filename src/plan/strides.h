/* SPDX-License-Identifier: MIT */
#ifndef PHI_STRIDES_H
#define PHI_STRIDES_H

#include "graph/graph.h"

/*
 * The graph behind `facts` without results that nobody looks at: where all readers of a value are 1x1
 * convolutions of stride s, its maker computes every s-th pixel only and they have stride 1. So it is
 * between the stages of a ResNet whose stride is in the first 1x1. Strides move up through clamps,
 * affine nodes and additions to the convolutions in front of them; an operand of an addition that
 * others need in full is thinned out by a MaxPool of a single pixel. Results are the same to the bit
 * but for what another way to compute a convolution rounds.
 *
 * Values keep their numbers; constants are borrowed from `facts`, which must live as long. *out is
 * NULL if there is nothing to gain.
 */
enum ph_status phi_push_strides(const phi_facts *facts, ph_graph **out, ph_error *err);

#endif /* PHI_STRIDES_H */
