/* SPDX-License-Identifier: MIT */
/*
 * pinhole bench: how long one run of a network takes, on random input.
 */
#include "bench.h"
#include "commands.h"
#include "options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct bench_options {
    const char *model, *json;
    cli_texts shapes;
    size_t threads, batch, iters, warmup, max_weights;
    bool exact, layers;
    cli_measure measure;
} bench_options;

typedef struct bench_result {
    double *seconds; /* [iters], sorted */
    size_t iters;
    double median, min, p90; /* seconds */
    int64_t batch, macs;     /* images of a run; MACs of a run */
    size_t weight_bytes;     /* packed */
    bench_layers layers;     /* all zero unless asked for */
} bench_result;

/* --- Input ---------------------------------------------------------------------------------- */

/* SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Floats uniform in 0 .. 1, like images; other types stay zero, which is a valid index or flag. */
static void fill_random(void *data, const ph_port *port, uint64_t *state)
{
    if (port->dtype != PH_FLOAT32) return;
    float *x = data;
    for (int64_t i = 0; i < port->count; i++) {
        x[i] = (float)(next_random(state) >> 40) * 0x1p-24f;
    }
}

typedef struct bench_buffers {
    void **inputs, **outputs;
    size_t n_inputs, n_outputs;
} bench_buffers;

static void free_buffers(bench_buffers *b)
{
    for (size_t i = 0; b->inputs && i < b->n_inputs; i++) {
        cli_free(b->inputs[i]);
    }
    for (size_t i = 0; b->outputs && i < b->n_outputs; i++) {
        cli_free(b->outputs[i]);
    }
    free(b->inputs);
    free(b->outputs);
}

static bool new_buffers(bench_buffers *b, const ph_plan *plan)
{
    uint64_t state = 1;
    *b = (bench_buffers){.n_inputs = ph_plan_n_inputs(plan), .n_outputs = ph_plan_n_outputs(plan)};
    b->inputs = calloc(b->n_inputs + 1, sizeof *b->inputs);
    b->outputs = calloc(b->n_outputs + 1, sizeof *b->outputs);
    if (!b->inputs || !b->outputs) return false;
    for (size_t i = 0; i < b->n_inputs; i++) {
        b->inputs[i] = cli_alloc(ph_plan_input(plan, i)->bytes);
        if (!b->inputs[i]) return false;
        fill_random(b->inputs[i], ph_plan_input(plan, i), &state);
    }
    for (size_t i = 0; i < b->n_outputs; i++) {
        b->outputs[i] = cli_alloc(ph_plan_output(plan, i)->bytes);
        if (!b->outputs[i]) return false;
    }
    return true;
}

/* --- Measuring ------------------------------------------------------------------------------ */

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *x, size_t n)
{
    qsort(x, n, sizeof *x, compare_doubles);
    return n % 2 ? x[n / 2] : 0.5 * (x[n / 2 - 1] + x[n / 2]);
}

static void summarise(bench_result *r)
{
    size_t n = r->iters;
    r->median = bench_median(r->seconds, n);
    r->min = r->seconds[0];
    r->p90 = r->seconds[(9 * n + 9) / 10 - 1]; /* nearest rank */
}

static int measure(ph_run *run, const bench_buffers *b, const bench_options *o, bench_result *r)
{
    ph_error err = {0};
    const void *const *inputs = (const void *const *)b->inputs;
    for (size_t i = 0; i < o->warmup + o->iters; i++) {
        const size_t row = i < o->warmup ? 0 : i - o->warmup;
        double *by_step = o->layers ? r->layers.seconds + row * r->layers.n : NULL;
        double start = cli_now();
        enum ph_status st = ph_run_timed(run, inputs, b->outputs, by_step, &err);
        if (st) return cli_fail_in(o->model, st, &err);
        r->seconds[row] = cli_now() - start; /* a measured run overwrites those before it */
        cli_progress("%s %zu/%zu", i < o->warmup ? "warming up" : "measuring", i + 1,
                     o->warmup + o->iters);
    }
    cli_progress_clear();
    r->iters = o->iters;
    summarise(r);
    return CLI_OK;
}

