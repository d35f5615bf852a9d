/* SPDX-License-Identifier: MIT */
/*
 * pinhole bench --layers: where the time of a run goes, by the step and by the method.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

/* --- Measured ------------------------------------------------------------------------------- */

int bench_layers_new(const ph_plan *plan, const char *model, size_t iters, bench_layers *l)
{
    ph_error err = {0};
    const size_t n = ph_plan_n_steps(plan), room = SIZE_MAX / sizeof(bench_row);
    *l = (bench_layers){.n = n, .iters = iters};
    if (n < room && (n == 0 || iters < room / n)) {
        l->rows = cli_alloc(n * sizeof *l->rows);
        l->methods = cli_alloc(n * sizeof *l->methods);
        l->seconds = cli_alloc(n * iters * sizeof *l->seconds);
    }
    if (!l->rows || !l->methods || !l->seconds) return cli_fail_in(model, PH_ERR_NOMEM, NULL);
    for (size_t i = 0; i < n; i++) {
        enum ph_status st = ph_plan_step(plan, i, &l->rows[i].step, &err);
        if (st) return cli_fail_in(model, st, &err);
        l->rows[i].n_steps = 1;
        l->rows[i].macs = l->rows[i].step.macs;
    }
    return CLI_OK;
}

void bench_layers_free(bench_layers *l)
{
    cli_free(l->rows);
    cli_free(l->methods);
    cli_free(l->seconds);
}

static void add_row(bench_row *sum, const bench_row *row)
{
    if (sum->n_steps == 0) sum->step = row->step;
    sum->n_steps += row->n_steps;
    sum->macs += row->macs;
    sum->seconds += row->seconds;
    sum->least += row->least;
}

/* The row of `method` so far, or a new one: there are few. */
static bench_row *method_row(bench_layers *l, const char *method)
{
    for (size_t i = 0; i < l->n_methods; i++) {
        if (strcmp(l->methods[i].step.method, method) == 0) return &l->methods[i];
    }
    return &l->methods[l->n_methods++];
}

static int by_seconds(const void *a, const void *b)
{
    const bench_row *x = a, *y = b;
    return (x->seconds < y->seconds) - (x->seconds > y->seconds);
}

int bench_layers_summarise(bench_layers *l, size_t threads)
{
    ph_error err = {0};
    ph_cpu_peak peak;
    double *column = calloc(l->iters, sizeof *column);
    if (!column) return cli_nomem();
    for (size_t i = 0; i < l->n; i++) {
        for (size_t k = 0; k < l->iters; k++) {
            column[k] = l->seconds[k * l->n + i];
        }
        l->rows[i].seconds = bench_median(column, l->iters);
        l->rows[i].least = column[0];
        add_row(method_row(l, l->rows[i].step.method), &l->rows[i]);
        add_row(&l->sum, &l->rows[i]);
    }
    free(column);
    if (l->n_methods) qsort(l->methods, l->n_methods, sizeof *l->methods, by_seconds);
    enum ph_status st = ph_cpu_measure_peak(NULL, threads, &peak, &err);
    if (st) return cli_fail(st, &err);
    l->flop_per_second = peak.flop_per_second;
    return CLI_OK;
}

static double share(const bench_layers *l, const bench_row *row)
{
    return l->sum.seconds > 0 ? row->seconds / l->sum.seconds : 0;
}

static double flop_per_second(const bench_row *row)
{
    return row->seconds > 0 ? 2.0 * (double)row->macs / row->seconds : 0;
}

/* --- As text -------------------------------------------------------------------------------- */

enum { NAME_COLUMNS = 40, TEXT_BYTES = 128 };

/* "1x1 gemm +scale+add+clamp" */
static const char *how(const ph_step *s, char buf[TEXT_BYTES])
{
    snprintf(buf, TEXT_BYTES, "%s%s%s%s%s", s->method,
             s->scaled || s->added || s->clamped ? " " : "", s->scaled ? "+scale" : "",
             s->added ? "+add" : "", s->clamped ? "+clamp" : "");
    return buf;
}

static const char *name_of(const ph_step *s, char buf[NAME_COLUMNS + 1])
{
    return cli_plain(s->name, buf, NAME_COLUMNS + 1);
}

static const char *output_of(const ph_step *s, char buf[TEXT_BYTES])
{
    return cli_dims(s->rank, s->dims, buf, TEXT_BYTES);
}

static void widen(int *width, const char *text)
{
    const int n = (int)strlen(text);
    if (n > *width) *width = n;
}

