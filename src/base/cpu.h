/* SPDX-License-Identifier: MIT */
/*
 * Which instructions may be used: what the CPU has and the operating system saves, capped by PH_CPU
 * and ph_cpu_limit().
 */
#ifndef PHI_CPU_H
#define PHI_CPU_H

#include "base/base.h"

enum phi_cpu_flag {
    PHI_CPU_AVX2 = 1u << 0, /* AVX2 and FMA */
    PHI_CPU_AVX512 = 1u << 1, /* AVX512 F, BW, DQ, VL */
    PHI_CPU_NEON = 1u << 2
};

/* Flags in force, after the cap. */
unsigned phi_cpu_flags(void);

/* The one of ph_cpu_isa's words that `text` is, in static storage, or NULL. */
const char *phi_cpu_isa_word(const char *text);

/* Products a cycle of AVX-512 for one of AVX2: 1 where 512 bits are done in two halves, 2
 * elsewhere. */
unsigned phi_cpu_avx512_rate(void);

/* Maker, numbers and name of the processor, in one clean line. */
void phi_cpu_name(char *text, size_t bytes);

/* Counts calls of ph_cpu_limit, so that whoever caches a choice sees that it may be stale. */
unsigned phi_cpu_generation(void);

#endif /* PHI_CPU_H */
