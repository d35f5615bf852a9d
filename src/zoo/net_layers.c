/* SPDX-License-Identifier: MIT */
/*
 * The layers of the language, one function and one line in the table at the end each.
 */
#include <stdio.h>

#include "zoo/net.h"

/* --- Windows: kernel, stride, padding, dilation ---------------------------------------------- */

typedef struct window {
    int64_t r, s, stride_h, stride_w, dilation_h, dilation_w;
    int64_t pad[4]; /* top, left, bottom, right */
    bool same, has_stride, ceil, include_pad, no_bias;
    int64_t groups, multiplier;
} window;

enum {
    CAN_DILATE = 1,
    CAN_GROUP = 2,
    CAN_MULTIPLY = 4,
    CAN_CEIL = 8,
    CAN_INCLUDE = 16,
    CAN_BIAS = 32
};

static window new_window(void)
{
    return (window){.stride_h = 1,
                    .stride_w = 1,
                    .dilation_h = 1,
                    .dilation_w = 1,
                    .groups = 1,
                    .multiplier = 1};
}

/* The layer looks at images: the current value is [n, c, h, w]. */
static enum ph_status need_image(net_cursor *c)
{
    const phi_type *t = phi_net_type(c->parser, c->parser->current);
    if (t->rank == 4) return PH_OK;
    char shape[PHI_TYPE_TEXT];
    return phi_net_fail(c->parser, c->source, c->statement, c->statement->word.p, PH_ERR_SHAPE,
                    "'%.*s' wants images [n,c,h,w]; the value here is %s",
                    (int)c->statement->word.n, c->statement->word.p,
                    phi_dims_text(t->rank, t->dims, shape, sizeof shape));
}

/* Nothing that begins like a number may be an option of this layer in disguise: `pad 1 stride 2`.
 */
static bool another_pad(net_cursor *c)
{
    static const char *const options[] = {"stride", "pad",   "dilation",  "groups",
                                          "nobias", "ceil",  "count_pad", "multiplier",
                                          "mode",   "value", "channels"};
    const net_span word = phi_net_peek_word(c);
    for (size_t i = 0; i < PHI_COUNT(options); i++)
        if (phi_net_span_is(word, options[i])) return false;
    return phi_net_number_next(c);
}

/* same | N | H W | TOP LEFT BOTTOM RIGHT */
static enum ph_status take_pads(net_cursor *c, int64_t pad[4], bool *same)
{
    if (same && phi_net_take_word(c, "same")) {
        *same = true;
        return PH_OK;
    }
    size_t n = 0;
    do {
        enum ph_status st = phi_net_take_int(c, same ? "'same' or a padding" : "a padding", 0, &pad[n]);
        if (st) return st;
    } while (++n < 4 && another_pad(c));
    if (n == 3) return net_fail_here(c, "3 paddings; 1, 2 (height, width) or 4 were wanted");
    if (n == 1) pad[1] = pad[0];
    if (n < 4) {
        pad[2] = pad[0];
        pad[3] = pad[1];
    }
    return PH_OK;
}

static enum ph_status unknown_option(net_cursor *c, unsigned can)
{
    static const struct {
        const char *word;
        unsigned needs;
    } options[] = {{"stride", 0},
                   {"pad", 0},
                   {"dilation", CAN_DILATE},
                   {"groups", CAN_GROUP},
                   {"nobias", CAN_BIAS},
                   {"ceil", CAN_CEIL},
                   {"count_pad", CAN_INCLUDE},
                   {"multiplier", CAN_MULTIPLY}};
    const net_span word = phi_net_peek_word(c);
    if (word.n == 0) return phi_net_expect_end(c);
    char hint[NET_HINT_BYTES];
    net_nearest near = phi_net_nearest_start(word);
    for (size_t i = 0; i < PHI_COUNT(options); i++)
        if ((options[i].needs & ~can) == 0)
            phi_net_nearest_offer(&near, (net_span){options[i].word, strlen(options[i].word)});
    return net_fail_here(c, "'%.*s' is no option of '%.*s'%s", (int)word.n, word.p,
                         (int)c->statement->word.n, c->statement->word.p,
                         phi_net_nearest_hint(&near, hint));
}

