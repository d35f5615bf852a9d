/* SPDX-License-Identifier: MIT */
/*
 * TensorProto and ph_tensor. ONNX has six places where a tensor's elements may lie: raw bytes, one
 * of five typed lists, or another file; exactly one is in use (onnx.proto, "TensorProto").
 */
#include "onnx/onnx_pb.h"


enum list {
    RAW,
    FLOAT_DATA,
    INT32_DATA,
    INT64_DATA,
    DOUBLE_DATA,
    UINT64_DATA,
    STRING_DATA,
    N_LISTS
};

static const char *const list_names[N_LISTS] = {"raw_data",   "float_data",  "int32_data",
                                                "int64_data", "double_data", "uint64_data",
                                                "string_data"};

/* Are its raw data still in the model's file? */
static bool raw_is_left(const phi_pb_tensor *pb, const phi_pb_origin *from)
{
    return from->file && pb->has_raw_at && pb->has_raw_bytes && !pb->has_raw_data;
}

/* Entries of each list; bytes for RAW. */
static void list_lengths(const phi_pb_tensor *pb, const phi_pb_origin *from, size_t n[N_LISTS])
{
    n[RAW] = pb->has_raw_data ? pb->raw_data.len : 0;
    if (raw_is_left(pb, from)) n[RAW] = (size_t)pb->raw_bytes;
    n[FLOAT_DATA] = pb->n_float_data;
    n[INT32_DATA] = pb->n_int32_data;
    n[INT64_DATA] = pb->n_int64_data;
    n[DOUBLE_DATA] = pb->n_double_data;
    n[UINT64_DATA] = pb->n_uint64_data;
    n[STRING_DATA] = pb->n_string_data;
}

/* The typed list that holds elements of a type, and the range they have there if it is smaller than
 * that of the list (float16 and bfloat16 are bit patterns). */
static enum list list_of(enum ph_dtype dtype, int64_t *lo, int64_t *hi)
{
    *lo = 0;
    switch (dtype) {
    case PH_FLOAT32:
    case PH_COMPLEX64:
        return FLOAT_DATA;
    case PH_FLOAT64:
    case PH_COMPLEX128:
        return DOUBLE_DATA;
    case PH_INT64:
        return INT64_DATA;
    case PH_UINT64:
        return UINT64_DATA;
    case PH_UINT32:
        *hi = UINT32_MAX;
        return UINT64_DATA;
    case PH_BOOL:
        *hi = 1;
        return INT32_DATA;
    case PH_UINT8:
        *hi = UINT8_MAX;
        return INT32_DATA;
    case PH_INT8:
        *lo = INT8_MIN;
        *hi = INT8_MAX;
        return INT32_DATA;
    case PH_INT16:
        *lo = INT16_MIN;
        *hi = INT16_MAX;
        return INT32_DATA;
    case PH_UINT16:
    case PH_FLOAT16:
    case PH_BFLOAT16:
        *hi = UINT16_MAX;
        return INT32_DATA;
    default:
        *lo = INT32_MIN;
        *hi = INT32_MAX;
        return INT32_DATA;
    }
}

static bool is_complex(enum ph_dtype dtype)
{
    return dtype == PH_COMPLEX64 || dtype == PH_COMPLEX128;
}

/* Raw bytes are little-endian, number by number. */
static void swap_to_host(enum ph_dtype dtype, void *data, size_t bytes)
{
    const size_t size = ph_dtype_size(dtype) / (is_complex(dtype) ? 2 : 1);

    if (!phi_host_is_little_endian()) phi_swap_bytes(data, bytes / size, size);
}

/* C knows only two bools. */
static void clean_bools(ph_tensor *t)
{
    unsigned char *p = t->data;

    for (size_t i = 0; t->type.dtype == PH_BOOL && i < t->bytes; i++)
        p[i] = p[i] != 0;
}

/* Types that ph_dtype has no number for, as onnx.proto calls them. */
static const char *type_name(int32_t type)
{
    static const char *const more[] = {"float8e4m3fn", "float8e4m3fnuz", "float8e5m2",
                                       "float8e5m2fnuz", "uint4", "int4", "float4e2m1",
                                       "float8e8m0", "uint2", "int2"};
    const int32_t first = PH_BFLOAT16 + 1;

    if (type >= first && type < first + (int32_t)PHI_COUNT(more)) return more[type - first];
    return ph_dtype_name((enum ph_dtype)type);
}

/* --- Type and shape --------------------------------------------------------------------------- */

