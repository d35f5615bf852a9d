/* SPDX-License-Identifier: MIT */
/* Operators that look at a whole channel, axis or neighbourhood of channels. */
#include "oracle.h"

#include <math.h>
#include <string.h>

/* Elements per image and channel. */
static int64_t plane_size(const or_array *x)
{
    int64_t size = 1;
    for (int i = 2; i < x->rank; i++)
        size *= x->dims[i];
    return size;
}

static void channel_statistics(const or_array *x, int64_t c, double *mean, double *variance)
{
    int64_t size = plane_size(x), channels = x->dims[1];
    double n = (double)(x->dims[0] * size), sum = 0, squares = 0;
    for (int64_t image = 0; image < x->dims[0]; image++)
        for (int64_t i = 0; i < size; i++)
            sum += x->v[(image * channels + c) * size + i];
    *mean = sum / n;
    for (int64_t image = 0; image < x->dims[0]; image++)
        for (int64_t i = 0; i < size; i++) {
            double d = x->v[(image * channels + c) * size + i] - *mean;
            squares += d * d;
        }
    *variance = squares / n; /* of the population: n, not n - 1 */
}

/* Before opset 9, spatial = 0: statistics, scale and bias for each element of an image. */
static bool normalise_each(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0];
    double epsilon = or_float(n, "epsilon", 1e-5);
    int64_t size = x->count / x->dims[0];
    or_array *y = or_new(x->rank, x->dims);
    for (int64_t i = 0; i < x->count; i++) {
        int64_t at = i % size;
        double factor = n->in[1]->v[at] / sqrt(n->in[4]->v[at] + epsilon);
        double mean = n->in[3]->v[at], bias = n->in[2]->v[at];
        y->v[i] = (x->v[i] - mean) * factor + bias;
        y->slack[i] = or_sum_slack(1, (fabs(x->v[i]) + fabs(mean)) * fabs(factor) + fabs(bias));
    }
    out[0] = y;
    return true;
}

bool or_batch_normalization(const or_node *n, or_array **out)
{
    if (n->opset < 9 && or_int(n, "spatial", 1) == 0) return normalise_each(n, out);
    const or_array *x = n->in[0], *scale = n->in[1], *bias = n->in[2];
    const or_array *in_mean = n->in[3], *in_var = n->in[4];
    bool training = or_int(n, "training_mode", 0) != 0;
    double epsilon = or_float(n, "epsilon", 1e-5), momentum = or_float(n, "momentum", 0.9);
    int64_t size = plane_size(x), channels = x->rank > 1 ? x->dims[1] : 1;
    double terms = training ? (double)(x->dims[0] * size) : 1;
    or_array *y = or_new(x->rank, x->dims);
    or_array *mean = or_copy(in_mean), *var = or_copy(in_var);

    for (int64_t c = 0; c < channels; c++) {
        double m = in_mean->v[c], v = in_var->v[c], largest = 0;
        if (training) {
            channel_statistics(x, c, &m, &v);
            mean->v[c] = in_mean->v[c] * momentum + m * (1 - momentum);
            var->v[c] = in_var->v[c] * momentum + v * (1 - momentum);
        }
        double factor = scale->v[c] / sqrt(v + epsilon);
        for (int64_t image = 0; image < x->dims[0]; image++)
            for (int64_t i = 0; i < size; i++) {
                int64_t at = (image * channels + c) * size + i;
                y->v[at] = (x->v[at] - m) * factor + bias->v[c];
                largest = fmax(largest, fabs(x->v[at]));
            }
        /* an error of the mean counts in every element, one of the variance in proportion */
        double magnitude = (largest + fabs(m)) * fabs(factor) + fabs(bias->v[c]);
        for (int64_t image = 0; image < x->dims[0]; image++)
            for (int64_t i = 0; i < size; i++)
                y->slack[(image * channels + c) * size + i] = or_sum_slack(terms, magnitude);
        mean->slack[c] = or_sum_slack(terms, fabs(in_mean->v[c]) + largest);
        var->slack[c] = or_sum_slack(terms, fabs(in_var->v[c]) + largest * largest);
    }
    out[0] = y;
    if (n->n_out > 1) {
        out[1] = mean;
        out[2] = var;
    } else {
        or_free(mean);
        or_free(var);
    }
    return true;
}

/* Y = X / (bias + alpha / size * sum of squares over neighbouring channels) ^ beta */
bool or_lrn(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0];
    int64_t size = or_int(n, "size", 1), channels = x->dims[1], plane = plane_size(x);
    double alpha = or_float(n, "alpha", 1e-4), beta = or_float(n, "beta", 0.75);
    double bias = or_float(n, "bias", 1);
    int64_t before = (size - 1) / 2, after = size / 2; /* floor and ceil of (size - 1) / 2 */
    or_array *y = or_new(x->rank, x->dims);
    for (int64_t at = 0; at < x->count; at++) {
        int64_t c = at / plane % channels;
        double squares = 0;
        for (int64_t i = c - before; i <= c + after; i++)
            if (i >= 0 && i < channels) {
                double v = x->v[at + (i - c) * plane];
                squares += v * v;
            }
        double base = bias + alpha / (double)size * squares;
        y->v[at] = x->v[at] / pow(base, beta);
        y->slack[at] = or_sum_slack((double)size, fabs(y->v[at]) * (1 + fabs(beta)));
    }
    out[0] = y;
    return true;
}

/* Along the axis; before opset 13, over all dimensions from the axis on as one. */
static bool softmax(const or_node *n, bool logarithm, or_array **out)
{
    const or_array *x = n->in[0];
    const bool as_one = n->opset < 13;
    int64_t axis = or_int(n, "axis", as_one ? 1 : -1);
    if (axis < 0) axis += x->rank;
    int64_t size = 1, step = 1;
    for (int i = (int)axis; i < x->rank; i++)
        *(as_one || i == axis ? &size : &step) *= x->dims[i];
    or_array *y = or_new(x->rank, x->dims);
    for (int64_t line = 0; line < x->count / size; line++) {
        int64_t first = line / step * step * size + line % step;
        double largest = -(double)INFINITY, sum = 0;
        for (int64_t i = 0; i < size; i++)
            largest = fmax(largest, x->v[first + i * step]);
        for (int64_t i = 0; i < size; i++)
            sum += exp(x->v[first + i * step] - largest);
        for (int64_t i = 0; i < size; i++) {
            int64_t at = first + i * step;
            double d = x->v[at] - largest; /* what float may lose: ulps of d, and of the sum */
            y->v[at] = logarithm ? d - log(sum) : exp(d) / sum;
            double conditioning = fabs(d) + 4 + sqrt((double)size);
            y->slack[at] = 2 * conditioning * (logarithm ? 1 : y->v[at]);
        }
    }
    out[0] = y;
    return true;
}

bool or_softmax(const or_node *n, or_array **out)
{
    return softmax(n, false, out);
}

bool or_log_softmax(const or_node *n, or_array **out)
{
    return softmax(n, true, out);
}
