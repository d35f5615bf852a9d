/* SPDX-License-Identifier: MIT */
/*
 * The reader of .net texts. docs/net.md describes the language.
 *
 * A text is cut into statements (net_text.c), whose blocks are matched (net_blocks.c); they are
 * then carried out one after the other (phi_net_run.c, net_head.c), a macro being a range of statements run in a
 * frame of its own. Layers (net_layers.c) put nodes into a graph (net_build.c), where each node's
 * shapes are inferred at once by its operator, so that what does not fit is reported at its line.
 */
#ifndef PHI_NET_H
#define PHI_NET_H

#include "graph/graph.h"

/* Bounds on what a text may ask for. Generous for networks, small for a machine. */
#define NET_TEXT_MAX ((size_t)1 << 20)     /* bytes of a text */
#define NET_LINE_MAX 1000                  /* bytes of a line */
#define NET_NAME_MAX 64                    /* letters of a name */
#define NET_PATH_BYTES 256                 /* a/full/name and the zero behind it */
#define NET_NEST_MAX 16                    /* blocks within blocks */
#define NET_DEPTH_MAX 32                   /* macros within macros */
#define NET_MACROS_MAX 1000                /* macros of a text and the prelude */
#define NET_PARAMS_MAX 16                  /* parameters of a macro */
#define NET_STEPS_MAX 100000               /* statements carried out */
#define NET_NODES_MAX 10000                /* nodes of the graph */
#define NET_BRANCHES_MAX 64                /* branches of a split */
#define NET_WEIGHTS_MAX ((int64_t)1 << 28) /* elements of all constants: 1 GiB */
#define NET_INT_MAX INT64_C(2147483647)    /* whole numbers */
#define NET_CHANNELS_LISTED_MAX 64         /* numbers in `normalize`, `scale`, `shift` */

enum net_word {
    NET_CALL = 0, /* none of the words below: a macro */
    NET_LAYER,
    NET_NETWORK,
    NET_TITLE,
    NET_PAPER,
    NET_PUBLISHED,
    NET_NOTE,
    NET_INPUT,
    NET_OUTPUT,
    NET_MACRO,
    NET_IF,
    NET_ELSE,
    NET_REPEAT,
    NET_END,
    NET_SPLIT,
    NET_BRANCH,
    NET_JOIN
};

/* A piece of the text. */
typedef struct net_span {
    const char *p;
    size_t n;
} net_span;

typedef struct net_statement {
    const char *line; /* where its line begins; columns count from there */
    size_t number;    /* of the line, from 1 */
    net_span label;   /* n = 0: none */
    net_span word;
    const char *end; /* behind the last argument */
    enum net_word kind;
    const struct net_layer *layer; /* NET_LAYER */
    /* Blocks: the statement at which the block opened here goes on: macro, else, repeat -> end;
     * if -> else or end; split, branch -> branch or join. */
    size_t next;
} net_statement;

typedef struct net_source {
    const char *origin;
    const char *text;
    size_t n;
    bool prelude; /* ours: errors are reported where the macro was called */
    net_statement *statements;
    size_t n_statements, capacity;
} net_source;

typedef struct net_number {
    bool real;
    int64_t i;
    double r; /* set for whole numbers, too */
} net_number;

typedef struct net_macro {
    net_span name;
    const net_source *source;
    size_t at; /* its statement */
} net_macro;

/* A macro being carried out, or the top of the text. */
typedef struct net_frame {
    struct net_frame *caller;
    struct net_frame *top; /* that of the text; NULL in itself */
    const net_macro *macro; /* NULL: the top */
    const net_source *source;
    const net_statement *now;   /* the statement being carried out, for errors */
    char scope[NET_PATH_BYTES]; /* "" at the top, otherwise what comes before a name and its '/' */
    size_t root; /* letters of `scope` that are the macro's own path; the rest are repeats */
    ph_value in;
    size_t n_params;
    net_span param[NET_PARAMS_MAX];
    net_number value[NET_PARAMS_MAX];
    unsigned *made_up; /* numbers given to unnamed layers, by layer, then by macro */
} net_frame;

typedef struct net_symbol {
    char *path; /* NULL: free */
    uint64_t hash;
    ph_value value;
    size_t line;
} net_symbol;

/* How large a value is expected to be (net_power.c). */
typedef struct net_power {
    double square;   /* mean of the squares */
    double positive; /* the part of it that is due to elements never being negative */
} net_power;

/* What the reader knows about a value. */
typedef struct net_info {
    phi_type type[2]; /* for a batch of 1, and of 2: where they differ, the dimension is open */
    net_power power;
    bool used;
} net_info;

