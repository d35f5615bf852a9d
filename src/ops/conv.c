/* SPDX-License-Identifier: MIT */
/*
 * Conv: of one to three dimensions (volume.h for the third), of any kernel, stride, padding,
 * dilation and grouping, as products of matrices over channels-last images: rows are pixels,
 * columns of the result are output channels, the sum runs over (kernel row, kernel column, input
 * channel).
 *
 *   forward            y  [pixels of y, k]   = x's windows [pixels of y, r s c] W
 *   input's gradient   dx [pixels of x, c]   = dy's windows [pixels of x, r s k] W'
 *   weights' gradient  dW [r s c, k]         = x's windows' dy, a sum over all pixels
 *
 * 1x1 kernels that touch each pixel once need no windows: x is the matrix. Depthwise convolutions
 * go their own way (kernels/depthwise.h), and where it saves work and exact arithmetic is not asked
 * for, so do 3x3 and 5x5 ones (kernels/winograd.h).
 */
#include "ops/conv.h"

#include <math.h>

#include "graph/graph.h"
#include "kernels/im2col.h"
#include "kernels/winograd.h"
#include "ops/op_check.h"
#include "ops/volume.h"

bool phi_conv_is_plain_gemm(const phi_conv_shape *d)
{
    return d->r == 1 && d->s == 1 && d->stride_h == 1 && d->stride_w == 1 && d->pad_top == 0 &&
           d->pad_bottom == 0 && d->pad_left == 0 && d->pad_right == 0;
}

bool phi_conv_is_depthwise(const phi_conv_shape *d)
{
    return d->groups > 1 && d->groups == d->c;
}

/* What infer leaves for running. `volume` is set, and stands alone, for three dimensions only;
 * `image` comes first, as all else reads a phi_conv_shape from the params. */
typedef struct conv_params {
    phi_conv_shape image;
    phi_volume volume;
} conv_params;

static const phi_volume *volume_of(const phi_exec *e)
{
    return e->in[0].type.rank == 5 ? &((const conv_params *)e->params)->volume : NULL;
}

phi_conv_shape phi_conv_shape_now(const phi_exec *e)
{
    phi_conv_shape d = *(const phi_conv_shape *)e->params;
    d.n = e->in[0].type.dims[0];
    return d;
}

static phi_volume volume_now(const phi_exec *e)
{
    phi_volume v = *volume_of(e);
    v.n = e->in[0].type.dims[0];
    return v;
}

/* --- Shape ----------------------------------------------------------------------------------- */

static enum ph_status check_operands(const phi_infer *c)
{
    char text[PHI_TYPE_TEXT];
    const phi_type *x = c->in[0], *w = c->in[1];
    enum ph_status st = phi_need_dtype(c, 0, PH_FLOAT32);
    if (!st) st = phi_need_dtype(c, 1, PH_FLOAT32);
    if (st) return st;
    if (w->rank != x->rank)
        return phi_op_fail(c, PH_ERR_SHAPE, "weights have shape %s, the input has rank %d",
                           phi_dims_text(w->rank, w->dims, text, sizeof text), x->rank);
    for (int i = 0; i < w->rank; i++)
        if (w->dims[i] == 0)
            return phi_op_fail(c, PH_ERR_SHAPE, "weights have shape %s: no elements",
                               phi_dims_text(w->rank, w->dims, text, sizeof text));
    return PH_OK;
}

static enum ph_status check_channels(const phi_infer *c, phi_conv_shape *d)
{
    const phi_type *x = c->in[0], *w = c->in[1];
    d->n = x->dims[0];
    d->c = x->dims[1];
    d->k = w->dims[0];
    enum ph_status grouped = phi_spatial_groups(c, x, w, &d->groups);
    if (grouped) return grouped;
    if (c->n_in > 2 && c->in[2]) {
        char text[PHI_TYPE_TEXT];
        const phi_type *b = c->in[2];
        enum ph_status st = phi_need_dtype(c, 2, PH_FLOAT32);
        if (st) return st;
        if (b->rank != 1 || b->dims[0] != d->k)
            return phi_op_fail(c, PH_ERR_SHAPE,
                               "bias has shape %s, %lld output channels want [%lld]",
                               phi_dims_text(b->rank, b->dims, text, sizeof text), (long long)d->k,
                               (long long)d->k);
    }
    return PH_OK;
}

