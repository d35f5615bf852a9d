/* SPDX-License-Identifier: MIT */
/*
 * The hash is SipHash-1-3 (Aumasson and Bernstein 2012, "SipHash: a fast short-input PRF") under a
 * key that is drawn for each index: names come out of files, and whoever knows the hash can make
 * names that all meet in one slot. Nothing but time depends on the key.
 */
#include "base/names.h"

#include <sys/random.h>

#include "base/clock.h"

static uint64_t turn(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static void round_once(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = turn(v[1], 13) ^ v[0];
    v[0] = turn(v[0], 32);
    v[2] += v[3];
    v[3] = turn(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = turn(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = turn(v[1], 17) ^ v[2];
    v[2] = turn(v[2], 32);
}

static uint64_t sip_hash(const uint64_t key[2], const char *text)
{
    const size_t n = strlen(text);
    uint64_t v[4] = {key[0] ^ UINT64_C(0x736f6d6570736575), key[1] ^ UINT64_C(0x646f72616e646f6d),
                     key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573)};
    for (size_t i = 0; i <= n; i += 8) {
        uint64_t word = 0;
        const size_t left = n - i;
        memcpy(&word, text + i,
               left < 8 ? left : 8); /* the host's byte order: no two hosts compare */
        if (left < 8) word |= (uint64_t)n << 56;
        v[3] ^= word;
        round_once(v);
        v[0] ^= word;
    }
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        round_once(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static void draw_key(phi_names *names)
{
    if (getrandom(names->key, sizeof names->key, GRND_NONBLOCK) == (ssize_t)sizeof names->key)
        return;
    names->key[0] =
        (uint64_t)(uintptr_t)names; /* an early boot, an old kernel: better than nothing */
    names->key[1] = (uint64_t)(uintptr_t)&names ^ (uint64_t)(phi_clock() * 1e9);
}

static size_t home(const phi_names *names, const char *name)
{
    return (size_t)sip_hash(names->key, name) & (names->n_slots - 1);
}

size_t phi_names_find(const phi_names *names, phi_name_at *at, const void *owner, const char *name)
{
    if (!names->n_slots) return SIZE_MAX;
    for (size_t s = home(names, name); names->slot[s]; s = (s + 1) & (names->n_slots - 1))
        if (strcmp(at(owner, names->slot[s] - 1), name) == 0) return names->slot[s] - 1;
    return SIZE_MAX;
}

static void put(phi_names *names, const char *name, uint32_t entry)
{
    size_t s = home(names, name);
    while (names->slot[s])
        s = (s + 1) & (names->n_slots - 1);
    names->slot[s] = entry;
}

bool phi_names_add(const ph_allocator *mem, phi_names *names, phi_name_at *at, const void *owner,
                   size_t i)
{
    if (2 * (names->n_used + 1) > names->n_slots) {
        phi_names grown = *names;
        grown.n_slots = names->n_slots ? 2 * names->n_slots : 64;
        grown.slot = phi_calloc(mem, grown.n_slots, sizeof *grown.slot);
        if (!grown.slot) return false;
        if (!names->n_slots) draw_key(&grown);
        for (size_t s = 0; s < names->n_slots; s++)
            if (names->slot[s]) put(&grown, at(owner, names->slot[s] - 1), names->slot[s]);
        phi_free(mem, names->slot);
        *names = grown;
    }
    put(names, at(owner, i), (uint32_t)i + 1);
    names->n_used++;
    return true;
}

void phi_names_free(const ph_allocator *mem, phi_names *names)
{
    phi_free(mem, names->slot);
    *names = (phi_names){0};
}
