/* SPDX-License-Identifier: MIT */
/* ONNX files: tensors in all their places, and what is broken is refused. */
#define PROGRAM "test_onnx_bad"
#include "model_bytes.h"

/* --- Tensors -------------------------------------------------------------------------------- */

/* A graph whose only constant is made of these fields. */
static enum ph_status read_tensor(const bytes *tensor, ph_graph **g, ph_error *err)
{
    bytes graph = {.n = 0};
    str(&graph, GRAPH_NAME, "tensor");
    msg(&graph, GRAPH_INIT, tensor);
    node(&graph, "Relu", "relu", "x", NULL, "y", NULL);
    node(&graph, "Identity", "same", "t", NULL, "u", NULL);
    value_info(&graph, GRAPH_IN, "x", "N");
    value_info(&graph, GRAPH_OUT, "y", "N");
    const enum ph_status st = read_graph(&graph, g, err);
    const ph_value v = st ? PH_NONE : ph_graph_find(*g, "t");
    if (v == PH_NONE || !(*g)->values[v].unread) return st;
    /* carried along, and in the way of whoever wants to use it */
    size_t n;
    assert_null(ph_value_constant(*g, v));
    free(write_twice(*g, &n));
    const enum ph_status checked = ph_graph_check(*g, err);
    ph_graph_free(*g);
    return checked;
}

static void assert_tensor(const bytes *tensor, const void *wanted, size_t n)
{
    ph_graph *g;
    ph_error err = {0};
    size_t k;
    if (read_tensor(tensor, &g, &err)) fail_msg("%s", err.message);
    const ph_tensor *t = ph_value_constant(g, ph_graph_find(g, "t"));
    assert_int_equal(ph_tensor_bytes(t), n);
    assert_memory_equal(ph_tensor_const_data(t), wanted, n);
    free(write_twice(g, &k));
    ph_graph_free(g);
    assert_int_equal(ph_onnx_read(NULL, FILE_NAME, &g, &err), PH_OK);
    t = ph_value_constant(g, ph_graph_find(g, "t"));
    assert_int_equal(ph_tensor_bytes(t), n);
    assert_memory_equal(ph_tensor_const_data(t), wanted, n);
    ph_graph_free(g);
}

static void test_typed_lists(void **state)
{
    bytes t = {.n = 0};
    (void)state;
    tensor_head(&t, "t", PH_FLOAT32, 3);
    data(&t, TENSOR_FLOATS, ones, 12);
    assert_tensor(&t, ones, 12);
    t.n = 0;
    tensor_head(&t, "t", PH_FLOAT32, 2); /* not packed, in two pieces */
    flt(&t, TENSOR_FLOATS, 1);
    data(&t, TENSOR_FLOATS, &ones[1], 4);
    assert_tensor(&t, ones, 8);
    t.n = 0;
    tensor_head(&t, "t", PH_COMPLEX64, 1); /* one complex number is two floats */
    data(&t, TENSOR_FLOATS, ones, 8);
    assert_tensor(&t, ones, 8);
    t.n = 0;
    const double d[2] = {1e300, -2};
    tensor_head(&t, "t", PH_FLOAT64, 2);
    data(&t, TENSOR_DOUBLES, d, 16);
    assert_tensor(&t, d, 16);
    t.n = 0;
    const int64_t i64[2] = {INT64_MIN, 5};
    tensor_head(&t, "t", PH_INT64, 2);
    num(&t, TENSOR_INT64S, i64[0]);
    num(&t, TENSOR_INT64S, i64[1]);
    assert_tensor(&t, i64, 16);
    t.n = 0;
    const uint64_t u64[1] = {UINT64_MAX};
    tensor_head(&t, "t", PH_UINT64, 1);
    num(&t, TENSOR_UINT64S, -1);
    assert_tensor(&t, u64, 8);
    t.n = 0;
    const uint32_t u32[1] = {UINT32_MAX};
    tensor_head(&t, "t", PH_UINT32, 1);
    num(&t, TENSOR_UINT64S, UINT32_MAX);
    assert_tensor(&t, u32, 4);
}

