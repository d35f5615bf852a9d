/* SPDX-License-Identifier: MIT */
/*
 * With p = softmax(x) and target t (which sums to 1): loss = log sum exp(x) - sum t x, and its
 * gradient is p - t. All sums are in double and in the order of images and classes.
 */
#include "train/loss.h"

#include <math.h>

size_t phi_argmax(const float *x, int64_t stride, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (x[(int64_t)i * stride] > x[(int64_t)best * stride]) best = i;
    return best;
}

double phi_log_sum_exp(const float *x, int64_t stride, size_t n)
{
    double max = (double)x[(int64_t)phi_argmax(x, stride, n) * stride], sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += exp((double)x[(int64_t)i * stride] - max);
    return max + log(sum);
}

/* Loss of one image: x [classes] at `stride`. */
static double image_loss(const float *x, int64_t stride, size_t classes, size_t label,
                         double smoothing, double log_sum)
{
    double mean = 0;
    for (size_t i = 0; smoothing > 0 && i < classes; i++)
        mean += (double)x[(int64_t)i * stride] / (double)classes;
    return log_sum - (1 - smoothing) * (double)x[(int64_t)label * stride] - smoothing * mean;
}

/* dx = scale * (softmax(x) - target) */
static void image_gradient(const float *x, int64_t stride, size_t classes, size_t label,
                           double smoothing, double log_sum, double scale, float *dx,
                           int64_t dstride)
{
    for (size_t i = 0; i < classes; i++) {
        double target = smoothing / (double)classes + (i == label ? 1 - smoothing : 0);
        double p = exp((double)x[(int64_t)i * stride] - log_sum);
        dx[(int64_t)i * dstride] = (float)(scale * (p - target));
    }
}

phi_loss phi_softmax_loss(const phi_view *logits, const uint8_t *labels, double smoothing,
                          const phi_view *dlogits)
{
    size_t n = (size_t)logits->type.dims[0], classes = (size_t)logits->type.dims[1];
    int64_t stride = logits->strides[1];
    phi_loss loss = {0, 0};
    for (size_t i = 0; i < n; i++) {
        const float *x = (const float *)logits->data + (int64_t)i * logits->strides[0];
        double log_sum = phi_log_sum_exp(x, stride, classes);
        loss.sum += image_loss(x, stride, classes, labels[i], smoothing, log_sum);
        loss.n_correct += phi_argmax(x, stride, classes) == labels[i];
        if (phi_view_absent(dlogits)) continue;
        float *dx = (float *)dlogits->data + (int64_t)i * dlogits->strides[0];
        image_gradient(x, stride, classes, labels[i], smoothing, log_sum, 1 / (double)n, dx,
                       dlogits->strides[1]);
    }
    return loss;
}
