/* SPDX-License-Identifier: MIT */
/*
 * What the commands share: exit statuses, messages, files to write, models and shapes.
 */
#ifndef PINHOLE_CLI_UTIL_H
#define PINHOLE_CLI_UTIL_H

#include <pinhole/pinhole.h>

#include <signal.h>

#if defined(__GNUC__)
#define CLI_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define CLI_PRINTF(text, first)
#endif

#define CLI_COUNT(array) (sizeof(array) / sizeof(*(array)))

/* --- Exit statuses, documented in pinhole(1) ------------------------------------------------ */

enum {
    CLI_GO = -1, /* not an exit status: nothing is wrong, go on */
    CLI_OK = 0,
    CLI_NO = 1,          /* a check said no */
    CLI_USAGE = 2,       /* the command line makes no sense */
    CLI_INPUT = 3,       /* a file cannot be read, written or understood */
    CLI_UNSUPPORTED = 4, /* valid, but Pinhole cannot do it */
    CLI_INTERNAL = 5     /* out of memory, or our bug */
};

/* The exit status for what the library said. The only place that knows. */
int cli_exit_status(enum ph_status status);

/* --- Talking -------------------------------------------------------------------------------- */

/* How much to say on stderr: 0 only errors (-q), 1 notes and progress, 2 more (-v). */
extern int cli_talk;

/* The command that runs, for messages; set by main. */
extern const char *cli_command_name;

/* One line "pinhole COMMAND: ..." on stderr; returns `status`. */
int cli_error(int status, const char *format, ...) CLI_PRINTF(2, 3);
/* A usage error: the same with a hint at --help; returns CLI_USAGE. */
int cli_usage(const char *format, ...) CLI_PRINTF(1, 2);
/* Report a failure of the library; returns its exit status. */
int cli_fail(enum ph_status status, const ph_error *err);
/* The same about the file or model `name`, which is put before a message that does not name it. */
int cli_fail_in(const char *name, enum ph_status status, const ph_error *err);
int cli_nomem(void);

void cli_note(const char *format, ...) CLI_PRINTF(1, 2);   /* unless -q */
void cli_detail(const char *format, ...) CLI_PRINTF(1, 2); /* only with -v */

/*
 * A line on stderr that the next one overwrites; only if stderr is a terminal and not -q. Anything
 * else written to stderr goes after cli_progress_clear().
 */
bool cli_progress_wanted(void);
void cli_progress(const char *format, ...) CLI_PRINTF(1, 2);
void cli_progress_clear(void);

/* --- Interruption --------------------------------------------------------------------------- */

/* From now on the first SIGINT or SIGTERM only sets cli_caught, its number; the second ends the
 * program. Ignored ones stay ignored. */
void cli_catch_signals(void);
extern volatile sig_atomic_t cli_caught; /* 0: none */

/* --- Terminal ------------------------------------------------------------------------------- */

enum cli_colour { CLI_COLOUR_NONE = 0, CLI_COLOUR_256, CLI_COLOUR_TRUE };

/* What may be written to stdout. */
typedef struct cli_style {
    enum cli_colour colour;
    bool utf8;
    size_t columns; /* 80, or less if the terminal is narrower */
} cli_style;

/*
 * The style for stdout. `when`: "auto" (colour on a terminal, unless NO_COLOR is set or TERM is
 * dumb), "always", "never"; NULL is "auto".
 */
cli_style cli_style_get(const char *when);

/* SGR sequences, or "" without colour. Static storage. */
const char *cli_sgr(const cli_style *style, const char *sequence);

/* --- Memory ----------------------------------------------------------------------------------- */

/*
 * Where the memory for everything that comes out of a file is from: a budget (ph_budget) of
 * --max-mem bytes, or what this machine has. The first use sets the budget up.
 */
const ph_allocator *cli_memory(void);
/* Zeroed bytes of it, for what grows with a file; NULL: there is not enough. cli_free(NULL) is fine. */
void *cli_alloc(size_t bytes);
void cli_free(void *ptr);
extern size_t cli_memory_option; /* --max-mem; 0: not given */
/* Why there was not enough: "needs at least 3.2 GiB, --max-mem is 1 GiB"; "" if nothing was refused. */
const char *cli_memory_why(char *buf, size_t n);

/* --- Numbers -------------------------------------------------------------------------------- */

/* Strict: the whole text, digits only (a leading '-' where min < 0), within min .. max. */
bool cli_parse_int(const char *text, int64_t min, int64_t max, int64_t *out);
/* A size in bytes, above 0: digits, then nothing or K, M, G, T (powers of 1024; "1GiB" is 1G). */
bool cli_parse_bytes(const char *text, size_t *out);
bool cli_parse_seed(const char *text, uint64_t *out);
bool cli_parse_real(const char *text, double min, double max, double *out);

