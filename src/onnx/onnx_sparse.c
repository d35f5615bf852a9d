/* SPDX-License-Identifier: MIT */
/*
 * SparseTensorProto to a dense ph_tensor (onnx.proto, "SparseTensorProto"): values [nnz], and for
 * each its place, either as one number in row-major order (indices [nnz]) or as a coordinate a
 * dimension (indices [nnz, rank]); sorted, none twice.
 */
#include "onnx/onnx_pb.h"

typedef struct sparse {
    ph_tensor *values, *indices;
    phi_type type; /* of the dense tensor */
} sparse;

static enum ph_status bad(const char *what, const char *problem, ph_error *err)
{
    return phi_fail(err, PH_ERR_FORMAT, what, "%s: %s", what, problem);
}

static enum ph_status dense_type(const phi_pb_sparse *pb, const char *what, sparse *s,
                                 ph_error *err)
{
    s->type = (phi_type){.dtype = s->values->type.dtype, .rank = (int)pb->n_dims};
    if (pb->n_dims < 1 || pb->n_dims > PH_MAX_RANK)
        return phi_fail(err, PH_ERR_UNSUPPORTED, what,
                        "%s: a sparse tensor of %zu dimensions; 1 to %d are supported", what,
                        pb->n_dims, PH_MAX_RANK);
    memcpy(s->type.dims, pb->dims, pb->n_dims * sizeof *pb->dims);
    return phi_type_check(&s->type, what, err);
}

static enum ph_status check_parts(const char *what, const sparse *s, ph_error *err)
{
    const phi_type *v = &s->values->type, *i = &s->indices->type;
    if (v->rank != 1) return bad(what, "the values of a sparse tensor have one dimension", err);
    if (i->dtype != PH_INT64) return bad(what, "the indices of a sparse tensor are int64", err);
    const bool flat = i->rank == 1;
    if ((!flat && i->rank != 2) || i->dims[0] != v->dims[0] ||
        (!flat && i->dims[1] != s->type.rank))
        return bad(what, "the indices of a sparse tensor are [values] or [values, dimensions]",
                   err);
    return PH_OK;
}

/* Row-major number of the element at position `k` of the list; -1: outside. */
static int64_t place_of(const sparse *s, int64_t k)
{
    const int64_t *index = s->indices->data;
    int64_t at = 0;
    if (s->indices->type.rank == 1)
        return index[k] >= 0 && index[k] < phi_type_count(&s->type) ? index[k] : -1;
    for (int d = 0; d < s->type.rank; d++) {
        const int64_t i = index[k * s->type.rank + d];
        if (i < 0 || i >= s->type.dims[d]) return -1;
        at = at * s->type.dims[d] + i;
    }
    return at;
}

static enum ph_status scatter(const char *what, const sparse *s, ph_tensor *out, ph_error *err)
{
    const size_t size = ph_dtype_size(s->type.dtype);
    int64_t last = -1;
    for (int64_t k = 0; k < s->values->count; k++) {
        const int64_t at = place_of(s, k);
        if (at < 0) return bad(what, "an index of a sparse tensor is outside of it", err);
        if (at <= last) return bad(what, "the indices of a sparse tensor are not in order", err);
        last = at;
        memcpy((char *)out->data + (size_t)at * size,
               (const char *)s->values->data + (size_t)k * size, size);
    }
    return PH_OK;
}

static enum ph_status make_dense(const ph_allocator *mem, const phi_pb_sparse *pb, const char *what,
                                 sparse *s, ph_tensor **out, ph_error *err)
{
    ph_tensor *t = NULL;
    enum ph_status st = dense_type(pb, what, s, err);
    if (!st) st = check_parts(what, s, err);
    if (!st) st = phi_tensor_new(mem, &s->type, &t, err);
    if (!st) st = scatter(what, s, t, err);
    if (st)
        ph_tensor_free(t);
    else
        *out = t;
    return st;
}

enum ph_status phi_pb_to_dense(const ph_allocator *mem, const phi_pb_sparse *pb, const char *what,
                               const phi_pb_origin *from, ph_tensor **out, ph_error *err)
{
    sparse s = {.values = NULL};
    if (!pb->values || !pb->indices)
        return bad(what, "a sparse tensor needs values and indices", err);
    enum ph_status st = phi_pb_to_tensor(mem, pb->values, what, from, &s.values, err);
    if (!st) st = phi_pb_to_tensor(mem, pb->indices, what, from, &s.indices, err);
    if (!st) st = make_dense(mem, pb, what, &s, out, err);
    ph_tensor_free(s.values);
    ph_tensor_free(s.indices);
    return st;
}
