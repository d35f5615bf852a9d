/* SPDX-License-Identifier: MIT */
/*
 * Pinhole: small, fast convolutional networks, built on the 1x1 convolution.
 *
 * The whole public interface. It is in six parts, each of which only needs the ones above it:
 *
 *   1. basics     status codes, errors, allocator, version, CPU
 *   2. tensors    dense arrays with a type and a shape; .npy and ONNX tensor files
 *   3. graphs     networks: built by hand, from a .net text, from ONNX; checked, accounted for
 *   4. running    a plan made once for given shapes, and runs of it
 *   5. training   data sets, the trainer, evaluation
 *   6. images     JPEG and PNG, resizing, pixels to tensors; what a classifier's scores are
 *
 * Conventions that hold everywhere
 *
 *   Shapes      are logical ONNX shapes: images are [n, c, h, w]; weights of a convolution are
 *               [k, c/g, r, s]. How a tensor lies in memory inside a plan is the library's business.
 *   Costs       are counted in MACs (multiply-accumulates); 1 MAC = 2 FLOP.
 *   Results     of functions that can fail are an `enum ph_status`; outputs are written only if
 *               PH_OK is returned, unless the comment says otherwise.
 *   Errors      go to a caller-owned `ph_error`, which may be NULL. The library never prints,
 *               exits or aborts because of its input.
 *   Ownership   each pointer parameter is `borrowed` (used during the call, or for as long as the
 *               comment says), `copied`, or `taken` (the library frees it). Unmarked ones are
 *               borrowed for the call. Every ..._free accepts NULL.
 *   Threads     objects without a comment on threads belong to one thread at a time.
 */
#ifndef PINHOLE_H
#define PINHOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define PH_API __attribute__((visibility("default")))
#else
#define PH_API
#endif

#define PH_VERSION_MAJOR 0
#define PH_VERSION_MINOR 1
#define PH_VERSION_PATCH 0

/* ------------------------------------------------------------------------------------------------
 * 1. Basics
 * --------------------------------------------------------------------------------------------- */

/* Version of the library at run time, such as "0.1.0". Static storage. */
PH_API const char *ph_version(void);

/*
 * What a call came to. Values are frozen once released; new ones take free numbers of their family.
 */
enum ph_status {
    PH_OK = 0,

    PH_ERR_ARG = 10,      /* an argument makes no sense by itself */
    PH_ERR_SHAPE = 11,    /* shapes do not fit together */
    PH_ERR_TYPE = 12,     /* an element type does not fit */
    PH_ERR_OVERFLOW = 13, /* a size does not fit into 63 bits, or into memory's address range */
    PH_ERR_GRAPH = 14,    /* a graph is not well-formed: cycle, missing value, duplicate name */

    PH_ERR_IO = 20,        /* the operating system refused to open, read or write */
    PH_ERR_FORMAT = 21,    /* a file or text is not what it claims to be */
    PH_ERR_NOT_FOUND = 22, /* no such file, network, data set or name */

    PH_ERR_UNSUPPORTED = 30, /* valid, but Pinhole cannot do it */
    PH_ERR_STOPPED = 31,     /* a callback asked to stop */

    PH_ERR_NOMEM = 40, /* out of memory */

    PH_ERR_INTERNAL = 90 /* our bug; please report it */
};

/* The word for a status, such as "PH_ERR_SHAPE"; "?" for a number that is none. Static storage. */
PH_API const char *ph_status_name(enum ph_status status);

#define PH_ERROR_MESSAGE_BYTES 4096

/*
 * The caller-owned account of a failure. Zero-initialise it, pass it to any call, read it if the
 * call did not return PH_OK. `where` names the node, file or option; `message` is one line that
 * says what is wrong, what came and what was wanted (and contains `where` already).
 */
typedef struct ph_error {
    enum ph_status status;
    char where[256];
    char message[PH_ERROR_MESSAGE_BYTES];
} ph_error;

/*
 * Where memory comes from. `alloc` returns `bytes` bytes aligned to `align` (a power of two, at
 * most 64) or NULL; `free` takes what `alloc` gave, or NULL. Both must be safe to call from the
 * thread that uses the object created with this allocator.
 *
 * Wherever a `const ph_allocator *mem` is asked for, NULL means the C library's; otherwise the
 * struct is copied and `user` must outlive every object created with it.
 */
typedef struct ph_allocator {
    void *(*alloc)(void *user, size_t bytes, size_t align);
    void (*free)(void *user, void *ptr);
    void *user;
} ph_allocator;

/*
 * A limit on memory. The budget's allocator takes its memory from another one and refuses, before
 * anything is allocated, what would bring the bytes in use above `limit`; the call that asked fails
 * with PH_ERR_NOMEM as it does when memory runs out. Give it to whatever reads a file that is not
 * trusted: a model, and the plans and runs made of it, a tensor, a data set.
 *
 * Sizes are in bytes and count everything the library asks for, with 64 bytes a block for keeping
 * count. Stacks of threads are not in it.
 *
 * Threads: the allocator and the functions below may be used from any thread at any time; the
 * counts are atomic.
 */
typedef struct ph_budget ph_budget;

/* `mem` is copied (NULL: the C library's). Errors: PH_ERR_NOMEM. */
PH_API enum ph_status ph_budget_new(const ph_allocator *mem, size_t limit, ph_budget **out,
                                    ph_error *err);
/* After every object that was made with its allocator. */
PH_API void ph_budget_free(ph_budget *b);
PH_API const ph_allocator *ph_budget_allocator(const ph_budget *b); /* lives as long as b */
PH_API size_t ph_budget_limit(const ph_budget *b);
PH_API size_t ph_budget_used(const ph_budget *b); /* now */
PH_API size_t ph_budget_peak(const ph_budget *b); /* the most so far */
/* What was asked for in vain: the most that a refused allocation would have brought the bytes in
 * use to. 0: nothing was refused. At least so much is needed; it may be more. */
PH_API size_t ph_budget_wanted(const ph_budget *b);

/*
 * `text` as it may be printed on one line of a terminal, in `buf` [bytes], which is returned:
 * control characters, those that turn the direction of text and bytes that are not UTF-8 become
 * '?'; a text that does not fit loses its middle to "...". For names out of files.
 */
PH_API const char *ph_text_plain(const char *text, char *buf, size_t bytes);

/*
 * The instruction set whose kernels are in use: "scalar", "avx2", ... Static storage.
 *
 * The choice is made on first use from the CPU and the operating system, capped by the environment
 * variable PH_CPU (same words) and by ph_cpu_limit(). It is the library's only process-wide state.
 */
PH_API const char *ph_cpu_isa(void);

/*
 * Use no kernels above `isa` from now on ("scalar", "avx2"; NULL lifts the cap). Call it before
 * plans are made: a plan packs weights for the kernels of its time and keeps using them.
 * Returns PH_ERR_ARG for an unknown word. Not thread-safe.
 */
PH_API enum ph_status ph_cpu_limit(const char *isa);

/*
 * The kernel in use for slot number `i` (0, 1, 2, ...), or NULL past the last one; `slot`, if not
 * NULL, receives the slot's name, such as "gemm_f32". Static storage.
 */
PH_API const char *ph_kernel_name(size_t i, const char **slot);

/*
 * The operator number `i` (0, 1, 2, ...) of ONNX's default domain that Pinhole knows, such as
 * "Conv", or NULL past the last one. `since` and `until`, if not NULL, receive the first and the
 * last opset whose definition of it is understood; until 0: to the newest. Static storage.
 */
PH_API const char *ph_op_name(size_t i, int *since, int *until);

/* Number of CPUs this process may run on; at least 1. What "0 threads" means elsewhere. */
PH_API size_t ph_cpu_count(void);

