/* SPDX-License-Identifier: MIT */
#include "kernel_check.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#define FENCE 16           /* floats */
#define POISON 0x7fa5a5a5u /* a signalling NaN: arithmetic on it shows */

void poison(float *x, size_t n)
{
    const uint32_t word = POISON;
    for (size_t i = 0; i < n; i++)
        memcpy(&x[i], &word, sizeof word);
}

bool is_poison(const float *x)
{
    uint32_t word;
    memcpy(&word, x, sizeof word);
    return word == POISON;
}

/* Rooms between two pages that nobody may touch, used again and again. */
enum { ROOM_BYTES = 1 << 20, N_ROOMS = 8 };
static struct room {
    unsigned char *start;
    bool taken;
} rooms[N_ROOMS];

static unsigned char *room_new(void)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *p = mmap(NULL, ROOM_BYTES + 2 * page, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(p != MAP_FAILED);
    assert_int_equal(mprotect(p, page, PROT_NONE), 0);
    assert_int_equal(mprotect(p + page + ROOM_BYTES, page, PROT_NONE), 0);
    return p + page;
}

/* The first or the last n floats of a room. */
static float *guarded_new(size_t n, bool first)
{
    size_t i = 0;
    while (i < N_ROOMS && rooms[i].taken)
        i++;
    if (i == N_ROOMS || n > ROOM_BYTES / sizeof(float)) fail_msg("no room for %zu floats", n);
    if (!rooms[i].start) rooms[i].start = room_new();
    rooms[i].taken = true;
    return (float *)(void *)(rooms[i].start + (first ? 0 : ROOM_BYTES - n * sizeof(float)));
}

void guarded_free(const float *x)
{
    const unsigned char *p = (const void *)x;
    for (size_t i = 0; i < N_ROOMS; i++)
        if (rooms[i].start && p >= rooms[i].start && p <= rooms[i].start + ROOM_BYTES)
            rooms[i].taken = false;
}

/* Which guard page comes next, such that each operand of each test meets both: 7 has no divisor in
 * common with the number of a test's operands. */
static bool next_is_first(void)
{
    static unsigned turn;
    return turn++ % 7 < 3;
}

fenced fenced_new(size_t n)
{
    const bool first = next_is_first();
    float *all = guarded_new(n + FENCE, first);
    poison(all, n + FENCE);
    return (fenced){first ? all : all + FENCE, n, first};
}

void fenced_free(fenced *f)
{
    for (size_t i = 0; i < FENCE; i++)
        assert_true(is_poison(f->first ? f->x + f->n + i : f->x - 1 - i));
    guarded_free(f->x);
}

float *input_new(size_t n)
{
    float *x = guarded_new(n, next_is_first());
    poison(x, n);
    return x;
}

float draw(phi_rng *r, enum fill fill)
{
    if (fill == INTEGERS) return (float)phi_rng_below(r, 15) - 7;
    return phi_rng_normal(r);
}

const size_t channel_counts[N_CHANNEL_COUNTS] = {1,  2,  7,  8,  9,  15, 16, 17,
                                                 31, 32, 33, 40, 63, 64, 65, 101};

bool runs_here(const phk_kernel *k)
{
    return (k->needs & ~phi_cpu_flags()) == 0;
}

void check_value(const char *kernel, const char *what, enum fill fill, float got, double want,
                 double size, size_t terms)
{
    const double bound = fill == INTEGERS ? 0 : (double)(terms + 4) * 6e-8 * size;
    if (fabs((double)got - want) <= bound) return;
    fail_msg("%s, %s, fill %d: got %.9g, wanted %.9g within %g", kernel, what, (int)fill,
             (double)got, want, bound);
}
