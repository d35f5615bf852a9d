/* SPDX-License-Identifier: MIT */
/* The account against counts worked out by hand: layers, roles, savings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "account_make.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* The graph's costs do not fit; the message names `where`. Frees the graph. */
static void refused(ph_graph *g, size_t n_hints, const ph_shape_hint *hints, const char *where)
{
    ph_account *a = NULL;
    ph_error err = {0};
    assert_int_equal(ph_account_new(g, n_hints, hints, &a, &err), PH_ERR_OVERFLOW);
    assert_null(a);
    if (!strstr(err.message, where)) fail_msg("no %s in '%s'", where, err.message);
    ph_graph_free(g);
}

/* --- The networks in the box -------------------------------------------------------------- */

/* One convolution or fully connected layer, as the paper's table gives it: everything else follows
 * by multiplication. */
typedef struct row {
    int64_t oh, ow, k, c, r, s;
    bool bias, norm; /* a bias; a batch norm's scale and shift behind it */
} row;

typedef struct box_net {
    const char *name;
    int64_t parameters, macs; /* worked out by hand, to pin the sums of the rows; 0: they stand */
    row rows[12];
} box_net;

static const box_net box[] = {
    /* arXiv:1312.4400; the authors' model for CIFAR-10; pools 32 -> 16 -> 8 (rounded up) */
    {"nin-cifar10",
     966986,
     222486528,
     {{32, 32, 192, 3, 5, 5, true, false},
      {32, 32, 160, 192, 1, 1, true, false},
      {32, 32, 96, 160, 1, 1, true, false},
      {16, 16, 192, 96, 5, 5, true, false},
      {16, 16, 192, 192, 1, 1, true, false},
      {16, 16, 192, 192, 1, 1, true, false},
      {8, 8, 192, 192, 3, 3, true, false},
      {8, 8, 192, 192, 1, 1, true, false},
      {8, 8, 10, 192, 1, 1, true, false}}},
    {"nin-fashion",
     0,
     0,
     {{28, 28, 64, 1, 5, 5, false, true},
      {28, 28, 64, 64, 1, 1, false, true},
      {28, 28, 48, 64, 1, 1, false, true},
      {14, 14, 96, 48, 3, 3, false, true},
      {14, 14, 96, 96, 1, 1, false, true},
      {14, 14, 96, 96, 1, 1, false, true},
      {7, 7, 160, 96, 3, 3, false, true},
      {7, 7, 128, 160, 1, 1, false, true},
      {7, 7, 10, 128, 1, 1, true, false}}},
    {"lenet5",
     61706,
     416520,
     {{28, 28, 6, 1, 5, 5, true, false},
      {10, 10, 16, 6, 5, 5, true, false},
      {1, 1, 120, 16, 5, 5, true, false},
      {1, 1, 84, 120, 1, 1, true, false},
      {1, 1, 10, 84, 1, 1, true, false}}},
    {"resnet8",
     78042,
     12501632,
     {{32, 32, 16, 3, 3, 3, false, true},
      {32, 32, 16, 16, 3, 3, false, true},
      {32, 32, 16, 16, 3, 3, false, true},
      {16, 16, 32, 16, 3, 3, false, true},
      {16, 16, 32, 32, 3, 3, false, true},
      {16, 16, 32, 16, 1, 1, false, true},
      {8, 8, 64, 32, 3, 3, false, true},
      {8, 8, 64, 64, 3, 3, false, true},
      {8, 8, 64, 32, 1, 1, false, true},
      {1, 1, 10, 64, 1, 1, true, false}}},
    {"mlpconv",
     756,
     25920,
     {{6, 6, 16, 3, 3, 3, true, false},
      {6, 6, 12, 16, 1, 1, true, false},
      {6, 6, 8, 12, 1, 1, true, false}}},
    /* arXiv:1409.4842, table 1; 157,184 weights, 6,144 of the projection, 368 biases */
    {"inception-3a",
     163696,
     128049152,
     {{28, 28, 64, 192, 1, 1, true, false},
      {28, 28, 96, 192, 1, 1, true, false},
      {28, 28, 128, 96, 3, 3, true, false},
      {28, 28, 16, 192, 1, 1, true, false},
      {28, 28, 32, 16, 5, 5, true, false},
      {28, 28, 32, 192, 1, 1, true, false}}},
    /* 387,072 weights, 224 biases */
    {"inception-3a-naive",
     387296,
     303464448,
     {{28, 28, 64, 192, 1, 1, true, false},
      {28, 28, 128, 192, 3, 3, true, false},
      {28, 28, 32, 192, 5, 5, true, false}}},
    /* arXiv:1512.03385, fig. 5 */
    {"bottleneck-block",
     69632,
     218365952,
     {{56, 56, 64, 256, 1, 1, false, false},
      {56, 56, 64, 64, 3, 3, false, false},
      {56, 56, 256, 64, 1, 1, false, false}}},
    {"basic-block",
     1179648,
     3699376128,
     {{56, 56, 256, 256, 3, 3, false, false}, {56, 56, 256, 256, 3, 3, false, false}}},
};

