/* SPDX-License-Identifier: MIT */
/*
 * Images are channels-last. Sums over pixels go channel by channel, in double: first the means of
 * the groups, then the squares of the distances from them. A task of a pass is some channels of one
 * image; what channels make of a group is added up between the passes, in order.
 */
#include "ops/channel_norm.h"

#include <math.h>

#include "graph/loop.h"
#include "ops/op_check.h"

enum { X, SCALE, BIAS };
enum { BLOCK = 32 }; /* channels of a task */

typedef struct norm {
    phi_channel_norm p;
    int64_t N, C, P;               /* images, channels, pixels of an image */
    double *first, *second;        /* [N,C] sums of a pass */
    double *mean, *inverse;        /* [N,groups]; inverse: 1 / sqrt(var + epsilon) */
    float *factor, *shift, *slope; /* [N,C] */
    const float *x, *dy;
    float *y; /* or dx */
} norm;

enum ph_status phi_channel_norm_infer(phi_infer *c, const phi_channel_norm *p)
{
    char text[PHI_TYPE_TEXT];
    enum ph_status st = phi_need_dtype(c, X, PH_FLOAT32);
    if (st) return st;
    const phi_type *x = c->in[X];
    if (x->rank < 2)
        return phi_op_fail(c, PH_ERR_SHAPE, "input has shape %s, wanted [n,c,...]",
                           phi_dims_text(x->rank, x->dims, text, sizeof text));
    if (x->dims[1] % p->groups || x->dims[1] % p->scale_each)
        return phi_op_fail(c, PH_ERR_SHAPE, "%lld channels are not a multiple of %lld groups",
                           (long long)x->dims[1], (long long)p->groups);
    st = phi_need_vector(c, SCALE, "scale", x->dims[1] / p->scale_each);
    if (!st) st = phi_need_vector(c, BIAS, "bias", x->dims[1] / p->scale_each);
    c->out[0] = *x;
    return st;
}

static norm norm_of(const phi_exec *e)
{
    const phi_type *x = &e->in[X].type;
    norm m = {.p = *(const phi_channel_norm *)e->params, .N = x->dims[0], .C = x->dims[1]};
    int64_t count = phi_type_count(x);
    m.P = count ? count / m.N / m.C : 0;
    m.x = e->in[X].data;
    m.first = e->work;
    m.second = m.first + m.N * m.C;
    m.mean = m.second + m.N * m.C;
    m.inverse = m.mean + m.N * m.p.groups;
    m.factor = (float *)(m.inverse + m.N * m.p.groups);
    m.shift = m.factor + m.N * m.C;
    m.slope = m.shift + m.N * m.C;
    return m;
}

/* N * C is at most the number of elements, or the tensor is empty. */
size_t phi_channel_norm_work_bytes(const phi_exec *e, bool backward)
{
    const phi_channel_norm *p = e->params;
    const phi_type *x = &e->in[X].type;
    (void)backward;
    if (phi_type_count(x) == 0) return 0;
    size_t nc = (size_t)(x->dims[0] * x->dims[1]), ng = (size_t)(x->dims[0] * p->groups);
    return (2 * nc + 2 * ng) * sizeof(double) + 3 * nc * sizeof(float);
}

/* --- Passes ----------------------------------------------------------------------------------- */

/* Channels c .. c + n - 1 of one image; `at` is where they are among all images' channels. */
typedef struct part {
    int64_t image, c, n, at, from; /* from: element of the image's first pixel */
} part;

static int64_t n_blocks(const norm *m)
{
    return (m->C + BLOCK - 1) / BLOCK;
}

static part part_of(const norm *m, size_t task)
{
    part p = {.image = (int64_t)task / n_blocks(m), .c = (int64_t)task % n_blocks(m) * BLOCK};
    p.n = m->C - p.c < BLOCK ? m->C - p.c : BLOCK;
    p.at = p.image * m->C + p.c;
    p.from = p.image * m->P * m->C + p.c;
    return p;
}

/* The group of a channel of all images. */
static int64_t group_of(const norm *m, int64_t at)
{
    return at / (m->C / m->p.groups);
}

