/* SPDX-License-Identifier: MIT */
#include <jansson.h>

#include "report/report.h"

/* --- Parts ------------------------------------------------------------------------------------ */

/* A name as it is; json_string refuses what is not UTF-8, and names from files may be anything. */
json_t *phi_json_text(const ph_account *a, const char *s)
{
    if (!s) return json_null();
    json_t *j = json_string(s);
    if (j) return j;
    char *clean = phi_clean_text(&a->mem, s);
    if (clean) j = json_string(clean);
    phi_free(&a->mem, clean);
    return j;
}

json_t *phi_json_count(int64_t n)
{
    return n == PH_UNKNOWN ? json_null() : json_integer((json_int_t)n);
}

/* The object or, if something is missing for lack of memory, NULL. */
static json_t *whole(json_t *object, bool ok)
{
    if (ok) return object;
    json_decref(object);
    return NULL;
}

/* Takes `value`; false if it or the memory for it is missing. */
static bool put(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

static bool put_count(json_t *object, const char *key, int64_t n)
{
    return put(object, key, phi_json_count(n));
}

/* null for 0: not known, or nothing to say */
static bool put_real(json_t *object, const char *key, double x)
{
    return put(object, key, x > 0 ? json_real(x) : json_null());
}

static double share(int64_t part, int64_t of)
{
    return of && part != PH_UNKNOWN ? (double)part / (double)of : 0.0;
}

static json_t *shape(const ph_layer_cost *l)
{
    if (!l->shape_known) return json_null();
    json_t *dims = json_array();
    bool ok = dims != NULL;
    for (size_t d = 0; d < l->output_rank; d++)
        ok &= json_array_append_new(dims, json_integer(l->output_dims[d])) == 0;
    return whole(dims, ok);
}

static bool put_plan(json_t *j, const ph_account *a, const ph_layer_cost *l)
{
    return !a->planned ||
           (put(j, "fused", json_boolean(l->fused)) && put_count(j, "live_bytes", l->live_bytes));
}

static bool put_bounds(json_t *j, const ph_account *a, const ph_layer_cost *l)
{
    if (a->flop_per_second == 0 && a->bytes_per_second == 0) return true;
    return put_real(j, "arithmetic_seconds", l->arithmetic_seconds) &&
           put_real(j, "memory_seconds", l->memory_seconds) &&
           put_real(j, "bound_seconds", l->bound_seconds);
}

json_t *phi_json_layer(const ph_account *a, const ph_layer_cost *l)
{
    const char *role = ph_role_name(l->role);
    json_t *j = json_object();
    const bool ok =
        put(j, "name", phi_json_text(a, l->name)) && put(j, "op", phi_json_text(a, l->op)) &&
        put(j, "output_shape", shape(l)) && put_count(j, "parameters", l->parameters) &&
        put_count(j, "weights", l->weights) && put_count(j, "running_statistics", l->statistics) &&
        put_count(j, "macs", l->macs) && put_count(j, "activation_bytes", l->activation_bytes) &&
        put_count(j, "moved_bytes", l->moved_bytes) &&
        put_real(j, "flop_per_byte", phi_intensity(l->macs, l->moved_bytes)) &&
        put(j, "kind", json_string(ph_kind_name(l->kind))) &&
        put(j, "role", role ? json_string(role) : json_null()) &&
        put(j, "classifier", json_boolean(l->classifier)) &&
        put(j, "unknown", phi_json_text(a, l->unknown)) && put_plan(j, a, l) &&
        put_bounds(j, a, l) &&
        put(j, "parameters_share", json_real(share(l->parameters, a->totals.parameters))) &&
        put(j, "macs_share", json_real(share(l->macs, a->totals.macs)));
    return whole(j, ok);
}

static bool put_planned_totals(json_t *j, const ph_account *a)
{
    const ph_totals *t = &a->totals;
    return !a->planned || (put_count(j, "planned_arena_bytes", t->arena_bytes) &&
                           put_count(j, "planned_live_bytes", t->peak_live_bytes) &&
                           put(j, "planned_peak_layer", phi_json_text(a, t->peak_layer)));
}

json_t *phi_json_totals(const ph_account *a)
{
    const ph_totals *t = &a->totals;
    json_t *j = json_object();
    bool ok =
        put_count(j, "layers", t->layers) && put_count(j, "parameters", t->parameters) &&
        put_count(j, "macs", t->macs) && put_count(j, "activation_bytes", t->activation_bytes) &&
        put_count(j, "parameter_bytes", t->parameter_bytes) &&
        put_count(j, "weights", t->weights) && put_count(j, "running_statistics", t->statistics) &&
        put_count(j, "classifier_parameters", t->classifier_parameters) &&
        put_count(j, "classifier_macs", t->classifier_macs) &&
        put_count(j, "moved_bytes", t->moved_bytes) &&
        put_real(j, "flop_per_byte", phi_intensity(t->macs, t->moved_bytes)) &&
        put_count(j, "layers_not_understood", t->unknown_nodes) &&
        put_count(j, "layers_with_unknown_macs", t->unknown_macs) &&
        put_count(j, "layers_with_unknown_activations", t->unknown_activations) &&
        put_planned_totals(j, a);
    if (a->flop_per_second > 0 || a->bytes_per_second > 0)
        ok = ok && put_real(j, "peak_flop_per_second", a->flop_per_second) &&
             put_real(j, "peak_bytes_per_second", a->bytes_per_second) &&
             put_real(j, "bound_seconds", t->bound_seconds);
    return whole(j, ok);
}

/* --- Published -------------------------------------------------------------------------------- */

static json_t *figure(const ph_account *a, const phi_published *p, int64_t counted)
{
    if (!p->text) return json_null();
    json_t *j = json_object();
    bool ok = put(j, "text", phi_json_text(a, p->text)) && put_count(j, "counted", counted);
    if (ok && p->is_read)
        ok = put(j, "figure", json_real(p->value)) &&
             put(j, "difference", json_real((double)counted - p->value)) &&
             put(j, "agrees", json_boolean(phi_agrees(p, counted)));
    return whole(j, ok);
}

json_t *phi_json_published(const ph_account *a)
{
    json_t *j = json_object(), *notes = json_array();
    bool ok = notes != NULL;
    for (size_t i = 0; i < a->n_notes; i++)
        ok &= json_array_append_new(notes, phi_json_text(a, a->notes[i])) == 0;
    ok &= put(j, "title", phi_json_text(a, a->title));
    ok &= put(j, "paper", phi_json_text(a, a->paper));
    ok &= put(j, "parameters", figure(a, &a->parameters, a->totals.parameters));
    ok &= put(j, "macs", figure(a, &a->macs, a->totals.macs));
    ok &= put(j, "notes", notes);
    return whole(j, ok);
}

/* --- Savings ---------------------------------------------------------------------------------- */

static bool put_module(json_t *j, const ph_module_cost *m)
{
    return put_count(j, "parameters_with", m->parameters_with) &&
           put_count(j, "parameters_without", m->parameters_without) &&
           put_count(j, "macs_with", m->macs_with) && put_count(j, "macs_without", m->macs_without);
}

static json_t *with_1x1(const ph_saving *s)
{
    if (!s->n_1x1) return json_null();
    json_t *j = json_object();
    return whole(j, put_count(j, "n_1x1", (int64_t)s->n_1x1) && put_module(j, &s->all));
}

static json_t *bottleneck(const ph_account *a, const ph_saving *s)
{
    if (!s->growth) return json_null();
    json_t *j = json_object();
    return whole(j, put(j, "growth", phi_json_text(a, s->growth)) &&
                        put_count(j, "c_out", s->c_out) && put_module(j, &s->bottleneck));
}

static json_t *saving(const ph_account *a, const ph_saving *s)
{
    const ph_module_cost first = {s->parameters_with, s->parameters_without, s->macs_with,
                                  s->macs_without};
    json_t *j = json_object();
    const bool ok = put(j, "reduction", phi_json_text(a, s->reduction)) &&
                    put(j, "consumer", phi_json_text(a, s->consumer)) &&
                    put_count(j, "n_consumers", (int64_t)s->n_consumers) &&
                    put_count(j, "c_in", s->c_in) && put_count(j, "c_reduced", s->c_reduced) &&
                    put_module(j, &first) && put(j, "with_1x1_readers", with_1x1(s)) &&
                    put(j, "bottleneck", bottleneck(a, s));
    return whole(j, ok);
}

/* --- The document ----------------------------------------------------------------------------- */

static json_t *document(const ph_account *a)
{
    json_t *layers = json_array(), *savings = json_array(), *doc = json_object();
    bool ok = layers && savings;
    for (size_t i = 0; i < a->n_layers; i++)
        ok &= json_array_append_new(layers, phi_json_layer(a, &a->layers[i])) == 0;
    for (size_t i = 0; i < a->n_savings; i++)
        ok &= json_array_append_new(savings, saving(a, &a->savings[i])) == 0;
    ok &= put(doc, "schema", json_integer(1));
    ok &= put(doc, "model", phi_json_text(a, a->model));
    ok &= put(doc, "inputs", phi_json_text(a, a->inputs));
    ok &= put(doc, "unit", json_string("1 MAC = 2 FLOP"));
    ok &= put(doc, "totals", phi_json_totals(a));
    ok &= put(doc, "published", phi_json_published(a));
    ok &= put(doc, "layers", layers);
    ok &= put(doc, "savings", savings);
    return whole(doc, ok);
}

enum ph_status phi_json_write(json_t *doc, FILE *f, ph_error *err)
{
    if (!doc) return phi_fail_nomem(err);
    /* ASCII: not even a control character beyond it reaches a terminal */
    const int failed = json_dumpf(doc, f, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    json_decref(doc);
    if (failed && !ferror(f)) return phi_fail_nomem(err);
    fputc('\n', f);
    return PH_OK;
}

enum ph_status phi_account_json(const ph_account *a, FILE *f, ph_error *err)
{
    return phi_json_write(document(a), f, err);
}
