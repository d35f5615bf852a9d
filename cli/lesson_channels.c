/* SPDX-License-Identifier: MIT */
/*
 * Lessons channels and weights: what a 1x1 convolution does to the channels, and what it costs.
 */
#include "lesson.h"

#include <stdlib.h>
#include <string.h>

enum { SIDE = 28, WIDE = 192 };

/* --- Shrink, keep, grow ----------------------------------------------------------------------- */

static ph_value pool_2x2(lesson_net *n, const char *name, ph_value x)
{
    static const int64_t two[] = {2, 2};
    const ph_attr attrs[] = {{.name = "kernel_shape", .kind = PH_ATTR_INTS, .n = 2, .ints = two},
                             {.name = "strides", .kind = PH_ATTR_INTS, .n = 2, .ints = two}};
    return lesson_net_node(n, "MaxPool", name, 1, &x, CLI_COUNT(attrs), attrs);
}

static void check_role(lesson *l, const lesson_net *n, const char *layer, const char *expected)
{
    const char *role = ph_role_name(lesson_net_cost(n, layer)->role);
    char size[CLI_NUMBER_BYTES];
    if (!role) role = "none";
    lesson_check(l, strcmp(role, expected) == 0, role, expected, "%s: the account says",
                 lesson_size_text(lesson_net_size(n, layer), size));
}

static size_t count_negative(const float *x, size_t n)
{
    size_t negative = 0;
    for (size_t i = 0; i < n; i++)
        negative += x[i] < 0;
    return negative;
}

static void show_channels(lesson *l, const lesson_net *n)
{
    static const char *const layers[] = {"shrink", "keep", "grow", "pool"};
    const size_t count = (size_t)SIDE * SIDE * WIDE;
    char before[CLI_NUMBER_BYTES], all[CLI_NUMBER_BYTES];
    lesson_box in = {.h = SIDE, .w = SIDE, .c = WIDE};
    char filters[CLI_NUMBER_BYTES];
    lesson_box small = lesson_net_size(n, "shrink"), pooled = lesson_net_size(n, "pool");
    snprintf(filters, sizeof filters, "%d filters 1x1", (int)small.c);
    in.after = filters;
    lesson_say(l, "The number of filters is the number of channels that come out, so a 1x1 "
                  "convolution is a knob for the channels. It can shrink them:");
    lesson_boxes(l, 2, (const lesson_box[]){in, small});
    lesson_say(l, "Pooling turns the other knob: height and width go down, the channels stay:");
    in.after = "pool 2x2, stride 2";
    lesson_boxes(l, 2, (const lesson_box[]){in, pooled});
    lesson_say(l, "With as many filters as channels it keeps the size and adds a mixing of the "
                  "channels and one more nonlinearity; with more filters it grows them:");
    lesson_table(l, n, CLI_COUNT(layers), layers);
    lesson_check_size(l, n, "shrink", SIDE, SIDE, 32, "shrink: height and width unchanged");
    lesson_check_size(l, n, "keep", SIDE, SIDE, WIDE, "keep: as many channels as before");
    lesson_check_size(l, n, "grow", SIDE, SIDE, 256, "grow: more of them");
    lesson_check_size(l, n, "pool", SIDE / 2, SIDE / 2, WIDE, "pool: channels unchanged");
    check_role(l, n, "shrink", "shrink");
    check_role(l, n, "keep", "keep");
    check_role(l, n, "grow", "grow");
    size_t negative = count_negative(n->y[0], count);
    lesson_check(l, negative > 0, cli_group((int64_t)negative, before), "more than 0",
                 "keep: of its %s numbers, negative before the ReLU",
                 cli_group((int64_t)count, all));
    lesson_check_int(l, 0, (int64_t)count_negative(n->y[1], count), "keep: negative behind it");
    lesson_gap(l);
}

