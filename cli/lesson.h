/* SPDX-License-Identifier: MIT */
/*
 * pinhole lesson: what its topics share. A topic builds small networks, has the engine compute
 * them, shows what came out, and checks each of its claims against it.
 */
#ifndef PINHOLE_CLI_LESSON_H
#define PINHOLE_CLI_LESSON_H

#include "util.h"

/* --- A lesson that is being given ------------------------------------------------------------- */

typedef struct lesson {
    cli_style style;
    int status; /* CLI_OK, or what stopped it: then nothing more is computed or said */
    size_t n_checks, n_failed;
    uint64_t random; /* state of lesson_random */
} lesson;

/* The topics, a function each. */
void lesson_one_weight(lesson *l);
void lesson_dot_product(lesson *l);
void lesson_neurons(lesson *l);
void lesson_channels(lesson *l);
void lesson_weights(lesson *l);
void lesson_mlpconv(lesson *l);
void lesson_inception(lesson *l);
void lesson_resnet(lesson *l);

/* --- Saying (lesson_text.c) ------------------------------------------------------------------- */

/* A paragraph, wrapped, followed by an empty line. */
void lesson_say(lesson *l, const char *format, ...) CLI_PRINTF(2, 3);
/* A line as it stands, indented. */
void lesson_line(lesson *l, const char *format, ...) CLI_PRINTF(2, 3);
void lesson_gap(lesson *l);
/* A small heading. */
void lesson_heading(lesson *l, const char *text);

/*
 * A claim with the value that was computed, one line; `expected` is shown if it does not hold,
 * which makes the program exit with CLI_NO.
 */
void lesson_check(lesson *l, bool holds, const char *value, const char *expected, const char *claim,
                  ...) CLI_PRINTF(5, 6);
void lesson_check_int(lesson *l, int64_t expected, int64_t got, const char *claim, ...)
    CLI_PRINTF(4, 5);
/* Equal when rounded to `decimals`; `unit` follows the number. */
void lesson_check_real(lesson *l, double expected, double got, int decimals, const char *unit,
                       const char *claim, ...) CLI_PRINTF(6, 7);
/* The same n numbers to the bit. */
void lesson_check_same(lesson *l, size_t n, const float *expected, const float *got,
                       const char *claim, ...) CLI_PRINTF(5, 6);

/* --- Pictures (lesson_picture.c) -------------------------------------------------------------- */

/*
 * A sheet to draw on, all zeros at first. Lines are made of - | / > and + where they meet; on a
 * terminal with UTF-8 they are shown as box characters.
 */
#define LESSON_ROWS 20
#define LESSON_COLUMNS 79
typedef struct lesson_canvas {
    char at[LESSON_ROWS][LESSON_COLUMNS];
} lesson_canvas;
void lesson_put(lesson_canvas *c, int y, int x, const char *format, ...) CLI_PRINTF(4, 5);
void lesson_repeat(lesson_canvas *c, int y, int x, int n, char what); /* n times to the right */
/* Its rows from the first to the last that is in use, and an empty line. */
void lesson_show(lesson *l, const lesson_canvas *c);

/* Grids of whole numbers h x w, side by side: left, arrow with a word over it, right. */
void lesson_grids(lesson *l, int h, int w, const float *left, const float *right, const char *word);

/* An image as a box: its front is the height and width, its depth the channels. */
typedef struct lesson_box {
    int64_t h, w, c;
    const char *after; /* written over the arrow to the next box */
} lesson_box;
void lesson_boxes(lesson *l, size_t n, const lesson_box *boxes);

/* A bar as long as `value` is of `full`, with a label and the number. */
void lesson_bar(lesson *l, const char *label, int64_t value, int64_t full);

/* --- Networks (lesson_net.c) ------------------------------------------------------------------ */

/*
 * A small network: built, then made ready, then run. All functions do nothing once l->status says
 * that something failed, so that a topic reads without a check a line; values are PH_NONE then.
 */
#define LESSON_OUTPUTS 4
typedef struct lesson_net {
    lesson *l;
    ph_graph *graph;
    ph_account *account;
    ph_plan *plan;
    ph_run *run;
    size_t n_y;
    float *y[LESSON_OUTPUTS]; /* outputs of the last run */
} lesson_net;

/* A convolution: k filters of r x r, `pad` on all sides, and a clamp at zero behind it if `relu`.
 */
typedef struct lesson_conv {
    int64_t k, r, pad;
    bool relu;
    const float *weights; /* [k,c,r,r]; NULL: drawn by the library */
    const float *bias;    /* [k]; NULL: none */
} lesson_conv;

void lesson_net_start(lesson_net *n, lesson *l, const char *name);
/* An image of c channels. */
ph_value lesson_net_input(lesson_net *n, int64_t h, int64_t w, int64_t c);
/* [rows,count] numbers, for fully connected layers, which treat each row alike. */
ph_value lesson_net_rows(lesson_net *n, int64_t rows, int64_t count);
/* `c` is the number of channels of x; the result behind the ReLU, if there is one. */
ph_value lesson_net_conv(lesson_net *n, const char *name, ph_value x, int64_t c, lesson_conv conv);
/* Fully connected: `out` neurons with weights [out,in] and biases [out] (NULL: none). */
ph_value lesson_net_dense(lesson_net *n, const char *name, ph_value x, int64_t in, int64_t out,
                          const float *weights, const float *bias, bool relu);
ph_value lesson_net_node(lesson_net *n, const char *op, const char *name, size_t n_in,
                         const ph_value *in, size_t n_attrs, const ph_attr *attrs);
void lesson_net_output(lesson_net *n, ph_value v);
/* Account for it; with `to_run` also plan it. */
void lesson_net_ready(lesson_net *n, bool to_run);
/* Run it; y[i] are the outputs. False if something failed. */
bool lesson_net_run(lesson_net *n, const float *x);
void lesson_net_free(lesson_net *n);

/* The account's line of a layer; a layer of zeros if there is none. */
const ph_layer_cost *lesson_net_cost(const lesson_net *n, const char *layer);
int64_t lesson_net_parameters(const lesson_net *n); /* all layers */
int64_t lesson_net_macs(const lesson_net *n);
/* Height, width, channels of an output [1,c,h,w] (or [n,c]) of a layer; zeros if there is none. */
lesson_box lesson_net_size(const lesson_net *n, const char *layer);
/* "28x28x192" in `buf`, which is returned. */
const char *lesson_size_text(lesson_box size, char buf[CLI_NUMBER_BYTES]);
/* A table of the layers named: output, weights, MACs, and what a 1x1 does to the channels. */
void lesson_table(lesson *l, const lesson_net *n, size_t n_layers, const char *const *layers);
/* Check the size of a layer's output. */
void lesson_check_size(lesson *l, const lesson_net *n, const char *layer, int64_t h, int64_t w,
                       int64_t c, const char *claim);

/* --- Numbers to compute with ------------------------------------------------------------------ */

/* n floats, or NULL and l->status set. */
float *lesson_floats(lesson *l, size_t n);
/* Whole numbers in low .. high, or real ones in -1 .. 1; the same in every lesson. */
void lesson_whole_numbers(lesson *l, float *x, size_t n, int low, int high);
void lesson_real_numbers(lesson *l, float *x, size_t n);

#endif /* PINHOLE_CLI_LESSON_H */
