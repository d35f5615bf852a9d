/* SPDX-License-Identifier: MIT */
/*
 * A training from beginning to end: epochs, tests, checkpoints, interruption, and the file at last.
 */
#include "train.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- State ---------------------------------------------------------------------------------- */

typedef struct training {
    const train_options *o;
    ph_graph *g;
    const ph_dataset *train, *test;
    ph_trainer *trainer;
    FILE *csv;
    ph_train_progress last; /* of the latest step */
    train_epoch epoch;      /* the latest one, with the latest test */
} training;

static int on_progress(void *user, const ph_train_progress *p)
{
    training *t = user;
    t->last = *p;
    if (cli_caught) return 1;
    train_log_progress(p);
    return 0;
}

/* --- Checkpoints ---------------------------------------------------------------------------- */

static int save_checkpoint(const training *t)
{
    ph_error err = {0};
    if (!t->o->checkpoint) return CLI_OK;
    enum ph_status st = ph_trainer_save(t->trainer, t->o->checkpoint, &err);
    return st ? cli_fail(st, &err) : CLI_OK;
}

static int stop_interrupted(const training *t)
{
    int status = save_checkpoint(t);
    if (status != CLI_OK) return status;
    size_t epoch = ph_trainer_epochs_done(t->trainer);
    if (t->o->checkpoint) {
        cli_error(CLI_NO,
                  "interrupted after %zu of %zu epochs%s; the same command with --resume goes on "
                  "from '%s'",
                  epoch, t->o->desc.n_epochs, t->last.step ? " and some steps" : "",
                  t->o->checkpoint);
    } else {
        cli_error(CLI_NO,
                  "interrupted after %zu of %zu epochs; nothing is saved (--checkpoint would)",
                  epoch, t->o->desc.n_epochs);
    }
    return 128 + cli_caught;
}

/* --- Epochs --------------------------------------------------------------------------------- */

static bool test_wanted(const training *t, size_t epoch)
{
    if (!t->test) return false;
    return epoch == t->o->desc.n_epochs || epoch % t->o->eval_every == 0;
}

static int test_network(const training *t, train_epoch *e)
{
    ph_error err = {0};
    ph_score score;
    cli_progress("testing on %zu images ...", ph_dataset_count(t->test));
    enum ph_status st =
        ph_evaluate(t->g, t->test, t->o->desc.batch, t->o->threads, &score, NULL, &err);
    cli_progress_clear();
    if (st) return cli_fail(st, &err);
    e->tested = true;
    e->test_loss = score.loss;
    e->test_accuracy = score.n_images ? (double)score.n_correct / (double)score.n_images : 0.0;
    return CLI_OK;
}

static int one_epoch(training *t)
{
    ph_error err = {0};
    ph_train_progress p = {0};
    double start = cli_now();
    enum ph_status st = ph_trainer_epoch(t->trainer, &p, &err);
    cli_progress_clear();
    if (st == PH_ERR_STOPPED) return stop_interrupted(t);
    if (st == PH_ERR_ARG) return cli_error(CLI_NO, "%s", err.message); /* it has diverged */
    if (st) return cli_fail(st, &err);
    t->last.step = 0;

    train_epoch e = {.epoch = ph_trainer_epochs_done(t->trainer),
                     .loss = p.loss,
                     .accuracy = p.accuracy,
                     .learning_rate = p.learning_rate,
                     .images_per_second = p.images_per_second};
    int status = test_wanted(t, e.epoch) ? test_network(t, &e) : CLI_OK;
    if (status == CLI_OK) status = save_checkpoint(t);
    if (status != CLI_OK) return status;
    e.seconds = cli_now() - start;
    t->epoch = e;
    train_log_row(&e);
    train_log_csv(t->csv, &e);
    return CLI_OK;
}

static int all_epochs(training *t)
{
    train_log_head();
    while (ph_trainer_epochs_done(t->trainer) < t->o->desc.n_epochs) {
        int status = cli_caught ? stop_interrupted(t) : one_epoch(t);
        if (status != CLI_OK) return status;
    }
    if (!t->test || t->epoch.tested) return CLI_OK;
    return test_network(t, &t->epoch); /* resumed at the end */
}

/* --- The result ----------------------------------------------------------------------------- */

