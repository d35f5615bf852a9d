/* SPDX-License-Identifier: MIT */
/* The networks in the box: every figure, beside what was published; shapes on the way; weights that
 * give sensible outputs; and outlines, which have no weights. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/rng.h"
#include "graph/graph.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* --- Figures --------------------------------------------------------------------------------- */

/* How a published figure relates to the count: the same when rounded to its digits, or one unit of
 * its last digit beside it (3.8e9 for 3.858e9); or another, and a note of the text says why. */
enum relation { NONE = 0, SAME, BESIDE, OTHER };

static const struct {
    const char *name;
    int64_t parameters, macs;
    enum relation published_parameters, published_macs;
} figures[] = {
    {"lenet5", 61706, 416520, OTHER, NONE},
    {"alexnet", 60965224, 724406816, SAME, SAME},
    {"alexnet-ungrouped", 62378344, 1135256096, NONE, NONE},
    {"nin-imagenet", 7595176, 1100188800, SAME, NONE},
    {"nin-cifar10", 966986, 222486528, SAME, NONE},
    {"nin-fashion", 230186, 26455296, NONE, NONE},
    {"vgg16", 138357544, 15470264320, SAME, SAME},
    {"googlenet", 6998552, 1582671872, OTHER, OTHER},
    {"googlenet-aux", 13378280, 1591044096, SAME, NONE},
    {"googlenet-naive", 97526008, 12568061056, NONE, NONE},
    {"resnet18", 11689512, 1814073344, SAME, SAME},
    {"resnet34", 21797672, 3663761408, SAME, BESIDE},
    {"resnet50", 25557032, 3857973248, SAME, BESIDE},
    {"resnet101", 44549160, 7570194432, SAME, SAME},
    {"resnet152", 60192808, 11282415616, SAME, SAME},
    {"resnet50-v1.5", 25557032, 4089184256, SAME, SAME},
    {"resnet101-v1.5", 44549160, 7801405440, SAME, SAME},
    {"resnet152-v1.5", 60192808, 11513626624, SAME, SAME},
    {"resnet20", 269722, 40551040, SAME, NONE},
    {"resnet32", 464154, 68862592, SAME, NONE},
    {"resnet44", 658586, 97174144, SAME, NONE},
    {"resnet56", 853018, 125485696, SAME, NONE},
    {"resnet110", 1727962, 252887680, SAME, NONE},
    {"resnet20-b", 272474, 40813184, NONE, NONE},
    {"resnet32-b", 466906, 69124736, NONE, NONE},
    {"resnet44-b", 661338, 97436288, NONE, NONE},
    {"resnet56-b", 855770, 125747840, NONE, NONE},
    {"resnet110-b", 1730714, 253149824, NONE, NONE},
    {"resnet8", 78042, 12501632, NONE, NONE},
    {"squeezenet1.0", 1248424, 818924576, SAME, SAME},
    {"squeezenet1.1", 1235496, 349151936, SAME, SAME},
    {"densenet121", 7978856, 2834161664, SAME, SAME},
    {"mobilenetv1", 4231976, 568740352, SAME, SAME},
    {"mobilenetv2", 3504872, 300774272, SAME, BESIDE},
    {"mlpconv", 756, 25920, NONE, NONE},
    {"inception-3a", 163696, 128049152, OTHER, SAME},
    {"inception-3a-naive", 387296, 303464448, NONE, NONE},
    {"bottleneck-block", 69632, 218365952, NONE, NONE},
    {"basic-block", 1179648, 3699376128, NONE, NONE},
};

/* "0.27M", "3.8e9", "60965224": the figure, and one unit of its last digit. */
static double figure(const char *text, double *unit)
{
    double value = 0.0, scale = 1.0;
    bool point = false;
    for (; (*text >= '0' && *text <= '9') || *text == '.'; text++) {
        if (*text == '.') {
            point = true;
            continue;
        }
        value = 10.0 * value + (*text - '0');
        if (point) scale /= 10.0;
    }
    if (*text == 'e') scale *= pow(10.0, strtod(text + 1, NULL));
    if (*text == 'K') scale *= 1e3;
    if (*text == 'M') scale *= 1e6;
    if (*text == 'G') scale *= 1e9;
    *unit = scale;
    return value * scale;
}

