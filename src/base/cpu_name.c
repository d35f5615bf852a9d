/* SPDX-License-Identifier: MIT */
/*
 * Which processor this is: x86's names and numbers by cpuid (Intel SDM vol. 2A), ARM's number as
 * the kernel hands it on.
 */
#include "base/cpu.h"

#include <stdio.h>

#if defined(__x86_64__) || defined(__i386__)

#include <cpuid.h>

/* What the maker calls it: leaves 0x80000002 to 4, blanks at either end. */
static void brand(char text[49])
{
    unsigned word[4];
    memset(text, 0, 49);
    for (unsigned i = 0; i < 3; i++) {
        if (!__get_cpuid(0x80000002u + i, &word[0], &word[1], &word[2], &word[3])) return;
        memcpy(text + i * sizeof word, word, sizeof word);
    }
    size_t n = strlen(text), blank = strspn(text, " ");
    while (n > blank && text[n - 1] == ' ')
        n--;
    text[n] = '\0';
    memmove(text, text + blank, n - blank + 1);
}

void phi_cpu_name(char *text, size_t bytes)
{
    unsigned a = 0, b, c, d, vendor[3];
    char maker[sizeof vendor + 1] = "", words[49];
    if (__get_cpuid(0, &a, &vendor[0], &vendor[2], &vendor[1]))
        memcpy(maker, vendor, sizeof vendor);
    if (!__get_cpuid(1, &a, &b, &c, &d)) a = 0;
    brand(words);
    const unsigned family = (a >> 8 & 0xf) + (a >> 20 & 0xff);
    const unsigned model = (a >> 4 & 0xf) + (a >> 12 & 0xf0);
    snprintf(text, bytes, "%s family %u model %u, %s", maker, family, model, words);
    phi_clean(text);
}

#else

void phi_cpu_name(char *text, size_t bytes)
{
    char line[64] = "";
    FILE *f = fopen("/sys/devices/system/cpu/cpu0/regs/identification/midr_el1", "r");
    if (f && !fgets(line, sizeof line, f)) line[0] = '\0';
    if (f) fclose(f);
    line[strcspn(line, "\n")] = '\0';
    snprintf(text, bytes, "midr_el1 %s", line[0] ? line : "unknown");
    phi_clean(text);
}

#endif