static void test_narrow_types_in_int32_data(void **state)
{
    static const struct {
        enum ph_dtype dtype;
        int64_t lo, hi;
    } types[] = {{PH_BOOL, 0, 1},           {PH_UINT8, 0, 255},
                 {PH_INT8, -128, 127},      {PH_UINT16, 0, 65535},
                 {PH_INT16, -32768, 32767}, {PH_FLOAT16, 0, 65535},
                 {PH_BFLOAT16, 0, 65535},   {PH_INT32, INT32_MIN, INT32_MAX}};
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(types); i++) {
        const size_t size = ph_dtype_size(types[i].dtype);
        unsigned char wanted[8];
        bytes t = {.n = 0};
        ph_graph *g;
        ph_error err = {0};
        for (size_t k = 0; k < size; k++) {
            wanted[k] = (unsigned char)((uint64_t)types[i].lo >> 8 * k);
            wanted[size + k] = (unsigned char)((uint64_t)types[i].hi >> 8 * k);
        }
        tensor_head(&t, "t", types[i].dtype, 2);
        num(&t, TENSOR_INT32S, types[i].lo);
        num(&t, TENSOR_INT32S, types[i].hi);
        assert_tensor(&t, wanted, 2 * size);
        if (types[i].dtype == PH_INT32) continue;
        for (int side = 0; side < 2; side++) { /* one beyond */
            t.n = 0;
            tensor_head(&t, "t", types[i].dtype, 1);
            num(&t, TENSOR_INT32S, side ? types[i].hi + 1 : types[i].lo - 1);
            assert_int_equal(read_tensor(&t, &g, &err), PH_ERR_FORMAT);
            assert_non_null(strstr(err.message, "initializer 't': element 0 is out of the range of"));
        }
    }
}

static void test_raw_bools_are_zero_or_one(void **state)
{
    bytes t = {.n = 0};
    (void)state;
    tensor_head(&t, "t", PH_BOOL, 3);
    data(&t, TENSOR_RAW, "\x00\x02\xff", 3);
    assert_tensor(&t, "\x00\x01\x01", 3);
}

static void test_bad_tensors(void **state)
{
    static const struct {
        int64_t type, dim, dim2; /* dim2 0: none */
        unsigned list;           /* 0: none */
        size_t n;                /* bytes in it */
        enum ph_status status;
        const char *words;
    } bad[] = {
        {1, 3, 0, TENSOR_RAW, 11, PH_ERR_FORMAT, "needs 12 bytes, raw_data has 11"},
        {1, 3, 0, TENSOR_RAW, 16, PH_ERR_FORMAT, "raw_data has 16"},
        {1, 3, 0, 0, 0, PH_ERR_FORMAT, "raw_data has 0"},
        {1, 3, 0, TENSOR_FLOATS, 16, PH_ERR_FORMAT, "needs 3 numbers, float_data has 4"},
        {1, 3, 0, TENSOR_FLOATS, 11, PH_ERR_FORMAT, "do not fill it"},
        {1, 3, 0, TENSOR_INT32S, 3, PH_ERR_FORMAT, "has its elements in int32_data"},
        {11, 3, 0, TENSOR_FLOATS, 12, PH_ERR_FORMAT, "has its elements in float_data"},
        {1, -3, 0, TENSOR_RAW, 12, PH_ERR_FORMAT, "dimension 0 is -"},
        {1, INT64_MAX, 0, TENSOR_RAW, 12, PH_ERR_OVERFLOW, "too large"},
        {1, INT64_MIN, 0, TENSOR_RAW, 12, PH_ERR_FORMAT, "dimension 0 is -"},
        {1, INT64_C(1) << 32, INT64_C(1) << 32, TENSOR_RAW, 12, PH_ERR_OVERFLOW, "too large"},
        {1, INT64_C(1) << 40, 0, TENSOR_RAW, 12, PH_ERR_FORMAT, "raw_data has 12"},
        {0, 3, 0, TENSOR_RAW, 12, PH_ERR_FORMAT, "no element type"},
        {PH_STRING, 3, 0, TENSOR_STRINGS, 3, PH_ERR_UNSUPPORTED, "(string)"},
        {17, 3, 0, TENSOR_RAW, 3, PH_ERR_UNSUPPORTED, "type 17"},
        {-1, 3, 0, TENSOR_RAW, 3, PH_ERR_UNSUPPORTED, "type -1"},
        {INT32_MAX, 3, 0, TENSOR_RAW, 3, PH_ERR_UNSUPPORTED, "type 2147483647"},
    };
    static const unsigned char zeros[16];
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(bad); i++) {
        bytes t = {.n = 0};
        ph_graph *g;
        ph_error err = {0};
        tensor_head(&t, "t", bad[i].type, bad[i].dim);
        if (bad[i].dim2) num(&t, TENSOR_DIMS, bad[i].dim2);
        if (bad[i].list) data(&t, bad[i].list, zeros, bad[i].n);
        enum ph_status st = read_tensor(&t, &g, &err);
        if (st != bad[i].status || !strstr(err.message, bad[i].words))
            fail_msg("case %zu: %s: %s", i, ph_status_name(st), err.message);
    }
}

