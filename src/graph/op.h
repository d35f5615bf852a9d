/* SPDX-License-Identifier: MIT */
/*
 * What an operator is: one `phi_op`, in one file of src/ops/, with everything that is known about it.
 * Graphs, plans and training only speak to this interface.
 */
#ifndef PHI_OP_H
#define PHI_OP_H

#include "base/pool.h"
#include "graph/tensor.h"

struct phi_node;
struct phi_filters; /* kernels/filters.h */

#define PHI_MAX_IN 512 /* inputs of a node; Concat and Sum are variadic */
#define PHI_MAX_OUT 64

/* An attribute the operator knows. `first`, `last`: opsets in which it exists (last 0: still). */
typedef struct phi_attr_rule {
    const char *name; /* NULL ends the list */
    enum ph_attr_kind kind;
    int first, last;
    bool required;
} phi_attr_rule;

/*
 * Shape inference, and the check of everything that can be checked without data. Input shapes are
 * always known in full. `constant[i]` is the value of input i where it is known before running (or
 * NULL): Reshape reads its target shape from there.
 * The operator fills out[i].type for all its outputs, and `params` (op->params_bytes, zeroed) with
 * what it wants to know while running, so that no attribute is looked up in the hot path.
 */
typedef struct phi_infer {
    const struct phi_node *node;
    int opset;
    size_t n_in, n_out;
    const phi_type *const *in;        /* [n_in]; NULL: left out */
    const ph_tensor *const *constant; /* [n_in] */
    phi_type *out;                    /* [n_out] */
    void *params;
    size_t *unknown; /* may be NULL; receives the input whose value is missing (phi_known_input) */
    ph_error *err;
} phi_infer;

/* One of several ways to do what an operator does; the operator's own struct begins with it. */
typedef struct phi_method {
    const char *name; /* a few words, static storage */
} phi_method;

typedef struct phi_choice {
    const phi_method *method;
    double cost; /* in whatever the operator measures it in */
} phi_choice;
#define PHI_MOST_METHODS 8
#define PHI_DESCRIPTION_BYTES 448 /* room for all numbers there are in one */

/*
 * One execution, forward or backward. Views have final shapes and strides. In `methods`,
 * `work_bytes` and `save_bytes`, and in `pack` for all but constants, data pointers may be NULL.
 */
typedef struct phi_exec {
    const struct phi_node *node;
    const void *params;
    size_t n_in, n_out;
    const phi_view *in;  /* [n_in]; phi_view_absent: left out */
    const phi_view *out; /* [n_out]; phi_view_absent: an optional output left out */
    /* Backward only. Gradients have the types and layouts of in and out. dout[i] absent: zero.
     * din[i] absent: not wanted. Backward writes each wanted din in full (it does not add). */
    const phi_view *dout; /* [n_out] */
    const phi_view *din;  /* [n_in] */
    phi_pool *pool;       /* NULL: one thread */
    void *work;           /* op->work_bytes, 64-byte aligned, contents undefined */
    void *save;           /* training only: op->save_bytes kept from forward to backward; else NULL */
    const void *packed;   /* weights made ready by op->pack; NULL: pack into work yourself */
    /* pack: the constant input 1, whose data may then be NULL, by rows of dimension 0; only if
     * op->packs_rows said so. Or NULL */
    const struct phi_filters *filters;
    bool training;        /* batch statistics, dropout */
    uint64_t seed;        /* training: random numbers of this step and node are */
    uint64_t stream;      /*   phi_philox(seed, stream, element index) */
    /* Fused behind the operator's own result (Conv only): y = min(max(y, lo), hi). The plan sets
     * them; -INFINITY and INFINITY otherwise. */
    float lo, hi;
    const phi_view *add; /* fused too: added in front of the clamp; of the output's type. Or NULL */
    bool exact;          /* no arithmetic that trades accuracy for speed: no Winograd, no
                          * Strassen */
    /* One of op->methods: what is packed, how much scratch it takes and how it runs. NULL: the
     * first */
    const phi_method *method;
} phi_exec;

/* --- Some lines of an image ------------------------------------------------------------------ */

/* Lines of an image, first .. end - 1. */
typedef struct phi_span {
    int64_t first, end;
} phi_span;

