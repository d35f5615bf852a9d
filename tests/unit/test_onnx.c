/* SPDX-License-Identifier: MIT */
/* ONNX files: read, write, read again; what is not understood survives. */
#define PROGRAM "test_onnx"
#include "model_bytes.h"

#include <dirent.h>

#include "sweep.h"

/* --- Reading ------------------------------------------------------------------------------- */

static void test_read(void **state)
{
    bytes graph = {.n = 0}, model = {.n = 0};
    ph_graph *g;
    ph_error err = {0};
    int64_t dims[PH_MAX_RANK];
    enum ph_dtype dtype;
    (void)state;
    small_graph(&graph);
    model_around(&model, &graph);
    opset(&model, "com.example", 3);
    entry(&model, MODEL_META, "author", "nobody");
    if (read_model(&model, &g, &err)) fail_msg("%s", err.message);
    assert_string_equal(ph_graph_name(g), "small");
    assert_int_equal(ph_graph_opset(g), 17);
    assert_int_equal(phi_graph_opset_of(g, "com.example"), 3);
    assert_string_equal(ph_graph_metadata(g, "author"), "nobody");
    assert_int_equal(ph_graph_n_inputs(g), 1);
    assert_int_equal(ph_graph_n_outputs(g), 1);
    assert_string_equal(ph_value_name(g, ph_graph_output(g, 0)), "y");
    assert_int_equal(ph_graph_n_nodes(g), 2);
    assert_string_equal(ph_node_name(g, 0), "plus");
    assert_string_equal(ph_node_op(g, 1), "Relu");
    assert_int_equal(ph_value_type(g, ph_graph_input(g, 0), &dtype, dims), 2);
    assert_int_equal(dtype, PH_FLOAT32);
    assert_int_equal(dims[0], -1);
    assert_int_equal(dims[1], 3);
    assert_string_equal(g->values[ph_graph_input(g, 0)].dim_names[0], "N");
    const ph_tensor *w = ph_value_constant(g, ph_graph_find(g, "w"));
    assert_non_null(w);
    assert_int_equal(ph_tensor_count(w), 3);
    assert_memory_equal(ph_tensor_const_data(w), ones, sizeof ones);
    ph_graph_free(g);
}

/* Files need not list nodes in order; the reader sorts them. */
static void test_nodes_are_sorted(void **state)
{
    bytes graph = {.n = 0};
    ph_graph *g;
    (void)state;
    str(&graph, GRAPH_NAME, "backwards");
    node(&graph, "Relu", "third", "b", NULL, "y", NULL);
    node(&graph, "Relu", "second", "a", NULL, "b", NULL);
    node(&graph, "Relu", "first", "x", NULL, "a", NULL);
    value_info(&graph, GRAPH_IN, "x", "N");
    value_info(&graph, GRAPH_OUT, "y", "N");
    assert_int_equal(read_graph(&graph, &g, NULL), PH_OK);
    assert_string_equal(ph_node_name(g, 0), "first");
    assert_string_equal(ph_node_name(g, 2), "third");
    ph_graph_free(g);
}

/* Constants may be listed among the inputs, too (they had to before IR version 4). */
static void test_constant_as_input(void **state)
{
    bytes graph = {.n = 0};
    ph_graph *g;
    size_t n;
    (void)state;
    small_graph(&graph);
    value_info(&graph, GRAPH_IN, "w", "N");
    assert_int_equal(read_graph(&graph, &g, NULL), PH_OK);
    assert_int_equal(ph_graph_n_inputs(g), 1);
    assert_int_equal(g->n_inputs, 2);
    assert_true(g->values[ph_graph_find(g, "w")].is_input);
    free(write_twice(g, &n));
    ph_graph_free(g);
    assert_int_equal(ph_onnx_read(NULL, FILE_NAME, &g, NULL), PH_OK);
    assert_int_equal(g->n_inputs, 2);
    ph_graph_free(g);
}

/* Before IR version 3 there was one operator set and no way to name it. */
static void test_implied_opset(void **state)
{
    bytes graph = {.n = 0}, old = {.n = 0}, newer = {.n = 0};
    ph_graph *g;
    ph_error err = {0};
    (void)state;
    small_graph(&graph);
    num(&old, MODEL_IR, 2);
    msg(&old, MODEL_GRAPH, &graph);
    assert_int_equal(read_model(&old, &g, NULL), PH_OK);
    assert_int_equal(ph_graph_opset(g), 1);
    ph_graph_free(g);
    num(&newer, MODEL_IR, 3);
    msg(&newer, MODEL_GRAPH, &graph);
    assert_int_equal(read_model(&newer, &g, &err), PH_ERR_FORMAT);
    assert_non_null(strstr(err.message, "imports no operator set"));
}