static void test_nine_dimensions_and_segments(void **state)
{
    bytes t = {.n = 0};
    ph_graph *g;
    ph_error err = {0};
    (void)state;
    tensor_head(&t, "t", 1, 1);
    for (int i = 0; i < 8; i++)
        num(&t, TENSOR_DIMS, 1);
    data(&t, TENSOR_RAW, ones, 4);
    assert_int_equal(read_tensor(&t, &g, &err), PH_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "9 dimensions"));
    t.n = 0;
    tensor_head(&t, "t", 1, 1);
    data(&t, TENSOR_RAW, ones, 4);
    data(&t, TENSOR_SEGMENT, "", 0);
    assert_int_equal(read_tensor(&t, &g, &err), PH_ERR_UNSUPPORTED);
}

static void test_two_places_of_data(void **state)
{
    bytes t = {.n = 0};
    ph_graph *g;
    (void)state;
    tensor_head(&t, "t", 1, 3);
    data(&t, TENSOR_RAW, ones, 12);
    data(&t, TENSOR_FLOATS, ones, 12);
    assert_int_equal(read_tensor(&t, &g, NULL), PH_ERR_FORMAT);
}

/* A graph whose output is the sparse tensor "s" of shape [2,3]: `n` values 1, 2, ..., their places
 * `at` as [n] or, with coordinates, as [n,2]. */
static enum ph_status read_sparse(size_t n, const int64_t *at, bool coordinates, ph_graph **g,
                                  ph_error *err)
{
    bytes graph = {.n = 0}, sparse = {.n = 0}, values = {.n = 0}, indices = {.n = 0};
    tensor_head(&values, "s", 1, (int64_t)n);
    for (size_t i = 0; i < n; i++) flt(&values, TENSOR_FLOATS, (float)i + 1);
    num(&indices, TENSOR_DIMS, (int64_t)n);
    if (coordinates) num(&indices, TENSOR_DIMS, 2);
    num(&indices, TENSOR_TYPE, 7);
    for (size_t i = 0; i < (coordinates ? 2 * n : n); i++) num(&indices, TENSOR_INT64S, at[i]);
    msg(&sparse, 1, &values);
    msg(&sparse, 2, &indices);
    num(&sparse, 3, 2);
    num(&sparse, 3, 3);
    str(&graph, GRAPH_NAME, "sparse");
    msg(&graph, GRAPH_SPARSE, &sparse);
    value_info(&graph, GRAPH_OUT, "s", "N");
    return read_graph(&graph, g, err);
}