/* What an operator is among those that run in one pass. */
enum phi_link {
    PHI_LINK_POINTWISE, /* a product of matrices: of pixels, */
    PHI_LINK_WINDOW,    /* or of windows */
    PHI_LINK_DEPTHWISE, /* few operations for each element that is read */
    PHI_LINK_POOLING    /* the same */
};

/* How lines of output 0 hang on lines of input 0, both images of floats: line o sees `extent` lines
 * from o * stride - pad on, of which 0 .. h - 1 exist. */
typedef struct phi_lines {
    enum phi_link kind;
    int64_t h, w, c; /* the input's lines, pixels of one, channels */
    int64_t oh, ow;  /* the output's */
    int64_t stride, pad, extent;
    int64_t unit; /* lines of output that are made together: `band` begins at a multiple of it, and
                   * ends at one or with the last line */
    double weight_bytes;
    size_t work_bytes; /* scratch of `band` */
} phi_lines;

/* Lines of one image: x and y are the first pixels of `in`, which `out` sees, and of `out`. */
typedef struct phi_band {
    phi_span in, out;
    const float *x, *add; /* add: for the lines `out`, as phi_exec's; or NULL */
    float *y;
    int64_t x_pitch, add_pitch, y_pitch; /* floats from pixel to pixel */
    void *work;
} phi_band;

/*
 * How an operator wants its operands in memory.
 * ANY    any strides on any operand; its outputs are laid out like its first channels-last input
 * PLAIN  all operands dense in logical order
 * IMAGE  the inputs of `image_in` and all outputs dense channels-last, the rest plain
 */
enum phi_layout { PHI_LAYOUT_ANY = 0, PHI_LAYOUT_PLAIN, PHI_LAYOUT_IMAGE };

/*
 * How a permutation of dimensions passes an operator, so that Transposes can be moved behind it and
 * cancel out.
 * NONE      it does not
 * ELEMENTS  each output element is made from those at its place of the inputs, broadcast by the rules
 *           of opset 7
 * AXIS      the attribute `axis` (-1 where it is missing) names a dimension of the data: input 0, or
 *           all inputs where their number is open (Softmax and its like from opset 13 on)
 * AXES      dimensions of input 0 are reduced that attribute or input 1 `axes` lists; `keepdims`
 * PADS      input 0 is padded by attribute or input 1 `pads`, on the axes in input 3 if there is one
 */
enum phi_passage {
    PHI_PASSES_NONE = 0,
    PHI_PASSES_ELEMENTS,
    PHI_PASSES_AXIS,
    PHI_PASSES_AXES,
    PHI_PASSES_PADS
};

