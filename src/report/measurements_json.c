/* SPDX-License-Identifier: MIT */
/*
 * The file of what was measured, by machine.
 *
 *   {"schema": 1, "machines": [
 *     {"processor": "...", "isa": "avx512", "pinhole": "0.1.0", "threads": 2,
 *      "ns": {"Conv c64 ...": {"window gemm": 820000, "Winograd F(4x4,3x3)": 410000}}}]}
 *
 * Members and machines that are not known here stay as they are.
 */
#include <jansson.h>

#include "base/cpu.h"
#include "base/file.h"
#include "base/measurements.h"

#define MOST_BYTES ((size_t)16 << 20) /* of a file: thousands of machines */
#define SCHEMA 1

#define PROCESSOR_BYTES 128
#define MOST_TIMES 64 /* of a problem, that are looked at; there are not as many methods */

/* --- Reading --------------------------------------------------------------------------------- */

static enum ph_status refuse(const char *path, const char *what, ph_error *err)
{
    return phi_fail(err, PH_ERR_FORMAT, path, "'%s' is not a file of measurements: %s", path, what);
}

static bool has_text(const json_t *machine, const char *key, const char *value)
{
    const char *text = json_string_value(json_object_get(machine, key));
    return text && strcmp(text, value) == 0;
}

/* Is it this processor and version? Then *isa and *n_threads say with what was measured. */
static bool is_here(const json_t *machine, const char *processor, const char **isa,
                    size_t *n_threads)
{
    const char *word = json_string_value(json_object_get(machine, "isa"));
    const json_int_t threads = json_integer_value(json_object_get(machine, "threads"));
    *isa = word ? phi_cpu_isa_word(word) : NULL;
    *n_threads = (size_t)threads;
    return *isa && threads > 0 && has_text(machine, "processor", processor) &&
           has_text(machine, "pinhole", ph_version());
}

static enum ph_status take_times(ph_measurements *m, phi_timing *t, json_t *times, const char *path,
                                 ph_error *err)
{
    const char *method;
    json_t *time;
    json_object_foreach(times, method, time)
    {
        const json_int_t ns = json_integer_value(time);
        if (ns <= 0)
            return phi_fail(err, PH_ERR_FORMAT, path,
                            "'%s' is not a file of measurements: the time of '%s' by '%s' is not a "
                            "positive integer",
                            path, t->problem, method);
        if (t->n_times < MOST_TIMES && !phi_timing_add(m, t, method, ns))
            return phi_fail_nomem(err);
    }
    return PH_OK;
}

/* Times on this machine, which are going to be believed. */
static enum ph_status take_machine(ph_measurements *m, const char *isa, size_t n_threads,
                                   json_t *ns, const char *path, ph_error *err)
{
    const char *problem;
    json_t *times;
    if (!json_is_object(ns)) return refuse(path, "\"ns\" is not an object", err);
    json_object_foreach(ns, problem, times)
    {
        if (!json_is_object(times)) return refuse(path, "a member of \"ns\" is not an object", err);
        if (strlen(problem) >= PHI_PROBLEM_BYTES || phi_timing_find(m, isa, n_threads, problem))
            continue;
        phi_timing *t = phi_timing_new(m, isa, n_threads, problem);
        if (!t) return phi_fail_nomem(err);
        enum ph_status st = take_times(m, t, times, path, err);
        if (st) return st;
    }
    return PH_OK;
}

static enum ph_status take_machines(ph_measurements *m, const json_t *root, const char *path,
                                    ph_error *err)
{
    const json_t *machines = json_object_get(root, "machines"), *machine;
    char processor[PROCESSOR_BYTES];
    const char *isa;
    size_t at, n_threads;
    phi_cpu_name(processor, sizeof processor);
    if (!json_is_array(machines)) return refuse(path, "it has no array \"machines\"", err);
    json_array_foreach(machines, at, machine)
    {
        if (!json_is_object(machine)) return refuse(path, "a machine is not an object", err);
        if (!is_here(machine, processor, &isa, &n_threads)) continue;
        enum ph_status st =
            take_machine(m, isa, n_threads, json_object_get(machine, "ns"), path, err);
        if (st) return st;
    }
    return PH_OK;
}

static enum ph_status check_schema(const json_t *root, const char *path, ph_error *err)
{
    const json_t *schema = json_object_get(root, "schema");
    if (!json_is_integer(schema)) return refuse(path, "it has no integer \"schema\"", err);
    if (json_integer_value(schema) == SCHEMA) return PH_OK;
    return phi_fail(err, PH_ERR_UNSUPPORTED, path,
                    "'%s' has measurements of schema %lld, %d is understood", path,
                    (long long)json_integer_value(schema), SCHEMA);
}

static enum ph_status parse(const char *path, const char *text, size_t n, json_t **root,
                            ph_error *err)
{
    json_error_t e;
    *root = json_loadb(text, n, JSON_REJECT_DUPLICATES, &e);
    if (!*root && (!e.text[0] || json_error_code(&e) == json_error_out_of_memory))
        return phi_fail_nomem(err);
    if (!*root)
        return phi_fail(err, PH_ERR_FORMAT, path, "'%s' is not JSON, line %d: %s", path, e.line,
                        e.text);
    if (!json_is_object(*root)) return refuse(path, "it is not an object", err);
    return check_schema(*root, path, err);
}