static int run_bench(const ph_plan *plan, const bench_options *o, bench_result *r)
{
    ph_error err = {0};
    ph_run *run = NULL;
    bench_buffers buffers;
    int status = CLI_OK;
    if (!new_buffers(&buffers, plan)) status = cli_fail_in(o->model, PH_ERR_NOMEM, NULL);
    if (status == CLI_OK && o->layers)
        status = bench_layers_new(plan, o->model, o->iters, &r->layers);
    if (status == CLI_OK) {
        enum ph_status st = ph_run_new(plan, o->threads, &run, &err);
        if (st) status = cli_fail_in(o->model, st, &err);
    }
    if (status == CLI_OK) {
        const ph_port *port = ph_plan_n_inputs(plan) ? ph_plan_input(plan, 0) : NULL;
        r->batch = port && port->rank > 0 ? port->dims[0] : 1;
        r->weight_bytes = ph_plan_weight_bytes(plan);
        cli_detail("activations and scratch: %zu bytes", ph_plan_arena_bytes(plan));
        status = measure(run, &buffers, o, r);
    }
    if (status == CLI_OK && o->layers) status = bench_layers_summarise(&r->layers, o->threads);
    ph_run_free(run);
    free_buffers(&buffers);
    return status;
}

/* --- Reporting ------------------------------------------------------------------------------ */

static double images_per_second(const bench_result *r)
{
    return (double)r->batch / r->median;
}
static double gflops(const bench_result *r)
{
    return 2e-9 * (double)r->macs / r->median;
}

static const char *rate_text(double rate, char buf[CLI_NUMBER_BYTES])
{
    if (rate >= 100.0) return cli_group(llround(rate), buf);
    snprintf(buf, CLI_NUMBER_BYTES, "%.2f", rate);
    return buf;
}

static void print_text(const bench_options *o, const bench_result *r)
{
    char speed[CLI_NUMBER_BYTES], macs[CLI_NUMBER_BYTES];
    printf("%s: batch %lld, %zu thread%s, %s\n", cli_base_name(o->model), (long long)r->batch,
           o->threads, o->threads == 1 ? "" : "s", ph_cpu_isa());
    printf("  median  %10.3f ms   %s images/s, %.1f GFLOP/s\n", 1e3 * r->median,
           rate_text(images_per_second(r), speed), gflops(r));
    printf("  min     %10.3f ms\n", 1e3 * r->min);
    printf("  p90     %10.3f ms\n", 1e3 * r->p90);
    printf("  weights %10.1f MB packed (10^6 bytes)\n", 1e-6 * (double)r->weight_bytes);
    printf("  %zu runs of %s MACs (1 MAC = 2 FLOP), after %zu to warm up\n", r->iters,
           cli_si((double)r->macs, macs), o->warmup);
    if (o->layers) bench_layers_print(&r->layers);
}

static int print_json(const bench_options *o, const bench_result *r)
{
    json_t *root = json_object();
    cli_json_int(root, "schema", 1);
    cli_json_text(root, "model", cli_base_name(o->model));
    cli_json_text(root, "isa", ph_cpu_isa());
    cli_json_int(root, "threads", (int64_t)o->threads);
    cli_json_int(root, "batch", r->batch);
    cli_json_int(root, "iters", (int64_t)r->iters);
    cli_json_int(root, "warmup", (int64_t)o->warmup);
    cli_json_int(root, "macs", r->macs);
    cli_json_int(root, "weight_bytes", (int64_t)r->weight_bytes);
    cli_json_real(root, "median_ms", 1e3 * r->median);
    cli_json_real(root, "min_ms", 1e3 * r->min);
    cli_json_real(root, "p90_ms", 1e3 * r->p90);
    cli_json_real(root, "images_per_second", images_per_second(r));
    cli_json_real(root, "gflops", gflops(r));
    if (o->layers) bench_layers_json(&r->layers, root);
    return cli_json_write(root, o->json);
}

/* --- The command ---------------------------------------------------------------------------- */

