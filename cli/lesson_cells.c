/* SPDX-License-Identifier: MIT */
/*
 * Lessons one-weight, dot-product, neurons: what a 1x1 convolution does to one cell of an image.
 */
#include "lesson.h"

#include <stdlib.h>

enum { H = 6, W = 6, CELLS = H * W, C = 32 };

/* --- One channel, one weight ------------------------------------------------------------------ */

void lesson_one_weight(lesson *l)
{
    /* the picture of the course (A. Ng, Convolutional Neural Networks, week 2) */
    static const float x[CELLS] = {1, 2, 3, 6, 5, 8, 3, 5, 5, 1, 3, 4, 2, 1, 3, 4, 9, 3,
                                   4, 7, 8, 5, 7, 9, 1, 5, 3, 7, 4, 8, 5, 4, 9, 8, 3, 5};
    static const float two[] = {2};
    float doubled[CELLS];
    char size[CLI_NUMBER_BYTES];
    lesson_net n;
    lesson_net_start(&n, l, "one weight");
    lesson_net_output(&n, lesson_net_conv(&n, "1x1", lesson_net_input(&n, H, W, 1), 1,
                                          (lesson_conv){.k = 1, .r = 1, .weights = two}));
    lesson_net_ready(&n, true);
    if (lesson_net_run(&n, x)) {
        lesson_say(l,
                   "An image with one channel has one number in each cell. A 1x1 filter over "
                   "it has a single weight, here %g. It looks at one cell at a time and at none "
                   "of the neighbours, so all it can do is multiply:",
                   (double)two[0]);
        lesson_grids(l, H, W, x, n.y[0], "* weight");
        for (int i = 0; i < CELLS; i++)
            doubled[i] = x[i] + x[i];
        lesson_check_size(l, &n, "1x1", H, W, 1, "height and width stay");
        lesson_check_same(l, CELLS, doubled, n.y[0], "cells doubled");
        lesson_check_int(l, 1, lesson_net_parameters(&n), "weights");
        lesson_check_int(l, CELLS, lesson_net_macs(&n), "multiplications, one a cell");
        lesson_gap(l);
        lesson_say(l,
                   "Seen like this the 1x1 convolution looks useless: why convolve %s to scale "
                   "it? The answer is in the channels, of which there is only one here.",
                   lesson_size_text(lesson_net_size(&n, "1x1"), size));
    }
    lesson_net_free(&n);
}

/* --- Many channels ---------------------------------------------------------------------------- */

enum { FILTERS = 4, ROW = 2, COLUMN = 3 };

/* The definition: channel by channel at one cell of x [C,H,W]. */
static float dot(const float *x, const float *w, int cell)
{
    float sum = 0;
    for (int c = 0; c < C; c++)
        sum += x[c * CELLS + cell] * w[c];
    return sum;
}

static void show_numbers(lesson *l, const char *name, const float *x, int step)
{
    if (l->status != CLI_OK) return;
    for (int c = 0; c < C; c++) {
        if (c % 16 == 0) printf("     %-3s", c == 0 ? name : "");
        printf(" %3d%s", (int)x[c * step], c % 16 == 15 ? "\n" : "");
    }
}

/* One filter, before and after the ReLU. */
static void one_filter(lesson *l, const float *x, const float *w, float *first)
{
    char in[CLI_NUMBER_BYTES];
    float sums[CELLS];
    const int cell = ROW * W + COLUMN;
    lesson_box boxes[2] = {{.h = H, .w = W, .c = C, .after = "1 filter, ReLU"}};
    lesson_net n;
    lesson_net_start(&n, l, "one filter");
    ph_value v = lesson_net_conv(&n, "1x1", lesson_net_input(&n, H, W, C), C,
                                 (lesson_conv){.k = 1, .r = 1, .weights = w});
    lesson_net_output(&n, v);
    lesson_net_output(&n, lesson_net_node(&n, "Relu", "relu", 1, &v, 0, NULL));
    lesson_net_ready(&n, true);
    if (lesson_net_run(&n, x)) {
        boxes[1] = lesson_net_size(&n, "relu");
        lesson_say(l,
                   "Now the image is %s: a column of %d numbers in each of %d cells. A 1x1 "
                   "filter has a weight for each channel, so it is as deep as the image: it "
                   "multiplies the column by its weights, adds up, and a ReLU cuts off what is "
                   "negative. One number is left of each column:",
                   lesson_size_text(boxes[0], in), C, CELLS);
        lesson_boxes(l, 2, boxes);
        lesson_say(l, "The column at row %d, column %d, and the filter below it:", ROW + 1,
                   COLUMN + 1);
        show_numbers(l, "x", x + cell, CELLS);
        show_numbers(l, "w", w, 1);
        lesson_line(l, "   x . w = %g, and the ReLU makes it %g", (double)n.y[0][cell],
                    (double)n.y[1][cell]);
        lesson_gap(l);
        lesson_say(l, "All %d dot products, and what the ReLU leaves of them:", CELLS);
        lesson_grids(l, H, W, n.y[0], n.y[1], "ReLU");
        for (int i = 0; i < CELLS; i++)
            sums[i] = dot(x, w, i);
        lesson_check_size(l, &n, "relu", H, W, 1, "one filter: one channel comes out");
        lesson_check_same(l, CELLS, sums, n.y[0], "dot products of %d numbers, as defined", C);
        lesson_check_int(l, C, lesson_net_parameters(&n), "weights of the filter");
        lesson_check_int(l, (int64_t)CELLS * C, lesson_net_macs(&n),
                         "multiply-accumulates, %d dot products of %d", CELLS, C);
        for (int i = 0; i < CELLS; i++)
            first[i] = n.y[1][i];
        lesson_gap(l);
    }
    lesson_net_free(&n);
}

