/* SPDX-License-Identifier: MIT */
/* The .net language: what a text becomes, and what is refused, with line and column. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "graph/graph.h"
#include "sweep.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* --- Helpers --------------------------------------------------------------------------------- */

static ph_graph *parse_seeded(const char *text, uint64_t seed)
{
    ph_graph *g = NULL;
    ph_error err = {0};
    if (ph_net_parse(NULL, text, strlen(text), "t.net", seed, &g, &err)) fail_msg("%s", err.message);
    if (ph_graph_check(g, &err)) fail_msg("%s", err.message);
    return g;
}

static ph_graph *parse(const char *text) { return parse_seeded(text, 1); }

static const phi_node *find_node(const ph_graph *g, const char *name)
{
    for (size_t i = 0; i < g->n_nodes; i++)
        if (strcmp(g->nodes[i].name, name) == 0) return &g->nodes[i];
    fail_msg("there is no node '%s'", name);
    return NULL;
}

static const ph_tensor *constant(const ph_graph *g, const char *name)
{
    const ph_value v = ph_graph_find(g, name);
    if (v == PH_NONE || !ph_value_constant(g, v)) fail_msg("there is no constant '%s'", name);
    return ph_value_constant(g, v);
}

static float element(const ph_graph *g, const char *name, size_t i)
{
    const ph_tensor *t = constant(g, name);
    assert_int_equal(ph_tensor_dtype(t), PH_FLOAT32);
    assert_true((int64_t)i < ph_tensor_count(t));
    return ((const float *)ph_tensor_const_data(t))[i];
}

/* All nodes as "name:Op name:Op ...", in order. */
static void assert_nodes(const ph_graph *g, const char *want)
{
    char got[4096];
    size_t at = 0;
    got[0] = 0;
    for (size_t i = 0; i < g->n_nodes; i++)
        at += (size_t)snprintf(got + at, sizeof got - at, "%s%s:%s", i ? " " : "",
                               g->nodes[i].name, g->nodes[i].op_type);
    assert_string_equal(got, want);
}

/* The declared type of output `i`, as "name[-1,10]". */
static void assert_output(const ph_graph *g, size_t i, const char *want)
{
    char got[256];
    int64_t dims[PH_MAX_RANK];
    enum ph_dtype dtype;
    assert_true(i < ph_graph_n_outputs(g));
    const ph_value v = ph_graph_output(g, i);
    const int rank = ph_value_type(g, v, &dtype, dims);
    assert_true(rank >= 0);
    assert_int_equal(dtype, PH_FLOAT32);
    int at = snprintf(got, sizeof got, "%s[", ph_value_name(g, v));
    for (int d = 0; d < rank; d++)
        at += snprintf(got + at, sizeof got - (size_t)at, "%s%lld", d ? "," : "",
                       (long long)dims[d]);
    snprintf(got + at, sizeof got - (size_t)at, "]");
    assert_string_equal(got, want);
}

static void assert_ints(const ph_graph *g, const char *node, const char *attr, size_t n,
                        const int64_t *want)
{
    size_t got_n;
    const int64_t *got = phi_attr_ints(find_node(g, node), attr, &got_n);
    assert_int_equal(got_n, n);
    assert_memory_equal(got, want, n * sizeof *want);
}
#define INTS(...) COUNT(((const int64_t[]){__VA_ARGS__})), (const int64_t[]){__VA_ARGS__}

static float attr_float(const ph_graph *g, const char *node, const char *attr)
{
    assert_true(phi_attr_has(find_node(g, node), attr));
    return phi_attr_float(find_node(g, node), attr, -1.0f);
}

/* --- What texts become ------------------------------------------------------------------------- */

static void test_flow_and_names(void **state)
{
    (void)state;
    ph_graph *g = parse("network small # a comment\n"
                        "title  Small, to the end  \n"
                        "input x 3x8x8\r\n"
                        "\n"
                        "stem: conv 3x3 4 pad 1; relu\n"
                        "\trelu\n"
                        "side: conv 1x1 4 from stem\n"
                        "add relu_2\n"
                        "logits: fc 5\n"
                        "output logits side\n");
    assert_nodes(g, "stem:Conv relu_1:Relu relu_2:Relu side:Conv add_1:Add logits/flatten:Flatten "
                    "logits:Gemm");
    assert_string_equal(ph_graph_name(g), "small");
    assert_string_equal(ph_graph_metadata(g, "pinhole.title"), "Small, to the end");
    assert_string_equal(ph_value_name(g, find_node(g, "side")->in[0]), "stem");
    assert_string_equal(ph_value_name(g, find_node(g, "add_1")->in[0]), "side");
    assert_string_equal(ph_value_name(g, find_node(g, "add_1")->in[1]), "relu_2");
    assert_output(g, 0, "logits[-1,5]");
    assert_output(g, 1, "side[-1,4,8,8]");
    const phi_value *x = &g->values[ph_graph_input(g, 0)];
    assert_int_equal(x->dims[0], -1);
    assert_string_equal(x->dim_names[0], "N");
    assert_string_equal(g->values[ph_graph_output(g, 0)].dim_names[0], "N");
    ph_graph_free(g);
}

/* A made-up name makes way for one that the text gives, whichever comes first. */
static void test_made_up_names(void **state)
{
    (void)state;
    ph_graph *g = parse("input x 4\nrelu_1: relu\nrelu\nrelu\n");
    assert_nodes(g, "relu_1:Relu relu_2:Relu relu_3:Relu");
    assert_output(g, 0, "relu_3[-1,4]"); /* without `output`: the last value */
    ph_graph_free(g);
}

