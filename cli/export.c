/* SPDX-License-Identifier: MIT */
/*
 * pinhole export: any network as an ONNX file.
 */
#include "commands.h"
#include "image_options.h"

int cmd_export(int argc, char **argv)
{
    const char *output = NULL;
    uint64_t seed = 0;
    cli_texts shapes = {0};
    image_options image = {0};
    const cli_option options[] = {
        {OPT_TEXT("output", 'o', &output, "FILE",
                  "the ONNX file to write; '-' is standard output")},
        {OPT_SEED("seed", 's', &seed, "N",
                  "draw the weights of a .net text or built-in\nnetwork from this seed (0)")},
        {OPT_TEXTS("shape", 0, &shapes, "[NAME=]DIMS", CLI_SHAPE_HELP)},
        IMAGE_OPTIONS(image),
    };
    const cli_spec spec = {
        .operands = "MODEL",
        .min_operands = 1,
        .max_operands = 1,
        .about =
            "Write a network as an ONNX file: a .net text or built-in network with weights\n"
            "drawn from a seed, or an ONNX file as Pinhole understands it; with --shape, with\n"
            "open shapes closed. How images are prepared (--preset to --layout) and the\n"
            "names of the classes (--labels) are written into the model, for classify.\n",
        .examples = "  pinhole export nin-cifar10 --seed 1 -o nin.onnx\n"
                    "  pinhole export resnet18.onnx -p torchvision -l names.txt -o mine.onnx\n",
        .options = options,
        .n_options = CLI_COUNT(options),
    };
    int status = cli_parse(&spec, argc, argv);
    if (status != CLI_GO) return status;
    if (!output) return cli_usage("option '--output' is missing");
    ph_graph *g;
    status = cli_load_model(argv[optind], seed, &g);
    if (status == CLI_OK) status = cli_set_shapes(g, &shapes);
    if (status == CLI_OK) status = image_describe(g, cli_base_name(argv[optind]), &image);
    if (status == CLI_OK) status = cli_write_model(g, output);
    ph_graph_free(g);
    return status;
}