static enum ph_status read_type(const phi_pb_tensor *pb, const char *what, phi_type *type,
                                ph_error *err)
{
    *type = (phi_type){.dtype = (enum ph_dtype)pb->data_type, .rank = (int)pb->n_dims};
    if (!pb->has_data_type || pb->data_type == PH_UNDEFINED)
        return phi_fail(err, PH_ERR_FORMAT, what, "%s has no element type", what);
    if (ph_dtype_size(type->dtype) == 0)
        return phi_fail(err, PH_ERR_UNSUPPORTED, what,
                        "%s: elements of ONNX type %ld (%s) are not supported", what,
                        (long)pb->data_type, type_name(pb->data_type));
    if (pb->segment)
        return phi_fail(err, PH_ERR_UNSUPPORTED, what, "%s comes in segments: not supported", what);
    if (pb->n_dims > PH_MAX_RANK)
        return phi_fail(err, PH_ERR_UNSUPPORTED, what,
                        "%s has %zu dimensions; at most %d are supported", what, pb->n_dims,
                        PH_MAX_RANK);
    for (size_t i = 0; i < pb->n_dims; i++) {
        if (pb->dims[i] < 0)
            return phi_fail(err, PH_ERR_FORMAT, what, "%s: dimension %zu is %lld", what, i,
                            (long long)pb->dims[i]);
        type->dims[i] = pb->dims[i];
    }
    return phi_type_check(type, what, err);
}

/* --- Elements --------------------------------------------------------------------------------- */

/* Narrow n numbers of int32_data or uint64_data to elements of `size` bytes. */
static enum ph_status narrow(const phi_pb_tensor *pb, enum list list, const char *what, int64_t lo,
                             int64_t hi, ph_tensor *t, ph_error *err)
{
    const size_t size = ph_dtype_size(t->type.dtype);
    unsigned char *to = t->data;

    for (size_t i = 0; i < (size_t)t->count; i++, to += size) {
        const uint64_t wide = list == UINT64_DATA ? pb->uint64_data[i] : 0;
        const int64_t v = list == UINT64_DATA ? (int64_t)wide : pb->int32_data[i];
        if (wide > INT64_MAX || v < lo || v > hi)
            return phi_fail(err, PH_ERR_FORMAT, what, "%s: element %zu is out of the range of %s", what, i,
                            ph_dtype_name(t->type.dtype));
        if (size == 1) {
            *to = (unsigned char)v;
        } else if (size == 2) {
            const uint16_t half = (uint16_t)v;
            memcpy(to, &half, 2);
        } else {
            const uint32_t word = (uint32_t)v;
            memcpy(to, &word, 4);
        }
    }
    return PH_OK;
}

static const void *list_data(const phi_pb_tensor *pb, enum list list)
{
    switch (list) {
    case RAW:
        return pb->raw_data.data;
    case FLOAT_DATA:
        return pb->float_data;
    case INT64_DATA:
        return pb->int64_data;
    case DOUBLE_DATA:
        return pb->double_data;
    case UINT64_DATA:
        return pb->uint64_data;
    default:
        return pb->int32_data;
    }
}

/* Copy the elements, whose number is known to be right, out of `list`. */
static enum ph_status fill(const phi_pb_tensor *pb, const phi_pb_origin *from, enum list list,
                           const char *what, ph_tensor *t, ph_error *err)
{
    enum ph_status st = PH_OK;
    const enum ph_dtype dtype = t->type.dtype;
    int64_t lo, hi;

    if (t->bytes == 0) return PH_OK;
    (void)list_of(dtype, &lo, &hi);
    if ((list == INT32_DATA && dtype != PH_INT32) || (list == UINT64_DATA && dtype == PH_UINT32))
        return narrow(pb, list, what, lo, hi, t, err);
    if (list == RAW && raw_is_left(pb, from))
        st = phi_file_read_at(from->file, pb->raw_at, t->bytes, t->data, err);
    else
        memcpy(t->data, list_data(pb, list), t->bytes);
    if (!st && list == RAW) {
        swap_to_host(dtype, t->data, t->bytes);
        clean_bools(t);
    }
    return st;
}

/* Which list is in use, and does it hold as many elements as the shape wants? */
static enum ph_status choose_list(const phi_pb_tensor *pb, const phi_pb_origin *from,
                                  const char *what, const phi_type *type, enum list *out,
                                  ph_error *err)
{
    char text[PHI_TYPE_TEXT];
    int64_t lo, hi;
    const enum list typed = list_of(type->dtype, &lo, &hi);
    const size_t numbers = (size_t)phi_type_count(type) * (is_complex(type->dtype) ? 2 : 1);
    size_t n[N_LISTS], wanted;

    list_lengths(pb, from, n);
    *out = n[typed] ? typed : RAW;
    wanted = *out == RAW ? phi_type_bytes(type) : numbers;
    for (int i = 0; i < N_LISTS; i++)
        if (n[i] && i != (int)*out)
            return phi_fail(err, PH_ERR_FORMAT, what, "%s: %s has its elements in %s", what,
                            phi_type_text(type, text, sizeof text), list_names[i]);
    if (n[*out] != wanted)
        return phi_fail(err, PH_ERR_FORMAT, what, "%s: %s needs %zu %s, %s has %zu", what,
                        phi_type_text(type, text, sizeof text), wanted,
                        *out == RAW ? "bytes" : "numbers", list_names[*out], n[*out]);
    return PH_OK;
}

