/* SPDX-License-Identifier: MIT */
#include "ops_build.h"
#include "ops_check.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/base.h"
#include "base/half.h"

#define MAX_THREADS 3
#define EPSILON 1.1920928955078125e-7 /* 2^-23 */
#define SMALLEST 1e-37                /* below, floats lose digits */

/* A case on its way through the library. */
typedef struct bench {
    const draw_case *c;
    const char *replay;
    ph_error err;
    ops_graph g;
    ph_plan *plan;
    void *output[OR_MAX_OUT];
    void *again[OR_MAX_OUT];
} bench;

static bool miss(const bench *b, const char *format, ...) PHI_PRINTF(2, 3);

static bool miss(const bench *b, const char *format, ...)
{
    char text[2048];
    const char *cpu = getenv("PH_CPU");
    va_list args;
    draw_text(b->c, text, sizeof text);
    fprintf(stderr, "MISS %s: ", b->c->node.op);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, " | %s | replay: %s%s PH_SEED=%llu PH_CASE=%s (this program)\n", text,
            cpu ? "PH_CPU=" : "", cpu ? cpu : "", (unsigned long long)ops_seed(), b->replay);
    return false;
}

/* --- Running and comparing ------------------------------------------------------------------- */

static enum ph_status run(bench *b, size_t n_threads, void *const *output)
{
    const void *inputs[OR_MAX_IN];
    ph_run *r = NULL;
    enum ph_status st = ph_run_new(b->plan, n_threads, &r, &b->err);
    for (size_t i = 0; i < b->g.n_inputs; i++)
        inputs[i] = ph_tensor_const_data(b->g.input[i]);
    for (int i = 0; i < b->c->node.n_out; i++) /* poison: NaN */
        memset(output[i], 0xff, ph_plan_output(b->plan, (size_t)i)->bytes);
    if (!st) st = ph_run_once(r, inputs, output, &b->err);
    ph_run_free(r);
    return st;
}

static bool same_shape(const ph_port *p, const or_array *want)
{
    if ((int)p->rank != want->rank) return false;
    for (int i = 0; i < want->rank; i++)
        if (p->dims[i] != want->dims[i]) return false;
    return true;
}

/* A result that is mostly zeros proves little: the case is badly drawn. */
static bool trustworthy(const or_array *want)
{
    int64_t zeros = 0;
    for (int64_t i = 0; i < want->count; i++)
        zeros += want->v[i] == 0.0;
    return want->count < 32 || want->integer || zeros * 10 < want->count * 7;
}

static bool compare(const bench *b, int o, const or_array *want)
{
    const ph_port *p = ph_plan_output(b->plan, (size_t)o);
    if (!same_shape(p, want))
        return miss(
            b, "output %d: %zu dimensions, [%lld,...], not those of the oracle (%d, [%lld,...])", o,
            p->rank, (long long)p->dims[0], want->rank, (long long)want->dims[0]);
    if (p->dtype != ops_dtype(want))
        return miss(b, "output %d: type %s", o, ph_dtype_name(p->dtype));
    if (!trustworthy(want)) return miss(b, "output %d is mostly zeros: untrustworthy", o);
    int64_t n_bad = 0, worst = -1;
    double worst_by = 0;
    for (int64_t i = 0; i < want->count; i++) {
        double got = ops_get(p->dtype, b->output[o], i);
        double off = fabs(got - want->v[i]);
        double allowed = b->c->exact ? 0 : want->slack[i] * EPSILON + SMALLEST;
        if (off <= allowed) continue;
        n_bad++;
        if (worst < 0 || !(off - allowed <= worst_by)) worst = i, worst_by = off - allowed;
    }
    if (!n_bad) return true;
    return miss(b, "output %d: %lld of %lld wrong, element %lld: got %.9g, want %.9g +- %.3g", o,
                (long long)n_bad, (long long)want->count, (long long)worst,
                ops_get(p->dtype, b->output[o], worst), want->v[worst],
                b->c->exact ? 0 : want->slack[worst] * EPSILON);
}

static bool compare_threads(bench *b)
{
    for (size_t threads = 2; threads <= MAX_THREADS; threads++) {
        if (run(b, threads, b->again)) return miss(b, "%zu threads: %s", threads, b->err.message);
        for (int o = 0; o < b->c->node.n_out; o++)
            if (memcmp(b->output[o], b->again[o], ph_plan_output(b->plan, (size_t)o)->bytes))
                return miss(b, "output %d: other bits with %zu threads than with 1", o, threads);
    }
    return true;
}

