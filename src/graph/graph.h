/* SPDX-License-Identifier: MIT */
/*
 * The graph: values, nodes and constants, as ONNX sees them. Built by build.c, checked by check.c,
 * shapes by infer.c, costs by account.c.
 */
#ifndef PHI_GRAPH_H
#define PHI_GRAPH_H

#include "base/names.h"
#include "graph/op.h"

/* Bytes carried along from a file and not understood: serialised protobuf fields. */
typedef struct phi_blob {
    unsigned char *bytes;
    size_t n;
} phi_blob;

typedef struct phi_attr {
    char *name;
    enum ph_attr_kind kind; /* 0: a kind we do not know; everything is in `extra` */
    int64_t i;
    float f;
    char *s;
    size_t s_bytes; /* strings may hold zero bytes; s has one more behind the end */
    size_t n;
    float *floats;
    int64_t *ints;
    char **strings;
    ph_tensor *tensor;
    phi_blob extra;
} phi_attr;

typedef struct phi_value {
    char *name;
    enum ph_dtype dtype; /* PH_UNDEFINED: not declared */
    int rank;            /* declared; -1: not declared */
    int64_t dims[PH_MAX_RANK];   /* -1: open */
    char *dim_names[PH_MAX_RANK]; /* symbolic names of open dimensions, or NULL */
    ph_tensor *constant; /* initializer, or NULL */
    bool borrowed;       /* the constant is somebody else's */
    char *unread;        /* an initializer that no ph_tensor can hold: why. It is in tensor_extra */
    int32_t producer;    /* node, or -1 */
    bool is_input;       /* listed among the graph's inputs (constants may be, too) */
    bool has_info;       /* listed in value_info */
    phi_blob extra;      /* unknown fields of its ValueInfoProto */
    phi_blob tensor_extra; /* unknown fields of its initializer's TensorProto */
} phi_value;

typedef struct phi_node {
    char *name; /* unique in the graph; made up where the file has none */
    bool name_made_up;
    char *op_type;
    char *domain; /* "" is ONNX's own */
    const phi_op *op; /* NULL: not known here */
    size_t n_in, n_out, n_attrs;
    ph_value *in; /* PH_NONE: left out */
    ph_value *out; /* PH_NONE: an optional output nobody wants */
    phi_attr *attrs;
    phi_blob extra;
} phi_node;

typedef struct phi_opset { /* an opset import */
    char *domain;
    int64_t version;
} phi_opset;

typedef struct phi_meta {
    char *key, *value;
} phi_meta;

struct ph_graph {
    ph_allocator mem;
    char *name;
    bool outline; /* weights have types and no elements: see ph_model_outline */
    bool left;    /* weights may be left in the file: see ph_onnx_open */
    int64_t ir_version;
    phi_opset *opsets; size_t n_opsets, opsets_capacity;
    phi_meta *meta;    size_t n_meta, meta_capacity;
    phi_value *values; size_t n_values, values_capacity;
    phi_node *nodes;   size_t n_nodes, nodes_capacity; /* sorted: producers first (check sees to it) */
    ph_value *inputs;  size_t n_inputs, inputs_capacity; /* in file order, constants among them */
    ph_value *outputs; size_t n_outputs, outputs_capacity;
    phi_blob extra, model_extra; /* unknown fields of GraphProto and ModelProto */
    phi_names value_names, node_names, meta_names;
    size_t names_made; /* the number in the last name that was made up for a node */
    /* inputs that are no constants, in order; valid if `settled` (phi_graph_sort sees to it) */
    ph_value *open_inputs; size_t n_open_inputs, open_inputs_capacity;
    bool settled;
};

/* --- build.c: beyond the public builder ------------------------------------------------------ */

/* The value of this name, made if it is new (nothing known about it yet). */
enum ph_status phi_graph_value(ph_graph *g, const char *name, ph_value *out, ph_error *err);
/* Give a value its constant; taken. PH_ERR_GRAPH if it already is one or has a producer. */
enum ph_status phi_graph_set_constant(ph_graph *g, ph_value v, ph_tensor *taken, ph_error *err);
/* The node of this name, or SIZE_MAX. */
size_t phi_graph_find_node(const ph_graph *g, const char *name);
/* List a value among the inputs. */
enum ph_status phi_graph_set_input(ph_graph *g, ph_value v, ph_error *err);
/*
 * Append a node whose inputs may be produced by nodes that come later in the file; phi_graph_sort
 * puts that right. `domain` "" is ONNX's own.
 */
enum ph_status phi_graph_append(ph_graph *g, const char *domain, const char *op_type,
                                const char *name, size_t n_in, const ph_value *in, size_t n_out,
                                const ph_value *out, size_t *node, ph_error *err);
/* Add an attribute to a node; copied. */
enum ph_status phi_node_add_attr(ph_graph *g, size_t node, const ph_attr *attr, ph_error *err);
/* The next attribute of a node, zeroed but for its name, for the caller to fill with memory of g. */
enum ph_status phi_node_new_attr(ph_graph *g, size_t node, const char *name, phi_attr **out,
                                 ph_error *err);
enum ph_status phi_graph_set_opset(ph_graph *g, const char *domain, int64_t version, ph_error *err);
int64_t phi_graph_opset_of(const ph_graph *g, const char *domain); /* 0: not imported */
enum ph_status phi_blob_set(const ph_graph *g, phi_blob *blob, const void *bytes, size_t n,
                            ph_error *err); /* copied */