static void test_names_made_up_do_not_clash(void **state)
{
    bytes graph = {.n = 0};
    ph_graph *g;
    size_t n;
    (void)state;
    str(&graph, GRAPH_NAME, "names");
    node(&graph, "Relu", NULL, "x", NULL, "a", NULL);
    node(&graph, "Relu", "", "a", NULL, "b", NULL);
    node(&graph, "Relu", "Relu_1", "b", NULL, "c", NULL);
    node(&graph, "Relu", "Relu_2", "c", NULL, "y", NULL);
    value_info(&graph, GRAPH_IN, "x", "N");
    value_info(&graph, GRAPH_OUT, "y", "N");
    assert_int_equal(read_graph(&graph, &g, NULL), PH_OK);
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(ph_node_name(g, i), ph_node_name(g, k));
    assert_true(g->nodes[0].name_made_up && g->nodes[1].name_made_up);
    assert_false(g->nodes[2].name_made_up);
    unsigned char *p = write_twice(g, &n);
    assert_false(holds(p, n, ph_node_name(g, 0))); /* none it had, none it gets */
    free(p);
    ph_graph_free(g);
}

/* --- Attributes ------------------------------------------------------------------------------- */

/* A node of an unknown operator with the attributes in `attrs`. */
static enum ph_status read_with(const bytes *attrs, ph_graph **g, ph_error *err)
{
    bytes graph = {.n = 0};
    str(&graph, GRAPH_NAME, "attributes");
    node(&graph, "Mystery", "m", "x", NULL, "y", attrs);
    value_info(&graph, GRAPH_IN, "x", "N");
    value_info(&graph, GRAPH_OUT, "y", "N");
    return read_graph(&graph, g, err);
}

static const phi_attr *find_attr(const ph_graph *g, const char *name)
{
    for (size_t i = 0; i < g->nodes[0].n_attrs; i++)
        if (strcmp(g->nodes[0].attrs[i].name, name) == 0) return &g->nodes[0].attrs[i];
    fail_msg("no attribute '%s'", name);
    return NULL;
}

static void assert_all_kinds(const ph_graph *g)
{
    assert_true(find_attr(g, "f")->f == -2.5f);
    assert_true(find_attr(g, "i")->i == INT64_MIN);
    assert_int_equal(find_attr(g, "s")->s_bytes, 3);
    assert_memory_equal(find_attr(g, "s")->s, "a\0b", 4);
    assert_int_equal(find_attr(g, "t")->kind, PH_ATTR_TENSOR);
    assert_memory_equal(find_attr(g, "t")->tensor->data, ones, 12);
    assert_int_equal(find_attr(g, "floats")->n, 2);
    assert_true(find_attr(g, "floats")->floats[1] == 2);
    const phi_attr *ints = find_attr(g, "ints");
    assert_int_equal(ints->n, 4);
    assert_true(ints->ints[2] == 128 && ints->ints[3] == -1);
    assert_int_equal(find_attr(g, "strings")->n, 2);
    assert_string_equal(find_attr(g, "strings")->strings[0], "one");
    assert_string_equal(find_attr(g, "strings")->strings[1], "");
}

static void test_attributes(void **state)
{
    (void)state;
    for (int typed = 0; typed <= 1; typed++) {
        bytes n = {.n = 0};
        ph_graph *g;
        ph_error err = {0};
        size_t k;
        add_all_kinds(&n, typed);
        if (read_with(&n, &g, &err)) fail_msg("%s", err.message);
        assert_all_kinds(g);
        unsigned char *p = write_twice(g, &k);
        assert_true(holds(p, k, "inner name"));
        free(p);
        ph_graph_free(g);
        assert_int_equal(ph_onnx_read(NULL, FILE_NAME, &g, NULL), PH_OK);
        assert_all_kinds(g);
        ph_graph_free(g);
    }
}

