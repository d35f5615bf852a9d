/* SPDX-License-Identifier: MIT */
/*
 * A PNG whose checksums are wrong is refused before anything else is looked at. This mutator lets
 * libFuzzer change the bytes as it likes and then, most times, puts the checksums right. It also
 * makes a chunk as long as the rest of the file has room for, so that mutations that insert or drop
 * bytes do not lose all that follows.
 */
#include <string.h>

#include <zlib.h>

#include "fuzz.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

enum { SIGNATURE = 8, FRAME = 12 }; /* length, kind and checksum of a chunk */

static void put32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void repair(uint8_t *data, size_t size)
{
    memcpy(data, "\x89PNG\r\n\x1a\n", SIGNATURE);
    for (size_t at = SIGNATURE; size - at >= FRAME;) {
        size_t n = get32(data + at);
        if (n > size - at - FRAME) {
            n = size - at - FRAME;
            put32(data + at, (uint32_t)n);
        }
        put32(data + at + 8 + n, (uint32_t)crc32(0, data + at + 4, (uInt)n + 4));
        at += FRAME + n;
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    size = LLVMFuzzerMutate(data, size, max_size);
    if (size > SIGNATURE + FRAME && seed % 8) repair(data, size);
    return size;
}
