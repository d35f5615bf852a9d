/* SPDX-License-Identifier: MIT */
/*
 * NumPy's .npy (NumPy manual, "numpy.lib.format"; NEP 1): a magic string, a version, the length of
 * a header, a header that is a Python dict in text, the elements.
 */
#include "graph/loop.h"
#include "base/file.h"
#include "graph/tensor.h"

#define MAGIC "\x93NUMPY"
#define MAGIC_BYTES 6
#define HEADER_ALIGN 64 /* NumPy begins the elements at a multiple of this */

typedef struct npy_type {
    char kind;
    unsigned size; /* bytes of an element */
    enum ph_dtype dtype;
} npy_type;

static const npy_type types[] = {
    {'b', 1, PH_BOOL},      {'i', 1, PH_INT8},        {'i', 2, PH_INT16},   {'i', 4, PH_INT32},
    {'i', 8, PH_INT64},     {'u', 1, PH_UINT8},       {'u', 2, PH_UINT16},  {'u', 4, PH_UINT32},
    {'u', 8, PH_UINT64},    {'f', 2, PH_FLOAT16},     {'f', 4, PH_FLOAT32}, {'f', 8, PH_FLOAT64},
    {'c', 8, PH_COMPLEX64}, {'c', 16, PH_COMPLEX128},
};

/* What a header says, and where the reading of it stands. */
typedef struct header {
    const char *start, *p, *end;
    const char *path;
    ph_error *err;
    phi_type type;
    bool big_endian, fortran;
    bool has_descr, has_order, has_shape;
} header;

/* --- The header's text ------------------------------------------------------------------------ */

static enum ph_status bad(const header *h, const char *wanted)
{
    return phi_fail(h->err, PH_ERR_FORMAT, h->path, "'%s': byte %zu of the header: %s is wanted",
                    h->path, (size_t)(h->p - h->start), wanted);
}

static void skip_space(header *h)
{
    while (h->p < h->end && (*h->p == ' ' || *h->p == '\t' || *h->p == '\n' || *h->p == '\r'))
        h->p++;
}

/* Step over `c` if it comes next. */
static bool accept(header *h, char c)
{
    skip_space(h);
    if (h->p >= h->end || *h->p != c) return false;
    h->p++;
    return true;
}

static bool accept_word(header *h, const char *word)
{
    const size_t n = strlen(word);

    skip_space(h);
    if ((size_t)(h->end - h->p) < n || memcmp(h->p, word, n) != 0) return false;
    h->p += n;
    return true;
}

/* A quoted string without escapes, as a range. */
static enum ph_status read_string(header *h, const char **s, size_t *n)
{
    const char *close;

    skip_space(h);
    if (h->p >= h->end || (*h->p != '\'' && *h->p != '"')) return bad(h, "a quoted string");
    close = memchr(h->p + 1, *h->p, (size_t)(h->end - h->p) - 1);
    if (!close) return bad(h, "a string that ends");
    *s = h->p + 1;
    *n = (size_t)(close - *s);
    h->p = close + 1;
    return PH_OK;
}

/* A dimension; Python 2 put an L behind long ones. */
static enum ph_status read_dim(header *h, int64_t *out)
{
    const char *begin;
    int64_t v = 0;

    skip_space(h);
    begin = h->p;
    for (; h->p < h->end && *h->p >= '0' && *h->p <= '9'; h->p++)
        if (!phi_mul_i64(v, 10, &v) || !phi_add_i64(v, *h->p - '0', &v))
            return phi_fail(h->err, PH_ERR_OVERFLOW, h->path,
                            "'%s': dimension %d of the array is too large", h->path, h->type.rank);
    if (h->p == begin) return bad(h, "a dimension");
    (void)accept(h, 'L');
    *out = v;
    return PH_OK;
}

static enum ph_status read_shape(header *h)
{
    if (!accept(h, '(')) return bad(h, "'('");
    while (!accept(h, ')')) {
        int64_t dim = 0;
        enum ph_status st = read_dim(h, &dim);
        if (st) return st;
        if (h->type.rank == PH_MAX_RANK)
            return phi_fail(h->err, PH_ERR_UNSUPPORTED, h->path,
                            "'%s': more than %d dimensions are not supported", h->path,
                            PH_MAX_RANK);
        h->type.dims[h->type.rank++] = dim;
        if (accept(h, ',')) continue;
        if (h->type.rank == 1 || !accept(h, ')')) return bad(h, "','"); /* (3) is no tuple */
        return PH_OK;
    }
    return PH_OK;
}

static enum ph_status unsupported_type(const header *h, const char *s, size_t n)
{
    return phi_fail(h->err, PH_ERR_UNSUPPORTED, h->path,
                    "'%s': arrays of type '%.*s' are not supported", h->path,
                    (int)(n < 64 ? n : 64), s);
}

/* "<f4": byte order, kind, bytes. Structured types are lists. */
static enum ph_status read_descr(header *h)
{
    const char *s;
    size_t n, size = 0;
    enum ph_status st;

