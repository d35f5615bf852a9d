/* SPDX-License-Identifier: MIT */
/*
 * pinhole analyze: what a network costs, layer by layer, and what its 1x1 convolutions save.
 */
#include "commands.h"
#include "options.h"

#include <string.h>

static int write_account(const ph_account *account, enum ph_format format, const char *path)
{
    cli_out out;
    ph_error err = {0};
    int status = cli_out_open(&out, path);
    if (status != CLI_OK) return status;
    enum ph_status st = ph_account_write(account, format, out.f, &err);
    if (st && !ferror(out.f)) status = cli_fail(st, &err);
    int closed = cli_out_close(&out, status == CLI_OK);
    return status != CLI_OK ? status : closed;
}

static int write_all(const ph_account *account, const char *json, const char *csv)
{
    bool on_stdout = (json && strcmp(json, "-") == 0) || (csv && strcmp(csv, "-") == 0);
    int status = CLI_OK;
    if (json) status = write_account(account, PH_FORMAT_JSON, json);
    if (csv && status == CLI_OK) status = write_account(account, PH_FORMAT_CSV, csv);
    if (!on_stdout && status == CLI_OK) status = write_account(account, PH_FORMAT_TEXT, "-");
    return status;
}

static int account_for(const char *model, const ph_graph *g, const cli_texts *shapes,
                       const char *json, const char *csv)
{
    cli_hints hints;
    ph_error err = {0};
    ph_account *account = NULL;
    int status = cli_hints_new(g, &hints);
    if (status == CLI_OK) status = cli_hints_shapes(&hints, g, shapes);
    if (status == CLI_OK) {
        enum ph_status st = ph_account_new(g, hints.n, hints.at, &account, &err);
        if (st) status = cli_fail_in(model, st, &err);
    }
    if (status == CLI_OK) status = write_all(account, json, csv);
    ph_account_free(account);
    cli_hints_free(&hints);
    return status;
}

int cmd_analyze(int argc, char **argv)
{
    cli_texts shapes = {0};
    const char *json = NULL, *csv = NULL;
    const cli_option options[] = {
        {OPT_TEXTS("shape", 's', &shapes, "[NAME=]DIMS",
                   CLI_SHAPE_HELP)},
        {OPT_TEXT("json", 'j', &json, "FILE",
                  "write JSON to FILE; '-' prints it instead of the\ntable")},
        {OPT_TEXT("csv", 'c', &csv, "FILE",
                  "write CSV to FILE; '-' prints it instead of the\ntable")},
    };
    const cli_spec spec = {
        .operands = "MODEL",
        .min_operands = 1,
        .max_operands = 1,
        .about =
            "Account for a network layer by layer: output shape, parameters, MACs (1 MAC =\n"
            "2 FLOP) and activation bytes; which 1x1 convolutions shrink, keep or grow the\n"
            "channels; and what each 1x1 reduction saves against the same module without it.\n",
        .examples = "  pinhole analyze nin-cifar10\n"
                    "  pinhole analyze squeezenet.onnx --shape 3x224x224 --json costs.json\n",
        .options = options,
        .n_options = CLI_COUNT(options),
    };
    int status = cli_parse(&spec, argc, argv);
    if (status != CLI_GO) return status;
    if (json && csv && strcmp(json, "-") == 0 && strcmp(csv, "-") == 0) {
        return cli_usage("only one of '--json' and '--csv' can be standard output");
    }
    ph_graph *g;
    status = cli_load_model(argv[optind], 0, &g);
    if (status == CLI_OK) status = account_for(argv[optind], g, &shapes, json, csv);
    ph_graph_free(g);
    return status;
}
