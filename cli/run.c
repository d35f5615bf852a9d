/* SPDX-License-Identifier: MIT */
/*
 * pinhole run: a network on tensors from files.
 */
#include "commands.h"
#include "run.h"

#include <stdlib.h>
#include <string.h>

void run_free_tensors(ph_tensor **list, size_t n)
{
    for (size_t i = 0; list && i < n; i++) {
        ph_tensor_free(list[i]);
    }
    free(list);
}

/* --- One run -------------------------------------------------------------------------------- */

/* The types of what came must be the model's; shapes are compared as far as they are declared. */
static int check_types(const ph_graph *g, ph_tensor *const *inputs, const char *const *from)
{
    for (size_t i = 0; i < ph_graph_n_inputs(g); i++) {
        ph_value v = ph_graph_input(g, i);
        const int64_t *came = ph_tensor_dims(inputs[i]);
        size_t rank = ph_tensor_rank(inputs[i]);
        int64_t dims[PH_MAX_RANK];
        char have[200], want[200];
        enum ph_dtype dtype;
        int wanted = ph_value_type(g, v, &dtype, dims);
        if (wanted < 0) continue;
        if (dtype != ph_tensor_dtype(inputs[i])) {
            return cli_error(CLI_INPUT, "input '%s' is %s, but '%s' holds %s", ph_value_name(g, v),
                             ph_dtype_name(dtype), from[i],
                             ph_dtype_name(ph_tensor_dtype(inputs[i])));
        }
        bool fits = rank == (size_t)wanted;
        for (size_t k = 1; fits && k < rank; k++) { /* the first may be another batch */
            fits = dims[k] < 0 || dims[k] == came[k];
        }
        if (!fits) {
            return cli_error(CLI_INPUT, "input '%s' has shape %s, but '%s' holds %s",
                             ph_value_name(g, v), cli_dims((size_t)wanted, dims, want, sizeof want),
                             from[i], cli_dims(rank, came, have, sizeof have));
        }
    }
    return CLI_OK;
}

static int new_outputs(const ph_plan *plan, ph_tensor **outputs)
{
    ph_error err = {0};
    for (size_t i = 0; i < ph_plan_n_outputs(plan); i++) {
        const ph_port *port = ph_plan_output(plan, i);
        enum ph_status st =
            ph_tensor_new(cli_memory(), port->dtype, port->rank, port->dims, &outputs[i], &err);
        if (st) return cli_fail(st, &err);
    }
    return CLI_OK;
}

/* The data of each port of the plan, which has none for inputs whose values it knows. */
static void find_inputs(const ph_plan *plan, const ph_graph *g, ph_tensor *const *inputs,
                        const void **in)
{
    for (size_t i = 0, k = 0; k < ph_plan_n_inputs(plan); i++) {
        const char *name = ph_value_name(g, ph_graph_input(g, i));
        if (strcmp(name, ph_plan_input(plan, k)->name) == 0) {
            in[k++] = ph_tensor_const_data(inputs[i]);
        }
    }
}

static int run_plan(const ph_plan *plan, const ph_graph *g, size_t threads,
                    ph_tensor *const *inputs, ph_tensor **outputs)
{
    ph_error err = {0};
    ph_run *run = NULL;
    size_t n_in = ph_plan_n_inputs(plan), n_out = ph_plan_n_outputs(plan);
    const void **in = calloc(n_in + 1, sizeof *in);
    void **out = calloc(n_out + 1, sizeof *out);
    int status = in && out ? new_outputs(plan, outputs) : cli_nomem();
    if (status == CLI_OK) {
        find_inputs(plan, g, inputs, in);
        for (size_t i = 0; i < n_out; i++) {
            out[i] = ph_tensor_data(outputs[i]);
        }
        enum ph_status st = ph_run_new(plan, threads, &run, &err);
        double start = cli_now();
        if (!st) st = ph_run_once(run, in, out, &err);
        if (st) status = cli_fail(st, &err);
        cli_detail("ran in %.3f ms, %s kernels", 1e3 * (cli_now() - start), ph_cpu_isa());
    }
    ph_run_free(run);
    free(in);
    free(out);
    return status;
}