/* One-dimensional convolution is that of images with one line. */
static void set_sides(phi_conv_shape *d, const phi_side *h, const phi_side *w)
{
    d->h = h->in;
    d->r = h->kernel;
    d->oh = h->out;
    d->stride_h = h->stride;
    d->dilation_h = h->dilation;
    d->pad_top = h->begin;
    d->pad_bottom = h->end;
    d->w = w->in;
    d->s = w->kernel;
    d->ow = w->out;
    d->stride_w = w->stride;
    d->dilation_w = w->dilation;
    d->pad_left = w->begin;
    d->pad_right = w->end;
}

static enum ph_status conv_infer(phi_infer *c)
{
    conv_params *p = c->params;
    phi_conv_shape *d = &p->image;
    phi_spatial s;
    enum ph_status st = check_operands(c);
    if (!st) st = phi_spatial_read(c, c->in[0], &c->in[1]->dims[2], &s);
    if (!st) st = check_channels(c, d);
    if (!st) st = phi_spatial_place(c, &s, false);
    if (st) return st;
    c->out[0] = *c->in[0];
    c->out[0].dims[1] = d->k;
    for (int i = 0; i < s.n; i++)
        c->out[0].dims[2 + i] = s.side[PHI_SIDES - s.n + i].out;
    set_sides(d, &s.side[1], &s.side[2]);
    if (s.n == 3) {
        p->volume = (phi_volume){.n = d->n, .c = d->c, .k = d->k, .groups = d->groups};
        memcpy(p->volume.side, s.side, sizeof s.side);
    }
    return phi_type_check(&c->out[0], c->node->name, c->err);
}

/* n * oh * ow * k * (c / groups) * r * s */
static enum ph_status conv_macs(const phi_infer *c, int64_t *macs)
{
    int64_t m = phi_type_count(&c->out[0]);
    for (int i = 1; i < c->in[1]->rank; i++)
        if (!phi_mul_i64(m, c->in[1]->dims[i], &m))
            return phi_op_fail(c, PH_ERR_OVERFLOW, "MACs do not fit into 63 bits");
    *macs = m;
    return PH_OK;
}

/* --- Forward --------------------------------------------------------------------------------- */

static int64_t group_in(const phi_conv_shape *d)
{
    return d->c / d->groups;
}
static int64_t group_out(const phi_conv_shape *d)
{
    return d->k / d->groups;
}
static size_t pixels_in(const phi_conv_shape *d)
{
    return (size_t)(d->n * d->h * d->w);
}
static size_t pixels_out(const phi_conv_shape *d)
{
    return (size_t)(d->n * d->oh * d->ow);
}
static size_t window_size(const phi_conv_shape *d)
{
    return (size_t)(d->r * d->s * group_in(d));
}

static const float *bias_of(const phi_exec *e)
{
    return e->n_in > 2 && !phi_view_absent(&e->in[2]) ? e->in[2].data : NULL;
}

/* Sizes of scratch that lie one behind the other; SIZE_MAX stays SIZE_MAX. */
static size_t add_bytes(size_t a, size_t b)
{
    size_t sum;
    if (a == SIZE_MAX || b > SIZE_MAX - PHI_ALIGN) return SIZE_MAX;
    return phi_add_size(a, (b + PHI_ALIGN - 1) / PHI_ALIGN * PHI_ALIGN, &sum) ? sum : SIZE_MAX;
}

static size_t max_bytes(size_t a, size_t b)
{
    return a > b ? a : b;
}

static void *behind(void *work, size_t bytes)
{
    return (char *)work + (bytes + PHI_ALIGN - 1) / PHI_ALIGN * PHI_ALIGN;
}

/* Pixels of a channels-last image as a matrix, group by group. */
static phi_rows pixel_rows(const float *x, int64_t pitch, int64_t group_channels)
{
    return (phi_rows){.data = x, .row = pitch, .step = 1, .group_stride = group_channels};
}

/* x as the left operand, [pixels of y, window_size]; `windows` must outlive the result. */
static phi_rows operand_x(const phi_conv_shape *d, const float *x, int64_t pitch,
                          phi_im2col *windows)
{
    if (phi_conv_is_plain_gemm(d)) return pixel_rows(x, pitch, group_in(d));
    *windows = phi_im2col_of(d, x, pitch);
    return phi_im2col_rows(windows);
}