/* Options in any order, to the end of the statement. */
static enum ph_status take_options(net_cursor *c, unsigned can, window *w)
{
    enum ph_status st = PH_OK;
    while (!st && !phi_net_at_end(c)) {
        if (phi_net_take_char(c, '/') || phi_net_take_word(c, "stride")) {
            w->has_stride = true;
            st = phi_net_take_pair(c, "a stride", 1, &w->stride_h, &w->stride_w);
        } else if (phi_net_take_word(c, "pad"))
            st = take_pads(c, w->pad, &w->same);
        else if (can & CAN_DILATE && phi_net_take_word(c, "dilation"))
            st = phi_net_take_pair(c, "a dilation", 1, &w->dilation_h, &w->dilation_w);
        else if (can & CAN_GROUP && phi_net_take_word(c, "groups"))
            st = phi_net_take_int(c, "a number of groups", 1, &w->groups);
        else if (can & CAN_MULTIPLY && phi_net_take_word(c, "multiplier"))
            st = phi_net_take_int(c, "a multiplier", 1, &w->multiplier);
        else if (can & CAN_BIAS && phi_net_take_word(c, "nobias"))
            w->no_bias = true;
        else if (can & CAN_CEIL && phi_net_take_word(c, "ceil"))
            w->ceil = true;
        else if (can & CAN_INCLUDE && phi_net_take_word(c, "count_pad"))
            w->include_pad = true;
        else
            return unknown_option(c, can);
    }
    return st;
}

/* `pad same`: as many outputs as inputs divided by the stride, rounded up; what is odd goes below
 * and to the right (ONNX's SAME_UPPER). All numbers are < 2^31, kernels and dilations too, so their
 * product fits. */
static void same_pads(int64_t in, int64_t kernel, int64_t stride, int64_t dilation, int64_t *before,
                      int64_t *after)
{
    const int64_t out = (in + stride - 1) / stride;
    const int64_t total = (out - 1) * stride + (kernel - 1) * dilation + 1 - in;
    *before = total > 0 ? total / 2 : 0;
    *after = total > 0 ? total - *before : 0;
}

static void resolve_same(const net_cursor *c, window *w)
{
    if (!w->same) return;
    const phi_type *t = phi_net_type(c->parser, c->parser->current);
    same_pads(t->dims[2], w->r, w->stride_h, w->dilation_h, &w->pad[0], &w->pad[2]);
    same_pads(t->dims[3], w->s, w->stride_w, w->dilation_w, &w->pad[1], &w->pad[3]);
}

/* --- Convolutions ---------------------------------------------------------------------------- */

static enum ph_status emit_window_conv(net_cursor *c, const char *path, int64_t k, window *w)
{
    resolve_same(c, w);
    const ph_conv_desc d = {.k = k,
                            .r = w->r,
                            .s = w->s,
                            .stride_h = w->stride_h,
                            .stride_w = w->stride_w,
                            .dilation_h = w->dilation_h,
                            .dilation_w = w->dilation_w,
                            .pad_top = w->pad[0],
                            .pad_left = w->pad[1],
                            .pad_bottom = w->pad[2],
                            .pad_right = w->pad[3],
                            .groups = w->groups,
                            .no_bias = w->no_bias,
                            .name = path};
    return phi_net_emit_conv(c->parser, &d);
}

/* conv KERNEL CHANNELS [/ STRIDE] [pad ...] [dilation ...] [groups G] [nobias] */
static enum ph_status run_conv(net_cursor *c, const net_layer *layer, const char *path)
{
    (void)layer;
    window w = new_window();
    int64_t k;
    enum ph_status st = need_image(c);
    if (!st) st = phi_net_take_pair(c, "a kernel, such as 3x3,", 1, &w.r, &w.s);
    if (!st) st = phi_net_take_int(c, "the number of output channels", 1, &k);
    if (!st) st = take_options(c, CAN_DILATE | CAN_GROUP | CAN_BIAS, &w);
    if (st) return st;
    const int64_t channels = phi_net_type(c->parser, c->parser->current)->dims[1];
    if (channels % w.groups || k % w.groups)
        return phi_net_fail(c->parser, c->source, c->statement, c->statement->word.p, PH_ERR_SHAPE,
                        "%lld groups do not divide %lld input and %lld output channels",
                        (long long)w.groups, (long long)channels, (long long)k);
    return emit_window_conv(c, path, k, &w);
}

