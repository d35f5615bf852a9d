/* SPDX-License-Identifier: MIT */
/*
 * A walk over the wire format (protobuf.dev, "Encoding") that proves a message decodable before
 * protobuf-c sees it, and says where it is not, which protobuf-c does not. It follows protobuf-c's
 * own descriptors, so it knows as much as onnx.proto does.
 */
#include "onnx/onnx_pb.h"

typedef struct scan {
    const unsigned char *start; /* of the outermost message: offsets count from here */
    const char *what;
    ph_error *err;
} scan;

/* One field on the wire. */
typedef struct wire {
    uint32_t number;
    unsigned type;
    const unsigned char *at, *body; /* the tag; what a length-prefixed field holds */
    size_t n;                       /* bytes of the body */
} wire;

static const char *field_text(const ProtobufCMessageDescriptor *type,
                              const ProtobufCFieldDescriptor *field, uint32_t number, char *buf,
                              size_t n)
{
    if (field)
        snprintf(buf, n, "%s.%s", type->short_name, field->name);
    else
        snprintf(buf, n, "field %lu of %s", (unsigned long)number, type->short_name);
    return buf;
}

static enum ph_status bad(const scan *s, const unsigned char *at, const char *text)
{
    return phi_fail(s->err, PH_ERR_FORMAT, s->what, "%s: malformed at byte %zu: %s", s->what,
                    (size_t)(at - s->start), text);
}

/* Bytes of the varint at `p`, or 0 if it does not end before `end` or within 10 bytes. */
static size_t varint(const unsigned char *p, const unsigned char *end, uint64_t *value)
{
    uint64_t v = 0;

    for (size_t i = 0; i < 10 && p + i < end; i++) {
        v |= (uint64_t)(p[i] & 0x7f) << (7 * i);
        if (!(p[i] & 0x80)) {
            *value = v;
            return i + 1;
        }
    }
    return 0;
}

/* Tag and extent of the field at `p`; *next is the byte behind it. */
static enum ph_status read_wire(const scan *s, const ProtobufCMessageDescriptor *type,
                                const unsigned char *p, const unsigned char *end, wire *w,
                                const unsigned char **next)
{
    char text[160], name[80];
    uint64_t tag, length = 0;
    size_t k = varint(p, end, &tag);

    if (!k) return bad(s, p, "a field's number does not end");
    if (tag >> 3 == 0 || tag >> 3 > 0x1fffffff) return bad(s, p, "no such field number");
    *w = (wire){.number = (uint32_t)(tag >> 3), .type = tag & 7, .at = p};
    p += k;
    field_text(type, protobuf_c_message_descriptor_get_field(type, w->number), w->number, name,
               sizeof name);
    switch (w->type) {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
        length = varint(p, end, &tag);
        if (!length) return bad(s, p, "a number does not end");
        break;
    case PROTOBUF_C_WIRE_TYPE_64BIT:
        length = 8;
        break;
    case PROTOBUF_C_WIRE_TYPE_32BIT:
        length = 4;
        break;
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
        k = varint(p, end, &length);
        if (!k) return bad(s, p, "a length does not end");
        p += k;
        break;
    default:
        return bad(s, w->at, "no such wire type");
    }
    if (length > (uint64_t)(end - p)) {
        snprintf(text, sizeof text, "%s needs %llu bytes, only %zu are left", name,
                 (unsigned long long)length, (size_t)(end - p));
        return bad(s, w->at, text);
    }
    w->body = p;
    w->n = (size_t)length;
    *next = p + length;
    return PH_OK;
}

static unsigned wire_type_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
        return PROTOBUF_C_WIRE_TYPE_32BIT;
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return PROTOBUF_C_WIRE_TYPE_64BIT;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
    default:
        return PROTOBUF_C_WIRE_TYPE_VARINT;
    }
}

/* The body of a packed list of numbers. */
static bool packed_is_whole(const wire *w, unsigned element)
{
    uint64_t value;

    if (element == PROTOBUF_C_WIRE_TYPE_32BIT) return w->n % 4 == 0;
    if (element == PROTOBUF_C_WIRE_TYPE_64BIT) return w->n % 8 == 0;
    for (const unsigned char *p = w->body, *end = p + w->n; p < end;) {
        size_t k = varint(p, end, &value);
        if (!k) return false;
        p += k;
    }
    return true;
}

/* A field that onnx.proto knows. `seen`: bits of the single submessages met so far. */
static enum ph_status check_known(const scan *s, const ProtobufCMessageDescriptor *type,
                                  const ProtobufCFieldDescriptor *field, const wire *w,
                                  uint64_t *seen)
{
    const unsigned wanted = wire_type_of(field->type);
    const bool repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
    char text[160], name[80];

    field_text(type, field, w->number, name, sizeof name);
    if (w->type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED && repeated && wanted != w->type) {
        if (packed_is_whole(w, wanted)) return PH_OK;
        snprintf(text, sizeof text, "the numbers in %s do not fill it", name);
        return bad(s, w->at, text);
    }
    if (w->type != wanted) {
        snprintf(text, sizeof text, "%s has wire type %u, not %u", name, w->type, wanted);
        return bad(s, w->at, text);
    }
    if (field->type == PROTOBUF_C_TYPE_STRING && memchr(w->body, 0, w->n)) {
        snprintf(text, sizeof text, "%s has a zero byte in it", name);
        return bad(s, w->at, text);
    }
    if (field->type == PROTOBUF_C_TYPE_MESSAGE && !repeated) {
        const uint64_t bit = UINT64_C(1) << (field - type->fields);
        if (*seen & bit) {
            snprintf(text, sizeof text, "there is a second %s", name);
            return bad(s, w->at, text);
        }
        *seen |= bit;
    }
    return PH_OK;
}

/* Recurses into known submessages only, so no deeper than onnx.proto is. */
static enum ph_status scan_message(const scan *s, const ProtobufCMessageDescriptor *type,
                                   const unsigned char *p, const unsigned char *end)
{
    uint64_t seen = 0;
    enum ph_status st = PH_OK;

    assert(type->n_fields <= 64);
    while (!st && p < end) {
        const ProtobufCFieldDescriptor *field;
        wire w = {0};

        st = read_wire(s, type, p, end, &w, &p);
        if (st) return st;
        field = protobuf_c_message_descriptor_get_field(type, w.number);
        if (!field) continue;
        st = check_known(s, type, field, &w, &seen);
        if (!st && field->type == PROTOBUF_C_TYPE_MESSAGE)
            st = scan_message(s, field->descriptor, w.body, w.body + w.n);
    }
    return st;
}

enum ph_status phi_pb_scan(const ProtobufCMessageDescriptor *type, const unsigned char *bytes,
                           size_t n, const char *what, ph_error *err)
{
    const scan s = {.start = bytes, .what = what, .err = err};

    if (n > PHI_PB_MAX_BYTES)
        return phi_fail(err, PH_ERR_UNSUPPORTED, what,
                        "%s has %zu bytes; a protobuf message has at most %zu", what, n,
                        PHI_PB_MAX_BYTES);
    return scan_message(&s, type, bytes, bytes + n);
}
