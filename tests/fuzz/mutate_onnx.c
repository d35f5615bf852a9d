/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer's mutations spoil the lengths that protobuf is made of, and the reader then stops at
 * once. This mutator walks down to one field of one message, changes only that, and puts the
 * lengths above it right.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

/* A target may have a good input of its own to begin with: its size, 0 if it does not fit. */
size_t fuzz_begin(uint8_t *data, size_t max_size) __attribute__((weak));

#define DEPTH_MAX 12

typedef struct field {
    size_t begin, body, end; /* offsets: the tag, what a length stands before, the next field */
    unsigned wire;
} field;

static unsigned draw(unsigned *seed, unsigned n)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % n;
}

/* Bytes of the varint at `p`, 0 if there is none. */
static size_t varint(const uint8_t *p, size_t n, uint64_t *v)
{
    *v = 0;
    for (size_t i = 0; i < n && i < 10; i++) {
        *v |= (uint64_t)(p[i] & 0x7f) << 7 * i;
        if (!(p[i] & 0x80)) return i + 1;
    }
    return 0;
}

static size_t put_varint(uint8_t *p, uint64_t v)
{
    size_t n = 0;

    do
        p[n++] = (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
    while (v >>= 7);
    return n;
}

/* The field at `at`; 0 if there is none. */
static int next_field(const uint8_t *p, size_t n, size_t at, field *f)
{
    uint64_t v, length = 0;
    size_t k = varint(p + at, n - at, &v);

    f->begin = at;
    f->wire = v & 7;
    if (!k || v >> 3 == 0) return 0;
    at += k;
    if (f->wire == 0) length = varint(p + at, n - at, &v);
    if (f->wire == 1) length = 8;
    if (f->wire == 5) length = 4;
    if (f->wire == 2) {
        k = varint(p + at, n - at, &length);
        if (!k) return 0;
        at += k;
    }
    if ((f->wire != 2 && length == 0) || length > n - at) return 0;
    f->body = at;
    f->end = at + (size_t)length;
    return 1;
}

/* Fields of a message, or 0 if the bytes are none. */
static size_t count_fields(const uint8_t *p, size_t n)
{
    size_t count = 0;
    field f;

    for (size_t at = 0; at < n; at = f.end, count++)
        if (!next_field(p, n, at, &f)) return 0;
    return count;
}

static size_t mutate(const uint8_t *in, size_t n, uint8_t *out, size_t max, unsigned *seed,
                     int depth);

/* Everything but the field stays; the field's body becomes something else. */
static size_t mutate_field(const uint8_t *in, size_t n, const field *f, uint8_t *out, size_t max,
                           unsigned *seed, int depth)
{
    const size_t rest = n - f->end, n_body = f->end - f->body;
    uint8_t *body;
    size_t m, at, k;
    uint64_t tag;

    if (max < n + 32) return 0;
    body = malloc(max);
    if (!body) return 0;
    if (f->wire == 2 && depth < DEPTH_MAX && count_fields(in + f->body, n_body) && draw(seed, 8)) {
        m = mutate(in + f->body, n_body, body, max - (n - n_body) - 16, seed, depth + 1);
    } else {
        memcpy(body, in + f->body, n_body);
        m = f->wire == 2 ? LLVMFuzzerMutate(body, n_body, max - (n - n_body) - 16)
                         : LLVMFuzzerMutate(body, n_body, n_body);
    }
    k = varint(in + f->begin, n - f->begin, &tag);
    memcpy(out, in, f->begin + k);
    at = f->begin + k;
    if (f->wire == 2) at += put_varint(out + at, m);
    memcpy(out + at, body, m);
    memcpy(out + at + m, in + f->end, rest);
    free(body);
    return at + m + rest;
}

/* Mutate, drop, or repeat one field of a message. */
static size_t mutate(const uint8_t *in, size_t n, uint8_t *out, size_t max, unsigned *seed,
                     int depth)
{
    const size_t count = count_fields(in, n);
    size_t chosen, length;
    field f = {0};

    if (count == 0) {
        memcpy(out, in, n);
        return LLVMFuzzerMutate(out, n, max);
    }
    chosen = draw(seed, (unsigned)count);
    for (size_t i = 0, at = 0; i <= chosen; i++, at = f.end)
        (void)next_field(in, n, at, &f);
    length = f.end - f.begin;
    switch (draw(seed, 10)) {
    case 0:
        memcpy(out, in, f.begin);
        memcpy(out + f.begin, in + f.end, n - f.end);
        return n - length;
    case 1:
        if (n + length > max) break;
        memcpy(out, in, f.end);
        memcpy(out + f.end, in + f.begin, n - f.begin);
        return n + length;
    default:
        break;
    }
    length = mutate_field(in, n, &f, out, max, seed, depth);
    if (length) return length;
    memcpy(out, in, n);
    return n;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    uint8_t *out;
    size_t n;

    if (fuzz_begin && size < 64 && draw(&seed, 8) == 0) return fuzz_begin(data, max_size);
    if (size >= 5 && memcmp(data, "patch", 5) == 0) return LLVMFuzzerMutate(data, size, max_size);
    if (draw(&seed, 20) == 0) return LLVMFuzzerMutate(data, size, max_size);
    out = malloc(max_size + 32);
    if (!out) return size;
    n = mutate(data, size, out, max_size, &seed, 0);
    if (n > max_size) n = max_size;
    memcpy(data, out, n);
    free(out);
    return n;
}