/* The numbers of a row, from its MACs on. */
static void print_numbers(const bench_layers *l, const bench_row *row)
{
    char macs[CLI_NUMBER_BYTES];
    printf(" %9s %10.3f %6.1f%%", row->macs ? cli_si((double)row->macs, macs) : "-",
           1e3 * row->seconds, 100 * share(l, row));
    if (row->macs) {
        printf(" %9.1f %6.1f%%", 1e-9 * flop_per_second(row),
               100 * flop_per_second(row) / l->flop_per_second);
    }
    putchar('\n');
}

static void print_rows(const bench_layers *l)
{
    char name[NAME_COLUMNS + 1], text[TEXT_BYTES], dims[TEXT_BYTES];
    int names = 5, methods = 6, outputs = 6;
    for (size_t i = 0; i < l->n; i++) {
        const ph_step *s = &l->rows[i].step;
        widen(&names, name_of(s, name));
        widen(&methods, how(s, text));
        widen(&outputs, output_of(s, dims));
    }
    printf("\n%-*s  %-*s  %-*s %9s %10s %7s %9s %7s\n", names, "LAYER", methods, "METHOD", outputs,
           "OUTPUT", "MACS", "MS", "SHARE", "GFLOP/S", "PEAK");
    for (size_t i = 0; i < l->n; i++) {
        const ph_step *s = &l->rows[i].step;
        printf("%-*s  %-*s  %-*s", names, name_of(s, name), methods, how(s, text), outputs,
               output_of(s, dims));
        print_numbers(l, &l->rows[i]);
    }
}

static void print_methods(const bench_layers *l)
{
    int methods = 6;
    for (size_t i = 0; i < l->n_methods; i++) {
        widen(&methods, l->methods[i].step.method);
    }
    printf("\n%-*s  %5s %9s %10s %7s %9s %7s\n", methods, "METHOD", "STEPS", "MACS", "MS", "SHARE",
           "GFLOP/S", "PEAK");
    for (size_t i = 0; i < l->n_methods; i++) {
        printf("%-*s  %5zu", methods, l->methods[i].step.method, l->methods[i].n_steps);
        print_numbers(l, &l->methods[i]);
    }
    printf("%-*s  %5zu", methods, "all", l->sum.n_steps);
    print_numbers(l, &l->sum);
}

void bench_layers_print(const bench_layers *l)
{
    print_rows(l);
    print_methods(l);
    printf("\nEach step's median by itself; 100%% of the peak is %.1f GFLOP/s of multiply-adds.\n",
           1e-9 * l->flop_per_second);
}

/* --- As JSON -------------------------------------------------------------------------------- */

static void set_numbers(const bench_layers *l, const bench_row *row, json_t *o)
{
    cli_json_int(o, "macs", row->macs);
    cli_json_real(o, "median_ms", 1e3 * row->seconds);
    cli_json_real(o, "min_ms", 1e3 * row->least);
    cli_json_real(o, "share", share(l, row));
    cli_json_real(o, "gflops", 1e-9 * flop_per_second(row));
    cli_json_real(o, "peak_share", flop_per_second(row) / l->flop_per_second);
}

static json_t *row_object(const bench_layers *l, const bench_row *row)
{
    const ph_step *s = &row->step;
    json_t *o = json_object(), *dims = json_array();
    cli_json_text(o, "name", s->name);
    cli_json_set(o, "op", s->op ? json_string(s->op) : json_null());
    cli_json_text(o, "method", s->method);
    for (size_t k = 0; k < s->rank; k++) {
        json_array_append_new(dims, json_integer(s->dims[k]));
    }
    cli_json_set(o, "output", dims);
    cli_json_set(o, "scaled", json_boolean(s->scaled));
    cli_json_set(o, "added", json_boolean(s->added));
    cli_json_set(o, "clamped", json_boolean(s->clamped));
    set_numbers(l, row, o);
    return o;
}

static json_t *method_object(const bench_layers *l, const bench_row *row)
{
    json_t *o = json_object();
    cli_json_text(o, "method", row->step.method);
    cli_json_int(o, "steps", (int64_t)row->n_steps);
    set_numbers(l, row, o);
    return o;
}

void bench_layers_json(const bench_layers *l, json_t *root)
{
    json_t *layers = json_array(), *methods = json_array();
    for (size_t i = 0; i < l->n; i++) {
        json_array_append_new(layers, row_object(l, &l->rows[i]));
    }
    for (size_t i = 0; i < l->n_methods; i++) {
        json_array_append_new(methods, method_object(l, &l->methods[i]));
    }
    cli_json_real(root, "peak_gflops", 1e-9 * l->flop_per_second);
    cli_json_real(root, "layers_ms", 1e3 * l->sum.seconds);
    cli_json_set(root, "layers", layers);
    cli_json_set(root, "methods", methods);
}