/* depthwise KERNEL [/ STRIDE] [pad ...] [dilation ...] [multiplier M] [nobias] */
static enum ph_status run_depthwise(net_cursor *c, const net_layer *layer, const char *path)
{
    (void)layer;
    window w = new_window();
    enum ph_status st = need_image(c);
    if (!st) st = phi_net_take_pair(c, "a kernel, such as 3x3,", 1, &w.r, &w.s);
    if (!st) st = take_options(c, CAN_DILATE | CAN_MULTIPLY | CAN_BIAS, &w);
    if (st) return st;
    w.groups = phi_net_type(c->parser, c->parser->current)->dims[1];
    int64_t k;
    if (!phi_mul_i64(w.groups, w.multiplier, &k) || k > NET_INT_MAX)
        return net_fail_here(c, "too many output channels");
    return emit_window_conv(c, path, k, &w);
}

/* --- Pooling --------------------------------------------------------------------------------- */

static enum ph_status emit_pool(net_cursor *c, const net_layer *layer, const char *path,
                                const window *w)
{
    const bool max = strcmp(layer->op, "MaxPool") == 0;
    const int64_t kernel[2] = {w->r, w->s}, strides[2] = {w->stride_h, w->stride_w};
    const int64_t dilations[2] = {w->dilation_h, w->dilation_w};
    ph_attr attrs[5] = {
        {.name = "kernel_shape", .kind = PH_ATTR_INTS, .n = 2, .ints = kernel},
        {.name = "strides", .kind = PH_ATTR_INTS, .n = 2, .ints = strides},
        {.name = "pads", .kind = PH_ATTR_INTS, .n = 4, .ints = w->pad},
        {.name = "ceil_mode", .kind = PH_ATTR_INT, .i = w->ceil},
    };
    if (max)
        attrs[4] = (ph_attr){.name = "dilations", .kind = PH_ATTR_INTS, .n = 2, .ints = dilations};
    else
        attrs[4] = (ph_attr){.name = "count_include_pad", .kind = PH_ATTR_INT, .i = w->include_pad};
    return phi_net_emit(c->parser, layer->op, path, 1, &c->parser->current, 5, attrs);
}

/* maxpool KERNEL / STRIDE [pad ...] [ceil] [dilation ...],  avgpool ... [count_pad] */
static enum ph_status run_pool(net_cursor *c, const net_layer *layer, const char *path)
{
    window w = new_window();
    const bool max = strcmp(layer->op, "MaxPool") == 0;
    enum ph_status st = need_image(c);
    if (!st) st = phi_net_take_pair(c, "a window, such as 3x3,", 1, &w.r, &w.s);
    if (!st) st = take_options(c, CAN_CEIL | (max ? CAN_DILATE : CAN_INCLUDE), &w);
    if (st) return st;
    /* frameworks disagree about the default (1 in Caffe and ONNX, the window in PyTorch) */
    if (!w.has_stride) return net_fail_here(c, "a stride was wanted, such as '/ 2'");
    resolve_same(c, &w);
    return emit_pool(c, layer, path, &w);
}

/* --- Without arguments ----------------------------------------------------------------------- */

static enum ph_status run_plain(net_cursor *c, const net_layer *layer, const char *path)
{
    enum ph_status st = phi_net_expect_end(c);
    return st ? st : phi_net_emit(c->parser, layer->op, path, 1, &c->parser->current, 0, NULL);
}

static enum ph_status run_global(net_cursor *c, const net_layer *layer, const char *path)
{
    enum ph_status st = need_image(c);
    return st ? st : run_plain(c, layer, path);
}

/* softmax, logsoftmax, flatten: along the channels */
static enum ph_status run_axis1(net_cursor *c, const net_layer *layer, const char *path)
{
    const ph_attr axis = {.name = "axis", .kind = PH_ATTR_INT, .i = 1};
    enum ph_status st = phi_net_expect_end(c);
    return st ? st : phi_net_emit(c->parser, layer->op, path, 1, &c->parser->current, 1, &axis);
}

/* --- Activations ----------------------------------------------------------------------------- */

/* leakyrelu [SLOPE] */
static enum ph_status run_leaky_relu(net_cursor *c, const net_layer *layer, const char *path)
{
    ph_attr alpha = {.name = "alpha", .kind = PH_ATTR_FLOAT, .f = 0.01f};
    enum ph_status st = phi_net_at_end(c) ? PH_OK : phi_net_take_real(c, "a slope", &alpha.f);
    if (!st) st = phi_net_expect_end(c);
    return st ? st : phi_net_emit(c->parser, layer->op, path, 1, &c->parser->current, 1, &alpha);
}

