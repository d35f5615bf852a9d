/* SPDX-License-Identifier: MIT */
/*
 * BatchNormalization: y = (x - mean) / sqrt(var + epsilon) * scale + bias, a mean and a variance
 * per channel (Ioffe and Szegedy 2015, arXiv:1502.03167).
 *
 * Inference takes them from inputs 3 and 4. Batch statistics are used where the node says so
 * (training_mode from opset 14 on; outputs beyond the first before that) and by our own trainer,
 * which also moves inputs 3 and 4 towards them:
 *     running = running * momentum + batch * (1 - momentum)
 * The variance is that of the population, as ONNX has it: divided by the number of elements.
 *
 * Everything is channels-last: P pixels (of all images) of C channels. Sums over pixels are taken
 * in double over chunks of pixels whose number depends on the shape alone, then over the chunks in
 * order, so that the threads change no bit.
 */
#include <math.h>

#include "graph/graph.h"
#include "graph/loop.h"
#include "ops/op_check.h"

typedef struct batch_norm_params {
    float epsilon, momentum;
    bool batch; /* the node itself asks for batch statistics */
    bool each;  /* spatial = 0: statistics for each element of an image */
} batch_norm_params;

enum { X, SCALE, BIAS, MEAN, VAR };

enum {
    MAX_CHUNKS = 64,
    CHUNK = 16384, /* elements of a chunk, at least */
    TASK = 16384   /* elements a task normalises */
};

/* Sizes, and the scratch memory behind e->work. */
typedef struct batch_norm {
    int64_t P, C;
    int64_t chunk, n_chunks;
    int64_t rows_a_task;
    double *sums;          /* [n_chunks,2,C] */
    float *mean, *inverse; /* [C]; inverse: 1 / sqrt(var + epsilon) */
    float *factor;         /* [C]; scale * inverse */
    float *shift;          /* [C]; bias, or in backward what is taken off */
    float *slope;          /* [C]; backward: per (x - mean) */
    const float *x, *dy;
    float *y; /* or dx */
} batch_norm;

/* --- Shape rule ------------------------------------------------------------------------------ */

static int64_t channels(const phi_type *x)
{
    return x->rank == 1 ? 1 : x->dims[1];
}

static bool is_each(const phi_infer *c)
{
    return c->opset < 9 && c->in[X]->rank > 2 && phi_attr_int(c->node, "spatial", 1) == 0;
}

/* Input i has the shape of an image, [c,...]. */
static enum ph_status need_image(const phi_infer *c, size_t i, const char *what)
{
    char got[PHI_TYPE_TEXT], wanted[PHI_TYPE_TEXT];
    const phi_type *x = c->in[X], *t = c->in[i];
    enum ph_status st = phi_need_dtype(c, i, PH_FLOAT32);
    if (st) return st;
    if (t->rank == x->rank - 1 &&
        memcmp(t->dims, x->dims + 1, (size_t)t->rank * sizeof *t->dims) == 0)
        return PH_OK;
    return phi_op_fail(c, PH_ERR_SHAPE, "%s is %s, with spatial = 0 the input wants %s", what,
                       phi_dims_text(t->rank, t->dims, got, sizeof got),
                       phi_dims_text(x->rank - 1, x->dims + 1, wanted, sizeof wanted));
}

/* How the node wants to be run, by its opset. */
static enum ph_status read_mode(phi_infer *c)
{
    batch_norm_params *p = c->params;
    bool extra = false;
    for (size_t i = 1; i < c->n_out; i++)
        extra = extra || phi_output_wanted(c->node, i);
    p->each = is_each(c);
    if (c->opset < 14) {
        p->batch = extra && phi_attr_int(c->node, "is_test", 0) == 0;
        if (p->batch && p->each)
            return phi_op_fail(c, PH_ERR_UNSUPPORTED, "batch statistics with spatial = 0");
        return PH_OK;
    }
    p->batch = phi_attr_int(c->node, "training_mode", 0) != 0;
    if (c->n_out > 3)
        return phi_op_fail(c, PH_ERR_ARG, "%zu outputs, at most 3 from opset 14 on", c->n_out);
    if (extra && !p->batch)
        return phi_op_fail(c, PH_ERR_ARG, "training_mode is 0, which gives one output, not %zu",
                           c->n_out);
    return PH_OK;
}