/* What a machine did at most while it was measured. */
typedef struct ph_cpu_peak {
    const char *isa; /* that of the kernels in use; static storage */
    size_t n_threads;
    double flop_per_second;  /* float32 multiply-adds from registers to registers, 2 FLOP each */
    double bytes_per_second; /* reading memory that fits into no cache */
    double seconds;          /* what the measurement took */
} ph_cpu_peak;

/*
 * Measure the multiply-add peak of the instruction set in use (see ph_cpu_limit for another) and
 * the memory's bandwidth, with `n_threads` at once (0: one per CPU). Takes a fraction of a second
 * and, for that time, some hundred megabytes at most. Other work on the machine takes its share
 * away: the best of several rounds counts.
 * Errors: PH_ERR_NOMEM, PH_ERR_INTERNAL (no thread).
 */
PH_API enum ph_status ph_cpu_measure_peak(const ph_allocator *mem, size_t n_threads,
                                          ph_cpu_peak *out, ph_error *err);

/* ------------------------------------------------------------------------------------------------
 * 2. Tensors
 * --------------------------------------------------------------------------------------------- */

#define PH_MAX_RANK 8

/* Element types; the numbers are ONNX's TensorProto.DataType. */
enum ph_dtype {
    PH_UNDEFINED = 0,
    PH_FLOAT32 = 1,
    PH_UINT8 = 2,
    PH_INT8 = 3,
    PH_UINT16 = 4,
    PH_INT16 = 5,
    PH_INT32 = 6,
    PH_INT64 = 7,
    PH_STRING = 8, /* known by name, never held in a tensor */
    PH_BOOL = 9,
    PH_FLOAT16 = 10,
    PH_FLOAT64 = 11,
    PH_UINT32 = 12,
    PH_UINT64 = 13,
    PH_COMPLEX64 = 14,
    PH_COMPLEX128 = 15,
    PH_BFLOAT16 = 16
};

/* Bytes of one element; 0 for PH_UNDEFINED, PH_STRING and unknown numbers. */
PH_API size_t ph_dtype_size(enum ph_dtype dtype);

/* "float32", "int64", ...; "?" for an unknown number. Static storage. */
PH_API const char *ph_dtype_name(enum ph_dtype dtype);

/* A dense array that owns its elements, last dimension fastest. */
typedef struct ph_tensor ph_tensor;

/*
 * A new tensor, all bytes zero.
 *
 * dims    [rank], each >= 0; rank <= PH_MAX_RANK; rank 0 is a scalar with one element
 * out     receives the tensor; free it with ph_tensor_free
 *
 * Errors: PH_ERR_ARG, PH_ERR_TYPE (no element size), PH_ERR_OVERFLOW, PH_ERR_NOMEM.
 */
PH_API enum ph_status ph_tensor_new(const ph_allocator *mem, enum ph_dtype dtype, size_t rank,
                                    const int64_t *dims, ph_tensor **out, ph_error *err);
PH_API void ph_tensor_free(ph_tensor *t);

PH_API enum ph_dtype ph_tensor_dtype(const ph_tensor *t);
PH_API size_t ph_tensor_rank(const ph_tensor *t);
PH_API const int64_t *ph_tensor_dims(const ph_tensor *t); /* [rank], lives as long as t */
PH_API int64_t ph_tensor_count(const ph_tensor *t);       /* elements */
PH_API size_t ph_tensor_bytes(const ph_tensor *t);
PH_API void *ph_tensor_data(ph_tensor *t); /* 64-byte aligned, lives as long as t */
PH_API const void *ph_tensor_const_data(const ph_tensor *t);

/*
 * Read and write NumPy's .npy (format versions 1 to 3, C and Fortran order, either byte order in;
 * version 1, C order, little-endian out). Writing replaces the file at once or not at all.
 *
 * Errors: PH_ERR_IO, PH_ERR_NOT_FOUND, PH_ERR_FORMAT, PH_ERR_UNSUPPORTED (structured or object
 * arrays), PH_ERR_OVERFLOW, PH_ERR_NOMEM.
 * See NumPy, "numpy.lib.format", NEP 1.
 */
PH_API enum ph_status ph_tensor_read_npy(const ph_allocator *mem, const char *path, ph_tensor **out,
                                         ph_error *err);
PH_API enum ph_status ph_tensor_write_npy(const ph_tensor *t, const char *path, ph_error *err);

/*
 * Read a file that holds one ONNX TensorProto, as in the test_data_set_N folders of ONNX models.
 * `name` (may be NULL) receives up to `name_bytes` - 1 bytes of the tensor's name.
 */
PH_API enum ph_status ph_tensor_read_onnx(const ph_allocator *mem, const char *path,
                                          ph_tensor **out, char *name, size_t name_bytes,
                                          ph_error *err);

/* ------------------------------------------------------------------------------------------------
 * 3. Graphs
 * --------------------------------------------------------------------------------------------- */

/*
 * A network in ONNX's language: values, nodes that make values from values, constants. Every
 * command of Pinhole takes a graph or gives one.
 */
typedef struct ph_graph ph_graph;

/* A value of a graph, by number; numbers stay valid as long as the graph. */
typedef int32_t ph_value;
#define PH_NONE ((ph_value)-1) /* no value: an optional input that is left out */

/* An attribute of a node, borrowed in calls. `kind` says which member counts. */
enum ph_attr_kind {
    PH_ATTR_FLOAT = 1,
    PH_ATTR_INT = 2,
    PH_ATTR_STRING = 3,
    PH_ATTR_TENSOR = 4,
    PH_ATTR_FLOATS = 6,
    PH_ATTR_INTS = 7,
    PH_ATTR_STRINGS = 8
};

typedef struct ph_attr {
    const char *name;
    enum ph_attr_kind kind;
    int64_t i;
    float f;
    const char *s;
    size_t n; /* elements of the list members below */
    const float *floats;
    const int64_t *ints;
    const char *const *strings;
    const ph_tensor *tensor;
} ph_attr;

/* The opset that graphs built here, and networks from .net texts, are written in. */
#define PH_OPSET 17

/*
 * An empty graph of opset PH_OPSET. `name` is copied.
 *
 * A builder call that fails leaves the graph as it was, but for values that nothing uses; after
 * PH_ERR_NOMEM a graph should only be freed.
 */
PH_API enum ph_status ph_graph_new(const ph_allocator *mem, const char *name, ph_graph **out,
                                   ph_error *err);
PH_API void ph_graph_free(ph_graph *g);

/*
 * Declare an input. A dimension of -1 is left open: a batch size (the first dimension) that
 * ph_shape_hint or the first run decides. `name` is copied and must be new.
 */
PH_API enum ph_status ph_graph_add_input(ph_graph *g, const char *name, enum ph_dtype dtype,
                                         size_t rank, const int64_t *dims, ph_value *out,
                                         ph_error *err);

/* Add a constant (an ONNX initializer); `t` is copied, `name` too. */
PH_API enum ph_status ph_graph_add_constant(ph_graph *g, const char *name, const ph_tensor *t,
                                            ph_value *out, ph_error *err);

/*
 * Add a node.
 *
 * op_type     ONNX operator name in the default domain, such as "Conv"
 * name        unique, or NULL: one is made from op_type
 * in          [n_in] values; PH_NONE for an optional input left out
 * attrs       [n_attrs], copied
 * out_names   [n_out] unique names for the outputs, or NULL: made from the node's name
 * out         [n_out] receives the outputs
 *
 * An operator that Pinhole does not know is added all the same (such a graph can be read, looked at
 * and written, not run).
 * Errors: PH_ERR_ARG, PH_ERR_GRAPH (duplicate name, unknown value), PH_ERR_NOMEM. Attributes and
 * shapes are checked by ph_graph_check.
 */