/* Several, of which the first is the one from before. */
static void several_filters(lesson *l, const float *x, const float *w, const float *first)
{
    char size[CLI_NUMBER_BYTES];
    lesson_net n;
    lesson_net_start(&n, l, "several filters");
    lesson_net_output(
        &n, lesson_net_conv(&n, "1x1", lesson_net_input(&n, H, W, C), C,
                            (lesson_conv){.k = FILTERS, .r = 1, .relu = true, .weights = w}));
    lesson_net_ready(&n, true);
    if (lesson_net_run(&n, x)) {
        lesson_say(l,
                   "Each further filter gives a further channel. With %d filters the output is "
                   "%s; in general %dx%dx#filters, whatever the number of channels before.",
                   FILTERS, lesson_size_text(lesson_net_size(&n, "1x1/relu"), size), H, W);
        lesson_check_size(l, &n, "1x1/relu", H, W, FILTERS, "several filters: as many channels");
        lesson_check_same(l, CELLS, first, n.y[0], "channel 1 is that of the first filter");
        lesson_check_int(l, C * FILTERS, lesson_net_parameters(&n), "weights of %d filters",
                         FILTERS);
        lesson_check_int(l, (int64_t)CELLS * C * FILTERS, lesson_net_macs(&n),
                         "multiply-accumulates");
        lesson_gap(l);
    }
    lesson_net_free(&n);
}

void lesson_dot_product(lesson *l)
{
    float x[C * CELLS], w[FILTERS * C], first[CELLS];
    lesson_whole_numbers(l, x, C * CELLS, 0, 4);
    lesson_whole_numbers(l, w, FILTERS * C, -2, 2);
    one_filter(l, x, w, first);
    several_filters(l, x, w, first);
}

/* --- Neurons ---------------------------------------------------------------------------------- */

enum { NEURONS = 8 };

/* y [NEURONS,CELLS]: the fully connected layer at every cell of x [C,CELLS], one at a time. */
static void slide_dense(lesson_net *dense, const float *x, float *y)
{
    float column[C];
    for (int cell = 0; cell < CELLS; cell++) {
        for (int c = 0; c < C; c++)
            column[c] = x[c * CELLS + cell];
        if (!lesson_net_run(dense, column)) return;
        for (int k = 0; k < NEURONS; k++)
            y[k * CELLS + cell] = dense->y[0][k];
    }
}

/* The same, all cells at once: the rows of a matrix [CELLS,C]. */
static void multiply_matrix(lesson_net *rows, const float *x, float *y)
{
    float columns[CELLS * C];
    for (int i = 0; i < CELLS * C; i++)
        columns[i] = x[i % C * CELLS + i / C];
    if (!lesson_net_run(rows, columns)) return;
    for (int i = 0; i < CELLS * NEURONS; i++)
        y[i % NEURONS * CELLS + i / NEURONS] = rows->y[0][i];
}

/* One layer with the weights w [NEURONS,C] and biases b, over `n_rows` columns at a time. */
static void build_dense(lesson_net *n, lesson *l, int n_rows, const float *w, const float *b)
{
    lesson_net_start(n, l, "fully connected");
    lesson_net_output(
        n, lesson_net_dense(n, "dense", lesson_net_rows(n, n_rows, C), C, NEURONS, w, b, true));
    lesson_net_ready(n, true);
}

static void compare_dense(lesson *l, lesson_net *conv, const float *x, const float *w,
                          const float *b)
{
    float slid[NEURONS * CELLS] = {0}, product[NEURONS * CELLS] = {0};
    lesson_net dense, rows;
    build_dense(&dense, l, 1, w, b);
    build_dense(&rows, l, CELLS, w, b);
    slide_dense(&dense, x, slid);
    multiply_matrix(&rows, x, product);
    lesson_say(l,
               "To see it, take a fully connected layer with random weights and biases, give it "
               "the columns of the image one after the other, %d runs, and lay its answers "
               "beside those of the 1x1 convolution with the same weights:",
               CELLS);
    lesson_check_same(l, NEURONS * CELLS, slid, conv->y[0], "numbers equal to the bit");
    lesson_check_int(l, lesson_net_parameters(&dense), lesson_net_parameters(conv),
                     "weights and biases, in both");
    lesson_check_int(l, lesson_net_macs(&dense) * CELLS, lesson_net_macs(conv),
                     "multiply-accumulates, in both (%d runs of %d)", CELLS,
                     (int)lesson_net_macs(&dense));
    lesson_gap(l);
    lesson_say(l,
               "Written below each other the columns are a matrix of %d rows, and all of it is "
               "one matrix product, [%d,%d] times [%d,%d]. A 1x1 convolution needs nothing from "
               "the neighbours of a cell, so nothing has to be gathered first: that is why it "
               "runs fast.",
               CELLS, CELLS, C, C, NEURONS);
    lesson_check_same(l, NEURONS * CELLS, product, conv->y[0],
                      "numbers of the matrix product, equal to the bit");
    lesson_gap(l);
    lesson_net_free(&dense);
    lesson_net_free(&rows);
}

