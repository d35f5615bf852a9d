/* SPDX-License-Identifier: MIT */
/*
 * Checkpoints: the network as an ordinary ONNX model, with the optimiser's state as extra
 * constants, "pinhole/<state>/<parameter>", and everything else as metadata, "pinhole/train/<key>":
 *
 *   each setting       text, compared when a training is continued
 *   data               number, shape and CRC-32 of the images
 *   epoch, step        how far the training is: epochs done, steps done in the next one
 *   loss-sum, correct  running sums of that epoch; the loss as the 16 hexadecimal digits of its
 *                      IEEE 754 bits
 *
 * The order of images, augmentation and dropout need no state: they are functions of seed, epoch
 * and step.
 */
#include "train/trainer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define KEY_BYTES 96
#define STATE_NAME "pinhole/%s/%s"
#define OWN_PREFIX "pinhole/"

static void key_of(const char *name, char key[KEY_BYTES])
{
    snprintf(key, KEY_BYTES, "pinhole/train/%s", name);
}

static void data_text(const ph_dataset *d, char text[PHI_SETTING_TEXT])
{
    snprintf(text, PHI_SETTING_TEXT, "%zu images [%lld,%lld,%lld] crc32 %08" PRIx32, d->count,
             (long long)d->chw[0], (long long)d->chw[1], (long long)d->chw[2], phi_dataset_crc(d));
}

/* --- Saving ---------------------------------------------------------------------------------- */

static enum ph_status put(ph_graph *g, const char *name, const char *value, ph_error *err)
{
    char key[KEY_BYTES];
    key_of(name, key);
    return ph_graph_set_metadata(g, key, value, err);
}

static enum ph_status put_count(ph_graph *g, const char *name, uint64_t count, ph_error *err)
{
    char text[PHI_SETTING_TEXT];
    snprintf(text, sizeof text, "%" PRIu64, count);
    return put(g, name, text, err);
}

static enum ph_status put_metadata(const ph_trainer *t, ph_graph *g, ph_error *err)
{
    char text[PHI_SETTING_TEXT];
    enum ph_status st = PH_OK;
    const char *name;
    for (size_t i = 0; !st && (name = phi_train_setting(&t->settings, i, text)); i++)
        st = put(g, name, text, err);
    data_text(t->data, text);
    if (!st) st = put(g, "data", text, err);
    if (!st) st = put_count(g, "epoch", t->epoch, err);
    if (!st) st = put_count(g, "step", t->step, err);
    if (!st) st = put_count(g, "correct", t->n_correct, err);
    uint64_t bits;
    memcpy(&bits, &t->loss_sum, sizeof bits);
    snprintf(text, sizeof text, "%016" PRIx64, bits);
    return st ? st : put(g, "loss-sum", text, err);
}

/* The constant `name` of `g`, of the type of the parameter's weights; made if it is not there. */
static enum ph_status state_constant(ph_graph *g, const char *name, const ph_tensor *like,
                                     ph_tensor **out, ph_error *err)
{
    ph_value v;
    enum ph_status st = phi_graph_value(g, name, &v, err);
    if (st) return st;
    *out = g->values[v].constant; /* there if `g` came from a checkpoint itself */
    if (*out && phi_type_equal(&(*out)->type, &like->type)) return PH_OK;
    ph_tensor *made;
    st = phi_tensor_new(&g->mem, &like->type, &made, err);
    if (!st) st = phi_graph_set_constant(g, v, made, err);
    if (!st) *out = made;
    return st;
}

static enum ph_status put_state(const ph_trainer *t, ph_graph *g, size_t state, size_t param,
                                ph_error *err)
{
    const phi_optimiser *o = &t->optimiser;
    const phi_param *p = &o->params[param];
    char *name = phi_asprintf(&g->mem, STATE_NAME, phi_optimiser_state_name(o, state), p->name);
    if (!name) return phi_fail_nomem(err);
    ph_tensor *tensor = NULL;
    enum ph_status st = state_constant(g, name, t->graph->values[p->value].constant, &tensor, err);
    if (!st) memcpy(tensor->data, o->state[state] + o->first[param], p->n * sizeof(float));
    phi_free(&g->mem, name);
    return st;
}

