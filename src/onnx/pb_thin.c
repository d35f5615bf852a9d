/* SPDX-License-Identifier: MIT */
/*
 * Models are mostly weights. This reads a ModelProto without them: a walk over the wire format
 * (protobuf.dev, "Encoding") follows Model -> Graph -> Tensor, and -> Node -> Attribute -> Tensor,
 * and puts a note in place of large raw_data. All other bytes are copied as they are, to be checked
 * and decoded as usual. The walk goes twice: to count, then to write. Nothing here reports what is
 * wrong with a file; it only gives up.
 */
#include "onnx/onnx_pb.h"

enum {
    LEAVE_BYTES = 4096,   /* raw data from here on stay in the file */
    WINDOW_BYTES = 65536, /* of the file in memory */
    LENGTH_BYTES = 5,     /* of a length that is filled in later: a varint with leading zeros */
    RAW_DATA = 9,         /* onnx.proto, as the numbers below */
    RAW_AT = 536870910,
    RAW_BYTES = 536870911
};

enum level { MODEL, GRAPH, NODE, ATTRIBUTE, TENSOR };

/* The message in field `number` of a message of level `in`. */
static const struct step {
    enum level in;
    uint32_t number;
    enum level to;
} steps[] = {{MODEL, 7, GRAPH},
             {GRAPH, 5, TENSOR},
             {GRAPH, 1, NODE},
             {NODE, 5, ATTRIBUTE},
             {ATTRIBUTE, 5, TENSOR}};

typedef struct thinner {
    const phi_file *f;
    unsigned char *window; /* [WINDOW_BYTES] bytes of the file from window_at on */
    uint64_t window_at;
    size_t window_n;
    unsigned char *out; /* NULL: only count */
    size_t n, room;     /* bytes written, and how many fit */
    bool left; /* something was left in the file */
    enum ph_status st;
    ph_error *err;
} thinner;

/* --- The file -------------------------------------------------------------------------------- */

static bool fill_window(thinner *t, uint64_t at)
{
    const uint64_t rest = t->f->size - at;
    t->window_at = at;
    t->window_n = rest < WINDOW_BYTES ? (size_t)rest : WINDOW_BYTES;
    t->st = phi_file_read_at(t->f, at, t->window_n, t->window, t->err);
    if (t->st) t->window_n = 0;
    return !t->st;
}

static bool get_byte(thinner *t, uint64_t at, unsigned char *byte)
{
    const bool here = at >= t->window_at && at - t->window_at < t->window_n;
    if (!here && !fill_window(t, at)) return false;
    *byte = t->window[at - t->window_at];
    return true;
}

/* The varint at *at, which ends before `end`. */
static bool get_varint(thinner *t, uint64_t *at, uint64_t end, uint64_t *value)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 70 && *at < end; shift += 7) {
        unsigned char byte;
        if (!get_byte(t, (*at)++, &byte)) return false;
        v |= shift < 64 ? (uint64_t)(byte & 0x7f) << shift : 0;
        if (byte & 0x80) continue;
        *value = v;
        return true;
    }
    return false;
}

/* --- The result ------------------------------------------------------------------------------- */

/* Room for `n` more bytes; there is less if the file grew between the two walks. */
static bool has_room(const thinner *t, size_t n)
{
    return n <= t->room - t->n;
}

static bool put_varint(thinner *t, uint64_t v)
{
    do {
        if (!has_room(t, 1)) return false;
        if (t->out) t->out[t->n] = (unsigned char)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
        t->n++;
        v >>= 7;
    } while (v);
    return true;
}

/* A length in LENGTH_BYTES at `at`. */
static void put_length(const thinner *t, size_t at, size_t length)
{
    for (int i = 0; t->out && i < LENGTH_BYTES; i++) {
        const bool last = i == LENGTH_BYTES - 1;
        t->out[at + (size_t)i] = (unsigned char)((length >> (7 * i) & 0x7f) | (last ? 0 : 0x80));
    }
}