static void test_empty_attributes(void **state)
{
    static const bytes nothing;
    bytes n = {.n = 0};
    ph_graph *g;
    size_t k;
    (void)state;
    attr(&n, "f", 1, &nothing);
    attr(&n, "i", 2, &nothing);
    attr(&n, "s", 3, &nothing);
    attr(&n, "ints", 7, &nothing);
    assert_int_equal(read_with(&n, &g, NULL), PH_OK);
    assert_true(find_attr(g, "f")->f == 0 && find_attr(g, "i")->i == 0);
    assert_string_equal(find_attr(g, "s")->s, "");
    assert_int_equal(find_attr(g, "ints")->kind, PH_ATTR_INTS);
    assert_int_equal(find_attr(g, "ints")->n, 0);
    free(write_twice(g, &k));
    ph_graph_free(g);
}

/* Kinds that a phi_attr cannot hold are carried along and make nothing of themselves. */
static void test_other_attributes(void **state)
{
    bytes n = {.n = 0}, sub = {.n = 0}, body = {.n = 0}, ref = {.n = 0}, strings = {.n = 0},
          t = {.n = 0}, tensor = {.n = 0};
    ph_graph *g;
    size_t k;
    (void)state;
    str(&body, GRAPH_NAME, "inner graph");
    msg(&sub, ATTR_G, &body);
    attr(&n, "body", 5, &sub);
    str(&ref, ATTR_REF, "outer attribute");
    attr(&n, "ref", 2, &ref); /* an integer by type, but its value is elsewhere */
    data(&strings, ATTR_STRINGS, "zero\0inside", 11);
    attr(&n, "strings", 8, &strings);
    tensor_head(&tensor, "", PH_STRING, 1);
    str(&tensor, TENSOR_STRINGS, "string element");
    msg(&t, ATTR_T, &tensor);
    attr(&n, "t", 4, &t);
    assert_int_equal(read_with(&n, &g, NULL), PH_OK);
    assert_int_equal(g->nodes[0].n_attrs, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(g->nodes[0].attrs[i].kind, 0);
        assert_true(g->nodes[0].attrs[i].extra.n > 0);
    }
    unsigned char *p = write_twice(g, &k);
    assert_true(holds(p, k, "inner graph") && holds(p, k, "outer attribute"));
    assert_true(memmem(p, k, "zero\0inside", 11) != NULL && holds(p, k, "string element"));
    free(p);
    ph_graph_free(g);
}

static void test_bad_attributes(void **state)
{
    bytes two = {.n = 0}, value = {.n = 0}, twice = {.n = 0}, none = {.n = 0}, nameless = {.n = 0};
    ph_graph *g;
    ph_error err = {0};
    (void)state;
    num(&value, ATTR_I, 1);
    attr(&twice, "a", 2, &value);
    attr(&twice, "a", 2, &value);
    assert_int_equal(read_with(&twice, &g, &err), PH_ERR_GRAPH);
    attr(&nameless, "", 2, &value);
    assert_int_equal(read_with(&nameless, &g, &err), PH_ERR_FORMAT);
    flt(&value, ATTR_F, 1);
    attr(&two, "a", 2, &value);
    assert_int_equal(read_with(&two, &g, &err), PH_ERR_FORMAT);
    assert_non_null(strstr(err.message, "Mystery 'm': attribute 'a' has more than one value"));
    value.n = 0;
    attr(&none, "a", 4, &value);
    assert_int_equal(read_with(&none, &g, &err), PH_ERR_FORMAT);
}

/* --- What is not understood survives ---------------------------------------------------------- */

