/* SPDX-License-Identifier: MIT */
/*
 * The oracle: every operator computed in double, by plain loops over logical arrays, straight from
 * the definitions in ONNX's Operators.md. It shares no line with src/ and includes nothing of it,
 * so that a mistake has to be made twice to go unnoticed.
 *
 * Beside each result it says how far a computation in float may be off (`slack`), from the number
 * of terms and the size of the operands, and not one constant for all.
 */
#ifndef ORACLE_H
#define ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OR_MAX_RANK 8
#define OR_MAX_IN 16
#define OR_MAX_OUT 4
#define OR_MAX_ATTRS 12
#define OR_MAX_LIST 16

/* A dense array in logical order, last dimension fastest. */
typedef struct or_array {
    int rank;
    int64_t dims[OR_MAX_RANK];
    int64_t count;
    bool integer;  /* whole numbers, compared exactly */
    int dtype;     /* ONNX's number of the type; 0: float32, or int64 (shapes, axes) if integer */
    double *v;     /* [count] */
    double *slack; /* [count], of results: tolerated error in units of float's epsilon (2^-23) */
} or_array;

enum or_kind { OR_INT, OR_FLOAT, OR_STRING, OR_INTS };

typedef struct or_attr {
    const char *name;
    enum or_kind kind;
    int64_t i;
    double f;
    const char *s;
    int n;
    int64_t list[OR_MAX_LIST];
} or_attr;

/* One node with its inputs. in[i] == NULL: left out. */
typedef struct or_node {
    const char *op;
    int opset;
    int n_attrs, n_in, n_out;
    or_attr attrs[OR_MAX_ATTRS];
    or_array *in[OR_MAX_IN];
} or_node;

or_array *or_new(int rank, const int64_t *dims);
or_array *or_copy(const or_array *a);
void or_free(or_array *a);

void or_set_int(or_node *n, const char *name, int64_t value);
void or_set_float(or_node *n, const char *name, double value); /* rounded to float, as in a file */
void or_set_string(or_node *n, const char *name, const char *value);
void or_set_ints(or_node *n, const char *name, int count, const int64_t *values);

/*
 * Compute a node: out[0 .. n_out - 1] receive new arrays. Returns false if the node makes no sense
 * (an output of no size, a kernel larger than the padded input); then nothing is allocated.
 */
bool or_compute(const or_node *n, or_array **out);

/* --- for the files of the oracle ----------------------------------------------------------- */

int64_t or_int(const or_node *n, const char *name, int64_t fallback);
double or_float(const or_node *n, const char *name, double fallback);
const char *or_string(const or_node *n, const char *name, const char *fallback);
const or_attr *or_find(const or_node *n, const char *name);

/* Flat index from coordinates; and the reverse. */
int64_t or_at(const or_array *a, const int64_t *index);
void or_coordinates(const or_array *a, int64_t flat, int64_t *index);

/* Element of `a` that numpy's broadcasting puts at coordinates `index` of an array of `rank`. */
int64_t or_broadcast_at(const or_array *a, int rank, const int64_t *index);
bool or_broadcast(int *rank, int64_t *dims, const or_array *b); /* stretch dims to hold b */

/* Slack of a sum of `terms` products whose absolute values add up to `magnitude`. */
double or_sum_slack(double terms, double magnitude);

/* One spatial axis of a sliding window, pads and output size settled. */
typedef struct or_window {
    int64_t in, k, stride, dilation, pad_begin, pad_end, out;
} or_window;

/* Three axes from the node's attributes; a missing one is of size 1. `x` has 1 to 3 spatial
 * dimensions. */
bool or_windows(const or_node *n, const or_array *x, const int64_t *kernel, or_window axis[3]);
/* Outputs of one plane, taps of a window. */
int64_t or_outputs(const or_window axis[3]);
int64_t or_taps(const or_window axis[3]);
/* Place in the plane that output `o` reads through tap `t`, all of them flat; -1: in the padding;
 * -2: beyond it. */
int64_t or_reads(const or_window axis[3], int64_t o, int64_t t);
/* A new array [n, channels, outputs...]. */
or_array *or_windowed(const or_array *x, int64_t channels, const or_window axis[3]);

typedef bool or_function(const or_node *n, or_array **out);
/* several operators share a function: declared once for each */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wredundant-decls"
#define OR_OP(op, compute, draw) or_function compute;
#include "oracle_ops.def"
#undef OR_OP
#pragma GCC diagnostic pop

#endif /* ORACLE_H */
