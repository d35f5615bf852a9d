/* SPDX-License-Identifier: MIT */
/*
 * Gradients of convolutions, as products of matrices like the convolutions themselves (conv.c); of
 * depthwise ones and of those of three dimensions elsewhere (kernels/depthwise.h, volume.h).
 */
#include "ops/conv.h"

#include <math.h>

#include "kernels/depthwise.h"

static bool wanted(const phi_exec *e, size_t i)
{
    return i < e->n_in && !phi_view_absent(&e->din[i]);
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
                        .c = phi_conv_group_out(d),
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
    const int64_t taps = d->r * d->s, cg = phi_conv_group_in(d), kg = phi_conv_group_out(d);
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
    const int64_t channel = (int64_t)group * phi_conv_group_in(d) + (int64_t)n0;
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
                          .n = (size_t)phi_conv_group_in(d),
                          .k = (size_t)(ic->y.taps * ic->x.taps * phi_conv_group_out(d)),
                          .groups = (size_t)d->groups,
                          .c = dx,
                          .c_row = d->c,
                          .c_group_stride = phi_conv_group_in(d),
                          .lo = -INFINITY,
                          .hi = INFINITY};
    if (phi_conv_is_plain_gemm(d)) {
        ic->gemm.a = phi_conv_pixel_rows(dy, d->k, phi_conv_group_out(d));
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
            size_t bytes =
                phi_add_aligned(phi_add_aligned(0, packed), phi_gemm_work_bytes(&ic.gemm, threads));
            most = phi_max_size(most, bytes);
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
        zero(dx, (size_t)(d->n * d->h * d->w * d->c), pool);
    for (int64_t fy = 0; fy < n_classes(d->stride_h, d->h); fy++) {
        for (int64_t fx = 0; fx < n_classes(d->stride_w, d->w); fx++) {
            if (!input_class_of(&ic, d, fy, fx, w, dy, dx)) continue;
            size_t packed = phi_gemm_pack_bytes(ic.gemm.k, ic.gemm.n, ic.gemm.groups);
            phi_gemm_pack(&ic.weights, ic.gemm.n, ic.gemm.groups, pool, work);
            phi_gemm_run(&ic.gemm, work, pool, phi_behind(work, packed));
        }
    }
}

/* --- Gradients of weights and bias ---------------------------------------------------------------
 */

static phi_gemm_tn weights_gemm(const phi_conv_shape *d, const float *x, const float *dy,
                                phi_im2col *windows)
{
    const int64_t taps = d->r * d->s, cg = phi_conv_group_in(d), kg = phi_conv_group_out(d);
    return (phi_gemm_tn){.m = phi_conv_window_size(d),
                         .n = (size_t)kg,
                         .p = phi_conv_pixels_out(d),
                         .groups = (size_t)d->groups,
                         .a = phi_conv_operand(d, x, d->c, windows),
                         .b = phi_conv_pixel_rows(dy, d->k, kg),
                         .m_inner = (size_t)cg,
                         .c_outer = 1,
                         .c_inner = taps,
                         .c_column = cg * taps,
                         .c_group_stride = kg * cg * taps,
                         .scale = 1};
}

/* --- All of them -----------------------------------------------------------------------------
 */

static size_t image_work_bytes(const phi_conv_shape *d, size_t threads)
{
    if (phi_conv_is_depthwise(d))
        return phi_add_aligned(phi_add_aligned(0, phi_depthwise_pack_bytes(d)),
                               phi_depthwise_backward_work_bytes(d, threads));
    phi_im2col windows;
    const phi_gemm_tn g = weights_gemm(d, NULL, NULL, &windows);
    return phi_max_size(phi_gemm_tn_work_bytes(&g, threads), input_gradient_bytes(d, threads));
}

static size_t volume_work_bytes(const phi_volume *v, size_t threads)
{
    const size_t packed = phi_add_aligned(0, phi_volume_back_pack_bytes(v));
    return phi_max_size(phi_volume_weights_work_bytes(v, threads),
                        phi_add_aligned(packed, phi_volume_back_work_bytes(v, threads)));
}

/* Pixels and channels of y. */
static size_t rows_of(const phi_conv_params *p)
{
    return phi_conv_is_volume(p) ? (size_t)phi_volume_pixels_out(&p->volume)
                                 : phi_conv_pixels_out(&p->image);
}

/* The three gradients come one after the other and share the scratch. */
size_t phi_conv_backward_work_bytes(const phi_exec *e)
{
    const phi_conv_params *p = e->params;
    const size_t threads = phi_pool_threads(e->pool);
    return phi_max_size(phi_column_sums_bytes(rows_of(p), (size_t)p->image.k),
                        phi_conv_is_volume(p) ? volume_work_bytes(&p->volume, threads)
                                              : image_work_bytes(&p->image, threads));
}

static void volume_backward(const phi_exec *e, const phi_volume *v)
{
    const float *dy = e->dout[0].data;
    if (wanted(e, 0)) {
        phi_volume_back_pack(v, e->in[1].data, e->pool, e->work);
        phi_volume_back_run(v, dy, e->work, NULL, e->din[0].data, e->pool,
                            phi_behind(e->work, phi_volume_back_pack_bytes(v)));
    }
    if (wanted(e, 1))
        phi_volume_weights_run(v, e->in[0].data, dy, e->din[1].data, e->pool, e->work);
}

static void depthwise_backward(const phi_exec *e, const phi_conv_shape *d)
{
    if (!wanted(e, 0) && !wanted(e, 1)) return;
    phi_depthwise_pack(d, e->in[1].data, e->work);
    phi_depthwise_backward(d, e->in[0].data, e->work, e->dout[0].data,
                           wanted(e, 0) ? e->din[0].data : NULL,
                           wanted(e, 1) ? e->din[1].data : NULL, e->pool,
                           phi_behind(e->work, phi_depthwise_pack_bytes(d)));
}

static void product_backward(const phi_exec *e, const phi_conv_shape *d)
{
    const float *dy = e->dout[0].data;
    if (wanted(e, 0)) input_gradient(d, e->in[1].data, dy, e->din[0].data, e->pool, e->work);
    if (wanted(e, 1)) {
        phi_im2col windows;
        phi_gemm_tn g = weights_gemm(d, e->in[0].data, dy, &windows);
        g.c = e->din[1].data;
        phi_gemm_tn_run(&g, e->pool, e->work);
    }
}

void phi_conv_backward(const phi_exec *e)
{
    const phi_conv_params *p = e->params;
    if (phi_conv_is_volume(p))
        volume_backward(e, &p->volume);
    else if (phi_conv_is_depthwise(&p->image))
        depthwise_backward(e, &p->image);
    else
        product_backward(e, &p->image);
    if (wanted(e, 2))
        phi_column_sums(e->dout[0].data, rows_of(p), p->image.k, (size_t)p->image.k, e->din[2].data,
                        e->pool, e->work);
}
