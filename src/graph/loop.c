/* SPDX-License-Identifier: MIT */
#include "graph/loop.h"

/* --- Dimensions ------------------------------------------------------------------------------ */

/* Move dimension `at` forward to where view 0's strides fall. */
static void sift(phi_dims *d, int at)
{
    for (; at > 0 && d->strides[0][at - 1] < d->strides[0][at]; at--) {
        int64_t dim = d->dims[at];
        d->dims[at] = d->dims[at - 1];
        d->dims[at - 1] = dim;
        for (size_t v = 0; v < d->n_views; v++) {
            int64_t *s = d->strides[v], stride = s[at];
            s[at] = s[at - 1];
            s[at - 1] = stride;
        }
    }
}

static bool lie_together(const phi_dims *d, int i)
{
    for (size_t v = 0; v < d->n_views; v++)
        if (d->strides[v][i] != d->strides[v][i + 1] * d->dims[i + 1]) return false;
    return true;
}

static void merge(phi_dims *d)
{
    int kept = 0;
    for (int i = 1; i < d->rank; i++) {
        /* compare the neighbours kept, i as if they were kept, kept + 1 */
        d->dims[kept + 1] = d->dims[i];
        for (size_t v = 0; v < d->n_views; v++)
            d->strides[v][kept + 1] = d->strides[v][i];
        if (lie_together(d, kept)) {
            d->dims[kept] *= d->dims[kept + 1];
            for (size_t v = 0; v < d->n_views; v++)
                d->strides[v][kept] = d->strides[v][kept + 1];
        } else {
            kept++;
        }
    }
    if (d->rank > 0) d->rank = kept + 1;
}

phi_dims phi_dims_of(size_t n_views, const phi_view *const *views)
{
    assert(n_views >= 1 && n_views <= PHI_LOOP_MAX);
    const phi_type *t = &views[0]->type;
    phi_dims d = {.n_views = n_views, .count = 1};
    for (size_t v = 0; v < n_views; v++) {
        d.data[v] = views[v]->data;
        d.size[v] = ph_dtype_size(views[v]->type.dtype);
    }
    for (int i = 0; i < t->rank; i++) {
        d.count *= t->dims[i];
        if (t->dims[i] == 1) continue;
        d.dims[d.rank] = t->dims[i];
        for (size_t v = 0; v < n_views; v++)
            d.strides[v][d.rank] = views[v]->strides[i];
        sift(&d, d.rank++);
    }
    merge(&d);
    return d;
}

void phi_unravel(int64_t n, int rank, const int64_t *dims, int64_t *index)
{
    for (int i = rank - 1; i >= 0; i--) {
        index[i] = n % dims[i];
        n /= dims[i];
    }
}

/* --- Element by element ---------------------------------------------------------------------- */

typedef struct loop {
    phi_dims d;
    int64_t inner; /* elements of a row: the innermost dimension */
    int64_t rows, rows_a_task;
    int64_t piece, pieces; /* a row longer than the grain goes in pieces of so many elements */
    phi_run_fn *fn;
    void *arg;
} loop;

static void loop_rows(const loop *l, int64_t row, int64_t last, int64_t start, int64_t count)
{
    const phi_dims *d = &l->d;
    int outer = d->rank > 0 ? d->rank - 1 : 0;
    int64_t index[PH_MAX_RANK], steps[PHI_LOOP_MAX];
    void *ptrs[PHI_LOOP_MAX];
    for (size_t v = 0; v < d->n_views; v++)
        steps[v] = d->rank > 0 ? d->strides[v][outer] : 1;
    phi_unravel(row, outer, d->dims, index);
    for (; row < last; row++) {
        for (size_t v = 0; v < d->n_views; v++) {
            int64_t at = start * steps[v];
            for (int i = 0; i < outer; i++)
                at += index[i] * d->strides[v][i];
            ptrs[v] = d->data[v] + at * (int64_t)d->size[v];
        }
        l->fn(l->arg, count, ptrs, steps);
        for (int i = outer - 1; i >= 0 && ++index[i] == d->dims[i]; i--)
            index[i] = 0;
    }
}

