/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "graph/left.h"

size_t ph_dtype_size(enum ph_dtype dtype)
{
    switch (dtype) {
    case PH_UINT8: case PH_INT8: case PH_BOOL: return 1;
    case PH_UINT16: case PH_INT16: case PH_FLOAT16: case PH_BFLOAT16: return 2;
    case PH_FLOAT32: case PH_INT32: case PH_UINT32: return 4;
    case PH_FLOAT64: case PH_INT64: case PH_UINT64: case PH_COMPLEX64: return 8;
    case PH_COMPLEX128: return 16;
    case PH_UNDEFINED: case PH_STRING: break;
    }
    return 0;
}

const char *ph_dtype_name(enum ph_dtype dtype)
{
    static const char *const names[] = { "undefined", "float32",   "uint8",      "int8",
                                         "uint16",    "int16",     "int32",      "int64",
                                         "string",    "bool",      "float16",    "float64",
                                         "uint32",    "uint64",    "complex64",  "complex128",
                                         "bfloat16" };
    return (size_t)dtype < PHI_COUNT(names) ? names[dtype] : "?";
}

/* Elements, or -1 if they, or their bytes, do not fit into int64_t and size_t. */
static int64_t count_checked(const phi_type *t)
{
    int64_t count = 1, bytes;
    for (int i = 0; i < t->rank; i++)
        if (t->dims[i] != 0 && !phi_mul_i64(count, t->dims[i], &count)) return -1;
    if (!phi_mul_i64(count, 16, &bytes) || (uint64_t)bytes > (uint64_t)PTRDIFF_MAX) return -1;
    return count; /* without the zeros: even then strides fit */
}

enum ph_status phi_type_check(const phi_type *t, const char *where, ph_error *err)
{
    char text[PHI_TYPE_TEXT];
    if (t->rank < 0 || t->rank > PH_MAX_RANK)
        return phi_fail(err, PH_ERR_ARG, where, "%.160s: %d dimensions; at most %d are possible",
                        where, t->rank, PH_MAX_RANK);
    for (int i = 0; i < t->rank; i++)
        if (t->dims[i] < 0)
            return phi_fail(err, PH_ERR_ARG, where, "%.160s: dimension %d of %s is negative", where,
                            i, phi_type_text(t, text, sizeof text));
    if (count_checked(t) < 0)
        return phi_fail(err, PH_ERR_OVERFLOW, where, "%.160s: %s is too large to address", where,
                        phi_type_text(t, text, sizeof text));
    return PH_OK;
}

int64_t phi_type_count(const phi_type *t)
{
    int64_t count = 1;
    for (int i = 0; i < t->rank; i++) count *= t->dims[i];
    return count;
}

size_t phi_type_bytes(const phi_type *t)
{
    return (size_t)phi_type_count(t) * ph_dtype_size(t->dtype);
}

bool phi_type_equal(const phi_type *a, const phi_type *b)
{
    if (a->dtype != b->dtype || a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dims[i] != b->dims[i]) return false;
    return true;
}

const char *phi_dims_text(int rank, const int64_t *dims, char *buf, size_t n)
{
    size_t at = 0;
    for (int i = 0; i <= rank && at < n; i++) {
        const char *before = i == 0 ? "[" : i < rank ? "," : "";
        int k = i < rank ? snprintf(buf + at, n - at, "%s%lld", before, (long long)dims[i])
                         : snprintf(buf + at, n - at, "%s]", before);
        if (k < 0) break;
        at += (size_t)k;
    }
    return buf;
}

const char *phi_type_text(const phi_type *t, char *buf, size_t n)
{
    int k = snprintf(buf, n, "%s", ph_dtype_name(t->dtype));
    if (k >= 0 && (size_t)k < n) phi_dims_text(t->rank, t->dims, buf + k, n - (size_t)k);
    return buf;
}

enum ph_status phi_tensor_hollow(const ph_allocator *mem, const phi_type *type, ph_tensor **out,
                                 ph_error *err)
{
    if (ph_dtype_size(type->dtype) == 0)
        return phi_fail(err, PH_ERR_TYPE, "tensor", "tensor: elements of type %s cannot be held",
                        ph_dtype_name(type->dtype));
    enum ph_status st = phi_type_check(type, "tensor", err);
    if (st) return st;
    ph_tensor *t = phi_calloc(mem, 1, sizeof *t);
    if (!t) return phi_fail_nomem(err);
    t->mem = phi_allocator(mem);
    t->type = *type;
    t->count = phi_type_count(type);
    t->bytes = phi_type_bytes(type);
    *out = t;
    return PH_OK;
}

enum ph_status phi_tensor_new_raw(const ph_allocator *mem, const phi_type *type, ph_tensor **out,
                                  ph_error *err)
{
    ph_tensor *t = NULL;
    enum ph_status st = phi_tensor_hollow(mem, type, &t, err);
    if (st) return st;
    t->data = phi_alloc(mem, t->bytes);
    if (!t->data) {
        char text[PHI_TYPE_TEXT];
        phi_free(mem, t);
        return phi_fail(err, PH_ERR_NOMEM, "tensor", "out of memory: %s needs %zu bytes",
                        phi_type_text(type, text, sizeof text), phi_type_bytes(type));
    }
    *out = t;
    return PH_OK;
}

enum ph_status phi_tensor_new(const ph_allocator *mem, const phi_type *type, ph_tensor **out,
                              ph_error *err)
{
    enum ph_status st = phi_tensor_new_raw(mem, type, out, err);
    if (!st) memset((*out)->data, 0, (*out)->bytes);
    return st;
}

enum ph_status ph_tensor_new(const ph_allocator *mem, enum ph_dtype dtype, size_t rank,
                             const int64_t *dims, ph_tensor **out, ph_error *err)
{
    if (rank > PH_MAX_RANK)
        return phi_fail(err, PH_ERR_ARG, "tensor", "tensor: %zu dimensions; at most %d are possible",
                        rank, PH_MAX_RANK);
    phi_type type = { .dtype = dtype, .rank = (int)rank };
    for (size_t i = 0; i < rank; i++) type.dims[i] = dims[i];
    return phi_tensor_new(mem, &type, out, err);
}

enum ph_status phi_tensor_copy(const ph_allocator *mem, const ph_tensor *t, ph_tensor **out,
                               ph_error *err)
{
    if (t->left) return phi_tensor_leave(mem, &t->type, t->left, t->left_at, out, err);
    if (t->bytes && !t->data) return phi_tensor_hollow(mem, &t->type, out, err);
    enum ph_status st = phi_tensor_new_raw(mem, &t->type, out, err);
    if (!st && t->bytes) memcpy((*out)->data, t->data, t->bytes);
    return st;
}

void ph_tensor_free(ph_tensor *t)
{
    if (!t) return;
    ph_allocator mem = t->mem;
    phi_left_drop(t->left);
    phi_free(&mem, t->data);
    phi_free(&mem, t);
}

enum ph_dtype ph_tensor_dtype(const ph_tensor *t) { return t->type.dtype; }
size_t ph_tensor_rank(const ph_tensor *t) { return (size_t)t->type.rank; }
const int64_t *ph_tensor_dims(const ph_tensor *t) { return t->type.dims; }
int64_t ph_tensor_count(const ph_tensor *t) { return t->count; }
size_t ph_tensor_bytes(const ph_tensor *t) { return t->bytes; }
void *ph_tensor_data(ph_tensor *t) { return t->data; }
const void *ph_tensor_const_data(const ph_tensor *t) { return t->data; }