    skip_space(h);
    if (h->p < h->end && *h->p == '[')
        return phi_fail(h->err, PH_ERR_UNSUPPORTED, h->path,
                        "'%s': structured arrays are not supported", h->path);
    st = read_string(h, &s, &n);
    if (st) return st;
    if (n < 2 || n > 5) return unsupported_type(h, s, n);
    for (size_t i = 2; i < n; i++) {
        if (s[i] < '0' || s[i] > '9') return unsupported_type(h, s, n);
        size = size * 10 + (size_t)(s[i] - '0');
    }
    for (size_t i = 0; i < PHI_COUNT(types); i++)
        if (types[i].kind == s[1] && types[i].size == size) h->type.dtype = types[i].dtype;
    if (h->type.dtype == PH_UNDEFINED) return unsupported_type(h, s, n);
    if (!memchr("<>=|", s[0], 4) || (s[0] == '|' && size > 1)) return unsupported_type(h, s, n);
    h->big_endian = s[0] == '>' || (s[0] == '=' && !phi_host_is_little_endian());
    return PH_OK;
}

static enum ph_status read_order(header *h)
{
    h->fortran = accept_word(h, "True");
    if (!h->fortran && !accept_word(h, "False")) return bad(h, "True or False");
    return PH_OK;
}

static bool is_key(const char *s, size_t n, const char *key)
{
    return n == strlen(key) && memcmp(s, key, n) == 0;
}

/* One entry of the dict. */
static enum ph_status read_entry(header *h)
{
    const char *key;
    size_t n;
    bool *seen;
    enum ph_status (*read)(header *);
    enum ph_status st = read_string(h, &key, &n);

    if (st) return st;
    if (is_key(key, n, "descr")) {
        seen = &h->has_descr;
        read = read_descr;
    } else if (is_key(key, n, "fortran_order")) {
        seen = &h->has_order;
        read = read_order;
    } else if (is_key(key, n, "shape")) {
        seen = &h->has_shape;
        read = read_shape;
    } else {
        return bad(h, "'descr', 'fortran_order' or 'shape'");
    }
    if (*seen) return bad(h, "each key once only");
    *seen = true;
    if (!accept(h, ':')) return bad(h, "':'");
    return read(h);
}

static enum ph_status parse_header(header *h)
{
    if (!accept(h, '{')) return bad(h, "'{'");
    while (!accept(h, '}')) {
        enum ph_status st = read_entry(h);
        if (st) return st;
        if (accept(h, ',')) continue;
        if (!accept(h, '}')) return bad(h, "',' or '}'");
        break;
    }
    skip_space(h);
    if (h->p != h->end) return bad(h, "the end");
    if (!h->has_descr || !h->has_order || !h->has_shape)
        return bad(h, "each of 'descr', 'fortran_order' and 'shape'");
    return phi_type_check(&h->type, h->path, h->err);
}

/* --- Reading -------------------------------------------------------------------------------- */

/* Find the header's text in the file; *data is where the elements begin. */
static enum ph_status find_header(const unsigned char *bytes, size_t n, header *h,
                                  const unsigned char **data)
{
    size_t prefix, length;

    if (n < MAGIC_BYTES + 4 || memcmp(bytes, MAGIC, MAGIC_BYTES) != 0)
        return phi_fail(h->err, PH_ERR_FORMAT, h->path, "'%s' is not a .npy file", h->path);
    if (bytes[6] < 1 || bytes[6] > 3 || bytes[7] != 0)
        return phi_fail(h->err, PH_ERR_UNSUPPORTED, h->path,
                        "'%s': version %d.%d of the .npy format is not supported", h->path,
                        bytes[6], bytes[7]);
    prefix = bytes[6] == 1 ? MAGIC_BYTES + 4 : MAGIC_BYTES + 6;
    if (n < prefix)
        return phi_fail(h->err, PH_ERR_FORMAT, h->path, "'%s' ends within its header", h->path);
    length = bytes[8] | (size_t)bytes[9] << 8;
    if (bytes[6] > 1) length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    if (length > n - prefix)
        return phi_fail(h->err, PH_ERR_FORMAT, h->path,
                        "'%s': the header needs %zu bytes, the file has %zu", h->path, length,
                        n - prefix);
    h->start = h->p = (const char *)bytes + prefix;
    h->end = h->start + length;
    *data = bytes + prefix + length;
    return PH_OK;
}

/* Elements with the first dimension fastest, seen as the array they are. */
static phi_view fortran_view(const phi_type *type, void *data)
{
    phi_view v = {.type = *type, .data = data};
    int64_t stride = 1;

    for (int i = 0; i < type->rank; i++) {
        v.strides[i] = stride;
        stride *= type->dims[i] ? type->dims[i] : 1;
    }
    return v;
}

static void to_host(const header *h, void *data, size_t bytes)
{
    const bool complex = h->type.dtype == PH_COMPLEX64 || h->type.dtype == PH_COMPLEX128;
    const size_t size = ph_dtype_size(h->type.dtype) / (complex ? 2 : 1);

    if (h->big_endian == phi_host_is_little_endian()) phi_swap_bytes(data, bytes / size, size);
    for (size_t i = 0; h->type.dtype == PH_BOOL && i < bytes; i++)
        ((unsigned char *)data)[i] = ((unsigned char *)data)[i] != 0;
}