/* ONNX's [k, c/g, r, s] as [(r, s, c/g), k/g] for each group. */
static phi_weights forward_weights(const phi_conv_shape *d, const float *w,
                                   const phi_filters *filters)
{
    const int64_t taps = d->r * d->s, cg = group_in(d);
    return (phi_weights){.data = w,
                         .count = {(size_t)d->r, (size_t)d->s, (size_t)cg},
                         .stride = {d->s, 1, taps},
                         .n_stride = cg * taps,
                         .group_stride = group_out(d) * cg * taps,
                         .filters = filters,
                         .scale = 1};
}

static phi_gemm forward_gemm(const phi_conv_shape *d, const phi_conv_data *data,
                             phi_im2col *windows)
{
    return (phi_gemm){.m = pixels_out(d),
                      .n = (size_t)group_out(d),
                      .k = window_size(d),
                      .groups = (size_t)d->groups,
                      .a = operand_x(d, data->x, data->x_pitch, windows),
                      .c = data->y,
                      .c_row = data->y_pitch,
                      .c_group_stride = group_out(d),
                      .bias = data->bias,
                      .add = data->add,
                      .add_row = data->add_pitch,
                      .lo = data->lo,
                      .hi = data->hi};
}

/* Winograd's variant for this execution, or NULL. */
static const phi_wino *winograd_of(const phi_exec *e)
{
    return e->exact ? NULL : phi_wino_choose(e->params);
}

/* The words stand in the public header and in pinhole(1). */
static const char *conv_method(const phi_exec *e)
{
    const phi_conv_shape *d = e->params;
    const phi_wino *wino = winograd_of(e);
    if (volume_of(e)) return "3-D gemm";
    if (wino) return wino->name;
    if (phi_conv_is_depthwise(d)) return "depthwise";
    if (d->groups > 1) return "grouped gemm";
    return phi_conv_is_plain_gemm(d) ? "1x1 gemm" : "window gemm";
}

static size_t packed_bytes(const phi_exec *e)
{
    const phi_conv_shape *d = e->params;
    const phi_wino *wino = winograd_of(e);
    if (wino) return phi_wino_pack_bytes(wino, d);
    if (phi_conv_is_depthwise(d)) return phi_depthwise_pack_bytes(d);
    return phi_gemm_pack_bytes(window_size(d), (size_t)group_out(d), (size_t)d->groups);
}

static void conv_pack(const phi_exec *e, void *packed)
{
    const phi_conv_shape *d = e->params;
    const phi_wino *wino = winograd_of(e);
    const float *w = e->in[1].data;
    const phi_filters in_memory = {.row = window_size(d), .data = w};
    if (volume_of(e)) {
        phi_volume_pack(volume_of(e), w, e->pool, packed);
    } else if (wino) {
        phi_wino_pack(wino, d, e->filters ? e->filters : &in_memory, e->pool, packed);
    } else if (phi_conv_is_depthwise(d)) {
        phi_depthwise_pack(d, w, packed);
    } else {
        phi_weights b = forward_weights(d, w, e->filters);
        phi_gemm_pack(&b, (size_t)group_out(d), (size_t)d->groups, e->pool, packed);
    }
}

static bool conv_packs_rows(const phi_exec *e)
{
    return !volume_of(e) && (winograd_of(e) || !phi_conv_is_depthwise(e->params));
}

static size_t conv_pack_bytes(const phi_exec *e)
{
    if (!e->in[1].data && !e->filters) return 0;
    return volume_of(e) ? phi_volume_pack_bytes(volume_of(e)) : packed_bytes(e);
}

bool phi_conv_is_direct(const phi_exec *e)
{
    return !volume_of(e) && !winograd_of(e);
}

size_t phi_conv_direct_work_bytes(const phi_conv_shape *d, size_t n_threads)
{
    if (phi_conv_is_depthwise(d)) return phi_depthwise_work_bytes(d, n_threads);
    const phi_conv_data data = {.x_pitch = d->c};
    phi_im2col windows;
    const phi_gemm g = forward_gemm(d, &data, &windows);
    return phi_gemm_work_bytes(&g, n_threads);
}