static void test_unknown_fields_survive(void **state)
{
    static const char *const kept[] = {
        "a producer",  "a model doc",  "a graph doc", "a node doc",        "a value doc",
        "an attr doc", "a tensor doc", "a far field", "an info of nobody", "a node's metadata"};
    bytes graph = {.n = 0}, rest = {.n = 0}, a = {.n = 0}, t = {.n = 0}, info = {.n = 0},
          model = {.n = 0};
    ph_graph *g;
    ph_error err = {0};
    size_t n;
    (void)state;
    str(&graph, GRAPH_NAME, "small");
    str(&a, ATTR_NAME, "alpha");
    flt(&a, ATTR_F, 0.5f);
    num(&a, ATTR_TYPE, 1);
    str(&a, ATTR_DOC, "an attr doc");
    msg(&rest, NODE_ATTR, &a);
    str(&rest, NODE_DOC, "a node doc");
    entry(&rest, 9, "key", "a node's metadata");
    node(&graph, "LeakyRelu", "leaky", "x", NULL, "y", &rest);
    tensor_head(&t, "unused", 1, 0);
    str(&t, TENSOR_DOC, "a tensor doc");
    msg(&graph, GRAPH_INIT, &t);
    str(&info, 1, "x");
    str(&info, 3, "a value doc");
    msg(&graph, GRAPH_IN, &info);
    str(&graph, GRAPH_DOC, "a graph doc");
    value_info(&graph, GRAPH_OUT, "y", "N");
    value_info(&graph, GRAPH_INFO, "an info of nobody", "N");
    str(&model, MODEL_PRODUCER, "a producer");
    str(&model, 6, "a model doc");
    str(&model, 12345, "a far field");
    model_around(&model, &graph);
    if (read_model(&model, &g, &err)) fail_msg("%s", err.message);
    assert_int_equal(ph_graph_find(g, "an info of nobody"), PH_NONE);
    unsigned char *p = write_twice(g, &n);
    for (size_t i = 0; i < PHI_COUNT(kept); i++)
        if (!holds(p, n, kept[i])) fail_msg("'%s' is lost", kept[i]);
    free(p);
    ph_graph_free(g);
}

/* A type that says more than we understand: denotations of dimensions, and sequences. */
static void test_odd_types_survive(void **state)
{
    bytes graph = {.n = 0}, d = {.n = 0}, shape = {.n = 0}, t = {.n = 0}, type = {.n = 0},
          info = {.n = 0}, sequence = {.n = 0};
    ph_graph *g;
    size_t n;
    int64_t dims[PH_MAX_RANK];
    (void)state;
    str(&graph, GRAPH_NAME, "types");
    node(&graph, "Mystery", "m", "x", NULL, "y", NULL);
    num(&d, 1, 7);
    str(&d, 3, "DATA_BATCH");
    msg(&shape, 1, &d);
    num(&t, 1, 1);
    msg(&t, 2, &shape);
    msg(&type, 1, &t);
    str(&type, 6, "IMAGE");
    str(&info, 1, "x");
    msg(&info, 2, &type);
    msg(&graph, GRAPH_IN, &info);
    info.n = type.n = 0;
    str(&sequence, 9, "opaque sequence");
    msg(&type, 4, &sequence);
    str(&info, 1, "y");
    msg(&info, 2, &type);
    msg(&graph, GRAPH_OUT, &info);
    assert_int_equal(read_graph(&graph, &g, NULL), PH_OK);
    assert_int_equal(ph_value_type(g, ph_graph_find(g, "x"), NULL, dims), 1);
    assert_int_equal(dims[0], 7);
    assert_int_equal(ph_value_type(g, ph_graph_find(g, "y"), NULL, dims), -1);
    g->values[ph_graph_find(g, "x")].dims[0] = 1234; /* as surgery might */
    unsigned char *p = write_twice(g, &n);
    assert_true(holds(p, n, "DATA_BATCH") && holds(p, n, "IMAGE") &&
                holds(p, n, "opaque sequence"));
    assert_true(holds(p, n, "\x08\xd2\x09")); /* dim_value 1234 */
    free(p);
    ph_graph_free(g);
}

static void test_more_dimensions_than_we_hold(void **state)
{
    bytes graph = {.n = 0}, shape = {.n = 0}, t = {.n = 0}, type = {.n = 0}, info = {.n = 0};
    ph_graph *g;
    size_t n;
    (void)state;
    str(&graph, GRAPH_NAME, "types");
    node(&graph, "Mystery", "m", "x", NULL, "y", NULL);
    for (int i = 0; i < 9; i++) {
        bytes d = {.n = 0};
        num(&d, 1, 1000 + i);
        msg(&shape, 1, &d);
    }
    num(&t, 1, 1);
    msg(&t, 2, &shape);
    msg(&type, 1, &t);
    str(&info, 1, "x");
    msg(&info, 2, &type);
    msg(&graph, GRAPH_IN, &info);
    value_info(&graph, GRAPH_OUT, "y", "N");
    assert_int_equal(read_graph(&graph, &g, NULL), PH_OK);
    assert_int_equal(ph_value_type(g, ph_graph_find(g, "x"), NULL, NULL), -1);
    unsigned char *p = write_twice(g, &n);
    assert_true(holds(p, n, "\x08\xf0\x07")); /* dim_value 1008 */
    free(p);
    ph_graph_free(g);
}