/* A plan for these inputs; the values of those that shapes depend on become part of it. */
static int new_plan(const ph_graph *g, const run_options *o, ph_tensor *const *inputs,
                    ph_plan **plan)
{
    size_t n = ph_graph_n_inputs(g);
    cli_hints hints;
    ph_error err = {0};
    ph_measurements *measurements = NULL;
    bool *wanted = calloc(n + 1, sizeof *wanted);
    ph_known_value *values = calloc(n + 1, sizeof *values);
    int status = cli_hints_new(g, &hints);
    if (status == CLI_OK && (!wanted || !values)) status = cli_nomem();
    if (status == CLI_OK) {
        ph_plan_desc desc = {
            .n_values = n, .values = values, .exact = o->exact, .n_threads = o->threads};
        for (size_t i = 0; i < n; i++) {
            values[i] = (ph_known_value){ph_value_name(g, ph_graph_input(g, i)), inputs[i]};
        }
        enum ph_status st = ph_graph_wanted_values(g, &desc, wanted, &err);
        desc.n_values = 0;
        for (size_t i = 0; i < n; i++) {
            cli_hints_set(&hints, g, i, ph_tensor_rank(inputs[i]), ph_tensor_dims(inputs[i]));
            if (wanted[i]) values[desc.n_values++] = values[i];
        }
        desc.n_hints = hints.n;
        desc.hints = hints.at;
        if (!st) status = cli_measure_first(&o->measure, g, o->model, &desc, &measurements);
        if (!st && status == CLI_OK) st = ph_plan_new(g, &desc, plan, &err);
        if (st) status = cli_fail_in(o->model, st, &err);
    }
    ph_measurements_free(measurements);
    cli_hints_free(&hints);
    free(wanted);
    free(values);
    return status;
}

int run_graph(const ph_graph *g, const run_options *o, ph_tensor *const *inputs,
              const char *const *from, ph_tensor **outputs)
{
    ph_plan *plan = NULL;
    int status = check_types(g, inputs, from);
    if (status == CLI_OK) status = new_plan(g, o, inputs, &plan);
    if (status == CLI_OK) status = run_plan(plan, g, o->threads, inputs, outputs);
    ph_plan_free(plan);
    return status;
}

/* --- Inputs from the command line ----------------------------------------------------------- */

static bool is_missing(const void *inputs, size_t i)
{
    return ((ph_tensor *const *)inputs)[i] == NULL;
}

int run_check_inputs(const ph_graph *g, ph_tensor *const *inputs, int status, const char *hint)
{
    char list[2048];
    cli_list_inputs(g, is_missing, inputs, list, sizeof list);
    if (!*list) return CLI_OK;
    return cli_error(status, "no data for input %s; %s", list, hint);
}

static int read_input(const ph_graph *g, const char *text, ph_tensor **inputs, const char **from)
{
    ph_error err = {0};
    const char *path;
    size_t i = cli_split_input(g, "--input", text, &path);
    if (i == SIZE_MAX) return CLI_USAGE;
    if (inputs[i]) {
        return cli_usage("option '--input': input '%s' is given twice",
                         ph_value_name(g, ph_graph_input(g, i)));
    }
    from[i] = path;
    enum ph_status st = ph_tensor_read_npy(cli_memory(), path, &inputs[i], &err);
    return st ? cli_fail(st, &err) : CLI_OK;
}

/* An input that --shape describes must get what it describes: a check before a long run. */
static int check_shapes(const ph_graph *g, const run_options *o, ph_tensor *const *inputs)
{
    cli_hints hints;
    char want[200], have[200];
    int status = cli_hints_new(g, &hints);
    if (status == CLI_OK) status = cli_hints_shapes(&hints, g, &o->shapes);
    for (size_t k = 0; status == CLI_OK && k < hints.n; k++) {
        const ph_shape_hint *hint = &hints.at[k];
        for (size_t i = 0; i < ph_graph_n_inputs(g); i++) {
            if (strcmp(hint->name, ph_value_name(g, ph_graph_input(g, i))) != 0) continue;
            size_t rank = ph_tensor_rank(inputs[i]);
            const int64_t *dims = ph_tensor_dims(inputs[i]);
            if (rank == hint->rank && memcmp(dims, hint->dims, rank * sizeof *dims) == 0) continue;
            status = cli_error(CLI_INPUT, "input '%s' is to have shape %s, its file holds %s",
                               hint->name, cli_dims(hint->rank, hint->dims, want, sizeof want),
                               cli_dims(rank, dims, have, sizeof have));
        }
    }
    cli_hints_free(&hints);
    return status;
}