static enum ph_status batch_norm_infer(phi_infer *c)
{
    static const char *const names[] = {"input", "scale", "bias", "mean", "variance"};
    batch_norm_params *p = c->params;
    enum ph_status st = phi_need_dtype(c, X, PH_FLOAT32);
    if (st) return st;
    if (c->in[X]->rank < 1)
        return phi_op_fail(c, PH_ERR_SHAPE, "input is a scalar, wanted [n,c,...]");
    for (size_t i = SCALE; i <= VAR; i++) {
        st = is_each(c) ? need_image(c, i, names[i])
                        : phi_need_vector(c, i, names[i], channels(c->in[X]));
        if (st) return st;
    }
    p->epsilon = phi_attr_float(c->node, "epsilon", 1e-5f);
    p->momentum = phi_attr_float(c->node, "momentum", 0.9f);
    st = read_mode(c);
    if (st) return st;
    c->out[0] = *c->in[X];
    for (size_t i = 1; i < c->n_out; i++)
        c->out[i] = *c->in[MEAN];
    return PH_OK;
}

/* --- Memory ---------------------------------------------------------------------------------- */

static batch_norm batch_norm_of(const phi_exec *e)
{
    const phi_type *x = &e->in[X].type;
    batch_norm b = {.C = channels(x), .x = e->in[X].data};
    int64_t count = phi_type_count(x);
    if (count == 0) return b;
    b.P = count / b.C;
    b.chunk = (b.P + MAX_CHUNKS - 1) / MAX_CHUNKS;
    if (b.chunk < (CHUNK + b.C - 1) / b.C) b.chunk = (CHUNK + b.C - 1) / b.C;
    b.n_chunks = (b.P + b.chunk - 1) / b.chunk;
    b.rows_a_task = b.C < TASK ? TASK / b.C : 1;
    return b;
}

/* n_chunks * C is at most the number of elements, so nothing here overflows. */
static size_t batch_norm_work_bytes(const phi_exec *e, bool backward)
{
    batch_norm b = batch_norm_of(e);
    (void)backward;
    return (size_t)(b.n_chunks * 2 * b.C) * sizeof(double) + (size_t)(5 * b.C) * sizeof(float);
}

static void batch_norm_place(batch_norm *b, void *work)
{
    b->sums = work;
    b->mean = (float *)(b->sums + b->n_chunks * 2 * b->C);
    b->inverse = b->mean + b->C;
    b->factor = b->inverse + b->C;
    b->shift = b->factor + b->C;
    b->slope = b->shift + b->C;
}

/* mean [C] and inverse [C] of the batch, from forward to backward. */
static size_t batch_norm_save_bytes(const phi_exec *e)
{
    return (size_t)(2 * channels(&e->in[X].type)) * sizeof(float);
}

/* --- Statistics ------------------------------------------------------------------------------ */

/* Rows of pixels and of sums go together; four rows a time spare three of four visits to the sums.
 */
static void add_moments(const float *x, int64_t rows, int64_t C, double *restrict sum,
                        double *restrict squares)
{
    int64_t p = 0;
    for (; p + 4 <= rows; p += 4) {
        const float *r0 = x + p * C, *r1 = r0 + C, *r2 = r1 + C, *r3 = r2 + C;
        for (int64_t k = 0; k < C; k++) {
            double a = (double)r0[k], b = (double)r1[k], c = (double)r2[k], d = (double)r3[k];
            sum[k] += (a + b) + (c + d);
            squares[k] += (a * a + b * b) + (c * c + d * d);
        }
    }
    for (; p < rows; p++)
        for (int64_t k = 0; k < C; k++) {
            double a = (double)x[p * C + k];
            sum[k] += a;
            squares[k] += a * a;
        }
}

static int64_t rows_of_chunk(const batch_norm *b, int64_t chunk)
{
    int64_t left = b->P - chunk * b->chunk;
    return left < b->chunk ? left : b->chunk;
}

static void moments_task(void *arg, size_t task, size_t thread)
{
    const batch_norm *b = arg;
    double *sum = b->sums + (int64_t)task * 2 * b->C;
    (void)thread;
    memset(sum, 0, (size_t)(2 * b->C) * sizeof *sum);
    add_moments(b->x + (int64_t)task * b->chunk * b->C, rows_of_chunk(b, (int64_t)task), b->C, sum,
                sum + b->C);
}

/* Add up the chunks' sums into those of chunk 0. */
static void add_chunks(const batch_norm *b)
{
    for (int64_t i = 1; i < b->n_chunks; i++)
        for (int64_t k = 0; k < 2 * b->C; k++)
            b->sums[k] += b->sums[i * 2 * b->C + k];
}