/* Node names are to be unique, and are not in some exporters' files: later ones get a number. */
static void test_repeated_node_names(void **state)
{
    bytes graph = {.n = 0};
    ph_graph *g;
    size_t n;
    (void)state;
    str(&graph, GRAPH_NAME, "names");
    node(&graph, "Relu", "same", "x", NULL, "a", NULL);
    node(&graph, "Relu", "same", "a", NULL, "b", NULL);
    node(&graph, "Relu", "same_1", "b", NULL, "c", NULL);
    node(&graph, "Relu", "same", "c", NULL, "y", NULL);
    value_info(&graph, GRAPH_IN, "x", "N");
    value_info(&graph, GRAPH_OUT, "y", "N");
    assert_int_equal(read_graph(&graph, &g, NULL), PH_OK);
    assert_string_equal(ph_node_name(g, 0), "same");
    assert_string_equal(ph_node_name(g, 1), "same_2");
    assert_string_equal(ph_node_name(g, 2), "same_1");
    assert_string_equal(ph_node_name(g, 3), "same_3");
    free(write_twice(g, &n));
    ph_graph_free(g);
}

static void test_overloads_and_domains_are_not_ours(void **state)
{
    bytes graph = {.n = 0}, overload = {.n = 0}, domain = {.n = 0}, same = {.n = 0};
    ph_graph *g;
    (void)state;
    str(&overload, NODE_OVERLOAD, "v2");
    str(&domain, NODE_DOMAIN, "com.example");
    str(&same, NODE_DOMAIN, "ai.onnx"); /* another word for "" */
    str(&graph, GRAPH_NAME, "domains");
    node(&graph, "Relu", "a", "x", NULL, "1", &overload);
    node(&graph, "Relu", "b", "1", NULL, "2", &domain);
    node(&graph, "Relu", "c", "2", NULL, "y", &same);
    value_info(&graph, GRAPH_IN, "x", "N");
    value_info(&graph, GRAPH_OUT, "y", "N");
    assert_int_equal(read_graph(&graph, &g, NULL), PH_OK);
    assert_false(ph_node_supported(g, 0));
    assert_false(ph_node_supported(g, 1));
    assert_true(ph_node_supported(g, 2));
    ph_graph_free(g);
}

/* --- Weights left in the file ---------------------------------------------------------------- */

enum { BIG = 1100 }; /* floats: more than is read together with the rest */

/* float32[BIG] 0, 1, 2, ... (which `type` may call something else) in raw_data, and whatever `rest` says, in field `field`. */
static void big_tensor(bytes *owner, unsigned field, const char *name, int64_t type,
                       const bytes *rest)
{
    float at[BIG];
    bytes t = {.n = 0};
    for (int i = 0; i < BIG; i++) at[i] = (float)i;
    tensor_head(&t, name, type, BIG);
    data(&t, TENSOR_RAW, at, sizeof at);
    if (rest) raw(&t, rest->at, rest->n);
    msg(owner, field, &t);
}

/* The same from the file and from memory; both may fail, for the same reason. */
static void assert_read_alike(const bytes *model, enum ph_status status)
{
    ph_graph *a = NULL, *b = NULL;
    ph_error in_file = {0}, in_memory = {0};
    size_t n, m;
    put(FILE_NAME, model->at, model->n);
    assert_int_equal(ph_onnx_read(NULL, FILE_NAME, &a, &in_file), status);
    assert_int_equal(read_model(model, &b, &in_memory), status);
    if (status) {
        assert_non_null(strstr(in_file.message, in_memory.message));
        return;
    }
    unsigned char *first = write_twice(a, &n), *second = write_twice(b, &m);
    assert_int_equal(n, m);
    assert_memory_equal(first, second, n);
    free(first);
    free(second);
    ph_graph_free(a);
    ph_graph_free(b);
}