enum ph_status ph_trainer_save(const ph_trainer *t, const char *path, ph_error *err)
{
    ph_graph *g = NULL;
    enum ph_status st = phi_graph_copy(t->graph, &g, err);
    if (!st) st = put_metadata(t, g, err);
    for (size_t k = 0; k < t->optimiser.n_states && !st; k++)
        for (size_t i = 0; i < t->optimiser.n_params && !st; i++)
            st = put_state(t, g, k, i, err);
    if (!st) st = ph_onnx_write(g, path, err);
    ph_graph_free(g);
    return st;
}

/* --- Is it a checkpoint of this training? ---------------------------------------------------- */

typedef struct checkpoint {
    const ph_graph *graph;
    const char *path;
    uint64_t epoch, step, correct;
    double loss_sum;
} checkpoint;

static enum ph_status get(const checkpoint *c, const char *name, const char **value, ph_error *err)
{
    char key[KEY_BYTES];
    key_of(name, key);
    *value = ph_graph_metadata(c->graph, key);
    if (*value) return PH_OK;
    return phi_fail(err, PH_ERR_FORMAT, c->path,
                    "%s: not a checkpoint of a training: metadata '%s' is missing", c->path, key);
}

/* A number of digits of `base` alone, at most `max`. */
static enum ph_status get_count(const checkpoint *c, const char *name, int base, uint64_t max,
                                uint64_t *out, ph_error *err)
{
    const char *text = NULL;
    enum ph_status st = get(c, name, &text, err);
    if (st) return st;
    const char *digits = base == 16 ? "0123456789abcdef" : "0123456789";
    size_t n = strlen(text);
    errno = 0;
    uint64_t value = strtoull(text, NULL, base);
    if (n > 0 && n <= 20 && strspn(text, digits) == n && errno == 0 && value <= max) {
        *out = value;
        return PH_OK;
    }
    return phi_fail(err, PH_ERR_FORMAT, c->path, "%s: metadata 'pinhole/train/%s' is '%.40s'",
                    c->path, name, text);
}

static enum ph_status get_position(const ph_trainer *t, checkpoint *c, ph_error *err)
{
    uint64_t bits = 0, images = 0;
    enum ph_status st = get_count(c, "epoch", 10, t->settings.n_epochs, &c->epoch, err);
    uint64_t max_step = c->epoch < t->settings.n_epochs ? t->steps_per_epoch - 1 : 0;
    if (!st) st = get_count(c, "step", 10, max_step, &c->step, err);
    images = c->step * t->settings.batch;
    if (!st) st = get_count(c, "correct", 10, images, &c->correct, err);
    if (!st) st = get_count(c, "loss-sum", 16, UINT64_MAX, &bits, err);
    memcpy(&c->loss_sum, &bits, sizeof bits);
    return st;
}

static enum ph_status compare_setting(const checkpoint *c, const char *name, const char *now,
                                      ph_error *err)
{
    const char *saved = NULL;
    enum ph_status st = get(c, name, &saved, err);
    if (st || strcmp(saved, now) == 0) return st;
    return phi_fail(err, PH_ERR_ARG, name,
                    "%s: %s was '%.60s' when this was saved, but is '%s' now", c->path, name, saved,
                    now);
}

static enum ph_status compare_settings(const ph_trainer *t, const checkpoint *c, ph_error *err)
{
    char text[PHI_SETTING_TEXT];
    const char *name;
    for (size_t i = 0; (name = phi_train_setting(&t->settings, i, text)); i++) {
        enum ph_status st = compare_setting(c, name, text, err);
        if (st) return st;
    }
    data_text(t->data, text);
    return compare_setting(c, "data", text, err);
}

