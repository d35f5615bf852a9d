/* SPDX-License-Identifier: MIT */
/*
 * Pinhole's side of bench/compare.py: a process that keeps one network ready and runs it on demand.
 *
 *     bench-worker run MODEL DIMS INPUT OUTPUT THREADS [exact]
 *     bench-worker peak THREADS
 *
 * `run` reads the model, plans it for an input of DIMS (such as 1x3x224x224), runs it once on the
 * floats in the file INPUT, writes the first output's floats to OUTPUT and prints one line of JSON:
 * seconds of `load` (from the file to ready) and of the `first` run, bytes of memory `before` the
 * model was read and at the `peak` until then. From then on each line "N" on standard input is
 * answered by a line of N times in seconds, one a run. It ends with its input.
 *
 * `peak` prints the multiply-add peak of so many threads, in FLOP/s.
 *
 * bench/compare_peer.py speaks the same protocol for other engines.
 */
#include <pinhole/pinhole.h>

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define MOST_PORTS 64

typedef struct session {
    ph_graph *graph;
    ph_plan *plan;
    ph_run *run;
    void *inputs[MOST_PORTS], *outputs[MOST_PORTS];
    int64_t macs;
} session;

static int fail(const char *what, const ph_error *err)
{
    fprintf(stderr, "bench-worker: %s%s%s\n", what, err ? ": " : "", err ? err->message : "");
    return 1;
}

/* VmHWM (the most so far) or VmRSS of this process, bytes; 0 where there is no /proc. */
static long long memory(const char *key)
{
    char line[256];
    long long kb = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == ':')
            kb = strtoll(line + strlen(key) + 1, NULL, 10);
    if (f) fclose(f);
    return kb * 1024;
}

static bool read_dims(const char *text, ph_shape_hint *hint)
{
    char *end = NULL;
    for (hint->rank = 0; hint->rank < PH_MAX_RANK; text = end + 1) {
        hint->dims[hint->rank++] = strtoll(text, &end, 10);
        if (end == text || (*end != 'x' && *end != '\0')) return false;
        if (*end == '\0') return true;
    }
    return false;
}

static bool read_floats(const char *path, void *x, size_t bytes)
{
    FILE *f = fopen(path, "rb");
    if (!f) return false;
    const bool ok = fread(x, 1, bytes, f) == bytes && getc(f) == EOF;
    fclose(f);
    return ok;
}

static bool write_floats(const char *path, const void *x, size_t bytes)
{
    FILE *f = fopen(path, "wb");
    if (!f) return false;
    const bool written = fwrite(x, 1, bytes, f) == bytes;
    return fclose(f) == 0 && written;
}

static enum ph_status prepare(session *s, const char *model, const ph_shape_hint *hint,
                              size_t threads, bool exact, ph_error *err)
{
    const ph_plan_desc desc = {.n_hints = 1, .hints = hint, .exact = exact,
                               .n_threads = threads};
    enum ph_status st = ph_onnx_open(NULL, model, &s->graph, err);
    if (!st) st = ph_plan_new(s->graph, &desc, &s->plan, err);
    if (!st) st = ph_run_new(s->plan, threads, &s->run, err);
    return st;
}

static enum ph_status count_macs(session *s, const ph_shape_hint *hint, ph_error *err)
{
    ph_account *account = NULL;
    const enum ph_status st = ph_account_new(s->graph, 1, hint, &account, err);
    if (!st) s->macs = ph_account_totals(account)->macs;
    ph_account_free(account);
    return st;
}

static bool new_buffers(session *s)
{
    const size_t n_in = ph_plan_n_inputs(s->plan), n_out = ph_plan_n_outputs(s->plan);
    if (n_in != 1 || n_out > MOST_PORTS) return false;
    s->inputs[0] = calloc(1, ph_plan_input(s->plan, 0)->bytes + 1);
    bool ok = s->inputs[0] != NULL;
    for (size_t i = 0; i < n_out; i++) {
        s->outputs[i] = calloc(1, ph_plan_output(s->plan, i)->bytes + 1);
        ok = ok && s->outputs[i];
    }
    return ok;
}

static enum ph_status run_once(session *s, double *seconds, ph_error *err)
{
    const double start = phi_clock();
    const enum ph_status st = ph_run_once(s->run, (const void *const *)s->inputs, s->outputs, err);
    *seconds = phi_clock() - start;
    return st;
}

/* Answer requests until there are no more. */
static int serve(session *s)
{
    char line[64];
    ph_error err;
    while (fgets(line, sizeof line, stdin)) {
        for (long i = 0, n = strtol(line, NULL, 10); i < n; i++) {
            double seconds;
            if (run_once(s, &seconds, &err)) return fail("run", &err);
            printf("%s%.9f", i ? " " : "", seconds);
        }
        printf("\n");
        fflush(stdout);
    }
    return 0;
}

static int run_command(int argc, char **argv, session *s)
{
    ph_error err = {0};
    ph_shape_hint hint = {0};
    const char *model = argv[2], *input = argv[4], *output = argv[5];
    const bool exact = argc > 7 && strcmp(argv[7], "exact") == 0;
    const size_t threads = (size_t)strtoul(argv[6], NULL, 10);
    double load, first;
    if (!read_dims(argv[3], &hint) || threads < 1) return fail("bad dimensions or threads", NULL);
    const long long before = memory("VmRSS");
    load = phi_clock();
    if (prepare(s, model, &hint, threads, exact, &err)) return fail("load", &err);
    load = phi_clock() - load;
    if (!new_buffers(s)) return fail("wanted one input, and memory", NULL);
    if (!read_floats(input, s->inputs[0], ph_plan_input(s->plan, 0)->bytes))
        return fail("the input file has another size", NULL);
    if (run_once(s, &first, &err)) return fail("run", &err);
    const long long peak = memory("VmHWM");
    if (!write_floats(output, s->outputs[0], ph_plan_output(s->plan, 0)->bytes))
        return fail("cannot write the output", NULL);
    if (count_macs(s, &hint, &err)) return fail("count", &err);
    printf("{\"version\": \"%s\", \"isa\": \"%s\", \"macs\": %lld, \"load\": %.6f, "
           "\"first\": %.6f, \"before\": %lld, \"peak\": %lld}\n",
           ph_version(), ph_cpu_isa(), (long long)s->macs, load, first, before, peak);
    fflush(stdout);
    return serve(s);
}

static int peak_command(const char *threads)
{
    ph_error err = {0};
    ph_cpu_peak peak;
    if (ph_cpu_measure_peak(NULL, (size_t)strtoul(threads, NULL, 10), &peak, &err))
        return fail("peak", &err);
    printf("{\"isa\": \"%s\", \"flop_per_second\": %.6e, \"bytes_per_second\": %.6e}\n", peak.isa,
           peak.flop_per_second, peak.bytes_per_second);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "peak") == 0) return peak_command(argv[2]);
    if (argc < 7 || strcmp(argv[1], "run") != 0) {
        fprintf(stderr, "usage: bench-worker run MODEL DIMS INPUT OUTPUT THREADS [exact]\n"
                        "       bench-worker peak THREADS\n");
        return 2;
    }
    session s = {0};
    const int status = run_command(argc, argv, &s);
    ph_run_free(s.run);
    ph_plan_free(s.plan);
    ph_graph_free(s.graph);
    for (size_t i = 0; i < MOST_PORTS; i++) {
        free(s.inputs[i]);
        free(s.outputs[i]);
    }
    return status;
}
