/* SPDX-License-Identifier: MIT */
/*
 * Classifying a whole data set. The last batch, if it is smaller, is run by a plan of its own.
 */
#include "base/clock.h"
#include "train/loss.h"
#include "train/trainer.h"

#include <float.h>
#include <math.h>

typedef struct evaluation {
    const ph_graph *graph;
    const ph_dataset *data;
    phi_classifier net;
    ph_plan_desc desc;      /* but for the shapes */
    float *images, *scores; /* of one batch */
    ph_score score;
    int32_t *predicted; /* or NULL */
} evaluation;

/* Cross-entropy of one image, from what the network's last node leaves. A probability that came out
 * as 0 counts as the smallest float. */
static double score_loss(enum phi_head head, const float *y, size_t classes, size_t label)
{
    switch (head) {
    case PHI_HEAD_SOFTMAX:
        return -log((double)(y[label] < FLT_MIN ? FLT_MIN : y[label]));
    case PHI_HEAD_LOG_SOFTMAX:
        return -(double)y[label];
    case PHI_HEAD_LOGITS:
        break;
    }
    return phi_log_sum_exp(y, 1, classes) - (double)y[label];
}

static void score_batch(evaluation *e, size_t first, size_t n)
{
    size_t classes = e->data->n_classes;
    for (size_t i = 0; i < n; i++) {
        const float *y = e->scores + i * classes;
        size_t label = e->data->labels[first + i], best = phi_argmax(y, 1, classes);
        e->score.n_correct += best == label;
        e->score.loss += score_loss(e->net.head, y, classes, label);
        if (e->predicted) e->predicted[first + i] = (int32_t)best;
    }
    e->score.n_images += n;
}

/* Images first .. last - 1 in whole batches of `batch`. */
static enum ph_status run_batches(evaluation *e, ph_run *run, size_t batch, size_t first,
                                  size_t last, ph_error *err)
{
    const void *inputs[1] = {e->images};
    void *outputs[1] = {e->scores};
    for (size_t i = first; i < last; i += batch) {
        ph_dataset_floats(e->data, i, batch, e->images);
        double start = phi_clock();
        enum ph_status st = ph_run_once(run, inputs, outputs, err);
        if (st) return st;
        e->score.seconds += phi_clock() - start;
        score_batch(e, i, batch);
    }
    return PH_OK;
}

/* last - first is a multiple of `batch`. */
static enum ph_status evaluate_range(evaluation *e, size_t batch, size_t first, size_t last,
                                     ph_error *err)
{
    if (first == last) return PH_OK;
    ph_shape_hint hint = phi_classifier_hint(e->data, batch);
    ph_plan_desc desc = e->desc;
    desc.n_hints = 1;
    desc.hints = &hint;
    desc.n_values = 0;
    ph_plan *plan = NULL;
    ph_run *run = NULL;
    enum ph_status st = ph_plan_new(e->graph, &desc, &plan, err);
    if (!st) st = phi_classifier_check(plan, &e->net, e->data, batch, err);
    if (!st) st = ph_run_new(plan, desc.n_threads, &run, err);
    if (!st) st = run_batches(e, run, batch, first, last, err);
    ph_run_free(run);
    ph_plan_free(plan);
    return st;
}

enum ph_status ph_evaluate_as(const ph_graph *g, const ph_dataset *d, const ph_plan_desc *desc,
                              size_t batch, ph_score *score, int32_t *predicted, ph_error *err)
{
    evaluation e = {.graph = g, .data = d, .predicted = predicted};
    if (desc) e.desc = *desc;
    enum ph_status st = phi_classifier_find(g, d, &e.net, err);
    if (st) return st;
    if (batch == 0) batch = 100;
    if (batch > d->count) batch = d->count;
    size_t n_images = 0; /* floats of a batch: no more than the data set has bytes, times 4 */
    if (!phi_mul_size(batch, d->image_bytes, &n_images))
        return phi_fail(err, PH_ERR_OVERFLOW, "batch", "a batch of %zu images is too large", batch);
    e.images = phi_calloc(&g->mem, n_images, sizeof(float));
    e.scores = phi_calloc(&g->mem, batch * d->n_classes, sizeof(float));
    if (!e.images || !e.scores) st = phi_fail_nomem(err);
    size_t whole = d->count - d->count % batch;
    if (!st) st = evaluate_range(&e, batch, 0, whole, err);
    if (!st) st = evaluate_range(&e, d->count - whole, whole, d->count, err);
    phi_free(&g->mem, e.images);
    phi_free(&g->mem, e.scores);
    if (st) return st;
    e.score.loss /= (double)e.score.n_images;
    if (score) *score = e.score;
    return PH_OK;
}

enum ph_status ph_evaluate(const ph_graph *g, const ph_dataset *d, size_t batch, size_t n_threads,
                           ph_score *score, int32_t *predicted, ph_error *err)
{
    const ph_plan_desc desc = {.n_threads = n_threads};
    return ph_evaluate_as(g, d, &desc, batch, score, predicted, err);
}
