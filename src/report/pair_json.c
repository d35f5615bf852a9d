/* SPDX-License-Identifier: MIT */
#include <jansson.h>

#include "report/pair.h"

static const char *const sides[] = {"a", "b"};

/* Takes `value`; false if it or the memory for it is missing. */
static bool put(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

static json_t *whole(json_t *object, bool ok)
{
    if (ok) return object;
    json_decref(object);
    return NULL;
}

/* b / a, or null */
static bool put_ratio(json_t *j, const char *key, double a, double b)
{
    return put(j, key, a > 0 && b >= 0 ? json_real(b / a) : json_null());
}

static json_t *network(const ph_account *a)
{
    json_t *j = json_object();
    return whole(j, put(j, "model", phi_json_text(a, a->model)) &&
                        put(j, "inputs", phi_json_text(a, a->inputs)) &&
                        put(j, "totals", phi_json_totals(a)) &&
                        put(j, "published", phi_json_published(a)));
}

/* Ratios B / A; of parameters also without A's classifier, B's and both. */
static json_t *ratios(const ph_totals *a, const ph_totals *b)
{
    const double pa = (double)a->parameters, pb = (double)b->parameters;
    const double ca = (double)a->classifier_parameters, cb = (double)b->classifier_parameters;
    json_t *j = json_object();
    return whole(
        j,
        put_ratio(j, "parameters", pa, pb) &&
            put_ratio(j, "parameters_without_a_classifier", pa - ca, pb) &&
            put_ratio(j, "parameters_without_b_classifier", pa, pb - cb) &&
            put_ratio(j, "parameters_without_classifiers", pa - ca, pb - cb) &&
            put_ratio(j, "weights", (double)a->weights, (double)b->weights) &&
            put_ratio(j, "macs", (double)a->macs, (double)b->macs) &&
            put_ratio(j, "activation_bytes", (double)a->activation_bytes,
                      (double)b->activation_bytes) &&
            put_ratio(j, "moved_bytes", (double)a->moved_bytes, (double)b->moved_bytes) &&
            put_ratio(j, "planned_arena_bytes", (double)a->arena_bytes, (double)b->arena_bytes) &&
            put_ratio(j, "bound_seconds", a->bound_seconds, b->bound_seconds));
}

static json_t *part(const phi_part *p)
{
    json_t *j = json_object();
    return whole(j, put(j, "layers", phi_json_count(p->layers)) &&
                        put(j, "parameters", phi_json_count(p->parameters)) &&
                        put(j, "macs", phi_json_count(p->macs)) &&
                        put(j, "layers_with_unknown_macs", phi_json_count(p->unknown_macs)));
}

static json_t *parts(const char *key, const char *name, const phi_part both[2])
{
    json_t *j = json_object();
    bool ok = put(j, key, json_string(name));
    for (int side = 0; side < 2; side++)
        ok = ok && put(j, sides[side], part(&both[side]));
    return whole(j, ok);
}

static json_t *match(const phi_pair *p, const phi_match *m)
{
    json_t *j = json_object();
    const bool ok = put(j, "same_costs", json_boolean(phi_match_is_same(m))) &&
                    put(j, "a", m->a ? phi_json_layer(p->of[0], m->a) : json_null()) &&
                    put(j, "b", m->b ? phi_json_layer(p->of[1], m->b) : json_null());
    return whole(j, ok);
}

static json_t *document(const phi_pair *p)
{
    json_t *kinds = json_array(), *sizes = json_array(), *layers = json_array();
    json_t *doc = json_object();
    char buf[PHI_TYPE_TEXT];
    bool ok = kinds && sizes && layers;
    for (int k = 0; k < PH_N_KINDS; k++)
        ok &= json_array_append_new(kinds,
                                    parts("kind", ph_kind_name((enum ph_kind)k), p->kinds[k])) == 0;
    for (size_t i = 0; i < p->n_sizes; i++)
        ok &= json_array_append_new(
                  sizes, parts("output", phi_size_text(p, i, buf), p->sizes[i].part)) == 0;
    for (size_t i = 0; i < p->n_matches; i++)
        ok &= json_array_append_new(layers, match(p, &p->matches[i])) == 0;
    ok &= put(doc, "schema", json_integer(1));
    ok &= put(doc, "unit", json_string("1 MAC = 2 FLOP"));
    for (int side = 0; side < 2; side++)
        ok &= put(doc, sides[side], network(p->of[side]));
    ok &= put(doc, "ratios_b_to_a", ratios(&p->of[0]->totals, &p->of[1]->totals));
    ok &= put(doc, "kinds", kinds);
    ok &= put(doc, "sizes", sizes);
    ok &= put(doc, "layers_aligned", json_boolean(p->aligned));
    ok &= put(doc, "layers", layers);
    return whole(doc, ok);
}

enum ph_status phi_pair_json(const phi_pair *p, FILE *f, ph_error *err)
{
    return phi_json_write(document(p), f, err);
}