void lesson_channels(lesson *l)
{
    /* whole numbers: the signs that are counted are the same with every kernel */
    float *x = lesson_floats(l, (size_t)SIDE * SIDE * WIDE),
          *w = lesson_floats(l, (size_t)WIDE * WIDE);
    lesson_net n;
    lesson_whole_numbers(l, x, (size_t)SIDE * SIDE * WIDE, 0, 4);
    lesson_whole_numbers(l, w, (size_t)WIDE * WIDE, -2, 2);
    lesson_net_start(&n, l, "channels");
    ph_value in = lesson_net_input(&n, SIDE, SIDE, WIDE);
    ph_value keep =
        lesson_net_conv(&n, "keep", in, WIDE, (lesson_conv){.k = WIDE, .r = 1, .weights = w});
    lesson_net_output(&n, keep);
    lesson_net_output(&n, lesson_net_node(&n, "Relu", "keep/relu", 1, &keep, 0, NULL));
    ph_value small =
        lesson_net_conv(&n, "shrink", in, WIDE, (lesson_conv){.k = 32, .r = 1, .relu = true});
    ph_value large =
        lesson_net_conv(&n, "grow", in, WIDE, (lesson_conv){.k = 256, .r = 1, .relu = true});
    ph_value pooled = pool_2x2(&n, "pool", in);
    ph_value both[] = {small, large};
    const ph_attr axis = {.name = "axis", .kind = PH_ATTR_INT, .i = 1};
    lesson_net_output(&n, lesson_net_node(&n, "Concat", "beside", 2, both, 1, &axis));
    lesson_net_output(&n, pooled);
    lesson_net_ready(&n, true);
    if (lesson_net_run(&n, x)) show_channels(l, &n);
    lesson_net_free(&n);
    free(x);
    free(w);
}

/* --- Weights ---------------------------------------------------------------------------------- */

static void count_weights(lesson *l)
{
    static const char *const layers[] = {"3x3", "1x1"};
    enum { FILTERS = 128 };
    lesson_net n;
    lesson_net_start(&n, l, "weights");
    ph_value x = lesson_net_input(&n, SIDE, SIDE, WIDE);
    lesson_net_output(
        &n, lesson_net_conv(&n, "3x3", x, WIDE, (lesson_conv){.k = FILTERS, .r = 3, .pad = 1}));
    lesson_net_output(&n, lesson_net_conv(&n, "1x1", x, WIDE, (lesson_conv){.k = FILTERS, .r = 1}));
    lesson_net_ready(&n, false);
    int64_t large = lesson_net_cost(&n, "3x3")->parameters,
            one = lesson_net_cost(&n, "1x1")->parameters;
    lesson_say(l,
               "A filter reaches through all channels of its input. %d filters of 3x3 over %d "
               "channels thus have 3x3x%dx%d weights; of 1x1, a ninth of that:",
               FILTERS, WIDE, WIDE, FILTERS);
    lesson_table(l, &n, CLI_COUNT(layers), layers);
    lesson_check_int(l, 221184, large, "weights, 3x3x%dx%d", WIDE, FILTERS);
    lesson_check_int(l, 24576, one, "weights, 1x1x%dx%d", WIDE, FILTERS);
    lesson_check_real(l, 9, one ? (double)large / (double)one : 0, 2, " times", "3x3 against 1x1");
    lesson_gap(l);
    lesson_net_free(&n);
}

/* All weights 1/c: the mean over the channels. */
static void pool_across_channels(lesson *l)
{
    enum { S = 6, C = 32, CELLS = S * S };
    static const int64_t one[] = {1};
    const ph_attr axes = {.name = "axes", .kind = PH_ATTR_INTS, .n = 1, .ints = one};
    float x[C * CELLS], w[C];
    lesson_net n;
    lesson_whole_numbers(l, x, C * CELLS, -9, 9);
    for (int c = 0; c < C; c++)
        w[c] = 1.0f / C;
    lesson_net_start(&n, l, "pooling across channels");
    ph_value in = lesson_net_input(&n, S, S, C);
    lesson_net_output(
        &n, lesson_net_conv(&n, "1x1", in, C, (lesson_conv){.k = 1, .r = 1, .weights = w}));
    lesson_net_output(&n, lesson_net_node(&n, "ReduceMean", "mean", 1, &in, 1, &axes));
    lesson_net_ready(&n, true);
    lesson_say(l,
               "Pooling as we know it goes over a window of height and width, each channel for "
               "itself. A 1x1 convolution goes over the channels, each cell for itself: it is "
               "pooling across channels, with weights that are learned (Lin 2013, "
               "arXiv:1312.4400, sec. 3.1, calls it cross channel parametric pooling). With all "
               "%d weights at 1/%d it is the plain mean over the channels:",
               C, C);
    if (lesson_net_run(&n, x))
        lesson_check_same(l, CELLS, n.y[1], n.y[0], "cells equal to the mean over channels");
    lesson_check_size(l, &n, "1x1", S, S, 1, "one channel is left");
    lesson_gap(l);
    lesson_net_free(&n);
}