/* --- External data (onnx/docs/ExternalData.md) ------------------------------------------------ */

static const char *entry_value(const phi_pb_tensor *pb, const char *key)
{
    for (size_t i = 0; i < pb->n_external_data; i++)
        if (pb->external_data[i]->key && strcmp(pb->external_data[i]->key, key) == 0)
            return pb->external_data[i]->value ? pb->external_data[i]->value : "";
    return NULL;
}

/* A byte count in decimal digits; `fallback` where the key is missing. */
static enum ph_status entry_number(const phi_pb_tensor *pb, const char *what, const char *key,
                                   uint64_t fallback, uint64_t *out, ph_error *err)
{
    const char *s = entry_value(pb, key);
    uint64_t v = 0;
    bool good = true;

    *out = fallback;
    if (!s) return PH_OK;
    for (const char *p = s; good && *p; p++)
        good = *p >= '0' && *p <= '9' && !__builtin_mul_overflow(v, 10, &v) &&
               !__builtin_add_overflow(v, (uint64_t)(*p - '0'), &v);
    if (!good || !*s)
        return phi_fail(err, PH_ERR_FORMAT, what,
                        "%s: external data has %s '%s'; a number of bytes "
                        "is wanted",
                        what, key, s);
    *out = v;
    return PH_OK;
}

/* Where the elements lie in another file. */
static enum ph_status external_place(const phi_pb_tensor *pb, const char *what, size_t bytes,
                                     const char **location, uint64_t *offset, ph_error *err)
{
    static const phi_pb_origin nowhere;
    uint64_t length;
    size_t lists[N_LISTS];
    enum ph_status st = entry_number(pb, what, "offset", 0, offset, err);

    if (!st) st = entry_number(pb, what, "length", bytes, &length, err);
    if (st) return st;
    list_lengths(pb, &nowhere, lists);
    for (int i = 0; i < N_LISTS; i++)
        if (lists[i])
            return phi_fail(err, PH_ERR_FORMAT, what, "%s has external data and %s, too", what,
                            list_names[i]);
    *location = entry_value(pb, "location");
    if (!*location)
        return phi_fail(err, PH_ERR_FORMAT, what, "%s: external data without a location", what);
    if (length != bytes)
        return phi_fail(err, PH_ERR_FORMAT, what, "%s: %llu bytes of external data, %zu are wanted",
                        what, (unsigned long long)length, bytes);
    return PH_OK;
}

/* `n` bytes of external data, or an error about `what`. */
static enum ph_status read_external(const phi_file *f, const char *what, uint64_t offset,
                                    ph_tensor *t, ph_error *err)
{
    ph_error inner = {.status = PH_OK};
    enum ph_status st = phi_file_read_at(f, offset, t->bytes, t->data, &inner);

    if (st) return phi_fail(err, st, what, "%s: %s", what, inner.message);
    swap_to_host(t->type.dtype, t->data, t->bytes);
    clean_bools(t);
    return PH_OK;
}

/* The file is known to be long enough before memory is asked for. */
static enum ph_status external_tensor(const ph_allocator *mem, const phi_pb_tensor *pb,
                                      const char *what, const char *path, const phi_type *type,
                                      ph_tensor **out, ph_error *err)
{
    const char *location = NULL;
    uint64_t offset;
    phi_file f;
    ph_tensor *t = NULL;
    ph_error inner = {.status = PH_OK};
    enum ph_status st = external_place(pb, what, phi_type_bytes(type), &location, &offset, err);

    if (st) return st;
    st = phi_file_open_beneath(mem, path, location, &f, &inner);
    if (st) return phi_fail(err, st, what, "%s: %s", what, inner.message);
    st = phi_file_has(&f, offset, phi_type_bytes(type), &inner);
    if (st) phi_fail(err, st, what, "%s: %s", what, inner.message);
    if (!st) st = phi_tensor_new_raw(mem, type, &t, err);
    if (!st) st = read_external(&f, what, offset, t, err);
    phi_file_close(&f);
    if (st)
        ph_tensor_free(t);
    else
        *out = t;
    return st;
}

/* Smaller tensors are read at once: they are few bytes, and their values may be asked for. */
#define STAY_BYTES 65536

static bool may_stay(const phi_pb_tensor *pb, const phi_pb_origin *from, const phi_type *type)
{
    return from->left && raw_is_left(pb, from) && type->dtype == PH_FLOAT32 &&
           phi_host_is_little_endian() && phi_type_bytes(type) >= STAY_BYTES;
}