static void loop_task(void *arg, size_t task, size_t thread)
{
    const loop *l = arg;
    (void)thread;
    int64_t row = (int64_t)task / l->pieces * l->rows_a_task;
    int64_t start = (int64_t)task % l->pieces * l->piece;
    int64_t last = row + l->rows_a_task < l->rows ? row + l->rows_a_task : l->rows;
    int64_t count = start + l->piece < l->inner ? l->piece : l->inner - start;
    loop_rows(l, row, last, start, count);
}

static void loop_run(phi_pool *pool, const phi_dims *d, phi_run_fn *fn, void *arg)
{
    if (d->count == 0) return;
    loop l = {.d = *d, .fn = fn, .arg = arg};
    l.inner = d->rank > 0 ? d->dims[d->rank - 1] : 1;
    l.rows = d->count / l.inner;
    l.piece = l.inner < PHI_LOOP_GRAIN ? l.inner : PHI_LOOP_GRAIN;
    l.pieces = (l.inner + l.piece - 1) / l.piece;
    l.rows_a_task = l.pieces > 1 ? 1 : PHI_LOOP_GRAIN / l.inner;
    size_t tasks = (size_t)((l.rows + l.rows_a_task - 1) / l.rows_a_task * l.pieces);
    phi_pool_run(pool, tasks, loop_task, &l);
}

void phi_loop(phi_pool *pool, size_t n_views, const phi_view *const *views, phi_run_fn *fn,
              void *arg)
{
    phi_dims d = phi_dims_of(n_views, views);
    loop_run(pool, &d, fn, arg);
}

/* --- Copies ---------------------------------------------------------------------------------- */

#define DEFINE_COPY_STEPS(name, type)                                                              \
    static void name(int64_t n, char *dst, int64_t ds, const char *src, int64_t ss)                \
    {                                                                                              \
        for (int64_t i = 0; i < n; i++)                                                            \
            memcpy(dst + i * ds * (int64_t)sizeof(type), src + i * ss * (int64_t)sizeof(type),     \
                   sizeof(type));                                                                  \
    }
DEFINE_COPY_STEPS(copy_steps_1, uint8_t)
DEFINE_COPY_STEPS(copy_steps_2, uint16_t)
DEFINE_COPY_STEPS(copy_steps_4, uint32_t)
DEFINE_COPY_STEPS(copy_steps_8, uint64_t)
DEFINE_COPY_STEPS(copy_steps_16, uint64_t[2])

static void copy_run(void *arg, int64_t n, void *const *p, const int64_t *s)
{
    size_t size = *(const size_t *)arg;
    if (s[0] == 1 && s[1] == 1) {
        memcpy(p[0], p[1], (size_t)n * size);
        return;
    }
    switch (size) {
    case 1:
        copy_steps_1(n, p[0], s[0], p[1], s[1]);
        break;
    case 2:
        copy_steps_2(n, p[0], s[0], p[1], s[1]);
        break;
    case 4:
        copy_steps_4(n, p[0], s[0], p[1], s[1]);
        break;
    case 8:
        copy_steps_8(n, p[0], s[0], p[1], s[1]);
        break;
    default:
        assert(size == 16);
        copy_steps_16(n, p[0], s[0], p[1], s[1]);
        break;
    }
}

/*
 * A copy in which dst runs along the last dimension (b) and src along another (a). A task takes a
 * strip: BLOCK_BYTES worth of a, STRIP elements of b, in blocks that are read row by row of src
 * (one cache line each) into a buffer and written row by row of dst. Going through the buffer keeps
 * lines whole where a power of two as stride maps all of them onto the same cache set.
 */
enum { BLOCK_BYTES = 64, STRIP = 1024 };

typedef struct strips {
    phi_dims d; /* a and b removed from the dimensions; rank counts the rest */
    int64_t na, nb;
    int64_t a_dst, b_src; /* strides of a in dst, of b in src; a in src and b in dst are 1 */
    int64_t strips_a, strips_b;
    int64_t block; /* elements a side */
} strips;

