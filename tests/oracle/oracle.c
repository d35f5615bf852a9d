/* SPDX-License-Identifier: MIT */
#include "oracle.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *get(size_t bytes)
{
    void *p = calloc(1, bytes ? bytes : 1);
    if (!p) {
        fputs("oracle: out of memory\n", stderr);
        exit(99);
    }
    return p;
}

or_array *or_new(int rank, const int64_t *dims)
{
    or_array *a = get(sizeof *a);
    a->rank = rank;
    a->count = 1;
    for (int i = 0; i < rank; i++) {
        a->dims[i] = dims[i];
        a->count *= dims[i];
    }
    a->v = get((size_t)a->count * sizeof *a->v);
    a->slack = get((size_t)a->count * sizeof *a->slack);
    return a;
}

or_array *or_copy(const or_array *a)
{
    or_array *b = or_new(a->rank, a->dims);
    b->integer = a->integer;
    b->dtype = a->dtype;
    memcpy(b->v, a->v, (size_t)a->count * sizeof *a->v);
    memcpy(b->slack, a->slack, (size_t)a->count * sizeof *a->slack);
    return b;
}

void or_free(or_array *a)
{
    if (!a) return;
    free(a->v);
    free(a->slack);
    free(a);
}

static or_attr *add(or_node *n, const char *name, enum or_kind kind)
{
    if (n->n_attrs == OR_MAX_ATTRS) {
        fputs("oracle: too many attributes\n", stderr);
        exit(99);
    }
    or_attr *a = &n->attrs[n->n_attrs++];
    memset(a, 0, sizeof *a);
    a->name = name;
    a->kind = kind;
    return a;
}

void or_set_int(or_node *n, const char *name, int64_t value)
{
    add(n, name, OR_INT)->i = value;
}

void or_set_float(or_node *n, const char *name, double value)
{
    add(n, name, OR_FLOAT)->f = (double)(float)value;
}

void or_set_string(or_node *n, const char *name, const char *value)
{
    add(n, name, OR_STRING)->s = value;
}

void or_set_ints(or_node *n, const char *name, int count, const int64_t *values)
{
    or_attr *a = add(n, name, OR_INTS);
    a->n = count;
    memcpy(a->list, values, (size_t)count * sizeof *values);
}

const or_attr *or_find(const or_node *n, const char *name)
{
    for (int i = 0; i < n->n_attrs; i++)
        if (!strcmp(n->attrs[i].name, name)) return &n->attrs[i];
    return NULL;
}

int64_t or_int(const or_node *n, const char *name, int64_t fallback)
{
    const or_attr *a = or_find(n, name);
    return a ? a->i : fallback;
}

double or_float(const or_node *n, const char *name, double fallback)
{
    const or_attr *a = or_find(n, name);
    return a ? a->f : (double)(float)fallback;
}

const char *or_string(const or_node *n, const char *name, const char *fallback)
{
    const or_attr *a = or_find(n, name);
    return a ? a->s : fallback;
}

int64_t or_at(const or_array *a, const int64_t *index)
{
    int64_t flat = 0;
    for (int i = 0; i < a->rank; i++)
        flat = flat * a->dims[i] + index[i];
    return flat;
}

void or_coordinates(const or_array *a, int64_t flat, int64_t *index)
{
    for (int i = a->rank - 1; i >= 0; i--) {
        index[i] = flat % a->dims[i];
        flat /= a->dims[i];
    }
}

int64_t or_broadcast_at(const or_array *a, int rank, const int64_t *index)
{
    int64_t flat = 0;
    for (int i = 0; i < a->rank; i++)
        flat = flat * a->dims[i] + (a->dims[i] == 1 ? 0 : index[rank - a->rank + i]);
    return flat;
}

bool or_broadcast(int *rank, int64_t *dims, const or_array *b)
{
    while (*rank < b->rank) {
        memmove(dims + 1, dims, (size_t)*rank * sizeof *dims);
        dims[0] = 1;
        ++*rank;
    }
    for (int i = 0; i < b->rank; i++) {
        int64_t *d = &dims[*rank - b->rank + i];
        if (*d == 1)
            *d = b->dims[i];
        else if (b->dims[i] != 1 && b->dims[i] != *d)
            return false;
    }
    return true;
}

