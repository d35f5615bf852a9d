/* SPDX-License-Identifier: MIT */
/*
 * The budget that everything from files is read into.
 */
#include "util.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

size_t cli_memory_option = 0;

static ph_budget *budget = NULL;

/* What a container may use (cgroup version 2), or SIZE_MAX. */
static size_t container_bytes(void)
{
    unsigned long long bytes = 0;
    FILE *f = fopen("/sys/fs/cgroup/memory.max", "r"); /* a number, or "max" */
    if (!f) return SIZE_MAX;
    if (fscanf(f, "%llu", &bytes) != 1 || bytes == 0 || bytes > SIZE_MAX) bytes = SIZE_MAX;
    fclose(f);
    return (size_t)bytes;
}

/* The memory of this machine: what is asked for beyond it would only bring the system down. */
static size_t machine_bytes(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    size_t bytes = container_bytes();
    if (pages > 0 && page > 0 && (size_t)pages <= bytes / (size_t)page) {
        bytes = (size_t)pages * (size_t)page;
    }
    return bytes;
}

const ph_allocator *cli_memory(void)
{
    if (!budget) {
        size_t limit = cli_memory_option ? cli_memory_option : machine_bytes();
        if (ph_budget_new(NULL, limit, &budget, NULL)) exit(cli_nomem()); /* not 100 bytes left */
    }
    return ph_budget_allocator(budget);
}

void *cli_alloc(size_t bytes)
{
    const ph_allocator *mem = cli_memory();
    void *ptr = mem->alloc(mem->user, bytes ? bytes : 1, 64);
    if (ptr) memset(ptr, 0, bytes);
    return ptr;
}

void cli_free(void *ptr)
{
    const ph_allocator *mem = cli_memory();
    mem->free(mem->user, ptr);
}

const char *cli_memory_why(char *buf, size_t n)
{
    char wanted[CLI_NUMBER_BYTES], limit[CLI_NUMBER_BYTES];
    buf[0] = '\0';
    if (budget && ph_budget_wanted(budget)) {
        snprintf(buf, n, "needs at least %s, %s %s",
                 cli_bytes(ph_budget_wanted(budget), wanted),
                 cli_memory_option ? "--max-mem is" : "this machine has",
                 cli_bytes(ph_budget_limit(budget), limit));
    }
    return buf;
}
