/* SPDX-License-Identifier: MIT */
/*
 * Sums down to a smaller shape, for means and for gradients of what was broadcast.
 *
 * A dimension is kept (dst has it) or summed. If the innermost one is kept, a task adds rows onto
 * up to WIDE sums side by side (a gradient per channel of a channels-last image); if it is summed,
 * a task takes its kept elements one after the other.
 */
#include "graph/loop.h"

enum { WIDE = 64, RUN = 256, LANES = 8 };

typedef struct sums {
    size_t n_src;
    float *dst;
    char *src[PHI_LOOP_MAX];
    int n_kept, n_summed;
    int64_t kept_dims[PH_MAX_RANK], summed_dims[PH_MAX_RANK];
    int64_t kept_dst[PH_MAX_RANK];               /* strides */
    int64_t kept_src[PHI_LOOP_MAX][PH_MAX_RANK]; /* strides */
    int64_t summed_src[PHI_LOOP_MAX][PH_MAX_RANK];
    int64_t kept, summed; /* elements */
    bool wide;            /* the innermost dimension is kept */
    int64_t kept_a_task;
    int64_t wide_tasks; /* tasks for one row of kept elements */
    phi_run_fn *term;
    double divisor;
} sums;

static int64_t offset(int rank, const int64_t *index, const int64_t *strides)
{
    int64_t at = 0;
    for (int i = 0; i < rank; i++)
        at += index[i] * strides[i];
    return at;
}

static void next(int rank, const int64_t *dims, int64_t *index)
{
    for (int i = rank - 1; i >= 0 && ++index[i] == dims[i]; i--)
        index[i] = 0;
}

/* The terms of n <= RUN elements from at[v] on: where they lie, and their distance in *step. */
static const float *terms(const sums *s, int64_t n, const int64_t *at, const int64_t *steps,
                          float *room, int64_t *step)
{
    void *ptrs[PHI_LOOP_MAX] = {room};
    int64_t all[PHI_LOOP_MAX] = {1};
    for (size_t v = 0; v < s->n_src; v++) {
        ptrs[v + 1] = s->src[v] + at[v] * (int64_t)sizeof(float);
        all[v + 1] = steps[v];
    }
    *step = s->term ? 1 : steps[0];
    if (!s->term) return ptrs[1];
    s->term(NULL, n, ptrs, all);
    return room;
}

/* n sums side by side, from kept element `index` on. */
static void sum_wide(const sums *s, const int64_t *index, int64_t n)
{
    double sum[WIDE] = {0};
    float room[RUN];
    int64_t summed[PH_MAX_RANK] = {0}, at[PHI_LOOP_MAX], steps[PHI_LOOP_MAX], step;
    int last = s->n_kept - 1;
    for (size_t v = 0; v < s->n_src; v++)
        steps[v] = s->kept_src[v][last];
    for (int64_t i = 0; i < s->summed; i++) {
        for (size_t v = 0; v < s->n_src; v++)
            at[v] = offset(s->n_kept, index, s->kept_src[v]) +
                    offset(s->n_summed, summed, s->summed_src[v]);
        const float *x = terms(s, n, at, steps, room, &step);
        for (int64_t j = 0; j < n; j++)
            sum[j] += (double)x[j * step];
        next(s->n_summed, s->summed_dims, summed);
    }
    float *dst = s->dst + offset(s->n_kept, index, s->kept_dst);
    for (int64_t j = 0; j < n; j++)
        dst[j * s->kept_dst[last]] = (float)(sum[j] / s->divisor);
}

static double sum_run(int64_t n, const float *x, int64_t step)
{
    double lane[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++)
            lane[k] += (double)x[(i + k) * step];
    for (int k = 0; i < n; i++, k++)
        lane[k] += (double)x[i * step];
    return ((lane[0] + lane[1]) + (lane[2] + lane[3])) +
           ((lane[4] + lane[5]) + (lane[6] + lane[7]));
}