typedef struct net_parser {
    ph_allocator mem;
    ph_error *err;
    ph_graph *g;
    uint64_t seed;
    net_source prelude, text;
    net_macro *macros;
    size_t n_macros, macros_capacity;
    net_frame *frame;
    ph_value current;    /* what the next layer takes; PH_NONE before the first input */
    net_symbol *symbols; /* open addressing */
    size_t n_symbols, n_slots;
    net_info *info; /* [info_capacity] by value */
    size_t info_capacity;
    size_t steps;
    int64_t weights;
    net_span wanted;             /* the network to build; n = 0: the first one */
    const net_statement *chosen; /* its statement; NULL: the text names no network */
    bool elsewhere;              /* in the head of another network */
} net_parser;

/* Reading the arguments of one statement from left to right. */
typedef struct net_cursor {
    net_parser *parser;
    const net_source *source;
    const net_statement *statement;
    const char *p, *end;
} net_cursor;

/* --- net_text.c: statements, words, errors ---------------------------------------------------- */

/* Cut the text into statements. Refuses what is not text. */
enum ph_status phi_net_source_cut(net_parser *p, net_source *s);

/* What a word begins; NET_CALL for all that the language does not know. */
enum net_word phi_net_word_kind(net_span word);

bool phi_net_span_is(net_span a, const char *word);
bool phi_net_span_equal(net_span a, net_span b);
bool phi_net_is_name_char(char c); /* letters, digits, '_', '-' */

/*
 * Fail with "ORIGIN:LINE:COLUMN: ...". `at` points into the statement's line. Inside a macro the
 * place is the innermost one in the reader's own text, and the other one is added.
 */
enum ph_status phi_net_fail(net_parser *p, const net_source *s, const net_statement *st, const char *at,
                        enum ph_status status, const char *format, ...) PHI_PRINTF(6, 7);
/* The same at the cursor. */
#define net_fail_here(c, ...)                                                                      \
    phi_net_fail((c)->parser, (c)->source, (c)->statement, (c)->p, PH_ERR_FORMAT, __VA_ARGS__)

/* The innermost frame whose present statement is in the reader's own text; NULL: none is. */
const net_frame *phi_net_own_frame(const net_parser *p);

/*
 * The nearest of some words: feed it candidates, ask for the result. A word counts as near if few
 * letters differ (Damerau-Levenshtein distance of at most a third of its length).
 */
typedef struct net_nearest {
    net_span wanted;
    char best[NET_PATH_BYTES];
    size_t distance; /* SIZE_MAX: none yet */
} net_nearest;
net_nearest phi_net_nearest_start(net_span wanted);
void phi_net_nearest_offer(net_nearest *n, net_span candidate);
/* " (did you mean 'x'?)" or "", into the caller's buffer. */
#define NET_HINT_BYTES (NET_PATH_BYTES + 32)
const char *phi_net_nearest_hint(const net_nearest *n, char hint[NET_HINT_BYTES]);

/* All words that may begin a statement, but for macros. */
void phi_net_offer_words(net_nearest *n);

/* --- net_args.c: arguments -------------------------------------------------------------------- */

net_cursor phi_net_cursor_at(net_parser *p, const net_source *s, const net_statement *st);
void phi_net_skip_space(net_cursor *c);
bool phi_net_at_end(net_cursor *c); /* skips space first */
enum ph_status phi_net_expect_end(net_cursor *c);
/* The word at the cursor, which stays where it is; n = 0: none. */
net_span phi_net_peek_word(net_cursor *c);
/* Take `word` if it is next. */
bool phi_net_take_word(net_cursor *c, const char *word);
bool phi_net_take_char(net_cursor *c, char ch);
/* A whole number min .. NET_INT_MAX; `what` names it in errors, with an article. */
enum ph_status phi_net_take_int(net_cursor *c, const char *what, int64_t min, int64_t *out);
/* R or RxS (then both), each at least min. */
enum ph_status phi_net_take_pair(net_cursor *c, const char *what, int64_t min, int64_t *a, int64_t *b);
/* AxBxC, each at least 1; with `open`, one may be '?' and comes as -1. */
enum ph_status phi_net_take_dims(net_cursor *c, bool open, int64_t dims[PH_MAX_RANK - 1], size_t *n);
/* A number that a float holds. */
enum ph_status phi_net_take_real(net_cursor *c, const char *what, float *out);
/* A whole number or a real one. */
enum ph_status phi_net_take_number(net_cursor *c, const char *what, net_number *out);
/* Does a number come next: a digit, sign, parenthesis, or the name of a parameter? */
bool phi_net_number_next(net_cursor *c);
/* A new name: letters, digits, '_', '-', and behind the first those of `more`. */
enum ph_status phi_net_take_name(net_cursor *c, const char *what, const char *more, net_span *out);
/* The value named by the next word, seen from the frame. */
enum ph_status phi_net_take_reference(net_cursor *c, ph_value *out);
/* CONDITION of `if`. */
enum ph_status phi_net_take_condition(net_cursor *c, bool *out);

/* --- net_blocks.c: macro, if, repeat, split -------------------------------------------------- */