/* hardsigmoid [ALPHA BETA]: max(0, min(1, alpha x + beta)); 1/6 and 1/2 as in MobileNetV3 */
static enum ph_status run_hard_sigmoid(net_cursor *c, const net_layer *layer, const char *path)
{
    ph_attr attrs[] = {{.name = "alpha", .kind = PH_ATTR_FLOAT, .f = 1.0f / 6.0f},
                       {.name = "beta", .kind = PH_ATTR_FLOAT, .f = 0.5f}};
    enum ph_status st = PH_OK;
    if (!phi_net_at_end(c)) {
        st = phi_net_take_real(c, "a slope", &attrs[0].f);
        if (!st) st = phi_net_take_real(c, "an offset", &attrs[1].f);
    }
    if (!st) st = phi_net_expect_end(c);
    return st ? st : phi_net_emit(c->parser, layer->op, path, 1, &c->parser->current, 2, attrs);
}

static enum ph_status emit_clip(net_cursor *c, const char *path, float lo, float hi)
{
    ph_value in[3] = {c->parser->current, PH_NONE, PH_NONE};
    enum ph_status st = phi_net_add_floats(c->parser, path, "min", 0, NULL, NULL, lo, &in[1]);
    if (!st) st = phi_net_add_floats(c->parser, path, "max", 0, NULL, NULL, hi, &in[2]);
    return st ? st : phi_net_emit(c->parser, "Clip", path, 3, in, 0, NULL);
}

static enum ph_status run_relu6(net_cursor *c, const net_layer *layer, const char *path)
{
    (void)layer;
    enum ph_status st = phi_net_expect_end(c);
    return st ? st : emit_clip(c, path, 0.0f, 6.0f);
}

/* clip LOW HIGH */
static enum ph_status run_clip(net_cursor *c, const net_layer *layer, const char *path)
{
    (void)layer;
    float lo, hi;
    enum ph_status st = phi_net_take_real(c, "the lower bound", &lo);
    if (!st) st = phi_net_take_real(c, "the upper bound", &hi);
    if (!st) st = phi_net_expect_end(c);
    if (!st && lo > hi) st = net_fail_here(c, "the lower bound is above the upper one");
    return st ? st : emit_clip(c, path, lo, hi);
}

/* dropout [RATIO] */
static enum ph_status run_dropout(net_cursor *c, const net_layer *layer, const char *path)
{
    (void)layer;
    float ratio = 0.5f;
    phi_net_skip_space(c);
    const net_cursor start = *c;
    enum ph_status st = phi_net_at_end(c) ? PH_OK : phi_net_take_real(c, "a ratio", &ratio);
    if (st) return st;
    if (!(ratio >= 0.0f && ratio < 1.0f))
        return phi_net_fail(c->parser, c->source, c->statement, start.p, PH_ERR_FORMAT,
                        "a ratio of %g; "
                        "0 up to but not including 1 is possible",
                        (double)ratio);
    ph_value in[2] = {c->parser->current, PH_NONE};
    st = phi_net_expect_end(c);
    if (!st) st = phi_net_add_floats(c->parser, path, "ratio", 0, NULL, NULL, ratio, &in[1]);
    return st ? st : phi_net_emit(c->parser, "Dropout", path, 2, in, 0, NULL);
}

/* --- Normalisation --------------------------------------------------------------------------- */

/* Channels of the current value: dimension 1. */
static enum ph_status need_channels(net_cursor *c, int64_t *channels)
{
    const phi_type *t = phi_net_type(c->parser, c->parser->current);
    if (t->rank < 2)
        return net_fail_here(c, "'%.*s' wants a value with channels", (int)c->statement->word.n,
                             c->statement->word.p);
    *channels = t->dims[1];
    return PH_OK;
}