/* Mean and inverse deviation of the batch; leaves mean and variance in sums [2,C]. */
static void batch_statistics(const phi_exec *e, batch_norm *b)
{
    const batch_norm_params *p = e->params;
    phi_pool_run(e->pool, (size_t)b->n_chunks, moments_task, b);
    add_chunks(b);
    for (int64_t k = 0; k < b->C; k++) {
        double mean = b->sums[k] / (double)b->P;
        double var = b->sums[b->C + k] / (double)b->P - mean * mean;
        if (var < 0) var = 0; /* rounding of a constant channel; not-a-number stays */
        b->sums[k] = mean;
        b->sums[b->C + k] = var;
        b->mean[k] = (float)mean;
        b->inverse[k] = (float)(1 / sqrt(var + (double)p->epsilon));
    }
}

static void given_statistics(const phi_exec *e, batch_norm *b)
{
    const batch_norm_params *p = e->params;
    const float *mean = e->in[MEAN].data, *var = e->in[VAR].data;
    for (int64_t k = 0; k < b->C; k++) {
        b->mean[k] = mean[k];
        b->inverse[k] = (float)(1 / sqrt((double)var[k] + (double)p->epsilon));
    }
}

static bool uses_batch(const phi_exec *e)
{
    return e->training || ((const batch_norm_params *)e->params)->batch;
}

/* --- Forward --------------------------------------------------------------------------------- */

static float *extra_output(const phi_exec *e, size_t i)
{
    return i < e->n_out && !phi_view_absent(&e->out[i]) ? e->out[i].data : NULL;
}

/* running * momentum + batch * (1 - momentum) to output i, and to input `in` if we are training. */
static void move_running(const phi_exec *e, size_t in, size_t i, const double *batch, int64_t C)
{
    double momentum = (double)((const batch_norm_params *)e->params)->momentum;
    float *running = e->in[in].data, *out = extra_output(e, i);
    for (int64_t k = 0; k < C; k++) {
        float moved = (float)((double)running[k] * momentum + batch[k] * (1 - momentum));
        if (out) out[k] = moved;
        if (e->training) running[k] = moved;
    }
}

/* What opsets before 14 call saved_mean and saved_var, for somebody else's backward. */
static void saved_outputs(const phi_exec *e, const batch_norm *b)
{
    for (size_t i = 3; i < 5; i++) {
        float *out = extra_output(e, i);
        for (int64_t k = 0; out && k < b->C; k++)
            out[k] = (float)b->sums[(int64_t)(i - 3) * b->C + k];
    }
}

/* Outputs beyond the first where the statistics are given: they stay what they are. */
static void pass_statistics(const phi_exec *e, int64_t C)
{
    for (size_t i = 1; i < 5; i++) {
        float *out = extra_output(e, i);
        if (out) memcpy(out, e->in[i % 2 ? MEAN : VAR].data, (size_t)C * sizeof *out);
    }
}

static void normalise_task(void *arg, size_t task, size_t thread)
{
    const batch_norm *b = arg;
    const float *restrict mean = b->mean, *restrict factor = b->factor, *restrict shift = b->shift;
    int64_t C = b->C, row = (int64_t)task * b->rows_a_task;
    int64_t end = row + b->rows_a_task < b->P ? row + b->rows_a_task : b->P;
    (void)thread;
    for (; row < end; row++) {
        const float *restrict x = b->x + row * C;
        float *restrict y = b->y + row * C;
        for (int64_t k = 0; k < C; k++)
            y[k] = (x[k] - mean[k]) * factor[k] + shift[k];
    }
}

static size_t n_row_tasks(const batch_norm *b)
{
    return (size_t)((b->P + b->rows_a_task - 1) / b->rows_a_task);
}

/* views: y, x, scale, bias, mean, variance, all of the shape of x; spatial = 0 */
static void each_run(void *arg, int64_t n, void *const *ptrs, const int64_t *steps)
{
    const double epsilon = (double)((const batch_norm_params *)arg)->epsilon;
    for (int64_t i = 0; i < n; i++) {
        double v[6];
        for (int k = 1; k < 6; k++)
            v[k] = (double)((const float *)ptrs[k])[i * steps[k]];
        ((float *)ptrs[0])[i * steps[0]] =
            (float)((v[1] - v[4]) / sqrt(v[5] + epsilon) * v[2] + v[3]);
    }
}

static void forward_each(const phi_exec *e)
{
    batch_norm_params p = *(const batch_norm_params *)e->params;
    phi_view v[5];
    for (int i = SCALE; i <= VAR; i++)
        v[i] = phi_view_broadcast(&e->in[i], &e->in[X].type);
    phi_loop(
        e->pool, 6,
        (const phi_view *const[]){&e->out[0], &e->in[X], &v[SCALE], &v[BIAS], &v[MEAN], &v[VAR]},
        each_run, &p);
}