static void test_sparse_initializers(void **state)
{
    static const float wanted[6] = {0, 1, 0, 2, 0, 3};
    ph_graph *g;
    ph_error err = {0};
    size_t n;
    (void)state;
    for (int coordinates = 0; coordinates < 2; coordinates++) {
        const int64_t flat[3] = {1, 3, 5}, pairs[6] = {0, 1, 1, 0, 1, 2};
        if (read_sparse(3, coordinates ? pairs : flat, coordinates, &g, &err))
            fail_msg("%s", err.message);
        const ph_tensor *t = ph_value_constant(g, ph_graph_find(g, "s"));
        assert_true(t && ph_tensor_rank(t) == 2 && ph_tensor_count(t) == 6);
        assert_memory_equal(ph_tensor_const_data(t), wanted, sizeof wanted);
        free(write_twice(g, &n));
        ph_graph_free(g);
    }
}

static void test_broken_sparse_initializers(void **state)
{
    const struct {
        int64_t at[4];
        bool coordinates;
        const char *words;
    } cases[] = {
        {{1, 6}, false, "outside"},      {{-1, 2}, false, "outside"}, {{2, 2}, false, "in order"},
        {{3, 2}, false, "in order"},     {{0, 0, 0, 3}, true, "outside"},
        {{0, 0, 2, 0}, true, "outside"}, {{1, 0, 0, 0}, true, "in order"},
    };
    ph_graph *g;
    ph_error err = {0};
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(cases); i++) {
        assert_int_equal(read_sparse(2, cases[i].at, cases[i].coordinates, &g, &err), PH_ERR_FORMAT);
        if (!strstr(err.message, cases[i].words) || !strstr(err.message, "'s'"))
            fail_msg("case %zu: %s", i, err.message);
    }
    bytes graph = {.n = 0}, sparse = {.n = 0}, t = {.n = 0};
    tensor_head(&t, "s", 1, 3);
    msg(&sparse, 1, &t);
    msg(&graph, GRAPH_SPARSE, &sparse);
    assert_int_equal(read_graph(&graph, &g, &err), PH_ERR_FORMAT);
    assert_non_null(strstr(err.message, "values and indices"));
}

static void test_tensor_file(void **state)
{
    bytes t = {.n = 0};
    ph_tensor *x;
    ph_error err = {0};
    char name[4];
    (void)state;
    tensor_head(&t, "input", 1, 3);
    data(&t, TENSOR_FLOATS, ones, 12);
    put(FILE_NAME, t.at, t.n);
    assert_int_equal(ph_tensor_read_onnx(NULL, FILE_NAME, &x, name, sizeof name, &err), PH_OK);
    assert_string_equal(name, "inp");
    assert_memory_equal(ph_tensor_data(x), ones, 12);
    ph_tensor_free(x);
    assert_int_equal(ph_tensor_read_onnx(NULL, FILE_NAME, &x, NULL, 0, &err), PH_OK);
    ph_tensor_free(x);
    for (size_t n = 0; n < t.n; n++) {
        put(FILE_NAME, t.at, n);
        assert_int_not_equal(ph_tensor_read_onnx(NULL, FILE_NAME, &x, NULL, 0, &err), PH_OK);
        assert_non_null(strstr(err.message, FILE_NAME));
    }
}

/* --- External data ---------------------------------------------------------------------------- */

typedef struct place {
    int home;
    char dir[32];
} place;

static int enter(void **state)
{
    place *p = calloc(1, sizeof *p);
    if (!p) return -1;
    strcpy(p->dir, "test_onnx_XXXXXX");
    p->home = open(".", O_RDONLY | O_DIRECTORY);
    *state = p;
    return p->home < 0 || !mkdtemp(p->dir) || chdir(p->dir) != 0;
}

static int leave(void **state)
{
    place *p = *state;
    char command[64];
    int failed = fchdir(p->home);
    snprintf(command, sizeof command, "rm -rf %s", p->dir);
    if (system(command) != 0) failed = 1;
    close(p->home);
    free(p);
    return failed;
}

/* Read m/model.onnx, whose tensor "t" float32[3] lies where the entries say (NULL: no such entry).
 */