static void sum_task(void *arg, size_t task, size_t thread)
{
    const norm *m = arg;
    const part p = part_of(m, task);
    double sum[BLOCK] = {0};
    (void)thread;
    for (int64_t i = 0; i < m->P; i++)
        for (int64_t k = 0; k < p.n; k++)
            sum[k] += (double)m->x[p.from + i * m->C + k];
    memcpy(m->first + p.at, sum, (size_t)p.n * sizeof *sum);
}

static void square_task(void *arg, size_t task, size_t thread)
{
    const norm *m = arg;
    const part p = part_of(m, task);
    double sum[BLOCK] = {0}, mean[BLOCK];
    (void)thread;
    for (int64_t k = 0; k < p.n; k++)
        mean[k] = m->mean[group_of(m, p.at + k)];
    for (int64_t i = 0; i < m->P; i++)
        for (int64_t k = 0; k < p.n; k++) {
            double d = (double)m->x[p.from + i * m->C + k] - mean[k];
            sum[k] += d * d;
        }
    memcpy(m->first + p.at, sum, (size_t)p.n * sizeof *sum);
}

/* Sum of each group's channels. */
static void add_channels(const norm *m, const double *of, double *to)
{
    memset(to, 0, (size_t)(m->N * m->p.groups) * sizeof *to);
    for (int64_t at = 0; at < m->N * m->C; at++)
        to[group_of(m, at)] += of[at];
}

static double group_size(const norm *m)
{
    return (double)(m->C / m->p.groups * m->P);
}

static size_t n_tasks(const norm *m)
{
    return (size_t)(m->N * n_blocks(m));
}

static void statistics(const phi_exec *e, norm *m)
{
    const double size = group_size(m);
    phi_pool_run(e->pool, n_tasks(m), sum_task, m);
    add_channels(m, m->first, m->mean);
    for (int64_t g = 0; g < m->N * m->p.groups; g++)
        m->mean[g] /= size;
    phi_pool_run(e->pool, n_tasks(m), square_task, m);
    add_channels(m, m->first, m->inverse);
    for (int64_t g = 0; g < m->N * m->p.groups; g++)
        m->inverse[g] = 1 / sqrt(m->inverse[g] / size + (double)m->p.epsilon);
}

static void normalise_task(void *arg, size_t task, size_t thread)
{
    const norm *m = arg;
    const part p = part_of(m, task);
    const float *restrict factor = m->factor + p.at, *restrict shift = m->shift + p.at;
    float mean[BLOCK];
    (void)thread;
    for (int64_t k = 0; k < p.n; k++)
        mean[k] = (float)m->mean[group_of(m, p.at + k)];
    for (int64_t i = 0; i < m->P; i++) {
        const float *restrict x = m->x + p.from + i * m->C;
        float *restrict y = m->y + p.from + i * m->C;
        for (int64_t k = 0; k < p.n; k++)
            y[k] = (x[k] - mean[k]) * factor[k] + shift[k];
    }
}

enum ph_status phi_channel_norm_forward(const phi_exec *e, ph_error *err)
{
    const float *scale = e->in[SCALE].data, *bias = e->in[BIAS].data;
    norm m = norm_of(e);
    (void)err;
    if (m.P == 0) return PH_OK;
    statistics(e, &m);
    for (int64_t at = 0; at < m.N * m.C; at++) {
        int64_t s = at % m.C / m.p.scale_each;
        m.factor[at] = (float)((double)scale[s] * m.inverse[group_of(&m, at)]);
        m.shift[at] = bias[s];
    }
    m.y = e->out[0].data;
    phi_pool_run(e->pool, n_tasks(&m), normalise_task, &m);
    return PH_OK;
}

/* --- Backward -------------------------------------------------------------------------------- */

