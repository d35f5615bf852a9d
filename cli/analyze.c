/* SPDX-License-Identifier: MIT */
/*
 * pinhole analyze: what a network costs, layer by layer, what its 1x1 convolutions save, and how it
 * stands beside another one.
 */
#include "commands.h"
#include "options.h"

#include <string.h>

typedef struct analyze_options {
    const char *model, *against;
    cli_texts shapes, against_shapes;
    const char *json, *csv, *peak;
    size_t threads;
    bool intensity;
    double flop_per_second, bytes_per_second; /* 0: not known */
} analyze_options;

/* What is written: one account, or two. */
typedef struct result {
    ph_account *of[2]; /* of[1] is NULL without --against */
} result;

/* --- Peak ------------------------------------------------------------------------------------- */

/* "150", "150,20": GFLOP/s and GB/s. */
static bool parse_peak(const char *text, analyze_options *o)
{
    char number[64];
    const size_t n = strcspn(text, ",");
    double gflops, gbytes = 0;
    if (n >= sizeof number) return false;
    memcpy(number, text, n);
    number[n] = '\0';
    if (!cli_parse_real(number, 1e-6, 1e12, &gflops)) return false;
    if (text[n] && !cli_parse_real(text + n + 1, 1e-6, 1e12, &gbytes)) return false;
    o->flop_per_second = 1e9 * gflops;
    o->bytes_per_second = 1e9 * gbytes;
    return true;
}

static int measure_peak(analyze_options *o)
{
    ph_cpu_peak peak;
    ph_error err = {0};
    enum ph_status st = ph_cpu_measure_peak(NULL, o->threads, &peak, &err);
    if (st) return cli_fail(st, &err);
    o->flop_per_second = peak.flop_per_second;
    o->bytes_per_second = peak.bytes_per_second;
    cli_note("measured with %s on %zu thread%s in %.2f s: %.1f GFLOP/s, %.1f GB/s", peak.isa,
             peak.n_threads, peak.n_threads == 1 ? "" : "s", peak.seconds,
             1e-9 * peak.flop_per_second, 1e-9 * peak.bytes_per_second);
    return CLI_OK;
}

static int find_peak(analyze_options *o)
{
    if (!o->peak) return CLI_OK;
    if (strcmp(o->peak, "measure") == 0) return measure_peak(o);
    if (parse_peak(o->peak, o)) return CLI_OK;
    return cli_usage("option '--peak': '%s' is neither 'measure' nor GFLOP/s, or GFLOP/s and GB/s "
                     "such as 150,20",
                     o->peak);
}

/* --- Writing ---------------------------------------------------------------------------------- */

static int write_as(const result *r, enum ph_format format, const char *path)
{
    cli_out out;
    ph_error err = {0};
    int status = cli_out_open(&out, path);
    if (status != CLI_OK) return status;
    enum ph_status st = r->of[1] ? ph_account_write_pair(r->of[0], r->of[1], format, out.f, &err)
                                 : ph_account_write(r->of[0], format, out.f, &err);
    if (st && !ferror(out.f)) status = cli_fail(st, &err);
    int closed = cli_out_close(&out, status == CLI_OK);
    return status != CLI_OK ? status : closed;
}

/* The tables that the text of one network has. */
static int write_text(const result *r, const analyze_options *o)
{
    int status = write_as(r, PH_FORMAT_TEXT, "-");
    if (status != CLI_OK || r->of[1] || !(o->intensity || o->peak)) return status;
    putchar('\n');
    return write_as(r, PH_FORMAT_ROOFLINE, "-");
}

static int write_all(const result *r, const analyze_options *o)
{
    bool on_stdout = (o->json && strcmp(o->json, "-") == 0) || (o->csv && strcmp(o->csv, "-") == 0);
    int status = CLI_OK;
    if (o->json) status = write_as(r, PH_FORMAT_JSON, o->json);
    if (o->csv && status == CLI_OK) status = write_as(r, PH_FORMAT_CSV, o->csv);
    if (!on_stdout && status == CLI_OK) status = write_text(r, o);
    return status;
}

/* --- Accounts --------------------------------------------------------------------------------- */

/* Memory of a run, where there can be one: what keeps it from running is no fault of the account.
 */
static int add_plan(const char *model, ph_account *account, const ph_graph *g,
                    const cli_hints *hints)
{
    ph_error err = {0};
    if (ph_account_totals(account)->unknown_nodes) return CLI_OK;
    enum ph_status st = ph_account_plan(account, g, hints->n, hints->at, &err);
    if (st == PH_ERR_NOMEM || st == PH_ERR_INTERNAL) return cli_fail_in(model, st, &err);
    if (st) cli_note("%s: no plan of a run: %s", cli_base_name(model), err.message);
    return CLI_OK;
}