static enum ph_status read_external(const char *location, const char *offset, const char *length,
                                    ph_graph **g, ph_error *err)
{
    bytes t = {.n = 0}, graph = {.n = 0}, model = {.n = 0};
    tensor_head(&t, "t", 1, 3);
    if (location) entry(&t, TENSOR_EXTERNAL, "location", location);
    if (offset) entry(&t, TENSOR_EXTERNAL, "offset", offset);
    if (length) entry(&t, TENSOR_EXTERNAL, "length", length);
    entry(&t, TENSOR_EXTERNAL, "checksum", "not looked at");
    num(&t, TENSOR_LOCATION, 1);
    str(&graph, GRAPH_NAME, "external");
    msg(&graph, GRAPH_INIT, &t);
    node(&graph, "Add", "plus", "x", "t", "y", NULL);
    value_info(&graph, GRAPH_IN, "x", "N");
    value_info(&graph, GRAPH_OUT, "y", "N");
    model_around(&model, &graph);
    put("m/model.onnx", model.at, model.n);
    *g = NULL;
    assert_int_equal(ph_onnx_read_memory(NULL, model.at, model.n, g, NULL), PH_ERR_UNSUPPORTED);
    return ph_onnx_read(NULL, "m/model.onnx", g, err);
}

static void test_external_data(void **state)
{
    ph_graph *g;
    ph_error err = {0};
    float file[5] = {9, 1, 2, 3, 9};
    size_t n;
    (void)state;
    assert_int_equal(mkdir("m", 0700), 0);
    put("m/weights.bin", file, sizeof file);
    put("m/exact.bin", ones, sizeof ones);
    if (read_external("weights.bin", "4", "12", &g, &err)) fail_msg("%s", err.message);
    assert_memory_equal(ph_value_constant(g, ph_graph_find(g, "t"))->data, ones, 12);
    unsigned char *p = write_twice(g, &n); /* what is written stands alone */
    assert_false(holds(p, n, "weights.bin"));
    free(p);
    ph_graph_free(g);
    assert_int_equal(read_external("weights.bin", "4", NULL, &g, &err), PH_OK);
    ph_graph_free(g);
    assert_int_equal(read_external("exact.bin", NULL, NULL, &g, &err), PH_OK);
    assert_memory_equal(ph_value_constant(g, ph_graph_find(g, "t"))->data, ones, 12);
    ph_graph_free(g);
}

static void test_bad_external_data(void **state)
{
    static const struct {
        const char *location, *offset, *length;
        enum ph_status status;
    } bad[] = {
        {NULL, NULL, NULL, PH_ERR_FORMAT},
        {"", NULL, NULL, PH_ERR_FORMAT},
        {"none.bin", NULL, NULL, PH_ERR_NOT_FOUND},
        {"../secret.bin", NULL, NULL, PH_ERR_FORMAT},
        {"sub/../../secret.bin", NULL, NULL, PH_ERR_FORMAT},
        {"/etc/passwd", "0", "12", PH_ERR_FORMAT},
        {"link.bin", NULL, NULL, PH_ERR_FORMAT},
        {"up/secret.bin", NULL, NULL, PH_ERR_FORMAT},
        {"sub", NULL, NULL, PH_ERR_IO},
        {"w.bin", "12", NULL, PH_ERR_FORMAT},
        {"w.bin", "9", "12", PH_ERR_FORMAT},
        {"w.bin", "18446744073709551615", "12", PH_ERR_FORMAT},
        {"w.bin", "18446744073709551616", "12", PH_ERR_FORMAT},
        {"w.bin", "-1", NULL, PH_ERR_FORMAT},
        {"w.bin", "1e1", NULL, PH_ERR_FORMAT},
        {"w.bin", "", NULL, PH_ERR_FORMAT},
        {"w.bin", "0", "11", PH_ERR_FORMAT},
        {"w.bin", "0", "13", PH_ERR_FORMAT},
        {"w.bin", "0", " 12", PH_ERR_FORMAT},
    };
    ph_graph *g;
    (void)state;
    assert_int_equal(mkdir("m", 0700), 0);
    assert_int_equal(mkdir("m/sub", 0700), 0);
    put("secret.bin", ones, 12);
    put("m/w.bin", ones, 12);
    assert_int_equal(symlink("../secret.bin", "m/link.bin"), 0);
    assert_int_equal(symlink("..", "m/up"), 0);
    for (size_t i = 0; i < PHI_COUNT(bad); i++) {
        ph_error err = {0};
        enum ph_status st = read_external(bad[i].location, bad[i].offset, bad[i].length, &g, &err);
        if (st != bad[i].status || !strstr(err.message, "initializer 't'"))
            fail_msg("case %zu: %s: %s", i, ph_status_name(st), err.message);
    }
}