PH_API enum ph_status ph_graph_add_node(ph_graph *g, const char *op_type, const char *name,
                                        size_t n_in, const ph_value *in, size_t n_attrs,
                                        const ph_attr *attrs, size_t n_out,
                                        const char *const *out_names, ph_value *out, ph_error *err);

/* Make `v` an output of the graph; outputs keep the order of these calls. */
PH_API enum ph_status ph_graph_add_output(ph_graph *g, ph_value v, ph_error *err);

/* Settings of ph_graph_add_conv; zero means the default that the comment gives. */
typedef struct ph_conv_desc {
    int64_t k;           /* output channels; required */
    int64_t r, s;        /* kernel height, width; 0: 1 and r */
    int64_t stride_h, stride_w;     /* 0: 1 and stride_h */
    int64_t dilation_h, dilation_w; /* 0: 1 and dilation_h */
    int64_t pad_top, pad_left, pad_bottom, pad_right;
    int64_t groups; /* 0: 1 */
    bool no_bias;
    const char *name; /* NULL: made up */
} ph_conv_desc;

/*
 * Add a convolution with new weights over `x`, which has `c` channels: He-normal weights (He 2015,
 * arXiv:1502.01852, sec. 2.2) drawn from `seed` and the weights' name, zero bias.
 */
PH_API enum ph_status ph_graph_add_conv(ph_graph *g, ph_value x, int64_t c,
                                        const ph_conv_desc *desc, uint64_t seed, ph_value *out,
                                        ph_error *err);

/*
 * Check everything that can be checked without input data: names, values, order (no cycles),
 * operators (all unsupported ones are listed in one message), attributes, types and shapes.
 */
PH_API enum ph_status ph_graph_check(const ph_graph *g, ph_error *err);

/* Looking at a graph. Strings and tensors live as long as the graph; indices must be in range. */
PH_API const char *ph_graph_name(const ph_graph *g);
PH_API int64_t ph_graph_opset(const ph_graph *g); /* of the default domain */
PH_API size_t ph_graph_n_inputs(const ph_graph *g); /* without those that are constants */
PH_API size_t ph_graph_n_outputs(const ph_graph *g);
PH_API ph_value ph_graph_input(const ph_graph *g, size_t i);
PH_API ph_value ph_graph_output(const ph_graph *g, size_t i);
PH_API size_t ph_graph_n_values(const ph_graph *g);
PH_API const char *ph_value_name(const ph_graph *g, ph_value v);
PH_API ph_value ph_graph_find(const ph_graph *g, const char *name); /* PH_NONE if there is none */
PH_API const ph_tensor *ph_value_constant(const ph_graph *g, ph_value v); /* NULL if it is none */
/* Declared type of a value: writes up to PH_MAX_RANK dims (-1: open), returns the rank or -1. */
PH_API int ph_value_type(const ph_graph *g, ph_value v, enum ph_dtype *dtype, int64_t *dims);
/* The symbolic name of an open dimension, such as "batch"; NULL if it has none or is not open. */
PH_API const char *ph_value_dim_name(const ph_graph *g, ph_value v, size_t dim);
PH_API size_t ph_graph_n_nodes(const ph_graph *g); /* in an order that can be executed */
PH_API const char *ph_node_name(const ph_graph *g, size_t node);
PH_API const char *ph_node_op(const ph_graph *g, size_t node);
PH_API bool ph_node_supported(const ph_graph *g, size_t node);

/* Metadata (ONNX metadata_props): set copies both; get returns NULL if the key is not there. */
PH_API enum ph_status ph_graph_set_metadata(ph_graph *g, const char *key, const char *value,
                                            ph_error *err);
PH_API const char *ph_graph_metadata(const ph_graph *g, const char *key);

/*
 * Read and write ONNX. The reader accepts what it does not understand as far as it can carry it
 * along: names, opsets, metadata and unknown fields survive read and write. External tensor data is
 * read only from the model's own directory or below. Writing replaces the file at once or not at
 * all.
 *
 * Errors: PH_ERR_IO, PH_ERR_NOT_FOUND, PH_ERR_FORMAT, PH_ERR_GRAPH, PH_ERR_UNSUPPORTED,
 * PH_ERR_OVERFLOW, PH_ERR_NOMEM. Specification: ONNX IR, github.com/onnx/onnx/docs/IR.md.
 */
PH_API enum ph_status ph_onnx_read(const ph_allocator *mem, const char *path, ph_graph **out,
                                   ph_error *err);

/*
 * Read a model only to run it: as ph_onnx_read, but large weights of convolutions and fully connected
 * layers stay in the file, which is held open, until ph_plan_new packs them, a few rows at a time. So
 * a network is in memory once, not twice, and sooner ready.
 *
 * The graph can be planned, any number of times, looked at, checked and accounted for; writing and
 * training refuse it with PH_ERR_ARG. ph_tensor_const_data is NULL for weights that stay in the file.
 * If the file was changed meanwhile, ph_plan_new fails with PH_ERR_IO; one that is replaced (renamed
 * over, as ph_onnx_write does it) or deleted is still there for the graph. Plans do not need it.
 */
PH_API enum ph_status ph_onnx_open(const ph_allocator *mem, const char *path, ph_graph **out,
                                   ph_error *err);
PH_API enum ph_status ph_onnx_read_memory(const ph_allocator *mem, const void *bytes, size_t n,
                                          ph_graph **out, ph_error *err);
PH_API enum ph_status ph_onnx_write(const ph_graph *g, const char *path, ph_error *err);

/*
 * Read a network text. The language is described in docs/net.md. Weights are new, drawn from
 * `seed`. `origin` names the text in errors, which say line and column.
 */
PH_API enum ph_status ph_net_parse(const ph_allocator *mem, const char *text, size_t n,
                                   const char *origin, uint64_t seed, ph_graph **out,
                                   ph_error *err);
PH_API enum ph_status ph_net_read(const ph_allocator *mem, const char *path, uint64_t seed,
                                  ph_graph **out, ph_error *err);

/* The networks in the box: name, one line about it, text. NULL past the last. Static storage. */
PH_API const char *ph_zoo_name(size_t i);
PH_API const char *ph_zoo_title(size_t i);
PH_API const char *ph_zoo_text(size_t i);

/*
 * A model by name: a path that ends in .onnx or .net, FILE.net:NAME for one of the networks of a
 * text (the first without), or the name of a network in the box. Weights of the box and of texts are
 * drawn from `seed`.
 */
PH_API enum ph_status ph_model_load(const ph_allocator *mem, const char *model, uint64_t seed,
                                    ph_graph **out, ph_error *err);

/* The same, only to run it: an .onnx file is read as by ph_onnx_open. */
PH_API enum ph_status ph_model_open(const ph_allocator *mem, const char *model, uint64_t seed,
                                    ph_graph **out, ph_error *err);

/*
 * The same without weights: a graph to look at, to check and to account for, made in no time and in
 * little memory however large the network (VGG-16's weights are 553 MB). Weights of texts and of the
 * box have their types, and no elements (ph_tensor_const_data is NULL). ph_plan_new, training and
 * writing refuse it with PH_ERR_ARG; ph_account_plan takes it. An .onnx file is read as by ph_model_load.
 */
PH_API enum ph_status ph_model_outline(const ph_allocator *mem, const char *model, ph_graph **out,
                                       ph_error *err);
PH_API enum ph_status ph_net_outline(const ph_allocator *mem, const char *text, size_t n,
                                     const char *origin, ph_graph **out, ph_error *err);

/* A shape given from outside for the input `name` of a graph, to fill in what the graph leaves open
 * or to replace the batch size. Everything is borrowed. */