static void check_box_net(const box_net *b)
{
    ph_account *a = account_of_zoo(b->name);
    int64_t parameters = 0, macs = 0, activations = 0;
    size_t at = 0;
    for (const row *r = b->rows; r < b->rows + COUNT(b->rows) && r->k; r++) {
        const int64_t w = r->k * r->c * r->r * r->s;
        parameters += w + (r->bias ? r->k : 0) + (r->norm ? 2 * r->k : 0);
        macs += r->oh * r->ow * w;
        /* the layers that multiply come in the table's order */
        while (at < ph_account_n_layers(a) && ph_account_layer(a, at)->macs == 0)
            at++;
        assert_true(at < ph_account_n_layers(a));
        const ph_layer_cost *l = ph_account_layer(a, at++);
        assert_int_equal(l->macs, r->oh * r->ow * w);
        assert_int_equal(l->parameters, w + (r->bias ? r->k : 0));
        assert_int_equal(l->activation_bytes, 4 * r->k * r->oh * r->ow);
    }
    while (at < ph_account_n_layers(a))
        assert_int_equal(ph_account_layer(a, at++)->macs, 0);
    for (size_t i = 0; i < ph_account_n_layers(a); i++)
        activations += ph_account_layer(a, i)->activation_bytes;
    const ph_totals *t = ph_account_totals(a);
    if (b->parameters) assert_int_equal(parameters, b->parameters);
    if (b->macs) assert_int_equal(macs, b->macs);
    assert_int_equal(t->parameters, parameters);
    assert_int_equal(t->macs, macs);
    assert_int_equal(t->activation_bytes, activations);
    assert_int_equal(t->parameter_bytes, 4 * parameters);
    assert_int_equal(t->layers, ph_account_n_layers(a));
    ph_account_free(a);
}

static void test_box(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(box); i++)
        check_box_net(&box[i]);
}

/* What the lesson says of Inception 3a, from the account alone. */
static void test_inception_savings(void **state)
{
    (void)state;
    ph_account *a = account_of_zoo("inception-3a");
    assert_int_equal(ph_account_n_savings(a), 2); /* the projection feeds no larger convolution */
    const ph_saving *three = saving(a, "inception_3a/3x3_reduce");
    const ph_saving *five = saving(a, "inception_3a/5x5_reduce");
    assert_string_equal(three->consumer, "inception_3a/3x3");
    assert_string_equal(five->consumer, "inception_3a/5x5");
    assert_int_equal(three->n_consumers, 1);
    assert_int_equal(three->c_in, 192);
    assert_int_equal(three->c_reduced, 96);
    assert_int_equal(five->c_reduced, 16);
    assert_int_equal(three->parameters_with, 192 * 96 + 96 + 9 * 96 * 128 + 128);
    assert_int_equal(three->parameters_without, 9 * 192 * 128 + 128);
    assert_int_equal(five->parameters_with, 192 * 16 + 16 + 25 * 16 * 32 + 32);
    assert_int_equal(five->parameters_without, 25 * 192 * 32 + 32);
    /* the module's weights, with the 64 filters that stand beside: without biases, and from MACs */
    const int64_t beside = 192 * 64;
    assert_int_equal(three->parameters_with - 96 - 128 + five->parameters_with - 16 - 32 + beside,
                     157184);
    assert_int_equal(three->parameters_without - 128 + five->parameters_without - 32 + beside,
                     387072);
    assert_int_equal(three->macs_with / 784 + five->macs_with / 784 + beside, 157184);
    assert_int_equal(three->macs_without / 784 + five->macs_without / 784 + beside, 387072);
    ph_account_free(a);
}

/* ResNet's bottleneck: the 1x1 that grows again is outside the module, as it is without. The 16.94
 * times of the lesson compare it with two 3x3 of 256 channels: another network. */
static void test_bottleneck(void **state)
{
    (void)state;
    ph_account *a = account_of_zoo("bottleneck-block"), *b = account_of_zoo("basic-block");
    const enum ph_role wanted[] = {PH_ROLE_SHRINK, PH_ROLE_NONE, PH_ROLE_GROW};
    size_t n = 0;
    for (size_t i = 0; i < ph_account_n_layers(a); i++)
        if (strcmp(ph_account_layer(a, i)->op, "Conv") == 0)
            assert_int_equal(ph_account_layer(a, i)->role, wanted[n++]);
    assert_int_equal(n, 3);
    assert_int_equal(ph_account_n_savings(a), 1);
    assert_int_equal(ph_account_n_savings(b), 0);
    const ph_saving *s = ph_account_saving(a, 0);
    assert_int_equal(s->c_in, 256);
    assert_int_equal(s->c_reduced, 64);
    assert_int_equal(s->parameters_with, 256 * 64 + 9 * 64 * 64);
    assert_int_equal(s->parameters_without, 9 * 256 * 64);
    assert_int_equal(s->macs_with, 3136 * (256 * 64 + 9 * 64 * 64));
    assert_int_equal(s->macs_without, 3136 * 9 * 256 * 64);
    assert_int_equal(100 * ph_account_totals(b)->parameters / ph_account_totals(a)->parameters,
                     1694);
    ph_account_free(a);
    ph_account_free(b);
}