/* bn [epsilon E] [momentum M] */
static enum ph_status run_bn(net_cursor *c, const net_layer *layer, const char *path)
{
    const double expected = c->parser->info[c->parser->current].power.square;
    const struct {
        const char *name;
        float fill;
    } parts[4] = {{"scale", 1.0f},
                  {"bias", 0.0f},
                  {"mean", 0.0f},
                  {"var", expected > 0.0 ? (float)expected : 1.0f}};
    ph_attr attrs[] = {{.name = "epsilon", .kind = PH_ATTR_FLOAT, .f = 1e-5f},
                       {.name = "momentum", .kind = PH_ATTR_FLOAT, .f = 0.9f}};
    int64_t channels = 0;
    enum ph_status st = need_channels(c, &channels);
    while (!st && !phi_net_at_end(c)) {
        if (phi_net_take_word(c, "epsilon"))
            st = phi_net_take_real(c, "an epsilon", &attrs[0].f);
        else if (phi_net_take_word(c, "momentum"))
            st = phi_net_take_real(c, "a momentum", &attrs[1].f);
        else
            st = net_fail_here(c, "'epsilon' or 'momentum' was wanted");
    }
    if (st) return st;
    if (!(attrs[0].f > 0.0f)) return net_fail_here(c, "epsilon must be above 0");
    if (!(attrs[1].f >= 0.0f && attrs[1].f <= 1.0f))
        return net_fail_here(c, "momentum must be in 0 .. 1");
    ph_value in[5] = {c->parser->current};
    for (size_t i = 0; i < 4 && !st; i++)
        st = phi_net_add_floats(c->parser, path, parts[i].name, 1, &channels, NULL, parts[i].fill,
                            &in[i + 1]);
    return st ? st : phi_net_emit(c->parser, layer->op, path, 5, in, 2, attrs);
}

/* lrn SIZE [alpha A] [beta B] [k K]; ONNX's defaults. Its alpha is divided by the size, as Caffe's
 * is; AlexNet's (Krizhevsky 2012, sec. 3.3) is not */
static enum ph_status run_lrn(net_cursor *c, const net_layer *layer, const char *path)
{
    ph_attr attrs[] = {{.name = "size", .kind = PH_ATTR_INT},
                       {.name = "alpha", .kind = PH_ATTR_FLOAT, .f = 1e-4f},
                       {.name = "beta", .kind = PH_ATTR_FLOAT, .f = 0.75f},
                       {.name = "bias", .kind = PH_ATTR_FLOAT, .f = 1.0f}};
    int64_t channels = 0;
    enum ph_status st = need_channels(c, &channels);
    if (!st) st = phi_net_take_int(c, "a number of channels", 1, &attrs[0].i);
    while (!st && !phi_net_at_end(c)) {
        if (phi_net_take_word(c, "alpha"))
            st = phi_net_take_real(c, "alpha's value", &attrs[1].f);
        else if (phi_net_take_word(c, "beta"))
            st = phi_net_take_real(c, "beta's value", &attrs[2].f);
        else if (phi_net_take_word(c, "k"))
            st = phi_net_take_real(c, "k's value", &attrs[3].f);
        else
            st = net_fail_here(c, "'alpha', 'beta' or 'k' was wanted");
    }
    return st ? st : phi_net_emit(c->parser, layer->op, path, 1, &c->parser->current, 4, attrs);
}

/* One number for all channels or one for each, into x [channels]. */
static enum ph_status take_per_channel(net_cursor *c, const char *what, int64_t channels,
                                       float x[NET_CHANNELS_LISTED_MAX], size_t *n)
{
    *n = 0;
    do {
        if (*n == NET_CHANNELS_LISTED_MAX)
            return net_fail_here(c, "more than %d numbers", NET_CHANNELS_LISTED_MAX);
        enum ph_status st = phi_net_take_real(c, what, &x[(*n)++]);
        if (st) return st;
    } while (phi_net_number_next(c));
    if (*n == 1 || (int64_t)*n == channels) return PH_OK;
    return net_fail_here(c, "%zu numbers for %lld channels; one, or one for each was wanted", *n,
                         (long long)channels);
}

/* PATH = current OP constant of shape [c,1,1] (as many 1s as there are dimensions behind c). */
static enum ph_status emit_per_channel(net_cursor *c, const char *op, const char *path,
                                       const char *part, size_t n, const float *x)
{
    net_parser *p = c->parser;
    const phi_type *t = phi_net_type(p, p->current);
    int64_t dims[PH_MAX_RANK];
    dims[0] = t->dims[1];
    for (int i = 1; i < t->rank - 1; i++)
        dims[i] = 1;
    ph_value in[2] = {p->current, PH_NONE};
    enum ph_status st =
        phi_net_add_floats(p, path, part, t->rank - 1, dims, n > 1 ? x : NULL, x[0], &in[1]);
    return st ? st : phi_net_emit(p, op, path, 2, in, 0, NULL);
}