typedef struct ph_shape_hint {
    const char *name; /* NULL: the graph's only input */
    size_t rank;
    int64_t dims[PH_MAX_RANK];
} ph_shape_hint;

/*
 * Declare the shape of an input for good: what it leaves open, and the same symbolic dimensions of
 * other values. Errors: PH_ERR_NOT_FOUND, PH_ERR_ARG, PH_ERR_SHAPE if it does not fit.
 */
PH_API enum ph_status ph_graph_set_shape(ph_graph *g, const ph_shape_hint *shape, ph_error *err);

/* The value of an input, known before running. Borrowed. */
typedef struct ph_known_value {
    const char *name; /* NULL: the graph's only input */
    const ph_tensor *value;
} ph_known_value;

/* --- Account ------------------------------------------------------------------------------- */

/* What a 1x1 convolution does to the channels. */
enum ph_role { PH_ROLE_NONE = 0, PH_ROLE_SHRINK, PH_ROLE_KEEP, PH_ROLE_GROW };

/* "shrink", "keep", "grow"; NULL for PH_ROLE_NONE. Static storage. */
PH_API const char *ph_role_name(enum ph_role role);

/* What multiplies in a layer. */
enum ph_kind {
    PH_KIND_OTHER = 0, /* nothing, as far as MACs count */
    PH_KIND_1X1,       /* convolution of one group whose kernel is 1 in every dimension */
    PH_KIND_CONV,      /* larger convolution of one group */
    PH_KIND_GROUPED,   /* convolution of several groups */
    PH_KIND_DEPTHWISE, /* as many groups as input channels */
    PH_KIND_DENSE      /* matrix product: fully connected */
};
enum { PH_N_KINDS = PH_KIND_DENSE + 1 };

/* "1x1", "conv", "grouped", "depthwise", "dense", "other". Static storage. */
PH_API const char *ph_kind_name(enum ph_kind kind);

/* A number that is not known: an operator that Pinhole does not know, a shape behind one. */
#define PH_UNKNOWN INT64_C(-1)

/* One node's costs. Strings live as long as the account. */
typedef struct ph_layer_cost {
    const char *name;
    const char *op;      /* "Conv"; of another domain "com.acme.Foo" */
    const char *unknown; /* NULL, or one line: why not everything is known about the node */
    bool shape_known;    /* of output 0; if not, its rank is given as 0 */
    size_t output_rank;
    int64_t output_dims[PH_MAX_RANK];
    int64_t parameters; /* elements of the constants that training would update: weights, biases,
                         * scales (docs/account.md). Shared ones count at their first user */
    int64_t weights;    /* those of them in constants of two and more dimensions: no biases, norms */
    int64_t statistics; /* elements that training keeps up by itself: running means, variances */
    int64_t macs;       /* or PH_UNKNOWN */
    int64_t activation_bytes; /* all outputs, or PH_UNKNOWN */
    int64_t moved_bytes;      /* operands and results, each once, or PH_UNKNOWN; after
                               * ph_account_plan those of its steps in the plan; what a layer
                               * hands to the next in the same pass does not count */
    enum ph_role role;
    enum ph_kind kind;
    bool classifier; /* makes the scores: no weights behind it, see docs/account.md */

    /* After ph_account_plan; 0 before. */
    bool fused;         /* has no step of its own in the plan: done by another, or not needed */
    int64_t live_bytes; /* activations that are in memory while it runs; 0 without a step */

    /* After ph_account_set_peak; 0 before, and where nothing is known or moved. */
    double arithmetic_seconds; /* 2 * macs / peak */
    double memory_seconds;     /* moved_bytes / bandwidth */
    double bound_seconds;      /* the larger */
} ph_layer_cost;

/*
 * What a 1x1 reduction saves, in three readings (docs/account.md). Each compares a module as it is
 * (`with`) with the module without its reduction (`without`); biases count on both sides.
 */
typedef struct ph_module_cost {
    int64_t parameters_with, parameters_without;
    int64_t macs_with, macs_without; /* or PH_UNKNOWN, both */
} ph_module_cost;

typedef struct ph_saving {
    const char *reduction;   /* name of the 1x1 layer that shrinks */
    const char *consumer;    /* name of the convolution it feeds (the first, if there are more) */
    size_t n_consumers;      /* larger convolutions that read it */
    int64_t c_in, c_reduced; /* channels before and after the reduction */
    /* 1. The reduction and the larger convolutions that read it; without it, these read the wide
     *    input. */
    int64_t parameters_with, parameters_without;
    int64_t macs_with, macs_without; /* or PH_UNKNOWN, both */
    /* 2. The same with the 1x1 convolutions that read it, too (SqueezeNet's expand1x1). */
    size_t n_1x1; /* how many; 0: this reading is the first */
    ph_module_cost all;
    /* 3. A bottleneck: reduction, one larger convolution, a 1x1 that grows, each read by the next
     *    alone. Without both 1x1: the larger convolution from the wide input to the wide output. */
    const char *growth; /* name of that last 1x1, or NULL: there is none */
    int64_t c_out;      /* its channels */
    ph_module_cost bottleneck;
} ph_saving;

/* Sums over all layers of what is known. */
typedef struct ph_totals {
    int64_t layers;
    int64_t parameters;
    int64_t macs;
    int64_t activation_bytes;
    int64_t parameter_bytes;
    int64_t weights, statistics;
    int64_t classifier_parameters, classifier_macs;
    int64_t unknown_nodes;       /* layers that are not understood */
    int64_t unknown_macs;        /* layers whose MACs are not known: the sum is a lower bound */
    int64_t unknown_activations; /* layers whose outputs' sizes are not known */
    int64_t moved_bytes;         /* after ph_account_plan of all steps of the plan */
    /* After ph_account_plan; 0 before. */
    int64_t arena_bytes;     /* memory for all activations of a run, as placed */
    int64_t peak_live_bytes; /* most activations in memory at a time */
    const char *peak_layer;  /* the layer during which they are, or NULL */
    double bound_seconds;    /* after ph_account_set_peak: of the layers' bounds */
} ph_totals;

typedef struct ph_account ph_account;

/*
 * Account for every node of `g`. Open batch sizes count as 1 unless `hints` [n_hints] say otherwise.
 * `g` is borrowed for the call. A graph need not be one that can be run: what is not understood is
 * in the account with its constants, and marked. Errors: PH_ERR_GRAPH, PH_ERR_SHAPE, PH_ERR_TYPE,
 * PH_ERR_OVERFLOW, PH_ERR_NOMEM; PH_ERR_ARG and PH_ERR_NOT_FOUND for hints.
 */
PH_API enum ph_status ph_account_new(const ph_graph *g, size_t n_hints, const ph_shape_hint *hints,
                                     ph_account **out, ph_error *err);
PH_API void ph_account_free(ph_account *a);
PH_API size_t ph_account_n_layers(const ph_account *a);
PH_API const ph_layer_cost *ph_account_layer(const ph_account *a, size_t i);
PH_API size_t ph_account_n_savings(const ph_account *a);
PH_API const ph_saving *ph_account_saving(const ph_account *a, size_t i);
PH_API const ph_totals *ph_account_totals(const ph_account *a);

/*
 * Plan a run of `g`, of which `a` is the account (with the same hints), as ph_plan_new would, and
 * add to the account what the plan says: memory, and which layers are fused. Packs no weights.
 * If it fails (PH_ERR_UNSUPPORTED for a graph that cannot be run), the account is as it was.
 */
PH_API enum ph_status ph_account_plan(ph_account *a, const ph_graph *g, size_t n_hints,
                                      const ph_shape_hint *hints, ph_error *err);