/* --- Roles and savings -------------------------------------------------------------------- */

static void test_roles(void **state)
{
    (void)state;
    ph_account *a = account_of_text("input x 8x6x6\n"
                                    "shrink: conv 1x1 4\nkeep: conv 1x1 4 / 2\ngrow: conv 1x1 9\n"
                                    "wide: conv 3x3 8 pad 1\ntall: conv 3x1 8 pad 1 0\n"
                                    "grouped: conv 1x1 4 groups 2\ndeep: depthwise 1x1\n"
                                    "fc 2\n");
    assert_int_equal(layer(a, "shrink")->role, PH_ROLE_SHRINK);
    assert_int_equal(layer(a, "keep")->role, PH_ROLE_KEEP);
    assert_int_equal(layer(a, "grow")->role, PH_ROLE_GROW);
    static const char *const none[] = {"wide", "tall", "grouped", "deep", "fc_1", "fc_1/flatten"};
    for (size_t i = 0; i < COUNT(none); i++)
        assert_int_equal(layer(a, none[i])->role, PH_ROLE_NONE);
    assert_string_equal(ph_role_name(PH_ROLE_SHRINK), "shrink");
    assert_string_equal(ph_role_name(PH_ROLE_KEEP), "keep");
    assert_string_equal(ph_role_name(PH_ROLE_GROW), "grow");
    assert_null(ph_role_name(PH_ROLE_NONE));
    ph_account_free(a);
}

/* Batch norm, activations, dropout and pooling hand the channels on; a 1x1 or grouped reader, a
 * concatenation and a sum do not count. */
static void test_savings(void **state)
{
    (void)state;
    ph_account *a =
        account_of_text("input x 16x8x8\n"
                        "red: conv 1x1 4 nobias\nbn\nrelu\nmaxpool 2x2 / 2\nd: dropout 0.5\n"
                        "c3: conv 3x3 5 / 2 pad 1\nc5: conv 5x5 6 pad 2 from d\n"
                        "c1: conv 1x1 7 from d\ncg: conv 3x3 8 groups 2 pad 1 from d\n"
                        "lone: conv 1x1 2 from x\n"
                        "up: conv 1x1 32 from x\nafter: conv 3x3 2 pad 1\n"
                        "join: add lone\nlast: conv 3x3 1\n"
                        "output c3 c5 c1 cg last\n");
    assert_int_equal(ph_account_n_savings(a), 1);
    const ph_saving *s = saving(a, "red");
    assert_string_equal(s->consumer, "c3");
    assert_int_equal(s->n_consumers, 2);
    assert_int_equal(s->c_in, 16);
    assert_int_equal(s->c_reduced, 4);
    assert_int_equal(s->parameters_with, 16 * 4 + (4 * 5 * 9 + 5) + (4 * 6 * 25 + 6));
    assert_int_equal(s->parameters_without, (16 * 5 * 9 + 5) + (16 * 6 * 25 + 6));
    assert_int_equal(s->macs_with, 64 * 16 * 4 + 4 * (4 * 5 * 9) + 16 * (4 * 6 * 25));
    assert_int_equal(s->macs_without, 4 * (16 * 5 * 9) + 16 * (16 * 6 * 25));
    ph_account_free(a);
}

/* In the order of the reductions, however their consumers lie. */
static void test_savings_order(void **state)
{
    (void)state;
    ph_account *a = account_of_text("input x 8x8x8\nr1: conv 1x1 2\nr2: conv 1x1 3 from x\n"
                                    "a: conv 3x3 1\nb: conv 3x3 1 from r1\nadd a\n");
    assert_int_equal(ph_account_n_savings(a), 2);
    assert_string_equal(ph_account_saving(a, 0)->reduction, "r1");
    assert_string_equal(ph_account_saving(a, 0)->consumer, "b");
    assert_string_equal(ph_account_saving(a, 1)->reduction, "r2");
    ph_account_free(a);
}