/* A shape that asks for 4 TiB: the file is looked at before memory is asked for. */
static void test_huge_external_data(void **state)
{
    bytes t = {.n = 0}, graph = {.n = 0}, model = {.n = 0};
    ph_graph *g;
    (void)state;
    tensor_head(&t, "t", 1, INT64_C(1) << 40);
    entry(&t, TENSOR_EXTERNAL, "location", "w.bin");
    num(&t, TENSOR_LOCATION, 1);
    str(&graph, GRAPH_NAME, "external");
    msg(&graph, GRAPH_INIT, &t);
    model_around(&model, &graph);
    put("model.onnx", model.at, model.n);
    put("w.bin", ones, 12);
    assert_int_equal(ph_onnx_read(NULL, "model.onnx", &g, NULL), PH_ERR_FORMAT);
}

/* --- Graphs that are none --------------------------------------------------------------------- */

/* Start of a graph with an input x and an output y. */
static void ports(bytes *g)
{
    g->n = 0;
    str(g, GRAPH_NAME, "broken");
    value_info(g, GRAPH_IN, "x", "N");
    value_info(g, GRAPH_OUT, "y", "N");
}

static void assert_broken(const bytes *graph, enum ph_status status, const char *words)
{
    ph_graph *g;
    ph_error err = {0};
    enum ph_status st = read_graph(graph, &g, &err);
    if (st != status || !strstr(err.message, words))
        fail_msg("%s: '%s'; wanted '%s'", ph_status_name(st), err.message, words);
    assert_null(strchr(err.message, '\n'));
}

static void test_broken_graphs(void **state)
{
    bytes g, doubled = {.n = 0};
    (void)state;
    ports(&g); /* a cycle of two */
    node(&g, "Add", "a", "x", "v", "u", NULL);
    node(&g, "Relu", "b", "u", NULL, "v", NULL);
    node(&g, "Relu", "c", "v", NULL, "y", NULL);
    assert_broken(&g, PH_ERR_GRAPH, "cycle");
    ports(&g); /* a cycle of one */
    node(&g, "Add", "self", "x", "y", "y", NULL);
    assert_broken(&g, PH_ERR_GRAPH, "'self'");
    ports(&g);
    node(&g, "Add", "lonely", "x", "nothing", "y", NULL);
    assert_broken(&g, PH_ERR_GRAPH, "'nothing'");
    ports(&g); /* all that come from nowhere, each once */
    node(&g, "Add", "lonely", "none", "x", "a", NULL);
    node(&g, "Add", "same", "none", "a", "b", NULL);
    node(&g, "Add", "other", "b", "void", "c", NULL);
    node(&g, "Add", "last", "c", "vacuum", "y", NULL);
    assert_broken(&g, PH_ERR_GRAPH,
                  "Add 'lonely': its input 'none' is no input, constant or result of another node; "
                  "nor are 'void' of Add 'other', 'vacuum' of Add 'last'");
    ports(&g);
    assert_broken(&g, PH_ERR_GRAPH, "'y'"); /* nobody makes the output */
    ports(&g);
    node(&g, "Relu", "a", "x", NULL, "y", NULL);
    node(&g, "Relu", "b", "x", NULL, "y", NULL);
    assert_broken(&g, PH_ERR_GRAPH, "'b'"); /* made twice */
    ports(&g);
    node(&g, "Relu", "a", "x", NULL, "x", NULL);
    assert_broken(&g, PH_ERR_GRAPH, "'x'"); /* an input is made */
    ports(&g);
    initializer(&g, "y", ones);
    node(&g, "Relu", "a", "x", NULL, "y", NULL);
    assert_broken(&g, PH_ERR_GRAPH, "'y'"); /* a constant is made */
    ports(&g);
    initializer(&g, "w", ones);
    initializer(&g, "w", ones);
    assert_broken(&g, PH_ERR_GRAPH, "'w'");
    ports(&g);
    value_info(&g, GRAPH_IN, "x", "N");
    assert_broken(&g, PH_ERR_GRAPH, "'x' is listed twice");
    ports(&g);
    node(&g, "", "empty", "x", NULL, "y", NULL);
    assert_broken(&g, PH_ERR_FORMAT, "'empty') has no operator");
    ports(&g);
    initializer(&g, "", ones);
    assert_broken(&g, PH_ERR_FORMAT, "initializer 0 has no name");
    ports(&g);
    str(&doubled, NODE_OUT, "y");
    node(&g, "Relu", "twins", "x", NULL, "y", &doubled);
    assert_broken(&g, PH_ERR_GRAPH, "'twins'");
}

