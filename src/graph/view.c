/* SPDX-License-Identifier: MIT */
#include "graph/tensor.h"

void phi_strides_plain(const phi_type *t, int64_t *strides)
{
    int64_t step = 1;
    for (int i = t->rank - 1; i >= 0; i--) {
        strides[i] = step;
        step *= t->dims[i];
    }
}

void phi_strides_channels_last(const phi_type *t, int64_t *strides)
{
    if (t->rank < 3) {
        phi_strides_plain(t, strides);
        return;
    }
    strides[1] = 1;
    int64_t step = t->dims[1];
    for (int i = t->rank - 1; i >= 2; i--) {
        strides[i] = step;
        step *= t->dims[i];
    }
    strides[0] = step;
}

static bool strides_are(const phi_view *v, void (*want)(const phi_type *, int64_t *))
{
    int64_t strides[PH_MAX_RANK];
    if (phi_view_absent(v)) return false;
    want(&v->type, strides);
    for (int i = 0; i < v->type.rank; i++)
        if (v->type.dims[i] > 1 && v->strides[i] != strides[i]) return false;
    return true;
}

bool phi_view_is_plain(const phi_view *v) { return strides_are(v, phi_strides_plain); }
bool phi_view_is_channels_last(const phi_view *v)
{
    return strides_are(v, phi_strides_channels_last);
}

phi_view phi_view_plain(const phi_type *t, void *data)
{
    phi_view v = { .type = *t, .data = data };
    phi_strides_plain(t, v.strides);
    return v;
}

phi_view phi_view_of(const ph_tensor *t) { return phi_view_plain(&t->type, t->data); }

phi_view phi_view_broadcast(const phi_view *v, const phi_type *to)
{
    phi_view b = { .type = *to, .data = v->data };
    b.type.dtype = v->type.dtype;
    const int lead = to->rank - v->type.rank;
    for (int i = lead; i < to->rank; i++)
        b.strides[i] = v->type.dims[i - lead] == 1 ? 0 : v->strides[i - lead];
    return b;
}

bool phi_broadcast_types(const phi_type *a, const phi_type *b, phi_type *out)
{
    const int rank = a->rank > b->rank ? a->rank : b->rank;
    phi_type r = { .dtype = a->dtype, .rank = rank };
    for (int i = 0; i < rank; i++) {
        const int ia = i - (rank - a->rank), ib = i - (rank - b->rank);
        const int64_t da = ia < 0 ? 1 : a->dims[ia], db = ib < 0 ? 1 : b->dims[ib];
        if (da != db && da != 1 && db != 1) return false;
        r.dims[i] = da == 1 ? db : da;
    }
    *out = r;
    return true;
}

/* --- Walking -------------------------------------------------------------------------------- */

typedef struct walk_dim {
    int64_t count;
    int64_t step[PHI_WALK_MAX]; /* elements */
} walk_dim;

static int64_t magnitude(int64_t x) { return x < 0 ? -x : x; }

/* Does `a` belong outside `b`? The first view decides; where it is indifferent (stride 0), the next. */
static bool is_outer(const walk_dim *a, const walk_dim *b, size_t n_views)
{
    for (size_t v = 0; v < n_views; v++) {
        const int64_t sa = magnitude(a->step[v]), sb = magnitude(b->step[v]);
        if (sa == 0 || sb == 0 || sa == sb) continue;
        return sa > sb;
    }
    return false;
}

/* Dimensions of size > 1, outermost first in the memory of the views. */
static int sorted_dims(size_t n_views, const phi_view *const *views, walk_dim *dim)
{
    int n = 0;
    for (int i = 0; i < views[0]->type.rank; i++) {
        walk_dim d = { .count = views[0]->type.dims[i] };
        if (d.count == 1) continue;
        for (size_t v = 0; v < n_views; v++) d.step[v] = views[v]->strides[i];
        int at = n++;
        for (; at > 0 && is_outer(&d, &dim[at - 1], n_views); at--) dim[at] = dim[at - 1];
        dim[at] = d;
    }
    return n;
}

/* Merge neighbours that every view holds as one run. */
static int merge_dims(size_t n_views, walk_dim *dim, int n)
{
    int kept = 0;
    for (int i = 1; i < n; i++) {
        bool together = true;
        for (size_t v = 0; v < n_views; v++)
            together &= dim[kept].step[v] == dim[i].step[v] * dim[i].count;
        if (together) {
            dim[i].count *= dim[kept].count;
            dim[kept] = dim[i];
        } else {
            dim[++kept] = dim[i];
        }
    }
    return n ? kept + 1 : 0;
}

void phi_walk(size_t n_views, const phi_view *const *views, phi_walk_fn *fn, void *arg)
{
    assert(n_views >= 1 && n_views <= PHI_WALK_MAX);
    for (int i = 0; i < views[0]->type.rank; i++)
        if (views[0]->type.dims[i] == 0) return;
    walk_dim dim[PH_MAX_RANK];
    const int n = merge_dims(n_views, dim, sorted_dims(n_views, views, dim));
    static const walk_dim one = { .count = 1 };
    const walk_dim *run = n ? &dim[n - 1] : &one;

    char *ptrs[PHI_WALK_MAX];
    size_t size[PHI_WALK_MAX];
    for (size_t v = 0; v < n_views; v++) {
        ptrs[v] = views[v]->data;
        size[v] = ph_dtype_size(views[v]->type.dtype);
    }
    int64_t at[PH_MAX_RANK] = { 0 };
    for (;;) {
        void *now[PHI_WALK_MAX];
        for (size_t v = 0; v < n_views; v++) now[v] = ptrs[v];
        fn(arg, run->count, now, run->step);
        int d = n - 2;
        for (; d >= 0; d--) { /* odometer over the outer dimensions */
            const int64_t move = ++at[d] < dim[d].count ? 1 : -(dim[d].count - 1);
            for (size_t v = 0; v < n_views; v++)
                ptrs[v] += move * dim[d].step[v] * (int64_t)size[v];
            if (move == 1) break;
            at[d] = 0;
        }
        if (d < 0) return;
    }
}

static void copy_run(void *arg, int64_t count, void *const *ptrs, const int64_t *steps)
{
    const size_t size = *(const size_t *)arg;
    if (steps[0] == 1 && steps[1] == 1) {
        memcpy(ptrs[0], ptrs[1], (size_t)count * size);
        return;
    }
    char *dst = ptrs[0];
    const char *src = ptrs[1];
    const int64_t to = steps[0] * (int64_t)size, from = steps[1] * (int64_t)size;
#define COPY_EACH(bytes)                                                                           \
    for (int64_t i = 0; i < count; i++) memcpy(dst + i * to, src + i * from, bytes)
    switch (size) { /* constant sizes become plain moves */
    case 1: COPY_EACH(1); break;
    case 2: COPY_EACH(2); break;
    case 4: COPY_EACH(4); break;
    case 8: COPY_EACH(8); break;
    default: COPY_EACH(size);
    }
#undef COPY_EACH
}

void phi_view_copy(const phi_view *dst, const phi_view *src)
{
    size_t size = ph_dtype_size(dst->type.dtype);
    const phi_view *views[2] = { dst, src };
    phi_walk(2, views, copy_run, &size);
}