static int run_files(const ph_graph *g, const run_options *o)
{
    size_t n_in = ph_graph_n_inputs(g), n_out = ph_graph_n_outputs(g);
    ph_tensor **inputs = calloc(n_in + 1, sizeof *inputs);
    ph_tensor **outputs = calloc(n_out + 1, sizeof *outputs);
    const char **from = calloc(n_in + 1, sizeof *from);
    int status = inputs && outputs && from ? CLI_OK : cli_nomem();
    for (size_t i = 0; status == CLI_OK && i < o->inputs.n; i++) {
        status = read_input(g, o->inputs.at[i], inputs, from);
    }
    if (status == CLI_OK) {
        status = run_check_inputs(g, inputs, CLI_USAGE,
                                  "give --input NAME=FILE.npy (try 'pinhole run --help')");
    }
    if (status == CLI_OK) status = check_shapes(g, o, inputs);
    if (status == CLI_OK) status = run_graph(g, o, inputs, from, outputs);
    if (status == CLI_OK) {
        status = run_write_outputs(g, o->output_dir ? o->output_dir : ".", outputs);
    }
    run_free_tensors(inputs, n_in);
    run_free_tensors(outputs, n_out);
    free(from);
    return status;
}

/* --- The command ---------------------------------------------------------------------------- */

static int run_model(const run_options *o)
{
    ph_graph *g;
    ph_error err = {0};
    int status = cli_open_model(o->model, &g);
    if (status != CLI_OK) return status;
    enum ph_status st = ph_graph_check(g, &err);
    if (st) {
        status = cli_fail_in(o->model, st, &err);
    } else {
        status = o->test_data ? run_test_data(g, o) : run_files(g, o);
    }
    ph_graph_free(g);
    return status;
}

int cmd_run(int argc, char **argv)
{
    bool tolerance = false;
    run_options o = {.rtol = 1e-3, .atol = 1e-7};
    const cli_option options[] = {
        {OPT_TEXTS("input", 'i', &o.inputs, "[NAME=]FILE",
                   "the .npy file for an input (repeatable)")},
        {OPT_TEXT("output-dir", 'o', &o.output_dir, "DIR",
                  "where to write NAME.npy for each output (.)")},
        {OPT_TEXT("test-data", 'd', &o.test_data, "DIR",
                  "run a folder of input_K.pb files, or a folder of\ntest_data_set_N folders, and "
                  "compare the outputs\nwith output_K.pb")},
        {OPT_REAL("rtol", 'r', &o.rtol, "X", 0.0, 1e6,
                  "relative tolerance of the comparison (0.001)"),
         .given = &tolerance},
        {OPT_REAL("atol", 'a', &o.atol, "X", 0.0, 1e30,
                  "absolute tolerance of the comparison (1e-7)"),
         .given = &tolerance},
        {OPT_TEXTS(
            "shape", 's', &o.shapes, "[NAME=]DIMS",
            "insist on a shape of an input, such as 3x224x224\n(repeatable; else the file's)")},
        {OPT_SIZE("threads", 't', &o.threads, "N", 1, 1024, "threads (one per CPU)")},
        {OPT_FLAG("exact", 'e', &o.exact, CLI_EXACT_HELP)},
        CLI_MEASURE_OPTIONS(&o.measure),
    };
    const cli_spec spec = {
        .operands = "MODEL",
        .min_operands = 1,
        .max_operands = 1,
        .about = "Run a network once and write each output as a .npy file, or compare it with\n"
                 "ONNX test data: exit status 1 if an output differs.\n",
        .examples = "  pinhole run model.onnx --input data=cat.npy --output-dir out\n"
                    "  pinhole run model.onnx --test-data test_data_set_0 --rtol 1e-4\n",
        .options = options,
        .n_options = CLI_COUNT(options),
    };
    int status = cli_parse(&spec, argc, argv);
    if (status != CLI_GO) return status;
    o.model = argv[optind];
    if (o.test_data && o.inputs.n)
        return cli_usage("'--test-data' brings the inputs: no '--input'");
    if (o.test_data && o.shapes.n)
        return cli_usage("'--test-data' brings the shapes: no '--shape'");
    if (o.test_data && o.output_dir) return cli_usage("'--test-data' writes no '--output-dir'");
    if (!o.test_data && tolerance) return cli_usage("'--rtol' and '--atol' need '--test-data'");
    return run_model(&o);
}