static enum relation relation(const char *text, int64_t counted)
{
    double unit;
    if (!text) return NONE;
    const double off = fabs(figure(text, &unit) - (double)counted) / unit;
    return off <= 0.5 ? SAME : off <= 1.0 ? BESIDE : OTHER;
}

static ph_graph *outline(const char *name)
{
    ph_graph *g = NULL;
    ph_error err = {0};
    if (ph_model_outline(NULL, name, &g, &err)) fail_msg("%s", err.message);
    if (ph_graph_check(g, &err)) fail_msg("%s", err.message);
    return g;
}

static void test_figures(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(figures); i++) {
        assert_string_equal(ph_zoo_name(i), figures[i].name);
        ph_graph *g = outline(figures[i].name);
        ph_account *a = NULL;
        assert_int_equal(ph_account_new(g, 0, NULL, &a, NULL), PH_OK);
        const ph_totals *t = ph_account_totals(a);
        if (t->parameters != figures[i].parameters || t->macs != figures[i].macs)
            fail_msg("%s: %lld parameters, %lld MACs", figures[i].name, (long long)t->parameters,
                     (long long)t->macs);
        const enum relation p =
            relation(ph_graph_metadata(g, "pinhole.published.parameters"), t->parameters);
        const enum relation m = relation(ph_graph_metadata(g, "pinhole.published.macs"), t->macs);
        if (p != figures[i].published_parameters || m != figures[i].published_macs)
            fail_msg("%s: published figures are related as %d, %d", figures[i].name, p, m);
        if (p == OTHER || m == OTHER) assert_non_null(ph_graph_metadata(g, "pinhole.note.1"));
        ph_account_free(a);
        ph_graph_free(g);
    }
    assert_null(ph_zoo_name(COUNT(figures)));
    assert_null(ph_zoo_title(COUNT(figures)));
    assert_null(ph_zoo_text(COUNT(figures)));
}

/* A text says what it is and where from, and read as a text it is the same network. */
static void test_texts(void **state)
{
    (void)state;
    for (size_t i = 0; ph_zoo_name(i); i++) {
        ph_graph *g = outline(ph_zoo_name(i)), *again = NULL;
        ph_error err = {0};
        const char *text = ph_zoo_text(i);
        assert_string_equal(ph_graph_name(g), ph_zoo_name(i));
        assert_string_equal(ph_graph_metadata(g, "pinhole.title"), ph_zoo_title(i));
        assert_non_null(ph_graph_metadata(g, "pinhole.paper"));
        assert_non_null(strstr(ph_graph_metadata(g, "pinhole.paper"), " 20") ||
                                strstr(ph_graph_metadata(g, "pinhole.paper"), " 19")
                            ? "a year"
                            : NULL);
        if (ph_net_outline(NULL, text, strlen(text), "t.net", &again, &err))
            fail_msg("%s", err.message);
        assert_string_equal(ph_graph_name(again), ph_zoo_name(i));
        assert_int_equal(again->n_nodes, g->n_nodes);
        assert_int_equal(again->n_values, g->n_values);
        const char *second = strstr(strstr(text, "\nnetwork ") + 1, "\nnetwork ");
        assert_null(second); /* the others of the family are left out */
        ph_graph_free(g);
        ph_graph_free(again);
    }
}

/* --- Shapes on the way, from the papers' tables ------------------------------------------------- */