static void test_windows(void **state)
{
    (void)state;
    ph_graph *g = parse("input x 4x9x11\n"
                        "a: conv 3 8 / 2 pad same\n"
                        "b: conv 1x5 8 pad 0 2 stride 1x2 groups 2 nobias\n"
                        "c: conv 3x3 6 pad 1 2 3 4 dilation 2x1\n"
                        "d: depthwise 3x3 multiplier 2 pad same\n"
                        "e: maxpool 3x2 / 2x1 ceil dilation 1x2 pad 1 0\n"
                        "f: avgpool 2x2 / 1 pad 1 count_pad\n");
    assert_ints(g, "a", "pads", INTS(1, 1, 1, 1));
    assert_ints(g, "a", "strides", INTS(2, 2));
    assert_ints(g, "a", "kernel_shape", INTS(3, 3));
    assert_ints(g, "b", "kernel_shape", INTS(1, 5));
    assert_ints(g, "b", "pads", INTS(0, 2, 0, 2));
    assert_ints(g, "b", "strides", INTS(1, 2));
    assert_int_equal(find_node(g, "b")->n_in, 2);
    assert_int_equal(phi_attr_int(find_node(g, "b"), "group", 1), 2);
    assert_ints(g, "c", "pads", INTS(1, 2, 3, 4));
    assert_ints(g, "c", "dilations", INTS(2, 1));
    assert_int_equal(phi_attr_int(find_node(g, "d"), "group", 1), 6);
    assert_int_equal(ph_tensor_dims(constant(g, "d.weight"))[0], 12);
    assert_ints(g, "e", "dilations", INTS(1, 2));
    assert_ints(g, "e", "pads", INTS(1, 0, 1, 0));
    assert_int_equal(phi_attr_int(find_node(g, "e"), "ceil_mode", 0), 1);
    assert_int_equal(phi_attr_int(find_node(g, "f"), "count_include_pad", 0), 1);
    assert_int_equal(phi_attr_int(find_node(g, "f"), "ceil_mode", 1), 0);
    ph_graph_free(g);
}

/* `pad same` with an even kernel: the odd row goes to the end (ONNX's SAME_UPPER). */
static void test_pad_same(void **state)
{
    (void)state;
    ph_graph *g = parse("input x 1x7x8\na: conv 4x2 1 pad same\nb: conv 3x3 1 / 2 pad same\n"
                        "c: conv 1x1 1 / 3 pad same\n");
    assert_ints(g, "a", "pads", INTS(1, 0, 2, 1));
    assert_ints(g, "b", "pads", INTS(1, 0, 1, 1));
    assert_ints(g, "c", "pads", INTS(0, 0, 0, 0));
    assert_output(g, 0, "c[-1,1,2,2]");
    ph_graph_free(g);
}

static void test_layers_with_numbers(void **state)
{
    (void)state;
    ph_graph *g = parse("input x 3x4x4\n"
                        "n: normalize 0.1 0.2 0.3 / 0.5\n"
                        "s: scale 2; t: shift 1 2 3\n"
                        "b: bn epsilon 0.001 momentum 0.75\n"
                        "l: lrn 3 alpha 2e-4 beta .5 k 2.\n"
                        "lr: leakyrelu 0.2; lr2: leakyrelu\n"
                        "c: clip -1 1.5e0; r: relu6\n"
                        "h: hardsigmoid; h2: hardsigmoid 0.2 0.5\n"
                        "hardswish; sigmoid; tanh; identity\n"
                        "d: dropout 0.25; d2: dropout\n"
                        "p: pad 1 2 value 7; q: pad 1 mode reflect\n"
                        "softmax; logsoftmax\n"
                        "re: reshape ?x6; tr: transpose 0 2 1\n");
    assert_true(element(g, "n/sub.mean", 0) == 0.1f && element(g, "n/sub.mean", 2) == 0.3f);
    assert_true(element(g, "n/div.std", 0) == 0.5f && element(g, "n/div.std", 2) == 0.5f);
    const int64_t per_channel[3] = {3, 1, 1};
    assert_int_equal(ph_tensor_rank(constant(g, "n/sub.mean")), 3);
    assert_memory_equal(ph_tensor_dims(constant(g, "n/sub.mean")), per_channel, sizeof per_channel);
    assert_true(element(g, "s.scale", 1) == 2.0f && element(g, "t.shift", 1) == 2.0f);
    assert_true(attr_float(g, "b", "epsilon") == 0.001f && attr_float(g, "b", "momentum") == 0.75f);
    for (size_t i = 0; i < 3; i++)
        assert_true(element(g, "b.scale", i) == 1.0f && element(g, "b.bias", i) == 0.0f &&
                    element(g, "b.mean", i) == 0.0f && element(g, "b.var", i) == 1.0f);
    assert_int_equal(phi_attr_int(find_node(g, "l"), "size", 0), 3);
    assert_true(attr_float(g, "l", "alpha") == 2e-4f && attr_float(g, "l", "beta") == 0.5f &&
                attr_float(g, "l", "bias") == 2.0f);
    assert_true(attr_float(g, "lr", "alpha") == 0.2f && attr_float(g, "lr2", "alpha") == 0.01f);
    assert_true(element(g, "c.min", 0) == -1.0f && element(g, "c.max", 0) == 1.5f);
    assert_true(element(g, "r.min", 0) == 0.0f && element(g, "r.max", 0) == 6.0f);
    assert_true(attr_float(g, "h", "alpha") == 1.0f / 6.0f && attr_float(g, "h", "beta") == 0.5f);
    assert_true(attr_float(g, "h2", "alpha") == 0.2f);
    assert_true(element(g, "d.ratio", 0) == 0.25f && element(g, "d2.ratio", 0) == 0.5f);
    assert_true(element(g, "p.value", 0) == 7.0f);
    assert_string_equal(phi_attr_string(find_node(g, "q"), "mode", ""), "reflect");
    assert_output(g, 0, "tr[-1,6,40]"); /* 3 x (4+1+1+1+1) x (4+2+2+1+1) = 240 = 40 x 6 */
    ph_graph_free(g);
}

