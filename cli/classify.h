/* SPDX-License-Identifier: MIT */
/*
 * What 'pinhole classify' is made of: names of images (classify_source.c), threads that decode them
 * into a bounded queue (classify_queue.c), a network that runs over it (classify_net.c), and what
 * is printed (classify_print.c).
 */
#ifndef PINHOLE_CLI_CLASSIFY_H
#define PINHOLE_CLI_CLASSIFY_H

#include "image_options.h"

#include <stdatomic.h>

typedef struct classify_options {
    const char *model, *list, *output;
    cli_texts shapes;
    image_options image;
    size_t top, threads, max_pixels;
    size_t batch; /* 0: not given; known once there is a network */
    bool json, exif, lenient, null, exact;
    cli_measure measure;
    int softmax; /* enum classify_softmax */
    bool stream; /* a folder or a list is among the images: JSON lines */
} classify_options;

enum classify_softmax { SOFTMAX_AUTO = 0, SOFTMAX_ALWAYS, SOFTMAX_NEVER };

/* --- Names of images -------------------------------------------------------------------------- */

typedef struct source source;

/* Operands: files, folders (searched for .jpg, .jpeg, .png, sorted), and "-", a list on stdin.
 * `list`: a file with names, or NULL. */
int source_new(const classify_options *o, size_t n, char **operands, source **out);
void source_free(source *s);
/* The next name, to be freed; NULL at the end, or once `stop` is set. One thread at a time. */
char *source_next(source *s, const atomic_bool *stop);
/* How many there are in all, or SIZE_MAX while a list is being read. */
size_t source_total(const source *s);
/* CLI_OK, or why the list could not be read to its end, after a message. */
int source_status(const source *s);

/* --- The queue -------------------------------------------------------------------------------- */

/* An image on its way. Its pixels wait in the queue's memory. */
typedef struct slot {
    char *path;
    bool done;
    enum ph_status status;
    ph_error err;
    int64_t width, height; /* as decoded */
} slot;

typedef struct queue queue;

int queue_new(source *s, const image_input *in, const classify_options *o, queue **out);
/* Ends the threads; names and images on their way are dropped. */
void queue_free(queue *q);
/*
 * Wait for up to o->batch images, in the order of their names: slots[0 .. n - 1], the pixels of the
 * first at *pixels, the others behind it. n is 0 at the end. Returns false if `seconds` went by.
 */
bool queue_wait(queue *q, double seconds, slot **slots, void **pixels, size_t *n);
/* The slots of the last successful wait may be used again. */
void queue_release(queue *q, size_t n);

/* --- The network ------------------------------------------------------------------------------ */

typedef struct classifier classifier;

/* A class and how likely it is. */
typedef struct guess {
    size_t class;
    double score;
} guess;

/* Also sets o->batch if it is not given: 1, or what o->shapes say. */
int classifier_new(classify_options *o, classifier **out);
void classifier_free(classifier *n);
const image_input *classifier_input(const classifier *n);
const ph_labels *classifier_labels(const classifier *n); /* NULL: none */
const char *classifier_path(const classifier *n);        /* the model's file */
size_t classifier_top(const classifier *n);              /* guesses for an image */
const char *classifier_scores(const classifier *n);      /* what they are, for JSON */
/* Run over a batch of o->batch images. */
enum ph_status classifier_run(classifier *n, const void *pixels, ph_error *err);
/* What the last run says about image i: guess[classifier_top]. False if scores are not numbers. */
bool classifier_guess(const classifier *n, size_t i, guess *guesses);

/* --- Printing --------------------------------------------------------------------------------- */

typedef struct printer printer;

/* Text, one JSON document (o->json) or a JSON line an image (o->stream). */
int printer_new(const classify_options *o, const classifier *n, printer **out);
void printer_image(printer *p, const slot *s, const guess *guesses);
void printer_error(printer *p, const slot *s);
int printer_close(printer *p); /* frees; CLI_OK or an exit status, after a message */

#endif /* PINHOLE_CLI_CLASSIFY_H */