static const struct {
    const char *network, *node;
    int64_t c, h, w;
} shapes[] = {
    {"alexnet", "conv1", 96, 55, 55},
    {"alexnet", "pool5", 256, 6, 6},
    {"nin-imagenet", "cccp8/relu_1", 1000, 6, 6},
    {"nin-cifar10", "cccp6/relu_1", 10, 8, 8},
    {"vgg16", "conv5/maxpool_1", 512, 7, 7},
    {"googlenet", "pool2", 192, 28, 28},
    {"googlenet", "inception_3a/concat_1", 256, 28, 28},
    {"googlenet", "inception_3b/concat_1", 480, 28, 28},
    {"googlenet", "inception_4e/concat_1", 832, 14, 14},
    {"googlenet", "inception_5b/concat_1", 1024, 7, 7},
    {"googlenet-aux", "aux1/pool", 512, 4, 4},
    {"googlenet-aux", "aux2/pool", 528, 4, 4},
    {"googlenet-naive", "inception_5b/concat_1", 4944, 7, 7},
    {"resnet18", "conv5/basic_2/relu_1", 512, 7, 7},
    {"resnet50", "pool1", 64, 56, 56},
    {"resnet50", "conv3/bottleneck_1/branch2a/conv", 128, 28, 28},
    {"resnet50-v1.5", "conv3/bottleneck_1/branch2a/conv", 128, 56, 56},
    {"resnet152", "conv4/bottleneck_36/relu_1", 1024, 14, 14},
    {"resnet152", "conv5/bottleneck_3/relu_1", 2048, 7, 7},
    {"resnet110", "conv4/basic_18/relu_1", 64, 8, 8},
    {"resnet20", "conv3/basic_1/branch1/pad", 32, 16, 16},
    {"resnet20-b", "conv3/basic_1/branch1/conv", 32, 16, 16},
    {"squeezenet1.0", "conv1", 96, 109, 109},
    {"squeezenet1.0", "fire9/concat_1", 512, 13, 13},
    {"squeezenet1.1", "conv1", 64, 111, 111},
    {"squeezenet1.1", "fire9/concat_1", 512, 13, 13},
    {"densenet121", "dense1/dense_layer_6/concat_1", 256, 56, 56},
    {"densenet121", "trans3/pool", 512, 7, 7},
    {"densenet121", "norm5", 1024, 7, 7},
    {"mobilenetv1", "conv10/pw", 1024, 7, 7},
    {"mobilenetv2", "row7/inverted_residual_1/project", 320, 7, 7},
};

static void test_shapes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(shapes); i++) {
        ph_graph *g = outline(shapes[i].network);
        ph_account *a = NULL;
        assert_int_equal(ph_account_new(g, 0, NULL, &a, NULL), PH_OK);
        const ph_layer_cost *found = NULL;
        for (size_t k = 0; k < ph_account_n_layers(a) && !found; k++)
            if (strcmp(ph_account_layer(a, k)->name, shapes[i].node) == 0)
                found = ph_account_layer(a, k);
        if (!found) fail_msg("%s has no node '%s'", shapes[i].network, shapes[i].node);
        const int64_t *d = found->output_dims;
        if (found->output_rank != 4 || d[1] != shapes[i].c || d[2] != shapes[i].h ||
            d[3] != shapes[i].w)
            fail_msg("%s, %s: [%lld,%lld,%lld,%lld]", shapes[i].network, shapes[i].node,
                     (long long)d[0], (long long)d[1], (long long)d[2], (long long)d[3]);
        ph_account_free(a);
        ph_graph_free(g);
    }
}

static void test_outputs(void **state)
{
    (void)state;
    static const char *const three[] = {"logits", "aux1/classifier", "aux2/classifier"};
    ph_graph *g = outline("googlenet-aux");
    assert_int_equal(ph_graph_n_outputs(g), 3);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(ph_value_name(g, ph_graph_output(g, i)), three[i]);
    ph_graph_free(g);
    g = outline("googlenet");
    assert_int_equal(ph_graph_n_outputs(g), 1);
    ph_graph_free(g);
}

/* --- Outlines ------------------------------------------------------------------------------------ */

static size_t allocated, most_allocated;

