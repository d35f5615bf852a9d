/* SPDX-License-Identifier: MIT */
/*
 * The layers of the language: arguments in, nodes out. docs/net.md lists them.
 */
#include <math.h>
#include <stdio.h>

#include "zoo/net.h"

/* The current value must be an image [n,c,h,w]. */
static enum ph_status need_image(net_cursor *c)
{
    char text[PHI_TYPE_TEXT];
    const phi_type *t = net_type(c->parser, c->parser->current);
    if (t->rank == 4) return PH_OK;
    return net_fail(c->parser, c->source, c->statement, c->statement->word.p, PH_ERR_FORMAT,
                    "'%.*s' needs an image [n,c,h,w]; the value before it is %s",
                    (int)c->statement->word.n, c->statement->word.p,
                    phi_dims_text(t->rank, t->dims, text, sizeof text));
}

/* One node over the current value, with attributes. */
static enum ph_status emit_simple(net_cursor *c, const char *op, const char *path, size_t n_attrs,
                                  const ph_attr *attrs)
{
    enum ph_status st = net_expect_end(c);
    return st ? st : net_emit(c->parser, op, path, 1, &c->parser->current, n_attrs, attrs);
}

static enum ph_status run_plain(net_cursor *c, const net_layer *layer, const char *path)
{
    return emit_simple(c, layer->op, path, 0, NULL);
}

/* --- Windows: kernel, stride, padding -------------------------------------------------------------- */

typedef struct window {
    int64_t kernel[2], stride[2], dilation[2], pads[4]; /* top, left, bottom, right */
    bool same, ceil, count_pad, no_bias;
    int64_t groups;
} window;

/* KERNEL, and later: / STRIDE. */
static enum ph_status take_stride(net_cursor *c, window *w)
{
    return net_take_pair(c, "a stride", 1, &w->stride[0], &w->stride[1]);
}

/* same | P | TOP LEFT BOTTOM RIGHT */
static enum ph_status take_pads(net_cursor *c, window *w)
{
    if ((w->same = net_take_word(c, "same"))) return PH_OK;
    enum ph_status st = net_take_int(c, "the padding", 0, &w->pads[0]);
    for (int i = 1; i < 4; i++) w->pads[i] = w->pads[0];
    for (int i = 1; i < 4 && !st && (i > 1 || net_number_next(c)); i++)
        st = net_take_int(c, "one of four paddings: top, left, bottom, right", 0, &w->pads[i]);
    return st;
}

enum { TAKES_DILATION = 1, TAKES_GROUPS = 2, TAKES_BIAS = 4, TAKES_CEIL = 8, TAKES_COUNT = 16 };

/* Options in any order, each of those that the layer takes. */
static enum ph_status take_options(net_cursor *c, unsigned takes, window *w)
{
    enum ph_status st = PH_OK;
    while (!st && !net_at_end(c)) {
        if (net_take_char(c, '/'))
            st = take_stride(c, w);
        else if (net_take_word(c, "pad"))
            st = take_pads(c, w);
        else if ((takes & TAKES_DILATION) && net_take_word(c, "dilation"))
            st = net_take_pair(c, "a dilation", 1, &w->dilation[0], &w->dilation[1]);
        else if ((takes & TAKES_GROUPS) && net_take_word(c, "groups"))
            st = net_take_int(c, "a number of groups", 1, &w->groups);
        else if ((takes & TAKES_BIAS) && net_take_word(c, "nobias"))
            w->no_bias = true;
        else if ((takes & TAKES_CEIL) && net_take_word(c, "ceil"))
            w->ceil = true;
        else if ((takes & TAKES_COUNT) && net_take_word(c, "count_pad"))
            w->count_pad = true;
        else
            return net_expect_end(c);
    }
    return st;
}