/* scale X..., shift X... */
static enum ph_status run_per_channel(net_cursor *c, const net_layer *layer, const char *path)
{
    float x[NET_CHANNELS_LISTED_MAX];
    size_t n;
    int64_t channels = 0;
    enum ph_status st = need_channels(c, &channels);
    if (!st) st = take_per_channel(c, "a number", channels, x, &n);
    if (!st) st = phi_net_expect_end(c);
    return st ? st : emit_per_channel(c, layer->op, path, layer->name, n, x);
}

/* normalize MEAN... / DEVIATION...: (x - mean) / deviation, with constants that are not trained */
static enum ph_status run_normalize(net_cursor *c, const net_layer *layer, const char *path)
{
    (void)layer;
    float mean[NET_CHANNELS_LISTED_MAX], deviation[NET_CHANNELS_LISTED_MAX];
    size_t n_mean, n_deviation;
    int64_t channels = 0;
    enum ph_status st = need_channels(c, &channels);
    if (!st) st = take_per_channel(c, "a mean", channels, mean, &n_mean);
    if (!st && !phi_net_take_char(c, '/'))
        st = net_fail_here(c, "'/' and the standard deviations were wanted behind the means");
    if (!st) st = take_per_channel(c, "a standard deviation", channels, deviation, &n_deviation);
    if (!st) st = phi_net_expect_end(c);
    for (size_t i = 0; !st && i < n_deviation; i++)
        if (!(deviation[i] > 0.0f)) st = net_fail_here(c, "a standard deviation must be above 0");
    if (st) return st;
    char inner[NET_PATH_BYTES + 16];
    snprintf(inner, sizeof inner, "%s/sub", path);
    st = emit_per_channel(c, "Sub", inner, "mean", n_mean, mean);
    if (st) return st;
    snprintf(inner, sizeof inner, "%s/div", path);
    return emit_per_channel(c, "Div", inner, "std", n_deviation, deviation);
}

/* --- Fully connected ------------------------------------------------------------------------- */

static enum ph_status flatten_for(net_cursor *c, const char *path)
{
    char name[NET_PATH_BYTES + 16];
    const ph_attr axis = {.name = "axis", .kind = PH_ATTR_INT, .i = 1};
    snprintf(name, sizeof name, "%s/flatten", path);
    return phi_net_emit(c->parser, "Flatten", name, 1, &c->parser->current, 1, &axis);
}

/* fc N [nobias]: y = x W^T + b, W [N, inputs]; images are flattened first */
static enum ph_status run_fc(net_cursor *c, const net_layer *layer, const char *path)
{
    net_parser *p = c->parser;
    int64_t k;
    enum ph_status st = phi_net_take_int(c, "a number of outputs", 1, &k);
    const bool no_bias = !st && phi_net_take_word(c, "nobias");
    if (!st) st = phi_net_expect_end(c);
    if (!st && phi_net_type(p, p->current)->rank != 2) st = flatten_for(c, path);
    if (st) return st;
    const int64_t dims[2] = {k, phi_net_type(p, p->current)->dims[1]};
    const ph_attr transpose = {.name = "transB", .kind = PH_ATTR_INT, .i = 1};
    ph_value in[3] = {p->current, PH_NONE, PH_NONE};
    st = phi_net_add_weights(p, path, "weight", 2, dims, dims[1], &in[1]);
    if (!st && !no_bias) st = phi_net_add_floats(p, path, "bias", 1, &k, NULL, 0.0f, &in[2]);
    return st ? st : phi_net_emit(p, layer->op, path, no_bias ? 2 : 3, in, 1, &transpose);
}

/* --- Shapes ---------------------------------------------------------------------------------- */

/* reshape AxBxC: behind the batch; one of them may be '?' */
static enum ph_status run_reshape(net_cursor *c, const net_layer *layer, const char *path)
{
    int64_t dims[PH_MAX_RANK] = {0}; /* 0: the batch, as it is */
    size_t n;
    enum ph_status st = phi_net_take_dims(c, true, &dims[1], &n);
    if (!st) st = phi_net_expect_end(c);
    ph_value in[2] = {c->parser->current, PH_NONE};
    if (!st) st = phi_net_add_ints(c->parser, path, "shape", n + 1, dims, &in[1]);
    return st ? st : phi_net_emit(c->parser, layer->op, path, 2, in, 0, NULL);
}