typedef struct phi_op {
    const char *name;  /* ONNX operator, default domain */
    int since, until;  /* opsets whose definition is understood; until 0: to the newest */
    const phi_attr_rule *attrs;
    int min_in, max_in; /* max_in -1: variadic */
    int min_out, max_out;
    enum phi_layout layout;
    uint32_t image_in;  /* bit i: input i (bit 31: and all from 31 on) */
    uint32_t trainable; /* bit i: a constant at input i is a parameter that training updates */
    uint32_t trainable_behind; /* bit i: it is one if it has several elements and is applied to what
                                * follows from weights; else it is a setting (see parameters.c) */
    uint32_t state;      /* bit i: a forward in training updates the constant at input i in place */
    bool slices;         /* IMAGE: images may be slices of channels, see phi_view_is_pixels */
    bool by_image;       /* image i (dimension 0) of output 0 is made from image i of the inputs, of
                          * `image_in` if IMAGE, and constants; `forward` and what it asks for take the
                          * number of images from the views, whatever it was when params were made */
    bool keeps_channels; /* each channel of output 0 is made from the same one of input 0 */
    enum phi_passage passes;
    bool widens;     /* knows float32 alone; 16-bit floats are widened for it, see graph/widen.h */
    bool shape_only; /* outputs depend on the shapes of the inputs alone; data may be NULL */
    size_t params_bytes;
    const void *family; /* what the functions that operators of one kind share know this one by */

    enum ph_status (*infer)(phi_infer *c);
    /* MACs of the node; NULL: none. Types as after infer. PH_ERR_OVERFLOW possible. */
    enum ph_status (*macs)(const phi_infer *c, int64_t *macs);

    /* The ways in which `forward` could do this one, 1 .. PHI_MOST_METHODS, the one that seems best
     * first. The number of images has no say. NULL: there is one way. */
    size_t (*methods)(const phi_exec *e, phi_choice *out);
    /* Where there is `methods`: what there is to do, without the number of images. Executions of
     * equal words take equally long by the same method. */
    void (*describe)(const phi_exec *e, char text[PHI_DESCRIPTION_BYTES]);
    size_t (*work_bytes)(const phi_exec *e, bool backward); /* NULL: none */
    size_t (*save_bytes)(const phi_exec *e);                /* NULL: none */
    /* Weights, input 1, made ready once per plan; their data may be gone afterwards. pack_bytes 0 or
     * NULL: nothing to pack. Constant inputs' data is there, others' may be NULL. */
    size_t (*pack_bytes)(const phi_exec *e);
    void (*pack)(const phi_exec *e, void *packed);
    bool (*packs_rows)(const phi_exec *e); /* does `pack` read e->filters? NULL: no */
    /* Only PH_ERR_INTERNAL, or data-dependent PH_ERR_ARG, may come from here. */
    enum ph_status (*forward)(const phi_exec *e, ph_error *err);
    /*
     * Some lines of images, so that the plan can do several steps in one pass (plan/chain.h).
     * `lines`: can it, and how; by params and types alone. NULL: it cannot. `band` makes lines of
     * output 0 out of those of input 0 that they see, on the calling thread, with the bits of
     * `forward`; constants, packed weights and epilogue as there.
     */
    bool (*lines)(const phi_exec *e, phi_lines *out);
    void (*band)(const phi_exec *e, const phi_band *b);
    /* NULL: no gradient. Called by phi_backward, with some din wanted and some dout there. */
    enum ph_status (*backward)(const phi_exec *e, ph_error *err);

    /* What the plan may fuse. An operator with `epilogue` honours lo and hi, and its inputs 1
     * (dimension 0) and 2 are weights and bias per output channel. `as_clamp`: the node is
     * y = min(max(x, lo), hi) of its first input. `as_affine`: the node is, outside training,
     * y = scale[c] * x + shift[c] per channel (dimension 1) of its one input that is not known;
     * NULL arrays only ask. All inputs but the one must be known: both say false otherwise.
     * `takes_add`: the operator honours `add`. `as_add`: the node is the sum of its two inputs,
     * `as_concat`: its inputs one behind the other along dimension 1. */
    bool epilogue;
    bool (*takes_add)(const phi_infer *c);
    bool (*as_add)(const phi_infer *c);
    bool (*as_concat)(const phi_infer *c);
    bool (*as_clamp)(const phi_infer *c, float *lo, float *hi);
    bool (*as_affine)(const phi_infer *c, double *scale, double *shift);
    /* The node is, outside training, y = x of its first input. Other outputs are not the operator's
     * business: the plan asks only if nobody wants them. */
    bool (*as_identity)(const phi_infer *c);
} phi_op;

/* Bring the gradient of `e`'s outputs back to its inputs: nothing to do if no din is wanted, zeros if
 * there is no dout, op->backward otherwise. */
enum ph_status phi_backward(const phi_op *op, const phi_exec *e, ph_error *err);

/* The operator of this name in the default ONNX domain, or NULL. Implemented by src/ops/. */
const phi_op *phi_op_find(const char *name);
/* All of them, NULL past the end. */
const phi_op *phi_op_at(size_t i);

/* Attributes of a node, with a default where it is missing. Kinds were checked before infer runs. */
int64_t phi_attr_int(const struct phi_node *node, const char *name, int64_t fallback);
float phi_attr_float(const struct phi_node *node, const char *name, float fallback);
const char *phi_attr_string(const struct phi_node *node, const char *name, const char *fallback);
/* NULL and n = 0 where missing */
const int64_t *phi_attr_ints(const struct phi_node *node, const char *name, size_t *n);
const float *phi_attr_floats(const struct phi_node *node, const char *name, size_t *n);
const ph_tensor *phi_attr_tensor(const struct phi_node *node, const char *name);
bool phi_attr_has(const struct phi_node *node, const char *name);

/*
 * Report a failed check from infer:  return phi_op_fail(c, PH_ERR_SHAPE, "weights expect ...");
 * The message becomes "Conv 'inception_3a/1x1': weights expect ...".
 */
enum ph_status phi_op_fail(const phi_infer *c, enum ph_status status, const char *format, ...)
    PHI_PRINTF(3, 4);

#endif /* PHI_OP_H */