/* Padding such that the output has ceil(size / stride) rows; the odd one goes to the end. */
static void resolve_same(const net_cursor *c, window *w)
{
    const phi_type *t = net_type(c->parser, c->parser->current);
    for (int i = 0; i < 2 && w->same; i++) {
        const int64_t size = t->dims[2 + i], out = (size + w->stride[i] - 1) / w->stride[i];
        const int64_t all =
            (out - 1) * w->stride[i] + (w->kernel[i] - 1) * w->dilation[i] + 1 - size;
        w->pads[i] = all > 0 ? all / 2 : 0;
        w->pads[2 + i] = all > 0 ? all - all / 2 : 0;
    }
}

static window new_window(void)
{
    return (window){ .kernel = { 1, 1 }, .stride = { 1, 1 }, .dilation = { 1, 1 }, .groups = 1 };
}

static enum ph_status emit_window_conv(net_cursor *c, const char *path, int64_t k, window *w)
{
    resolve_same(c, w);
    const ph_conv_desc d = { .k = k, .r = w->kernel[0], .s = w->kernel[1],
                             .stride_h = w->stride[0], .stride_w = w->stride[1],
                             .dilation_h = w->dilation[0], .dilation_w = w->dilation[1],
                             .pad_top = w->pads[0], .pad_left = w->pads[1],
                             .pad_bottom = w->pads[2], .pad_right = w->pads[3],
                             .groups = w->groups, .no_bias = w->no_bias, .name = path };
    return net_emit_conv(c->parser, &d);
}

/* conv RxS K [/ STRIDE] [pad ...] [dilation D] [groups G] [nobias] */
static enum ph_status run_conv(net_cursor *c, const net_layer *layer, const char *path)
{
    (void)layer;
    window w = new_window();
    int64_t k = 0;
    enum ph_status st = need_image(c);
    if (!st) st = net_take_pair(c, "the kernel, RxS,", 1, &w.kernel[0], &w.kernel[1]);
    if (!st) st = net_take_int(c, "the number of output channels", 1, &k);
    if (!st) st = take_options(c, TAKES_DILATION | TAKES_GROUPS | TAKES_BIAS, &w);
    return st ? st : emit_window_conv(c, path, k, &w);
}

/* depthwise RxS [times M] [/ STRIDE] [pad ...] [dilation D] [nobias] */
static enum ph_status run_depthwise(net_cursor *c, const net_layer *layer, const char *path)
{
    (void)layer;
    window w = new_window();
    int64_t times = 1, k;
    enum ph_status st = need_image(c);
    if (!st) st = net_take_pair(c, "the kernel, RxS,", 1, &w.kernel[0], &w.kernel[1]);
    if (!st && net_take_word(c, "times"))
        st = net_take_int(c, "a number of filters for each channel", 1, &times);
    if (!st) st = take_options(c, TAKES_DILATION | TAKES_BIAS, &w);
    if (st) return st;
    w.groups = net_type(c->parser, c->parser->current)->dims[1];
    if (!phi_mul_i64(w.groups, times, &k) || k > NET_INT_MAX)
        return net_fail_here(c, "too many output channels");
    return emit_window_conv(c, path, k, &w);
}

/* maxpool / avgpool RxS [/ STRIDE] [pad ...] [ceil] [count_pad] */
static enum ph_status run_pool(net_cursor *c, const net_layer *layer, const char *path)
{
    window w = new_window();
    const bool average = strcmp(layer->op, "AveragePool") == 0;
    enum ph_status st = need_image(c);
    if (!st) st = net_take_pair(c, "the window, RxS,", 1, &w.kernel[0], &w.kernel[1]);
    if (!st) st = take_options(c, TAKES_CEIL | (average ? TAKES_COUNT : 0), &w);
    if (st) return st;
    resolve_same(c, &w);
    const ph_attr attrs[] = {
        { .name = "kernel_shape", .kind = PH_ATTR_INTS, .n = 2, .ints = w.kernel },
        { .name = "strides", .kind = PH_ATTR_INTS, .n = 2, .ints = w.stride },
        { .name = "pads", .kind = PH_ATTR_INTS, .n = 4, .ints = w.pads },
        { .name = "ceil_mode", .kind = PH_ATTR_INT, .i = w.ceil },
        { .name = "count_include_pad", .kind = PH_ATTR_INT, .i = w.count_pad },
    };
    return emit_simple(c, layer->op, path, average ? 5 : 4, attrs);
}

