/* SPDX-License-Identifier: MIT */
#include "base/measurements.h"

#include <stdio.h>

#define KEY_BYTES (PHI_PROBLEM_BYTES + 64)

enum ph_status ph_measurements_new(const ph_allocator *mem, ph_measurements **out, ph_error *err)
{
    const ph_allocator own = phi_allocator(mem);
    ph_measurements *m = phi_calloc(&own, 1, sizeof *m);
    if (!m) return phi_fail_nomem(err);
    m->mem = own;
    *out = m;
    return PH_OK;
}

void ph_measurements_free(ph_measurements *m)
{
    if (!m) return;
    const ph_allocator mem = m->mem;
    for (size_t i = 0; i < m->n_timings; i++) {
        const phi_timing *t = &m->timings[i];
        for (size_t k = 0; k < t->n_times; k++)
            phi_free(&mem, t->times[k].method);
        phi_free(&mem, t->times);
        phi_free(&mem, t->key);
    }
    phi_free(&mem, m->timings);
    phi_names_free(&mem, &m->names);
    phi_free(&mem, m);
}

static const char *key_at(const void *m, size_t i)
{
    return ((const ph_measurements *)m)->timings[i].key;
}

/* The length of what stands before the problem. */
static size_t make_key(char key[KEY_BYTES], const char *isa, size_t n_threads, const char *problem)
{
    assert(strlen(problem) < PHI_PROBLEM_BYTES);
    const int n = snprintf(key, KEY_BYTES, "%zu %s ", n_threads, isa);
    strcpy(key + n, problem);
    return (size_t)n;
}

phi_timing *phi_timing_find(const ph_measurements *m, const char *isa, size_t n_threads,
                            const char *problem)
{
    char key[KEY_BYTES];
    make_key(key, isa, n_threads, problem);
    const size_t i = phi_names_find(&m->names, key_at, m, key);
    return i == SIZE_MAX ? NULL : &m->timings[i];
}

phi_timing *phi_timing_new(ph_measurements *m, const char *isa, size_t n_threads,
                           const char *problem)
{
    char key[KEY_BYTES];
    const size_t before = make_key(key, isa, n_threads, problem);
    if (!phi_grow(&m->mem, (void **)&m->timings, m->n_timings, &m->capacity, sizeof *m->timings))
        return NULL;
    phi_timing *t = &m->timings[m->n_timings];
    *t = (phi_timing){.key = phi_strdup(&m->mem, key), .isa = isa, .n_threads = n_threads};
    if (!t->key) return NULL;
    if (!phi_names_add(&m->mem, &m->names, key_at, m, m->n_timings)) {
        phi_free(&m->mem, t->key);
        return NULL;
    }
    t->problem = t->key + before;
    m->n_timings++;
    return t;
}

static phi_time *find_time(const phi_timing *t, const char *method)
{
    for (size_t i = 0; t && i < t->n_times; i++)
        if (strcmp(t->times[i].method, method) == 0) return &t->times[i];
    return NULL;
}

int64_t phi_timing_ns(const phi_timing *t, const char *method)
{
    const phi_time *time = find_time(t, method);
    return time ? time->ns : 0;
}

bool phi_timing_add(ph_measurements *m, phi_timing *t, const char *method, int64_t ns)
{
    if (!phi_grow(&m->mem, (void **)&t->times, t->n_times, &t->capacity, sizeof *t->times))
        return false;
    char *name = phi_strdup(&m->mem, method);
    if (!name) return false;
    t->times[t->n_times++] = (phi_time){name, ns};
    return true;
}

bool phi_timing_set(ph_measurements *m, phi_timing *t, const char *method, int64_t ns)
{
    phi_time *time = find_time(t, method);
    if (!time) return phi_timing_add(m, t, method, ns);
    time->ns = ns;
    return true;
}
