/* SPDX-License-Identifier: MIT */
/*
 * What 'pinhole train' is made of: options (train.c), the loop (train_loop.c), and what is said and
 * kept of each epoch (train_log.c).
 */
#ifndef PINHOLE_CLI_TRAIN_H
#define PINHOLE_CLI_TRAIN_H

#include "options.h"

typedef struct train_options {
    const char *model, *data, *output, *metrics, *checkpoint;
    bool resume, no_eval;
    size_t eval_every;
    bool seed_given;
    uint64_t seed;
    ph_train_desc desc; /* without progress, user, n_threads and seed */
    size_t threads;
} train_options;

/* Names of enum ph_optimizer and enum ph_schedule. */
extern const char *const train_optimizers[];
extern const char *const train_schedules[];

/* --- The loop ------------------------------------------------------------------------------- */

int train_run(const train_options *o, ph_graph *g, const ph_dataset *train, const ph_dataset *test);

/* --- The log -------------------------------------------------------------------------------- */

/* One epoch, done. */
typedef struct train_epoch {
    size_t epoch; /* from 1 */
    double loss, accuracy;
    bool tested;
    double test_loss, test_accuracy;
    double learning_rate, images_per_second, seconds;
} train_epoch;

/*
 * Start the CSV file `path`. A continued training keeps the lines of its first `done` epochs, if
 * the file is there.
 */
int train_log_open(const char *path, size_t done, FILE **f);
int train_log_close(const char *path, FILE *f);

void train_log_csv(FILE *f, const train_epoch *e);

/* The same on stderr, as a table. */
void train_log_head(void);
void train_log_row(const train_epoch *e);

/* A progress line, a few times a second on a terminal, else every ten seconds. */
void train_log_progress(const ph_train_progress *p);

#endif /* PINHOLE_CLI_TRAIN_H */