static void *counting_alloc(void *user, size_t bytes, size_t align)
{
    (void)user;
    unsigned char *p = NULL;
    if (posix_memalign((void **)&p, align < 64 ? 64 : align, bytes + 64)) return NULL;
    memcpy(p, &bytes, sizeof bytes);
    allocated += bytes;
    if (allocated > most_allocated) most_allocated = allocated;
    return p + 64;
}

static void counting_free(void *user, void *ptr)
{
    (void)user;
    if (!ptr) return;
    unsigned char *p = (unsigned char *)ptr - 64;
    size_t bytes;
    memcpy(&bytes, p, sizeof bytes);
    allocated -= bytes;
    free(p);
}

static void test_outline_is_small(void **state)
{
    (void)state;
    const ph_allocator mem = {.alloc = counting_alloc, .free = counting_free};
    ph_graph *g = NULL;
    ph_account *a = NULL;
    allocated = most_allocated = 0;
    assert_int_equal(ph_model_outline(&mem, "vgg16", &g, NULL), PH_OK);
    assert_int_equal(ph_account_new(g, 0, NULL, &a, NULL), PH_OK);
    assert_in_range(most_allocated, 1000, (size_t)1 << 20); /* the weights alone are 553 MB */
    ph_account_free(a);
    ph_graph_free(g);
    assert_int_equal(allocated, 0);
}

/* What an outline lacks, and that nothing that needs it goes on without. */
static void test_outline_has_no_weights(void **state)
{
    (void)state;
    ph_graph *g = outline("lenet5"), *copy = NULL;
    ph_plan *plan = NULL;
    ph_error err = {0};
    const ph_tensor *w = ph_value_constant(g, ph_graph_find(g, "c1.weight"));
    const ph_tensor *fc = ph_value_constant(g, ph_graph_find(g, "f6.weight"));
    const ph_tensor *b = ph_value_constant(g, ph_graph_find(g, "c1.bias"));
    assert_true(w && fc && b);
    assert_int_equal(ph_tensor_count(w), 150);
    assert_null(ph_tensor_const_data(w));
    assert_null(ph_tensor_const_data(fc));
    assert_non_null(ph_tensor_const_data(b));
    assert_int_equal(ph_plan_new(g, NULL, &plan, &err), PH_ERR_ARG);
    assert_non_null(strstr(err.message, "'lenet5' is an outline, without weights"));
    assert_null(plan);
    assert_int_equal(ph_onnx_write(g, "outline.onnx", &err), PH_ERR_ARG);
    assert_int_not_equal(access("outline.onnx", F_OK), 0);
    assert_int_equal(phi_graph_copy(g, &copy, &err), PH_OK);
    assert_int_equal(ph_plan_new(copy, NULL, &plan, &err), PH_ERR_ARG);
    ph_graph_free(copy);
    ph_graph_free(g);
}

/* Of an outline the account of a run is that of the network. */
static void test_outline_is_planned(void **state)
{
    (void)state;
    ph_graph *g[2] = {NULL};
    ph_account *a[2] = {NULL};
    const ph_totals *t[2];
    assert_int_equal(ph_model_load(NULL, "resnet8", 1, &g[0], NULL), PH_OK);
    assert_int_equal(ph_model_outline(NULL, "resnet8", &g[1], NULL), PH_OK);
    for (size_t i = 0; i < 2; i++) {
        ph_error err = {0};
        assert_int_equal(ph_account_new(g[i], 0, NULL, &a[i], NULL), PH_OK);
        if (ph_account_plan(a[i], g[i], 0, NULL, &err)) fail_msg("%s", err.message);
        t[i] = ph_account_totals(a[i]);
    }
    assert_in_range(t[0]->arena_bytes, 100000, 1000000);
    assert_int_equal(t[1]->arena_bytes, t[0]->arena_bytes);
    assert_int_equal(t[1]->peak_live_bytes, t[0]->peak_live_bytes);
    assert_int_equal(t[1]->moved_bytes, t[0]->moved_bytes);
    size_t n_fused = 0;
    for (size_t i = 0; i < ph_account_n_layers(a[0]); i++) {
        assert_int_equal(ph_account_layer(a[1], i)->fused, ph_account_layer(a[0], i)->fused);
        n_fused += ph_account_layer(a[1], i)->fused;
    }
    assert_true(n_fused >= 9); /* the batch norms */
    for (size_t i = 0; i < 2; i++) {
        ph_account_free(a[i]);
        ph_graph_free(g[i]);
    }
}

