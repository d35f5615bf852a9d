/* SPDX-License-Identifier: MIT */
/*
 * ONNX models put together byte by byte, by a protobuf writer that shares nothing with src. For the
 * tests of src/onnx.
 */
#ifndef MODEL_BYTES_H
#define MODEL_BYTES_H

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "graph/graph.h"

#define FILE_NAME PROGRAM ".tmp.onnx"

typedef struct bytes {
    unsigned char at[8192];
    size_t n;
} bytes;

static inline void raw(bytes *b, const void *p, size_t n)
{
    assert_true(b->n + n <= sizeof b->at);
    if (n) memcpy(b->at + b->n, p, n);
    b->n += n;
}
static inline void varint(bytes *b, uint64_t v)
{
    do {
        unsigned char c = (unsigned char)(v & 0x7f);
        v >>= 7;
        if (v) c |= 0x80;
        raw(b, &c, 1);
    } while (v);
}
static inline void num(bytes *b, unsigned field, int64_t v)
{
    varint(b, field << 3);
    varint(b, (uint64_t)v);
}
static inline void data(bytes *b, unsigned field, const void *p, size_t n)
{
    varint(b, field << 3 | 2);
    varint(b, n);
    raw(b, p, n);
}
static inline void str(bytes *b, unsigned field, const char *s)
{
    data(b, field, s, strlen(s));
}
static inline void msg(bytes *b, unsigned field, const bytes *m)
{
    data(b, field, m->at, m->n);
}
static inline void flt(bytes *b, unsigned field, float f)
{
    varint(b, field << 3 | 5);
    raw(b, &f, 4); /* this host is little-endian, or the test of floats says so */
}

/* Field numbers, from onnx.proto. */
enum {
    MODEL_IR = 1,
    MODEL_PRODUCER,
    MODEL_GRAPH = 7,
    MODEL_OPSET,
    MODEL_META = 14,
    MODEL_FUNC = 25
};
enum {
    GRAPH_NODE = 1,
    GRAPH_NAME,
    GRAPH_INIT = 5,
    GRAPH_DOC = 10,
    GRAPH_IN,
    GRAPH_OUT,
    GRAPH_INFO,
    GRAPH_SPARSE = 15
};
enum { NODE_IN = 1, NODE_OUT, NODE_NAME, NODE_OP, NODE_ATTR, NODE_DOC, NODE_DOMAIN, NODE_OVERLOAD };
enum {
    ATTR_NAME = 1,
    ATTR_F,
    ATTR_I,
    ATTR_S,
    ATTR_T,
    ATTR_G,
    ATTR_FLOATS,
    ATTR_INTS,
    ATTR_STRINGS,
    ATTR_DOC = 13,
    ATTR_TYPE = 20,
    ATTR_REF = 21
};
enum {
    TENSOR_DIMS = 1,
    TENSOR_TYPE,
    TENSOR_SEGMENT,
    TENSOR_FLOATS,
    TENSOR_INT32S,
    TENSOR_STRINGS,
    TENSOR_INT64S,
    TENSOR_NAME,
    TENSOR_RAW,
    TENSOR_DOUBLES,
    TENSOR_UINT64S,
    TENSOR_DOC,
    TENSOR_EXTERNAL,
    TENSOR_LOCATION
};

static inline void entry(bytes *b, unsigned field, const char *key, const char *value)
{
    bytes e = {.n = 0};
    str(&e, 1, key);
    str(&e, 2, value);
    msg(b, field, &e);
}

static inline void opset(bytes *model, const char *domain, int64_t version)
{
    bytes o = {.n = 0};
    str(&o, 1, domain);
    num(&o, 2, version);
    msg(model, MODEL_OPSET, &o);
}

/* A float value of shape [N, 3], N a symbol. */
static inline void value_info(bytes *graph, unsigned field, const char *name, const char *symbol)
{
    bytes d0 = {.n = 0}, d1 = {.n = 0}, shape = {.n = 0}, t = {.n = 0}, type = {.n = 0},
          info = {.n = 0};
    str(&d0, 2, symbol);
    num(&d1, 1, 3);
    msg(&shape, 1, &d0);
    msg(&shape, 1, &d1);
    num(&t, 1, 1);
    msg(&t, 2, &shape);
    msg(&type, 1, &t);
    str(&info, 1, name);
    msg(&info, 2, &type);
    msg(graph, field, &info);
}

/* A node with up to two inputs, in field `field` of its owner. */
static inline void node_at(bytes *owner, unsigned field, const char *op, const char *name,
                           const char *a, const char *b, const char *out, const bytes *rest)
{
    bytes n = {.n = 0};
    if (a) str(&n, NODE_IN, a);
    if (b) str(&n, NODE_IN, b);
    str(&n, NODE_OUT, out);
    if (name) str(&n, NODE_NAME, name);
    str(&n, NODE_OP, op);
    if (rest) raw(&n, rest->at, rest->n);
    msg(owner, field, &n);
}
static inline void node(bytes *graph, const char *op, const char *name, const char *a,
                        const char *b, const char *out, const bytes *rest)
{
    node_at(graph, GRAPH_NODE, op, name, a, b, out, rest);
}