/* --- Activations with numbers ------------------------------------------------------------------------ */

/* leakyrelu [SLOPE] */
static enum ph_status run_leaky(net_cursor *c, const net_layer *layer, const char *path)
{
    float slope = 0.01f;
    enum ph_status st = net_number_next(c) ? net_take_real(c, "the slope", &slope) : PH_OK;
    const ph_attr attr = { .name = "alpha", .kind = PH_ATTR_FLOAT, .f = slope };
    return st ? st : emit_simple(c, layer->op, path, 1, &attr);
}

/* relu6, clip LOW HIGH */
static enum ph_status run_clip(net_cursor *c, const net_layer *layer, const char *path)
{
    float lo = 0.0f, hi = 6.0f;
    ph_value in[3] = { c->parser->current, PH_NONE, PH_NONE };
    enum ph_status st = PH_OK;
    if (strcmp(layer->name, "clip") == 0) {
        st = net_take_real(c, "the lower bound", &lo);
        if (!st) st = net_take_real(c, "the upper bound", &hi);
        if (!st && lo > hi) st = net_fail_here(c, "the lower bound is above the upper one");
    }
    if (!st) st = net_expect_end(c);
    if (!st) st = net_add_floats(c->parser, path, "min", 0, NULL, &lo, 0.0f, &in[1]);
    if (!st) st = net_add_floats(c->parser, path, "max", 0, NULL, &hi, 0.0f, &in[2]);
    return st ? st : net_emit(c->parser, layer->op, path, 3, in, 0, NULL);
}

/* softmax, logsoftmax: over the channels */
static enum ph_status run_softmax(net_cursor *c, const net_layer *layer, const char *path)
{
    const ph_attr axis = { .name = "axis", .kind = PH_ATTR_INT, .i = 1 };
    return emit_simple(c, layer->op, path, 1, &axis);
}

/* dropout P */
static enum ph_status run_dropout(net_cursor *c, const net_layer *layer, const char *path)
{
    float ratio;
    ph_value in[2] = { c->parser->current, PH_NONE };
    enum ph_status st = net_take_real(c, "the share to drop", &ratio);
    if (!st && !(ratio >= 0.0f && ratio < 1.0f))
        st = net_fail_here(c, "the share to drop is %g; 0 up to below 1 is possible", (double)ratio);
    if (!st) st = net_expect_end(c);
    if (!st) st = net_add_floats(c->parser, path, "ratio", 0, NULL, &ratio, 0.0f, &in[1]);
    return st ? st : net_emit(c->parser, layer->op, path, 2, in, 0, NULL);
}

/* --- Normalisation --------------------------------------------------------------------------------------- */

/* bn [epsilon E] [momentum M] */
static enum ph_status run_bn(net_cursor *c, const net_layer *layer, const char *path)
{
    static const char *const parts[] = { "scale", "bias", "mean", "var" };
    static const float fills[] = { 1.0f, 0.0f, 0.0f, 1.0f };
    float epsilon = 1e-5f, momentum = 0.9f;
    enum ph_status st = PH_OK;
    while (!st && !net_at_end(c)) {
        if (net_take_word(c, "epsilon"))
            st = net_take_real(c, "epsilon", &epsilon);
        else if (net_take_word(c, "momentum"))
            st = net_take_real(c, "the momentum", &momentum);
        else
            return net_expect_end(c);
    }
    const phi_type *t = net_type(c->parser, c->parser->current);
    if (!st && t->rank < 2) st = net_fail_here(c, "'bn' needs a value with channels");
    ph_value in[5] = { c->parser->current };
    const int64_t channels = st ? 0 : t->dims[1];
    for (size_t i = 0; i < 4 && !st; i++)
        st = net_add_floats(c->parser, path, parts[i], 1, &channels, NULL, fills[i], &in[1 + i]);
    const ph_attr attrs[] = { { .name = "epsilon", .kind = PH_ATTR_FLOAT, .f = epsilon },
                              { .name = "momentum", .kind = PH_ATTR_FLOAT, .f = momentum } };
    return st ? st : net_emit(c->parser, layer->op, path, 5, in, 2, attrs);
}

