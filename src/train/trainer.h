/* SPDX-License-Identifier: MIT */
/*
 * The parts of training around the tape: settings, order, augmentation, schedule, optimiser, rate.
 */
#ifndef PHI_TRAINER_H
#define PHI_TRAINER_H

#include "data/dataset.h"
#include "train/tape.h"

/* --- settings.c ------------------------------------------------------------------------------ */

/* Copy `desc` (may be NULL) with defaults filled in and everything checked for the data set. */
enum ph_status phi_train_settings(const ph_train_desc *desc, const ph_dataset *d,
                                  ph_train_desc *out, ph_error *err);

/* A setting as text, for checkpoints: name and value of number `i`; NULL past the last. The text
 * does not depend on the locale and tells every two values apart. */
#define PHI_SETTING_TEXT 64
const char *phi_train_setting(const ph_train_desc *s, size_t i, char value[PHI_SETTING_TEXT]);

/* --- shuffle.c ------------------------------------------------------------------------------- */

/* Fill order [n] with the images of an epoch, a permutation of 0 .. n - 1. n < 2^32. */
void phi_shuffle(uint64_t seed, uint64_t epoch, uint32_t *order, size_t n);

/* The seed of one training step, for dropout. */
uint64_t phi_step_seed(uint64_t seed, uint64_t step);

/* --- augment.c ------------------------------------------------------------------------------- */

/* What is done to one image; a function of (seed, epoch, image) alone. */
typedef struct phi_jitter {
    int down, right; /* pixels, -shift .. shift */
    bool flip;       /* mirrored left-right, before it is shifted */
} phi_jitter;
phi_jitter phi_jitter_of(const ph_train_desc *s, uint64_t epoch, uint64_t image);

/* Write images order[0 .. n-1] of `d`, augmented, to x [n,c,h,w], any strides. */
void phi_augment(phi_pool *pool, const ph_dataset *d, const ph_train_desc *s, uint64_t epoch,
                 const uint32_t *order, const phi_view *x);

/* --- schedule.c ------------------------------------------------------------------------------ */

/* Learning rate of step `step` (over the whole training, from 0) of n_epochs * steps_per_epoch. */
double phi_learning_rate(const ph_train_desc *s, uint64_t step, uint64_t steps_per_epoch);

/* --- optimiser.c ----------------------------------------------------------------------------- */

#define PHI_MAX_STATES 2

typedef struct phi_optimiser {
    ph_allocator mem;
    const ph_train_desc *settings; /* borrowed, as are the parameters */
    phi_param *params;
    size_t n_params;
    size_t n_states;               /* SGD 1, Adam 2 */
    float *state[PHI_MAX_STATES];  /* [total] of all parameters, one behind the other */
    size_t *first;                 /* [n_params + 1] where a parameter's state begins */
    struct phi_update_task *tasks; /* [n_tasks] */
    size_t n_tasks;
} phi_optimiser;

enum ph_status phi_optimiser_init(phi_optimiser *o, const ph_allocator *mem,
                                  const ph_train_desc *settings, phi_param *params, size_t n_params,
                                  ph_error *err);
void phi_optimiser_clear(phi_optimiser *o);

/* "momentum", "adam-mean", "adam-variance". */
const char *phi_optimiser_state_name(const phi_optimiser *o, size_t state);

/* Are all gradients finite? */
bool phi_optimiser_finite(const phi_optimiser *o, phi_pool *pool);

/* Update all parameters from their gradients. `step` counts from 0. */
void phi_optimiser_step(const phi_optimiser *o, phi_pool *pool, double learning_rate,
                        uint64_t step);

/* --- rate.c ---------------------------------------------------------------------------------- */

/* Images per second over the last steps. */
#define PHI_RATE_STEPS 32
typedef struct phi_rate {
    double at[PHI_RATE_STEPS + 1]; /* ring of times at which a step ended (or the first began) */
    size_t n, next;
    double last; /* what was last measured; 0: nothing yet */
} phi_rate;

void phi_rate_start(phi_rate *r, double now);
double phi_rate_step(phi_rate *r, double now, size_t images_per_step);

/* --- classifier.c ---------------------------------------------------------------------------- */

enum phi_head { PHI_HEAD_LOGITS = 0, PHI_HEAD_SOFTMAX, PHI_HEAD_LOG_SOFTMAX };

/* A network that takes images and gives one score a class. */
typedef struct phi_classifier {
    const char *input; /* name */
    enum phi_head head;
    const phi_node *softmax; /* at the end, or NULL */
    ph_value logits;         /* the output, or what the softmax at the end reads */
} phi_classifier;

/* Does `g` have the shape of a classifier for `d`? */
enum ph_status phi_classifier_find(const ph_graph *g, const ph_dataset *d, phi_classifier *out,
                                   ph_error *err);

/* The plan's input for a batch of `n` images of `d`. */
ph_shape_hint phi_classifier_hint(const ph_dataset *d, size_t n);

/* Do the types and shapes of a plan of it fit `n` images of `d` and its classes? */
enum ph_status phi_classifier_check(const ph_plan *p, const phi_classifier *c, const ph_dataset *d,
                                    size_t n, ph_error *err);

/* --- trainer.c ------------------------------------------------------------------------------- */

struct ph_trainer {
    ph_allocator mem;
    ph_graph *graph;
    const ph_dataset *data;
    ph_train_desc settings;
    phi_classifier net;
    phi_pool *pool;
    ph_plan *plan;
    phi_tape *tape;
    phi_optimiser optimiser;
    uint32_t *order; /* [images] of the current epoch */
    uint8_t *labels; /* [batch] */
    size_t epoch, step, steps_per_epoch;
    bool order_ready;
    double loss_sum; /* over the images of this epoch so far */
    uint64_t n_correct;
    phi_rate rate;
};

#endif /* PHI_TRAINER_H */
