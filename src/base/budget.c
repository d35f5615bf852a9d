/* SPDX-License-Identifier: MIT */
/*
 * A limit on memory: an allocator that keeps count of what another one has given out.
 *
 * A block's size is kept in front of it, in HEAD bytes of its own so that the block stays aligned;
 * the head counts as used, too. Counting is atomic: runs on several threads may share a budget.
 */
#include <stdatomic.h>

#include "base/base.h"

#define HEAD ((size_t)PHI_ALIGN)

struct ph_budget {
    ph_allocator mem; /* where blocks come from */
    ph_allocator limited;
    size_t limit;
    atomic_size_t used, peak, wanted;
};

static void raise_to(atomic_size_t *most, size_t n)
{
    size_t seen = atomic_load_explicit(most, memory_order_relaxed);
    while (seen < n && !atomic_compare_exchange_weak_explicit(most, &seen, n, memory_order_relaxed,
                                                              memory_order_relaxed))
        ;
}

/* Take `n` bytes of what is left, or note how much would have been needed. */
static bool take(ph_budget *b, size_t n)
{
    size_t used = atomic_load_explicit(&b->used, memory_order_relaxed), total;
    do {
        if (!phi_add_size(used, n, &total)) total = SIZE_MAX;
        if (total > b->limit) {
            raise_to(&b->wanted, total);
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&b->used, &used, total, memory_order_relaxed,
                                                    memory_order_relaxed));
    raise_to(&b->peak, total);
    return true;
}

static void *budget_alloc(void *user, size_t bytes, size_t align)
{
    ph_budget *b = user;
    size_t total;
    if (!phi_add_size(bytes, HEAD, &total)) total = SIZE_MAX;
    if (!take(b, total)) return NULL;
    unsigned char *block = b->mem.alloc(b->mem.user, total, align < HEAD ? HEAD : align);
    if (!block) {
        atomic_fetch_sub_explicit(&b->used, total, memory_order_relaxed);
        return NULL;
    }
    memcpy(block, &total, sizeof total);
    return block + HEAD;
}

static void budget_free(void *user, void *ptr)
{
    ph_budget *b = user;
    size_t total;
    if (!ptr) return;
    unsigned char *block = (unsigned char *)ptr - HEAD;
    memcpy(&total, block, sizeof total);
    atomic_fetch_sub_explicit(&b->used, total, memory_order_relaxed);
    b->mem.free(b->mem.user, block);
}

enum ph_status ph_budget_new(const ph_allocator *mem, size_t limit, ph_budget **out, ph_error *err)
{
    ph_budget *b = phi_calloc(mem, 1, sizeof *b);
    if (!b) return phi_fail_nomem(err);
    b->mem = phi_allocator(mem);
    b->limit = limit;
    b->limited = (ph_allocator){ .alloc = budget_alloc, .free = budget_free, .user = b };
    *out = b;
    return PH_OK;
}

void ph_budget_free(ph_budget *b)
{
    if (!b) return;
    const ph_allocator mem = b->mem;
    phi_free(&mem, b);
}

const ph_allocator *ph_budget_allocator(const ph_budget *b) { return &b->limited; }
size_t ph_budget_limit(const ph_budget *b) { return b->limit; }
size_t ph_budget_used(const ph_budget *b)
{
    return atomic_load_explicit(&b->used, memory_order_relaxed);
}
size_t ph_budget_peak(const ph_budget *b)
{
    return atomic_load_explicit(&b->peak, memory_order_relaxed);
}
size_t ph_budget_wanted(const ph_budget *b)
{
    return atomic_load_explicit(&b->wanted, memory_order_relaxed);
}
