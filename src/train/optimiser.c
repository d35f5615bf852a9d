/* SPDX-License-Identifier: MIT */
/*
 * Updates of parameters from their gradients. Each element is updated by itself, in float; factors
 * common to all are worked out in double.
 *
 * SGD:  v = mu v + g;  w -= lr v, with Nesterov's momentum w -= lr (g + mu v)
 *       (Sutskever 2013, "On the importance of initialization and momentum", ICML, rewritten so
 *       that v does not hold the learning rate).
 * Adam: Kingma 2015, arXiv:1412.6980, algorithm 1.
 *
 * Weight decay is L2: g + decay w takes the place of g, for parameters of two or more dimensions
 * (biases and the scales of batch normalisation are left alone).
 */
#include "train/trainer.h"
#include "train/chunk.h"

#include <math.h>

/* A chunk of one parameter. */
typedef struct phi_update_task {
    uint32_t param;
    bool finite; /* out, phi_optimiser_finite */
    size_t begin, n;
} phi_update_task;

typedef struct update_job {
    const phi_optimiser *o;
    double learning_rate;
    double correct1, correct2; /* Adam: 1 - beta^t */
} update_job;

/* --- Life ------------------------------------------------------------------------------------ */

static void fill_tasks(phi_optimiser *o)
{
    size_t n = 0;
    for (size_t i = 0; i < o->n_params; i++)
        for (size_t k = 0; k < phi_chunks(o->params[i].n); k++)
            o->tasks[n++] = (phi_update_task){.param = (uint32_t)i,
                                              .begin = k * PHI_CHUNK,
                                              .n = phi_chunk_size(o->params[i].n, k)};
}

enum ph_status phi_optimiser_init(phi_optimiser *o, const ph_allocator *mem,
                                  const ph_train_desc *settings, phi_param *params, size_t n_params,
                                  ph_error *err)
{
    *o = (phi_optimiser){.mem = *mem, .settings = settings, .params = params, .n_params = n_params};
    o->n_states = settings->optimizer == PH_ADAM ? 2 : 1;
    o->first = phi_calloc(mem, n_params + 1, sizeof *o->first);
    if (!o->first) return phi_fail_nomem(err);
    for (size_t i = 0; i < n_params; i++) { /* the tape holds an array of this many gradients */
        o->first[i + 1] = o->first[i] + params[i].n;
        o->n_tasks += phi_chunks(params[i].n);
    }
    o->tasks = phi_calloc(mem, o->n_tasks, sizeof *o->tasks);
    bool there = o->tasks != NULL;
    for (size_t k = 0; k < o->n_states; k++) {
        o->state[k] = phi_calloc(mem, o->first[n_params], sizeof(float));
        there = there && o->state[k];
    }
    if (!there) {
        phi_optimiser_clear(o);
        return phi_fail_nomem(err);
    }
    fill_tasks(o);
    return PH_OK;
}

void phi_optimiser_clear(phi_optimiser *o)
{
    phi_free(&o->mem, o->first);
    phi_free(&o->mem, o->tasks);
    for (size_t k = 0; k < PHI_MAX_STATES; k++) {
        phi_free(&o->mem, o->state[k]);
        o->state[k] = NULL;
    }
    o->first = NULL;
    o->tasks = NULL;
}

const char *phi_optimiser_state_name(const phi_optimiser *o, size_t state)
{
    if (o->settings->optimizer == PH_SGD) return "momentum";
    return state == 0 ? "adam-mean" : "adam-variance";
}

/* --- Finite? --------------------------------------------------------------------------------- */

static void check_chunk(void *arg, size_t task, size_t thread)
{
    (void)thread;
    const phi_optimiser *o = arg;
    phi_update_task *t = &o->tasks[task];
    const float *g = o->params[t->param].g + t->begin;
    int bad = 0;
    for (size_t i = 0; i < t->n; i++) { /* exponent of all ones: infinite or NaN */
        uint32_t bits;
        memcpy(&bits, &g[i], sizeof bits);
        bad |= (bits & 0x7f800000u) == 0x7f800000u;
    }
    t->finite = !bad;
}

bool phi_optimiser_finite(const phi_optimiser *o, phi_pool *pool)
{
    phi_optimiser job = *o;
    phi_pool_run(pool, o->n_tasks, check_chunk, &job);
    for (size_t i = 0; i < o->n_tasks; i++)
        if (!o->tasks[i].finite) return false;
    return true;
}

/* --- Update ---------------------------------------------------------------------------------- */

static void sgd(const update_job *job, float decay, size_t n, const float *restrict g,
                float *restrict w, float *restrict v)
{
    const float mu = (float)job->o->settings->momentum, lr = (float)job->learning_rate;
    if (job->o->settings->nesterov) {
        for (size_t i = 0; i < n; i++) {
            float d = g[i] + decay * w[i];
            v[i] = mu * v[i] + d;
            w[i] -= lr * (d + mu * v[i]);
        }
    } else {
        for (size_t i = 0; i < n; i++) {
            v[i] = mu * v[i] + (g[i] + decay * w[i]);
            w[i] -= lr * v[i];
        }
    }
}

/* With m' = m / correct1 and v' = v / correct2:  w -= lr m' / (sqrt(v') + epsilon). */
static void adam(const update_job *job, float decay, size_t n, const float *restrict g,
                 float *restrict w, float *restrict m, float *restrict v)
{
    const ph_train_desc *s = job->o->settings;
    const float b1 = (float)s->beta1, b2 = (float)s->beta2;
    const float c1 = (float)(1 - s->beta1), c2 = (float)(1 - s->beta2);
    const float rate = (float)(job->learning_rate / job->correct1);
    const float root = (float)(1 / sqrt(job->correct2)), epsilon = (float)s->epsilon;
    for (size_t i = 0; i < n; i++) {
        float d = g[i] + decay * w[i];
        m[i] = b1 * m[i] + c1 * d;
        v[i] = b2 * v[i] + c2 * (d * d);
        w[i] -= rate * m[i] / (sqrtf(v[i]) * root + epsilon);
    }
}

static void update_chunk(void *arg, size_t task, size_t thread)
{
    (void)thread;
    const update_job *job = arg;
    const phi_optimiser *o = job->o;
    const phi_update_task *t = &o->tasks[task];
    const phi_param *p = &o->params[t->param];
    float decay = p->rank >= 2 ? (float)o->settings->weight_decay : 0.0f;
    size_t at = o->first[t->param] + t->begin;
    if (o->settings->optimizer == PH_ADAM)
        adam(job, decay, t->n, p->g + t->begin, p->w + t->begin, o->state[0] + at,
             o->state[1] + at);
    else
        sgd(job, decay, t->n, p->g + t->begin, p->w + t->begin, o->state[0] + at);
}

void phi_optimiser_step(const phi_optimiser *o, phi_pool *pool, double learning_rate, uint64_t step)
{
    update_job job = {.o = o,
                      .learning_rate = learning_rate,
                      .correct1 = 1 - pow(o->settings->beta1, (double)step + 1),
                      .correct2 = 1 - pow(o->settings->beta2, (double)step + 1)};
    phi_pool_run(pool, o->n_tasks, update_chunk, &job);
}