/* Fill `next` of all statements and list the macros. */
enum ph_status phi_net_source_match(net_parser *p, net_source *s);
/* The macro of this name as seen from `from`: the prelude only sees itself. */
const net_macro *phi_net_find_macro(const net_parser *p, const net_source *from, net_span name);
/* Parameters of a macro's head: names, and whether there is a default at the cursor left behind. */
enum ph_status phi_net_take_param(net_cursor *c, net_span *name, bool *has_default);

/* --- net_build.c: names, values, nodes ------------------------------------------------------- */

/* "scope/name" of the label, or of `base` and a number, into `path`; refused if it is taken. */
enum ph_status phi_net_make_path(net_parser *p, const net_statement *st, const char *base,
                             size_t counter, char path[NET_PATH_BYTES]);
const net_symbol *phi_net_find_symbol(const net_parser *p, const char *path);
/* Name a value; nothing happens if the path has that value already. */
enum ph_status phi_net_define(net_parser *p, const char *path, ph_value v);
/* Type of a value for a batch of 1. */
const phi_type *phi_net_type(const net_parser *p, ph_value v);
enum ph_status phi_net_note_input(net_parser *p, ph_value v, const phi_type *batch1);
/* Fails if `n` more constants are too many. */
enum ph_status phi_net_charge(net_parser *p, int64_t n);

/* "NAME.part" holds `n` copies of `fill`, or x [n], with these dimensions. */
enum ph_status phi_net_add_floats(net_parser *p, const char *name, const char *part, int rank,
                              const int64_t *dims, const float *x, float fill, ph_value *out);
enum ph_status phi_net_add_ints(net_parser *p, const char *name, const char *part, size_t n,
                            const int64_t *x, ph_value *out);
/* He-normal weights for `fan_in` inputs, as in ph_graph_add_conv. */
enum ph_status phi_net_add_weights(net_parser *p, const char *name, const char *part, int rank,
                               const int64_t *dims, int64_t fan_in, ph_value *out);

/* Add a node called `name` with one output of the same name, which becomes the current value. */
enum ph_status phi_net_emit(net_parser *p, const char *op, const char *name, size_t n_in,
                        const ph_value *in, size_t n_attrs, const ph_attr *attrs);
/* A convolution over the current value, likewise. */
enum ph_status phi_net_emit_conv(net_parser *p, const ph_conv_desc *desc);
/* Declare the outputs' types; refuse layers that nobody uses. */
enum ph_status phi_net_finish(net_parser *p);

/* --- net_power.c ----------------------------------------------------------------------------- */

/* What the node makes of its inputs. */
net_power phi_net_expect(const net_parser *p, const phi_node *node);

/* --- net_layers.c ---------------------------------------------------------------------------- */

typedef struct net_layer {
    const char *name;
    /* Read the arguments, add the nodes. `path` is the layer's full name. */
    enum ph_status (*run)(net_cursor *c, const struct net_layer *layer, const char *path);
    const char *op; /* for layers without arguments: the operator */
} net_layer;

/* NULL past the last. */
const net_layer *phi_net_layer_at(size_t i);
const net_layer *phi_net_find_layer(net_span name, size_t *index);
size_t phi_net_layer_count(void);

/* Join values [n] by "concat", "add" or "mul". */
enum ph_status phi_net_join(net_cursor *c, const char *path, size_t n, const ph_value *v);

/* --- net_head.c ------------------------------------------------------------------------------ */

/* Find the network that is wanted. */
enum ph_status phi_net_choose(net_parser *p);
/* The present statement: network, title, paper, published, note. */
enum ph_status phi_net_run_head(net_parser *p);

/* --- phi_net_run.c ------------------------------------------------------------------------------- */

enum ph_status phi_net_run(net_parser *p);

/* --- net_parse.c ----------------------------------------------------------------------------- */

/* A text to be read. */
typedef struct net_task {
    const char *text;
    size_t n;
    const char *origin;  /* its name in errors; for phi_net_read the file, which gives the text */
    const char *network; /* the one to build; NULL: the first */
    uint64_t seed;
    bool outline; /* do not draw weights */
    bool open;    /* leave those of a file there */
} net_task;

enum ph_status phi_net_parse(const ph_allocator *mem, const net_task *task, ph_graph **out,
                             ph_error *err);
enum ph_status phi_net_read(const ph_allocator *mem, const net_task *task, ph_graph **out,
                            ph_error *err);

/* --- zoo.c ----------------------------------------------------------------------------------- */

/* One text of the box; made by embed.cmake from the .net files. */
typedef struct net_text {
    const char *name, *title;
    const unsigned char *text; /* zero-terminated */
    size_t n;
} net_text;
extern const net_text phi_zoo_texts[]; /* name NULL ends the list */
extern const net_text phi_zoo_prelude;

#endif /* PHI_NET_H */
