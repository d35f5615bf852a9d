/* SPDX-License-Identifier: MIT */
/* Softmax cross-entropy on logits, with its gradient. */
#ifndef PHI_LOSS_H
#define PHI_LOSS_H

#include "graph/tensor.h"

typedef struct phi_loss {
    double sum;       /* over the images, nats */
    size_t n_correct; /* images whose largest logit is their label's */
} phi_loss;

/*
 * logits    [n,classes] or [n,classes,1,1], any strides, float32
 * labels    [n], each < classes
 * smoothing 0 .. 1: the target is (1 - smoothing) one-hot + smoothing / classes
 *           (Szegedy 2016, arXiv:1512.00567, sec. 7)
 * dlogits   absent, or out: the gradient of the mean over the images
 */
phi_loss phi_softmax_loss(const phi_view *logits, const uint8_t *labels, double smoothing,
                          const phi_view *dlogits);

/* The first of the largest of x[0], x[stride], ...; n > 0. Never one that is NaN unless it is
 * number 0. */
size_t phi_argmax(const float *x, int64_t stride, size_t n);

/* log of the sum of exp(x[i * stride]), in double, without overflow. */
double phi_log_sum_exp(const float *x, int64_t stride, size_t n);

#endif /* PHI_LOSS_H */
