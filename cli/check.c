/* SPDX-License-Identifier: MIT */
/*
 * pinhole check: is this network valid, and can Pinhole run it?
 */
#include "commands.h"
#include "options.h"

int cmd_check(int argc, char **argv)
{
    const cli_spec spec = {
        .operands = "MODEL",
        .min_operands = 1,
        .max_operands = 1,
        .about =
            "Check a network: names, values, order, operators, attributes, types and shapes.\n"
            "Prints 'MODEL: ok', or says everything that is wrong. Exit status 3: malformed;\n"
            "4: valid, but with operators that Pinhole does not have.\n",
        .examples = "  pinhole check model.onnx\n",
    };
    int status = cli_parse(&spec, argc, argv);
    if (status != CLI_GO) return status;

    ph_graph *g;
    ph_error err = {0};
    status = cli_load_model(argv[optind], 0, &g);
    if (status != CLI_OK) return status;
    enum ph_status st = ph_graph_check(g, &err);
    if (st) {
        status = cli_fail_in(argv[optind], st, &err);
    } else {
        printf("%s: ok\n", argv[optind]);
        cli_detail("%zu nodes, %zu inputs, %zu outputs, opset %lld", ph_graph_n_nodes(g),
                   ph_graph_n_inputs(g), ph_graph_n_outputs(g), (long long)ph_graph_opset(g));
    }
    ph_graph_free(g);
    return status;
}
