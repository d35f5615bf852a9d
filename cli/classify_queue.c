/* SPDX-License-Identifier: MIT */
/*
 * The queue between decoding and running: a ring of slots, each with room for one prepared image.
 * Threads take names in turn and fill the slots of their turns; the consumer takes slots in the
 * same order, a batch at a time. A thread waits while the ring is full, so that memory stays
 * bounded however many images there are.
 */
#include "classify.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

enum { MOST_THREADS = 16 };

struct queue {
    source *source;
    const image_input *in;
    const classify_options *o;
    ph_image_desc desc;
    size_t n_slots, bytes; /* of a prepared image */
    slot *slots;           /* [n_slots] */
    unsigned char *pixels; /* [n_slots,bytes] */

    pthread_mutex_t naming; /* held while a name is asked for: names and turns go together */
    pthread_mutex_t lock;   /* for what follows */
    pthread_cond_t changed;
    size_t taken, released; /* turns; slot of turn t: t % n_slots */
    bool ended;             /* no names any more */
    atomic_bool stop;

    pthread_rwlock_t memory; /* see decode */
    pthread_t thread[MOST_THREADS];
    size_t n_threads;
};

/* --- Threads ---------------------------------------------------------------------------------- */

static enum ph_status decode_once(queue *q, slot *s, void *pixels)
{
    ph_image *image;
    enum ph_status st = ph_image_read(cli_memory(), s->path, &q->desc, &image, &s->err);
    if (st) return st;
    s->width = ph_image_width(image);
    s->height = ph_image_height(image);
    st = ph_image_prepare(image, &q->in->prep, q->in->dtype, pixels, &s->err);
    ph_image_free(image);
    return st;
}

/*
 * Images that are decoded at the same time share the memory that may be used (--max-mem). What does
 * not find enough is tried again alone, so that no result depends on its neighbours.
 */
static void decode(queue *q, slot *s, void *pixels)
{
    pthread_rwlock_rdlock(&q->memory);
    s->status = decode_once(q, s, pixels);
    pthread_rwlock_unlock(&q->memory);
    if (s->status != PH_ERR_NOMEM) return;
    pthread_rwlock_wrlock(&q->memory);
    s->status = decode_once(q, s, pixels);
    pthread_rwlock_unlock(&q->memory);
}

/* Wait for a free slot, take the next name and its turn; false at the end. */
static bool take_turn(queue *q, size_t *turn)
{
    pthread_mutex_lock(&q->naming);
    pthread_mutex_lock(&q->lock);
    while (!q->stop && !q->ended && q->taken - q->released == q->n_slots) {
        pthread_cond_wait(&q->changed, &q->lock);
    }
    bool go = !q->stop && !q->ended;
    pthread_mutex_unlock(&q->lock);
    char *path = go ? source_next(q->source, &q->stop) : NULL; /* may take its time */
    pthread_mutex_lock(&q->lock);
    if (path) {
        *turn = q->taken++;
        slot *s = &q->slots[*turn % q->n_slots];
        *s = (slot){.path = path};
    } else {
        q->ended = true;
    }
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
    pthread_mutex_unlock(&q->naming);
    return path != NULL;
}

static void *work(void *arg)
{
    queue *q = arg;
    size_t turn;
    while (take_turn(q, &turn)) {
        slot *s = &q->slots[turn % q->n_slots];
        decode(q, s, q->pixels + turn % q->n_slots * q->bytes);
        pthread_mutex_lock(&q->lock);
        s->done = true;
        pthread_cond_broadcast(&q->changed);
        pthread_mutex_unlock(&q->lock);
    }
    return NULL;
}

/* Signals are for the thread that prints. */
static int start_threads(queue *q, size_t n)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    while (q->n_threads < n && pthread_create(&q->thread[q->n_threads], NULL, work, q) == 0) {
        q->n_threads++;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return q->n_threads ? CLI_OK : cli_error(CLI_INTERNAL, "cannot start a thread");
}

/* --- The consumer ----------------------------------------------------------------------------- */

static void init_locks(queue *q)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&q->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&q->naming, NULL);
    pthread_mutex_init(&q->lock, NULL);
    pthread_rwlock_init(&q->memory, NULL);
}

static size_t image_bytes(const image_input *in)
{
    return (size_t)in->prep.width * (size_t)in->prep.height * in->prep.channels *
           ph_dtype_size(in->dtype);
}

int queue_new(source *s, const image_input *in, const classify_options *o, queue **out)
{
    queue *q = calloc(1, sizeof *q);
    *out = NULL;
    if (!q) return cli_nomem();
    size_t n_threads = ph_cpu_count() < MOST_THREADS ? ph_cpu_count() : MOST_THREADS;
    *q = (queue){.source = s, .in = in, .o = o, .bytes = image_bytes(in)};
    q->desc = (ph_image_desc){.channels = in->prep.channels,
                              .max_pixels = o->max_pixels,
                              .exif = o->exif,
                              .lenient = o->lenient};
    /* a multiple of the batch, so that a batch lies in one piece */
    q->n_slots = (2 + (n_threads + o->batch - 1) / o->batch) * o->batch;
    init_locks(q);
    q->slots = cli_alloc(q->n_slots * sizeof *q->slots);
    if (q->bytes < SIZE_MAX / q->n_slots) q->pixels = cli_alloc(q->n_slots * q->bytes);
    int status = q->slots && q->pixels ? start_threads(q, n_threads) : cli_nomem();
    if (status != CLI_OK) {
        queue_free(q);
        return status;
    }
    *out = q;
    return CLI_OK;
}

void queue_free(queue *q)
{
    if (!q) return;
    pthread_mutex_lock(&q->lock);
    q->stop = true;
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
    for (size_t i = 0; i < q->n_threads; i++) {
        pthread_join(q->thread[i], NULL);
    }
    for (; q->released < q->taken; q->released++) {
        free(q->slots[q->released % q->n_slots].path);
    }
    pthread_rwlock_destroy(&q->memory);
    pthread_mutex_destroy(&q->naming);
    pthread_mutex_destroy(&q->lock);
    pthread_cond_destroy(&q->changed);
    cli_free(q->pixels);
    cli_free(q->slots);
    free(q);
}

/* Images that are ready one behind the other, up to a batch; fewer only at the end. */
static bool is_ready(const queue *q, size_t *n)
{
    size_t waiting = q->taken - q->released;
    *n = waiting < q->o->batch ? waiting : q->o->batch;
    if (*n < q->o->batch && !q->ended) return false;
    for (size_t i = 0; i < *n; i++) {
        if (!q->slots[(q->released + i) % q->n_slots].done) return false;
    }
    return true;
}

bool queue_wait(queue *q, double seconds, slot **slots, void **pixels, size_t *n)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)(seconds * 1e9);
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&q->lock);
    bool ready = is_ready(q, n);
    while (!ready && pthread_cond_timedwait(&q->changed, &q->lock, &until) == 0) {
        ready = is_ready(q, n);
    }
    size_t first = q->released % q->n_slots;
    pthread_mutex_unlock(&q->lock);
    *slots = q->slots + first;
    *pixels = q->pixels + first * q->bytes;
    return ready;
}

void queue_release(queue *q, size_t n)
{
    pthread_mutex_lock(&q->lock);
    for (size_t i = 0; i < n; i++, q->released++) {
        free(q->slots[q->released % q->n_slots].path);
    }
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
}
