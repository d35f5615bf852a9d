/* SPDX-License-Identifier: MIT */
#include "grad_check.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "grad_run.h"
#include "ops_build.h"

#define SEED 20131216
#define BUDGET 3000
#define MAX_PROBED 48                 /* elements of an input that are probed */
#define STEP 1e-5                     /* of the differences, times the element if that is above 1 */
#define EPSILON 1.1920928955078125e-7 /* 2^-23 */

typedef struct bench {
    draw_case *c;
    char replay[64];
    ph_error err;
    ops_graph g;
    grad_run r;
    float *dout[OR_MAX_OUT]; /* [n_out] random; NULL: no gradient comes from there */
    or_array *y[OR_MAX_OUT]; /* the oracle's results */
    float *dx[OR_MAX_IN];    /* [n_inputs] */
    int64_t n_probed, n_kinks;
    draw_rng rng;
} bench;

static bool miss(const bench *b, const char *format, ...) PHI_PRINTF(2, 3);

static bool miss(const bench *b, const char *format, ...)
{
    char text[2048];
    va_list args;
    draw_text(b->c, text, sizeof text);
    fprintf(stderr, "MISS %s: ", b->c->node.op);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, " | %s | replay: PH_SEED=%llu PH_CASE=%s (this program)\n", text,
            (unsigned long long)grad_seed(), b->replay);
    return false;
}

/* --- Finite differences -------------------------------------------------------------------- */

/* The slope of the loss sum(dout * y) at one element, and what it is made of. */
typedef struct slope {
    double value, magnitude, terms;
    bool kink; /* the function has a corner here: no slope */
} slope;

static void compute(const bench *b, or_array **out)
{
    if (!or_compute(&b->c->node, out)) abort();
}

static void free_outputs(const bench *b, or_array **out)
{
    for (int o = 0; o < b->c->node.n_out; o++)
        or_free(out[o]);
}

static slope slope_at(const bench *b, double *x)
{
    or_array *up[OR_MAX_OUT], *down[OR_MAX_OUT];
    const double was = *x, h = STEP * fmax(1, fabs(was));
    slope s = {0};
    *x = was + h;
    compute(b, up);
    *x = was - h;
    compute(b, down);
    *x = was;
    for (int o = 0; o < b->c->node.n_out; o++)
        for (int64_t i = 0; b->dout[o] && i < up[o]->count; i++) {
            double difference = up[o]->v[i] - down[o]->v[i];
            double bend = up[o]->v[i] - 2 * b->y[o]->v[i] + down[o]->v[i];
            double part = (double)b->dout[o][i] * difference / (2 * h);
            s.value += part;
            s.magnitude += fabs(part);
            s.terms += difference != 0;
            s.kink |= fabs(bend) > 1e-3 * h;
        }
    free_outputs(b, up);
    free_outputs(b, down);
    return s;
}

/*
 * What is tolerated where everything cancels. A batch norm over a single element is constant; what
 * is computed of its slope, 0, is the difference of numbers as large as scale / sqrt(epsilon).
 */
static double least_tolerance(const bench *b)
{
    const or_array *x = b->c->node.in[0];
    bool norm = or_int(&b->c->node, "training_mode", 0) != 0;
    if (norm && x->count == x->dims[1])
        return 4 * EPSILON / sqrt(or_float(&b->c->node, "epsilon", 1e-5));
    return 1e-6;
}

static bool check_input(bench *b, size_t i)
{
    or_array *a = b->c->node.in[b->g.which[i]];
    for (int64_t n = 0; n < a->count && n < MAX_PROBED; n++) {
        int64_t at = a->count <= MAX_PROBED ? n : draw_int(&b->rng, 0, a->count - 1);
        slope s = slope_at(b, &a->v[at]);
        b->n_probed++;
        if (s.kink) {
            b->n_kinks++;
            continue;
        }
        double allowed = (16 + 4 * sqrt(s.terms)) * EPSILON * s.magnitude + least_tolerance(b);
        double off = fabs((double)b->dx[i][at] - s.value);
        if (!(off <= allowed))
            return miss(b, "gradient of input %d, element %lld: got %.9g, want %.9g +- %.2g",
                        b->g.which[i], (long long)at, (double)b->dx[i][at], s.value, allowed);
    }
    return true;
}

/* --- The library's side ----------------------------------------------------------------------- */

static bool run_backward(bench *b)
{
    const void *inputs[OR_MAX_IN];
    const float *dout[OR_MAX_OUT];
    for (size_t i = 0; i < b->g.n_inputs; i++)
        inputs[i] = ph_tensor_const_data(b->g.input[i]);
    for (int o = 0; o < b->c->node.n_out; o++)
        dout[o] = b->dout[o];
    if (grad_forward(&b->r, inputs, &b->err) || grad_backward(&b->r, dout, &b->err))
        return miss(b, "%s", b->err.message);
    return true;
}

/* Random gradients of the outputs; none for indices and for running statistics. */
static void draw_dout(bench *b)
{
    for (int o = 0; o < b->c->node.n_out; o++) {
        if (o > 0) continue;
        b->dout[o] = malloc((size_t)b->y[o]->count * sizeof(float) + 1);
        for (int64_t i = 0; i < b->y[o]->count; i++)
            b->dout[o][i] = (float)draw_uniform(&b->rng, -1, 1);
    }
}