/* --- Weights ------------------------------------------------------------------------------------- */

/* By name and from the text weights are the same; another seed gives others. */
static void test_weights(void **state)
{
    (void)state;
    static const char *const names[] = {"lenet5", "resnet20", "mlpconv"};
    for (size_t i = 0, k; i < COUNT(names); i++) {
        ph_graph *g[3] = {NULL};
        for (k = 0; strcmp(ph_zoo_name(k), names[i]) != 0;) k++;
        const char *text = ph_zoo_text(k);
        assert_int_equal(ph_model_load(NULL, names[i], 3, &g[0], NULL), PH_OK);
        assert_int_equal(ph_net_parse(NULL, text, strlen(text), "t", 3, &g[1], NULL), PH_OK);
        assert_int_equal(ph_model_load(NULL, names[i], 4, &g[2], NULL), PH_OK);
        size_t n_others = 0;
        for (size_t v = 0; v < g[0]->n_values; v++) {
            const ph_tensor *a = g[0]->values[v].constant, *b = g[1]->values[v].constant;
            if (!a) continue;
            assert_memory_equal(a->data, b->data, a->bytes);
            n_others += memcmp(a->data, g[2]->values[v].constant->data, a->bytes) != 0;
        }
        assert_true(n_others >= 3);
        for (k = 0; k < 3; k++) ph_graph_free(g[k]);
    }
}

/* The text of a network with its input made `size` by `size` pixels. */
static ph_graph *at_size(const char *name, int size)
{
    static char text[16384];
    size_t i = 0;
    while (ph_zoo_name(i) && strcmp(ph_zoo_name(i), name) != 0) i++;
    const char *all = ph_zoo_text(i), *from = strstr(all, "\ninput x 3x") + 11;
    const int front = (int)(from - all);
    from = strchr(from, '\n');
    const int n = snprintf(text, sizeof text, "%.*s%dx%d%s", front, all, size, size, from);
    assert_in_range(n, 100, sizeof text - 1);
    ph_graph *g = NULL;
    ph_error err = {0};
    if (ph_net_parse(NULL, text, (size_t)n, name, 1, &g, &err)) fail_msg("%s", err.message);
    return g;
}

/* Root of the mean square; fails if something is not finite. */
static double size_of(const char *name, size_t n, const float *y)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(y[i])) fail_msg("%s: output %zu is not finite", name, i);
        sum += (double)y[i] * (double)y[i];
    }
    return sqrt(sum / (double)n);
}