/* transpose I J K ...: output dimension 0 is input dimension I, and so on */
static enum ph_status run_transpose(net_cursor *c, const net_layer *layer, const char *path)
{
    const int rank = phi_net_type(c->parser, c->parser->current)->rank;
    int64_t perm[PH_MAX_RANK];
    unsigned seen = 0;
    for (int i = 0; i < rank; i++) {
        phi_net_skip_space(c);
        const net_cursor start = *c;
        enum ph_status st = phi_net_take_int(c, "the number of a dimension", 0, &perm[i]);
        if (st) return st;
        if (perm[i] >= rank || seen & 1u << perm[i])
            return phi_net_fail(c->parser, c->source, c->statement, start.p, PH_ERR_FORMAT,
                            "dimension %lld; each of 0 to %d was wanted once", (long long)perm[i],
                            rank - 1);
        seen |= 1u << perm[i];
    }
    const ph_attr attr = {.name = "perm", .kind = PH_ATTR_INTS, .n = (size_t)rank, .ints = perm};
    enum ph_status st = phi_net_expect_end(c);
    return st ? st : phi_net_emit(c->parser, layer->op, path, 1, &c->parser->current, 1, &attr);
}

/* pad N | H W | TOP LEFT BOTTOM RIGHT [channels BEFORE BEHIND] [value V] [mode
 * constant|reflect|edge] */
static enum ph_status run_pad(net_cursor *c, const net_layer *layer, const char *path)
{
    static const char *const modes[] = {"constant", "reflect", "edge"};
    int64_t pad[4], channels[2] = {0, 0};
    float value = 0.0f;
    size_t mode = 0;
    enum ph_status st = need_image(c);
    if (!st) st = take_pads(c, pad, NULL);
    while (!st && !phi_net_at_end(c)) {
        if (phi_net_take_word(c, "value"))
            st = phi_net_take_real(c, "a value", &value);
        else if (phi_net_take_word(c, "channels")) {
            st = phi_net_take_int(c, "a number of channels", 0, &channels[0]);
            if (!st) st = phi_net_take_int(c, "a number of channels", 0, &channels[1]);
        } else if (phi_net_take_word(c, "mode")) {
            for (mode = 0; mode < PHI_COUNT(modes) && !phi_net_take_word(c, modes[mode]); mode++) {
            }
            if (mode == PHI_COUNT(modes))
                st = net_fail_here(c, "'constant', 'reflect' or 'edge' was wanted");
        } else
            st = net_fail_here(c, "'channels', 'value' or 'mode' was wanted");
    }
    if (st) return st;
    const int64_t pads[8] = {0, channels[0], pad[0], pad[1], 0, channels[1], pad[2], pad[3]};
    const ph_attr attr = {.name = "mode", .kind = PH_ATTR_STRING, .s = modes[mode]};
    ph_value in[3] = {c->parser->current, PH_NONE, PH_NONE};
    st = phi_net_add_ints(c->parser, path, "pads", 8, pads, &in[1]);
    if (!st && mode == 0)
        st = phi_net_add_floats(c->parser, path, "value", 0, NULL, NULL, value, &in[2]);
    return st ? st : phi_net_emit(c->parser, layer->op, path, mode == 0 ? 3 : 2, in, 1, &attr);
}

/* --- Several values -------------------------------------------------------------------------- */

static enum ph_status emit_concat(net_parser *p, const char *path, size_t n, const ph_value *v)
{
    const ph_attr axis = {.name = "axis", .kind = PH_ATTR_INT, .i = 1};
    return phi_net_emit(p, "Concat", path, n, v, 1, &axis);
}