static enum ph_status batch_norm_forward(const phi_exec *e, ph_error *err)
{
    batch_norm b = batch_norm_of(e);
    const float *scale = e->in[SCALE].data;
    if (((const batch_norm_params *)e->params)->each) {
        if (e->training)
            return phi_fail(err, PH_ERR_UNSUPPORTED, e->node->name,
                            "BatchNormalization '%s': training with spatial = 0", e->node->name);
        forward_each(e);
        for (size_t i = 1; i < e->n_out && i < 5; i++)
            if (!phi_view_absent(&e->out[i]))
                phi_copy(e->pool, &e->out[i], &e->in[i % 2 ? MEAN : VAR]);
        return PH_OK;
    }
    if (b.P == 0) {
        pass_statistics(e, b.C);
        return PH_OK;
    }
    batch_norm_place(&b, e->work);
    if (uses_batch(e)) {
        batch_statistics(e, &b);
        move_running(e, MEAN, 1, b.sums, b.C);
        move_running(e, VAR, 2, b.sums + b.C, b.C);
        saved_outputs(e, &b);
    } else {
        given_statistics(e, &b);
        pass_statistics(e, b.C);
    }
    if (e->save) memcpy(e->save, b.mean, batch_norm_save_bytes(e)); /* mean and inverse */
    for (int64_t k = 0; k < b.C; k++)
        b.factor[k] = scale[k] * b.inverse[k];
    memcpy(b.shift, e->in[BIAS].data, (size_t)b.C * sizeof *b.shift);
    b.y = e->out[0].data;
    phi_pool_run(e->pool, n_row_tasks(&b), normalise_task, &b);
    return PH_OK;
}

/* --- Backward -------------------------------------------------------------------------------- */

/* Sums of dy, and of dy * (x - mean). */
static void add_gradients(const batch_norm *b, int64_t first, int64_t rows, double *restrict sum,
                          double *restrict products)
{
    const float *restrict mean = b->mean;
    const float *x = b->x + first * b->C, *dy = b->dy + first * b->C;
    int64_t C = b->C, p = 0;
    for (; p + 2 <= rows; p += 2) {
        const float *x0 = x + p * C, *x1 = x0 + C, *dy0 = dy + p * C, *dy1 = dy0 + C;
        for (int64_t k = 0; k < C; k++) {
            double g = (double)dy0[k], h = (double)dy1[k];
            sum[k] += g + h;
            products[k] += g * (double)(x0[k] - mean[k]) + h * (double)(x1[k] - mean[k]);
        }
    }
    for (; p < rows; p++)
        for (int64_t k = 0; k < C; k++) {
            double g = (double)dy[p * C + k];
            sum[k] += g;
            products[k] += g * (double)(x[p * C + k] - mean[k]);
        }
}

static void gradient_sums_task(void *arg, size_t task, size_t thread)
{
    const batch_norm *b = arg;
    double *sum = b->sums + (int64_t)task * 2 * b->C;
    (void)thread;
    memset(sum, 0, (size_t)(2 * b->C) * sizeof *sum);
    add_gradients(b, (int64_t)task * b->chunk, rows_of_chunk(b, (int64_t)task), sum, sum + b->C);
}

/* dx = factor * dy - shift - slope * (x - mean) */
static void gradient_task(void *arg, size_t task, size_t thread)
{
    const batch_norm *b = arg;
    const float *restrict mean = b->mean, *restrict factor = b->factor;
    const float *restrict shift = b->shift, *restrict slope = b->slope;
    int64_t C = b->C, row = (int64_t)task * b->rows_a_task;
    int64_t end = row + b->rows_a_task < b->P ? row + b->rows_a_task : b->P;
    (void)thread;
    for (; row < end; row++) {
        const float *restrict x = b->x + row * C, *restrict dy = b->dy + row * C;
        float *restrict dx = b->y + row * C;
        for (int64_t k = 0; k < C; k++)
            dx[k] = factor[k] * dy[k] - shift[k] - slope[k] * (x[k] - mean[k]);
    }
}

static void write_gradient(const phi_exec *e, size_t i, int64_t k, double value)
{
    if (!phi_view_absent(&e->din[i])) ((float *)e->din[i].data)[k] = (float)value;
}