/* The sum for one kept element. */
static void sum_one(const sums *s, const int64_t *index)
{
    int outer = s->n_summed > 0 ? s->n_summed - 1 : 0;
    int64_t inner = s->n_summed > 0 ? s->summed_dims[outer] : 1;
    int64_t rows = inner ? s->summed / inner : 0;
    int64_t summed[PH_MAX_RANK] = {0}, at[PHI_LOOP_MAX], steps[PHI_LOOP_MAX], step;
    float room[RUN];
    double sum = 0;
    for (size_t v = 0; v < s->n_src; v++)
        steps[v] = s->n_summed > 0 ? s->summed_src[v][outer] : 1;
    for (int64_t row = 0; row < rows; row++) {
        for (int64_t i = 0; i < inner; i += RUN) {
            int64_t n = inner - i < RUN ? inner - i : RUN;
            for (size_t v = 0; v < s->n_src; v++)
                at[v] = offset(s->n_kept, index, s->kept_src[v]) +
                        offset(outer, summed, s->summed_src[v]) + i * steps[v];
            const float *x = terms(s, n, at, steps, room, &step);
            sum += sum_run(n, x, step);
        }
        next(outer, s->summed_dims, summed);
    }
    s->dst[offset(s->n_kept, index, s->kept_dst)] = (float)(sum / s->divisor);
}

static void sum_task(void *arg, size_t task, size_t thread)
{
    const sums *s = arg;
    int64_t index[PH_MAX_RANK] = {0};
    (void)thread;
    if (s->wide) {
        int last = s->n_kept - 1;
        int64_t start = (int64_t)task % s->wide_tasks * s->kept_a_task;
        int64_t n = s->kept_dims[last] - start;
        phi_unravel((int64_t)task / s->wide_tasks, last, s->kept_dims, index);
        index[last] = start;
        sum_wide(s, index, n < s->kept_a_task ? n : s->kept_a_task);
        return;
    }
    int64_t i = (int64_t)task * s->kept_a_task;
    int64_t end = i + s->kept_a_task < s->kept ? i + s->kept_a_task : s->kept;
    phi_unravel(i, s->n_kept, s->kept_dims, index);
    for (; i < end; i++) {
        sum_one(s, index);
        next(s->n_kept, s->kept_dims, index);
    }
}

/* Sort the dimensions of src (views 0 .. n_src - 1 of d, dst the last) into kept and summed ones.
 */
static void split_dims(sums *s, const phi_dims *d)
{
    s->kept = s->summed = 1;
    for (int i = 0; i < d->rank; i++) {
        bool kept = d->strides[s->n_src][i] != 0;
        int at = kept ? s->n_kept++ : s->n_summed++;
        for (size_t v = 0; v < s->n_src; v++)
            (kept ? s->kept_src : s->summed_src)[v][at] = d->strides[v][i];
        if (kept) s->kept_dst[at] = d->strides[s->n_src][i];
        (kept ? s->kept_dims : s->summed_dims)[at] = d->dims[i];
        *(kept ? &s->kept : &s->summed) *= d->dims[i];
        s->wide = kept;
    }
}

static size_t split_tasks(sums *s)
{
    if (s->wide) {
        /* 16 floats are a cache line; more where that leaves enough to do for many threads */
        int64_t inner = s->kept_dims[s->n_kept - 1];
        s->kept_a_task = inner <= 16 ? inner : inner <= 16 * WIDE ? 16 : WIDE;
        s->wide_tasks = (inner + s->kept_a_task - 1) / s->kept_a_task;
        return (size_t)(s->kept / inner * s->wide_tasks);
    }
    s->kept_a_task = s->summed < PHI_LOOP_GRAIN ? PHI_LOOP_GRAIN / (s->summed + 1) + 1 : 1;
    return (size_t)((s->kept + s->kept_a_task - 1) / s->kept_a_task);
}

void phi_sum_to(phi_pool *pool, const phi_view *dst, size_t n_src, const phi_view *src,
                phi_run_fn *term, double divisor)
{
    assert(n_src >= 1 && n_src < PHI_LOOP_MAX && dst->type.rank == src[0].type.rank);
    const phi_view *views[PHI_LOOP_MAX];
    phi_view wide = phi_view_broadcast(dst, &src[0].type);
    if (phi_type_count(&dst->type) == 0)
        return; /* strides may be 0 here without meaning "summed" */
    sums s = {.n_src = n_src, .dst = dst->data, .term = term, .divisor = divisor};
    for (int i = 0; i < wide.type.rank; i++)
        if (dst->type.dims[i] == 1) wide.strides[i] = 0;
    for (size_t v = 0; v < n_src; v++) {
        views[v] = &src[v];
        s.src[v] = src[v].data;
    }
    views[n_src] = &wide;
    phi_dims d = phi_dims_of(n_src + 1, views);
    split_dims(&s, &d);
    phi_pool_run(pool, split_tasks(&s), sum_task, &s);
}