/* concat A..., add A..., sub A, mul A, div A: the current value, then those named */
static enum ph_status run_several(net_cursor *c, const net_layer *layer, const char *path)
{
    ph_value v[NET_BRANCHES_MAX] = {c->parser->current};
    size_t n = 1;
    const bool pair = strcmp(layer->op, "Concat") != 0 && strcmp(layer->op, "Add") != 0;
    do {
        if (n == NET_BRANCHES_MAX) return net_fail_here(c, "more than %d values", NET_BRANCHES_MAX);
        enum ph_status st = phi_net_take_reference(c, &v[n++]);
        if (st) return st;
    } while (!pair && !phi_net_at_end(c));
    enum ph_status st = phi_net_expect_end(c);
    if (st) return st;
    if (strcmp(layer->op, "Concat") == 0) return emit_concat(c->parser, path, n, v);
    return phi_net_emit(c->parser, n > 2 ? "Sum" : layer->op, path, n, v, 0, NULL);
}

enum ph_status phi_net_join(net_cursor *c, const char *path, size_t n, const ph_value *v)
{
    const bool concat = phi_net_take_word(c, "concat"), add = !concat && phi_net_take_word(c, "add");
    const net_cursor start = *c;
    if (!concat && !add && !phi_net_take_word(c, "mul"))
        return net_fail_here(c, "'concat', 'add' or 'mul' was wanted behind 'join'");
    enum ph_status st = phi_net_expect_end(c);
    if (st) return st;
    if (n < 2)
        return phi_net_fail(c->parser, c->source, c->statement, c->statement->word.p, PH_ERR_FORMAT,
                        "a split of one branch has nothing to join");
    if (concat) return emit_concat(c->parser, path, n, v);
    if (add) return phi_net_emit(c->parser, n > 2 ? "Sum" : "Add", path, n, v, 0, NULL);
    if (n > 2)
        return phi_net_fail(c->parser, c->source, c->statement, start.p, PH_ERR_FORMAT,
                        "'mul' joins two branches; there are %zu", n);
    return phi_net_emit(c->parser, "Mul", path, 2, v, 0, NULL);
}

/* value: no layer; only gives the value before it (or `from NAME`) a name */
static enum ph_status run_value(net_cursor *c, const net_layer *layer, const char *path)
{
    (void)layer;
    (void)path; /* named by the caller, as every layer's value is */
    return phi_net_expect_end(c);
}

/* --- The table ------------------------------------------------------------------------------- */

static const net_layer layers[] = {
    {"conv", run_conv, "Conv"},
    {"depthwise", run_depthwise, "Conv"},
    {"maxpool", run_pool, "MaxPool"},
    {"avgpool", run_pool, "AveragePool"},
    {"globalavgpool", run_global, "GlobalAveragePool"},
    {"globalmaxpool", run_global, "GlobalMaxPool"},
    {"relu", run_plain, "Relu"},
    {"leakyrelu", run_leaky_relu, "LeakyRelu"},
    {"relu6", run_relu6, "Clip"},
    {"clip", run_clip, "Clip"},
    {"sigmoid", run_plain, "Sigmoid"},
    {"tanh", run_plain, "Tanh"},
    {"hardsigmoid", run_hard_sigmoid, "HardSigmoid"},
    {"hardswish", run_plain, "HardSwish"},
    {"identity", run_plain, "Identity"},
    {"softmax", run_axis1, "Softmax"},
    {"logsoftmax", run_axis1, "LogSoftmax"},
    {"dropout", run_dropout, "Dropout"},
    {"bn", run_bn, "BatchNormalization"},
    {"lrn", run_lrn, "LRN"},
    {"normalize", run_normalize, "Sub"},
    {"scale", run_per_channel, "Mul"},
    {"shift", run_per_channel, "Add"},
    {"fc", run_fc, "Gemm"},
    {"flatten", run_axis1, "Flatten"},
    {"reshape", run_reshape, "Reshape"},
    {"transpose", run_transpose, "Transpose"},
    {"pad", run_pad, "Pad"},
    {"concat", run_several, "Concat"},
    {"add", run_several, "Add"},
    {"sub", run_several, "Sub"},
    {"mul", run_several, "Mul"},
    {"div", run_several, "Div"},
    {"value", run_value, NULL},
};

const net_layer *phi_net_layer_at(size_t i)
{
    return i < PHI_COUNT(layers) ? &layers[i] : NULL;
}

size_t phi_net_layer_count(void)
{
    return PHI_COUNT(layers);
}

const net_layer *phi_net_find_layer(net_span name, size_t *index)
{
    for (size_t i = 0; i < PHI_COUNT(layers); i++)
        if (phi_net_span_is(name, layers[i].name)) {
            if (index) *index = i;
            return &layers[i];
        }
    return NULL;
}