static inline void tensor_head(bytes *t, const char *name, int64_t type, int64_t dim)
{
    num(t, TENSOR_DIMS, dim);
    num(t, TENSOR_TYPE, type);
    str(t, TENSOR_NAME, name);
}

/* float32[3] */
static inline void initializer(bytes *graph, const char *name, const float x[3])
{
    bytes t = {.n = 0};
    tensor_head(&t, name, 1, 3);
    data(&t, TENSOR_RAW, x, 12);
    msg(graph, GRAPH_INIT, &t);
}

/* The graph goes last, so that a file cut anywhere is broken. */
static inline void model_around(bytes *model, const bytes *graph)
{
    num(model, MODEL_IR, 8);
    opset(model, "", 17);
    msg(model, MODEL_GRAPH, graph);
}

static const float ones[3] = {1, 2, 3};

/* y = Relu(x + w) */
static inline void small_graph(bytes *g)
{
    str(g, GRAPH_NAME, "small");
    initializer(g, "w", ones);
    node(g, "Add", "plus", "x", "w", "sum", NULL);
    node(g, "Relu", "relu", "sum", NULL, "y", NULL);
    value_info(g, GRAPH_IN, "x", "N");
    value_info(g, GRAPH_OUT, "y", "N");
}

static inline enum ph_status read_model(const bytes *model, ph_graph **g, ph_error *err)
{
    *g = NULL;
    return ph_onnx_read_memory(NULL, model->at, model->n, g, err);
}

/* Read a model with this graph. */
static inline enum ph_status read_graph(const bytes *graph, ph_graph **g, ph_error *err)
{
    bytes model = {.n = 0};
    model_around(&model, graph);
    return read_model(&model, g, err);
}

static inline void put(const char *path, const void *p, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(p, 1, n, f), n);
    fclose(f);
}

static inline unsigned char *slurp(const char *path, size_t *n)
{
    struct stat st;
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fstat(fileno(f), &st), 0);
    *n = (size_t)st.st_size;
    unsigned char *p = malloc(*n + 1);
    assert_non_null(p);
    assert_int_equal(fread(p, 1, *n, f), *n);
    fclose(f);
    return p;
}

/* Write `g`; what comes back from the file must be written as the very same bytes. */
static inline unsigned char *write_twice(const ph_graph *g, size_t *n)
{
    ph_error err = {0};
    ph_graph *again;
    size_t m;
    if (ph_onnx_write(g, FILE_NAME, &err)) fail_msg("%s", err.message);
    unsigned char *first = slurp(FILE_NAME, n);
    if (ph_onnx_read(NULL, FILE_NAME, &again, &err)) fail_msg("%s", err.message);
    if (ph_onnx_write(again, FILE_NAME, &err)) fail_msg("%s", err.message);
    unsigned char *second = slurp(FILE_NAME, &m);
    assert_int_equal(*n, m);
    assert_memory_equal(first, second, m);
    free(second);
    ph_graph_free(again);
    return first;
}

static inline bool holds(const unsigned char *p, size_t n, const char *text)
{
    return memmem(p, n, text, strlen(text)) != NULL;
}

static inline void attr(bytes *n, const char *name, int64_t type, const bytes *value)
{
    bytes a = {.n = 0};
    str(&a, ATTR_NAME, name);
    raw(&a, value->at, value->n);
    if (type) num(&a, ATTR_TYPE, type);
    msg(n, NODE_ATTR, &a);
}

/* typed false: IR version 1 could leave the type away. */
static inline void add_all_kinds(bytes *n, bool typed)
{
    bytes f = {.n = 0}, i = {.n = 0}, s = {.n = 0}, t = {.n = 0}, tensor = {.n = 0},
          floats = {.n = 0}, ints = {.n = 0}, strings = {.n = 0};
    flt(&f, ATTR_F, -2.5f);
    attr(n, "f", typed ? 1 : 0, &f);
    num(&i, ATTR_I, INT64_MIN);
    attr(n, "i", typed ? 2 : 0, &i);
    data(&s, ATTR_S, "a\0b", 3);
    attr(n, "s", typed ? 3 : 0, &s);
    tensor_head(&tensor, "inner name", 1, 3);
    data(&tensor, TENSOR_RAW, ones, 12);
    msg(&t, ATTR_T, &tensor);
    attr(n, "t", typed ? 4 : 0, &t);
    flt(&floats, ATTR_FLOATS, 1);
    flt(&floats, ATTR_FLOATS, 2);
    attr(n, "floats", typed ? 6 : 0, &floats);
    data(&ints, ATTR_INTS, "\x01\x02\x80\x01", 4); /* packed: 1, 2, 128 */
    num(&ints, ATTR_INTS, -1);
    attr(n, "ints", typed ? 7 : 0, &ints);
    str(&strings, ATTR_STRINGS, "one");
    str(&strings, ATTR_STRINGS, "");
    attr(n, "strings", typed ? 8 : 0, &strings);
}

#endif /* MODEL_BYTES_H */