static int plan_and_count(const bench_options *o, const ph_graph *g, const cli_hints *hints,
                          ph_plan **plan, int64_t *macs)
{
    ph_error err = {0};
    ph_account *account = NULL;
    ph_plan_desc desc = {.n_hints = hints->n,
                         .hints = hints->at,
                         .exact = o->exact,
                         .max_weights = o->max_weights,
                         .n_threads = o->threads};
    ph_measurements *measurements = NULL;
    enum ph_status st = ph_account_new(g, hints->n, hints->at, &account, &err);
    if (st) return cli_fail_in(o->model, st, &err);
    *macs = ph_account_totals(account)->macs;
    ph_account_free(account);
    const double start = cli_now();
    int status = cli_measure_first(&o->measure, g, o->model, &desc, &measurements);
    if (status == CLI_OK) {
        st = ph_plan_new(g, &desc, plan, &err);
        if (st) status = cli_fail_in(o->model, st, &err);
    }
    if (status == CLI_OK) cli_detail("plan: %.1f ms", 1e3 * (cli_now() - start));
    ph_measurements_free(measurements);
    return status;
}

static int bench(const ph_graph *g, const bench_options *o)
{
    cli_hints hints;
    ph_plan *plan = NULL;
    bench_result r = {.seconds = calloc(o->iters, sizeof *r.seconds)};
    int status = cli_hints_new(g, &hints);
    if (status == CLI_OK && !r.seconds) status = cli_nomem();
    if (status == CLI_OK) status = cli_hints_shapes(&hints, g, &o->shapes);
    if (status == CLI_OK && o->batch) status = cli_hints_batch(&hints, g, (int64_t)o->batch);
    if (status == CLI_OK) status = plan_and_count(o, g, &hints, &plan, &r.macs);
    if (status == CLI_OK) status = run_bench(plan, o, &r);
    if (status == CLI_OK && !(o->json && strcmp(o->json, "-") == 0)) print_text(o, &r);
    if (status == CLI_OK && o->json) status = print_json(o, &r);
    bench_layers_free(&r.layers);
    ph_plan_free(plan);
    cli_hints_free(&hints);
    free(r.seconds);
    return status;
}

int cmd_bench(int argc, char **argv)
{
    bench_options o = {.iters = 30, .warmup = 3};
    const cli_option options[] = {
        {OPT_SIZE("threads", 't', &o.threads, "N", 1, 1024, "threads (one per CPU)")},
        {OPT_SIZE("batch", 'b', &o.batch, "N", 1, 1 << 20,
                  "images of one run (the model's, or 1)")},
        {OPT_SIZE("iters", 'n', &o.iters, "N", 1, 1 << 24, "measured runs (30)")},
        {OPT_SIZE("warmup", 'w', &o.warmup, "N", 0, 1 << 24,
                  "runs before them that do not count (3)")},
        {OPT_TEXTS("shape", 's', &o.shapes, "[NAME=]DIMS",
                   CLI_SHAPE_HELP)},
        {OPT_FLAG("layers", 'l', &o.layers,
                  "the time of each layer, too, how it is computed and\n"
                  "how near to the machine's peak")},
        {OPT_FLAG("exact", 'e', &o.exact, CLI_EXACT_HELP)},
        CLI_MEASURE_OPTIONS(&o.measure),
        {OPT_ANY("max-weights", 0, CLI_BYTES, &o.max_weights, "SIZE",
                 "packed weights in at most so much memory: without\nWinograd and Strassen where that takes it")},
        {OPT_TEXT("json", 'j', &o.json, "FILE",
                  "write JSON to FILE; '-' prints it instead of the\ntext")},
    };
    const cli_spec spec = {
        .operands = "MODEL",
        .min_operands = 1,
        .max_operands = 1,
        .about = "Run a network on random input (always the same) and print the median, the\n"
                 "fastest and the 90th percentile of the time of one run.\n",
        .examples = "  pinhole bench nin-cifar10 --batch 32 --threads 1\n"
                    "  pinhole bench googlenet --layers --threads 1\n",
        .options = options,
        .n_options = CLI_COUNT(options),
    };
    int status = cli_parse(&spec, argc, argv);
    if (status != CLI_GO) return status;
    o.model = argv[optind];
    if (!o.threads) o.threads = ph_cpu_count();
    ph_graph *g;
    status = cli_open_model(o.model, &g);
    if (status == CLI_OK) status = bench(g, &o);
    ph_graph_free(g);
    return status;
}
