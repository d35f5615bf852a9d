/* SPDX-License-Identifier: MIT */
/*
 * Options of a command as a table: the parser and the text of --help both come from it.
 */
#ifndef PINHOLE_CLI_OPTIONS_H
#define PINHOLE_CLI_OPTIONS_H

#include "util.h"

#include <getopt.h> /* optind */

/* Every use of a repeatable option. */
#define CLI_MAX_TEXTS 64
typedef struct cli_texts {
    size_t n;
    const char *at[CLI_MAX_TEXTS];
} cli_texts;

#define CLI_EXACT_HELP                                                                             \
    "no Winograd, no Strassen: slower, and rounded as the\ndefinition has it"

/* How plans are measured, by the commands that run one. */
typedef struct cli_measure {
    bool measure;
    const char *file; /* or NULL */
} cli_measure;
/* clang-format off */
#define CLI_MEASURE_OPTIONS(m)                                                                     \
    {OPT_FLAG("measure", 0, &(m)->measure,                                                         \
              "try the ways to compute each convolution for some\n"                                \
              "milliseconds, and take the fastest")},                                              \
    {OPT_TEXT("measurements", 0, &(m)->file, "FILE",                                               \
              "what was measured: read from here instead; with\n"                                  \
              "--measure, what is missing is added")}
/* clang-format on */
/*
 * Do as they say for a plan of `g` (of the file or name `model`) by *desc: read the file, measure,
 * add to the file. desc->measurements are then set; *out, which they are, is to be freed after the
 * last plan, whatever is returned: CLI_OK, or an exit status after a message.
 */
int cli_measure_first(const cli_measure *options, const ph_graph *g, const char *model,
                      ph_plan_desc *desc, ph_measurements **out);

enum cli_kind {
    CLI_FLAG,  /* to: bool, set to true */
    CLI_TEXT,  /* to: const char * */
    CLI_TEXTS, /* to: cli_texts, each use adds one */
    CLI_SIZE,  /* to: size_t, min .. max */
    CLI_REAL,  /* to: double, min .. max */
    CLI_BYTES, /* to: size_t, "64K" or "2G" */
    CLI_SEED,  /* to: uint64_t */
    CLI_WORD   /* to: int, the index into words */
};

typedef struct cli_option {
    const char *name; /* without the dashes */
    char letter;      /* 0: none */
    enum cli_kind kind;
    void *to;
    const char *argument; /* what --help calls it; NULL for flags */
    const char *help;
    double min, max;
    const char *const *words; /* ends with NULL */
    bool *given;              /* optional: set to true if the option is used */
} cli_option;

/*
 * An option of each kind, for tables: {OPT_TEXT("output", 'o', &output, "FILE", "...")}. The help
 * is in lines of at most 53 columns.
 */
#define OPT_ANY(name_, letter_, kind_, to_, argument_, help_)                                      \
    .name = name_, .letter = letter_, .kind = kind_, .to = to_, .argument = argument_, .help = help_
#define OPT_FLAG(name_, letter_, to_, help_) OPT_ANY(name_, letter_, CLI_FLAG, to_, NULL, help_)
#define OPT_TEXT(name_, letter_, to_, argument_, help_)                                            \
    OPT_ANY(name_, letter_, CLI_TEXT, to_, argument_, help_)
#define OPT_TEXTS(name_, letter_, to_, argument_, help_)                                           \
    OPT_ANY(name_, letter_, CLI_TEXTS, to_, argument_, help_)
#define OPT_SEED(name_, letter_, to_, argument_, help_)                                            \
    OPT_ANY(name_, letter_, CLI_SEED, to_, argument_, help_)
#define OPT_SIZE(name_, letter_, to_, argument_, min_, max_, help_)                                \
    OPT_ANY(name_, letter_, CLI_SIZE, to_, argument_, help_), .min = min_, .max = max_
#define OPT_REAL(name_, letter_, to_, argument_, min_, max_, help_)                                \
    OPT_ANY(name_, letter_, CLI_REAL, to_, argument_, help_), .min = min_, .max = max_
#define OPT_WORD(name_, letter_, to_, argument_, words_, help_)                                    \
    OPT_ANY(name_, letter_, CLI_WORD, to_, argument_, help_), .words = words_

/* What --help says of --shape, wherever it is about all of cli_hints_shapes. */
#define CLI_SHAPE_HELP                                                                             \
    "shape of an input, such as 1x3x224x224 or\n3x224x224, or sizes of symbolic dimensions, such\n"  \
    "as N=1,H=224 (repeatable)"

typedef struct cli_spec {
    const char *operands; /* "MODEL", "[NAME]", ... */
    int min_operands, max_operands;
    const char *about;    /* what --help says before the options; ends with a newline */
    const char *examples; /* ... and after them, a command a line; or NULL */
    const cli_option *options;
    size_t n_options;
} cli_spec;

/*
 * Read the options of the command that is running. -h, -q and -v are known everywhere. Returns
 * CLI_GO with the operands in argv[optind] .. argv[argc - 1], or the exit status if --help was
 * asked for or something is wrong.
 */
int cli_parse(const cli_spec *spec, int argc, char **argv);

#endif /* PINHOLE_CLI_OPTIONS_H */
