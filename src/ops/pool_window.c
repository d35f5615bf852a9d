/* SPDX-License-Identifier: MIT */
#include "ops/pool_window.h"

#include "graph/graph.h"
#include "ops/op_check.h"

/* No attribute of ours is larger, so that sums and products of them fit into 64 bits. */
#define LARGEST INT32_MAX

/* The two ways to ask for padding, or none. */
enum auto_pad { NOTSET, SAME_UPPER, SAME_LOWER, VALID };

static const char *const axis_name[2] = {"h", "w"};

/*
 * A list attribute of `n` integers from `least` on into to[2 - n ...], or of 2 * n (begin...,
 * end...) if `end` is not NULL. What is missing stays as it is.
 */
static enum ph_status read_list(const phi_infer *c, const char *name, size_t n, int64_t least,
                                int64_t *to, int64_t *end)
{
    size_t found, wanted = end ? 2 * n : n;
    const int64_t *list = phi_attr_ints(c->node, name, &found);
    if (found == 0) return PH_OK;
    if (found != wanted)
        return phi_op_fail(c, PH_ERR_ARG, "%s has %zu elements, wanted %zu", name, found, wanted);
    for (size_t i = 0; i < wanted; i++) {
        if (list[i] < least)
            return phi_op_fail(c, PH_ERR_ARG, "%s[%zu] is %lld, wanted at least %lld", name, i,
                               (long long)list[i], (long long)least);
        if (list[i] > LARGEST)
            return phi_op_fail(c, PH_ERR_UNSUPPORTED, "%s[%zu] is %lld, at most %lld is supported",
                               name, i, (long long)list[i], (long long)LARGEST);
        if (i < n)
            to[2 - n + i] = list[i];
        else
            end[2 - 2 * n + i] = list[i];
    }
    return PH_OK;
}

static enum ph_status read_auto_pad(const phi_infer *c, enum auto_pad *pad)
{
    static const char *const words[] = {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"};
    const char *word = phi_attr_string(c->node, "auto_pad", "NOTSET");
    for (size_t i = 0; i < PHI_COUNT(words); i++)
        if (strcmp(word, words[i]) == 0) {
            *pad = (enum auto_pad)i;
            return PH_OK;
        }
    return phi_op_fail(c, PH_ERR_ARG,
                       "auto_pad is '%s', wanted NOTSET, SAME_UPPER, SAME_LOWER or VALID", word);
}

static enum ph_status read_attributes(const phi_infer *c, size_t n, phi_window *w,
                                      enum auto_pad *pad)
{
    size_t n_kernel;
    enum ph_status st;
    *w = (phi_window){.kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}};
    if (!phi_attr_ints(c->node, "kernel_shape", &n_kernel) || n_kernel == 0)
        return phi_op_fail(c, PH_ERR_ARG, "kernel_shape is missing");
    st = read_auto_pad(c, pad);
    if (st) return st;
    st = read_list(c, "kernel_shape", n, 1, w->kernel, NULL);
    if (st) return st;
    st = read_list(c, "strides", n, 1, w->stride, NULL);
    if (st) return st;
    st = read_list(c, "dilations", n, 1, w->dilation, NULL);
    if (st) return st;
    w->include_pad = phi_attr_int(c->node, "count_include_pad", 0) != 0;
    w->transposed = n == 2 && phi_attr_int(c->node, "storage_order", 0) != 0;
    return *pad == NOTSET ? read_list(c, "pads", n, 0, w->pad_begin, w->pad_end) : PH_OK;
}

/* Positions that the window spans. */
static int64_t span(const phi_window *w, int axis)
{
    return (w->kernel[axis] - 1) * w->dilation[axis] + 1;
}

/* SAME: as many outputs as strides fit into `size`, the padding shared out to both ends; none where
 * the strides leave gaps (as in ONNX's shape inference; ONNX Runtime then crops, or refuses). */
static int64_t same_outputs(phi_window *w, int axis, int64_t size, enum auto_pad pad)
{
    int64_t s = w->stride[axis], outputs = (size - 1) / s + 1;
    int64_t all = (outputs - 1) * s + span(w, axis) - size;
    if (all < 0) all = 0;
    w->pad_begin[axis] = pad == SAME_UPPER ? all / 2 : all - all / 2;
    w->pad_end[axis] = all - w->pad_begin[axis];
    return outputs;
}

/*
 * ceil_mode rounds up, but a window that would start in the padding at the end is left out. (The
 * text of the specification rounds VALID down even then; ONNX's shape inference and ONNX Runtime
 * round it up, and so do we.)
 */