/* lrn SIZE [alpha A] [beta B] [k K] */
static enum ph_status run_lrn(net_cursor *c, const net_layer *layer, const char *path)
{
    int64_t size;
    float alpha = 1e-4f, beta = 0.75f, k = 1.0f;
    enum ph_status st = net_take_int(c, "the number of channels to look at", 1, &size);
    while (!st && !net_at_end(c)) {
        if (net_take_word(c, "alpha"))
            st = net_take_real(c, "alpha", &alpha);
        else if (net_take_word(c, "beta"))
            st = net_take_real(c, "beta", &beta);
        else if (net_take_word(c, "k"))
            st = net_take_real(c, "k", &k);
        else
            return net_expect_end(c);
    }
    const ph_attr attrs[] = { { .name = "size", .kind = PH_ATTR_INT, .i = size },
                              { .name = "alpha", .kind = PH_ATTR_FLOAT, .f = alpha },
                              { .name = "beta", .kind = PH_ATTR_FLOAT, .f = beta },
                              { .name = "bias", .kind = PH_ATTR_FLOAT, .f = k } };
    return st ? st : emit_simple(c, layer->op, path, 4, attrs);
}

/* One number for all channels, or one for each; x [channels]. */
static enum ph_status take_per_channel(net_cursor *c, const char *what, int64_t channels, float *x)
{
    int64_t n = 0;
    enum ph_status st = PH_OK;
    while (!st && (n == 0 || net_number_next(c))) {
        if (n == channels) return net_fail_here(c, "more numbers than the %lld channels",
                                                (long long)channels);
        st = net_take_real(c, what, &x[n++]);
    }
    if (!st && n != 1 && n != channels)
        return net_fail_here(c, "%lld numbers for %lld channels; one, or one for each was wanted",
                             (long long)n, (long long)channels);
    for (int64_t i = n; i < channels && n == 1; i++) x[i] = x[0];
    return st;
}

/* PATH/WORD = current OP x [c,1,1], as a fixed constant. */
static enum ph_status emit_per_channel(net_cursor *c, const char *op, const char *path,
                                       const char *part, int64_t channels, const float *x)
{
    const int64_t dims[3] = { channels, 1, 1 };
    ph_value in[2] = { c->parser->current, PH_NONE };
    enum ph_status st = net_add_floats(c->parser, path, part, 3, dims, x, 0.0f, &in[1]);
    return st ? st : net_emit(c->parser, op, path, 2, in, 0, NULL);
}

/* normalize MEAN... / STD...: (x - mean) / std, per channel */
static enum ph_status run_normalize(net_cursor *c, const net_layer *layer, const char *path)
{
    float mean[NET_CHANNELS_LISTED_MAX], std[NET_CHANNELS_LISTED_MAX];
    char centred[NET_PATH_BYTES];
    (void)layer;
    enum ph_status st = need_image(c);
    if (st) return st;
    const int64_t channels = net_type(c->parser, c->parser->current)->dims[1];
    if (channels > NET_CHANNELS_LISTED_MAX)
        return net_fail_here(c, "too many channels to list; at most %d are possible",
                             NET_CHANNELS_LISTED_MAX);
    st = take_per_channel(c, "a mean", channels, mean);
    if (!st && !net_take_char(c, '/')) st = net_fail_here(c, "'/' and the standard deviations were "
                                                          "wanted behind the means");
    if (!st) st = take_per_channel(c, "a standard deviation", channels, std);
    if (!st) st = net_expect_end(c);
    for (int64_t i = 0; i < channels && !st; i++)
        if (!(std[i] > 0.0f)) st = net_fail_here(c, "a standard deviation of %g", (double)std[i]);
    const int n = st ? 0 : snprintf(centred, sizeof centred, "%s/centred", path);
    if (!st && (n < 0 || (size_t)n >= sizeof centred))
        st = net_fail_here(c, "the full name is too long");
    if (!st) st = emit_per_channel(c, "Sub", centred, "mean", channels, mean);
    return st ? st : emit_per_channel(c, "Div", path, "std", channels, std);
}