/* --- Is it the same network? ----------------------------------------------------------------- */

static bool same_strings(const phi_attr *a, const phi_attr *b)
{
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(a->strings[i], b->strings[i]) != 0) return false;
    return true;
}

static bool same_tensor(const ph_tensor *a, const ph_tensor *b)
{
    return phi_type_equal(&a->type, &b->type) && memcmp(a->data, b->data, a->bytes) == 0;
}

static bool same_attr(const phi_attr *a, const phi_attr *b)
{
    if (a->kind != b->kind || a->n != b->n) return false;
    switch (a->kind) {
    case PH_ATTR_FLOAT:
        return memcmp(&a->f, &b->f, sizeof a->f) == 0;
    case PH_ATTR_INT:
        return a->i == b->i;
    case PH_ATTR_STRING:
        return a->s_bytes == b->s_bytes && memcmp(a->s, b->s, a->s_bytes) == 0;
    case PH_ATTR_FLOATS:
        return memcmp(a->floats, b->floats, a->n * sizeof *a->floats) == 0;
    case PH_ATTR_INTS:
        return memcmp(a->ints, b->ints, a->n * sizeof *a->ints) == 0;
    case PH_ATTR_STRINGS:
        return same_strings(a, b);
    case PH_ATTR_TENSOR:
        return same_tensor(a->tensor, b->tensor);
    }
    return true; /* a kind that no supported operator has */
}

static bool same_attrs(const phi_node *a, const phi_node *b)
{
    if (a->n_attrs != b->n_attrs) return false;
    for (size_t i = 0; i < a->n_attrs; i++) {
        bool found = false;
        for (size_t j = 0; j < b->n_attrs && !found; j++)
            found = strcmp(a->attrs[i].name, b->attrs[j].name) == 0 &&
                    same_attr(&a->attrs[i], &b->attrs[j]);
        if (!found) return false;
    }
    return true;
}

static bool same_names(const ph_graph *ga, size_t n, const ph_value *a, const ph_graph *gb,
                       const ph_value *b)
{
    for (size_t i = 0; i < n; i++) {
        if ((a[i] == PH_NONE) != (b[i] == PH_NONE)) return false;
        if (a[i] != PH_NONE && strcmp(ga->values[a[i]].name, gb->values[b[i]].name) != 0)
            return false;
    }
    return true;
}

static bool same_node(const ph_graph *ga, const phi_node *a, const ph_graph *gb, const phi_node *b)
{
    return strcmp(a->op_type, b->op_type) == 0 && strcmp(a->domain, b->domain) == 0 &&
           a->n_in == b->n_in && a->n_out == b->n_out &&
           same_names(ga, a->n_in, a->in, gb, b->in) &&
           same_names(ga, a->n_out, a->out, gb, b->out) && same_attrs(a, b);
}

static enum ph_status compare_nodes(const ph_trainer *t, const checkpoint *c, ph_error *err)
{
    const ph_graph *g = t->graph;
    if (g->n_nodes != c->graph->n_nodes)
        return phi_fail(err, PH_ERR_ARG, c->path,
                        "%s: another network: %zu nodes when this was saved, %zu now", c->path,
                        c->graph->n_nodes, g->n_nodes);
    for (size_t i = 0; i < g->n_nodes; i++)
        if (!same_node(g, &g->nodes[i], c->graph, &c->graph->nodes[i]))
            return phi_fail(err, PH_ERR_ARG, c->path,
                            "%s: another network: node %zu is %s '%s' there, %s '%s' now, or they "
                            "differ in inputs or attributes",
                            c->path, i, c->graph->nodes[i].op_type, c->graph->nodes[i].name,
                            g->nodes[i].op_type, g->nodes[i].name);
    return PH_OK;
}

