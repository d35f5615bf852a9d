/* SPDX-License-Identifier: MIT */
/*
 * What the reader and the writer of ONNX share: protobuf messages in an arena, checked before they
 * are decoded, and the translation of tensors.
 *
 * How things we do not understand survive: after reading, whatever the graph holds itself is taken
 * out of each message, and what is left of it (unknown fields, mostly) is packed again into the
 * phi_blob of the object. The writer unpacks that remainder and fills in the rest.
 */
#ifndef PHI_ONNX_PB_H
#define PHI_ONNX_PB_H

#include "base/file.h"
#include "graph/graph.h"
#include "graph/left.h"
#include "onnx/onnx.pb-c.h"

typedef PhiOnnx__Model phi_pb_model;
typedef PhiOnnx__OpsetId phi_pb_opset;
typedef PhiOnnx__Entry phi_pb_entry;
typedef PhiOnnx__Graph phi_pb_graph;
typedef PhiOnnx__Node phi_pb_node;
typedef PhiOnnx__Attribute phi_pb_attribute;
typedef PhiOnnx__Function phi_pb_function;
typedef PhiOnnx__Tensor phi_pb_tensor;
typedef PhiOnnx__SparseTensor phi_pb_sparse;
typedef PhiOnnx__ValueInfo phi_pb_value_info;
typedef PhiOnnx__Type phi_pb_type;
typedef PhiOnnx__TensorType phi_pb_tensor_type;
typedef PhiOnnx__Shape phi_pb_shape;
typedef PhiOnnx__Dimension phi_pb_dimension;

/* No protobuf message is longer (protobuf.dev, "encoding": 2 GiB), nor does any other reader accept
 * one. */
#define PHI_PB_MAX_BYTES ((size_t)INT32_MAX)

/* Kinds of attributes as ONNX numbers them that phi_attr does not hold are kept as they are. */
#define PHI_ATTR_OTHER ((enum ph_attr_kind)0)

/* Memory of one read or write: taken piece by piece, given back all at once. */
typedef struct phi_arena {
    ProtobufCAllocator pb; /* for protobuf-c; frees nothing */
    ph_allocator mem;
    struct phi_chunk *chunk; /* the newest; they form a list */
    size_t used, size;       /* bytes of the newest */
    bool failed;             /* an allocation failed */
} phi_arena;

/* The arena must not move afterwards. */
void phi_arena_start(phi_arena *a, const ph_allocator *mem);
void phi_arena_end(phi_arena *a);
/* Zeroed array, aligned for any object; NULL: out of memory. Never NULL for 0 bytes. */
void *phi_arena_calloc(phi_arena *a, size_t count, size_t size);

/*
 * Check the wire format of a whole message against `type`, down to the last submessage that we
 * know: lengths, wire types, no submessage twice where one is wanted, no zero bytes in strings.
 * After that protobuf-c can only fail for lack of memory. `what` names the bytes in messages.
 */
enum ph_status phi_pb_scan(const ProtobufCMessageDescriptor *type, const unsigned char *bytes,
                           size_t n, const char *what, ph_error *err);

/* phi_pb_scan, then decode into the arena. */
enum ph_status phi_pb_unpack(phi_arena *a, const ProtobufCMessageDescriptor *type,
                             const unsigned char *bytes, size_t n, const char *what, void *out,
                             ph_error *err);

/* Pack what is left of `message` into `blob` of `g`; nothing left: the blob stays as it is. */
enum ph_status phi_pb_keep(const ph_graph *g, const void *message, phi_blob *blob, ph_error *err);

/* The other way round: the message kept in `blob`, or a new one. */
enum ph_status phi_pb_recall(phi_arena *a, const ProtobufCMessageDescriptor *type,
                             const phi_blob *blob, void *out, ph_error *err);

/* --- inline.c ----------------------------------------------------------------------------------- */

/* The functions that a model defines. */
typedef struct phi_functions {
    ph_allocator mem;
    size_t n;
    struct phi_function *at; /* [n], in the arena */
    phi_names keys;
    bool calls_left; /* after inlining: some calls are still there */
} phi_functions;

enum ph_status phi_functions_start(phi_functions *f, phi_arena *a, phi_pb_model *m, ph_error *err);
void phi_functions_end(phi_functions *f); /* `f` zeroed or started */

/* The function that a node calls, or NULL in *out. */
enum ph_status phi_functions_find(const phi_functions *f, phi_arena *a, const phi_pb_node *node,
                                  struct phi_function **out, ph_error *err);

/*
 * Put the bodies of functions in place of the nodes of m->graph that call them, and import into `g`
 * what they import. Functions that nobody calls any more leave the model.
 */
enum ph_status phi_functions_inline(phi_functions *f, phi_arena *a, ph_graph *g, phi_pb_model *m,
                                    ph_error *err);

/* --- pb_thin.c ---------------------------------------------------------------------------------- */

/*
 * The bytes of a ModelProto in a file, but for the raw data of large tensors, which are left in the
 * file: raw_at and raw_bytes of such a Tensor say where. *bytes is phi_alloc'ed. NULL in *bytes: the
 * file does not look like a model, or is one that says raw_at itself; read it as a whole.
 */
enum ph_status phi_pb_read_thin(const ph_allocator *mem, const phi_file *f, unsigned char **bytes,
                                size_t *n, ph_error *err);

/* --- onnx_tensor.c ------------------------------------------------------------------------------ */

/* Where a model comes from. */
typedef struct phi_pb_origin {
    const char *path;     /* of the model, for external data; NULL: external data is refused */
    const phi_file *file; /* the same, open, for data that were left in it; or NULL */
    phi_left *left;       /* the same, for tensors whose elements may stay there; or NULL */
} phi_pb_origin;

/*
 * A tensor out of its message. `what` names it in messages ("initializer 'w'").
 * PH_ERR_UNSUPPORTED: elements or ranks that ph_tensor cannot hold.
 */
enum ph_status phi_pb_to_tensor(const ph_allocator *mem, const phi_pb_tensor *pb, const char *what,
                                const phi_pb_origin *from, ph_tensor **out, ph_error *err);
/* The same for a sparse tensor, as the dense one it stands for. */
enum ph_status phi_pb_to_dense(const ph_allocator *mem, const phi_pb_sparse *pb, const char *what,
                               const phi_pb_origin *from, ph_tensor **out, ph_error *err);
/* Bring data that were left in the file into the message, for one that is kept as it is. */
enum ph_status phi_pb_fetch_raw(phi_arena *a, phi_pb_tensor *pb, const phi_pb_origin *from,
                                ph_error *err);
/* Take out of `pb` all that phi_pb_to_tensor understood, but not the name. */
void phi_pb_strip_tensor(phi_pb_tensor *pb);
/* Fill type, shape and data into `pb`; `t` is borrowed for as long as `pb` lives. */
enum ph_status phi_pb_from_tensor(phi_arena *a, const ph_tensor *t, phi_pb_tensor *pb,
                                  ph_error *err);

#endif /* PHI_ONNX_PB_H */
