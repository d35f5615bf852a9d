/* SPDX-License-Identifier: MIT */
#include "plan/measurements.h"

#include <jansson.h>

#include "base/cpu.h"
#include "base/file.h"

#define MOST_BYTES ((size_t)16 << 20) /* of a file: thousands of machines */
#define SCHEMA 1

/* --- This machine ---------------------------------------------------------------------------- */

/* What tells machines apart: these members, and "threads". */
typedef struct identity {
    char processor[128];
    const char *isa, *version;
    json_int_t threads;
} identity;

static identity this_machine(const phi_measurements *m)
{
    identity i = {
        .isa = ph_cpu_isa(), .version = ph_version(), .threads = (json_int_t)m->n_threads};
    phi_cpu_name(i.processor, sizeof i.processor);
    return i;
}

static bool has_text(const json_t *machine, const char *key, const char *value)
{
    const char *text = json_string_value(json_object_get(machine, key));
    return text && strcmp(text, value) == 0;
}

static bool is_machine(const json_t *machine, const identity *i)
{
    const json_t *threads = json_object_get(machine, "threads");
    return has_text(machine, "processor", i->processor) && has_text(machine, "isa", i->isa) &&
           has_text(machine, "pinhole", i->version) && json_is_integer(threads) &&
           json_integer_value(threads) == i->threads;
}

/* --- Reading --------------------------------------------------------------------------------- */

static enum ph_status refuse(const char *path, const char *what, ph_error *err)
{
    return phi_fail(err, PH_ERR_FORMAT, path, "'%s' is not a file of measurements: %s", path, what);
}

static enum ph_status check_problem(const char *path, const char *problem, json_t *times,
                                    ph_error *err)
{
    const char *method;
    json_t *time;
    if (!json_is_object(times)) return refuse(path, "a member of \"ns\" is not an object", err);
    json_object_foreach(times, method, time)
    {
        if (json_integer_value(time) > 0) continue;
        return phi_fail(err, PH_ERR_FORMAT, path,
                        "'%s' is not a file of measurements: the time of '%s' by '%s' is not a "
                        "positive integer",
                        path, problem, method);
    }
    return PH_OK;
}

/* Times on this machine, which are going to be believed. */
static enum ph_status check_times(const char *path, json_t *ns, ph_error *err)
{
    const char *problem;
    json_t *times;
    enum ph_status st = PH_OK;
    if (!json_is_object(ns)) return refuse(path, "\"ns\" is not an object", err);
    json_object_foreach(ns, problem, times)
    {
        if (!st) st = check_problem(path, problem, times, err);
    }
    return st;
}

static enum ph_status find_machine(phi_measurements *m, const char *path, ph_error *err)
{
    const identity i = this_machine(m);
    const json_t *machines = json_object_get(m->root, "machines"), *machine;
    size_t at;
    if (!json_is_array(machines)) return refuse(path, "it has no array \"machines\"", err);
    json_array_foreach(machines, at, machine)
    {
        if (!json_is_object(machine)) return refuse(path, "a machine is not an object", err);
        if (m->ns || !is_machine(machine, &i)) continue;
        m->ns = json_object_get(machine, "ns");
        enum ph_status st = check_times(path, m->ns, err);
        if (st) return st;
    }
    return PH_OK;
}

static enum ph_status check_schema(const phi_measurements *m, const char *path, ph_error *err)
{
    const json_t *schema = json_object_get(m->root, "schema");
    if (!json_is_integer(schema)) return refuse(path, "it has no integer \"schema\"", err);
    if (json_integer_value(schema) == SCHEMA) return PH_OK;
    return phi_fail(err, PH_ERR_UNSUPPORTED, path,
                    "'%s' has measurements of schema %lld, %d is understood", path,
                    (long long)json_integer_value(schema), SCHEMA);
}

static enum ph_status parse(phi_measurements *m, const char *path, const char *text, size_t n,
                            ph_error *err)
{
    json_error_t e;
    m->root = json_loadb(text, n, JSON_REJECT_DUPLICATES, &e);
    if (!m->root && (!e.text[0] || json_error_code(&e) == json_error_out_of_memory))
        return phi_fail_nomem(err);
    if (!m->root)
        return phi_fail(err, PH_ERR_FORMAT, path, "'%s' is not JSON, line %d: %s", path, e.line,
                        e.text);
    if (!json_is_object(m->root)) return refuse(path, "it is not an object", err);
    enum ph_status st = check_schema(m, path, err);
    return st ? st : find_machine(m, path, err);
}

/* A file without machines. */
static enum ph_status start(phi_measurements *m, ph_error *err)
{
    m->root = json_pack("{s:i, s:[]}", "schema", SCHEMA, "machines");
    m->missing = true;
    return m->root ? PH_OK : phi_fail_nomem(err);
}

enum ph_status phi_measurements_read(const ph_allocator *mem, const char *path, bool may_be_missing,
                                     size_t n_threads, phi_measurements *out, ph_error *err)
{
    unsigned char *text = NULL;
    size_t n;
    *out = (phi_measurements){.n_threads = n_threads};
    enum ph_status st = phi_file_read_limit(mem, path, MOST_BYTES, &text, &n, err);
    if (st == PH_ERR_NOT_FOUND && may_be_missing) return start(out, err);
    if (!st) st = parse(out, path, (const char *)text, n, err);
    phi_free(mem, text);
    if (st) phi_measurements_free(out);
    return st;
}

void phi_measurements_free(phi_measurements *m)
{
    json_decref(m->root);
    *m = (phi_measurements){.n_threads = m->n_threads};
}

int64_t phi_measurements_ns(const phi_measurements *m, const char *problem, const char *method)
{
    return json_integer_value(json_object_get(json_object_get(m->ns, problem), method));
}

/* --- Writing --------------------------------------------------------------------------------- */

static bool add_machine(phi_measurements *m)
{
    const identity i = this_machine(m);
    json_t *machine = json_pack("{s:s, s:s, s:s, s:I, s:{}}", "processor", i.processor, "isa",
                                i.isa, "pinhole", i.version, "threads", i.threads, "ns");
    if (!machine || json_array_append_new(json_object_get(m->root, "machines"), machine))
        return false;
    m->ns = json_object_get(machine, "ns");
    return true;
}

bool phi_measurements_set(phi_measurements *m, const char *problem, const char *method, int64_t ns)
{
    if (!m->ns && !add_machine(m)) return false;
    json_t *times = json_object_get(m->ns, problem);
    if (!times) {
        times = json_object();
        if (json_object_set_new(m->ns, problem, times)) return false;
    }
    return json_object_set_new(times, method, json_integer((json_int_t)ns)) == 0;
}

enum ph_status phi_measurements_write(const ph_allocator *mem, const phi_measurements *m,
                                      const char *path, ph_error *err)
{
    const size_t flags = JSON_INDENT(2);
    const size_t n = json_dumpb(m->root, NULL, 0, flags);
    if (n >= MOST_BYTES)
        return phi_fail(err, PH_ERR_OVERFLOW, path,
                        "'%s' would have more than %zu MiB of measurements", path,
                        MOST_BYTES >> 20);
    char *text = n ? phi_alloc(mem, n + 1) : NULL;
    if (!text) return phi_fail_nomem(err);
    enum ph_status st = PH_OK;
    if (json_dumpb(m->root, text, n, flags) != n)
        st = phi_fail_nomem(err);
    else
        text[n] = '\n';
    if (!st) st = phi_file_write(mem, path, text, n + 1, err);
    phi_free(mem, text);
    return st;
}