/*
 * Set what a machine can do at most, for each layer's lower bound in time (the roofline model,
 * Williams 2009): arithmetic in FLOP/s and memory traffic in bytes/s; 0: not known, no bound.
 */
PH_API void ph_account_set_peak(ph_account *a, double flop_per_second, double bytes_per_second);

/*
 * Write an account as a text table, as one JSON document ("schema": 1) or as CSV; as
 * PH_FORMAT_ROOFLINE a table of bytes moved, arithmetic intensity and bounds in time.
 */
enum ph_format { PH_FORMAT_TEXT = 0, PH_FORMAT_JSON, PH_FORMAT_CSV, PH_FORMAT_ROOFLINE };
PH_API enum ph_status ph_account_write(const ph_account *a, enum ph_format format, FILE *f,
                                       ph_error *err);

/*
 * Write two accounts side by side: totals and their ratios, costs by kind of layer and by size of
 * the image, layers aligned by name, operator and shape. PH_FORMAT_ROOFLINE is none here.
 */
PH_API enum ph_status ph_account_write_pair(const ph_account *a, const ph_account *b,
                                            enum ph_format format, FILE *f, ph_error *err);

/* ------------------------------------------------------------------------------------------------
 * 4. Running
 * --------------------------------------------------------------------------------------------- */

/*
 * A graph compiled for given input shapes: nodes in order, constants folded, weights packed, every
 * buffer placed. Immutable; any number of runs, each on its own thread, may share one.
 */
typedef struct ph_plan ph_plan;

/*
 * How long convolutions take by the ways there are to compute them, as it was measured. Which is
 * the fastest may differ from what plans estimate, and with the machine and number of threads.
 *
 * Threads: plans only read it, so several threads may make plans with one at a time; the functions
 * on it (ph_measurements_...) each want it for themselves.
 */
typedef struct ph_measurements ph_measurements;

/* Settings of ph_plan_new; zero means the default. */
typedef struct ph_plan_desc {
    size_t n_hints;
    const ph_shape_hint *hints; /* [n_hints] shapes of inputs; open batch sizes are 1 otherwise */
    /* [n_values] values of inputs that are known now (copied): constants of the plan, which has no
     * ports for these inputs. Shapes may depend on them: see ph_graph_wanted_values. */
    size_t n_values;
    const ph_known_value *values;
    bool keep_all; /* every node as it stands: no folding of batch norms, no fusion */
    /* Convolutions by their definition only. Otherwise 3x3 ones of stride 1 or 2 and 5x5 ones of
     * stride 1 may go through Winograd's minimal filtering (arXiv:1509.09308), those of at most four
     * channels, with strides, too, through its one-dimensional form, and large 1x1 ones through a
     * level of Strassen's product, which multiply less and round differently; docs/numerics.md has
     * the errors measured. */
    bool exact;
    /* Bytes of packed weights at most; 0: no bound. Winograd's weights are 1.4 to 7.1 times as many
     * bytes as plain ones, Strassen's 7/4: the convolutions with most to give go without them until
     * the rest fits. */
    size_t max_weights;
    /* Threads that pack weights, with the caller's; they end before ph_plan_new does. 0: one per
     * CPU. Small networks are packed by the caller alone. The same bits for any number, but for
     * what `measurements` make of it. */
    size_t n_threads;
    /* Times by which ways to compute convolutions are chosen (ph_measurements_add); borrowed for
     * the call. NULL, and where they do not know all the ways that come into question for n_threads
     * and the instruction set in use: ways are chosen by estimates. */
    const ph_measurements *measurements;
} ph_plan_desc;

/*
 * Some networks compute shapes, axes, pads or the like from the values of inputs. Which inputs must
 * be known when the plan is made, out of those that the caller could give in desc->values?
 *
 * wanted  out, [ph_graph_n_inputs(g)]: true for inputs among desc->values that some shape depends on
 *
 * Errors: PH_ERR_NOMEM. Anything that is wrong with the graph or `desc` is for ph_plan_new to find.
 */
PH_API enum ph_status ph_graph_wanted_values(const ph_graph *g, const ph_plan_desc *desc,
                                             bool *wanted, ph_error *err);

/*
 * `g` is borrowed and must outlive the plan unchanged. `desc` may be NULL.
 *
 * The same graph, `desc` and, if there are any, measurements make the same choices, and so the same
 * bits, on one machine.
 *
 * Errors: what is wrong with the graph or its inputs; PH_ERR_NOMEM.
 */
PH_API enum ph_status ph_plan_new(const ph_graph *g, const ph_plan_desc *desc, ph_plan **out,
                                  ph_error *err);
PH_API void ph_plan_free(ph_plan *p);

/* --- Ways that were measured --- */

/* Nothing is known yet. Errors: PH_ERR_NOMEM. */
PH_API enum ph_status ph_measurements_new(const ph_allocator *mem, ph_measurements **out,
                                          ph_error *err);
PH_API void ph_measurements_free(ph_measurements *m);

/*
 * Try the ways to compute each convolution that a plan of `g` by `desc` (may be NULL) has to choose
 * from, but for what `m` knows already. It is done here, on this machine, by the instruction set in
 * use, on desc->n_threads threads, for one image whatever the batch: a few hundredths of a second
 * for each size of convolution, or three runs of each way where these take longer. A plan of `g`
 * by `desc` with these measurements then chooses by them; so may others that have convolutions of
 * the same sizes. Ways round differently: results are the same to rounding. desc->exact holds;
 * desc->measurements do not count.
 *
 * Errors: what is wrong with the graph or its inputs; PH_ERR_NOMEM, PH_ERR_INTERNAL (no thread). `m`
 * then knows no more than before, or some of it.
 */
PH_API enum ph_status ph_measurements_add(ph_measurements *m, const ph_graph *g,
                                          const ph_plan_desc *desc, ph_error *err);

/*
 * What a file knows of this machine: its processor and this version of Pinhole, for any instruction
 * set and number of threads. It is JSON; docs/performance.md has the format.
 *
 * Errors: PH_ERR_NOT_FOUND, PH_ERR_IO, PH_ERR_FORMAT or PH_ERR_UNSUPPORTED if it holds something
 * else, PH_ERR_NOMEM.
 */
PH_API enum ph_status ph_measurements_read(const ph_allocator *mem, const char *path,
                                           ph_measurements **out, ph_error *err);

/*
 * Add to a file what it does not know, and make it if there is none; whatever else is in it stays.
 * Where it knows all that `m` knows of a convolution, as somebody else may have written it since it
 * was read, `m` takes it from there: plans that are made of `m` after this choose as those of
 * whoever reads the file. The file is replaced at once or not at all.
 *
 * Errors: as of ph_measurements_read; PH_ERR_OVERFLOW (more than can be read back). PH_ERR_NOT_FOUND:
 * the folder is missing.
 */
PH_API enum ph_status ph_measurements_write(ph_measurements *m, const char *path, ph_error *err);

/* --- Will it run? --- */

/* Something that a survey found. Strings live as long as the survey. */
typedef struct ph_finding {
    enum ph_status status; /* PH_OK: a note; otherwise a reason why the graph cannot be run */
    /*
     * What it is about, in one word: "structure" (the graph is not well-formed), "input",
     * "operator", "opset", "attribute", "shape", "type", "value" (one that must be known before
     * running depends on what is computed), "limit", or "note".
     */
    const char *kind;
    const char *node;    /* name, or NULL: an input, or the graph as a whole */
    const char *op;      /* the node's operator, or NULL */
    const char *message; /* one line that names the node */
} ph_finding;

typedef struct ph_survey ph_survey;