static void three_then_one(lesson *l)
{
    static const char *const layers[] = {"3x3/64", "1x1/28"};
    lesson_net n;
    lesson_net_start(&n, l, "3x3 then 1x1");
    ph_value v = lesson_net_conv(&n, layers[0], lesson_net_input(&n, SIDE, SIDE, WIDE), WIDE,
                                 (lesson_conv){.k = 64, .r = 3, .pad = 1, .relu = true});
    lesson_net_output(
        &n, lesson_net_conv(&n, layers[1], v, 64, (lesson_conv){.k = 28, .r = 1, .relu = true}));
    lesson_net_ready(&n, false);
    lesson_say(l,
               "Reading layer names: \"3x3/64 followed by 1x1/28\" means 64 filters of 3x3, then "
               "28 filters of 1x1. The 28 filters see the 64 channels before them, not the "
               "image:");
    lesson_table(l, &n, CLI_COUNT(layers), layers);
    lesson_check_size(l, &n, layers[0], SIDE, SIDE, 64, "64 channels after 3x3/64");
    lesson_check_size(l, &n, layers[1], SIDE, SIDE, 28, "28 channels after 1x1/28");
    lesson_check_int(l, 110592, lesson_net_cost(&n, layers[0])->parameters, "weights, 3x3x%dx64",
                     WIDE);
    lesson_check_int(l, 1792, lesson_net_cost(&n, layers[1])->parameters, "weights, 1x1x64x28");
    lesson_gap(l);
    lesson_net_free(&n);
}

enum { S = 6, C0 = 3, C1 = 64, C2 = 28, TAPS = C0 * 9, CELLS = 4 * 4 };

/* 3x3/64 and 1x1/28 over x into y [C2,CELLS], with or without a ReLU between. */
static void run_pair(lesson *l, const float *x, const float *w1, const float *w2, bool relu,
                     float *y)
{
    lesson_net n;
    lesson_net_start(&n, l, "pair");
    ph_value v = lesson_net_conv(&n, "3x3", lesson_net_input(&n, S, S, C0), C0,
                                 (lesson_conv){.k = C1, .r = 3, .relu = relu, .weights = w1});
    lesson_net_output(
        &n, lesson_net_conv(&n, "1x1", v, C1, (lesson_conv){.k = C2, .r = 1, .weights = w2}));
    lesson_net_ready(&n, true);
    if (lesson_net_run(&n, x)) memcpy(y, n.y[0], C2 * CELLS * sizeof *y);
    lesson_net_free(&n);
}

/* Without the ReLU two layers are one, whose weights are the products. */
static void why_relu(lesson *l)
{
    float x[C0 * S * S], w1[C1 * TAPS], w2[C2 * C1], w[C2 * TAPS] = {0};
    float plain[C2 * CELLS] = {0}, bent[C2 * CELLS] = {0};
    char differ[CLI_NUMBER_BYTES];
    lesson_net n;
    lesson_whole_numbers(l, x, C0 * S * S, -4, 4);
    lesson_whole_numbers(l, w1, C1 * TAPS, -2, 2);
    lesson_whole_numbers(l, w2, C2 * C1, -2, 2);
    for (int k = 0; k < C2 * TAPS && l->status == CLI_OK; k++)
        for (int c = 0; c < C1; c++)
            w[k] += w2[k / TAPS * C1 + c] * w1[c * TAPS + k % TAPS];
    run_pair(l, x, w1, w2, false, plain);
    run_pair(l, x, w1, w2, true, bent);
    lesson_net_start(&n, l, "one layer");
    lesson_net_output(&n, lesson_net_conv(&n, "3x3", lesson_net_input(&n, S, S, C0), C0,
                                          (lesson_conv){.k = C2, .r = 3, .weights = w}));
    lesson_net_ready(&n, true);
    if (lesson_net_run(&n, x)) {
        size_t n_differ = 0;
        for (int i = 0; i < C2 * CELLS; i++)
            n_differ += bent[i] != n.y[0][i];
        lesson_say(l,
                   "What makes two layers of them is the ReLU between. Without it the 1x1 only "
                   "mixes sums, and multiplying out the weights gives one 3x3/28 that does the "
                   "same. On a %dx%dx%d image, with whole numbers so that nothing is rounded:",
                   S, S, C0);
        lesson_check_same(l, C2 * CELLS, n.y[0], plain, "pair without ReLU = one 3x3/%d", C2);
        lesson_check(l, n_differ > 0, cli_group((int64_t)n_differ, differ), "more than 0",
                     "pair with ReLU: numbers that no longer agree");
        lesson_gap(l);
    }
    lesson_net_free(&n);
}

void lesson_weights(lesson *l)
{
    count_weights(l);
    pool_across_channels(l);
    three_then_one(l);
    why_relu(l);
}
