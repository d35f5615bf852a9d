/* SPDX-License-Identifier: MIT */
/*
 * What bench.c and bench_layers.c share: times by the step of a plan.
 */
#ifndef PINHOLE_CLI_BENCH_H
#define PINHOLE_CLI_BENCH_H

#include "json.h"

/* A step, or all steps of one method. */
typedef struct bench_row {
    ph_step step;   /* of a method: the first of them */
    size_t n_steps; /* 1 */
    int64_t macs;
    double seconds; /* median over the runs; of a method the sum of its steps' */
    double least;   /* the same of minima */
} bench_row;

typedef struct bench_layers {
    size_t n, iters;
    double *seconds;    /* [iters][n] as measured */
    bench_row *rows;    /* [n] steps, in the order of execution */
    bench_row *methods; /* [n_methods], the slowest first */
    size_t n_methods;
    bench_row sum;          /* of all rows */
    double flop_per_second; /* multiply-add peak of as many threads */
} bench_layers;

/* Room for the times of `iters` runs. Describes the steps of `plan`, which must outlive `l`. */
int bench_layers_new(const ph_plan *plan, const char *model, size_t iters, bench_layers *l);
void bench_layers_free(bench_layers *l); /* all zero is fine */
/* Medians, sums and the peak, once all runs are measured. */
int bench_layers_summarise(bench_layers *l, size_t threads);

void bench_layers_print(const bench_layers *l);
void bench_layers_json(const bench_layers *l, json_t *root);

/* Sorts x [n], n > 0. */
double bench_median(double *x, size_t n);

#endif /* PINHOLE_CLI_BENCH_H */