/* Errors of single roundings add up like a random walk; the factor 2 and the 4 are margin. The sure
 * bound, terms * magnitude, would hide a lost term from about 3000 terms on. */
double or_sum_slack(double terms, double magnitude)
{
    return (4.0 + 2.0 * sqrt(terms)) * magnitude;
}

/* Output size and pads of one axis (Operators.md, MaxPool and Conv). */
static bool settle(or_window *w, const char *auto_pad, bool ceil_mode)
{
    int64_t extent = (w->k - 1) * w->dilation + 1;
    if (!strncmp(auto_pad, "SAME_", 5)) {
        w->out = (w->in + w->stride - 1) / w->stride;
        int64_t total = (w->out - 1) * w->stride + extent - w->in;
        if (total < 0) total = 0;
        w->pad_begin = !strcmp(auto_pad, "SAME_LOWER") ? total - total / 2 : total / 2;
        w->pad_end = total - w->pad_begin;
        return w->out > 0;
    }
    if (!strcmp(auto_pad, "VALID")) w->pad_begin = w->pad_end = 0;
    int64_t room = w->in + w->pad_begin + w->pad_end - extent;
    if (room < 0) return false;
    w->out = room / w->stride + 1;
    if (ceil_mode && strcmp(auto_pad, "VALID") && room % w->stride &&
        w->out * w->stride < w->in + w->pad_begin)
        w->out++; /* one more, unless it would start in the padding at the end */
    return true;
}

bool or_windows(const or_node *n, const or_array *x, const int64_t *kernel, or_window axis[3])
{
    int spatial = x->rank - 2;
    const char *auto_pad = or_string(n, "auto_pad", "NOTSET");
    const or_attr *strides = or_find(n, "strides"), *pads = or_find(n, "pads");
    const or_attr *dilations = or_find(n, "dilations");
    for (int i = 0; i < 3; i++)
        axis[i] = (or_window){.in = 1, .k = 1, .stride = 1, .dilation = 1, .out = 1};
    for (int i = 0; i < spatial; i++) {
        or_window *w = &axis[3 - spatial + i];
        w->in = x->dims[2 + i];
        w->k = kernel[i];
        w->stride = strides ? strides->list[i] : 1;
        w->dilation = dilations ? dilations->list[i] : 1;
        w->pad_begin = pads ? pads->list[i] : 0;
        w->pad_end = pads ? pads->list[spatial + i] : 0;
        if (!settle(w, auto_pad, or_int(n, "ceil_mode", 0) != 0)) return false;
    }
    return or_outputs(axis) > 0;
}

int64_t or_outputs(const or_window axis[3])
{
    for (int i = 0; i < 3; i++)
        if (axis[i].out < 1) return 0;
    return axis[0].out * axis[1].out * axis[2].out;
}

int64_t or_taps(const or_window axis[3])
{
    return axis[0].k * axis[1].k * axis[2].k;
}

int64_t or_reads(const or_window axis[3], int64_t o, int64_t t)
{
    int64_t place = 0, step = 1, outside = 0;
    for (int i = 2; i >= 0; i--) {
        const or_window *w = &axis[i];
        int64_t at = o % w->out * w->stride + t % w->k * w->dilation - w->pad_begin;
        if (at >= w->in + w->pad_end) return -2;
        if (at < 0 || at >= w->in) outside = 1;
        o /= w->out;
        t /= w->k;
        place += at * step;
        step *= w->in;
    }
    return outside ? -1 : place;
}

or_array *or_windowed(const or_array *x, int64_t channels, const or_window axis[3])
{
    int64_t dims[5] = {x->dims[0], channels};
    for (int i = 2; i < x->rank; i++)
        dims[i] = axis[3 - (x->rank - 2) + i - 2].out;
    return or_new(x->rank, dims);
}

bool or_compute(const or_node *n, or_array **out)
{
    static const struct {
        const char *op;
        or_function *f;
    } table[] = {
#define OR_OP(op, compute, draw) {op, compute},
#include "oracle_ops.def"
#undef OR_OP
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (!strcmp(table[i].op, n->op)) return table[i].f(n, out);
    fprintf(stderr, "oracle: no operator %s\n", n->op);
    return false;
}
