/* SPDX-License-Identifier: MIT */
/*
 * What the CPU has: cpuid for the instructions, xgetbv for the registers that the operating system
 * saves (an AVX2 CPU under a system that does not save ymm has no AVX2 for us). Intel SDM vol. 1,
 * sec. 14.3.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/cpu.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

/* The caps there are, from low to high; each word allows the flags of its line. */
static const struct level {
    const char *word;
    unsigned flags;
} levels[] = {
    {"scalar", 0},
    {"avx2", PHI_CPU_AVX2},
    {"avx512", PHI_CPU_AVX2 | PHI_CPU_AVX512},
    {"neon", PHI_CPU_NEON},
};

#define KNOWN (1u << 31) /* marks that a cached set of flags has been filled in */
#define NO_CAP (~0u & ~KNOWN)

static atomic_uint found_cache;       /* KNOWN | flags of the machine */
static atomic_uint environment_cache; /* KNOWN | flags that PH_CPU allows */
static atomic_uint limit_cache;       /* KNOWN | flags that ph_cpu_limit allows; 0: no limit */
static atomic_uint rate_cache;        /* 0: not asked yet; cpuid is slow in a virtual machine */
static atomic_uint generation;

#if defined(__x86_64__) || defined(__i386__)

static uint64_t read_xcr0(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static unsigned detect(void)
{
    const unsigned fma = 1u << 12, osxsave = 1u << 27, avx = 1u << 28; /* leaf 1, ecx */
    const unsigned avx2 = 1u << 5;                                     /* leaf 7, ebx */
    const unsigned avx512 = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31; /* F, DQ, BW, VL */
    unsigned a, b, c, d, flags = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
    if ((c & (fma | osxsave | avx)) != (fma | osxsave | avx)) return 0;
    uint64_t saved = read_xcr0();
    if ((saved & 0x6) != 0x6) return 0; /* xmm and upper halves of ymm */
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
    if (b & avx2) flags |= PHI_CPU_AVX2;
    if (flags && (b & avx512) == avx512 && (saved & 0xe6) == 0xe6) flags |= PHI_CPU_AVX512;
#ifdef PH_EMULATE_AVX512 /* a build for tests: those kernels are made of AVX2 */
    if (flags) flags |= PHI_CPU_AVX512;
#endif
    return flags;
}

#elif defined(__aarch64__)

static unsigned detect(void)
{
    return PHI_CPU_NEON;
}

#else

static unsigned detect(void)
{
    return 0;
}

#endif

/* Flags that the word allows; false for a word that is none. */
static bool cap_of(const char *word, unsigned *flags)
{
    for (size_t i = 0; i < PHI_COUNT(levels); i++) {
        if (strcmp(levels[i].word, word) != 0) continue;
        *flags = levels[i].flags;
        return true;
    }
    return false;
}

static unsigned found_flags(void)
{
    unsigned f = atomic_load_explicit(&found_cache, memory_order_relaxed);
    if (f) return f;
    f = detect() | KNOWN;
    atomic_store_explicit(&found_cache, f, memory_order_relaxed);
    return f;
}

/* An unknown word in PH_CPU caps nothing: a library has nobody to tell. ph_cpu_isa() shows it. */
static unsigned environment_flags(void)
{
    unsigned f = atomic_load_explicit(&environment_cache, memory_order_relaxed);
    if (f) return f;
    const char *word = getenv("PH_CPU");
    f = NO_CAP;
    if (word) cap_of(word, &f);
    f |= KNOWN;
    atomic_store_explicit(&environment_cache, f, memory_order_relaxed);
    return f;
}

unsigned phi_cpu_flags(void)
{
    unsigned limit = atomic_load_explicit(&limit_cache, memory_order_relaxed);
    unsigned flags = found_flags() & environment_flags();
    if (limit) flags &= limit;
    return flags & ~KNOWN;
}

/* Zen 4 is AMD's family 25; later ones have whole units. */
static unsigned find_rate(void)
{
#if defined(__x86_64__) || defined(__i386__)
    unsigned a, b, c, d;
    if (!__get_cpuid(0, &a, &b, &c, &d) || b != signature_AMD_ebx) return 2;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return 2;
    return (a >> 8 & 0xf) + (a >> 20 & 0xff) == 25 ? 1 : 2;
#else
    return 2;
#endif
}

unsigned phi_cpu_avx512_rate(void)
{
    unsigned rate = atomic_load_explicit(&rate_cache, memory_order_relaxed);
    if (rate) return rate;
    rate = find_rate();
    atomic_store_explicit(&rate_cache, rate, memory_order_relaxed);
    return rate;
}

unsigned phi_cpu_generation(void)
{
    return atomic_load_explicit(&generation, memory_order_relaxed);
}

const char *ph_cpu_isa(void)
{
    unsigned flags = phi_cpu_flags();
    const char *word = levels[0].word;
    for (size_t i = 1; i < PHI_COUNT(levels); i++)
        if ((levels[i].flags & flags) == levels[i].flags) word = levels[i].word;
    return word;
}

const char *phi_cpu_isa_word(const char *text)
{
    for (size_t i = 0; i < PHI_COUNT(levels); i++)
        if (strcmp(levels[i].word, text) == 0) return levels[i].word;
    return NULL;
}

enum ph_status ph_cpu_limit(const char *isa)
{
    unsigned flags = 0;
    if (isa && !cap_of(isa, &flags)) return PH_ERR_ARG;
    atomic_store_explicit(&limit_cache, isa ? flags | KNOWN : 0, memory_order_relaxed);
    atomic_fetch_add_explicit(&generation, 1, memory_order_relaxed);
    return PH_OK;
}

size_t ph_cpu_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        int n = CPU_COUNT(&set);
        if (n > 0) return (size_t)n;
    }
    long n = sysconf(_SC_NPROCESSORS_ONLN); /* more CPUs than a cpu_set_t holds */
    return n > 0 ? (size_t)n : 1;
}