/* Bytes `from` .. `to` of the file. */
static bool put_bytes(thinner *t, uint64_t from, uint64_t to)
{
    const size_t n = (size_t)(to - from);
    if (!has_room(t, n)) return false;
    if (t->out) {
        const bool here = from >= t->window_at && to - t->window_at <= t->window_n;
        if (here)
            memcpy(t->out + t->n, t->window + (from - t->window_at), n);
        else
            t->st = phi_file_read_at(t->f, from, n, t->out + t->n, t->err);
    }
    t->n += n;
    return !t->st;
}

/* --- The walk --------------------------------------------------------------------------------- */

/* Where the body of a field of this wire type begins (moves *at) and ends. */
static bool get_extent(thinner *t, unsigned type, uint64_t *at, uint64_t end, uint64_t *to)
{
    uint64_t value, start = *at;
    switch (type) {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
        if (!get_varint(t, &start, end, &value)) return false;
        *to = start;
        return true;
    case PROTOBUF_C_WIRE_TYPE_64BIT:
        value = 8;
        break;
    case PROTOBUF_C_WIRE_TYPE_32BIT:
        value = 4;
        break;
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
        if (!get_varint(t, at, end, &value)) return false;
        break;
    default:
        return false;
    }
    if (value > end - *at) return false;
    *to = *at + value;
    return true;
}

static const struct step *step_for(enum level in, uint64_t number)
{
    for (size_t i = 0; i < PHI_COUNT(steps); i++)
        if (steps[i].in == in && steps[i].number == number) return &steps[i];
    return NULL;
}

static bool leave(thinner *t, uint64_t from, uint64_t to)
{
    t->left = true;
    return put_varint(t, (uint64_t)RAW_AT << 3) && put_varint(t, from) &&
           put_varint(t, (uint64_t)RAW_BYTES << 3) && put_varint(t, to - from);
}

static bool walk(thinner *t, enum level level, uint64_t at, uint64_t end);

/* One field, whose tag is at `at`; *next is the one behind it. */
static bool walk_field(thinner *t, enum level level, uint64_t at, uint64_t end, uint64_t *next)
{
    uint64_t body = at, tag;
    if (!get_varint(t, &body, end, &tag)) return false;
    if (!get_extent(t, tag & 7, &body, end, next)) return false;
    const uint64_t number = tag >> 3;
    if (number == 0) return false; /* zeros, as in a download that was cut */
    const bool has_length = (tag & 7) == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
    const struct step *step = has_length ? step_for(level, number) : NULL;
    if (level == TENSOR && (number == RAW_AT || number == RAW_BYTES)) return false;
    if (level == TENSOR && number == RAW_DATA && has_length && *next - body >= LEAVE_BYTES)
        return leave(t, body, *next);
    if (!step) return put_bytes(t, at, *next);
    if (!put_varint(t, tag) || !has_room(t, LENGTH_BYTES)) return false;
    const size_t length_at = t->n;
    t->n += LENGTH_BYTES;
    if (!walk(t, step->to, body, *next)) return false;
    put_length(t, length_at, t->n - length_at - LENGTH_BYTES);
    return true;
}

static bool walk(thinner *t, enum level level, uint64_t at, uint64_t end)
{
    while (at < end)
        if (!walk_field(t, level, at, end, &at)) return false;
    return true;
}

/* Count (out NULL) or write; false: give up. */
static bool pass(thinner *t, unsigned char *out, size_t room)
{
    t->out = out;
    t->room = room;
    t->n = t->window_n = 0;
    return walk(t, MODEL, 0, t->f->size);
}

enum ph_status phi_pb_read_thin(const ph_allocator *mem, const phi_file *f, unsigned char **bytes,
                                size_t *n, ph_error *err)
{
    thinner t = {.f = f, .window = phi_alloc(mem, WINDOW_BYTES), .err = err};
    unsigned char *out = NULL;
    *bytes = NULL;
    if (!t.window) return phi_fail_nomem(err);
    if (pass(&t, NULL, SIZE_MAX) && t.left) {
        const size_t counted = t.n;
        out = phi_alloc(mem, counted + 1);
        if (!out) t.st = phi_fail_nomem(err);
        if (out && (!pass(&t, out, counted) || t.n != counted)) { /* the file changed */
            phi_free(mem, out);
            out = NULL;
        }
    }
    phi_free(mem, t.window);
    if (t.st) return t.st;
    *bytes = out;
    *n = t.n;
    return PH_OK;
}