/* The file as it is, and what it knows of this machine. *root and *m are to be freed, whatever
 * comes of it. */
static enum ph_status load(const ph_allocator *mem, const char *path, json_t **root,
                           ph_measurements **m, ph_error *err)
{
    unsigned char *text = NULL;
    size_t n;
    enum ph_status st = ph_measurements_new(mem, m, err);
    if (!st) st = phi_file_read_limit(mem, path, MOST_BYTES, &text, &n, err);
    if (!st) st = parse(path, (const char *)text, n, root, err);
    if (!st) st = take_machines(*m, *root, path, err);
    phi_free(mem, text);
    return st;
}

enum ph_status ph_measurements_read(const ph_allocator *mem, const char *path,
                                    ph_measurements **out, ph_error *err)
{
    json_t *root = NULL;
    ph_measurements *m = NULL;
    enum ph_status st = load(mem, path, &root, &m, err);
    json_decref(root);
    if (st)
        ph_measurements_free(m);
    else
        *out = m;
    return st;
}

/* --- Writing --------------------------------------------------------------------------------- */

/* The times of the machine on which `t` was measured, which is added if need be. NULL: out of
 * memory. */
static json_t *times_of(json_t *root, const phi_timing *t)
{
    json_t *machines = json_object_get(root, "machines"), *machine;
    char processor[PROCESSOR_BYTES];
    const char *isa;
    size_t at, n_threads;
    phi_cpu_name(processor, sizeof processor);
    json_array_foreach(machines, at, machine)
    {
        if (is_here(machine, processor, &isa, &n_threads) && isa == t->isa &&
            n_threads == t->n_threads)
            return json_object_get(machine, "ns");
    }
    machine = json_pack("{s:s, s:s, s:s, s:I, s:{}}", "processor", processor, "isa", t->isa,
                        "pinhole", ph_version(), "threads", (json_int_t)t->n_threads, "ns");
    if (!machine || json_array_append_new(machines, machine)) return NULL;
    return json_object_get(machine, "ns");
}

/* false: out of memory */
static bool put_timing(json_t *ns, const phi_timing *t)
{
    json_t *times = json_object_get(ns, t->problem);
    if (!times) {
        times = json_object();
        if (json_object_set_new(ns, t->problem, times)) return false;
    }
    for (size_t i = 0; i < t->n_times; i++)
        if (json_object_set_new(times, t->times[i].method, json_integer(t->times[i].ns)))
            return false;
    return true;
}

/* Times that somebody else has written meanwhile, for all methods of `t`. */
static bool agree(phi_timing *t, const phi_timing *there)
{
    for (size_t i = 0; i < t->n_times; i++)
        if (!phi_timing_ns(there, t->times[i].method)) return false;
    for (size_t i = 0; i < t->n_times; i++)
        t->times[i].ns = phi_timing_ns(there, t->times[i].method);
    return true;
}

/* *added: was there anything that the file does not know? */
static enum ph_status merge(ph_measurements *m, const ph_measurements *there, json_t *root,
                            bool *added, ph_error *err)
{
    const phi_timing *last = NULL; /* that was added, to `ns` */
    json_t *ns = NULL;
    for (size_t i = 0; i < m->n_timings; i++) {
        phi_timing *t = &m->timings[i];
        if (agree(t, phi_timing_find(there, t->isa, t->n_threads, t->problem))) continue;
        if (!last || last->isa != t->isa || last->n_threads != t->n_threads) ns = times_of(root, t);
        if (!ns || !put_timing(ns, t)) return phi_fail_nomem(err);
        last = t;
        *added = true;
    }
    return PH_OK;
}

static enum ph_status store(const ph_allocator *mem, const json_t *root, const char *path,
                            ph_error *err)
{
    const size_t flags = JSON_INDENT(2);
    const size_t n = json_dumpb(root, NULL, 0, flags);
    if (n >= MOST_BYTES)
        return phi_fail(err, PH_ERR_OVERFLOW, path,
                        "'%s' would have more than %zu MiB of measurements", path,
                        MOST_BYTES >> 20);
    char *text = n ? phi_alloc(mem, n + 1) : NULL;
    if (!text) return phi_fail_nomem(err);
    enum ph_status st = PH_OK;
    if (json_dumpb(root, text, n, flags) != n)
        st = phi_fail_nomem(err);
    else
        text[n] = '\n';
    if (!st) st = phi_file_write(mem, path, text, n + 1, err);
    phi_free(mem, text);
    return st;
}

enum ph_status ph_measurements_write(ph_measurements *m, const char *path, ph_error *err)
{
    json_t *root = NULL;
    ph_measurements *there = NULL;
    enum ph_status st = load(&m->mem, path, &root, &there, err);
    bool changed = st == PH_ERR_NOT_FOUND;
    if (changed) {
        root = json_pack("{s:i, s:[]}", "schema", SCHEMA, "machines");
        st = root ? PH_OK : phi_fail_nomem(err);
    }
    if (!st) st = merge(m, there, root, &changed, err);
    if (!st && changed) st = store(&m->mem, root, path, err);
    ph_measurements_free(there);
    json_decref(root);
    return st;
}