/* `bytes` is the whole file; its elements are turned to the host's byte order in place. */
static enum ph_status parse_npy(const ph_allocator *mem, unsigned char *bytes, size_t n, header *h,
                                ph_tensor **out)
{
    const unsigned char *at = bytes;
    unsigned char *data;
    char text[PHI_TYPE_TEXT];
    size_t have;
    enum ph_status st = find_header(bytes, n, h, &at);

    if (!st) st = parse_header(h);
    if (st) return st;
    data = bytes + (at - bytes);
    have = n - (size_t)(at - bytes);
    if (have != phi_type_bytes(&h->type))
        return phi_fail(h->err, PH_ERR_FORMAT, h->path,
                        "'%s': %s needs %zu bytes, the file has %zu", h->path,
                        phi_type_text(&h->type, text, sizeof text), phi_type_bytes(&h->type), have);
    st = phi_tensor_new(mem, &h->type, out, h->err);
    if (st || have == 0) return st;
    if (h->fortran) {
        const phi_view to = phi_view_of(*out), from = fortran_view(&h->type, data);
        phi_copy(NULL, &to, &from);
    } else {
        memcpy((*out)->data, data, have);
    }
    to_host(h, (*out)->data, have);
    return PH_OK;
}

enum ph_status ph_tensor_read_npy(const ph_allocator *mem, const char *path, ph_tensor **out,
                                  ph_error *err)
{
    header h = {.path = path, .err = err};
    unsigned char *bytes;
    size_t n;
    enum ph_status st = phi_file_read(mem, path, &bytes, &n, err);

    if (st) return st;
    st = parse_npy(mem, bytes, n, &h, out);
    phi_free(mem, bytes);
    return st;
}

/* --- Writing -------------------------------------------------------------------------------- */

/* The dict, as NumPy itself would write it. 20 digits a dimension fit easily. */
static size_t format_header(const ph_tensor *t, const npy_type *type, char *buf, size_t n)
{
    int at = snprintf(buf, n, "{'descr': '%c%c%u', 'fortran_order': False, 'shape': (",
                      type->size == 1 ? '|' : '<', type->kind, type->size);

    for (int i = 0; i < t->type.rank; i++)
        at +=
            snprintf(buf + at, n - (size_t)at, "%s%lld", i ? ", " : "", (long long)t->type.dims[i]);
    at += snprintf(buf + at, n - (size_t)at, "%s), }", t->type.rank == 1 ? "," : "");
    return (size_t)at;
}

static void fill_file(const ph_tensor *t, const char *text, size_t length, size_t padded,
                      unsigned char *bytes)
{
    const bool complex = t->type.dtype == PH_COMPLEX64 || t->type.dtype == PH_COMPLEX128;
    const size_t size = ph_dtype_size(t->type.dtype) / (complex ? 2 : 1);
    const size_t prefix = MAGIC_BYTES + 4;

    memcpy(bytes, MAGIC "\x01\x00", MAGIC_BYTES + 2);
    bytes[8] = (unsigned char)(padded & 0xff);
    bytes[9] = (unsigned char)(padded >> 8);
    memset(bytes + prefix, ' ', padded);
    memcpy(bytes + prefix, text, length);
    bytes[prefix + padded - 1] = '\n';
    if (t->bytes) memcpy(bytes + prefix + padded, t->data, t->bytes);
    if (!phi_host_is_little_endian())
        phi_swap_bytes(bytes + prefix + padded, t->bytes / size, size);
}

enum ph_status ph_tensor_write_npy(const ph_tensor *t, const char *path, ph_error *err)
{
    const npy_type *type = NULL;
    const size_t prefix = MAGIC_BYTES + 4;
    char text[128 + 24 * PH_MAX_RANK];
    size_t length, padded, total;
    unsigned char *bytes;
    enum ph_status st;

    for (size_t i = 0; i < PHI_COUNT(types); i++)
        if (types[i].dtype == t->type.dtype) type = &types[i];
    if (!type)
        return phi_fail(err, PH_ERR_UNSUPPORTED, path,
                        "cannot write '%s': .npy files have no type for %s", path,
                        ph_dtype_name(t->type.dtype));
    length = format_header(t, type, text, sizeof text);
    padded = (prefix + length + 1 + HEADER_ALIGN - 1) / HEADER_ALIGN * HEADER_ALIGN - prefix;
    if (!phi_add_size(prefix + padded, t->bytes, &total))
        return phi_fail(err, PH_ERR_OVERFLOW, path, "cannot write '%s': too large", path);
    bytes = phi_alloc(&t->mem, total);
    if (!bytes) return phi_fail_nomem(err);
    fill_file(t, text, length, padded, bytes);
    st = phi_file_write(&t->mem, path, bytes, total, err);
    phi_free(&t->mem, bytes);
    return st;
}