static bool same_or_none(const float *a, const float *b, size_t bytes)
{
    return !a || !b || !memcmp(a, b, bytes);
}

/* Each din asked for alone must be what it is among others; without dout it must be zero. */
static bool check_step_alone(bench *b)
{
    const size_t step = grad_step(&b->r, "node");
    const phi_step *s = &b->r.plan->steps[step];
    float *all[PHI_MAX_IN] = {NULL}, *one[PHI_MAX_IN] = {NULL};
    bool fine = !grad_step_alone(&b->r, step, UINT32_MAX, false, all, &b->err);
    for (size_t k = 0; k <= s->n_in && fine; k++) {
        bool zero = k == s->n_in;
        fine = !grad_step_alone(&b->r, step, zero ? UINT32_MAX : 1u << k, zero, one, &b->err);
        for (size_t i = 0; i < s->n_in; i++) {
            size_t bytes = s->in[i] < 0 ? 0 : b->r.plan->slots[s->in[i]].bytes;
            if (!zero && fine && !same_or_none(all[i], one[i], bytes))
                fine = miss(b, "gradient of input %zu alone differs from the same among others", i);
            for (size_t j = 0; zero && one[i] && fine && j < bytes / sizeof(float); j++)
                if (one[i][j] != 0.0f)
                    fine = miss(b, "no gradient comes in, but input %zu gets %g", i,
                                (double)one[i][j]);
            phi_free(NULL, one[i]);
            one[i] = NULL;
        }
    }
    for (size_t i = 0; i < s->n_in; i++)
        phi_free(NULL, all[i]);
    return fine;
}

/* Three threads, the same bits. */
static bool check_threads(bench *b)
{
    phi_pool *pool = NULL;
    grad_run one = b->r;
    bool fine = !phi_pool_new(NULL, 3, &pool, &b->err) &&
                !grad_run_new(b->g.graph, pool, one.training, &b->r, &b->err) && run_backward(b);
    for (size_t i = 0; i < b->g.n_inputs && fine; i++) {
        float *dx = malloc(ph_tensor_bytes(b->g.input[i]) + 1);
        if (ph_tensor_dtype(b->g.input[i]) == PH_FLOAT32) {
            grad_of_input(&b->r, i, dx);
            if (memcmp(dx, b->dx[i], ph_tensor_bytes(b->g.input[i])))
                fine = miss(b, "gradient of input %d: other bits with 3 threads", b->g.which[i]);
        }
        free(dx);
    }
    grad_run_free(&b->r);
    phi_pool_free(pool);
    b->r = one;
    return fine;
}

static bool check(bench *b)
{
    bool training = or_int(&b->c->node, "training_mode", 0) != 0;
    compute(b, b->y);
    draw_dout(b);
    if (ops_build(b->c, &b->g, &b->err) || grad_run_new(b->g.graph, NULL, training, &b->r, &b->err))
        return miss(b, "%s", b->err.message);
    if (!run_backward(b)) return false;
    for (size_t i = 0; i < b->g.n_inputs; i++) {
        b->dx[i] = malloc(ph_tensor_bytes(b->g.input[i]) + 1);
        grad_of_input(&b->r, i, b->dx[i]);
    }
    for (size_t i = 0; i < b->g.n_inputs; i++)
        if (!check_input(b, i)) return false;
    return check_step_alone(b) && check_threads(b);
}

/* All float inputs that may become inputs of the graph, so that all have gradients. */
static void free_constants(draw_case *c)
{
    for (int i = 0; i < c->node.n_in; i++)
        if (c->node.in[i] && !c->node.in[i]->integer && !(c->known >> i & 1))
            c->constant &= ~(1u << i);
}

uint64_t grad_seed(void)
{
    static uint64_t seed;
    if (!seed) {
        const char *given = getenv("PH_SEED");
        seed = given ? strtoull(given, NULL, 10) : SEED;
        printf("seed %llu, kernels: %s\n", (unsigned long long)seed, ph_cpu_isa());
    }
    return seed;
}

void grad_check_random(const char *op, int n)
{
    const char *only = getenv("PH_CASE");
    int missed = 0;
    int64_t n_probed = 0, n_kinks = 0;
    for (int i = 0; i < n && missed < 10; i++) {
        draw_case c;
        bench b = {.c = &c, .rng = {(uint64_t)i}};
        snprintf(b.replay, sizeof b.replay, "%s:%d", op, i);
        if (only && strcmp(only, b.replay)) continue;
        draw_node(op, grad_seed(), (uint64_t)i, DRAW_SPACED, BUDGET, &c);
        free_constants(&c);
        missed += !check(&b);
        n_probed += b.n_probed;
        n_kinks += b.n_kinks;
        for (int o = 0; o < OR_MAX_OUT; o++) {
            free(b.dout[o]);
            or_free(b.y[o]);
        }
        for (size_t k = 0; k < OR_MAX_IN; k++)
            free(b.dx[k]);
        grad_run_free(&b.r);
        ops_graph_free(&b.g);
        draw_free(&c);
    }
    printf("%s: %lld slopes probed, %lld at kinks\n", op, (long long)n_probed, (long long)n_kinks);
    if (missed) fail_msg("%s: %d cases missed", op, missed);
    if (!only && n_kinks * 5 > n_probed) fail_msg("%s: too many kinks to be a test", op);
    if (!only && n_probed < n) fail_msg("%s: next to nothing was probed", op);
}