static void test_several_values(void **state)
{
    (void)state;
    ph_graph *g = parse("input x 2x4x4\ninput y 2x4x4\n"
                        "a: add x\nb: sub x\nc: mul y from a\nd: div b\ne: concat a b c\n"
                        "s: add a b from c\nfirst: value from e\nconcat s from first\n"
                        "output\noutput d\n");
    assert_nodes(g, "a:Add b:Sub c:Mul d:Div e:Concat s:Sum concat_1:Concat");
    assert_string_equal(ph_value_name(g, find_node(g, "d")->in[0]), "c");
    assert_string_equal(ph_value_name(g, find_node(g, "concat_1")->in[0]), "e");
    assert_output(g, 0, "concat_1[-1,10,4,4]");
    assert_output(g, 1, "d[-1,2,4,4]");
    ph_graph_free(g);
}

static void test_split(void **state)
{
    (void)state;
    ph_graph *g = parse("input x 4x6x6\n"
                        "stem: relu\n"
                        "split from x\n"
                        "branch\n"
                        "    conv 1x1 4\n"
                        "branch\n"
                        "branch\n"
                        "    split; branch; tanh; branch; sigmoid; inner: join mul\n"
                        "sum: join add\n"
                        "add stem\n");
    assert_nodes(g, "stem:Relu conv_1:Conv tanh_1:Tanh sigmoid_1:Sigmoid inner:Mul sum:Sum "
                    "add_1:Add");
    assert_string_equal(ph_value_name(g, find_node(g, "sum")->in[1]), "x");
    assert_string_equal(ph_value_name(g, find_node(g, "tanh_1")->in[0]), "x");
    ph_graph_free(g);
}

static void test_macros(void **state)
{
    (void)state;
    ph_graph *g = parse("macro two k stride=1 wide=k*2 p=0.5\n"
                        "    c1: conv 3x3 wide / stride pad 1\n"
                        "    dropout p\n"
                        "    c2: conv 1x1 (wide / 2 + c % 3 - 1)\n"
                        "    add c2 from c2\n"
                        "end\n"
                        "input x 4x8x8\n"
                        "a: two 6\n"
                        "two 6 / 2\n"
                        "two 6 wide 8 stride=2\n"
                        "two 6 1 10 p 0.125\n"
                        "relu from a/c1\n"
                        "output two_3 relu_1\n");
    assert_nodes(g, "a/c1:Conv a/dropout_1:Dropout a/c2:Conv a/add_1:Add "
                    "two_1/c1:Conv two_1/dropout_1:Dropout two_1/c2:Conv two_1/add_1:Add "
                    "two_2/c1:Conv two_2/dropout_1:Dropout two_2/c2:Conv two_2/add_1:Add "
                    "two_3/c1:Conv two_3/dropout_1:Dropout two_3/c2:Conv two_3/add_1:Add "
                    "relu_1:Relu");
    const int64_t wide[4] = {12, 12, 8, 10};
    static const char *const names[4] = {"a", "two_1", "two_2", "two_3"};
    for (size_t i = 0; i < 4; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s/c1.weight", names[i]);
        assert_int_equal(ph_tensor_dims(constant(g, name))[0], wide[i]);
        snprintf(name, sizeof name, "%s/c2.weight", names[i]);
        assert_int_equal(ph_tensor_dims(constant(g, name))[0], wide[i] / 2 + wide[i] % 3 - 1);
    }
    assert_true(element(g, "two_3/dropout_1.ratio", 0) == 0.125f);
    assert_output(g, 0, "two_3/add_1[-1,5,2,2]");
    assert_output(g, 1, "relu_1[-1,12,8,8]");
    ph_graph_free(g);
}

/* A text's own macro goes before the prelude's, which keeps using its own. */
static void test_macro_scopes(void **state)
{
    (void)state;
    ph_graph *g = parse("macro conv_bn_relu r k stride=1\n    conv r k / stride pad same\nend\n"
                        "input x 4x8x8\n"
                        "conv_bn_relu 3 4\n"
                        "res: basic 4\n");
    assert_nodes(g, "conv_bn_relu_1/conv_1:Conv res/branch2a/conv:Conv "
                    "res/branch2a/bn:BatchNormalization res/branch2a/relu_1:Relu "
                    "res/branch2b:Conv res/bn2b:BatchNormalization res/add_1:Add res/relu_1:Relu");
    ph_graph_free(g);
}