static int account_for(const char *model, const cli_texts *shapes, const analyze_options *o,
                       ph_account **out)
{
    ph_graph *g = NULL;
    cli_hints hints = {0};
    ph_error err = {0};
    int status = cli_load_outline(model, &g);
    if (status == CLI_OK) status = cli_hints_new(g, &hints);
    if (status == CLI_OK) status = cli_hints_shapes(&hints, g, shapes);
    if (status == CLI_OK) {
        enum ph_status st = ph_account_new(g, hints.n, hints.at, out, &err);
        if (st) status = cli_fail_in(model, st, &err);
    }
    if (status == CLI_OK) status = add_plan(model, *out, g, &hints);
    if (status == CLI_OK && o->peak)
        ph_account_set_peak(*out, o->flop_per_second, o->bytes_per_second);
    cli_hints_free(&hints);
    ph_graph_free(g);
    return status;
}

static int analyze(analyze_options *o)
{
    result r = {{NULL, NULL}};
    int status = find_peak(o);
    if (status == CLI_OK) status = account_for(o->model, &o->shapes, o, &r.of[0]);
    if (status == CLI_OK && o->against)
        status = account_for(o->against, &o->against_shapes, o, &r.of[1]);
    if (status == CLI_OK) status = write_all(&r, o);
    ph_account_free(r.of[0]);
    ph_account_free(r.of[1]);
    return status;
}

/* --- The command ------------------------------------------------------------------------------ */

static int check_options(const analyze_options *o)
{
    if (o->json && o->csv && strcmp(o->json, "-") == 0 && strcmp(o->csv, "-") == 0)
        return cli_usage("only one of '--json' and '--csv' can be standard output");
    if (o->against_shapes.n && !o->against)
        return cli_usage("option '--against-shape' needs '--against'");
    if (o->against && strcmp(o->model, "-") == 0 && strcmp(o->against, "-") == 0)
        return cli_usage("only one of the two models can be standard input");
    return CLI_OK;
}

int cmd_analyze(int argc, char **argv)
{
    analyze_options o = {0};
    const cli_option options[] = {
        {OPT_TEXT(
            "against", 'a', &o.against, "MODEL",
            "set this network beside it: totals and ratios,\nkinds of layers, layers aligned")},
        {OPT_TEXTS("shape", 's', &o.shapes, "[NAME=]DIMS",
                   "shape of an input, such as 1x3x224x224 or\n3x224x224 (repeatable)")},
        {OPT_TEXTS("against-shape", 0, &o.against_shapes, "[NAME=]DIMS",
                   "the same for the other network")},
        {OPT_TEXT("peak", 'p', &o.peak, "PEAK",
                  "lower bounds in time for a machine of so many\n"
                  "GFLOP/s, or GFLOP/s,GB/s; 'measure': this one")},
        {OPT_SIZE("threads", 't', &o.threads, "N", 1, 1024,
                  "threads that '--peak measure' uses (one per CPU)")},
        {OPT_FLAG("intensity", 'i', &o.intensity,
                  "bytes moved and FLOP a byte, layer by layer\n(--peak gives that, too)")},
        {OPT_TEXT("json", 'j', &o.json, "FILE",
                  "write JSON to FILE; '-' prints it instead of the\ntable")},
        {OPT_TEXT("csv", 'c', &o.csv, "FILE",
                  "write CSV to FILE; '-' prints it instead of the\ntable")},
    };
    const cli_spec spec = {
        .operands = "MODEL",
        .min_operands = 1,
        .max_operands = 1,
        .about = "Account for a network layer by layer: output shape, parameters, MACs (1 MAC =\n"
                 "2 FLOP) and activation bytes; which 1x1 convolutions shrink, keep or grow the\n"
                 "channels; what each 1x1 reduction saves against the same module without it; the\n"
                 "memory of a run. A network that cannot be run is accounted for as far as it is\n"
                 "understood.\n",
        .examples = "  pinhole analyze nin-cifar10\n"
                    "  pinhole analyze inception-3a --against inception-3a-naive\n"
                    "  pinhole analyze squeezenet.onnx --shape 3x224x224 --peak measure\n",
        .options = options,
        .n_options = CLI_COUNT(options),
    };
    int status = cli_parse(&spec, argc, argv);
    if (status != CLI_GO) return status;
    o.model = argv[optind];
    status = check_options(&o);
    return status == CLI_OK ? analyze(&o) : status;
}