static bool check_runs(bench *b, or_array *const *want)
{
    for (int o = 0; o < b->c->node.n_out; o++) {
        size_t bytes = ph_plan_output(b->plan, (size_t)o)->bytes;
        b->output[o] = malloc(bytes + 1);
        b->again[o] = malloc(bytes + 1);
        if (!b->output[o] || !b->again[o]) return miss(b, "out of memory");
    }
    if (run(b, 1, b->output)) return miss(b, "%s", b->err.message);
    for (int o = 0; o < b->c->node.n_out; o++)
        if (!compare(b, o, want[o])) return false;
    return compare_threads(b);
}

/* A result of 16 bits: half a unit in the last place of 11 bits, or of the smallest numbers. */
static void round_result(or_array *want)
{
    if (want->integer) return;
    want->dtype = PH_FLOAT16;
    for (int64_t i = 0; i < want->count; i++)
        want->slack[i] += (fabs(want->v[i]) / 2048 + 3e-8) / EPSILON;
}

bool ops_check(const draw_case *c, const char *replay)
{
    bench b = {.c = c, .replay = replay};
    or_array *want[OR_MAX_OUT] = {NULL};
    bool fine;
    bool computed = or_compute(&c->node, want);
    for (int o = 0; computed && c->half && o < c->node.n_out; o++)
        round_result(want[o]);
    if (!computed)
        fine = miss(&b, "the oracle cannot compute this case");
    else if (ops_build(c, &b.g, &b.err) || ph_plan_new(b.g.graph, &(ph_plan_desc){.exact = true}, &b.plan, &b.err))
        fine = miss(&b, "%s", b.err.message);
    else
        fine = check_runs(&b, want);
    for (int i = 0; i < OR_MAX_OUT; i++) {
        or_free(want[i]);
        free(b.output[i]);
        free(b.again[i]);
    }
    ph_plan_free(b.plan);
    ops_graph_free(&b.g);
    return fine;
}

/* --- Random cases -------------------------------------------------------------------------- */

#define SEED 20131216 /* the day Network in Network went to arXiv, version 1 */
#define BUDGET 250000 /* multiply-accumulates of a case, or elements */

uint64_t ops_seed(void)
{
    static uint64_t seed;
    if (!seed) {
        const char *given = getenv("PH_SEED");
        seed = given ? strtoull(given, NULL, 10) : SEED;
        printf("seed %llu, kernels: %s\n", (unsigned long long)seed, ph_cpu_isa());
    }
    return seed;
}

/* Should case `i` of `op` run? */
static bool wanted(const char *op, int i)
{
    const char *only = getenv("PH_CASE");
    char name[64];
    snprintf(name, sizeof name, "%s:%d", op, i);
    return !only || !strcmp(only, name);
}

static void round_inputs(draw_case *c)
{
    c->half = true;
    c->exact = false;
    for (int k = 0; k < c->node.n_in; k++) {
        or_array *a = c->node.in[k];
        if (!a || a->integer || c->known >> k & 1) continue;
        a->dtype = PH_FLOAT16;
        for (int64_t i = 0; i < a->count; i++)
            a->v[i] = (double)phi_f16_widen(phi_f16_narrow(a->v[i]));
    }
}

static void check_random(const char *op, int n, bool half)
{
    int missed = 0;
    for (int i = 0; i < n; i++) {
        char replay[64];
        draw_case c;
        if (!wanted(op, i)) continue;
        snprintf(replay, sizeof replay, "%s:%d", op, i);
        draw_node(op, ops_seed(), (uint64_t)i, i % 3 == 2 ? DRAW_INTEGER : DRAW_UNIFORM, BUDGET,
                  &c);
        if (half) round_inputs(&c);
        missed += !ops_check(&c, replay);
        draw_free(&c);
        if (missed >= 10) fail_msg("%s: %d of the first %d random cases missed", op, missed, i + 1);
    }
    if (missed) fail_msg("%s: %d of %d random cases missed", op, missed, n);
}

void ops_check_random(const char *op, int n)
{
    check_random(op, n, false);
}

void ops_check_half(const char *op, int n)
{
    check_random(op, n, true);
}
