/* SPDX-License-Identifier: MIT */
/*
 * pinhole check: is this network valid, and can Pinhole run it? Every reason why not.
 */
#include "commands.h"
#include "json.h"
#include "options.h"

#include <string.h>

static size_t count_reasons(const ph_survey *s)
{
    size_t n = 0;
    for (size_t i = 0; i < ph_survey_n_findings(s); i++) {
        n += ph_survey_finding(s, i)->status != PH_OK;
    }
    return n;
}

static void print_text(const char *model, const ph_graph *g, const ph_survey *s)
{
    size_t reasons = count_reasons(s);
    if (reasons) {
        printf("%s: cannot be run, for %zu reason%s\n", model, reasons, reasons == 1 ? "" : "s");
    } else {
        printf("%s: ok\n", model);
    }
    for (size_t i = 0; i < ph_survey_n_findings(s); i++) {
        const ph_finding *f = ph_survey_finding(s, i);
        if (f->status) printf("  %-10s %s\n", f->kind, f->message);
    }
    for (size_t i = 0; i < ph_survey_n_findings(s); i++) {
        const ph_finding *f = ph_survey_finding(s, i);
        if (!f->status) printf("  note       %s\n", f->message);
    }
    cli_detail("%zu nodes, %zu inputs, %zu outputs, opset %lld", ph_graph_n_nodes(g),
               ph_graph_n_inputs(g), ph_graph_n_outputs(g), (long long)ph_graph_opset(g));
}

static json_t *json_finding(const ph_finding *f)
{
    json_t *o = json_object();
    cli_json_text(o, "kind", f->kind);
    if (f->node) cli_json_text(o, "node", f->node);
    if (f->op) cli_json_text(o, "op", f->op);
    cli_json_text(o, "message", f->message);
    return o;
}

static int write_json(const char *model, const ph_graph *g, const ph_survey *s,
                      const char *path)
{
    json_t *root = json_object(), *reasons = json_array(), *notes = json_array();
    bool ok = true;
    for (size_t i = 0; i < ph_survey_n_findings(s); i++) {
        const ph_finding *f = ph_survey_finding(s, i);
        ok &= json_array_append_new(f->status ? reasons : notes, json_finding(f)) == 0;
    }
    cli_json_int(root, "schema", 1);
    cli_json_text(root, "model", model);
    cli_json_set(root, "runs", json_boolean(count_reasons(s) == 0));
    cli_json_int(root, "opset", ph_graph_opset(g));
    cli_json_int(root, "nodes", (int64_t)ph_graph_n_nodes(g));
    cli_json_set(root, "reasons", reasons);
    cli_json_set(root, "notes", notes);
    if (!ok) {
        json_decref(root);
        return cli_nomem();
    }
    return cli_json_write(root, path);
}

static int check(const char *model, const cli_texts *shapes, const char *json)
{
    ph_graph *g = NULL;
    ph_survey *s = NULL;
    cli_hints hints = {0};
    ph_error err = {0};
    int status = cli_load_outline(model, &g);
    if (status == CLI_OK) status = cli_hints_new(g, &hints);
    if (status == CLI_OK) status = cli_hints_shapes(&hints, g, shapes);
    if (status == CLI_OK) {
        const ph_plan_desc desc = {.n_hints = hints.n, .hints = hints.at};
        enum ph_status st = ph_survey_new(g, &desc, &s, &err);
        if (st) status = cli_fail_in(model, st, &err);
    }
    if (status == CLI_OK && !(json && strcmp(json, "-") == 0)) print_text(model, g, s);
    if (status == CLI_OK && json) status = write_json(model, g, s, json);
    if (status == CLI_OK) {
        enum ph_status st = ph_survey_status(s);
        status = st == PH_ERR_SHAPE ? CLI_NO : cli_exit_status(st);
    }
    ph_survey_free(s);
    cli_hints_free(&hints);
    ph_graph_free(g);
    return status;
}

int cmd_check(int argc, char **argv)
{
    const char *json = NULL;
    cli_texts shapes = {0};
    const cli_option options[] = {
        {OPT_TEXTS("shape", 's', &shapes, "[NAME=]DIMS",
                   CLI_SHAPE_HELP)},
        {OPT_TEXT("json", 'j', &json, "FILE",
                  "write JSON to FILE; '-' prints it instead of the\ntext")},
    };
    const cli_spec spec = {
        .operands = "MODEL",
        .min_operands = 1,
        .max_operands = 1,
        .about =
            "Will this network run? Looks at names, values, order, operators, attributes,\n"
            "types and shapes, and lists every reason why not, with the nodes' names. Where\n"
            "the network leaves the shape of an input open, one is assumed and noted.\n"
            "Exit status 0: it will run; 1: not with these shapes; 3: malformed; 4: valid,\n"
            "but with something that Pinhole cannot do.\n",
        .examples = "  pinhole check model.onnx\n"
                    "  pinhole check model.onnx --shape 1x3x299x299 --json -\n",
        .options = options,
        .n_options = CLI_COUNT(options),
    };
    int status = cli_parse(&spec, argc, argv);
    if (status != CLI_GO) return status;
    return check(argv[optind], &shapes, json);
}