/* A new constant `name` of normal numbers drawn from `seed` and the name (sigma 0: zeros). In an
 * outline numbers are not drawn. */
enum ph_status phi_graph_add_normal(ph_graph *g, const char *name, const phi_type *type,
                                    float sigma, uint64_t seed, ph_value *out, ph_error *err);
/* PH_ERR_ARG if the graph is an outline: for all that reads weights. And, if they must be in memory,
 * if some may be left in a file. */
enum ph_status phi_graph_need_weights(const ph_graph *g, bool in_memory, ph_error *err);

typedef struct phi_facts phi_facts; /* see infer.c */

/* Make a list of the inputs that are no constants, so that they are found at once by number; until
 * then, and after a change to inputs, each is searched for. */
enum ph_status phi_graph_settle(ph_graph *g, ph_error *err);

/* --- copy.c: a copy of everything, with what was carried along; values keep their numbers ------- */

enum ph_status phi_graph_copy(const ph_graph *g, ph_graph **out, ph_error *err);
/*
 * A graph of the same values (and numbers), without nodes and outputs: constants are those of
 * `facts`, borrowed, and inputs have the types that facts say.
 */
enum ph_status phi_graph_share(const phi_facts *facts, ph_graph **out, ph_error *err);
/* Append a node of another graph with attributes, but other operands. */
enum ph_status phi_graph_append_like(ph_graph *g, const phi_node *like, size_t n_in,
                                     const ph_value *in, size_t n_out, const ph_value *out,
                                     size_t *node, ph_error *err);

/* --- check.c --------------------------------------------------------------------------------- */

/* Put nodes in an order that can be executed, stable. PH_ERR_GRAPH naming a node of a cycle, or a
 * value that nobody makes. */
enum ph_status phi_graph_sort(ph_graph *g, ph_error *err);
/* Is it an initializer, read or not? */
static inline bool phi_value_is_constant(const phi_value *v) { return v->constant || v->unread; }
/* Is the value there without a node that makes it? */
bool phi_value_is_given(const phi_value *v);
/* Names, producers, order, outputs: everything but operators and shapes. */
enum ph_status phi_graph_check_structure(const ph_graph *g, ph_error *err);
/* All nodes with operators, opsets or attributes that Pinhole does not know, in one message. */
enum ph_status phi_graph_check_supported(const ph_graph *g, ph_error *err);
/* The k-th reason (0, 1, ...) why a node is not supported; PH_OK: there is no such. *kind is
 * "operator", "opset" (then there is but one) or "attribute". */
enum ph_status phi_node_supported(const ph_graph *g, const phi_node *n, size_t k, const char **kind,
                                  ph_error *err);

/* --- infer.c, infer_inputs.c, fold.c --------------------------------------------------------------------------------- */

/* What is known about a value for given input shapes. */
typedef struct phi_fact {
    phi_type type; /* rank -1: nothing (a value that no node produced yet) */
    const ph_tensor *constant; /* its value if known before running, or NULL */
    ph_tensor *owned;          /* the same, where inference computed it */
} phi_fact;

struct phi_facts {
    ph_allocator mem;
    const ph_graph *graph;
    size_t n_values;
    phi_fact *value; /* [n_values] */
    void **params;   /* [n_nodes] op->params_bytes each; NULL if 0 */
};

/* Something that keeps inference from knowing all there is to know. */
typedef struct phi_problem {
    int32_t node; /* or -1: an input of the graph */
    const char *kind; /* see ph_finding */
    enum ph_status status;
    const ph_error *err;
    ph_value unknown; /* the value that must be known before running and is not, or PH_NONE */
} phi_problem;

/* What inference goes by; zero means the default. */
typedef struct phi_infer_desc {
    size_t n_hints;
    const ph_shape_hint *hints; /* [n_hints] */
    size_t n_values;
    const ph_known_value *values; /* [n_values] inputs whose values are known: copied */
    /* Nodes whose inputs are all constant are computed at once and become constants (constant
     * folding). If false, only what shapes are made of is: few numbers, no weights of layers. */
    bool fold;
    /*
     * Called for every problem; inference then goes on with what the file declares about results,
     * and calls `skipped` (may be NULL) for nodes of which not enough is known to be looked at. A
     * result other than PH_OK ends it. NULL: the first problem ends inference and is its result.
     */
    enum ph_status (*problem)(void *user, const phi_problem *p);
    enum ph_status (*skipped)(void *user, size_t node);
    void *user;
    ph_value *unknown; /* optional, receives the last problem's `unknown` */
} phi_infer_desc;

/* Shapes, constants and parameters of the whole graph for given input shapes. */
enum ph_status phi_infer_graph_with(const ph_graph *g, const phi_infer_desc *desc, phi_facts **out,
                                    ph_error *err);
/* The same with hints alone. */
enum ph_status phi_infer_graph(const ph_graph *g, size_t n_hints, const ph_shape_hint *hints,
                               bool fold, phi_facts **out, ph_error *err);
void phi_facts_free(phi_facts *f);

/* Mark `v` and every value whose data (not only its shape) it is computed from. seen [n_values]. */
void phi_graph_trace(const ph_graph *g, ph_value v, bool *seen);

/* Set up the inference context of node `i` again from the facts (for op->macs). `in` and `constant`
 * are caller's arrays of PHI_MAX_IN, `out` of PHI_MAX_OUT. */
void phi_facts_node(const phi_facts *f, size_t i, phi_infer *c, const phi_type **in,
                    const ph_tensor **constant, phi_type *out);

#endif /* PHI_GRAPH_H */