/* x -> 1x1 reduction -> Pad of the channels by `extra` -> 3x3 */
static ph_account *account_of_padded(int64_t extra)
{
    ph_value x;
    ph_graph *g = graph_with(4, (const int64_t[]){1, 8, 6, 6}, &x);
    const ph_value y = binary(g, "Conv", "reduce", x, weights(g, "w", 2, 8, 1));
    ph_tensor *t = NULL;
    ph_value pads;
    assert_int_equal(ph_tensor_new(NULL, PH_INT64, 1, (const int64_t[]){8}, &t, NULL), PH_OK);
    const int64_t amounts[8] = {0, extra, 1, 1, 0, 0, 1, 1};
    memcpy(ph_tensor_data(t), amounts, sizeof amounts);
    assert_int_equal(ph_graph_add_constant(g, "pads", t, &pads, NULL), PH_OK);
    ph_tensor_free(t);
    const ph_value z = binary(g, "Pad", "pad", y, pads);
    return account_of_output(g, binary(g, "Conv", "wide", z, weights(g, "w3", 4, 2 + extra, 3)));
}

/* Padding of the image stands between as other frameworks write it; channels padded on are new. */
static void test_savings_through_pad(void **state)
{
    (void)state;
    ph_account *a = account_of_padded(0), *b = account_of_padded(1);
    assert_int_equal(ph_account_n_savings(a), 1);
    assert_int_equal(ph_account_saving(a, 0)->macs_with, 36 * (8 * 2 + 9 * 2 * 4));
    assert_int_equal(ph_account_saving(a, 0)->macs_without, 36 * 9 * 8 * 4);
    assert_int_equal(ph_account_n_savings(b), 0);
    ph_account_free(a);
    ph_account_free(b);
}

/* SqueezeNet's fire module (arXiv:1602.07360): expand1x1 reads the squeezed channels, too. Worked
 * out by hand for fire2 of version 1.1: 64 -> 16 -> 64 + 64 on 55x55. */
static void test_savings_with_1x1(void **state)
{
    (void)state;
    ph_account *a =
        account_of_text("input x 64x55x55\nsqueeze: conv 1x1 16\nr: relu\ne1: conv 1x1 64\nrelu\n"
                        "e3: conv 3x3 64 pad 1 from r\nconcat relu_1\n");
    const ph_saving *s = saving(a, "squeeze");
    const int64_t squeeze = 64 * 16 + 16, e1 = 16 * 64 + 64, e3 = 9 * 16 * 64 + 64;
    assert_int_equal(s->n_consumers, 1);
    assert_string_equal(s->consumer, "e3");
    assert_int_equal(s->parameters_with, squeeze + e3);
    assert_int_equal(s->parameters_without, 9 * 64 * 64 + 64);
    assert_int_equal(s->n_1x1, 1);
    assert_int_equal(s->all.parameters_with, squeeze + e1 + e3);
    assert_int_equal(s->all.parameters_without, 10 * 64 * 64 + 128);
    assert_int_equal(s->all.macs_with, 3025 * 16 * (64 + 64 + 9 * 64));
    assert_int_equal(s->all.macs_without, 3025 * 10 * 64 * 64);
    assert_null(s->growth);
    ph_account_free(a);
}

/* The bottleneck as a whole: 1x1 256 -> 64, 3x3 64 -> 64, 1x1 64 -> 256 against one 3x3 of 256
 * channels. Only where each is read by the next one alone. */
static void test_savings_of_bottleneck(void **state)
{
    (void)state;
    ph_account *a = account_of_zoo("bottleneck-block");
    const ph_saving *s = ph_account_saving(a, 0);
    assert_string_equal(s->growth, "expand");
    assert_int_equal(s->c_out, 256);
    assert_int_equal(s->n_1x1, 0);
    assert_int_equal(s->bottleneck.parameters_with, 69632);
    assert_int_equal(s->bottleneck.parameters_without, 9 * 256 * 256);
    assert_int_equal(s->bottleneck.macs_with, 218365952);
    assert_int_equal(s->bottleneck.macs_without, 3136 * INT64_C(9) * 256 * 256);
    ph_account_free(a);
    /* biases; another size out than in; a stride in the last one becomes that of the one instead */
    a = account_of_text("input x 8x9x9\nr: conv 1x1 2\nm: conv 3x3 3 pad 1\nrelu\n"
                        "g: conv 1x1 5 / 2\n");
    s = saving(a, "r");
    assert_string_equal(s->growth, "g");
    assert_int_equal(s->bottleneck.parameters_with, 18 + 57 + 20);
    assert_int_equal(s->bottleneck.parameters_without, 9 * 8 * 5 + 5);
    assert_int_equal(s->bottleneck.macs_with, 81 * 16 + 81 * 54 + 25 * 15);
    assert_int_equal(s->bottleneck.macs_without, 25 * 9 * 8 * 5);
    ph_account_free(a);
    static const char *const none[] = {
        /* the middle is read twice, the reduction is, the last one shrinks, or is no 1x1 */
        "input x 8x9x9\nr: conv 1x1 2\nm: conv 3x3 3 pad 1\ng: conv 1x1 5\nconv 1x1 5 from m\n"
        "add g\n",
        "input x 8x9x9\nr: conv 1x1 2\nm: conv 3x3 3 pad 1\ng: conv 1x1 5\nz: conv 1x1 5 from r\n"
        "add g\n",
        "input x 8x9x9\nr: conv 1x1 2\nm: conv 3x3 3 pad 1\ng: conv 1x1 2\n",
        "input x 8x9x9\nr: conv 1x1 2\nm: conv 3x3 3 pad 1\ng: conv 3x3 5\n",
        "input x 8x9x9\nr: conv 1x1 2\nm: conv 3x3 3 pad 1\ng: conv 1x1 5\nconcat m\n"};
    for (size_t i = 0; i < COUNT(none); i++) {
        a = account_of_text(none[i]);
        assert_null(saving(a, "r")->growth);
        assert_int_equal(saving(a, "r")->bottleneck.parameters_with, 0);
        ph_account_free(a);
    }
}