#define DEFINE_BLOCK(name, type)                                                                   \
    static void name(const strips *s, char *dst, const char *src, int64_t ma, int64_t mb)          \
    {                                                                                              \
        enum { SIDE = BLOCK_BYTES / sizeof(type) };                                                \
        type in[SIDE][SIDE], out[SIDE];                                                            \
        for (int64_t b = 0; b < mb; b++)                                                           \
            memcpy(in[b], src + b * s->b_src * (int64_t)sizeof(type), (size_t)ma * sizeof(type));  \
        for (int64_t a = 0; a < ma; a++) {                                                         \
            for (int64_t b = 0; b < mb; b++)                                                       \
                out[b] = in[b][a];                                                                 \
            memcpy(dst + a * s->a_dst * (int64_t)sizeof(type), out, (size_t)mb * sizeof(type));    \
        }                                                                                          \
    }
typedef struct sixteen {
    uint64_t half[2];
} sixteen;
DEFINE_BLOCK(block_1, uint8_t)
DEFINE_BLOCK(block_2, uint16_t)
DEFINE_BLOCK(block_4, uint32_t)
DEFINE_BLOCK(block_8, uint64_t)
DEFINE_BLOCK(block_16, sixteen)

static void copy_block(const strips *s, char *dst, const char *src, int64_t ma, int64_t mb)
{
    switch (s->d.size[0]) {
    case 1:
        block_1(s, dst, src, ma, mb);
        break;
    case 2:
        block_2(s, dst, src, ma, mb);
        break;
    case 4:
        block_4(s, dst, src, ma, mb);
        break;
    case 8:
        block_8(s, dst, src, ma, mb);
        break;
    default:
        block_16(s, dst, src, ma, mb);
        break;
    }
}

static int64_t min_i64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void strip_task(void *arg, size_t task, size_t thread)
{
    const strips *s = arg;
    (void)thread;
    int64_t size = (int64_t)s->d.size[0], index[PH_MAX_RANK];
    int64_t strip_b = (int64_t)task % s->strips_b, rest = (int64_t)task / s->strips_b;
    int64_t a = rest % s->strips_a * s->block, dst_at = 0, src_at = 0;
    phi_unravel(rest / s->strips_a, s->d.rank, s->d.dims, index);
    for (int i = 0; i < s->d.rank; i++) {
        dst_at += index[i] * s->d.strides[0][i];
        src_at += index[i] * s->d.strides[1][i];
    }
    int64_t end = min_i64(s->nb, (strip_b + 1) * STRIP);
    for (int64_t b = strip_b * STRIP; b < end; b += s->block)
        copy_block(s, s->d.data[0] + (dst_at + a * s->a_dst + b) * size,
                   s->d.data[1] + (src_at + a + b * s->b_src) * size, min_i64(s->block, s->na - a),
                   min_i64(s->block, end - b));
}

/*
 * Crossed, with no more than NARROW elements along b, as the colours of an image are: pixel by pixel.
 * Only for elements of four bytes; a task takes LENGTH of a.
 */
enum { NARROW = 4, LENGTH = 4096 };

/* nb is a constant after inlining */
static inline void interleave(const strips *s, uint32_t *dst, const uint32_t *src, int64_t na,
                              const int nb)
{
    const int64_t a_dst = s->a_dst, b_src = s->b_src;
    for (int64_t a = 0; a < na; a++, dst += a_dst, src++)
        for (int b = 0; b < nb; b++)
            dst[b] = src[b * b_src];
}

