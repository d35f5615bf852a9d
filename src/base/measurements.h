/* SPDX-License-Identifier: MIT */
/*
 * Times that were measured, kept in memory: for an instruction set and a number of threads, by what
 * was to be done and by the method. Files of them are report/measurements_json.c's.
 */
#ifndef PHI_MEASUREMENTS_H
#define PHI_MEASUREMENTS_H

#include "base/names.h"

#define PHI_PROBLEM_BYTES                                                                          \
    448 /* a problem's description with its end; longer ones are none of ours */

typedef struct phi_time {
    char *method;
    int64_t ns; /* nanoseconds, > 0 */
} phi_time;

/* One problem, and how long it takes by the methods that were tried. */
typedef struct phi_timing {
    char *key;       /* of `names` below */
    const char *isa; /* as ph_cpu_isa says it; static storage */
    size_t n_threads;
    const char *problem; /* in `key` */
    phi_time *times;
    size_t n_times, capacity;
} phi_timing;

struct ph_measurements {
    ph_allocator mem;
    phi_timing *timings;
    size_t n_timings, capacity;
    phi_names names;
};

/* NULL: not there. `problem` has less than PHI_PROBLEM_BYTES letters. */
phi_timing *phi_timing_find(const ph_measurements *m, const char *isa, size_t n_threads,
                            const char *problem);
/* One that is not there yet, without times. NULL: out of memory. */
phi_timing *phi_timing_new(ph_measurements *m, const char *isa, size_t n_threads,
                           const char *problem);

/* 0: not known, or `t` is NULL. */
int64_t phi_timing_ns(const phi_timing *t, const char *method);
/* Both: false if out of memory. The first is for a method that is not there yet. */
bool phi_timing_add(ph_measurements *m, phi_timing *t, const char *method, int64_t ns);
bool phi_timing_set(ph_measurements *m, phi_timing *t, const char *method, int64_t ns);

#endif /* PHI_MEASUREMENTS_H */