/* --- Kinds --------------------------------------------------------------------------------- */

static void test_kinds(void **state)
{
    (void)state;
    ph_account *a = account_of_text("input x 8x6x6\na: conv 1x1 4\nb: conv 3x3 8 pad 1\n"
                                    "c: conv 3x3 8 pad 1 groups 4\nd: depthwise 3x3 pad 1\n"
                                    "e: conv 1x1 8 groups 2\nf: depthwise 1x1\ng: fc 2\nh: relu\n");
    static const enum ph_kind wanted[] = {PH_KIND_1X1,       PH_KIND_CONV,    PH_KIND_GROUPED,
                                          PH_KIND_DEPTHWISE, PH_KIND_GROUPED, PH_KIND_DEPTHWISE,
                                          PH_KIND_DENSE,     PH_KIND_OTHER};
    const char name[][2] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    for (size_t i = 0; i < COUNT(wanted); i++)
        assert_int_equal(layer(a, name[i])->kind, wanted[i]);
    assert_string_equal(ph_kind_name(PH_KIND_1X1), "1x1");
    assert_string_equal(ph_kind_name(PH_KIND_DEPTHWISE), "depthwise");
    assert_string_equal(ph_kind_name((enum ph_kind)99), "?");
    ph_account_free(a);
}

/* The last weights before scores; with their norm, but not through a sum, and not before an image.
 */
static void test_classifier(void **state)
{
    (void)state;
    ph_account *a = account_of_text("input x 4x5x5\na: conv 3x3 6\nb: conv 1x1 7 nobias\nn: bn\n"
                                    "relu\nglobalavgpool\nflatten\nsoftmax\n");
    assert_false(layer(a, "a")->classifier);
    assert_true(layer(a, "b")->classifier);
    assert_true(layer(a, "n")->classifier);
    assert_int_equal(ph_account_totals(a)->classifier_parameters, 42 + 14);
    assert_int_equal(ph_account_totals(a)->classifier_macs, 9 * 42);
    ph_account_free(a);
    static const char *const none[] = {
        "input x 4x5x5\na: conv 3x3 6\nb: conv 1x1 7\n", /* an image of 3x3 */
        "input x 4x5x5\na: conv 3x3 6\nb: conv 3x3 6 pad 1\nadd a\nglobalavgpool\nflatten\n"};
    for (size_t i = 0; i < COUNT(none); i++) {
        a = account_of_text(none[i]);
        assert_int_equal(ph_account_totals(a)->classifier_parameters, 0);
        assert_int_equal(ph_account_totals(a)->classifier_macs, 0);
        assert_false(layer(a, "b")->classifier);
        ph_account_free(a);
    }
}

/* --- Counting ----------------------------------------------------------------------------- */

/* Settings (a ratio, bounds, constants that are not trained) and running statistics are no
 * parameters. */
static void test_what_counts(void **state)
{
    (void)state;
    ph_account *a = account_of_text("input x 3x4x4\nn: normalize 1 / 2\nb: bn\nc: clip 0 1\n"
                                    "d: dropout 0.5\nr: reshape 6x8\np: softmax\n");
    assert_int_equal(layer(a, "b")->parameters, 6);
    assert_int_equal(layer(a, "b")->statistics, 6);
    assert_int_equal(ph_account_totals(a)->statistics, 6);
    assert_int_equal(ph_account_totals(a)->weights, 0);
    assert_int_equal(ph_account_totals(a)->parameters, 6);
    assert_int_equal(ph_account_totals(a)->parameter_bytes, 24);
    assert_int_equal(ph_account_totals(a)->macs, 0);
    assert_int_equal(ph_account_totals(a)->activation_bytes, 7 * 48 * 4);
    const ph_layer_cost *r = layer(a, "r");
    const int64_t dims[3] = {1, 6, 8};
    assert_int_equal(r->output_rank, 3);
    assert_memory_equal(r->output_dims, dims, sizeof dims);
    assert_string_equal(r->op, "Reshape");
    ph_account_free(a);
}

/* What is applied behind weights is a parameter if it is more than one number: Caffe's Scale as Mul
 * and Add, a bias that is subtracted. Before any weights it is preprocessing. Scalars are settings
 * everywhere, and whole numbers are not trained. */
