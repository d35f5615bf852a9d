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

/* The next dimension outwards of an image: the last one inwards, and dimension 0 after number 2. */
static int outwards(int i) { return i == 2 ? 0 : i - 1; }

bool phi_view_is_pixels(const phi_view *v, int64_t *pitch)
{
    const phi_type *t = &v->type;
    int64_t inner = 1;
    if (t->rank < 3 || (t->dims[1] > 1 && v->strides[1] != 1)) return false;
    *pitch = 0;
    for (int n = 0, i = t->rank - 1; n < t->rank - 1; n++, i = outwards(i)) {
        if (t->dims[i] <= 1) continue;
        if (*pitch == 0) *pitch = v->strides[i];
        if (v->strides[i] != *pitch * inner) return false;
        inner *= t->dims[i];
    }
    if (*pitch == 0) *pitch = t->dims[1];
    return *pitch >= t->dims[1];
}

int64_t phi_view_pitch(const phi_view *v)
{
    int64_t pitch = v->type.rank == 2 ? v->strides[0] : 0;
    const bool pixels = v->type.rank == 2 || phi_view_is_pixels(v, &pitch);
    assert(pixels);
    (void)pixels;
    return pitch;
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
