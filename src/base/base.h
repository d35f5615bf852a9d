/* SPDX-License-Identifier: MIT */
/*
 * What every room stands on: errors, memory, checked sizes.
 */
#ifndef PHI_BASE_H
#define PHI_BASE_H

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "pinhole/pinhole.h"

#define PHI_COUNT(array) (sizeof(array) / sizeof(*(array)))

#if defined(__GNUC__)
#define PHI_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define PHI_PRINTF(text, first)
#endif

/* --- Errors -------------------------------------------------------------------------------- */

/*
 * Fill `err` (may be NULL) and return `status`, so that a failing line reads
 *     return phi_fail(err, PH_ERR_SHAPE, node->name, "conv '%s': ...", ...);
 * `where` (may be NULL) is the node, file or option. Control characters in the text are replaced
 * by '?', so that names from hostile files cannot break the one-line promise or the terminal.
 */
enum ph_status phi_fail(ph_error *err, enum ph_status status, const char *where,
                        const char *format, ...) PHI_PRINTF(4, 5);

/* Keep a text to one line that cannot steer a terminal, in place: control characters, C1 ones among
 * them, those that turn the direction of text, and bytes that are not UTF-8 become '?'. */
void phi_clean(char *text);

/* The same for "out of memory", which needs no words. */
enum ph_status phi_fail_nomem(ph_error *err);

/*
 * vsnprintf for messages into buf [n], n > 0: a text that the format puts between quotes, '%s', or
 * before one that is, as in %s '%s', is taken for a name and shortened in its middle to
 * PHI_NAME_BYTES - 1. false: the buffer was too
 * small, and the text is cut. Control characters stay: see phi_clean.
 */
#define PHI_NAME_BYTES 160
bool phi_vformat(char *buf, size_t n, const char *format, va_list list);

/* --- Checked sizes -------------------------------------------------------------------------- */

/* product / sum into *out; false (and *out untouched) if it does not fit. */
static inline bool phi_mul_size(size_t a, size_t b, size_t *out)
{
    size_t r;
    if (__builtin_mul_overflow(a, b, &r)) return false;
    *out = r;
    return true;
}
static inline bool phi_add_size(size_t a, size_t b, size_t *out)
{
    size_t r;
    if (__builtin_add_overflow(a, b, &r)) return false;
    *out = r;
    return true;
}

static inline size_t phi_min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}
static inline size_t phi_max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}
static inline size_t phi_div_up(size_t a, size_t b)
{
    return a / b + (a % b != 0);
}
static inline size_t phi_round_up(size_t a, size_t multiple)
{
    return phi_div_up(a, multiple) * multiple;
}
static inline bool phi_mul_i64(int64_t a, int64_t b, int64_t *out)
{
    int64_t r;
    if (__builtin_mul_overflow(a, b, &r)) return false;
    *out = r;
    return true;
}
static inline bool phi_add_i64(int64_t a, int64_t b, int64_t *out)
{
    int64_t r;
    if (__builtin_add_overflow(a, b, &r)) return false;
    *out = r;
    return true;
}

/* --- Memory --------------------------------------------------------------------------------- */

#define PHI_ALIGN 64

/* Sizes of scratch that lie one behind the other; SIZE_MAX stays SIZE_MAX. */
static inline size_t phi_add_aligned(size_t a, size_t b)
{
    size_t sum;
    if (a == SIZE_MAX || b > SIZE_MAX - PHI_ALIGN) return SIZE_MAX;
    return phi_add_size(a, phi_round_up(b, PHI_ALIGN), &sum) ? sum : SIZE_MAX;
}
static inline void *phi_behind(void *work, size_t bytes)
{
    return (char *)work + phi_round_up(bytes, PHI_ALIGN);
}

/* The allocator to use for `mem` (NULL: the C library's), by value. */
ph_allocator phi_allocator(const ph_allocator *mem);

/*
 * Bytes aligned to PHI_ALIGN, never NULL on success even for 0 bytes. phi_calloc: zeroed array with
 * a checked product. Failure returns NULL; the caller reports it with phi_fail_nomem().
 */
void *phi_alloc(const ph_allocator *mem, size_t bytes);
void *phi_calloc(const ph_allocator *mem, size_t count, size_t size);
void phi_free(const ph_allocator *mem, void *ptr);

/* Copies; NULL on failure. phi_strdup(NULL) is NULL. */
char *phi_strdup(const ph_allocator *mem, const char *s);
char *phi_strndup(const ph_allocator *mem, const char *s, size_t n);
void *phi_memdup(const ph_allocator *mem, const void *bytes, size_t n);

/*
 * Make room for one more element in a growing array of `n` used elements:
 *     if (!phi_grow(mem, (void **)&list, n, &capacity, sizeof *list)) return phi_fail_nomem(err);
 * New elements are zero. The array stays valid on failure.
 */
bool phi_grow(const ph_allocator *mem, void **array, size_t n, size_t *capacity, size_t size);

/* sprintf into a phi_alloc'ed string; NULL if out of memory. */
char *phi_asprintf(const ph_allocator *mem, const char *format, ...) PHI_PRINTF(2, 3);

/* --- Byte order ----------------------------------------------------------------------------- */

bool phi_host_is_little_endian(void);
/* Reverse the bytes of each of `count` elements of `size` bytes. */
void phi_swap_bytes(void *data, size_t count, size_t size);

#endif /* PHI_BASE_H */