/*
 * Gradients of the four vectors, and the coefficients of that of x. With s = sum of dy, t = sum of
 * dy * (x - mean), r = 1 / sqrt(var + epsilon), given statistics are constants of x:
 *     dscale = r t, dbias = s, dmean = -scale r s, dvar = -scale r^3 t / 2, dx = scale r dy
 * and those of the batch are functions of it (Ioffe and Szegedy 2015, sec. 3):
 *     dx = scale r (dy - s / P - (x - mean) r^2 t / P)
 */
static void vector_gradients(const phi_exec *e, const batch_norm *b)
{
    const float *scale = e->in[SCALE].data;
    bool batch = uses_batch(e);
    for (int64_t k = 0; k < b->C; k++) {
        double s = b->sums[k], t = b->sums[b->C + k], r = (double)b->inverse[k];
        double f = (double)scale[k] * r, share = batch ? f / (double)b->P : 0;
        write_gradient(e, SCALE, k, r * t);
        write_gradient(e, BIAS, k, s);
        write_gradient(e, MEAN, k, batch ? 0 : -f * s);
        write_gradient(e, VAR, k, batch ? 0 : -f * r * r * t / 2);
        b->factor[k] = (float)f;
        b->shift[k] = (float)(share * s);
        b->slope[k] = (float)(share * r * r * t);
    }
}

static enum ph_status batch_norm_backward(const phi_exec *e, ph_error *err)
{
    batch_norm b = batch_norm_of(e);
    (void)err;
    if (b.P == 0 || phi_view_absent(&e->dout[0])) {
        for (size_t i = X; i <= VAR; i++)
            if (!phi_view_absent(&e->din[i])) phi_zero(e->pool, &e->din[i]);
        return PH_OK;
    }
    batch_norm_place(&b, e->work);
    if (!uses_batch(e))
        given_statistics(e, &b);
    else if (e->save)
        memcpy(b.mean, e->save, batch_norm_save_bytes(e));
    else
        batch_statistics(e, &b);
    b.dy = e->dout[0].data;
    phi_pool_run(e->pool, (size_t)b.n_chunks, gradient_sums_task, &b);
    add_chunks(&b);
    vector_gradients(e, &b);
    if (phi_view_absent(&e->din[X])) return PH_OK;
    b.y = e->din[X].data;
    phi_pool_run(e->pool, n_row_tasks(&b), gradient_task, &b);
    return PH_OK;
}

/* With given statistics: y = scale / sqrt(var + epsilon) * x + (bias - mean * that factor). */
static bool batch_norm_as_affine(const phi_infer *c, double *scale, double *shift)
{
    const batch_norm_params *p = c->params;
    const float *v[VAR + 1] = {NULL};
    if (p->batch || p->each) return false;
    for (size_t i = SCALE; i <= VAR; i++) {
        if (!c->constant[i]) return false;
        v[i] = c->constant[i]->data;
    }
    for (int64_t k = 0; scale && k < c->constant[SCALE]->count; k++) {
        scale[k] = (double)v[SCALE][k] / sqrt((double)v[VAR][k] + (double)p->epsilon);
        shift[k] = (double)v[BIAS][k] - (double)v[MEAN][k] * scale[k];
    }
    return true;
}

static const phi_attr_rule batch_norm_attrs[] = {
    {"epsilon", PH_ATTR_FLOAT, 1, 0, false},        {"momentum", PH_ATTR_FLOAT, 1, 0, false},
    {"consumed_inputs", PH_ATTR_INTS, 1, 5, false}, /* means nothing any more */
    {"is_test", PH_ATTR_INT, 1, 6, false},          {"spatial", PH_ATTR_INT, 1, 8, false},
    {"training_mode", PH_ATTR_INT, 14, 0, false},   {0},
};

const phi_op phi_op_batch_normalization = {
    .name = "BatchNormalization",
    .widens = true,
    .since = 1,
    .attrs = batch_norm_attrs,
    .min_in = 5,
    .max_in = 5,
    .min_out = 1,
    .max_out = 5,
    .keeps_channels = true,
    .layout = PHI_LAYOUT_IMAGE,
    .image_in = 1u << X,
    .state = 1u << MEAN | 1u << VAR,
    .trainable = 1u << SCALE | 1u << BIAS,
    .params_bytes = sizeof(batch_norm_params),
    .infer = batch_norm_infer,
    .work_bytes = batch_norm_work_bytes,
    .save_bytes = batch_norm_save_bytes,
    .forward = batch_norm_forward,
    .backward = batch_norm_backward,
    .as_affine = batch_norm_as_affine,
};