/*
 * Find every reason why `g` cannot be run as `desc` (may be NULL) says, not only the first. Nodes
 * behind one that is not understood are looked at as far as the graph declares their inputs' shapes.
 * Where the shape of an input is left open, one is assumed (batch 1, 3 channels, 224 pixels), and a
 * note says so. Inputs whose values shapes depend on are noted; they are given to ph_plan_new.
 *
 * Errors: PH_ERR_NOMEM, PH_ERR_INTERNAL; all else is a finding.
 */
PH_API enum ph_status ph_survey_new(const ph_graph *g, const ph_plan_desc *desc, ph_survey **out,
                                    ph_error *err);
PH_API void ph_survey_free(ph_survey *s);
PH_API size_t ph_survey_n_findings(const ph_survey *s);
PH_API const ph_finding *ph_survey_finding(const ph_survey *s, size_t i);
/*
 * PH_OK: it will run. PH_ERR_UNSUPPORTED: valid, but with things that Pinhole cannot do.
 * PH_ERR_SHAPE: not with the shapes that were given or assumed. Otherwise the graph is malformed, and
 * this is the first such finding's status.
 */
PH_API enum ph_status ph_survey_status(const ph_survey *s);

/* Inputs (without those whose values were given) and outputs of a plan, in the graph's order, with
 * shapes decided. Live with the plan. */
typedef struct ph_port {
    const char *name;
    enum ph_dtype dtype;
    size_t rank;
    int64_t dims[PH_MAX_RANK];
    int64_t count; /* elements */
    size_t bytes;
} ph_port;
PH_API size_t ph_plan_n_inputs(const ph_plan *p);
PH_API size_t ph_plan_n_outputs(const ph_plan *p);
PH_API const ph_port *ph_plan_input(const ph_plan *p, size_t i);
PH_API const ph_port *ph_plan_output(const ph_plan *p, size_t i);
PH_API size_t ph_plan_weight_bytes(const ph_plan *p); /* packed weights, shared by all runs */
PH_API size_t ph_plan_arena_bytes(const ph_plan *p); /* activations and scratch of one run */

/*
 * What a run does, in this order: it copies each input in, goes through what the plan computes, and
 * copies each output out. Each of these is a step. Nodes that are fused into others, folded or not
 * needed have none; convolutions in one pass are one step, with the name of the last and the MACs of
 * all. Strings live as long as the plan and its graph.
 */
typedef struct ph_step {
    const char *name; /* the node's; of a copy that of the value copied */
    const char *op;   /* the node's operator, "Conv"; NULL: a copy */
    /*
     * How it is done, in a few words to group steps by. Of a convolution "Winograd F(4x4,3x3)" or
     * another size, "line Winograd" (in one dimension), "1x1 gemm" (the image itself is the
     * matrix), "1x1 Strassen" (so too), "window gemm" (its windows are, read where they lie or
     * gathered), "grouped gemm", "depthwise" or "3-D gemm"; of several in one pass "1x1+depthwise+1x1", "window+pooling+1x1", the like, or these
     * without the last; of a copy "copy in", "copy out" or "layout copy" (a change of memory
     * layout); otherwise the operator's name.
     */
    const char *method;
    enum ph_dtype dtype; /* of the first output that there is */
    size_t rank;
    int64_t dims[PH_MAX_RANK];
    int64_t macs; /* of the node as it is defined; Winograd and Strassen multiply less */
    /* Fused into a convolution (of several in one pass, into any): a scaling of channels behind it,
     * such as a batch norm, is in its weights; a sum with another value; a clamp, such as ReLU. */
    bool scaled, added, clamped;
} ph_step;

PH_API size_t ph_plan_n_steps(const ph_plan *p);
/* Describe step `i`. Errors: PH_ERR_ARG if there is none, PH_ERR_OVERFLOW if its MACs do not fit;
 * *out is then as it was. */
PH_API enum ph_status ph_plan_step(const ph_plan *p, size_t i, ph_step *out, ph_error *err);

/* A run of a plan: its activations and threads. Belongs to one thread at a time. */
typedef struct ph_run ph_run;

/* `p` is borrowed and must outlive the run. `n_threads` 0 means one per CPU. */
PH_API enum ph_status ph_run_new(const ph_plan *p, size_t n_threads, ph_run **out, ph_error *err);
PH_API void ph_run_free(ph_run *r);

/*
 * Run once.
 *
 * inputs   [n_inputs]; inputs[i] points to ph_plan_input(p, i)->count contiguous elements
 * outputs  [n_outputs]; outputs[i] receives ph_plan_output(p, i)->count elements
 *
 * Allocates nothing. The same inputs give the same bits whatever the number of threads.
 */
PH_API enum ph_status ph_run_once(ph_run *r, const void *const *inputs, void *const *outputs,
                                  ph_error *err);

/*
 * Run once and look at the clock after each step.
 *
 * seconds  out, [ph_plan_n_steps]; each step's time from the end of the one before, so that the sum is
 *          that of the run. If the run fails, those of the steps behind are not written. NULL: the
 *          clock is not looked at; ph_run_once does this.
 */
PH_API enum ph_status ph_run_timed(ph_run *r, const void *const *inputs, void *const *outputs,
                                   double *seconds, ph_error *err);

/* ------------------------------------------------------------------------------------------------
 * 5. Training
 * --------------------------------------------------------------------------------------------- */

/* Labelled images, all of one size, held in memory as bytes. */
typedef struct ph_dataset ph_dataset;

enum ph_split { PH_SPLIT_TRAIN = 0, PH_SPLIT_TEST };

/*
 * Open one split of a data set.
 *
 * spec   "fashion-mnist:DIR"  IDX files as distributed, plain or gzipped (arXiv:1708.07747)
 *        "cifar10:DIR"        binary version: data_batch_1.bin ... 5, test_batch.bin
 *                             (Krizhevsky 2009, www.cs.toronto.edu/~kriz/cifar.html)
 *
 * Errors: PH_ERR_ARG (unknown kind), PH_ERR_NOT_FOUND, PH_ERR_IO, PH_ERR_FORMAT, PH_ERR_NOMEM.
 */
PH_API enum ph_status ph_dataset_open(const ph_allocator *mem, const char *spec,
                                      enum ph_split split, ph_dataset **out, ph_error *err);
PH_API void ph_dataset_free(ph_dataset *d);
PH_API size_t ph_dataset_count(const ph_dataset *d);
PH_API void ph_dataset_shape(const ph_dataset *d, int64_t chw[3]);
PH_API size_t ph_dataset_n_classes(const ph_dataset *d);
PH_API const char *ph_dataset_class(const ph_dataset *d, size_t label); /* "?" if out of range */
PH_API size_t ph_dataset_label(const ph_dataset *d, size_t i);
PH_API const uint8_t *ph_dataset_image(const ph_dataset *d, size_t i); /* [c,h,w] bytes */
/* Images first .. first + n - 1 as floats in 0 .. 1, [n,c,h,w]. The range must exist. */
PH_API void ph_dataset_floats(const ph_dataset *d, size_t first, size_t n, float *x);

/* Result of an evaluation. */
typedef struct ph_score {
    size_t n_images;
    size_t n_correct;
    double loss;    /* mean softmax cross-entropy, nats */
    double seconds; /* running the network, without reading the data */
} ph_score;

/*
 * Classify every image of `d` with `g` (one image input [n,c,h,w] of floats 0 .. 1, one output
 * [n, classes] or [n, classes, 1, 1]) in batches of `batch` (0: 100).
 *
 * predicted   out, optional: [ph_dataset_count(d)] class numbers
 */
PH_API enum ph_status ph_evaluate(const ph_graph *g, const ph_dataset *d, size_t batch,
                                  size_t n_threads, ph_score *score, int32_t *predicted,
                                  ph_error *err);

/*
 * The same by plans as `desc` (may be NULL) says, but for the shapes and values of inputs; n_threads is
 * for running, too.
 */