void phi_conv_direct(const phi_conv_shape *d, const phi_conv_data *data, const void *packed,
                     phi_pool *pool, void *work)
{
    if (phi_conv_is_depthwise(d)) {
        phi_depthwise(d, data, packed, pool, work);
        return;
    }
    phi_im2col windows;
    const phi_gemm g = forward_gemm(d, data, &windows);
    phi_gemm_run(&g, packed, pool, work);
}

static size_t forward_work_bytes(const phi_exec *e)
{
    const phi_conv_shape shape = phi_conv_shape_now(e), *d = &shape;
    const phi_wino *wino = winograd_of(e);
    const size_t threads = phi_pool_threads(e->pool);
    const size_t packed = e->packed ? 0 : add_bytes(0, packed_bytes(e));
    return add_bytes(packed, wino ? phi_wino_work_bytes(wino, d, threads)
                                  : phi_conv_direct_work_bytes(d, threads));
}

phi_conv_data phi_conv_data_of(const phi_exec *e)
{
    return (phi_conv_data){.x = e->in[0].data,
                           .x_pitch = phi_view_pitch(&e->in[0]),
                           .y = e->out[0].data,
                           .y_pitch = phi_view_pitch(&e->out[0]),
                           .bias = bias_of(e),
                           .add = e->add ? e->add->data : NULL,
                           .add_pitch = e->add ? phi_view_pitch(e->add) : 0,
                           .lo = e->lo,
                           .hi = e->hi};
}

/* Three dimensions: all of it in volume.c. */
static size_t volume_work_bytes(const phi_exec *e, bool backward)
{
    const phi_volume now = volume_now(e), *v = &now;
    const size_t threads = phi_pool_threads(e->pool);
    if (!backward)
        return add_bytes(e->packed ? 0 : add_bytes(0, phi_volume_pack_bytes(v)),
                         phi_volume_work_bytes(v, threads));
    size_t most = phi_column_sums_bytes((size_t)phi_volume_pixels_out(v), (size_t)v->k);
    most = max_bytes(most, phi_volume_weights_work_bytes(v, threads));
    return max_bytes(most, add_bytes(add_bytes(0, phi_volume_back_pack_bytes(v)),
                                     phi_volume_back_work_bytes(v, threads)));
}

static void volume_forward(const phi_exec *e, const phi_volume *v)
{
    const void *packed = e->packed;
    void *work = e->work;
    if (!packed) {
        phi_volume_pack(v, e->in[1].data, e->pool, work);
        packed = work;
        work = behind(work, phi_volume_pack_bytes(v));
    }
    const phi_conv_data data = phi_conv_data_of(e);
    phi_volume_run(v, &data, packed, e->pool, work);
}

static bool wanted(const phi_exec *e, size_t i)
{
    return i < e->n_in && !phi_view_absent(&e->din[i]);
}

static void volume_backward(const phi_exec *e, const phi_volume *v)
{
    const float *dy = e->dout[0].data;
    if (wanted(e, 0)) {
        phi_volume_back_pack(v, e->in[1].data, e->pool, e->work);
        phi_volume_back_run(v, dy, e->work, NULL, e->din[0].data, e->pool,
                            behind(e->work, phi_volume_back_pack_bytes(v)));
    }
    if (wanted(e, 1))
        phi_volume_weights_run(v, e->in[0].data, dy, e->din[1].data, e->pool, e->work);
    if (wanted(e, 2))
        phi_column_sums(dy, (size_t)phi_volume_pixels_out(v), v->k, (size_t)v->k, e->din[2].data,
                        e->pool, e->work);
}

static enum ph_status conv_forward(const phi_exec *e, ph_error *err)
{
    const phi_conv_shape shape = phi_conv_shape_now(e), *d = &shape;
    const void *packed = e->packed;
    void *work = e->work;
    (void)err;
    if (volume_of(e)) {
        const phi_volume volume = volume_now(e);
        volume_forward(e, &volume);
        return PH_OK;
    }
    if (!packed) {
        conv_pack(e, work);
        packed = work;
        work = behind(work, packed_bytes(e));
    }
    const phi_conv_data data = phi_conv_data_of(e);
    const phi_wino *wino = winograd_of(e);
    if (wino)
        phi_wino_run(wino, d, &data, packed, e->pool, work);
    else
        phi_conv_direct(d, &data, packed, e->pool, work);
    return PH_OK;
}

static bool takes_add(const phi_infer *c)
{
    return c->in[0]->rank == 5 || !phi_conv_is_depthwise(c->params);
}