/* Run on two random images: outputs must be of the order of 1, and differ. */
static void run_two(const char *name, int size)
{
    ph_graph *g = at_size(name, size);
    ph_plan *plan = NULL;
    ph_run *run = NULL;
    ph_error err = {0};
    const ph_shape_hint hint = {.rank = 4, .dims = {2, 3, size, size}};
    const ph_plan_desc desc = {.n_hints = 1, .hints = &hint};
    if (ph_plan_new(g, &desc, &plan, &err)) fail_msg("%s", err.message);
    if (ph_run_new(plan, 1, &run, &err)) fail_msg("%s", err.message);
    const size_t n_in = (size_t)ph_plan_input(plan, 0)->count;
    const size_t n_out = (size_t)ph_plan_output(plan, 0)->count / 2;
    float *x = malloc(n_in * sizeof *x), *y[3] = {NULL};
    assert_non_null(x);
    phi_rng_fill_normal(7, 7, 1.0f, x, n_in);
    void *out[3];
    for (size_t i = 0; i < ph_plan_n_outputs(plan); i++)
        out[i] = y[i] = malloc(ph_plan_output(plan, i)->bytes);
    if (ph_run_once(run, (const void *const *)&x, out, &err)) fail_msg("%s", err.message);
    const double a = size_of(name, n_out, y[0]), b = size_of(name, n_out, y[0] + n_out);
    if (!(a > 0.1 && a < 30.0 && b > 0.1 && b < 30.0))
        fail_msg("%s: outputs of size %g and %g", name, a, b);
    for (size_t i = 0; i < n_out; i++) y[0][i] -= y[0][i + n_out];
    if (!(size_of(name, n_out, y[0]) > 0.005 * a))
        fail_msg("%s: two images give about the same", name);
    for (size_t i = 0; i < 3; i++) free(y[i]);
    free(x);
    ph_run_free(run);
    ph_plan_free(plan);
    ph_graph_free(g);
}

/* As deep as they are, and at small sizes: what does not depend on the size of the image. */
static void test_runs(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int size;
    } runs[] = {{"nin-imagenet", 67}, {"nin-cifar10", 32},   {"googlenet", 64},
                {"googlenet-aux", 80}, {"resnet20", 32},     {"resnet110", 32},
                {"resnet110-b", 16},  {"squeezenet1.0", 64}, {"squeezenet1.1", 64},
                {"mobilenetv1", 64},  {"mobilenetv2", 64},   {"densenet121", 64}};
    for (size_t i = 0; i < COUNT(runs); i++) run_two(runs[i].name, runs[i].size);
}

/* The running variance that a batch norm starts with is about what it sees. */
static void test_expected_variance(void **state)
{
    (void)state;
    static const char text[] = "input x 8x24x24\n"
                               "conv 3x3 64 nobias; relu; a: conv 1x1 64 nobias; bn1: bn; relu\n"
                               "split; branch; conv 1x1 64; bn; branch; join add; relu\n"
                               "b: conv 1x1 256; bn2: bn\n"
                               "split; branch; relu; branch; join concat\n"
                               "c: conv 1x1 256; bn3: bn\n"
                               "output a b c bn3\n";
    ph_graph *g = NULL;
    ph_plan *plan = NULL;
    ph_run *run = NULL;
    ph_error err = {0};
    if (ph_net_parse(NULL, text, strlen(text), "t", 1, &g, &err)) fail_msg("%s", err.message);
    assert_int_equal(ph_plan_new(g, NULL, &plan, NULL), PH_OK);
    assert_int_equal(ph_run_new(plan, 1, &run, NULL), PH_OK);
    static float x[8 * 24 * 24], y[4][512 * 22 * 22];
    phi_rng_fill_normal(1, 2, 1.0f, x, COUNT(x));
    const void *in[] = {x};
    void *out[] = {y[0], y[1], y[2], y[3]};
    assert_int_equal(ph_run_once(run, in, out, NULL), PH_OK);
    for (size_t i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof name, "bn%zu.var", i + 1);
        const ph_tensor *t = ph_value_constant(g, ph_graph_find(g, name));
        const double expected = (double)*(const float *)ph_tensor_const_data(t);
        const double seen = size_of(name, (size_t)ph_plan_output(plan, i)->count, y[i]);
        if (!(seen * seen > 0.7 * expected && seen * seen < 1.4 * expected))
            fail_msg("%s is %g, mean square %g", name, expected, seen * seen);
    }
    ph_run_free(run);
    ph_plan_free(plan);
    ph_graph_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_outputs),
        cmocka_unit_test(test_outline_is_small),
        cmocka_unit_test(test_outline_has_no_weights),
        cmocka_unit_test(test_outline_is_planned),
        cmocka_unit_test(test_weights),
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_expected_variance),
    };
    return cmocka_run_group_tests_name("zoo", tests, NULL, NULL);
}
