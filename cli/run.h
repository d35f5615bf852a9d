/* SPDX-License-Identifier: MIT */
/*
 * What 'pinhole run' is made of: tensors in (run.c, run_test_data.c), a run (run.c), and what is
 * done with the tensors that come out (run_outputs.c, run_compare.c).
 */
#ifndef PINHOLE_CLI_RUN_H
#define PINHOLE_CLI_RUN_H

#include "options.h"

typedef struct run_options {
    const char *model, *output_dir, *test_data;
    cli_texts inputs, shapes;
    bool exact;
    cli_measure measure;
    size_t threads;
    double rtol, atol;
} run_options;

/*
 * Run `g` on `inputs` [ph_graph_n_inputs(g)], none NULL; outputs [ph_graph_n_outputs(g)] receives
 * new tensors. Their shapes become the model's. `from` [n inputs] names the files, for messages.
 */
int run_graph(const ph_graph *g, const run_options *o, ph_tensor *const *inputs,
              const char *const *from, ph_tensor **outputs);

/* Name those of inputs[] that are NULL in one line and return `status`; CLI_OK if there is none. */
int run_check_inputs(const ph_graph *g, ph_tensor *const *inputs, int status, const char *hint);

/* Free list[n] and its tensors; list may be NULL. */
void run_free_tensors(ph_tensor **list, size_t n);

/* Run every test data set in o->test_data and compare; CLI_NO if something differs. */
int run_test_data(const ph_graph *g, const run_options *o);

/* Write each output as DIR/NAME.npy and print a line about it. */
int run_write_outputs(const ph_graph *g, const char *dir, ph_tensor *const *outputs);

/*
 * Print one line that compares output `name` with what was expected: |got - wanted| <= atol +
 * rtol * |wanted| for floating-point elements, NaN equal to NaN, others exactly. True if equal.
 */
bool run_compare(const char *name, const ph_tensor *got, const ph_tensor *wanted, double rtol,
                 double atol);

/* Element i of a tensor as a double, exact but for 64-bit integers above 2^53. */
double run_element(const ph_tensor *t, int64_t i);

#endif /* PINHOLE_CLI_RUN_H */
