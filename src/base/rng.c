/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "base/rng.h"

/* One round of Philox4x32: two 32x32 -> 64 bit products, crossed over, with the round's key. */
static void round_once(uint32_t c[4], const uint32_t key[2])
{
    const uint64_t a = (uint64_t)0xD2511F53u * c[0], b = (uint64_t)0xCD9E8D57u * c[2];
    const uint32_t next[4] = { (uint32_t)(b >> 32) ^ c[1] ^ key[0], (uint32_t)b,
                               (uint32_t)(a >> 32) ^ c[3] ^ key[1], (uint32_t)a };
    memcpy(c, next, sizeof next);
}

void phi_philox(uint64_t seed, uint64_t stream, uint64_t index, uint32_t out[4])
{
    uint32_t c[4] = { (uint32_t)index, (uint32_t)(index >> 32), (uint32_t)stream,
                      (uint32_t)(stream >> 32) };
    uint32_t key[2] = { (uint32_t)seed, (uint32_t)(seed >> 32) };
    for (int i = 0; i < 10; i++) {
        round_once(c, key);
        key[0] += 0x9E3779B9u; /* Weyl sequence: golden ratio, sqrt(3) - 1 */
        key[1] += 0xBB67AE85u;
    }
    memcpy(out, c, sizeof c);
}

uint64_t phi_stream(const char *name)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (; *name; name++) h = (h ^ (unsigned char)*name) * 0x100000001b3u;
    return h;
}

phi_rng phi_rng_start(uint64_t seed, uint64_t stream)
{
    return (phi_rng){ .seed = seed, .stream = stream, .used = 4 };
}

uint32_t phi_rng_u32(phi_rng *r)
{
    if (r->used == 4) {
        phi_philox(r->seed, r->stream, r->index++, r->word);
        r->used = 0;
    }
    return r->word[r->used++];
}

/* Lemire 2019, "Fast random integer generation in an interval", arXiv:1805.10941. */
uint32_t phi_rng_below(phi_rng *r, uint32_t n)
{
    uint64_t m = (uint64_t)phi_rng_u32(r) * n;
    if ((uint32_t)m < n) {
        const uint32_t reject = -n % n;
        while ((uint32_t)m < reject) m = (uint64_t)phi_rng_u32(r) * n;
    }
    return (uint32_t)(m >> 32);
}

float phi_rng_uniform(phi_rng *r) { return (float)(phi_rng_u32(r) >> 8) * 0x1p-24f; }

/* Box and Muller 1958; in double, so that the result does not depend on float library versions
 * beyond the last bit. */
static float normal_of(uint32_t a, uint32_t b)
{
    const double u = ((double)a + 1.0) * 0x1p-32, angle = 6.283185307179586 * (double)b * 0x1p-32;
    return (float)(sqrt(-2.0 * log(u)) * cos(angle));
}

float phi_rng_normal(phi_rng *r)
{
    const uint32_t a = phi_rng_u32(r), b = phi_rng_u32(r);
    return normal_of(a, b);
}

void phi_rng_fill_normal(uint64_t seed, uint64_t stream, float sigma, float *x, size_t n)
{
    phi_rng r = phi_rng_start(seed, stream);
    for (size_t i = 0; i < n; i++) x[i] = sigma * phi_rng_normal(&r);
}