static void test_if_and_repeat(void **state)
{
    (void)state;
    ph_graph *g = parse("macro f k\n"
                        "if c == k and h > 4 and w >= 8; relu; else; conv 1x1 k; end\n"
                        "end\n"
                        "input x 4x8x8\n"
                        "f 4; f 5\n"
                        "if c != 5 or h < 8 or w <= 7; sigmoid; end\n"
                        "body: repeat 2\n"
                        "    grow: conv 1x1 c+1\n"
                        "    relu\n"
                        "end\n"
                        "repeat 0; tanh; end\n"
                        "add body/1/grow from body/1/relu_1\n"
                        "output add_1 body\n");
    assert_nodes(g, "f_1/relu_1:Relu f_2/conv_1:Conv body/1/grow:Conv body/1/relu_1:Relu "
                    "body/2/grow:Conv body/2/relu_1:Relu add_1:Add");
    assert_output(g, 1, "body/2/relu_1[-1,7,8,8]");
    ph_graph_free(g);
}

/* A family: the first network unless another is wanted, what is said about all and about one alone,
 * and parameters that the text's macros see, unless they have their own of that name. */
static void test_networks_of_a_text(void **state)
{
    (void)state;
    static const char text[] = "paper  A; B; C 1998, fig. 2\n"
                               "note   About \xC3\xA4ll.\n"
                               "network one.5 n=1 k=2\n"
                               "title  One\n"
                               "published parameters 0.27M  table 6\n"
                               "published macs 3.8e9 table 1\n"
                               "note   About one.\n"
                               "network two n=2 k=3\n"
                               "title  Two\n"
                               "macro body n\n"
                               "    repeat n; conv 1x1 k; end\n"
                               "end\n"
                               "input x 4x8x8\n"
                               "body n+1\n";
    ph_graph *g = parse(text);
    assert_string_equal(ph_graph_name(g), "one.5");
    assert_string_equal(ph_graph_metadata(g, "pinhole.title"), "One");
    assert_string_equal(ph_graph_metadata(g, "pinhole.paper"), "A; B; C 1998, fig. 2");
    assert_string_equal(ph_graph_metadata(g, "pinhole.published.parameters"), "0.27M  table 6");
    assert_string_equal(ph_graph_metadata(g, "pinhole.published.macs"), "3.8e9 table 1");
    assert_string_equal(ph_graph_metadata(g, "pinhole.note.1"), "About \xC3\xA4ll.");
    assert_string_equal(ph_graph_metadata(g, "pinhole.note.2"), "About one.");
    assert_null(ph_graph_metadata(g, "pinhole.note.3"));
    assert_int_equal(g->n_nodes, 2);
    assert_output(g, 0, "body_1/conv_2[-1,2,8,8]");
    ph_graph_free(g);
}

/* c, h and w are those of the value that `from` names. */
static void test_dimensions_of_from(void **state)
{
    (void)state;
    ph_graph *g = parse("input x 4x8x6\nconv 1x1 3; a: conv 1x1 c*h+w from x; b: cccp c from x\n"
                        "output conv_1 a b\n");
    assert_output(g, 1, "a[-1,38,8,6]");
    assert_output(g, 2, "b/relu_1[-1,4,8,6]");
    ph_graph_free(g);
}

/* A macro is what its statements are when written out. */
static void test_inception_written_out(void **state)
{
    (void)state;
    ph_graph *a = parse("input x 6x7x7\ni: inception 2 3 4 1 2 3\n");
    ph_graph *b = parse("input x 6x7x7\n"
                        "a: conv 1x1 2\nb: relu\n"
                        "c: conv 1x1 3 from x\nrelu\nd: conv 3x3 4 pad 1\ne: relu\n"
                        "conv 1x1 1 from x\nrelu\nconv 5x5 2 pad 2\nf: relu\n"
                        "maxpool 3x3 / 1 pad 1 from x\nconv 1x1 3\ng: relu\n"
                        "concat e f g from b\n");
    assert_int_equal(a->n_nodes, b->n_nodes);
    for (size_t i = 0; i < a->n_nodes; i++) {
        const phi_node *m = &a->nodes[i], *n = &b->nodes[i];
        assert_string_equal(m->op_type, n->op_type);
        assert_int_equal(m->n_in, n->n_in);
        if (strcmp(m->op_type, "Conv") != 0) continue;
        const ph_tensor *v = a->values[m->in[1]].constant, *w = b->values[n->in[1]].constant;
        assert_memory_equal(ph_tensor_dims(v), ph_tensor_dims(w), 4 * sizeof(int64_t));
    }
    assert_output(a, 0, "i/concat_1[-1,11,7,7]");
    assert_output(b, 0, "concat_1[-1,11,7,7]");
    ph_graph_free(a);
    ph_graph_free(b);
}

