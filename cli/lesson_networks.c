/* SPDX-License-Identifier: MIT */
/*
 * Lessons mlpconv, inception, resnet: the networks that made the 1x1 convolution known.
 */
#include "lesson.h"

#include <stdlib.h>
#include <string.h>

static double share(int64_t part, int64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

/* --- Network in Network ----------------------------------------------------------------------- */

/* The first block of the network for CIFAR-10. */
static void nin_block(lesson *l)
{
    static const char *const layers[] = {"conv 5x5", "cccp1 1x1", "cccp2 1x1"};
    lesson_net n;
    lesson_net_start(&n, l, "mlpconv");
    ph_value v = lesson_net_input(&n, 32, 32, 3);
    v = lesson_net_conv(&n, layers[0], v, 3,
                        (lesson_conv){.k = 192, .r = 5, .pad = 2, .relu = true});
    v = lesson_net_conv(&n, layers[1], v, 192, (lesson_conv){.k = 160, .r = 1, .relu = true});
    lesson_net_output(
        &n, lesson_net_conv(&n, layers[2], v, 160, (lesson_conv){.k = 96, .r = 1, .relu = true}));
    lesson_net_ready(&n, false);
    lesson_say(l,
               "A convolution is a layer of neurons that looks at one patch after the other. "
               "Lin, Chen and Yan (Network in Network, 2013, arXiv:1312.4400) asked: why only one "
               "layer? Their mlpconv lets a small network of several layers look at each patch. "
               "Written as layers it is a convolution followed by two 1x1 convolutions (cccp), "
               "each with its ReLU. The first block for CIFAR-10's 32x32x3 images:");
    lesson_table(l, &n, CLI_COUNT(layers), layers);
    lesson_check_size(l, &n, layers[0], 32, 32, 192, "the convolution's channels");
    lesson_check_size(l, &n, layers[2], 32, 32, 96, "the block's output");
    lesson_check_int(l, 3 * 25 * 192 + 192 * 160 + 160 * 96, lesson_net_parameters(&n),
                     "weights of the block");
    lesson_gap(l);
    lesson_net_free(&n);
}

enum { S = 8, C = 3, R = 5, T = S - R + 1, PATCH = C * R * R, K1 = 8, K2 = 6, K3 = 5 };

typedef struct mlp {
    float w1[K1 * PATCH], b1[K1], w2[K2 * K1], b2[K2], w3[K3 * K2], b3[K3];
} mlp;

static void draw_mlp(lesson *l, mlp *m)
{
    lesson_whole_numbers(l, m->w1, K1 * PATCH, -2, 2);
    lesson_whole_numbers(l, m->b1, K1, -9, 9);
    lesson_whole_numbers(l, m->w2, K2 * K1, -2, 2);
    lesson_whole_numbers(l, m->b2, K2, -9, 9);
    lesson_whole_numbers(l, m->w3, K3 * K2, -2, 2);
    lesson_whole_numbers(l, m->b3, K3, -9, 9);
}

static void build_conv(lesson_net *n, lesson *l, const mlp *m)
{
    lesson_net_start(n, l, "mlpconv");
    ph_value v = lesson_net_input(n, S, S, C);
    v = lesson_net_conv(
        n, "conv", v, C,
        (lesson_conv){.k = K1, .r = R, .relu = true, .weights = m->w1, .bias = m->b1});
    v = lesson_net_conv(
        n, "cccp1", v, K1,
        (lesson_conv){.k = K2, .r = 1, .relu = true, .weights = m->w2, .bias = m->b2});
    v = lesson_net_conv(
        n, "cccp2", v, K2,
        (lesson_conv){.k = K3, .r = 1, .relu = true, .weights = m->w3, .bias = m->b3});
    lesson_net_output(n, v);
    lesson_net_ready(n, true);
}

static void build_dense(lesson_net *n, lesson *l, const mlp *m)
{
    lesson_net_start(n, l, "small network");
    ph_value v = lesson_net_rows(n, 1, PATCH);
    v = lesson_net_dense(n, "layer1", v, PATCH, K1, m->w1, m->b1, true);
    v = lesson_net_dense(n, "layer2", v, K1, K2, m->w2, m->b2, true);
    v = lesson_net_dense(n, "layer3", v, K2, K3, m->w3, m->b3, true);
    lesson_net_output(n, v);
    lesson_net_ready(n, true);
}

/* y [K3,T,T]: the small network on every patch of x [C,S,S]. */
static void slide(lesson_net *dense, const float *x, float *y)
{
    float patch[PATCH];
    for (int p = 0; p < T * T; p++) {
        for (int i = 0; i < PATCH; i++) {
            int c = i / (R * R), r = i / R % R, s = i % R;
            patch[i] = x[c * S * S + (p / T + r) * S + p % T + s];
        }
        if (!lesson_net_run(dense, patch)) return;
        for (int k = 0; k < K3; k++)
            y[k * T * T + p] = dense->y[0][k];
    }
}

static void show_slide(lesson *l)
{
    lesson_canvas c = {0};
    const char edge[] = "+-------------------+", side[] = "|                   |";
    for (int y = 0; y < 6; y++)
        lesson_put(&c, y, 5, "%s", y == 0 || y == 5 ? edge : side);
    lesson_put(&c, 1, 8, "+-------+");
    lesson_put(&c, 2, 8, "| %dx%dx%d |  --------->  %d  ---->  %d  ---->  %d", R, R, C, K1, K2, K3);
    lesson_put(&c, 3, 8, "+-------+");
    lesson_put(&c, 3, 28, "neurons   neurons   neurons");
    lesson_put(&c, 4, 10, "slides --->");
    lesson_show(l, &c);
}

static void mlp_slides(lesson *l)
{
    float x[C * S * S], slid[K3 * T * T] = {0};
    mlp m;
    lesson_net conv, dense;
    char live[CLI_NUMBER_BYTES];
    lesson_whole_numbers(l, x, C * S * S, -4, 4);
    draw_mlp(l, &m);
    build_conv(&conv, l, &m);
    build_dense(&dense, l, &m);
    if (lesson_net_run(&conv, x)) slide(&dense, x, slid);
    lesson_say(l,
               "That this is a fully connected network that slides can be tried out. A network "
               "%d -> %d -> %d -> %d reads %dx%dx%d patches of an %dx%d image, one at each of "
               "%dx%d positions; the mlpconv has the same weights and biases (whole numbers, so "
               "that the order of additions cannot matter):",
               PATCH, K1, K2, K3, R, R, C, S, S, T, T);
    show_slide(l);
    int64_t positive = 0;
    for (int i = 0; i < K3 * T * T; i++)
        positive += slid[i] > 0;
    lesson_check_size(l, &conv, "cccp2/relu", T, T, K3, "mlpconv's output");
    lesson_check_same(l, K3 * T * T, slid, conv.y[0], "numbers equal to the bit");
    lesson_check(l, positive > 0 && positive < K3 * T * T, cli_group(positive, live), "some",
                 "of which not cut off by the last ReLU");
    lesson_check_int(l, lesson_net_parameters(&dense), lesson_net_parameters(&conv),
                     "weights and biases, in both");
    lesson_gap(l);
    lesson_net_free(&conv);
    lesson_net_free(&dense);
}

void lesson_mlpconv(lesson *l)
{
    nin_block(l);
    mlp_slides(l);
}

/* --- Inception -------------------------------------------------------------------------------- */

enum { SIDE = 28, WIDE = 192 };

static ph_value pool_3x3(lesson_net *n, const char *name, ph_value x)
{
    static const int64_t three[] = {3, 3}, pads[] = {1, 1, 1, 1};
    const ph_attr attrs[] = {{.name = "kernel_shape", .kind = PH_ATTR_INTS, .n = 2, .ints = three},
                             {.name = "pads", .kind = PH_ATTR_INTS, .n = 4, .ints = pads}};
    return lesson_net_node(n, "MaxPool", name, 1, &x, CLI_COUNT(attrs), attrs);
}

/* A branch of k filters of r x r, behind a 1x1 to `reduced` channels unless that is 0. */
static ph_value branch(lesson_net *n, ph_value x, int64_t k, int64_t r, int64_t reduced)
{
    char name[32], reduction[48];
    int64_t c = WIDE;
    snprintf(name, sizeof name, "%dx%d", (int)r, (int)r);
    snprintf(reduction, sizeof reduction, "%s_reduce", name);
    if (reduced) {
        x = lesson_net_conv(n, reduction, x, c, (lesson_conv){.k = reduced, .r = 1, .relu = true});
        c = reduced;
    }
    return lesson_net_conv(n, name, x, c,
                           (lesson_conv){.k = k, .r = r, .pad = r / 2, .relu = true});
}

/* Inception (3a), Szegedy 2014, arXiv:1409.4842, table 1; without reductions (its figure 2a), with
 * them, with the projection of the pool as well (figure 2b). */
static void build_inception(lesson_net *n, lesson *l, bool reduce, bool project)
{
    const ph_attr axis = {.name = "axis", .kind = PH_ATTR_INT, .i = 1};
    ph_value in[4];
    lesson_net_start(n, l, "inception_3a");
    ph_value x = lesson_net_input(n, SIDE, SIDE, WIDE);
    in[0] = branch(n, x, 64, 1, 0);
    in[1] = branch(n, x, 128, 3, reduce ? 96 : 0);
    in[2] = branch(n, x, 32, 5, reduce ? 16 : 0);
    in[3] = pool_3x3(n, "pool", x);
    if (project)
        in[3] = lesson_net_conv(n, "pool_proj", in[3], WIDE,
                                (lesson_conv){.k = 32, .r = 1, .relu = true});
    lesson_net_output(n, lesson_net_node(n, "Concat", "concat", 4, in, 1, &axis));
    if (reduce && project) lesson_net_output(n, in[0]);
    if (reduce && project) lesson_net_output(n, in[2]);
    lesson_net_ready(n, reduce && project);
}

/* "3x3/128" over the line in column x: the layer's filter and its output channels. */
static void put_layer(lesson_canvas *c, int y, int x, const lesson_net *n, const char *name)
{
    if (!name) return;
    const char r = strcmp(name, "3x3") == 0 || strcmp(name, "5x5") == 0 ? name[0] : '1';
    lesson_put(c, y, x - 3, "%cx%c/%d", r, r, (int)lesson_net_size(n, name).c);
}

static void show_module(lesson *l, const lesson_net *n)
{
    enum { LEFT = 10, STEP = 18, MIDDLE = LEFT + 3 * STEP / 2, TOP = 2, BOTTOM = 8 };
    static const char *const names[4][2] = {
        {NULL, "1x1"}, {"3x3_reduce", "3x3"}, {"5x5_reduce", "5x5"}, {NULL, "pool_proj"}};
    lesson_canvas c = {0};
    char size[CLI_NUMBER_BYTES];
    lesson_put(&c, 0, MIDDLE - 4, "%s",
               lesson_size_text((lesson_box){SIDE, SIDE, WIDE, NULL}, size));
    lesson_put(&c, BOTTOM + 2, MIDDLE - 4, "%s",
               lesson_size_text(lesson_net_size(n, "concat"), size));
    for (int y = TOP; y <= BOTTOM; y += BOTTOM - TOP)
        lesson_repeat(&c, y, LEFT, 3 * STEP + 1, '-');
    for (int i = 0; i < 4; i++) {
        const int x = LEFT + i * STEP;
        for (int y = TOP; y <= BOTTOM; y++)
            lesson_put(&c, y, x, "%c", y == TOP || y == BOTTOM ? '+' : '|');
        put_layer(&c, TOP + 2, x, n, names[i][0]);
        put_layer(&c, TOP + 4, x, n, names[i][1]);
    }
    lesson_put(&c, TOP + 2, LEFT + 3 * STEP - 3, "3x3 pool");
    for (int y = TOP; y <= BOTTOM; y += BOTTOM - TOP)
        lesson_put(&c, y, MIDDLE, "+");
    lesson_put(&c, TOP - 1, MIDDLE, "|");
    lesson_put(&c, BOTTOM + 1, MIDDLE, "|");
    lesson_show(l, &c);
}

static const ph_saving *find_saving(const lesson_net *n, const char *reduction)
{
    static const ph_saving none = {.reduction = "", .consumer = ""};
    for (size_t i = 0; n->account && i < ph_account_n_savings(n->account); i++) {
        const ph_saving *s = ph_account_saving(n->account, i);
        if (strcmp(s->reduction, reduction) == 0) return s;
    }
    return &none;
}

static void inception_weights(lesson *l, const lesson_net *plain, const lesson_net *reduced,
                              const lesson_net *full)
{
    int64_t a = lesson_net_parameters(plain), b = lesson_net_parameters(reduced),
            c = lesson_net_parameters(full);
    lesson_say(l, "The weights of the whole module (biases left out):");
    lesson_bar(l, "without 1x1 reductions", a, a);
    lesson_bar(l, "with reductions", b, a);
    lesson_bar(l, "and with pool projection", c, a);
    lesson_gap(l);
    lesson_check_int(l, 387072, a, "weights without reductions");
    lesson_check_int(l, 157184, b, "weights with reductions to %d and %d",
                     (int)lesson_net_size(reduced, "3x3_reduce").c,
                     (int)lesson_net_size(reduced, "5x5_reduce").c);
    lesson_check_real(l, 40.6, 100 * share(b, a), 1, " %", "share of the weights that is left");
    lesson_check_int(l, 163328, c, "weights with the pool projection as well");
    lesson_check_size(l, plain, "concat", SIDE, SIDE, 416, "output without reductions");
    lesson_check_size(l, full, "concat", SIDE, SIDE, 256, "output with reductions and projection");
    lesson_check_int(l, 303464448, lesson_net_macs(plain), "MACs of the module without");
    lesson_check_int(l, 128049152, lesson_net_macs(full), "MACs with reductions and projection");
    lesson_gap(l);
    lesson_say(l,
               "Texts often say that the reductions leave \"about a third\" of the weights. "
               "Counted, it is %.1f %%: two fifths. What nobody can do without is the projection: "
               "a pool keeps all its channels, and without it the module hands on %d channels "
               "instead of %d, and the next one still more.",
               100 * share(b, a), (int)lesson_net_size(plain, "concat").c,
               (int)lesson_net_size(full, "concat").c);
}

static void inception_5x5(lesson *l, const lesson_net *full)
{
    const ph_saving *s = find_saving(full, "5x5_reduce"), *t = find_saving(full, "3x3_reduce");
    lesson_say(l,
               "Where it comes from shows in the 5x5 branch, the example of the course. A 1x1 "
               "squeezes %d channels through a bottleneck of %d before the expensive filters see "
               "them:",
               (int)s->c_in, (int)s->c_reduced);
    lesson_bar(l, "5x5 alone, MACs", s->macs_without, s->macs_without);
    lesson_bar(l, "1x1 and 5x5, MACs", s->macs_with, s->macs_without);
    lesson_gap(l);
    lesson_check_int(l, 120422400, s->macs_without, "MACs, 5x5 alone (\"120 million\")");
    lesson_check_int(l, 12443648, s->macs_with, "MACs, 1x1 and 5x5 (\"12.4 million\")");
    lesson_check_real(l, 9.68, share(s->macs_without, s->macs_with), 2, " times",
                      "fewer MACs in the 5x5 branch");
    lesson_check_real(l, 1.71, share(t->macs_without, t->macs_with), 2, " times",
                      "fewer MACs in the 3x3 branch");
    lesson_gap(l);
}

/* The module's output holds the branches side by side. */
static void inception_runs(lesson *l, lesson_net *full)
{
    const size_t cells = SIDE * SIDE;
    float *x = lesson_floats(l, cells * WIDE);
    if (x) lesson_real_numbers(l, x, cells * WIDE);
    if (x && lesson_net_run(full, x)) {
        size_t k1 = (size_t)lesson_net_size(full, "1x1").c,
               k3 = (size_t)lesson_net_size(full, "3x3").c,
               k5 = (size_t)lesson_net_size(full, "5x5").c;
        lesson_say(l,
                   "Run once on made-up numbers: the branches end up side by side, the first %d "
                   "channels from the 1x1, those from %d on from the 5x5.",
                   (int)k1, (int)(k1 + k3 + 1));
        lesson_check_same(l, k1 * cells, full->y[1], full->y[0],
                          "numbers of the 1x1 branch in place");
        lesson_check_same(l, k5 * cells, full->y[2], full->y[0] + (k1 + k3) * cells,
                          "numbers of the 5x5 branch in place");
        lesson_gap(l);
    }
    free(x);
}

void lesson_inception(lesson *l)
{
    lesson_net plain, reduced, full;
    build_inception(&plain, l, false, false);
    build_inception(&reduced, l, true, false);
    build_inception(&full, l, true, true);
    lesson_say(l, "GoogLeNet (Szegedy 2014, arXiv:1409.4842) does not choose between filter sizes: "
                  "its Inception modules use 1x1, 3x3, 5x5 and a pool side by side and stack the "
                  "results. Filters of 5x5 over many channels are expensive, so 1x1 convolutions "
                  "reduce the channels first. Module 3a:");
    show_module(l, &full);
    inception_weights(l, &plain, &reduced, &full);
    inception_5x5(l, &full);
    inception_runs(l, &full);
    lesson_net_free(&plain);
    lesson_net_free(&reduced);
    lesson_net_free(&full);
}

/* --- ResNet ----------------------------------------------------------------------------------- */

/* Layers r[i] x r[i] with k[i] filters over c channels, ReLUs between, and the shortcut around them
 * (He 2015, arXiv:1512.03385, fig. 5). `last`: weights of the last layer, or NULL. */
static void build_block(lesson_net *n, lesson *l, int64_t side, int64_t c, size_t n_layers,
                        const int64_t *k, const int64_t *r, const float *last, bool to_run)
{
    char name[32];
    lesson_net_start(n, l, "block");
    ph_value x = lesson_net_input(n, side, side, c), v = x;
    int64_t in = c;
    for (size_t i = 0; i < n_layers; i++) {
        bool end = i + 1 == n_layers;
        lesson_conv conv = {
            .k = k[i], .r = r[i], .pad = r[i] / 2, .relu = !end, .weights = end ? last : NULL};
        snprintf(name, sizeof name, "%c %dx%d/%d", (int)('a' + i), (int)r[i], (int)r[i], (int)k[i]);
        v = lesson_net_conv(n, name, v, in, conv);
        in = k[i];
    }
    v = lesson_net_node(n, "Add", "add", 2, (const ph_value[]){v, x}, 0, NULL);
    lesson_net_output(n, lesson_net_node(n, "Relu", "relu", 1, &v, 0, NULL));
    lesson_net_ready(n, to_run);
}

static void block_starts_as_nothing(lesson *l)
{
    enum { S8 = 8, BLOCK = 256, NARROW = 64, COUNT = S8 * S8 * BLOCK };
    static const int64_t k[] = {NARROW, NARROW, BLOCK}, r[] = {1, 3, 1};
    float *zero = lesson_floats(l, (size_t)BLOCK * NARROW), *x = lesson_floats(l, COUNT),
          *clamped = lesson_floats(l, COUNT);
    lesson_net n = {.l = l};
    if (zero && x && clamped) {
        lesson_real_numbers(l, x, COUNT);
        build_block(&n, l, S8, BLOCK, 3, k, r, zero, true);
        if (lesson_net_run(&n, x)) {
            for (size_t i = 0; i < COUNT; i++)
                clamped[i] = x[i] > 0 ? x[i] : 0;
            lesson_say(l, "The last 1x1 grows the channels back so that the shortcut can be added. "
                          "With its weights at zero the block hands on its input, cut off by the "
                          "ReLU alone; from there training can only make it do more:");
            lesson_check_same(l, COUNT, clamped, n.y[0], "numbers handed on to the bit");
            lesson_gap(l);
        }
    }
    lesson_net_free(&n);
    free(zero);
    free(x);
    free(clamped);
}

void lesson_resnet(lesson *l)
{
    static const int64_t k[] = {64, 64, 256}, r[] = {1, 3, 1}, wide[] = {256, 256},
                         three[] = {3, 3};
    static const char *const layers[] = {"a 1x1/64", "b 3x3/64", "c 1x1/256"};
    lesson_net neck, plain, basic;
    build_block(&neck, l, 56, 256, 3, k, r, NULL, false);
    build_block(&plain, l, 56, 256, 2, wide, three, NULL, false);
    build_block(&basic, l, 56, 64, 2, k, three, NULL, false);
    int64_t a = lesson_net_parameters(&neck), b = lesson_net_parameters(&plain);
    lesson_say(l, "Deep ResNets (He 2015, arXiv:1512.03385, fig. 5) put the 3x3 between two 1x1 "
                  "convolutions: the first shrinks the channels, the 3x3 works on few of them, the "
                  "second grows them back. A bottleneck:");
    lesson_table(l, &neck, CLI_COUNT(layers), layers);
    lesson_say(l, "Against two 3x3 convolutions over all the channels:");
    lesson_bar(l, "two 3x3", b, b);
    lesson_bar(l, "1x1, 3x3, 1x1", a, b);
    lesson_gap(l);
    lesson_check_int(l, 16384, lesson_net_cost(&neck, layers[0])->parameters,
                     "weights, 1x1x256x64");
    lesson_check_int(l, 36864, lesson_net_cost(&neck, layers[1])->parameters, "weights, 3x3x64x64");
    lesson_check_int(l, 16384, lesson_net_cost(&neck, layers[2])->parameters,
                     "weights, 1x1x64x256");
    lesson_check_int(l, 69632, a, "weights of the bottleneck");
    lesson_check_int(l, 1179648, b, "weights of two 3x3x256x256");
    lesson_check_real(l, 16.94, share(b, a), 2, " times", "fewer weights in the bottleneck");
    lesson_check_size(l, &neck, "relu", 56, 56, 256, "output, the size of the input");
    lesson_check_int(l, 73728, lesson_net_parameters(&basic),
                     "weights of two 3x3 over 64 channels");
    lesson_gap(l);
    lesson_say(l,
               "The last line is the block of the shallower ResNets: the bottleneck costs no "
               "more, and carries %d channels from block to block instead of %d.",
               (int)lesson_net_size(&neck, "relu").c, (int)lesson_net_size(&basic, "relu").c);
    lesson_net_free(&neck);
    lesson_net_free(&plain);
    lesson_net_free(&basic);
    block_starts_as_nothing(l);
}
