/* SPDX-License-Identifier: MIT */
#if defined(__linux__)
#define _DEFAULT_SOURCE /* madvise */
#include <sys/mman.h>
#endif
#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"

/* Memory that the kernel may give in pages of 2 MiB: weights and activations. A page fault costs
 * the same for either size, and a matrix then needs few entries of the TLB. Only whole pages inside
 * the block, so that no memory is added. */
#define LARGE_PAGE ((size_t)2 << 20)

static void want_large_pages(void *ptr, size_t bytes)
{
#if defined(MADV_HUGEPAGE)
    const uintptr_t mask = LARGE_PAGE - 1;
    const uintptr_t first = ((uintptr_t)ptr + mask) & ~mask;
    const uintptr_t end = ((uintptr_t)ptr + bytes) & ~mask;
    if (first < end) (void)madvise((void *)first, end - first, MADV_HUGEPAGE); /* a wish */
#else
    (void)ptr;
    (void)bytes;
#endif
}

static void *libc_alloc(void *user, size_t bytes, size_t align)
{
    (void)user;
    size_t rounded;
    if (!phi_add_size(bytes, align - 1, &rounded)) return NULL;
    void *ptr = aligned_alloc(align, rounded & ~(align - 1));
    if (ptr && bytes >= LARGE_PAGE) want_large_pages(ptr, bytes);
    return ptr;
}

static void libc_free(void *user, void *ptr)
{
    (void)user;
    free(ptr);
}

ph_allocator phi_allocator(const ph_allocator *mem)
{
    return mem ? *mem : (ph_allocator){.alloc = libc_alloc, .free = libc_free};
}

void *phi_alloc(const ph_allocator *mem, size_t bytes)
{
    ph_allocator m = phi_allocator(mem);
    return m.alloc(m.user, bytes ? bytes : 1, PHI_ALIGN);
}

void *phi_calloc(const ph_allocator *mem, size_t count, size_t size)
{
    size_t bytes;
    if (!phi_mul_size(count, size, &bytes)) return NULL;
    void *ptr = phi_alloc(mem, bytes);
    if (ptr) memset(ptr, 0, bytes);
    return ptr;
}

void phi_free(const ph_allocator *mem, void *ptr)
{
    if (!ptr) return;
    ph_allocator m = phi_allocator(mem);
    m.free(m.user, ptr);
}

char *phi_strndup(const ph_allocator *mem, const char *s, size_t n)
{
    size_t bytes;
    if (!phi_add_size(n, 1, &bytes)) return NULL;
    char *copy = phi_alloc(mem, bytes);
    if (!copy) return NULL;
    if (n) memcpy(copy, s, n);
    copy[n] = 0;
    return copy;
}

char *phi_strdup(const ph_allocator *mem, const char *s)
{
    return s ? phi_strndup(mem, s, strlen(s)) : NULL;
}

void *phi_memdup(const ph_allocator *mem, const void *bytes, size_t n)
{
    void *copy = phi_alloc(mem, n);
    if (copy && n) memcpy(copy, bytes, n);
    return copy;
}

bool phi_grow(const ph_allocator *mem, void **array, size_t n, size_t *capacity, size_t size)
{
    if (n < *capacity) return true;
    size_t more = *capacity ? *capacity : 4, want;
    if (!phi_add_size(*capacity, more, &want)) return false;
    void *grown = phi_calloc(mem, want, size);
    if (!grown) return false;
    if (n) memcpy(grown, *array, n * size);
    phi_free(mem, *array);
    *array = grown;
    *capacity = want;
    return true;
}

char *phi_asprintf(const ph_allocator *mem, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = n < 0 ? NULL : phi_alloc(mem, (size_t)n + 1);
    if (!text) return NULL;
    va_start(args, format);
    vsnprintf(text, (size_t)n + 1, format, args);
    va_end(args);
    return text;
}

bool phi_host_is_little_endian(void)
{
    const uint16_t one = 1;
    unsigned char first;
    memcpy(&first, &one, 1);
    return first == 1;
}

void phi_swap_bytes(void *data, size_t count, size_t size)
{
    unsigned char *p = data;
    for (size_t i = 0; i < count; i++, p += size)
        for (size_t a = 0, b = size - 1; size && a < b; a++, b--) {
            unsigned char t = p[a];
            p[a] = p[b];
            p[b] = t;
        }
}