/* Weights depend on the seed and their name, and on nothing else; deviation sqrt(2 / fan-in). */
static void test_weights(void **state)
{
    (void)state;
    static const char text[] = "input x 8x9x9\na: conv 3x3 64\nb: conv 3x3 64\nfc: fc 100\n";
    static const char other[] = "input x 8x9x9\nb: conv 3x3 64 pad 1\noutput\n";
    ph_graph *g = parse_seeded(text, 7), *same = parse_seeded(text, 7), *new = parse_seeded(text, 8);
    ph_graph *b = parse_seeded(other, 7);
    const ph_tensor *w = constant(g, "a.weight");
    assert_memory_equal(ph_tensor_const_data(w), ph_tensor_const_data(constant(same, "a.weight")),
                        ph_tensor_bytes(w));
    assert_memory_not_equal(ph_tensor_const_data(w), ph_tensor_const_data(constant(new, "a.weight")),
                            ph_tensor_bytes(w));
    assert_memory_equal(ph_tensor_const_data(constant(g, "fc.weight")),
                        ph_tensor_const_data(constant(same, "fc.weight")),
                        ph_tensor_bytes(constant(g, "fc.weight")));
    /* b has other inputs, 64 and 8, but its numbers come from its name: the same but for the scale */
    const float scale = sqrtf(8.0f / 64.0f);
    for (size_t i = 0; i < 100; i++) {
        const float wide = element(g, "b.weight", i), narrow = element(b, "b.weight", i);
        assert_true(fabsf(wide - narrow * scale) <= 1e-5f * fabsf(wide));
    }
    double sum = 0.0, squares = 0.0;
    const size_t n = 100 * 64 * 5 * 5;
    assert_int_equal(ph_tensor_count(constant(g, "fc.weight")), n);
    for (size_t i = 0; i < n; i++) {
        const double x = (double)element(g, "fc.weight", i);
        sum += x;
        squares += x * x;
    }
    const double variance = 2.0 / 1600.0; /* its estimate's deviation is variance * sqrt(2 / n) */
    assert_true(fabs(squares / (double)n - variance) < 5.0 * variance * sqrt(2.0 / (double)n));
    assert_true(fabs(sum / (double)n) < 5.0 * sqrt(variance / (double)n));
    for (size_t i = 0; i < 64; i++) assert_true(element(g, "a.bias", i) == 0.0f);
    ph_graph_free(g);
    ph_graph_free(same);
    ph_graph_free(new);
    ph_graph_free(b);
}

/* --- What is refused ---------------------------------------------------------------------------- */

typedef struct bad_text {
    const char *text;
    enum ph_status status;
    const char *place; /* LINE:COLUMN */
    const char *words;
} bad_text;

#define X "input x 3x8x8\n"
#define F PH_ERR_FORMAT
#define S PH_ERR_SHAPE