/* --- Shapes and joins --------------------------------------------------------------------------------------- */

/* fc N [nobias]: flattens first if need be */
static enum ph_status run_fc(net_cursor *c, const net_layer *layer, const char *path)
{
    net_parser *p = c->parser;
    char flat[NET_PATH_BYTES];
    int64_t n;
    enum ph_status st = net_take_int(c, "the number of outputs", 1, &n);
    const bool no_bias = !st && net_take_word(c, "nobias");
    if (!st) st = net_expect_end(c);
    if (!st && net_type(p, p->current)->rank != 2) {
        const int k = snprintf(flat, sizeof flat, "%s/flatten", path);
        if (k < 0 || (size_t)k >= sizeof flat) return net_fail_here(c, "the full name is too long");
        st = net_emit(p, "Flatten", flat, 1, &p->current, 0, NULL);
    }
    if (st) return st;
    ph_value in[3] = { p->current, PH_NONE, PH_NONE };
    const int64_t dims[2] = { n, net_type(p, p->current)->dims[1] };
    st = net_add_weights(p, path, "weight", 2, dims, dims[1] ? dims[1] : 1, &in[1]);
    if (!st && !no_bias) st = net_add_floats(p, path, "bias", 1, &n, NULL, 0.0f, &in[2]);
    const ph_attr transposed = { .name = "transB", .kind = PH_ATTR_INT, .i = 1 };
    return st ? st : net_emit(p, layer->op, path, no_bias ? 2 : 3, in, 1, &transposed);
}

/* reshape AxBxC: without the batch, which stays */
static enum ph_status run_reshape(net_cursor *c, const net_layer *layer, const char *path)
{
    int64_t dims[PH_MAX_RANK] = { 0 }; /* 0: keep the batch */
    size_t n;
    ph_value in[2] = { c->parser->current, PH_NONE };
    enum ph_status st = net_take_dims(c, "the new shape, AxBxC,", PH_MAX_RANK - 1, dims + 1, &n);
    if (!st) st = net_expect_end(c);
    if (!st) st = net_add_ints(c->parser, path, "shape", n + 1, dims, &in[1]);
    return st ? st : net_emit(c->parser, layer->op, path, 2, in, 0, NULL);
}

/* pad P | pad TOP LEFT BOTTOM RIGHT: zeros around */
static enum ph_status run_pad(net_cursor *c, const net_layer *layer, const char *path)
{
    window w = new_window();
    ph_value in[2] = { c->parser->current, PH_NONE };
    enum ph_status st = need_image(c);
    if (!st) st = take_pads(c, &w);
    if (!st) st = net_expect_end(c);
    if (!st && w.same) st = net_fail_here(c, "'same' needs a window; 'pad' takes numbers");
    const int64_t pads[8] = { 0, 0, w.pads[0], w.pads[1], 0, 0, w.pads[2], w.pads[3] };
    if (!st) st = net_add_ints(c->parser, path, "pads", 8, pads, &in[1]);
    return st ? st : net_emit(c->parser, layer->op, path, 2, in, 0, NULL);
}