/* Sums of dy, and of dy * (x - mean), for each channel. */
static void gradient_sums_task(void *arg, size_t task, size_t thread)
{
    const norm *m = arg;
    const part p = part_of(m, task);
    double sum[BLOCK] = {0}, product[BLOCK] = {0}, mean[BLOCK];
    (void)thread;
    for (int64_t k = 0; k < p.n; k++)
        mean[k] = m->mean[group_of(m, p.at + k)];
    for (int64_t i = 0; i < m->P; i++)
        for (int64_t k = 0; k < p.n; k++) {
            int64_t el = p.from + i * m->C + k;
            sum[k] += (double)m->dy[el];
            product[k] += (double)m->dy[el] * ((double)m->x[el] - mean[k]);
        }
    memcpy(m->first + p.at, sum, (size_t)p.n * sizeof *sum);
    memcpy(m->second + p.at, product, (size_t)p.n * sizeof *product);
}

static void gradient_task(void *arg, size_t task, size_t thread)
{
    const norm *m = arg;
    const part p = part_of(m, task);
    const float *restrict factor = m->factor + p.at, *restrict shift = m->shift + p.at;
    const float *restrict slope = m->slope + p.at;
    float mean[BLOCK];
    (void)thread;
    for (int64_t k = 0; k < p.n; k++)
        mean[k] = (float)m->mean[group_of(m, p.at + k)];
    for (int64_t i = 0; i < m->P; i++) {
        const float *restrict x = m->x + p.from + i * m->C, *restrict dy = m->dy + (x - m->x);
        float *restrict dx = m->y + p.from + i * m->C;
        for (int64_t k = 0; k < p.n; k++)
            dx[k] = factor[k] * dy[k] - shift[k] - slope[k] * (x[k] - mean[k]);
    }
}

/* Gradients of scale and bias: over images, and the channels that share an element. */
static void vector_gradients(const phi_exec *e, const norm *m)
{
    for (size_t i = SCALE; i <= BIAS; i++) {
        if (phi_view_absent(&e->din[i])) continue;
        float *d = e->din[i].data;
        for (int64_t s = 0; s < m->C / m->p.scale_each; s++) {
            double sum = 0;
            for (int64_t image = 0; image < m->N; image++)
                for (int64_t k = 0; k < m->p.scale_each; k++) {
                    int64_t at = image * m->C + s * m->p.scale_each + k;
                    sum += i == BIAS ? m->first[at] : m->second[at] * m->inverse[group_of(m, at)];
                }
            d[s] = (float)sum;
        }
    }
}

/*
 * With r = 1 / sqrt(var + epsilon), n elements in a group, A and B the group's sums of scale * dy
 * and of scale * dy * (x - mean): dx = r (scale dy - A / n - (x - mean) r^2 B / n)
 */
static void coefficients(const phi_exec *e, norm *m)
{
    const float *scale = e->in[SCALE].data;
    const int64_t each = m->C / m->p.groups;
    for (int64_t g = 0; g < m->N * m->p.groups; g++) {
        double a = 0, b = 0, r = m->inverse[g], n = group_size(m);
        for (int64_t at = g * each; at < (g + 1) * each; at++) {
            double s = (double)scale[at % m->C / m->p.scale_each];
            a += s * m->first[at];
            b += s * m->second[at];
        }
        for (int64_t at = g * each; at < (g + 1) * each; at++) {
            m->factor[at] = (float)((double)scale[at % m->C / m->p.scale_each] * r);
            m->shift[at] = (float)(r * a / n);
            m->slope[at] = (float)(r * r * r * b / n);
        }
    }
}

enum ph_status phi_channel_norm_backward(const phi_exec *e, ph_error *err)
{
    norm m = norm_of(e);
    (void)err;
    if (m.P == 0 || phi_view_absent(&e->dout[0])) {
        for (size_t i = X; i <= BIAS; i++)
            if (!phi_view_absent(&e->din[i])) phi_zero(e->pool, &e->din[i]);
        return PH_OK;
    }
    statistics(e, &m);
    m.dy = e->dout[0].data;
    phi_pool_run(e->pool, n_tasks(&m), gradient_sums_task, &m);
    vector_gradients(e, &m);
    if (phi_view_absent(&e->din[X])) return PH_OK;
    coefficients(e, &m);
    m.y = e->din[X].data;
    phi_pool_run(e->pool, n_tasks(&m), gradient_task, &m);
    return PH_OK;
}
