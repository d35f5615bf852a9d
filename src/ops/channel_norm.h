/* SPDX-License-Identifier: MIT */
/*
 * Normalisation of each image's groups of channels: InstanceNormalization, whose groups are single
 * channels, and GroupNormalization.
 *     y = (x - mean) / sqrt(var + epsilon) * scale + bias
 * Mean and variance (of the population) are those of a group over all its pixels.
 */
#ifndef PHI_CHANNEL_NORM_H
#define PHI_CHANNEL_NORM_H

#include "graph/op.h"

typedef struct phi_channel_norm {
    int64_t groups;
    int64_t scale_each; /* channels that an element of scale and bias is for */
    float epsilon;
} phi_channel_norm;

/* Check x [n,c,...], scale and bias of as many elements as `p` says; the output is like x. */
enum ph_status phi_channel_norm_infer(phi_infer *c, const phi_channel_norm *p);

size_t phi_channel_norm_work_bytes(const phi_exec *e, bool backward);
enum ph_status phi_channel_norm_forward(const phi_exec *e, ph_error *err);
enum ph_status phi_channel_norm_backward(const phi_exec *e, ph_error *err);

#endif /* PHI_CHANNEL_NORM_H */
