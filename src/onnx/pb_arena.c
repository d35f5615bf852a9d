/* SPDX-License-Identifier: MIT */
#include "onnx/onnx_pb.h"

#define CHUNK_BYTES ((size_t)64 * 1024)
#define ALIGN 16 /* enough for every type in a decoded message */

struct phi_chunk {
    struct phi_chunk *older;
    size_t unused; /* keeps what follows aligned */
};

static size_t header_bytes(void)
{
    return (sizeof(struct phi_chunk) + ALIGN - 1) / ALIGN * ALIGN;
}

/* A new chunk of at least `bytes` after its header. Large objects get one that they fill. */
static bool add_chunk(phi_arena *a, size_t bytes)
{
    size_t size;
    struct phi_chunk *c;

    if (!phi_add_size(bytes, header_bytes(), &size)) return false;
    if (size < CHUNK_BYTES) size = CHUNK_BYTES;
    c = phi_alloc(&a->mem, size);
    if (!c) return false;
    c->older = a->chunk;
    a->chunk = c;
    a->used = header_bytes();
    a->size = size;
    return true;
}

static void *arena_alloc(void *user, size_t bytes)
{
    phi_arena *a = user;
    size_t rounded;
    void *p;

    if (!phi_add_size(bytes ? bytes : 1, ALIGN - 1, &rounded)) {
        a->failed = true;
        return NULL;
    }
    rounded &= ~(size_t)(ALIGN - 1);
    if (a->size - a->used < rounded && !add_chunk(a, rounded)) {
        a->failed = true;
        return NULL;
    }
    p = (unsigned char *)a->chunk + a->used;
    a->used += rounded;
    return p;
}

static void arena_free(void *user, void *ptr)
{
    (void)user;
    (void)ptr;
}

void phi_arena_start(phi_arena *a, const ph_allocator *mem)
{
    *a = (phi_arena){.mem = phi_allocator(mem)};
    a->pb = (ProtobufCAllocator){.alloc = arena_alloc, .free = arena_free, .allocator_data = a};
}

void phi_arena_end(phi_arena *a)
{
    while (a->chunk) {
        struct phi_chunk *older = a->chunk->older;
        phi_free(&a->mem, a->chunk);
        a->chunk = older;
    }
    a->used = a->size = 0;
}

void *phi_arena_calloc(phi_arena *a, size_t count, size_t size)
{
    size_t bytes;
    void *p;

    if (!phi_mul_size(count, size, &bytes)) return NULL;
    p = arena_alloc(a, bytes);
    if (p) memset(p, 0, bytes);
    return p;
}

/* --- Messages ------------------------------------------------------------------------------- */

/* protobuf-c reports nothing but failure, which after the scan means: no memory. */
static enum ph_status unpack_scanned(phi_arena *a, const ProtobufCMessageDescriptor *type,
                                     const unsigned char *bytes, size_t n, const char *what,
                                     void *out, ph_error *err)
{
    ProtobufCMessage *m = protobuf_c_message_unpack(type, &a->pb, n, bytes);

    if (!m && a->failed) return phi_fail_nomem(err);
    if (!m)
        return phi_fail(err, PH_ERR_FORMAT, what, "%s: not a well-formed %s message", what,
                        type->short_name);
    memcpy(out, &m, sizeof m);
    return PH_OK;
}

enum ph_status phi_pb_unpack(phi_arena *a, const ProtobufCMessageDescriptor *type,
                             const unsigned char *bytes, size_t n, const char *what, void *out,
                             ph_error *err)
{
    enum ph_status st = phi_pb_scan(type, bytes, n, what, err);

    return st ? st : unpack_scanned(a, type, bytes, n, what, out, err);
}

enum ph_status phi_pb_keep(const ph_graph *g, const void *message, phi_blob *blob, ph_error *err)
{
    size_t n = protobuf_c_message_get_packed_size(message);
    unsigned char *bytes;

    if (n == 0) return PH_OK;
    bytes = phi_alloc(&g->mem, n);
    if (!bytes) return phi_fail_nomem(err);
    phi_free(&g->mem, blob->bytes);
    *blob = (phi_blob){bytes, protobuf_c_message_pack(message, bytes)};
    return PH_OK;
}

enum ph_status phi_pb_recall(phi_arena *a, const ProtobufCMessageDescriptor *type,
                             const phi_blob *blob, void *out, ph_error *err)
{
    /* An empty blob decodes to a new message. protobuf-c wants a pointer even then. */
    static const unsigned char nothing;

    return phi_pb_unpack(a, type, blob->bytes ? blob->bytes : &nothing, blob->n,
                         "fields carried along", out, err);
}