static void test_types_that_count(void **state)
{
    (void)state;
    ph_value x, i;
    const int64_t three[1] = {3}, one[1] = {1}, channels[3] = {2, 1, 1};
    ph_graph *g = graph_with(4, (const int64_t[]){1, 3, 4, 4}, &x);
    assert_int_equal(ph_graph_add_input(g, "i", PH_INT64, 1, three, &i, NULL), PH_OK);
    const int64_t image[3] = {3, 1, 1};
    ph_value y = binary(g, "Sub", "mean", x, constant(g, "mean_of_data", PH_FLOAT32, 3, image));
    y = binary(g, "Div", "deviation", y, constant(g, "std", PH_FLOAT32, 3, image));
    y = binary(g, "Conv", "conv", y, weights(g, "w", 2, 3, 1));
    y = binary(g, "Mul", "scale", y, constant(g, "gamma", PH_FLOAT32, 3, channels));
    y = binary(g, "Add", "shift", constant(g, "beta", PH_FLOAT32, 3, channels), y);
    y = binary(g, "Add", "scalar", y, constant(g, "s", PH_FLOAT32, 0, NULL));
    y = binary(g, "Mul", "single", y, constant(g, "s1", PH_FLOAT32, 1, one));
    y = unary(g, "Relu", "relu", y);
    y = binary(g, "Div", "late", y, constant(g, "q", PH_FLOAT32, 3, channels));
    const ph_value z = binary(g, "Add", "whole", i, constant(g, "n", PH_INT64, 1, three));
    const ph_value both = binary(g, "Add", "both", y, y);
    assert_int_equal(ph_graph_add_output(g, z, NULL), PH_OK);
    ph_account *a = account_of_output(g, both);
    static const struct {
        const char *name;
        int64_t parameters;
    } wanted[] = {{"mean", 0},   {"deviation", 0}, {"conv", 6}, {"scale", 2}, {"shift", 2},
                  {"scalar", 0}, {"single", 0},    {"late", 2}, {"whole", 0}, {"both", 0}};
    for (size_t k = 0; k < COUNT(wanted); k++)
        assert_int_equal(layer(a, wanted[k].name)->parameters, wanted[k].parameters);
    assert_int_equal(ph_account_totals(a)->parameters, 12);
    assert_int_equal(ph_account_totals(a)->weights, 6);
    assert_int_equal(layer(a, "whole")->activation_bytes, 24);
    ph_account_free(a);
}

/* Quantised weights and biases are parameters, scales and zero points are not. */
static void test_quantised(void **state)
{
    (void)state;
    ph_value x;
    ph_graph *g = graph_with(4, (const int64_t[]){1, 4, 5, 5}, &x);
    const ph_value scale = constant(g, "scale", PH_FLOAT32, 0, NULL),
                   zero = constant(g, "zero", PH_UINT8, 0, NULL),
                   w = constant(g, "w", PH_UINT8, 4, (const int64_t[]){6, 4, 1, 1}),
                   b = constant(g, "b", PH_INT32, 1, (const int64_t[]){6});
    ph_value y = node(g, "QuantizeLinear", "q", 3, (const ph_value[]){x, scale, zero});
    const ph_value in[] = {y, scale, zero, w, scale, zero, scale, zero, b};
    y = node(g, "QLinearConv", "c", 9, in);
    ph_account *a = account_of_output(g, y);
    assert_int_equal(layer(a, "q")->parameters, 0);
    assert_int_equal(layer(a, "c")->parameters, 24 + 6);
    assert_int_equal(layer(a, "c")->weights, 24);
    assert_int_equal(layer(a, "c")->macs, 25 * 24);
    assert_int_equal(layer(a, "c")->kind, PH_KIND_1X1);
    assert_int_equal(layer(a, "c")->role, PH_ROLE_GROW);
    assert_int_equal(ph_account_totals(a)->parameter_bytes, 24 + 4 * 6);
    ph_account_free(a);
}

static void test_batch(void **state)
{
    (void)state;
    ph_graph *g = parse("input x 3x8x8\nc: conv 3x3 4 pad 1\nfc 5\n");
    const ph_shape_hint hint = {.name = "x", .rank = 4, .dims = {6, 3, 8, 8}};
    ph_account *one = account_of(g, 0, NULL), *six = account_of(g, 1, &hint);
    assert_int_equal(ph_account_totals(one)->macs, 64 * 4 * 27 + 256 * 5);
    assert_int_equal(ph_account_totals(six)->macs, 6 * (64 * 4 * 27 + 256 * 5));
    assert_int_equal(ph_account_totals(six)->parameters, ph_account_totals(one)->parameters);
    assert_int_equal(layer(six, "c")->output_dims[0], 6);
    ph_account_free(one);
    ph_account_free(six);
    ph_account *a = NULL;
    const ph_shape_hint wrong = {.name = "x", .rank = 4, .dims = {1, 4, 8, 8}};
    assert_int_equal(ph_account_new(g, 1, &wrong, &a, NULL), PH_ERR_SHAPE);
    assert_null(a);
    ph_graph_free(g);
}