#define CLI_NUMBER_BYTES 48
/* "1,234,567" in `buf`, which is returned. */
const char *cli_group(int64_t number, char buf[CLI_NUMBER_BYTES]);
/* "12.3 M", with at most four digits and the SI prefix, in `buf`, which is returned. */
const char *cli_si(double number, char buf[CLI_NUMBER_BYTES]);
/* "3.2 GiB", "500 bytes", never more than `bytes`, in `buf`, which is returned. */
const char *cli_bytes(size_t bytes, char buf[CLI_NUMBER_BYTES]);
/* "0:07", "1:02:03" in `buf`, which is returned. */
const char *cli_clock(double seconds, char buf[CLI_NUMBER_BYTES]);

/* Seconds of a clock that only goes forward. */
double cli_now(void);

/* --- Words ---------------------------------------------------------------------------------- */

/* The one of words[n] nearest to `word`, or NULL if none is near (two edits at most). */
const char *cli_nearest(const char *word, const char *const *words, size_t n);

/* `text` without control characters, cut to fit `buf`, which is returned. */
const char *cli_plain(const char *text, char *buf, size_t bytes);

/* The last component of a path; the path itself for "-". Points into `path`. */
const char *cli_base_name(const char *path);

/* --- Files ---------------------------------------------------------------------------------- */

/*
 * A file to write, which appears under its name all at once when it is kept; "-" is stdout. Devices
 * and pipes are written directly.
 */
typedef struct cli_out {
    FILE *f;
    const char *path;
    char *target;    /* what to rename to: `path` with links resolved */
    char *temporary; /* NULL if written directly */
} cli_out;

int cli_out_open(cli_out *out, const char *path); /* CLI_OK or an exit status, after a message */
int cli_out_close(cli_out *out, bool keep);       /* the same */

/* Is `path` a name that a file can be written under? Tries it, leaves nothing behind. */
int cli_check_writable(const char *option, const char *path);

/* Write a model; "-" is stdout. */
int cli_write_model(const ph_graph *g, const char *path);

/* --- Models, data, shapes ------------------------------------------------------------------- */

/* Load a MODEL operand: .onnx, .net, a built-in name, or "-" (ONNX or .net text on stdin). */
int cli_load_model(const char *model, uint64_t seed, ph_graph **out);
/* The same, only to run it (ph_model_open). */
int cli_open_model(const char *model, ph_graph **out);
/* The same without the weights of texts (ph_model_outline): to count and to check. */
int cli_load_outline(const char *model, ph_graph **out);

/* Open a data set; an unknown kind is a usage error. */
int cli_open_data(const char *spec, enum ph_split split, ph_dataset **out);

/* Shapes for some of the inputs of a graph. */
typedef struct cli_hints {
    size_t n;
    ph_shape_hint *at; /* room for every input */
} cli_hints;

struct cli_texts;

int cli_hints_new(const ph_graph *g, cli_hints *hints);
void cli_hints_free(cli_hints *hints);
/* Set or replace the shape of input `i`. */
void cli_hints_set(cli_hints *hints, const ph_graph *g, size_t i, size_t rank, const int64_t *dims);
/* --shape [NAME=]DIMS or SYMBOL=SIZE, several with commas between: DIMS may leave out the batch. */
int cli_hints_shapes(cli_hints *hints, const ph_graph *g, const struct cli_texts *shapes);
/* --shape for good: the graph is declared to have these shapes. */
int cli_set_shapes(ph_graph *g, const struct cli_texts *shapes);
/* --batch: replace the first dimension of every input; the others must be known. */
int cli_hints_batch(cli_hints *hints, const ph_graph *g, int64_t batch);

/*
 * Split "NAME=REST" by the inputs of `g`; without NAME the only input is meant. Returns the input
 * and sets *rest, or SIZE_MAX after a usage error that lists the inputs.
 */
size_t cli_split_input(const ph_graph *g, const char *option, const char *text, const char **rest);

/* "'a', 'b'" in `buf`: names of the inputs of `g` for which wanted(user, i) (NULL: all). */
const char *cli_list_inputs(const ph_graph *g, bool (*wanted)(const void *, size_t),
                            const void *user, char *buf, size_t bytes);

/* "[1,3,32,32]" in `buf`, which is returned; -1 is written as "?". */
const char *cli_dims(size_t rank, const int64_t *dims, char *buf, size_t bytes);

#endif /* PINHOLE_CLI_UTIL_H */
