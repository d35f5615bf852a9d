/* SPDX-License-Identifier: MIT */
#include "ops/spatial.h"

#include "graph/graph.h"

const phi_attr_rule phi_conv_attrs[] = {
    {"auto_pad", PH_ATTR_STRING, 1, 0, false}, {"dilations", PH_ATTR_INTS, 1, 0, false},
    {"group", PH_ATTR_INT, 1, 0, false},       {"kernel_shape", PH_ATTR_INTS, 1, 0, false},
    {"pads", PH_ATTR_INTS, 1, 0, false},       {"strides", PH_ATTR_INTS, 1, 0, false},
    {0},
};

/* No attribute is larger, so that sums and products of two of them fit into 64 bits. */
#define LARGEST INT32_MAX
#define LARGEST_SPAN (INT64_MAX / 8) /* positions that a kernel reaches over */

static const char *const side_name[PHI_SIDES] = {"d", "h", "w"};

static enum ph_status read_auto_pad(const phi_infer *c, enum phi_auto_pad *pad)
{
    static const char *const words[] = {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"};
    const char *word = phi_attr_string(c->node, "auto_pad", "NOTSET");
    for (size_t i = 0; i < PHI_COUNT(words); i++)
        if (strcmp(word, words[i]) == 0) {
            *pad = (enum phi_auto_pad)i;
            return PH_OK;
        }
    return phi_op_fail(c, PH_ERR_ARG,
                       "auto_pad is '%s', wanted NOTSET, SAME_UPPER, SAME_LOWER or VALID", word);
}

enum ph_status phi_spatial_element(const phi_infer *c, const char *name, size_t n, size_t i,
                                   int64_t least, int64_t *value)
{
    size_t found;
    const int64_t *list = phi_attr_ints(c->node, name, &found);
    if (found == 0) return PH_OK;
    if (found != n)
        return phi_op_fail(c, PH_ERR_ARG, "%s has %zu elements, wanted %zu", name, found, n);
    if (list[i] < least)
        return phi_op_fail(c, PH_ERR_ARG, "%s[%zu] is %lld, wanted at least %lld", name, i,
                           (long long)list[i], (long long)least);
    if (list[i] > LARGEST)
        return phi_op_fail(c, PH_ERR_UNSUPPORTED, "%s[%zu] is %lld, at most %lld is supported",
                           name, i, (long long)list[i], (long long)LARGEST);
    *value = list[i];
    return PH_OK;
}

enum ph_status phi_spatial_weights(const phi_infer *c, const phi_type *x, const phi_type *w)
{
    char text[PHI_TYPE_TEXT];
    if (w->rank != x->rank)
        return phi_op_fail(c, PH_ERR_SHAPE, "weights have shape %s, the input has rank %d",
                           phi_dims_text(w->rank, w->dims, text, sizeof text), x->rank);
    for (int i = 0; i < w->rank; i++)
        if (w->dims[i] == 0)
            return phi_op_fail(c, PH_ERR_SHAPE, "weights have shape %s: no elements",
                               phi_dims_text(w->rank, w->dims, text, sizeof text));
    return PH_OK;
}

enum ph_status phi_spatial_macs(const phi_infer *c, const phi_type *map, const phi_type *w,
                                int64_t *macs)
{
    int64_t m = phi_type_count(map);
    for (int i = 1; i < w->rank; i++)
        if (!phi_mul_i64(m, w->dims[i], &m))
            return phi_op_fail(c, PH_ERR_OVERFLOW, "MACs do not fit into 63 bits");
    *macs = m;
    return PH_OK;
}

int64_t phi_side_span(const phi_side *side)
{
    int64_t span;
    if (!phi_mul_i64(side->kernel - 1, side->dilation, &span) || span >= LARGEST_SPAN)
        return LARGEST_SPAN + 1;
    return span + 1;
}

/* Attributes of side `i` of `n`, of an operator with weights or without. */
static enum ph_status read_side(const phi_infer *c, size_t n, size_t i, bool weights,
                                const phi_spatial *s, phi_side *a)
{
    int64_t kernel = a->kernel;
    enum ph_status st = phi_spatial_element(c, "kernel_shape", n, i, 1, &kernel);
    if (st) return st;
    if (weights && kernel != a->kernel)
        return phi_op_fail(c, PH_ERR_SHAPE, "kernel_shape[%zu] is %lld, the weights have %lld", i,
                           (long long)kernel, (long long)a->kernel);
    a->kernel = kernel;
    st = phi_spatial_element(c, "strides", n, i, 1, &a->stride);
    if (st) return st;
    st = phi_spatial_element(c, "dilations", n, i, 1, &a->dilation);
    if (st) return st;
    if (s->auto_pad != PHI_PAD_NOTSET && !weights) return PH_OK;
    st = phi_spatial_element(c, "pads", 2 * n, i, 0, &a->begin);
    if (st) return st;
    st = phi_spatial_element(c, "pads", 2 * n, n + i, 0, &a->end);
    if (st) return st;
    if (s->auto_pad != PHI_PAD_NOTSET && (a->begin || a->end))
        return phi_op_fail(c, PH_ERR_ARG, "auto_pad %s and pads %lld, %lld exclude each other",
                           phi_attr_string(c->node, "auto_pad", ""), (long long)a->begin,
                           (long long)a->end);
    return PH_OK;
}

enum ph_status phi_spatial_read(const phi_infer *c, const phi_type *x, const int64_t *kernel,
                                phi_spatial *s)
{
    char text[PHI_TYPE_TEXT];
    size_t n_kernel;
    *s = (phi_spatial){.n = x->rank - 2};
    if (x->rank < 3 || x->rank > 2 + PHI_SIDES)
        return phi_op_fail(c, x->rank > 4 ? PH_ERR_UNSUPPORTED : PH_ERR_SHAPE,
                           "input has shape %s, wanted [n,c,w], [n,c,h,w] or [n,c,d,h,w]",
                           phi_dims_text(x->rank, x->dims, text, sizeof text));
    if (!kernel && (!phi_attr_ints(c->node, "kernel_shape", &n_kernel) || n_kernel == 0))
        return phi_op_fail(c, PH_ERR_ARG, "kernel_shape is missing");
    enum ph_status st = read_auto_pad(c, &s->auto_pad);
    for (int i = 0; i < PHI_SIDES; i++)
        s->side[i] = (phi_side){.in = 1, .kernel = 1, .stride = 1, .dilation = 1};
    for (int i = 0; i < s->n && !st; i++) {
        phi_side *a = &s->side[PHI_SIDES - s->n + i];
        a->in = x->dims[2 + i];
        if (kernel) a->kernel = kernel[i];
        st = read_side(c, (size_t)s->n, (size_t)i, kernel != NULL, s, a);
    }
    return st;
}

void phi_side_split(phi_side *side, enum phi_auto_pad pad, int64_t total)
{
    side->begin = pad == PHI_PAD_SAME_UPPER ? total / 2 : total - total / 2;
    side->end = total - side->begin;
}

enum ph_status phi_spatial_groups(const phi_infer *c, const phi_type *x, const phi_type *w,
                                  int64_t *groups)
{
    const int64_t g = *groups = phi_attr_int(c->node, "group", 1);
    const int64_t channels = x->dims[1], filters = w->dims[0];
    if (g < 1) return phi_op_fail(c, PH_ERR_ARG, "group is %lld, wanted at least 1", (long long)g);
    if (channels % g)
        return phi_op_fail(c, PH_ERR_SHAPE, "%lld input channels are not a multiple of group %lld",
                           (long long)channels, (long long)g);
    if (filters % g)
        return phi_op_fail(c, PH_ERR_SHAPE, "%lld output channels are not a multiple of group %lld",
                           (long long)filters, (long long)g);
    if (w->dims[1] != channels / g && g == 1)
        return phi_op_fail(c, PH_ERR_SHAPE, "weights expect %lld channels, input has %lld",
                           (long long)w->dims[1], (long long)channels);
    if (w->dims[1] != channels / g)
        return phi_op_fail(c, PH_ERR_SHAPE,
                           "weights expect %lld channels in each of %lld groups, input has %lld / "
                           "%lld = %lld",
                           (long long)w->dims[1], (long long)g, (long long)channels, (long long)g,
                           (long long)(channels / g));
    return PH_OK;
}

/*
 * SAME: as many windows as strides fit in, the padding shared out to both ends; none where the
 * strides leave gaps (as in ONNX's shape inference; ONNX Runtime then crops, or refuses).
 */
static void place_same(phi_side *a, enum phi_auto_pad pad, int64_t span)
{
    a->out = (a->in - 1) / a->stride + 1;
    int64_t all = (a->out - 1) * a->stride + span - a->in;
    phi_side_split(a, pad, all < 0 ? 0 : all);
}

static enum ph_status place_side(const phi_infer *c, phi_spatial *s, int i, bool ceil_mode)
{
    phi_side *a = &s->side[i];
    int64_t span = phi_side_span(a), padded;
    if (span > LARGEST_SPAN)
        return phi_op_fail(c, PH_ERR_OVERFLOW, "kernel %lld with dilation %lld spans too much",
                           (long long)a->kernel, (long long)a->dilation);
    bool same = s->auto_pad == PHI_PAD_SAME_UPPER || s->auto_pad == PHI_PAD_SAME_LOWER;
    if (same && a->in > 0) place_same(a, s->auto_pad, span);
    if (!phi_add_i64(a->in, a->begin + a->end, &padded))
        return phi_op_fail(c, PH_ERR_OVERFLOW, "padded %s does not fit into 63 bits", side_name[i]);
    if (span > padded)
        return phi_op_fail(c, PH_ERR_SHAPE,
                           "kernel %lld with dilation %lld spans %lld positions of %s, the padded "
                           "input has %lld + %lld + %lld",
                           (long long)a->kernel, (long long)a->dilation, (long long)span,
                           side_name[i], (long long)a->begin, (long long)a->in, (long long)a->end);
    if (same && a->in > 0) return PH_OK;
    int64_t last = padded - span;
    a->out = last / a->stride + 1;
    if (ceil_mode && last % a->stride != 0 && a->out * a->stride < a->in + a->begin) a->out++;
    return PH_OK;
}

enum ph_status phi_spatial_place(const phi_infer *c, phi_spatial *s, bool ceil_mode)
{
    enum ph_status st = PH_OK;
    for (int i = 0; i < PHI_SIDES && !st; i++)
        st = place_side(c, s, i, ceil_mode);
    return st;
}