/* One set of weights in two nodes: parameters at the first, MACs at both. */
static void test_shared_weights(void **state)
{
    (void)state;
    ph_value x;
    ph_graph *g = graph_with(4, (const int64_t[]){1, 4, 5, 5}, &x);
    const ph_value w = weights(g, "w", 4, 4, 3),
                   b = constant(g, "b", PH_FLOAT32, 1, (const int64_t[]){4});
    ph_value y = node(g, "Conv", "first", 3, (const ph_value[]){x, w, b});
    y = node(g, "Conv", "second", 3, (const ph_value[]){y, w, b});
    ph_account *a = account_of_output(g, y);
    assert_int_equal(layer(a, "first")->parameters, 4 * 4 * 9 + 4);
    assert_int_equal(layer(a, "second")->parameters, 0);
    assert_int_equal(layer(a, "first")->macs, 9 * 4 * 4 * 9);
    assert_int_equal(layer(a, "second")->macs, 1 * 4 * 4 * 9);
    assert_int_equal(ph_account_totals(a)->parameters, 148);
    ph_account_free(a);
}

/* Weights that come through Identity or Transpose, as exporters write them, are counted as the
 * constants they are, once; those nodes, known before running, are no layers. */
static void test_moved_weights(void **state)
{
    (void)state;
    ph_value x;
    ph_graph *g = graph_with(4, (const int64_t[]){1, 4, 5, 5}, &x);
    const ph_value w = weights(g, "w", 4, 4, 1);
    ph_value y = binary(g, "Conv", "first", x, unary(g, "Identity", "i1", w));
    y = binary(g, "Conv", "second", y, unary(g, "Identity", "i2", w));
    y = unary(g, "Flatten", "flat", y);
    const ph_value m = constant(g, "m", PH_FLOAT32, 2, (const int64_t[]){7, 100});
    y = binary(g, "MatMul", "product", y, unary(g, "Transpose", "t", m));
    ph_account *a = account_of_output(g, y);
    assert_int_equal(ph_account_n_layers(a), 4);
    assert_int_equal(layer(a, "first")->parameters, 16);
    assert_int_equal(layer(a, "second")->parameters, 0);
    assert_int_equal(layer(a, "second")->role, PH_ROLE_KEEP);
    assert_int_equal(layer(a, "product")->parameters, 700);
    assert_int_equal(layer(a, "product")->macs, 700);
    assert_int_equal(ph_account_totals(a)->parameter_bytes, 4 * 716);
    ph_account_free(a);
}

/* Weights computed from constants count as the plan folds them: the result, not what it is from. */
static void test_computed_weights(void **state)
{
    (void)state;
    ph_value x;
    ph_graph *g = graph_with(4, (const int64_t[]){1, 4, 5, 5}, &x);
    const ph_value scale = weights(g, "s", 6, 1, 1);
    const ph_value w = binary(g, "Mul", "scaled", weights(g, "w", 6, 4, 1), scale);
    ph_account *a = account_of_output(g, binary(g, "Conv", "c", x, w));
    assert_int_equal(ph_account_n_layers(a), 1);
    assert_int_equal(layer(a, "c")->parameters, 24);
    assert_int_equal(layer(a, "c")->role, PH_ROLE_GROW);
    ph_account_free(a);
}

/* The value of a Constant node is a parameter like an initializer. */
static void test_constant_node(void **state)
{
    (void)state;
    ph_value x, w;
    ph_tensor *t = NULL;
    ph_graph *g = graph_with(4, (const int64_t[]){1, 4, 5, 5}, &x);
    assert_int_equal(ph_tensor_new(NULL, PH_FLOAT32, 4, (const int64_t[]){2, 4, 1, 1}, &t, NULL),
                     PH_OK);
    const ph_attr value = {.name = "value", .kind = PH_ATTR_TENSOR, .tensor = t};
    assert_int_equal(ph_graph_add_node(g, "Constant", "k", 0, NULL, 1, &value, 1, NULL, &w, NULL),
                     PH_OK);
    ph_tensor_free(t);
    ph_account *a = account_of_output(g, binary(g, "Conv", "c", x, w));
    assert_int_equal(ph_account_n_layers(a), 1);
    assert_int_equal(layer(a, "c")->parameters, 8);
    assert_int_equal(layer(a, "c")->role, PH_ROLE_SHRINK);
    ph_account_free(a);
}

/* Every output that somebody wants is in memory: a dropout's mask is a byte an element. */
static void test_all_outputs(void **state)
{
    (void)state;
    ph_value x, out[2];
    ph_graph *g = graph_with(2, (const int64_t[]){2, 10}, &x);
    assert_int_equal(ph_graph_add_node(g, "Dropout", "d", 1, &x, 0, NULL, 2, NULL, out, NULL),
                     PH_OK);
    assert_int_equal(ph_graph_add_output(g, out[1], NULL), PH_OK);
    ph_account *a = account_of_output(g, out[0]);
    assert_int_equal(layer(a, "d")->activation_bytes, 20 * 4 + 20);
    assert_int_equal(layer(a, "d")->output_dims[1], 10);
    ph_account_free(a);
}