/* What the file says about its making; nothing that differs between machines or runs. */
static enum ph_status describe(ph_graph *g, const train_options *o, const ph_dataset *d,
                               ph_error *err)
{
    const ph_train_desc *s = &o->desc;
    char text[512], data[64];
    snprintf(data, sizeof data, "%.*s", (int)strcspn(o->data, ":"), o->data);
    snprintf(text, sizeof text, "%llu", (unsigned long long)o->seed);
    enum ph_status st = ph_graph_set_metadata(g, "pinhole.seed", text, err);
    if (!st) st = ph_graph_set_metadata(g, "pinhole.network", cli_base_name(o->model), err);
    if (!st) st = ph_graph_set_metadata(g, "pinhole.data", data, err);
    snprintf(text, sizeof text,
             "epochs=%zu batch=%zu optimizer=%s lr=%g momentum=%g nesterov=%d weight-decay=%g "
             "schedule=%s step-epochs=%zu step-factor=%g warmup=%g label-smoothing=%g shift=%d "
             "flip=%d seed=%llu",
             s->n_epochs, s->batch, train_optimizers[s->optimizer], s->learning_rate,
             s->momentum < 0.0 ? 0.0 : s->momentum, s->nesterov, s->weight_decay,
             train_schedules[s->schedule], s->step_epochs, s->step_factor, s->warmup,
             s->label_smoothing, s->shift, s->flip, (unsigned long long)o->seed);
    if (!st) st = ph_graph_set_metadata(g, "pinhole.train", text, err);
    char labels[2048] = "";
    for (size_t i = 0, used = 0; i < ph_dataset_n_classes(d) && used < sizeof labels; i++) {
        used += (size_t)snprintf(labels + used, sizeof labels - used, "%s\n",
                                 ph_dataset_class(d, i));
    }
    if (!st) st = ph_graph_set_metadata(g, "pinhole.labels", labels, err);
    if (!st) st = ph_graph_set_metadata(g, "pinhole.image.preset", "unit", err);
    return st;
}

static int write_result(const training *t)
{
    char text[32];
    ph_error err = {0};
    if (t->epoch.tested) {
        snprintf(text, sizeof text, "%.6g", t->epoch.test_accuracy);
        enum ph_status st = ph_graph_set_metadata(t->g, "pinhole.accuracy", text, &err);
        if (st) return cli_fail(st, &err);
    }
    int status = cli_write_model(t->g, t->o->output);
    if (status != CLI_OK || strcmp(t->o->output, "-") == 0) return status;
    printf("%s: ", t->o->output);
    if (t->epoch.tested) {
        printf("accuracy %.2f %% on %zu test images, ", 100.0 * t->epoch.test_accuracy,
               ph_dataset_count(t->test));
    }
    printf("%zu epochs, seed %llu\n", t->o->desc.n_epochs, (unsigned long long)t->o->seed);
    return CLI_OK;
}

/* --- From beginning to end ------------------------------------------------------------------ */

static int start(training *t)
{
    const train_options *o = t->o;
    ph_error err = {0};
    ph_train_desc desc = o->desc;
    desc.seed = o->seed;
    desc.n_threads = o->threads;
    desc.progress = on_progress;
    desc.user = t;
    enum ph_status st = describe(t->g, o, t->train, &err);
    if (!st) st = ph_trainer_new(t->g, t->train, &desc, &t->trainer, &err);
    if (!st && o->resume) st = ph_trainer_resume(t->trainer, o->checkpoint, &err);
    if (st) return cli_fail_in(o->resume ? o->checkpoint : o->model, st, &err);
    if (!o->metrics) return CLI_OK;
    return train_log_open(o->metrics, ph_trainer_epochs_done(t->trainer), &t->csv);
}

static void announce(const training *t)
{
    const train_options *o = t->o;
    char images[CLI_NUMBER_BYTES];
    cli_note("training %s on %s: %s images, %zu epochs, batches of %zu; %s, learning rate %g, %s; "
             "seed %llu",
             cli_base_name(o->model), o->data,
             cli_group((int64_t)ph_dataset_count(t->train), images), o->desc.n_epochs,
             o->desc.batch, train_optimizers[o->desc.optimizer], o->desc.learning_rate,
             train_schedules[o->desc.schedule], (unsigned long long)o->seed);
    cli_detail("%zu threads, %s kernels, process %ld", o->threads, ph_cpu_isa(), (long)getpid());
    if (o->resume) {
        cli_note("continuing '%s' after %zu epochs", o->checkpoint,
                 ph_trainer_epochs_done(t->trainer));
    } else if (o->checkpoint && access(o->checkpoint, F_OK) == 0) {
        cli_note("'%s' will be replaced (--resume would continue it)", o->checkpoint);
    }
}

int train_run(const train_options *o, ph_graph *g, const ph_dataset *train, const ph_dataset *test)
{
    training t = {.o = o, .g = g, .train = train, .test = test};
    cli_catch_signals(); /* it stops at the end of a step */
    int status = start(&t);
    if (status == CLI_OK) {
        announce(&t);
        status = all_epochs(&t);
    }
    int closed = train_log_close(o->metrics, t.csv);
    if (status == CLI_OK) status = closed;
    if (status == CLI_OK) status = write_result(&t);
    ph_trainer_free(t.trainer);
    return status;
}