static const bad_text bad_texts[] = {
    /* the text as such */
    {"", F, "1:1", "empty"},
    {"# only words\n\n", F, "1:1", "empty"},
    {X "rel\xC3\xBC\n", F, "2:4", "ASCII"},
    {X "relu\x01\n", F, "2:5", "control character 0x01"},
    {X ": relu\n", F, "2:1", "':'"},
    {X "5 relu\n", F, "2:1", "'5'"},
    {X "a:\n", F, "2:3", "nothing follows the name 'a'"},
    {X "a: b: relu\n", F, "2:5", "second ':'"},
    {X "relu; ; -; relu\n", F, "2:9", "'-'"},
    {X "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: relu\n", F, "2:1",
     "66 letters"},
    /* head */
    {"network\n", F, "1:8", "the network's name"},
    {"network a b\n", F, "1:12", "'=' and a number"},
    {"network a b=\n", F, "1:13", "a number was wanted"},
    {"network a b=1 b=2\n", F, "1:15", "two parameters 'b'"},
    {"network a h=1\n", F, "1:11", "'h' is a word of the language"},
    {"network a\nnetwork a\n", F, "2:1", "second network 'a'; the first is in line 1"},
    {"network .a\n", F, "1:9", "the network's name"},
    {X "network a\n", F, "2:1", "behind the first input"},
    {"paper\n", F, "1:6", "the paper is empty"},
    {"paper a\npaper b\n", F, "2:1", "second 'paper'"},
    {"note\n", F, "1:5", "the note is empty"},
    {"published\n", F, "1:10", "'parameters' or 'macs'"},
    {"published weights 1 x\n", F, "1:11", "'parameters' or 'macs'"},
    {"published macs many\n", F, "1:16", "a figure was wanted"},
    {"published macs\n", F, "1:15", "a figure was wanted"},
    {"published macs 1e9\n", F, "1:19", "where the figure was published"},
    {"published macs 1 a\npublished macs 2 b\n", F, "2:1", "second 'published macs'"},
    {"title\n", F, "1:6", "empty"},
    {"title a\ntitle b\n", F, "2:1", "second 'title'"},
    {"title a\x07\n", F, "1:8", "0x07: a control character"},
    {"note a\tb \xE4\n", F, "1:10", "0xE4: not of printable UTF-8"},
    {"network a\n", F, "1:1", "without any 'input'"},
    {"conv 3x3 4\n", F, "1:1", "before any input"},
    {"output\n", F, "1:1", "before any input"},
    {"split; branch; join add\n", F, "1:1", "before any input"},
    {"input\n", F, "1:6", "the input's name"},
    {"input x\n", F, "1:8", "shape"},
    {"input x 3x\n", F, "1:11", "behind 'x'"},
    {"input x 3x0x8\n", F, "1:11", "0 where a dimension"},
    {"input x 3x-1\n", F, "1:11", "'-1'"},
    {"input x 2147483647x2147483647x2147483647\n", F, "1:7", "more elements"},
    {"input x 1x1x1x1x1x1x1x1\n", F, "1:23", "dimensions"},
    {X X, F, "2:7", "taken by line 1"},
    {X, F, "1:1", "is an input"},
    {X "output x\n", F, "2:8", "is an input"},
    {X "a: relu\noutput a a\n", F, "3:10", "output already"},
    {X "relu\noutput y\n", F, "3:8", "no value 'y'"},
    {X "a: output\n", F, "2:1", "cannot have a name"},
    /* words and names */
    {X "convv 3x3 4\n", F, "2:1", "did you mean 'conv'?"},
    {X "  incepton 1 2 3\n", F, "2:3", "did you mean 'inception'?"},
    {X "a: relu\na: relu\n", F, "3:1", "taken by line 2"},
    {X "x: relu\n", F, "2:1", "taken by line 1"},
    {X "stem: relu\nrelu from stam\n", F, "3:11", "did you mean 'stem'?"},
    {X "relu from\n", F, "2:10", "the name of a value"},
    {X "relu from x y\n", F, "2:13", "must come last"},
    {X "add\n", F, "2:4", "the name of a value"},
    {X "a: relu\nb: relu from x\n", F, "2:1", "nothing uses 'a'"},
    {X "input y 4\nrelu from x\n", F, "2:1", "nothing uses 'y'"},
    {X "cccp 4\nrelu from cccp_1/con\n", F, "3:11", "did you mean 'cccp_1/conv'?"},
    /* numbers */
    {X "conv\n", F, "2:5", "a kernel"},
    {X "conv 3x3\n", F, "2:9", "output channels"},
    {X "conv 3x 4\n", F, "2:9", "behind 'x'"},
    {X "conv 3y3 4\n", F, "2:7", "'y3'"},
    {X "conv 0x3 4\n", F, "2:6", "at least 1"},
    {X "conv 3x3 0\n", F, "2:10", "0 where"},
    {X "conv 3x3 -4\n", F, "2:10", "'-4'"},
    {X "conv 3x3 4.5\n", F, "2:11", "'.5'"},
    {X "conv 3x3 four\n", F, "2:10", "'four'"},
    {X "conv 3x3 99999999999\n", F, "2:10", "too large"},
    {X "conv 3x3 2147483647\n", PH_ERR_OVERFLOW, "2:1", "weights"},
    {X "conv 1x1 (2000000000+2000000000)\n", F, "2:32", "too large"},
    {X "conv 1x1 (4/0)\n", F, "2:14", "division by zero"},
    {X "conv 1x1 (4\n", F, "2:12", "')'"},
    {X "conv 1x1 ((((((((((((((((((4\n", F, "2:26", "parentheses"},
    {X "flatten; fc h\n", F, "2:13", "does not have"},
    {X "dropout 1\n", F, "2:9", "ratio of 1"},
    {X "dropout 1.e\n", F, "2:12", "exponent"},
    {X "leakyrelu 1e39\n", F, "2:11", "too large"},
    {X "leakyrelu 0.1234567890123456\n", F, "2:28", "15 digits"},
    {X "clip 2 1\n", F, "2:9", "above"},
    /* options */
    {X "relu 5\n", F, "2:6", "one too many"},
    {X "conv 3x3 4 padd 1\n", F, "2:12", "did you mean 'pad'?"},
    {X "conv 3x3 4 ceil\n", F, "2:12", "no option of 'conv'"},
    {X "conv 3x3 4 pad\n", F, "2:15", "padding"},
    {X "conv 3x3 4 pad 1 2 3\n", F, "2:21", "3 paddings"},
    {X "conv 3x3 4 / 0\n", F, "2:14", "at least 1"},
    {X "conv 3x3 4 dilation 0\n", F, "2:21", "at least 1"},
    {X "maxpool 3x3\n", F, "2:12", "stride"},
    {X "pad same\n", F, "2:5", "'same'"},
    {X "pad 1 mode round\n", F, "2:12", "reflect"},
    {X "bn epsilon 0\n", F, "2:13", "above 0"},
    {X "bn eps 1\n", F, "2:4", "'epsilon'"},
    {X "lrn 0\n", F, "2:5", "at least 1"},
    {X "normalize 1 2 / 1\n", F, "2:15", "2 numbers for 3 channels"},
    {X "normalize 1\n", F, "2:12", "'/'"},
    {X "normalize 1 / 0\n", F, "2:16", "above 0"},
    {X "reshape ?x?\n", F, "2:11", "second '?'"},
    {X "transpose 0 1 1 2\n", F, "2:15", "each of 0 to 3"},
    /* shapes */
    {X "relu\n  conv 9x9 4\n", S, "3:3", "9"},
    {X "conv 3x3 4 groups 2\n", S, "2:1", "2 groups"},
    {X "flatten; conv 3x3 4\n", S, "2:10", "[1,192]"},
    {X "maxpool 3x3 / 2 pad 3\n", S, "2:1", "padding"},
    {X "a: conv 1x1 4\nb: conv 1x1 5 from x\nadd a\n", S, "4:1", "[1,5,8,8]"},
    {X "a: maxpool 2x2 / 2\nconcat a from x\n", S, "3:1", "Concat"},
    {X "reshape 7\n", S, "2:1", "192"},
    {X "transpose 1 0 2 3; conv 1x1 4\n", S, "2:20", "batch of 2"},
    {"input x 100000x100x100\nfc 1000000\n", PH_ERR_OVERFLOW, "2:1", "weights"},
    /* blocks */
    {X "end\n", F, "2:1", "no block is open"},
    {X "else\n", F, "2:1", "no block is open"},
    {X "join add\n", F, "2:1", "no block is open"},
    {X "branch\n", F, "2:1", "no block is open"},
    {X "if c == 3\nrelu\n", F, "2:1", "never closed"},
    {X "split; branch; relu\n", F, "2:1", "'join' was wanted"},
    {X "split; relu; branch; join add\n", F, "2:8", "'branch' must follow"},
    {X "split; branch; relu; end\n", F, "2:22", "'split' of line 2"},
    {X "split; branch; relu; join add\n", F, "2:22", "one branch"},
    {X "split; branch; branch; join plus\n", F, "2:29", "'concat', 'add' or 'mul'"},
    {X "split; branch; branch; branch; join mul\n", F, "2:37", "two branches"},
    {X "split; branch; output; branch; join add\n", F, "2:16", "outside of all blocks"},
    {X "if c == 3; else; else; end\n", F, "2:18", "'else'"},
    {X "if c = 3; end\n", F, "2:6", "'='"},
    {X "if c == 3 and h == 8 or w == 8; end\n", F, "2:24", "'and' and 'or'"},
    {X "repeat; relu; end\n", F, "2:7", "a number of turns"},
    {X "repeat 100001; end\n", F, "2:1", "100000"},
    {X "repeat 20000; relu; end\n", F, "2:15", "10000 nodes"},
    /* macros */
    {X "macro\nend\n", F, "2:6", "the macro's name"},
    {X "macro conv k\nend\n", F, "2:7", "a word of the language"},
    {X "macro split\nend\n", F, "2:7", "a word of the language"},
    {X "macro f\nend\nmacro f\nend\n", F, "4:7", "there already, in line 2"},
    {X "macro f k k\nend\n", F, "2:11", "two parameters 'k'"},
    {X "macro f c\nend\n", F, "2:9", "a word of the language"},
    {X "macro f a=1 b\nend\n", F, "2:13", "no default"},
    {X "macro f a=\nend\n", F, "2:11", "default"},
    {X "macro f 1\nend\n", F, "2:9", "a parameter"},
    {X "macro f a b c2 d e f2 g h2 i j k l m n o p q\nend\n", F, "2:44", "16 parameters"},
    {X "macro f\nmacro g\nend\nend\n", F, "3:1", "stand alone"},
    {X "macro f\ninput y 4\nend\n", F, "3:1", "outside of all blocks"},
    {X "macro f k\nend\nf\n", F, "4:2", "'k'"},
    {X "macro f k\nend\nf 1 2\n", F, "4:5", "one too many"},
    {X "macro f k stride=1\nend\nf 1 strid 2\n", F, "4:5", "did you mean 'stride'?"},
    {X "macro f k stride=1\nend\nf 1 / 2 stride 2\n", F, "4:9", "given twice"},
    {X "macro f p\nconv p 4\nend\nf 0.5\n", F, "3:6", "0.5 is no whole number"},
    {X "macro f\nf\nend\nf\n", F, "3:1", "32 deep"},
    {X "macro f k\n  conv 9x9 k\nend\n\nf 4\n", S, "3:3", "[in macro 'f', called in line 6]"},
    {X "  cccp 0\n", F, "2:3", "[in macro 'cccp', prelude.net:"},
    {X "relu\nbottleneck 4 8 / 0\n", F, "3:1", "stride"},
    {X "inception 1 2 3 4 5\n", F, "2:20", "'pp'"},
    {X "a: relu\nmacro f\nrelu from a\nend\nf\n", F, "4:11", "no value 'a'"},
};