static void test_large_data_in_files(void **state)
{
    bytes graph = {.n = 0}, model = {.n = 0}, value = {.n = 0}, rest = {.n = 0}, note = {.n = 0};
    (void)state;
    str(&graph, GRAPH_NAME, "large");
    big_tensor(&graph, GRAPH_INIT, "w", 1, NULL);
    value_info(&graph, GRAPH_OUT, "w", "N");
    model_around(&model, &graph);
    str(&model, 6, "a doc string behind the graph");
    assert_read_alike(&model, PH_OK);
    for (size_t cut = 1; cut < model.n; cut += 97) { /* every such piece is malformed */
        bytes part = model;
        part.n = model.n - 40 - cut % (model.n - 40);
        assert_read_alike(&part, PH_ERR_FORMAT);
    }
    num(&note, 536870910, 0); /* a file that says what only we say is read as a whole */
    num(&note, 536870911, 4 * BIG);
    graph.n = model.n = 0;
    str(&graph, GRAPH_NAME, "large");
    big_tensor(&graph, GRAPH_INIT, "w", 1, &note);
    value_info(&graph, GRAPH_OUT, "w", "N");
    model_around(&model, &graph);
    assert_read_alike(&model, PH_OK);
    graph.n = model.n = 0; /* or it leaves away the data: then there are none */
    tensor_head(&value, "w", 1, BIG);
    raw(&value, note.at, note.n);
    str(&graph, GRAPH_NAME, "large");
    msg(&graph, GRAPH_INIT, &value);
    value_info(&graph, GRAPH_OUT, "w", "N");
    model_around(&model, &graph);
    assert_read_alike(&model, PH_ERR_FORMAT);
    graph.n = model.n = value.n = 0; /* in an attribute */
    big_tensor(&value, ATTR_T, "w", 1, NULL);
    attr(&rest, "value", 4, &value);
    str(&graph, GRAPH_NAME, "large");
    node(&graph, "Constant", "c", NULL, NULL, "y", &rest);
    value_info(&graph, GRAPH_OUT, "y", "N");
    model_around(&model, &graph);
    assert_read_alike(&model, PH_OK);
    for (int64_t type = 17; type < 24; type += 5) { /* 8 and 4 bits: carried along as they are */
        graph.n = model.n = 0;
        str(&graph, GRAPH_NAME, "large");
        big_tensor(&graph, GRAPH_INIT, "w", type, NULL);
        node(&graph, "Identity", "i", "w", NULL, "y", NULL);
        value_info(&graph, GRAPH_OUT, "y", "N");
        model_around(&model, &graph);
        assert_read_alike(&model, PH_OK);
        graph.n = model.n = value.n = rest.n = 0;
        big_tensor(&value, ATTR_T, "w", type, NULL);
        attr(&rest, "value", 4, &value);
        str(&graph, GRAPH_NAME, "large");
        node(&graph, "Constant", "c", NULL, NULL, "y", &rest);
        value_info(&graph, GRAPH_OUT, "y", "N");
        model_around(&model, &graph);
        assert_read_alike(&model, PH_OK);
    }
}

/* --- Writing -------------------------------------------------------------------------------- */

/* A graph built here declares no types of outputs; a file must. An open batch stays open. */
static void test_write_built(void **state)
{
    ph_graph *g;
    ph_tensor *w;
    ph_value v[2];
    ph_error err = {0};
    int64_t dims[PH_MAX_RANK];
    enum ph_dtype dtype;
    size_t n;
    (void)state;
    assert_int_equal(ph_graph_new(NULL, "built", &g, &err), PH_OK);
    assert_int_equal(ph_graph_add_input(g, "x", PH_FLOAT32, 3, (int64_t[]){-1, 5, 3}, &v[0], &err),
                     PH_OK);
    assert_int_equal(ph_tensor_new(NULL, PH_FLOAT32, 1, (int64_t[]){3}, &w, &err), PH_OK);
    memcpy(ph_tensor_data(w), ones, 12);
    assert_int_equal(ph_graph_add_constant(g, "w", w, &v[1], &err), PH_OK);
    ph_tensor_free(w);
    assert_int_equal(ph_graph_add_node(g, "Add", NULL, 2, v, 0, NULL, 1, NULL, v, &err), PH_OK);
    assert_int_equal(ph_graph_add_output(g, v[0], &err), PH_OK);
    unsigned char *p = write_twice(g, &n);
    assert_true(holds(p, n, "pinhole"));
    free(p);
    ph_graph_free(g);
    assert_int_equal(ph_onnx_read(NULL, FILE_NAME, &g, &err), PH_OK);
    assert_int_equal(ph_value_type(g, ph_graph_output(g, 0), &dtype, dims), 3);
    assert_int_equal(dtype, PH_FLOAT32);
    assert_true(dims[0] == -1 && dims[1] == 5 && dims[2] == 3);
    assert_int_equal(ph_graph_opset(g), PH_OPSET);
    ph_graph_free(g);
}