/* Names from files reach messages without their control characters. */
static void test_hostile_names(void **state)
{
    bytes g;
    (void)state;
    ports(&g);
    node(&g, "Add", "e\x1b[2J\nvil\xff", "x", "\r\nnothing", "y", NULL);
    assert_broken(&g, PH_ERR_GRAPH, "'e?[2J?vil?'");
}

static void test_broken_models(void **state)
{
    bytes graph = {.n = 0}, m = {.n = 0}, zero = {.n = 0};
    ph_graph *g;
    ph_error err = {0};
    (void)state;
    small_graph(&graph);
    assert_int_equal(read_model(&m, &g, &err), PH_ERR_FORMAT); /* no byte at all */
    assert_int_equal(ph_onnx_read_memory(NULL, NULL, 0, &g, &err), PH_ERR_FORMAT);
    num(&m, MODEL_IR, 8);
    opset(&m, "", 17);
    assert_int_equal(read_model(&m, &g, &err), PH_ERR_FORMAT);
    assert_non_null(strstr(err.message, "no graph"));
    msg(&m, MODEL_GRAPH, &graph);
    assert_int_equal(read_model(&m, &g, &err), PH_OK); /* the control */
    ph_graph_free(g);
    const size_t n = m.n;
    msg(&m, MODEL_GRAPH, &graph);
    assert_int_equal(read_model(&m, &g, &err), PH_ERR_FORMAT);
    assert_non_null(strstr(err.message, "second Model.graph"));
    m.n = n;
    opset(&m, "ai.onnx", 16);
    assert_int_equal(read_model(&m, &g, &err), PH_ERR_FORMAT);
    assert_non_null(strstr(err.message, "imported twice"));
    m.n = n;
    opset(&m, "x", 0);
    assert_int_equal(read_model(&m, &g, &err), PH_ERR_FORMAT);
    m.n = n;
    opset(&m, "x", INT64_C(1) << 31);
    assert_int_equal(read_model(&m, &g, &err), PH_ERR_FORMAT);
    m.n = n;
    raw(&m, "\x0b", 1); /* wire type 3: a group */
    assert_int_equal(read_model(&m, &g, &err), PH_ERR_FORMAT);
    m.n = n;
    raw(&m, "\x02\x00", 2); /* field number 0 */
    assert_int_equal(read_model(&m, &g, &err), PH_ERR_FORMAT);
    m.n = n;
    raw(&m, "\x3d\x00\x00\x00\x00", 5); /* graph as a fixed32 */
    assert_int_equal(read_model(&m, &g, &err), PH_ERR_FORMAT);
    m.n = n;
    raw(&m, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12); /* a number without end */
    assert_int_equal(read_model(&m, &g, &err), PH_ERR_FORMAT);
    data(&zero, GRAPH_NAME, "a\0b", 3);
    assert_int_equal(read_graph(&zero, &g, &err), PH_ERR_FORMAT);
    assert_non_null(strstr(err.message, "zero byte"));
}