static void narrow_task(void *arg, size_t task, size_t thread)
{
    const strips *s = arg;
    int64_t index[PH_MAX_RANK], a = (int64_t)task % s->strips_a * LENGTH, dst_at = 0, src_at = 0;
    (void)thread;
    phi_unravel((int64_t)task / s->strips_a, s->d.rank, s->d.dims, index);
    for (int i = 0; i < s->d.rank; i++) {
        dst_at += index[i] * s->d.strides[0][i];
        src_at += index[i] * s->d.strides[1][i];
    }
    uint32_t *dst = (uint32_t *)(void *)s->d.data[0] + dst_at + a * s->a_dst;
    const uint32_t *src = (const uint32_t *)(const void *)s->d.data[1] + src_at + a;
    const int64_t n = min_i64(LENGTH, s->na - a);
    if (s->nb == 2)
        interleave(s, dst, src, n, 2);
    else if (s->nb == 3)
        interleave(s, dst, src, n, 3);
    else
        interleave(s, dst, src, n, 4);
}

/* Does dst run along the last dimension and src along dimension *a? */
static bool is_crossed(const phi_dims *d, int *a)
{
    int b = d->rank - 1;
    if (d->rank < 2 || d->strides[0][b] != 1 || d->strides[1][b] <= 1) return false;
    for (*a = 0; *a < b; ++*a)
        if (d->strides[1][*a] == 1) return true;
    return false;
}

static void copy_crossed(phi_pool *pool, const phi_dims *d, int a)
{
    int b = d->rank - 1;
    strips s = {.d = *d, .na = d->dims[a], .nb = d->dims[b]};
    s.a_dst = d->strides[0][a];
    s.b_src = d->strides[1][b];
    s.block = BLOCK_BYTES / (int64_t)d->size[0];
    s.strips_a = (s.na + s.block - 1) / s.block;
    s.strips_b = (s.nb + STRIP - 1) / STRIP;
    s.d.rank = 0;
    for (int i = 0; i < b; i++) {
        if (i == a) continue;
        s.d.dims[s.d.rank] = d->dims[i];
        s.d.strides[0][s.d.rank] = d->strides[0][i];
        s.d.strides[1][s.d.rank++] = d->strides[1][i];
    }
    int64_t outer = d->count / (s.na * s.nb);
    if (d->size[0] == 4 && s.nb >= 2 && s.nb <= NARROW) {
        s.strips_a = (s.na + LENGTH - 1) / LENGTH;
        phi_pool_run(pool, (size_t)(outer * s.strips_a), narrow_task, &s);
        return;
    }
    phi_pool_run(pool, (size_t)(outer * s.strips_a * s.strips_b), strip_task, &s);
}

void phi_copy(phi_pool *pool, const phi_view *dst, const phi_view *src)
{
    assert(dst->type.dtype == src->type.dtype);
    phi_dims d = phi_dims_of(2, (const phi_view *const[]){dst, src});
    int a;
    if (d.count == 0) return;
    if (dst->data == src->data &&
        memcmp(d.strides[0], d.strides[1], (size_t)d.rank * sizeof(int64_t)) == 0)
        return; /* already there */
    if (is_crossed(&d, &a))
        copy_crossed(pool, &d, a);
    else
        loop_run(pool, &d, copy_run, &d.size[0]);
}

void phi_copy_bytes(phi_pool *pool, void *dst, const void *src, size_t n)
{
    phi_type t = {.dtype = PH_UINT8, .rank = 1, .dims = {(int64_t)n}};
    phi_view to = {.type = t, .strides = {1}, .data = dst}, from = to;
    if (dst == src) return;
    memcpy(&from.data, &src, sizeof src);
    phi_copy(pool, &to, &from);
}

static void zero_run(void *arg, int64_t n, void *const *p, const int64_t *s)
{
    int64_t size = (int64_t) * (const size_t *)arg;
    if (s[0] == 1) {
        memset(p[0], 0, (size_t)(n * size));
        return;
    }
    for (int64_t i = 0; i < n; i++)
        memset((char *)p[0] + i * s[0] * size, 0, (size_t)size);
}

void phi_zero(phi_pool *pool, const phi_view *dst)
{
    size_t size = ph_dtype_size(dst->type.dtype);
    phi_loop(pool, 1, &dst, zero_run, &size);
}