/* Constants that are no inputs need IR version 4: a graph that got one is written so. */
static void test_write_raises_ir_version(void **state)
{
    bytes graph = {.n = 0}, m = {.n = 0};
    ph_graph *g;
    (void)state;
    small_graph(&graph);
    num(&m, MODEL_IR, 3);
    opset(&m, "", 7);
    msg(&m, MODEL_GRAPH, &graph);
    assert_int_equal(read_model(&m, &g, NULL), PH_OK);
    assert_int_equal(g->ir_version, 3);
    assert_int_equal(ph_onnx_write(g, FILE_NAME, NULL), PH_OK);
    ph_graph_free(g);
    assert_int_equal(ph_onnx_read(NULL, FILE_NAME, &g, NULL), PH_OK);
    assert_int_equal(g->ir_version, 4);
    ph_graph_free(g);
}

static void test_write_refuses(void **state)
{
    bytes graph = {.n = 0};
    ph_graph *g;
    ph_error err = {0};
    (void)state;
    assert_int_equal(ph_graph_new(NULL, "empty", &g, &err), PH_OK);
    unlink(FILE_NAME);
    assert_int_equal(ph_onnx_write(g, FILE_NAME, &err), PH_ERR_GRAPH); /* no outputs */
    assert_int_equal(access(FILE_NAME, F_OK), -1);                     /* nothing half-written */
    ph_graph_free(g);
    small_graph(&graph);
    assert_int_equal(read_graph(&graph, &g, &err), PH_OK);
    assert_int_equal(ph_onnx_write(g, "none/x.onnx", &err), PH_ERR_NOT_FOUND);
    assert_int_equal(ph_onnx_write(g, "/dev/full", &err), PH_ERR_IO);
    ph_tensor *t = g->values[ph_graph_find(g, "w")].constant;
    const size_t was = t->bytes;
    t->bytes = (size_t)INT32_MAX + 1; /* never touched: the sum is checked first */
    assert_int_equal(ph_onnx_write(g, FILE_NAME, &err), PH_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "at most 2147483647"));
    t->bytes = was;
    ph_graph_free(g);
}

static void test_file_over_two_gigabytes(void **state)
{
    ph_graph *g;
    ph_tensor *t;
    ph_error err = {0};
    (void)state;
    int fd = open(FILE_NAME, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    if (ftruncate(fd, (off_t)3 << 30) != 0) { /* a hole; nothing is stored */
        close(fd);
        unlink(FILE_NAME);
        skip();
    }
    close(fd);
    assert_int_equal(ph_onnx_read(NULL, FILE_NAME, &g, &err), PH_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "3221225472 bytes, at most 2147483647"));
    assert_int_equal(ph_tensor_read_onnx(NULL, FILE_NAME, &t, NULL, 0, &err), PH_ERR_UNSUPPORTED);
    unlink(FILE_NAME);
}

/* --- Memory -------------------------------------------------------------------------------- */

static enum ph_status read_and_write(const ph_allocator *mem, void *arg)
{
    const bytes *m = arg;
    ph_graph *g = NULL;
    ph_error err = {0};
    enum ph_status st = ph_onnx_read_memory(mem, m->at, m->n, &g, &err);
    if (!st) st = ph_onnx_write(g, "/dev/null", &err);
    ph_graph_free(g);
    return st;
}

static enum ph_status read_file(const ph_allocator *mem, void *arg)
{
    ph_graph *g = NULL;
    enum ph_status st = ph_onnx_read(mem, arg, &g, NULL);
    ph_graph_free(g);
    return st;
}