/* The checkpoint's constant `name`, which must be of the type of `like`. */
static enum ph_status find_constant(const checkpoint *c, const char *name, const ph_tensor *like,
                                    const ph_tensor **out, ph_error *err)
{
    ph_value v = ph_graph_find(c->graph, name);
    *out = v == PH_NONE ? NULL : c->graph->values[v].constant;
    if (*out && phi_type_equal(&(*out)->type, &like->type)) return PH_OK;
    char want[PHI_TYPE_TEXT], have[PHI_TYPE_TEXT];
    return phi_fail(err, PH_ERR_FORMAT, c->path, "%s: constant '%s' is %s, wanted %s", c->path,
                    name, *out ? phi_type_text(&(*out)->type, have, sizeof have) : "missing",
                    phi_type_text(&like->type, want, sizeof want));
}

/* --- Taking it over -------------------------------------------------------------------------- */

/* Weights and running statistics; everything else must be the same as it is. `write` false: check
 * only. */
static enum ph_status take_constants(ph_trainer *t, const checkpoint *c, bool write, ph_error *err)
{
    for (size_t i = 0; i < t->graph->n_values; i++) {
        const phi_value *v = &t->graph->values[i];
        if (!v->constant || strncmp(v->name, OWN_PREFIX, strlen(OWN_PREFIX)) == 0) continue;
        const ph_tensor *saved = NULL;
        enum ph_status st = find_constant(c, v->name, v->constant, &saved, err);
        if (st) return st;
        if (v->constant->type.dtype == PH_FLOAT32) {
            if (write) memcpy(v->constant->data, saved->data, saved->bytes);
        } else if (!same_tensor(v->constant, saved)) {
            return phi_fail(err, PH_ERR_ARG, c->path, "%s: another network: constant '%s' differs",
                            c->path, v->name);
        }
    }
    return PH_OK;
}

static enum ph_status take_state(ph_trainer *t, const checkpoint *c, size_t state, size_t param,
                                 bool write, ph_error *err)
{
    const phi_optimiser *o = &t->optimiser;
    const phi_param *p = &o->params[param];
    char *name = phi_asprintf(&t->mem, STATE_NAME, phi_optimiser_state_name(o, state), p->name);
    if (!name) return phi_fail_nomem(err);
    const ph_tensor *saved = NULL;
    enum ph_status st = find_constant(c, name, t->graph->values[p->value].constant, &saved, err);
    if (!st && write) memcpy(o->state[state] + o->first[param], saved->data, saved->bytes);
    phi_free(&t->mem, name);
    return st;
}

static enum ph_status take(ph_trainer *t, const checkpoint *c, bool write, ph_error *err)
{
    enum ph_status st = take_constants(t, c, write, err);
    for (size_t k = 0; k < t->optimiser.n_states && !st; k++)
        for (size_t i = 0; i < t->optimiser.n_params && !st; i++)
            st = take_state(t, c, k, i, write, err);
    return st;
}

static enum ph_status resume(ph_trainer *t, checkpoint *c, ph_error *err)
{
    const char *ignored;
    enum ph_status st = get(c, "epoch", &ignored, err); /* is it a checkpoint at all? */
    if (!st) st = compare_settings(t, c, err);
    if (!st) st = compare_nodes(t, c, err);
    if (!st) st = get_position(t, c, err);
    if (!st) st = take(t, c, false, err);
    if (!st) st = take(t, c, true, err);
    if (st) return st;
    t->epoch = (size_t)c->epoch;
    t->step = (size_t)c->step;
    t->n_correct = c->correct;
    t->loss_sum = c->loss_sum;
    t->order_ready = false;
    return PH_OK;
}

enum ph_status ph_trainer_resume(ph_trainer *t, const char *path, ph_error *err)
{
    ph_graph *g = NULL;
    enum ph_status st = ph_onnx_read(&t->mem, path, &g, err);
    if (st) return st;
    checkpoint c = {.graph = g, .path = path};
    st = resume(t, &c, err);
    ph_graph_free(g);
    return st;
}