enum ph_status net_join(net_cursor *c, const char *path, size_t n, const ph_value *v)
{
    net_parser *p = c->parser;
    net_span kind = c->statement->word;
    if (net_span_is(kind, "join")) { /* join [KIND]: the word before the cursor, or concat */
        net_cursor arg = net_cursor_at(p, c->source, c->statement);
        kind = net_peek_word(&arg);
        if (!kind.n) kind = (net_span){ "concat", 6 };
    }
    const ph_attr axis = { .name = "axis", .kind = PH_ATTR_INT, .i = 1 };
    if (net_span_is(kind, "concat")) return net_emit(p, "Concat", path, n, v, 1, &axis);
    if (n < 2) return net_fail_here(c, "there is only one value to join");
    if (net_span_is(kind, "add") && n > 2) return net_emit(p, "Sum", path, n, v, 0, NULL);
    if (n > 2) return net_fail_here(c, "'mul' joins two values");
    return net_emit(p, net_span_is(kind, "add") ? "Add" : "Mul", path, n, v, 0, NULL);
}

/* add / mul / concat NAME...: with the current value first */
static enum ph_status run_join(net_cursor *c, const net_layer *layer, const char *path)
{
    ph_value v[NET_BRANCHES_MAX] = { c->parser->current };
    size_t n = 1;
    (void)layer;
    enum ph_status st = PH_OK;
    while (!st && !net_at_end(c)) {
        if (n == NET_BRANCHES_MAX) return net_fail_here(c, "too many values to join");
        st = net_take_reference(c, &v[n++]);
    }
    if (!st && n < 2) st = net_fail_here(c, "the name of a value to join with was wanted");
    return st ? st : net_join(c, path, n, v);
}

/* value: only gives the value before it (or `from NAME`) a name */
static enum ph_status run_value(net_cursor *c, const net_layer *layer, const char *path)
{
    (void)layer;
    enum ph_status st = net_expect_end(c);
    return st ? st : net_define(c->parser, path, c->parser->current);
}

/* --- The list --------------------------------------------------------------------------------------------------- */

static const net_layer layers[] = {
    { "conv", run_conv, "Conv" },
    { "depthwise", run_depthwise, "Conv" },
    { "fc", run_fc, "Gemm" },
    { "maxpool", run_pool, "MaxPool" },
    { "avgpool", run_pool, "AveragePool" },
    { "globalavgpool", run_plain, "GlobalAveragePool" },
    { "globalmaxpool", run_plain, "GlobalMaxPool" },
    { "bn", run_bn, "BatchNormalization" },
    { "lrn", run_lrn, "LRN" },
    { "dropout", run_dropout, "Dropout" },
    { "normalize", run_normalize, "Div" },
    { "relu", run_plain, "Relu" },
    { "leakyrelu", run_leaky, "LeakyRelu" },
    { "relu6", run_clip, "Clip" },
    { "clip", run_clip, "Clip" },
    { "sigmoid", run_plain, "Sigmoid" },
    { "tanh", run_plain, "Tanh" },
    { "hardsigmoid", run_plain, "HardSigmoid" },
    { "hardswish", run_plain, "HardSwish" },
    { "softmax", run_softmax, "Softmax" },
    { "logsoftmax", run_softmax, "LogSoftmax" },
    { "flatten", run_plain, "Flatten" },
    { "reshape", run_reshape, "Reshape" },
    { "pad", run_pad, "Pad" },
    { "add", run_join, "Add" },
    { "mul", run_join, "Mul" },
    { "concat", run_join, "Concat" },
    { "value", run_value, NULL },
};

const net_layer *net_layer_at(size_t i) { return i < PHI_COUNT(layers) ? &layers[i] : NULL; }
size_t net_layer_count(void) { return PHI_COUNT(layers); }

const net_layer *net_find_layer(net_span name, size_t *index)
{
    for (size_t i = 0; i < PHI_COUNT(layers); i++)
        if (net_span_is(name, layers[i].name)) {
            if (index) *index = i;
            return &layers[i];
        }
    return NULL;
}