static void dense_everywhere(lesson *l)
{
    float x[C * CELLS], w[NEURONS * C], b[NEURONS];
    lesson_net conv;
    lesson_real_numbers(l, x, C * CELLS);
    lesson_real_numbers(l, w, NEURONS * C);
    lesson_real_numbers(l, b, NEURONS);
    lesson_net_start(&conv, l, "1x1 convolution");
    lesson_net_output(
        &conv, lesson_net_conv(
                   &conv, "1x1", lesson_net_input(&conv, H, W, C), C,
                   (lesson_conv){.k = NEURONS, .r = 1, .relu = true, .weights = w, .bias = b}));
    lesson_net_ready(&conv, true);
    lesson_say(l,
               "A dot product and a ReLU: that is a neuron. %d filters over %d channels are a "
               "fully connected layer from %d numbers to %d, applied in each of the %d cells "
               "with the same weights.",
               NEURONS, C, C, NEURONS, CELLS);
    if (lesson_net_run(&conv, x)) compare_dense(l, &conv, x, w, b);
    lesson_net_free(&conv);
}

enum { IN = 6, OUT = 5 };

static void show_neuron(lesson *l)
{
    lesson_canvas c = {0};
    for (int i = 0; i < IN; i++)
        lesson_put(&c, i, 5, "x%d o-- w%d --+", i + 1, i + 1);
    lesson_put(&c, IN / 2, 18, "--> o  y = w1 x1 + w2 x2 + ... + w%d x%d", IN, IN);
    lesson_show(l, &c);
}

static void show_layer(lesson *l, const float *x, const float *w, const float *y)
{
    if (l->status != CLI_OK) return;
    printf("     %-9s", "");
    for (int i = 0; i < IN; i++)
        printf("   w%d", i + 1);
    printf("\n");
    for (int k = 0; k < OUT; k++) {
        printf("     neuron %d ", k + 1);
        for (int i = 0; i < IN; i++)
            printf(" %4d", (int)w[k * IN + i]);
        printf("   y%d = %d\n", k + 1, (int)y[k]);
    }
    printf("     %-9s", "x");
    for (int i = 0; i < IN; i++)
        printf(" %4d", (int)x[i]);
    printf("\n\n");
}

static void six_to_five(lesson *l)
{
    float x[IN], w[OUT * IN], sums[OUT] = {0};
    lesson_net conv, dense;
    lesson_whole_numbers(l, x, IN, 0, 9);
    lesson_whole_numbers(l, w, OUT * IN, -3, 3);
    lesson_net_start(&conv, l, "1x1 convolution");
    lesson_net_output(&conv, lesson_net_conv(&conv, "1x1", lesson_net_input(&conv, 1, 1, IN), IN,
                                             (lesson_conv){.k = OUT, .r = 1, .weights = w}));
    lesson_net_ready(&conv, true);
    lesson_net_start(&dense, l, "fully connected");
    lesson_net_output(&dense, lesson_net_dense(&dense, "dense", lesson_net_rows(&dense, 1, IN), IN,
                                               OUT, w, NULL, false));
    lesson_net_ready(&dense, true);
    if (lesson_net_run(&conv, x) && lesson_net_run(&dense, x)) {
        lesson_say(l,
                   "The same at the size of a drawing: %d numbers in, %d neurons, each with its "
                   "own weights w1 ... w%d.",
                   IN, OUT, IN);
        show_neuron(l);
        show_layer(l, x, w, conv.y[0]);
        for (int k = 0; k < OUT; k++)
            for (int i = 0; i < IN; i++)
                sums[k] += w[k * IN + i] * x[i];
        lesson_check_same(l, OUT, sums, conv.y[0], "1x1 convolution: w1 x1 + ... + w%d x%d", IN,
                          IN);
        lesson_check_same(l, OUT, dense.y[0], conv.y[0], "fully connected layer: the same");
        lesson_check_int(l, IN * OUT, lesson_net_parameters(&conv), "weights, %d for each neuron",
                         IN);
        lesson_gap(l);
    }
    lesson_net_free(&conv);
    lesson_net_free(&dense);
}

void lesson_neurons(lesson *l)
{
    dense_everywhere(l);
    six_to_five(l);
}