PH_API enum ph_status ph_evaluate_as(const ph_graph *g, const ph_dataset *d,
                                     const ph_plan_desc *desc, size_t batch, ph_score *score,
                                     int32_t *predicted, ph_error *err);

enum ph_optimizer { PH_SGD = 0, PH_ADAM };
enum ph_schedule { PH_CONSTANT = 0, PH_STEP, PH_COSINE, PH_ONE_CYCLE };

/* What a progress callback gets. */
typedef struct ph_train_progress {
    size_t epoch, n_epochs; /* epoch counts from 0 */
    size_t step, n_steps;   /* within the epoch; step batches are done */
    double loss, accuracy;  /* running means over the epoch, on augmented images */
    double learning_rate;
    double images_per_second;
    double seconds_left; /* of the whole training */
} ph_train_progress;

/* Settings of a training; zero means the default that the comment gives. */
typedef struct ph_train_desc {
    size_t n_epochs; /* 1 */
    size_t batch;    /* 128; images that do not fill a batch sit out the epoch (order is new in each) */
    enum ph_optimizer optimizer;
    enum ph_schedule schedule;
    double learning_rate; /* peak; SGD 0.1, Adam 0.001 */
    double momentum;      /* SGD 0.9; negative: none */
    bool nesterov;
    double weight_decay; /* L2, on weights of two or more dimensions only; 0 */
    double label_smoothing; /* 0 */
    double beta1, beta2, epsilon; /* Adam: 0.9, 0.999, 1e-8 */
    size_t step_epochs;           /* PH_STEP: multiply by step_factor every so many epochs; 10 */
    double step_factor;           /* 0.1 */
    double warmup;                /* PH_ONE_CYCLE: share of the steps going up; 0.3 */
    int shift;     /* augmentation: shift by up to so many pixels each way, zeros coming in; 0 */
    bool flip;     /* augmentation: mirror left-right with probability 1/2 */
    uint64_t seed; /* order of images, augmentation, dropout */
    size_t n_threads; /* 0: one per CPU; changes no bit of the result */
    /* Called after every step; a result other than 0 stops the training at that step. */
    int (*progress)(void *user, const ph_train_progress *p);
    void *user;
} ph_train_desc;

/* A training in progress. */
typedef struct ph_trainer ph_trainer;

/*
 * Prepare to train `g` on `d` (both borrowed for the trainer's life; the weights in `g` are updated
 * by ph_trainer_epoch). The network is what ph_evaluate takes; a Softmax at its end is left out of
 * the loss, which is softmax cross-entropy.
 *
 * Errors: PH_ERR_UNSUPPORTED (an operator without a gradient is in the way), PH_ERR_SHAPE,
 * PH_ERR_ARG, PH_ERR_NOMEM.
 */
PH_API enum ph_status ph_trainer_new(ph_graph *g, const ph_dataset *d, const ph_train_desc *desc,
                                     ph_trainer **out, ph_error *err);
PH_API void ph_trainer_free(ph_trainer *t);

/*
 * Train to the end of the current epoch and bring the weights in the graph up to date. PH_ERR_STOPPED
 * if the callback asked so: the graph is up to date and the trainer may be saved or go on. `last`,
 * if not NULL, receives the last progress. Past the last epoch: PH_ERR_ARG.
 * If the loss or a gradient is not finite: PH_ERR_ARG; the graph is as the last good step left it.
 */
PH_API enum ph_status ph_trainer_epoch(ph_trainer *t, ph_train_progress *last, ph_error *err);
PH_API size_t ph_trainer_epochs_done(const ph_trainer *t);

/*
 * Save everything that a continued training needs, and bring a new trainer to that point. The file
 * is an ordinary ONNX model whose extra constants hold the optimiser's state; settings must be those
 * of the saved training. Continued or not, the bits of the result are the same.
 */
PH_API enum ph_status ph_trainer_save(const ph_trainer *t, const char *path, ph_error *err);
PH_API enum ph_status ph_trainer_resume(ph_trainer *t, const char *path, ph_error *err);

/* ------------------------------------------------------------------------------------------------
 * 6. Images
 * --------------------------------------------------------------------------------------------- */

/* An image of bytes, [height,width,channels], one channel (grey) or three (red, green, blue). */
typedef struct ph_image ph_image;

/* Where Pillow refuses an image as a decompression bomb: twice its Image.MAX_IMAGE_PIXELS. */
#define PH_IMAGE_MAX_PIXELS 178956970u

/* Settings of ph_image_read; zero means the default that the comment gives. */
typedef struct ph_image_desc {
    size_t channels;     /* 1: grey, 3: colour; 0: as the file has it */
    uint64_t max_pixels; /* refuse larger images before memory is asked for; PH_IMAGE_MAX_PIXELS */
    bool exif;           /* turn and mirror the image as its EXIF orientation says */
    bool lenient;        /* take what there is of truncated or damaged files */
} ph_image_desc;

/*
 * Decode a JPEG or PNG file, whichever its first bytes say it is.
 *
 *   JPEG  Huffman or arithmetic coding, sequential or progressive, 8 bits; colour as libjpeg
 *         converts it to RGB. CMYK and YCCK, inverted as Adobe writes them, are converted as
 *         Pillow does: 255 - K, less that times C (M, Y).
 *   PNG   all bit depths and colour types, interlaced or not. Palettes are looked up, grey levels of
 *         1, 2 and 4 bits spread over 0 .. 255, of 16 bits the upper 8 are kept. Transparency is
 *         dropped: pixels keep the colour that the file gives them (this is what torchvision's
 *         Image.open(..).convert("RGB") does). Gamma and colour profiles are ignored.
 *
 * Colour becomes grey as in Pillow: (19595 R + 38470 G + 7471 B + 32768) / 65536 (ITU-R BT.601).
 * A file that ends early, fails a checksum, or of which libjpeg says that its data are corrupt is
 * refused, unless desc->lenient: then missing pixels are black (PNG) or what libjpeg makes of them.
 *
 * desc   may be NULL
 * origin names the bytes in errors; NULL: "image"
 *
 * Memory: pixels, rows and the file itself come from `mem`. libjpeg takes its own from the C
 * library, but only after as much was asked for and got from `mem`.
 * Errors: PH_ERR_NOT_FOUND, PH_ERR_IO, PH_ERR_FORMAT, PH_ERR_UNSUPPORTED (other formats, 12-bit and
 * lossless JPEG, too many pixels), PH_ERR_ARG, PH_ERR_NOMEM.
 */
PH_API enum ph_status ph_image_read(const ph_allocator *mem, const char *path,
                                    const ph_image_desc *desc, ph_image **out, ph_error *err);
PH_API enum ph_status ph_image_decode(const ph_allocator *mem, const void *bytes, size_t n,
                                      const char *origin, const ph_image_desc *desc, ph_image **out,
                                      ph_error *err);

/* An image of given pixels, which are copied; NULL: all zero. channels is 1 or 3. */
PH_API enum ph_status ph_image_new(const ph_allocator *mem, int64_t width, int64_t height,
                                   size_t channels, const uint8_t *pixels, ph_image **out,
                                   ph_error *err);
PH_API void ph_image_free(ph_image *image);
PH_API int64_t ph_image_width(const ph_image *image);
PH_API int64_t ph_image_height(const ph_image *image);
PH_API size_t ph_image_channels(const ph_image *image);
/* [height,width,channels], lives as long as the image. */
PH_API const uint8_t *ph_image_pixels(const ph_image *image);

/* A new image with 1 or 3 channels; colour becomes grey as ph_image_read says. */
PH_API enum ph_status ph_image_convert(const ph_image *image, size_t channels, ph_image **out,
                                       ph_error *err);