static void test_missing_import(void **state)
{
    bytes graph = {.n = 0}, m = {.n = 0};
    ph_graph *g;
    ph_error err = {0};
    (void)state;
    small_graph(&graph);
    num(&m, MODEL_IR, 8);
    opset(&m, "com.example", 1);
    msg(&m, MODEL_GRAPH, &graph);
    assert_int_equal(read_model(&m, &g, &err), PH_ERR_FORMAT);
    assert_non_null(strstr(err.message, "'plus'"));
}

static void test_every_truncation_is_refused(void **state)
{
    bytes graph = {.n = 0}, m = {.n = 0};
    ph_graph *g;
    (void)state;
    small_graph(&graph);
    model_around(&m, &graph);
    for (size_t n = 0; n < m.n; n++) {
        ph_error err = {0};
        unsigned char *cut = malloc(n + 1); /* of its own, so that a read past the end is seen */
        assert_non_null(cut);
        memcpy(cut, m.at, n);
        cut = realloc(cut, n ? n : 1);
        enum ph_status st = ph_onnx_read_memory(NULL, cut, n, &g, &err);
        if (st != PH_ERR_FORMAT) fail_msg("cut to %zu: %s", n, ph_status_name(st));
        assert_true(err.message[0] != 0);
        free(cut);
    }
}

/* Each byte takes each value: an error, or a graph that can be written and read. */
static void test_every_byte_is_survived(void **state)
{
    bytes graph = {.n = 0}, n = {.n = 0}, m = {.n = 0};
    ph_graph *g, *again;
    size_t n_read = 0;
    (void)state;
    add_all_kinds(&n, true);
    str(&graph, GRAPH_NAME, "g");
    initializer(&graph, "w", ones);
    node(&graph, "Add", "m", "x", "w", "y", &n);
    value_info(&graph, GRAPH_IN, "x", "N");
    value_info(&graph, GRAPH_OUT, "y", "N");
    model_around(&m, &graph);
    for (size_t i = 0; i < m.n; i++) {
        const unsigned char was = m.at[i];
        for (unsigned v = 0; v < 256; v++) {
            ph_error err = {0};
            m.at[i] = (unsigned char)v;
            if (read_model(&m, &g, &err)) {
                assert_true(err.status != PH_OK && err.message[0] != 0);
                assert_int_not_equal(err.status, PH_ERR_INTERNAL);
                continue;
            }
            n_read++;
            if (v == (was ^ 1u)) { /* files are slow: one value a byte */
                assert_int_equal(ph_onnx_write(g, "/dev/null", NULL), PH_OK);
                assert_int_equal(ph_onnx_write(g, FILE_NAME, NULL), PH_OK);
                assert_int_equal(ph_onnx_read(NULL, FILE_NAME, &again, &err), PH_OK);
                ph_graph_free(again);
            }
            ph_graph_free(g);
        }
        m.at[i] = was;
    }
    assert_true(n_read > 2 * m.n);
}

int main(void)
{
#define TEST_IN_DIR(f) cmocka_unit_test_setup_teardown(f, enter, leave)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_typed_lists),
        cmocka_unit_test(test_narrow_types_in_int32_data),
        cmocka_unit_test(test_raw_bools_are_zero_or_one),
        cmocka_unit_test(test_bad_tensors),
        cmocka_unit_test(test_nine_dimensions_and_segments),
        cmocka_unit_test(test_two_places_of_data),
        cmocka_unit_test(test_sparse_initializers),
        cmocka_unit_test(test_broken_sparse_initializers),
        cmocka_unit_test(test_tensor_file),
        TEST_IN_DIR(test_external_data),
        TEST_IN_DIR(test_bad_external_data),
        TEST_IN_DIR(test_huge_external_data),
        cmocka_unit_test(test_broken_graphs),
        cmocka_unit_test(test_hostile_names),
        cmocka_unit_test(test_broken_models),
        cmocka_unit_test(test_missing_import),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_every_byte_is_survived),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(FILE_NAME);
    return failed;
}