static enum ph_status inline_tensor(const ph_allocator *mem, const phi_pb_tensor *pb,
                                    const phi_pb_origin *from, const char *what,
                                    const phi_type *type, ph_tensor **out, ph_error *err)
{
    enum list list;
    ph_tensor *t;
    enum ph_status st = choose_list(pb, from, what, type, &list, err);

    if (!st && list == RAW && may_stay(pb, from, type))
        return phi_tensor_leave(mem, type, from->left, pb->raw_at, out, err);
    if (!st) st = phi_tensor_new_raw(mem, type, &t, err);
    if (st) return st;
    st = fill(pb, from, list, what, t, err);
    if (st)
        ph_tensor_free(t);
    else
        *out = t;
    return st;
}

/* --- The whole -------------------------------------------------------------------------------- */

enum ph_status phi_pb_to_tensor(const ph_allocator *mem, const phi_pb_tensor *pb, const char *what,
                                const phi_pb_origin *from, ph_tensor **out, ph_error *err)
{
    const int32_t location = pb->has_data_location ? pb->data_location : 0;
    phi_type type;
    enum ph_status st = read_type(pb, what, &type, err);

    if (st) return st;
    if (location == 0) return inline_tensor(mem, pb, from, what, &type, out, err);
    if (location != 1)
        return phi_fail(err, PH_ERR_UNSUPPORTED, what, "%s: data location %ld is not known", what,
                        (long)location);
    if (!from->path)
        return phi_fail(err, PH_ERR_UNSUPPORTED, what,
                        "%s has external data, and the model is not a file", what);
    return external_tensor(mem, pb, what, from->path, &type, out, err);
}

enum ph_status phi_pb_fetch_raw(phi_arena *a, phi_pb_tensor *pb, const phi_pb_origin *from,
                                ph_error *err)
{
    const bool left = raw_is_left(pb, from);

    pb->has_raw_at = pb->has_raw_bytes = false;
    if (!left) return PH_OK;
    pb->has_raw_data = true;
    pb->raw_data.len = (size_t)pb->raw_bytes;
    pb->raw_data.data = NULL;
    if (!phi_file_has(from->file, pb->raw_at, pb->raw_data.len, NULL))
        pb->raw_data.data = phi_arena_calloc(a, pb->raw_data.len, 1);
    if (!pb->raw_data.data) return phi_fail_nomem(err);
    return phi_file_read_at(from->file, pb->raw_at, pb->raw_data.len, pb->raw_data.data, err);
}

void phi_pb_strip_tensor(phi_pb_tensor *pb)
{
    pb->n_dims = 0;
    pb->has_data_type = false;
    pb->has_raw_data = pb->has_raw_at = pb->has_raw_bytes = false;
    pb->n_float_data = pb->n_int32_data = pb->n_int64_data = 0;
    pb->n_double_data = pb->n_uint64_data = pb->n_string_data = 0;
    pb->n_external_data = 0;
    pb->has_data_location = false;
}

enum ph_status phi_pb_from_tensor(phi_arena *a, const ph_tensor *t, phi_pb_tensor *pb,
                                  ph_error *err)
{
    pb->n_dims = (size_t)t->type.rank;
    pb->dims = (int64_t *)t->type.dims; /* packing only reads */
    pb->has_data_type = true;
    pb->data_type = (int32_t)t->type.dtype;
    pb->has_raw_data = true;
    pb->raw_data.len = t->bytes;
    pb->raw_data.data = t->data;
    if (phi_host_is_little_endian()) return PH_OK;
    pb->raw_data.data = phi_arena_calloc(a, t->bytes, 1);
    if (!pb->raw_data.data) return phi_fail_nomem(err);
    memcpy(pb->raw_data.data, t->data, t->bytes);
    swap_to_host(t->type.dtype, pb->raw_data.data, t->bytes);
    return PH_OK;
}

/* --- A tensor in a file of its own ------------------------------------------------------------ */

enum ph_status ph_tensor_read_onnx(const ph_allocator *mem, const char *path, ph_tensor **out,
                                   char *name, size_t name_bytes, ph_error *err)
{
    unsigned char *bytes = NULL;
    size_t n;
    phi_arena a;
    phi_pb_tensor *pb;
    enum ph_status st = phi_file_read_limit(mem, path, PHI_PB_MAX_BYTES, &bytes, &n, err);

    if (st) return st;
    phi_arena_start(&a, mem);
    st = phi_pb_unpack(&a, &phi_onnx__tensor__descriptor, bytes, n, path, &pb, err);
    phi_free(mem, bytes);
    if (!st) st = phi_pb_to_tensor(mem, pb, path, &(phi_pb_origin){.path = path}, out, err);
    if (!st && name && name_bytes > 0) snprintf(name, name_bytes, "%s", pb->name ? pb->name : "");
    phi_arena_end(&a);
    return st;
}