/* --- Too much ----------------------------------------------------------------------------- */

static const char three_layers[] = "input x 1x1x1\na: conv 1x1 4096\nb: conv 1x1 4096\n"
                                   "c: conv 1x1 4096\nconv 1x1 1\n";

/* 2^62 MACs a layer, twice; 2^64 in one. */
static void test_too_many_macs(void **state)
{
    (void)state;
    const ph_shape_hint sum = {.rank = 4, .dims = {INT64_C(1) << 38, 1, 1, 1}},
                        one = {.rank = 4, .dims = {INT64_C(1) << 40, 1, 1, 1}};
    refused(parse(three_layers), 1, &sum, "'c'");
    refused(parse(three_layers), 1, &one, "'b'");
}

/* 9 * 2^57 bytes a layer, read and written: four times they do not fit. */
static void test_too_many_bytes(void **state)
{
    (void)state;
    const ph_shape_hint hint = {.rank = 4, .dims = {INT64_C(1) << 43, 4096, 3, 3}};
    refused(parse("input x 4096x3x3\nrelu; relu; relu\nlast: relu\n"), 1, &hint, "'last'");
}

/* The network's MACs fit, but not those of the module without its reduction: 261 * 2^55. */
static void test_too_much_saved(void **state)
{
    (void)state;
    const ph_shape_hint hint = {.rank = 4, .dims = {INT64_C(1) << 43, 4096, 3, 3}};
    ph_graph *g = parse("input x 4096x3x3\nr: conv 1x1 1\nb: conv 3x3 28\n");
    ph_account *a = account_of(g, 1, &hint);
    assert_int_equal(saving(a, "r")->macs_without, 252 * (INT64_C(1) << 55));
    ph_account_free(a);
    ph_graph_free(g);
    refused(parse("input x 4096x3x3\nr: conv 1x1 1\nb: conv 3x3 29\n"), 1, &hint, "'r'");
}

/* Constants of 2^58 elements that are only described: eight have 2^63 bytes. */
static void test_too_many_parameters(void **state)
{
    (void)state;
    ph_value x, s;
    ph_tensor *t = NULL;
    ph_graph *g = graph_with(2, (const int64_t[]){1, 1 << 29}, &x);
    assert_int_equal(ph_tensor_new(NULL, PH_INT64, 1, (const int64_t[]){2}, &t, NULL), PH_OK);
    const int64_t shape[2] = {1 << 29, 1 << 29};
    memcpy(ph_tensor_data(t), shape, sizeof shape);
    assert_int_equal(ph_graph_add_constant(g, "s", t, &s, NULL), PH_OK);
    ph_tensor_free(t);
    for (int i = 1; i <= 8; i++) {
        char name[16];
        snprintf(name, sizeof name, "product%d", i);
        const ph_value y = binary(g, "MatMul", name, x, unary(g, "ConstantOfShape", NULL, s));
        assert_int_equal(ph_graph_add_output(g, y, NULL), PH_OK);
        if (i != 7) continue;
        ph_account *a = account_of(g, 0, NULL);
        assert_int_equal(ph_account_n_layers(a), 7);
        assert_int_equal(layer(a, "product7")->parameters, INT64_C(1) << 58);
        assert_int_equal(ph_account_totals(a)->parameter_bytes, 7 * (INT64_C(1) << 60));
        ph_account_free(a);
    }
    refused(g, 0, NULL, "'product8'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_box),
        cmocka_unit_test(test_inception_savings),
        cmocka_unit_test(test_bottleneck),
        cmocka_unit_test(test_roles),
        cmocka_unit_test(test_savings),
        cmocka_unit_test(test_savings_order),
        cmocka_unit_test(test_savings_with_1x1),
        cmocka_unit_test(test_savings_of_bottleneck),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_classifier),
        cmocka_unit_test(test_savings_through_pad),
        cmocka_unit_test(test_what_counts),
        cmocka_unit_test(test_types_that_count),
        cmocka_unit_test(test_quantised),
        cmocka_unit_test(test_batch),
        cmocka_unit_test(test_shared_weights),
        cmocka_unit_test(test_moved_weights),
        cmocka_unit_test(test_computed_weights),
        cmocka_unit_test(test_constant_node),
        cmocka_unit_test(test_all_outputs),
        cmocka_unit_test(test_too_many_macs),
        cmocka_unit_test(test_too_many_bytes),
        cmocka_unit_test(test_too_much_saved),
        cmocka_unit_test(test_too_many_parameters),
    };
    return cmocka_run_group_tests_name("account", tests, NULL, NULL);
}