#undef F
#undef S

static void assert_refused(const char *text, size_t n, const bad_text *want)
{
    ph_graph *g = NULL;
    ph_error err = {0};
    char place[64];
    snprintf(place, sizeof place, "t.net:%s: ", want->place);
    const enum ph_status st = ph_net_parse(NULL, text, n, "t.net", 1, &g, &err);
    if (st == PH_OK) fail_msg("accepted:\n%s", text);
    if (st != want->status || st != err.status)
        fail_msg("%s, wanted %s, for\n%s: %s", ph_status_name(st), ph_status_name(want->status),
                 text, err.message);
    if (strncmp(err.message, place, strlen(place)) != 0 || !strstr(err.message, want->words))
        fail_msg("'%s' lacks '%s' or '%s' for\n%s", err.message, place, want->words, text);
    if (strpbrk(err.message, "\n\r\x1b")) fail_msg("more than a line: %s", err.message);
    assert_memory_equal(err.where, place, strlen(place) - 2);
    assert_null(g);
    assert_int_equal(ph_net_parse(NULL, text, n, "t.net", 1, &g, NULL), want->status);
}

static void test_bad_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad_texts); i++)
        assert_refused(bad_texts[i].text, strlen(bad_texts[i].text), &bad_texts[i]);
}

/* What does not fit into a table of strings. */
static void test_bad_sizes(void **state)
{
    (void)state;
    static const char zero[] = "input x 4\nre\0lu\n";
    assert_refused(zero, sizeof zero - 1, &(bad_text){NULL, PH_ERR_FORMAT, "2:3", "zero byte"});
    const size_t n = ((size_t)1 << 20) + 1;
    char *big = malloc(n);
    assert_non_null(big);
    memset(big, ' ', n);
    assert_refused(big, 1001, &(bad_text){NULL, PH_ERR_FORMAT, "1:1001", "1001 bytes"});
    assert_refused(big, n, &(bad_text){NULL, PH_ERR_FORMAT, "1:1", "1048577 bytes"});
    assert_refused(NULL, 0, &(bad_text){"", PH_ERR_FORMAT, "1:1", "empty"});
    memset(big, '\n', n);
    static const char open[] = "if c == 1\n";
    for (size_t i = 0; i < 17; i++) memcpy(big + i * (sizeof open - 1), open, sizeof open - 1);
    assert_refused(big, 1000, &(bad_text){NULL, PH_ERR_FORMAT, "17:1", "16 blocks"});
    free(big);
}

