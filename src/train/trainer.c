/* SPDX-License-Identifier: MIT */
/*
 * The training loop. A step is a function of the weights, the settings and the step's number alone:
 * order, augmentation and dropout are drawn by counters, sums run in a fixed order.
 *
 * The images of an epoch that do not fill a batch are left out of it; the order is new in every
 * epoch, so that over the epochs every image is seen as often as any other.
 */
#include "base/clock.h"
#include "train/loss.h"
#include "train/trainer.h"

#include <math.h>

/* --- Life ------------------------------------------------------------------------------------ */

static enum ph_status make_plan(ph_trainer *t, ph_error *err)
{
    ph_shape_hint hint = phi_classifier_hint(t->data, t->settings.batch);
    ph_plan_desc desc = {.n_hints = 1, .hints = &hint};
    enum ph_status st = phi_plan_build(t->graph, &desc, true, &t->plan, err);
    if (!st) st = phi_classifier_check(t->plan, &t->net, t->data, t->settings.batch, err);
    return st;
}

static enum ph_status make_trainer(ph_trainer *t, ph_error *err)
{
    enum ph_status st = phi_classifier_find(t->graph, t->data, &t->net, err);
    if (!st && t->settings.n_threads != 1)
        st = phi_pool_new(&t->mem, t->settings.n_threads, &t->pool, err);
    if (!st) st = make_plan(t, err);
    if (!st) st = phi_tape_new(t->graph, t->plan, t->net.logits, t->pool, &t->tape, err);
    if (!st)
        st = phi_optimiser_init(&t->optimiser, &t->mem, &t->settings, t->tape->params,
                                t->tape->n_params, err);
    if (st) return st;
    t->steps_per_epoch = t->data->count / t->settings.batch;
    t->order = phi_calloc(&t->mem, t->data->count, sizeof *t->order);
    t->labels = phi_calloc(&t->mem, t->settings.batch, sizeof *t->labels);
    return t->order && t->labels ? PH_OK : phi_fail_nomem(err);
}

enum ph_status ph_trainer_new(ph_graph *g, const ph_dataset *d, const ph_train_desc *desc,
                              ph_trainer **out, ph_error *err)
{
    ph_train_desc settings;
    enum ph_status st = phi_train_settings(desc, d, &settings, err);
    if (st) return st;
    ph_trainer *t = phi_calloc(&g->mem, 1, sizeof *t);
    if (!t) return phi_fail_nomem(err);
    t->mem = t->optimiser.mem = g->mem;
    t->graph = g;
    t->data = d;
    t->settings = settings;
    st = make_trainer(t, err);
    if (st)
        ph_trainer_free(t);
    else
        *out = t;
    return st;
}

void ph_trainer_free(ph_trainer *t)
{
    if (!t) return;
    ph_allocator mem = t->mem;
    phi_optimiser_clear(&t->optimiser);
    phi_tape_free(t->tape);
    ph_plan_free(t->plan);
    phi_pool_free(t->pool);
    phi_free(&mem, t->order);
    phi_free(&mem, t->labels);
    phi_free(&mem, t);
}

size_t ph_trainer_epochs_done(const ph_trainer *t)
{
    return t->epoch;
}

/* --- One step -------------------------------------------------------------------------------- */

static uint64_t global_step(const ph_trainer *t)
{
    return (uint64_t)t->epoch * t->steps_per_epoch + t->step;
}

static void load_batch(ph_trainer *t)
{
    if (!t->order_ready) phi_shuffle(t->settings.seed, t->epoch, t->order, t->data->count);
    t->order_ready = true;
    const uint32_t *order = t->order + t->step * t->settings.batch;
    for (size_t i = 0; i < t->settings.batch; i++)
        t->labels[i] = t->data->labels[order[i]];
    phi_view x = phi_tape_input(t->tape, 0);
    phi_augment(t->pool, t->data, &t->settings, t->epoch, order, &x);
}

static enum ph_status not_finite(const ph_trainer *t, const char *what, ph_error *err)
{
    return phi_fail(err, PH_ERR_ARG, "learning_rate",
                    "%s is not finite at epoch %zu step %zu; lower the learning rate", what,
                    t->epoch + 1, t->step + 1);
}

/* Forwards, backwards: the gradients of this step, and its loss. */
static enum ph_status compute_gradients(ph_trainer *t, phi_loss *loss, ph_error *err)
{
    uint64_t seed = phi_step_seed(t->settings.seed, global_step(t));
    load_batch(t);
    enum ph_status st = phi_tape_forward(t->tape, seed, err);
    if (st) return st;
    *loss = phi_softmax_loss(&t->tape->logits, t->labels, t->settings.label_smoothing,
                             &t->tape->dlogits);
    if (!isfinite(loss->sum)) return not_finite(t, "loss", err);
    st = phi_tape_backward(t->tape, seed, err);
    if (!st && !phi_optimiser_finite(&t->optimiser, t->pool)) st = not_finite(t, "gradient", err);
    return st;
}

static enum ph_status train_step(ph_trainer *t, double *learning_rate, ph_error *err)
{
    phi_loss loss = {0, 0};
    enum ph_status st = compute_gradients(t, &loss, err);
    if (st) { /* the graph stays as the last step left it */
        phi_tape_restore_statistics(t->tape);
        return st;
    }
    uint64_t step = global_step(t);
    *learning_rate = phi_learning_rate(&t->settings, step, t->steps_per_epoch);
    phi_optimiser_step(&t->optimiser, t->pool, *learning_rate, step);
    t->loss_sum += loss.sum;
    t->n_correct += loss.n_correct;
    t->step++;
    return PH_OK;
}

/* --- An epoch -------------------------------------------------------------------------------- */

static ph_train_progress progress_of(ph_trainer *t, double learning_rate)
{
    double images = (double)t->step * (double)t->settings.batch;
    double rate = phi_rate_step(&t->rate, phi_clock(), t->settings.batch);
    double left =
        (double)t->settings.n_epochs * (double)t->steps_per_epoch - (double)global_step(t);
    return (ph_train_progress){.epoch = t->epoch,
                               .n_epochs = t->settings.n_epochs,
                               .step = t->step,
                               .n_steps = t->steps_per_epoch,
                               .loss = t->loss_sum / images,
                               .accuracy = (double)t->n_correct / images,
                               .learning_rate = learning_rate,
                               .images_per_second = rate,
                               .seconds_left =
                                   rate > 0 ? left * (double)t->settings.batch / rate : 0};
}

static void end_epoch(ph_trainer *t)
{
    t->epoch++;
    t->step = 0;
    t->order_ready = false;
    t->loss_sum = 0;
    t->n_correct = 0;
}

enum ph_status ph_trainer_epoch(ph_trainer *t, ph_train_progress *last, ph_error *err)
{
    if (t->epoch >= t->settings.n_epochs)
        return phi_fail(err, PH_ERR_ARG, "n_epochs", "all %zu epochs are done",
                        t->settings.n_epochs);
    phi_rate_start(&t->rate, phi_clock());
    bool stop = false;
    while (!stop && t->step < t->steps_per_epoch) {
        double learning_rate = 0;
        enum ph_status st = train_step(t, &learning_rate, err);
        if (st) return st;
        ph_train_progress p = progress_of(t, learning_rate);
        if (last) *last = p;
        stop = t->settings.progress && t->settings.progress(t->settings.user, &p) != 0;
    }
    if (t->step == t->steps_per_epoch) end_epoch(t);
    if (!stop) return PH_OK;
    return phi_fail(err, PH_ERR_STOPPED, NULL, "training stopped on request");
}