static int64_t explicit_outputs(const phi_window *w, int axis, int64_t size, bool ceil_mode)
{
    int64_t s = w->stride[axis], begin = w->pad_begin[axis];
    int64_t last = size + begin + w->pad_end[axis] - span(w, axis);
    int64_t outputs = last / s + 1;
    if (ceil_mode && last % s != 0 && outputs * s < size + begin) outputs++;
    return outputs;
}

static enum ph_status check_axis(const phi_infer *c, const phi_window *w, int axis, int64_t size)
{
    int64_t begin = w->pad_begin[axis], end = w->pad_end[axis], reach = span(w, axis);
    if (reach > size + begin + end)
        return phi_op_fail(c, PH_ERR_SHAPE,
                           "kernel %lld with dilation %lld spans %lld positions of %s, the padded "
                           "input has %lld + %lld + %lld",
                           (long long)w->kernel[axis], (long long)w->dilation[axis],
                           (long long)reach, axis_name[axis], (long long)begin, (long long)size,
                           (long long)end);
    if (begin >= reach || end >= reach)
        return phi_op_fail(c, PH_ERR_SHAPE,
                           "padding %lld and %lld of %s, wanted less than the %lld positions that "
                           "the kernel spans",
                           (long long)begin, (long long)end, axis_name[axis], (long long)reach);
    if (begin > 0 && w->kernel[axis] > 1 && w->dilation[axis] > size)
        return phi_op_fail(c, PH_ERR_UNSUPPORTED,
                           "dilation %lld of padded %s is larger than its size %lld: windows may "
                           "miss the input",
                           (long long)w->dilation[axis], axis_name[axis], (long long)size);
    return PH_OK;
}

enum ph_status phi_window_infer(phi_infer *c, phi_window *w)
{
    const phi_type *x = c->in[0];
    char text[PHI_TYPE_TEXT];
    enum auto_pad pad = NOTSET;
    if (x->rank != 3 && x->rank != 4)
        return phi_op_fail(c, x->rank > 4 ? PH_ERR_UNSUPPORTED : PH_ERR_SHAPE,
                           "input has shape %s, only [n,c,w] and [n,c,h,w] are supported",
                           phi_dims_text(x->rank, x->dims, text, sizeof text));
    enum ph_status st = read_attributes(c, (size_t)x->rank - 2, w, &pad);
    if (st) return st;
    bool ceil_mode = phi_attr_int(c->node, "ceil_mode", 0) != 0;
    c->out[0] = *x;
    for (int d = 2; d < x->rank; d++) {
        int axis = d - x->rank + 2;
        int64_t size = x->dims[d], same = 0;
        if (size == 0)
            return phi_op_fail(c, PH_ERR_SHAPE, "input has shape %s: nothing to pool",
                               phi_dims_text(x->rank, x->dims, text, sizeof text));
        if (pad == SAME_UPPER || pad == SAME_LOWER) same = same_outputs(w, axis, size, pad);
        st = check_axis(c, w, axis, size);
        if (st) return st;
        c->out[0].dims[d] = same > 0 ? same : explicit_outputs(w, axis, size, ceil_mode);
    }
    return phi_type_check(&c->out[0], c->node->name, c->err);
}

phi_pool_shape phi_pool_shape_of(const phi_exec *e)
{
    const phi_type *x = &e->in[0].type, *y = &e->out[0].type;
    phi_pool_shape s = {.n = x->dims[0], .c = x->dims[1], .h = 1, .oh = 1};
    if (x->rank == 4) {
        s.h = x->dims[2];
        s.oh = y->dims[2];
    }
    s.w = x->dims[x->rank - 1];
    s.ow = y->dims[y->rank - 1];
    return s;
}

/* How many of the `kernel` positions start, start + d, ... lie before `end`; 0 if none. */
static int64_t taps_before(int64_t start, int64_t d, int64_t kernel, int64_t end)
{
    int64_t n = end <= start ? 0 : (end - start - 1) / d + 1;
    return n < kernel ? n : kernel;
}

phi_taps phi_window_taps(const phi_window *w, int axis, int64_t size, int64_t o)
{
    int64_t start = o * w->stride[axis] - w->pad_begin[axis], d = w->dilation[axis];
    int64_t kernel = w->kernel[axis];
    int64_t skipped = taps_before(start, d, kernel, 0);
    return (phi_taps){
        .first = start + skipped * d,
        .n = taps_before(start, d, kernel, size) - skipped,
        .counted = taps_before(start, d, kernel, size + w->pad_end[axis]),
    };
}