/* Names are joined with '/' up to 255 letters. */
static void test_long_paths(void **state)
{
    (void)state;
    static const char name[] = "a23456789012345678901234567890123456789012345678901234567890";
    char text[2048] = "input x 4\n";
    for (int i = 0; i < 5; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%d: repeat 1\n", name, i);
    strcat(text, "relu\n");
    for (int i = 0; i < 5; i++) strcat(text, "end\n");
    assert_refused(text, strlen(text), &(bad_text){NULL, PH_ERR_FORMAT, "6:64", "too long"});
    memcpy(text, "input x 4\nnormalize 1 / 2\nrelu\n", 32); /* names of parts are checked as well */
    ph_graph *g = parse(text);
    ph_graph_free(g);
}

/* --- Memory --------------------------------------------------------------------------------------- */

static enum ph_status parse_with(const ph_allocator *mem, void *arg)
{
    ph_graph *g = NULL;
    ph_error err = {0};
    const char *text = arg;
    enum ph_status st = ph_net_parse(mem, text, strlen(text), "t.net", 1, &g, &err);
    ph_graph_free(g);
    return st;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    static char text[] = "network n\ntitle t\ninput x 3x8x8\n"
                         "macro m k=2\nconv 3x3 k pad same\nbn\nend\n"
                         "normalize 1 / 2\nm\nr: repeat 2\nrelu6\nend\n"
                         "basic 4 / 2\nsplit\nbranch\nbranch\nlrn 3\nbranch\npad 1; maxpool 3x3 / 1\n"
                         "join concat\nreshape ?x6; dropout 0.5\nfc 3\nsoftmax\n"
                         "output softmax_1 r\n";
    assert_in_range(sweep(parse_with, text, 20000), 200, 20000);
}

/* --- Models by name ------------------------------------------------------------------------------- */

static void assert_not_loaded(const char *model, enum ph_status want, const char *words)
{
    ph_graph *g = NULL;
    ph_error err = {0};
    assert_int_equal(ph_model_load(NULL, model, 1, &g, &err), want);
    if (!strstr(err.message, words)) fail_msg("'%s' lacks '%s'", err.message, words);
    assert_null(g);
}

static void test_model_load(void **state)
{
    (void)state;
    char dir[] = "/tmp/pinhole-net-XXXXXX", path[64], bad[64], none[64], text_file[64];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/mine.net", dir);
    snprintf(bad, sizeof bad, "%s/bad.net", dir);
    snprintf(none, sizeof none, "%s/none.net", dir);
    snprintf(text_file, sizeof text_file, "%s/lenet5", dir);
    const char *const files[][2] = {
        {path, "network mine n=1\nnetwork two n=2\ninput x 4\nrepeat n; relu; end\n"}, {bad, "input x 4\nrelo\n"}, {text_file, "?"}};
    for (size_t i = 0; i < COUNT(files); i++) {
        FILE *f = fopen(files[i][0], "w");
        assert_non_null(f);
        fputs(files[i][1], f);
        assert_int_equal(fclose(f), 0);
    }
    ph_graph *g = NULL;
    ph_error err = {0};
    if (ph_model_load(NULL, path, 1, &g, &err)) fail_msg("%s", err.message);
    assert_string_equal(ph_graph_name(g), "mine");
    ph_graph_free(g);
    char where[80];
    snprintf(where, sizeof where, "%s:2:1: ", bad);
    assert_not_loaded(bad, PH_ERR_FORMAT, where);
    snprintf(where, sizeof where, "%s:mini", path);
    assert_not_loaded(where, PH_ERR_NOT_FOUND, "no network 'mini'; did you mean 'mine'? (here: mine, two)");
    snprintf(where, sizeof where, "%s:two", path);
    if (ph_model_load(NULL, where, 1, &g, &err)) fail_msg("%s", err.message);
    assert_string_equal(ph_graph_name(g), "two");
    assert_int_equal(g->n_nodes, 2);
    ph_graph_free(g);
    assert_not_loaded(none, PH_ERR_NOT_FOUND, none);
    assert_not_loaded(text_file, PH_ERR_ARG, "neither .onnx nor .net");
    assert_not_loaded(dir, PH_ERR_ARG, "directory");
    assert_not_loaded("nin-cifar", PH_ERR_NOT_FOUND, "did you mean 'nin-cifar10'?");
    assert_not_loaded("vgg", PH_ERR_NOT_FOUND, "lenet5");
    assert_not_loaded("", PH_ERR_ARG, "empty");
    for (size_t i = 0; i < COUNT(files); i++) unlink(files[i][0]);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flow_and_names),     cmocka_unit_test(test_made_up_names),
        cmocka_unit_test(test_windows),            cmocka_unit_test(test_pad_same),
        cmocka_unit_test(test_layers_with_numbers), cmocka_unit_test(test_several_values),
        cmocka_unit_test(test_split),              cmocka_unit_test(test_macros),
        cmocka_unit_test(test_macro_scopes),       cmocka_unit_test(test_if_and_repeat),
        cmocka_unit_test(test_networks_of_a_text), cmocka_unit_test(test_dimensions_of_from),
        cmocka_unit_test(test_inception_written_out),
        cmocka_unit_test(test_weights),            cmocka_unit_test(test_bad_texts),
        cmocka_unit_test(test_bad_sizes),          cmocka_unit_test(test_long_paths),
        cmocka_unit_test(test_out_of_memory),     
        cmocka_unit_test(test_model_load),
    };
    return cmocka_run_group_tests_name("net", tests, NULL, NULL);
}
