/* SPDX-License-Identifier: MIT */
#include <jansson.h>

#include "report/report.h"

/* A name as it is; json_string refuses what is not UTF-8, and names from files may be anything. */
static json_t *text(const ph_account *a, const char *s)
{
    json_t *j = json_string(s);
    if (j) return j;
    char *clean = phi_clean_text(&a->mem, s);
    if (clean) j = json_string(clean);
    phi_free(&a->mem, clean);
    return j;
}

static double share(int64_t part, int64_t whole)
{
    return whole ? (double)part / (double)whole : 0.0;
}

static json_t *layer(const ph_account *a, const ph_layer_cost *l)
{
    const char *role = ph_role_name(l->role);
    json_t *shape = json_array();
    bool ok = true;
    for (size_t d = 0; d < l->output_rank; d++)
        ok &= json_array_append_new(shape, json_integer(l->output_dims[d])) == 0;
    if (!ok) {
        json_decref(shape);
        return NULL;
    }
    return json_pack("{so so so sI sI sI so sf sf}", "name", text(a, l->name), "op", text(a, l->op),
                     "output_shape", shape, "parameters", (json_int_t)l->parameters, "macs",
                     (json_int_t)l->macs, "activation_bytes", (json_int_t)l->activation_bytes,
                     "role", role ? json_string(role) : json_null(), "parameters_share",
                     share(l->parameters, a->totals.parameters), "macs_share",
                     share(l->macs, a->totals.macs));
}

static json_t *saving(const ph_account *a, const ph_saving *s)
{
    return json_pack("{so so sI sI sI sI sI sI sI}", "reduction", text(a, s->reduction), "consumer",
                     text(a, s->consumer), "n_consumers", (json_int_t)s->n_consumers, "c_in",
                     (json_int_t)s->c_in, "c_reduced", (json_int_t)s->c_reduced, "parameters_with",
                     (json_int_t)s->parameters_with, "parameters_without",
                     (json_int_t)s->parameters_without, "macs_with", (json_int_t)s->macs_with,
                     "macs_without", (json_int_t)s->macs_without);
}

static json_t *document(const ph_account *a)
{
    json_t *layers = json_array(), *savings = json_array();
    bool ok = true;
    for (size_t i = 0; i < a->n_layers; i++)
        ok &= json_array_append_new(layers, layer(a, &a->layers[i])) == 0;
    for (size_t i = 0; i < a->n_savings; i++)
        ok &= json_array_append_new(savings, saving(a, &a->savings[i])) == 0;
    const ph_totals *t = &a->totals;
    json_t *totals = json_pack("{sI sI sI sI sI}", "layers", (json_int_t)t->layers, "parameters",
                               (json_int_t)t->parameters, "macs", (json_int_t)t->macs,
                               "activation_bytes", (json_int_t)t->activation_bytes,
                               "parameter_bytes", (json_int_t)t->parameter_bytes);
    json_t *doc = json_pack("{si so so ss so so so}", "schema", 1, "model", text(a, a->model),
                            "inputs", text(a, a->inputs), "unit", "1 MAC = 2 FLOP", "totals",
                            totals, "layers", layers, "savings", savings);
    if (ok) return doc;
    json_decref(doc);
    return NULL;
}

enum ph_status phi_account_json(const ph_account *a, FILE *f, ph_error *err)
{
    json_t *doc = document(a);
    if (!doc) return phi_fail_nomem(err);
    /* ASCII: not even a control character beyond it reaches a terminal */
    const int failed = json_dumpf(doc, f, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    json_decref(doc);
    if (failed && !ferror(f)) return phi_fail_nomem(err);
    fputc('\n', f);
    return PH_OK;
}