/* How new pixels are made of old ones. */
enum ph_filter {
    PH_FILTER_BILINEAR = 0,
    PH_FILTER_NEAREST,
    PH_FILTER_BOX,
    PH_FILTER_HAMMING,
    PH_FILTER_BICUBIC,
    PH_FILTER_LANCZOS
};

/* "bilinear", ...; NULL past the last. Static storage. */
PH_API const char *ph_filter_name(enum ph_filter filter);

/*
 * Resize to the bit as Pillow's Image.resize does: filters widen with the reduction (antialias),
 * weights have 22 bits behind the point, each of the two passes rounds and clips to bytes. The
 * vertical pass comes first if more than twice as many rows go as columns, as in Pillow 13; Pillow
 * up to 12 always begins with the horizontal one, which differs for images of more than 2:1.
 */
PH_API enum ph_status ph_image_resize(const ph_image *image, int64_t width, int64_t height,
                                      enum ph_filter filter, ph_image **out, ph_error *err);

/* The part of an image with its upper left corner at (x, y). What lies outside is black. */
PH_API enum ph_status ph_image_crop(const ph_image *image, int64_t x, int64_t y, int64_t width,
                                    int64_t height, ph_image **out, ph_error *err);

/*
 * What is done to an image before a network sees it: resize, centre crop, (x / divisor - mean) / std.
 * Start with ph_image_prep_preset, change members or use ph_image_prep_set.
 */
typedef struct ph_image_prep {
    int64_t width, height; /* of the crop, which is the network's input; 0: not decided yet */
    size_t channels;       /* 1 or 3; 0: not decided yet */
    /* Resizing: to resize_width x resize_height if both are set; otherwise so that the shorter side
     * becomes `resize`; if that is 0, `margin` times the crop's longer side, rounded. The longer
     * side is cut to whole pixels as torchvision does. */
    int64_t resize_width, resize_height, resize;
    double margin;  /* 1: no more than the crop; presets for ImageNet: 256/224 */
    bool no_resize; /* crop the image as it is */
    enum ph_filter filter;
    bool invert; /* 255 - x first: dark on light becomes light on dark */
    bool bgr;    /* blue first */
    bool nhwc;   /* channels last in memory */
    float divisor;
    float mean[3], std[3]; /* in the order of the tensor's channels: blue first if bgr */
} ph_image_prep;

/*
 * The presets: name by number, NULL past the last (static storage), and settings by name.
 *
 *   torchvision  short side 256/224 of the input, centre crop; RGB; x/255; mean 0.485, 0.456, 0.406;
 *                std 0.229, 0.224, 0.225 (torchvision.models, "transforms.ImageClassification")
 *   caffe        the same sides; BGR; mean 104, 117, 123 (B, G, R); no division
 *   tf           the same sides; RGB; x/127.5 - 1
 *   unit         short side of the input, centre crop; x/255
 *   raw          the same; 0 .. 255
 *
 * torchvision and caffe are for three channels. Errors: PH_ERR_NOT_FOUND.
 */
PH_API const char *ph_image_preset_name(size_t i);
PH_API enum ph_status ph_image_prep_preset(const char *name, ph_image_prep *prep, ph_error *err);

/*
 * One setting as text; the words are those of `pinhole classify --KEY VALUE` and of a model's
 * metadata, pinhole.image.KEY. ph_image_prep_key lists the keys (NULL past the last).
 *
 *   preset         a name: all of it, but for the crop and the layout; so it comes first
 *   resize         "256" (the shorter side), "320x240" (width x height) or "none"
 *   crop           "224" or "320x240": the size of the network's input
 *   interpolation  a filter's name
 *   scale          "1/255" (divide, as written) or "0.017" (multiply)
 *   mean, std      one number or one a channel, comma between: "0.485,0.456,0.406"
 *   order          "rgb" or "bgr"
 *   layout         "nchw" or "nhwc"
 *   invert         "true" or "false"
 *
 * Errors: PH_ERR_ARG says the key, what came and what was wanted; `prep` is then as before.
 */
PH_API const char *ph_image_prep_key(size_t i);
PH_API enum ph_status ph_image_prep_set(ph_image_prep *prep, const char *key, const char *value,
                                        ph_error *err);

/*
 * The value of `key` as text that ph_image_prep_set reads back to the same bits, for metadata.
 * "preset" has none: PH_ERR_NOT_FOUND. `text` receives up to `bytes` - 1 bytes (160 are enough).
 */
PH_API enum ph_status ph_image_prep_get(const ph_image_prep *prep, const char *key, char *text,
                                        size_t bytes, ph_error *err);

/*
 * Fill in what `prep` leaves open (width, height, channels, and the layout if `find_layout`) from
 * the type of the network's input: [n,c,h,w], [n,h,w,c] or either without n; c is 1 or 3. -1 in
 * `dims` is an open dimension. Fails with PH_ERR_SHAPE if the two contradict each other, or if
 * neither says how large the image is to be.
 */
PH_API enum ph_status ph_image_prep_fit(ph_image_prep *prep, bool find_layout, size_t rank,
                                        const int64_t *dims, ph_error *err);

/*
 * Prepare an image for a network.
 *
 * dtype  PH_FLOAT32, or PH_UINT8 for settings that change no pixel's value (preset raw)
 * x      out, [channels,height,width] or, if nhwc, [height,width,channels], contiguous
 *
 * The centre crop begins at round((resized - crop) / 2), halves to even, as in torchvision; what it
 * lacks is black. Pixels are converted to `channels` first. Arithmetic is float32, each step rounded:
 * the bits are those of NumPy's (x.astype("float32") / divisor - mean) / std.
 * Errors: PH_ERR_ARG, PH_ERR_TYPE, PH_ERR_UNSUPPORTED (resized beyond PH_IMAGE_MAX_PIXELS),
 * PH_ERR_NOMEM (memory comes from the image's allocator).
 * Threads: image and prep are only read.
 */
PH_API enum ph_status ph_image_prepare(const ph_image *image, const ph_image_prep *prep,
                                       enum ph_dtype dtype, void *x, ph_error *err);

/* Names of classes. */
typedef struct ph_labels ph_labels;

/*
 * Read names, one a line, in the order of the network's outputs. If every line begins with a
 * WordNet number, as in synset_words.txt ("n02123045 tabby, tabby cat"), it is kept apart.
 */
PH_API enum ph_status ph_labels_read(const ph_allocator *mem, const char *path, ph_labels **out,
                                     ph_error *err);
PH_API enum ph_status ph_labels_parse(const ph_allocator *mem, const char *text, size_t n,
                                      ph_labels **out, ph_error *err);
PH_API void ph_labels_free(ph_labels *labels);
PH_API size_t ph_labels_count(const ph_labels *labels);
PH_API const char *ph_labels_name(const ph_labels *labels, size_t i);   /* NULL if out of range */
PH_API const char *ph_labels_synset(const ph_labels *labels, size_t i); /* NULL if there is none */

/* What the numbers are that come out of a classifier. */
enum ph_scores {
    PH_SCORES_LOGITS = 0,       /* anything: a softmax makes probabilities of them */
    PH_SCORES_PROBABILITIES,    /* the network ends in Softmax */
    PH_SCORES_LOG_PROBABILITIES /* ... in LogSoftmax */
};

/*
 * What `output` of `g` holds: the operator that makes it decides, looking through operators that
 * only move, name or store values (Identity, Cast, Dropout, Reshape, Flatten, Squeeze, Unsqueeze,
 * Transpose, QuantizeLinear, DequantizeLinear).
 */
PH_API enum ph_scores ph_graph_scores(const ph_graph *g, ph_value output);

#ifdef __cplusplus
}
#endif

#endif /* PINHOLE_H */