/* --- Gradient of the input ----------------------------------------------------------------------
 */

/*
 * Input position i is read by output o through tap r where o * stride = i + pad - r * dilation.
 * Along one axis, positions i = first + u * stride all use the same taps, r0, r0 + tap_step, ...,
 * and for them o = start + u - n * step for the n-th tap: a convolution of stride 1 over dy. There
 * is one such class for each i below the stride; together they do no multiplication in vain.
 */
typedef struct axis_class {
    int64_t first, count; /* positions first + u * stride, u < count */
    int64_t tap0, taps, tap_step;
    int64_t start, step; /* in dy, both per the formula above */
} axis_class;

static int64_t gcd(int64_t a, int64_t b)
{
    while (b) {
        int64_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

static axis_class class_of(int64_t first, int64_t size, int64_t kernel, int64_t stride,
                           int64_t dilation, int64_t pad)
{
    const int64_t g = gcd(stride, dilation);
    axis_class a = {.first = first,
                    .count = (size - first + stride - 1) / stride,
                    .tap_step = stride / g,
                    .step = dilation / g};
    while (a.tap0 < kernel && a.tap0 < a.tap_step && (first + pad - a.tap0 * dilation) % stride)
        a.tap0++;
    if (a.tap0 >= kernel || a.tap0 >= a.tap_step) return a;
    a.taps = (kernel - 1 - a.tap0) / a.tap_step + 1;
    a.start = (first + pad - a.tap0 * dilation) / stride;
    return a;
}

/* Is there a class without taps: positions that no output reads? */
static bool has_gaps(int64_t kernel, int64_t stride, int64_t dilation)
{
    return kernel < stride || gcd(stride, dilation) > 1;
}

/* The product for one class of pixels. */
typedef struct input_class {
    const phi_conv_shape *d;
    axis_class y, x;
    phi_im2col windows; /* over dy */
    phi_weights weights;
    phi_gemm gemm;
    float *dx;
} input_class;

/* dy's windows in increasing order of position, which is decreasing order of taps. */
static phi_im2col windows_of_dy(const phi_conv_shape *d, const axis_class *y, const axis_class *x,
                                const float *dy)
{
    return (phi_im2col){.x = dy,
                        .h = d->oh,
                        .w = d->ow,
                        .pitch = d->k,
                        .c = group_out(d),
                        .gh = y->count,
                        .gw = x->count,
                        .stride_h = 1,
                        .stride_w = 1,
                        .y0 = y->start - (y->taps - 1) * y->step,
                        .x0 = x->start - (x->taps - 1) * x->step,
                        .taps_h = y->taps,
                        .taps_w = x->taps,
                        .step_h = y->step,
                        .step_w = x->step};
}

/* [(taps, k/g), c/g] of the class's taps, last tap first. */
static phi_weights input_weights(const phi_conv_shape *d, const axis_class *y, const axis_class *x,
                                 const float *w)
{
    const int64_t taps = d->r * d->s, cg = group_in(d), kg = group_out(d);
    const int64_t last =
        (y->tap0 + (y->taps - 1) * y->tap_step) * d->s + x->tap0 + (x->taps - 1) * x->tap_step;
    return (phi_weights){.data = w ? w + last : NULL,
                         .count = {(size_t)y->taps, (size_t)x->taps, (size_t)kg},
                         .stride = {-y->tap_step * d->s, -x->tap_step, cg * taps},
                         .n_stride = taps,
                         .group_stride = kg * cg * taps,
                         .scale = 1};
}

/* Rows of a class's product to their pixels of dx. */
static void scatter_pixels(const void *arg, size_t group, size_t row0, size_t n_rows, size_t n0,
                           size_t n, const float *tile, size_t ld)
{
    const input_class *ic = arg;
    const phi_conv_shape *d = ic->d;
    const int64_t channel = (int64_t)group * group_in(d) + (int64_t)n0;
    for (int64_t row = (int64_t)row0; row < (int64_t)(row0 + n_rows); row++, tile += ld) {
        const int64_t v = row % ic->x.count, u = row / ic->x.count % ic->y.count;
        const int64_t image = row / ic->x.count / ic->y.count;
        const int64_t y = ic->y.first + u * d->stride_h, x = ic->x.first + v * d->stride_w;
        memcpy(ic->dx + (((image * d->h + y) * d->w + x) * d->c + channel), tile, n * sizeof *tile);
    }
}

/* Set up class (fy, fx); *ic must stay where it is. False if no output reads its pixels. */
static bool input_class_of(input_class *ic, const phi_conv_shape *d, int64_t fy, int64_t fx,
                           const float *w, const float *dy, float *dx)
{
    ic->d = d;
    ic->dx = dx;
    ic->y = class_of(fy, d->h, d->r, d->stride_h, d->dilation_h, d->pad_top);
    ic->x = class_of(fx, d->w, d->s, d->stride_w, d->dilation_w, d->pad_left);
    if (ic->y.taps == 0 || ic->x.taps == 0) return false;
    ic->weights = input_weights(d, &ic->y, &ic->x, w);
    ic->gemm = (phi_gemm){.m = (size_t)(d->n * ic->y.count * ic->x.count),
                          .n = (size_t)group_in(d),
                          .k = (size_t)(ic->y.taps * ic->x.taps * group_out(d)),
                          .groups = (size_t)d->groups,
                          .c = dx,
                          .c_row = d->c,
                          .c_group_stride = group_in(d),
                          .lo = -INFINITY,
                          .hi = INFINITY};
    if (phi_conv_is_plain_gemm(d)) {
        ic->gemm.a = pixel_rows(dy, d->k, group_out(d));
    } else {
        ic->windows = windows_of_dy(d, &ic->y, &ic->x, dy);
        ic->gemm.a = phi_im2col_rows(&ic->windows);
    }
    if (d->stride_h > 1 || d->stride_w > 1) {
        ic->gemm.scatter = scatter_pixels;
        ic->gemm.scatter_arg = ic;
    }
    return true;
}

static int64_t n_classes(int64_t stride, int64_t size)
{
    return stride < size ? stride : size;
}

static size_t input_gradient_bytes(const phi_conv_shape *d, size_t threads)
{
    size_t most = 0;
    input_class ic;
    for (int64_t fy = 0; fy < n_classes(d->stride_h, d->h); fy++) {
        for (int64_t fx = 0; fx < n_classes(d->stride_w, d->w); fx++) {
            if (!input_class_of(&ic, d, fy, fx, NULL, NULL, NULL)) continue;
            size_t packed = phi_gemm_pack_bytes(ic.gemm.k, ic.gemm.n, ic.gemm.groups);
            size_t bytes = add_bytes(add_bytes(0, packed), phi_gemm_work_bytes(&ic.gemm, threads));
            most = max_bytes(most, bytes);
        }
    }
    return most;
}

typedef struct zero_job {
    float *x;
    size_t n;
} zero_job;
#define ZERO_FLOATS 65536

static void zero_task(void *arg, size_t task, size_t thread)
{
    const zero_job *z = arg;
    size_t first = task * ZERO_FLOATS, n = z->n - first;
    (void)thread;
    memset(z->x + first, 0, (n < ZERO_FLOATS ? n : ZERO_FLOATS) * sizeof *z->x);
}

static void zero(float *x, size_t n, phi_pool *pool)
{
    zero_job z = {x, n};
    phi_pool_run(pool, (n + ZERO_FLOATS - 1) / ZERO_FLOATS, zero_task, &z);
}

static void input_gradient(const phi_conv_shape *d, const float *w, const float *dy, float *dx,
                           phi_pool *pool, void *work)
{
    input_class ic;
    if (has_gaps(d->r, d->stride_h, d->dilation_h) || has_gaps(d->s, d->stride_w, d->dilation_w))
        zero(dx, pixels_in(d) * (size_t)d->c, pool);
    for (int64_t fy = 0; fy < n_classes(d->stride_h, d->h); fy++) {
        for (int64_t fx = 0; fx < n_classes(d->stride_w, d->w); fx++) {
            if (!input_class_of(&ic, d, fy, fx, w, dy, dx)) continue;
            size_t packed = phi_gemm_pack_bytes(ic.gemm.k, ic.gemm.n, ic.gemm.groups);
            phi_gemm_pack(&ic.weights, ic.gemm.n, ic.gemm.groups, pool, work);
            phi_gemm_run(&ic.gemm, work, pool, behind(work, packed));
        }
    }
}

/* --- Gradients of weights and bias ---------------------------------------------------------------
 */

static phi_gemm_tn weights_gemm(const phi_conv_shape *d, const float *x, const float *dy,
                                phi_im2col *windows)
{
    const int64_t taps = d->r * d->s, cg = group_in(d), kg = group_out(d);
    return (phi_gemm_tn){.m = window_size(d),
                         .n = (size_t)kg,
                         .p = pixels_out(d),
                         .groups = (size_t)d->groups,
                         .a = operand_x(d, x, d->c, windows),
                         .b = pixel_rows(dy, d->k, kg),
                         .m_inner = (size_t)cg,
                         .c_outer = 1,
                         .c_inner = taps,
                         .c_column = cg * taps,
                         .c_group_stride = kg * cg * taps,
                         .scale = 1};
}

/* The three gradients come one after the other and share the scratch. */
static size_t backward_work_bytes(const phi_exec *e)
{
    const phi_conv_shape *d = e->params;
    const size_t threads = phi_pool_threads(e->pool);
    size_t most = phi_column_sums_bytes(pixels_out(d), (size_t)d->k);
    if (phi_conv_is_depthwise(d)) {
        size_t bytes =
            add_bytes(add_bytes(0, packed_bytes(e)), phi_depthwise_backward_work_bytes(d, threads));
        return max_bytes(most, bytes);
    }
    phi_im2col windows;
    phi_gemm_tn g = weights_gemm(d, NULL, NULL, &windows);
    most = max_bytes(most, phi_gemm_tn_work_bytes(&g, threads));
    return max_bytes(most, input_gradient_bytes(d, threads));
}

static size_t conv_work_bytes(const phi_exec *e, bool backward)
{
    if (volume_of(e)) return volume_work_bytes(e, backward);
    return backward ? backward_work_bytes(e) : forward_work_bytes(e);
}

static void depthwise_backward(const phi_exec *e, const float *dy)
{
    const phi_conv_shape *d = e->params;
    phi_depthwise_pack(d, e->in[1].data, e->work);
    phi_depthwise_backward(d, e->in[0].data, e->work, dy, wanted(e, 0) ? e->din[0].data : NULL,
                           wanted(e, 1) ? e->din[1].data : NULL, e->pool,
                           behind(e->work, packed_bytes(e)));
}

static enum ph_status conv_backward(const phi_exec *e, ph_error *err)
{
    const phi_conv_shape *d = e->params;
    const float *dy = e->dout[0].data;
    (void)err;
    if (volume_of(e)) {
        volume_backward(e, volume_of(e));
        return PH_OK;
    }
    if (phi_conv_is_depthwise(d)) {
        if (wanted(e, 0) || wanted(e, 1)) depthwise_backward(e, dy);
    } else {
        if (wanted(e, 0)) input_gradient(d, e->in[1].data, dy, e->din[0].data, e->pool, e->work);
        if (wanted(e, 1)) {
            phi_im2col windows;
            phi_gemm_tn g = weights_gemm(d, e->in[0].data, dy, &windows);
            g.c = e->din[1].data;
            phi_gemm_tn_run(&g, e->pool, e->work);
        }
    }
    if (wanted(e, 2))
        phi_column_sums(dy, pixels_out(d), d->k, (size_t)d->k, e->din[2].data, e->pool, e->work);
    return PH_OK;
}

const phi_op phi_op_conv = {.name = "Conv",
                            .widens = true,
                            .since = 1,
                            .attrs = phi_conv_attrs,
                            .min_in = 2,
                            .max_in = 3,
                            .min_out = 1,
                            .max_out = 1,
                            .layout = PHI_LAYOUT_IMAGE,
                            .slices = true,
                            .by_image = true,
                            .image_in = 1u << 0,
                            .trainable = 1u << 1 | 1u << 2,
                            .params_bytes = sizeof(conv_params),
                            .infer = conv_infer,
                            .macs = conv_macs,
                            .method = conv_method,
                            .work_bytes = conv_work_bytes,
                            .pack_bytes = conv_pack_bytes,
                            .pack = conv_pack,
                            .packs_rows = conv_packs_rows,
                            .chain = phi_conv_chain,
                            .chain_method = phi_conv_chain_method,
                            .chain_work_bytes = phi_conv_chain_work_bytes,
                            .chain_forward = phi_conv_chain_forward,
                            .forward = conv_forward,
                            .backward = conv_backward,
                            .epilogue = true,
                            .takes_add = takes_add};