static void test_out_of_memory(void **state)
{
    bytes graph = {.n = 0}, n = {.n = 0}, f = {.n = 0}, m = {.n = 0}, t = {.n = 0};
    (void)state;
    add_all_kinds(&n, true);
    str(&n, NODE_DOC, "node");
    str(&graph, GRAPH_NAME, "memory");
    tensor_head(&t, "w", 1, 3);
    data(&t, TENSOR_RAW, ones, 12);
    str(&t, TENSOR_DOC, "doc");
    msg(&graph, GRAPH_INIT, &t);
    node(&graph, "Relu", NULL, "mid", NULL, "y", &n); /* out of order, without a name */
    node(&graph, "Add", "plus", "x", "w", "mid", NULL);
    value_info(&graph, GRAPH_IN, "x", "N");
    value_info(&graph, GRAPH_OUT, "y", "N");
    value_info(&graph, GRAPH_INFO, "mid", "N");
    value_info(&graph, GRAPH_INFO, "nobody", "N");
    str(&f, 1, "Function");
    msg(&m, MODEL_FUNC, &f);
    entry(&m, MODEL_META, "key", "value");
    model_around(&m, &graph);
    assert_true(sweep(read_and_write, &m, 1000) > 50);
    put(FILE_NAME, m.at, m.n);
    assert_true(sweep(read_file, (char[]){FILE_NAME}, 1000) > 50);
}

/* Types of outputs are inferred while writing: that, too, may run out of memory. */
static enum ph_status build_and_write(const ph_allocator *mem, void *arg)
{
    ph_graph *g = NULL;
    ph_value x;
    enum ph_status st = ph_graph_new(mem, "built", &g, arg);
    if (!st) st = ph_graph_add_input(g, "x", PH_FLOAT32, 2, (int64_t[]){-1, 3}, &x, arg);
    if (!st) st = ph_graph_add_node(g, "Relu", NULL, 1, &x, 0, NULL, 1, NULL, &x, arg);
    if (!st) st = ph_graph_add_output(g, x, arg);
    if (!st) st = ph_onnx_write(g, FILE_NAME, arg);
    ph_graph_free(g);
    return st;
}

static void test_out_of_memory_while_inferring(void **state)
{
    ph_error err = {0};
    (void)state;
    sweep(build_and_write, &err, 1000);
}

/* --- Real models ---------------------------------------------------------------------------- */

/* Files that were written by others, where there are any: nothing of theirs may get lost. */
static void test_real_models(void **state)
{
    const char *shared = getenv("PINHOLE_SHARED"), *source = getenv("PH_TEST_DATA");
    char dir[1024], path[2048];
    size_t n_models = 0;
    (void)state;
    if (shared)
        snprintf(dir, sizeof dir, "%s/models", shared);
    else
        snprintf(dir, sizeof dir, "%s/../../../shared/models", source ? source : ".");
    DIR *d = opendir(dir);
    if (!d) {
        print_message("no directory '%s': set PINHOLE_SHARED to run this\n", dir);
        skip();
        return;
    }
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        const char *dot = strrchr(e->d_name, '.');
        ph_graph *g;
        ph_error err = {0};
        size_t n, m;
        if (!dot || strcmp(dot, ".onnx") != 0) continue;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (ph_onnx_read(NULL, path, &g, &err)) fail_msg("%s", err.message);
        unsigned char *original = slurp(path, &n), *ours = write_twice(g, &m);
        print_message("%s: %zu bytes, written again: %zu\n", e->d_name, n, m);
        assert_int_equal(n, m); /* all of these hold their tensors as raw data */
        free(original);
        free(ours);
        ph_graph_free(g);
        n_models++;
    }
    closedir(d);
    if (!n_models) skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_nodes_are_sorted),
        cmocka_unit_test(test_constant_as_input),
        cmocka_unit_test(test_implied_opset),
        cmocka_unit_test(test_names_made_up_do_not_clash),
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_empty_attributes),
        cmocka_unit_test(test_other_attributes),
        cmocka_unit_test(test_bad_attributes),
        cmocka_unit_test(test_unknown_fields_survive),
        cmocka_unit_test(test_odd_types_survive),
        cmocka_unit_test(test_more_dimensions_than_we_hold),
        cmocka_unit_test(test_repeated_node_names),
        cmocka_unit_test(test_overloads_and_domains_are_not_ours),
        cmocka_unit_test(test_large_data_in_files),
        cmocka_unit_test(test_write_built),
        cmocka_unit_test(test_write_raises_ir_version),
        cmocka_unit_test(test_write_refuses),
        cmocka_unit_test(test_file_over_two_gigabytes),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_out_of_memory_while_inferring),
        cmocka_unit_test(test_real_models),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(FILE_NAME);
    return failed;
}
