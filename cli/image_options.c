/* SPDX-License-Identifier: MIT */
/*
 * How images become the input of a network: from options and metadata.
 */
#include "image_options.h"

#include <stdlib.h>
#include <string.h>

#define METADATA "pinhole.image."

/* The option for a key of ph_image_prep_set; NULL if it is not given. */
static const char *option_value(const image_options *o, const char *key)
{
    const struct {
        const char *key, *value;
    } values[] = {
        {"preset", o->preset},
        {"resize", o->resize},
        {"crop", o->crop},
        {"interpolation", o->interpolation},
        {"scale", o->scale},
        {"mean", o->mean},
        {"std", o->std},
        {"order", o->bgr ? "bgr" : o->order},
        {"invert", o->invert ? "true" : NULL},
        {"layout", o->layout},
    };
    for (size_t i = 0; i < CLI_COUNT(values); i++) {
        if (strcmp(key, values[i].key) == 0) return values[i].value;
    }
    return NULL;
}

bool image_options_any(const image_options *o)
{
    for (size_t i = 0; ph_image_prep_key(i); i++) {
        if (option_value(o, ph_image_prep_key(i))) return true;
    }
    return false;
}

static const char *metadata_value(const ph_graph *g, const char *key)
{
    char name[64];
    snprintf(name, sizeof name, METADATA "%s", key);
    return ph_graph_metadata(g, name);
}

static bool metadata_any(const ph_graph *g)
{
    for (size_t i = 0; ph_image_prep_key(i); i++) {
        if (metadata_value(g, ph_image_prep_key(i))) return true;
    }
    return false;
}

/* --- The input ------------------------------------------------------------------------------- */

static int find_input(const ph_graph *g, const char *model, image_input *in, int64_t *dims)
{
    char list[512];
    if (ph_graph_n_inputs(g) != 1) {
        return cli_error(CLI_UNSUPPORTED, "%s: %zu inputs (%s); one image goes into one", model,
                         ph_graph_n_inputs(g), cli_list_inputs(g, NULL, NULL, list, sizeof list));
    }
    in->value = ph_graph_input(g, 0);
    in->name = ph_value_name(g, in->value);
    int rank = ph_value_type(g, in->value, &in->dtype, dims);
    if (rank < 0) { /* not declared */
        rank = 4;
        for (int i = 0; i < rank; i++) {
            dims[i] = -1;
        }
    }
    in->rank = (size_t)rank;
    return CLI_OK;
}

/* The preset to begin with where nothing says it: for one channel and for bytes those that need no
 * knowledge, otherwise what most networks of ImageNet take. */
static const char *guess_preset(const image_input *in, const int64_t *dims)
{
    if (in->dtype == PH_UINT8) return "raw";
    bool grey = in->rank >= 3 && (dims[in->rank - 3] == 1 || dims[in->rank - 1] == 1);
    return grey ? "unit" : "torchvision";
}

static int set_metadata(const ph_graph *g, const char *model, image_input *in, bool *layout)
{
    ph_error err = {0};
    for (size_t i = 0; ph_image_prep_key(i); i++) {
        const char *key = ph_image_prep_key(i), *value = metadata_value(g, key);
        if (!value || strcmp(key, "preset") == 0) continue;
        if (strcmp(key, "layout") == 0) *layout = true;
        if (ph_image_prep_set(&in->prep, key, value, &err)) {
            return cli_error(CLI_INPUT, "%s: metadata: %s", model, err.message);
        }
    }
    return CLI_OK;
}

static int set_options(const image_options *o, image_input *in, bool *layout)
{
    ph_error err = {0};
    for (size_t i = 0; ph_image_prep_key(i); i++) {
        const char *key = ph_image_prep_key(i), *value = option_value(o, key);
        if (!value || strcmp(key, "preset") == 0) continue;
        if (strcmp(key, "layout") == 0) *layout = true;
        if (ph_image_prep_set(&in->prep, key, value, &err)) return cli_usage("%s", err.message);
    }
    return CLI_OK;
}

static int set_preset(const ph_graph *g, const char *model, const image_options *o,
                      const int64_t *dims, image_input *in)
{
    ph_error err = {0};
    const char *named = metadata_value(g, "preset");
    in->guessed = !image_options_any(o) && !metadata_any(g);
    if (o->preset) {
        in->preset = o->preset;
    } else if (named) {
        in->preset = named;
    } else {
        in->preset = metadata_any(g) ? "raw" : guess_preset(in, dims);
    }
    if (ph_image_prep_preset(in->preset, &in->prep, &err) == PH_OK) return CLI_OK;
    if (o->preset) return cli_usage("option '--preset': %s", err.message);
    return cli_error(CLI_INPUT, "%s: metadata: %s", model, err.message);
}

int image_input_find(const ph_graph *g, const char *model, const image_options *o, image_input *in)
{
    int64_t dims[PH_MAX_RANK];
    bool layout = false; /* somebody says it */
    ph_error err = {0};
    *in = (image_input){0};
    int status = find_input(g, model, in, dims);
    if (status == CLI_OK) status = set_preset(g, model, o, dims, in);
    if (status == CLI_OK && !o->preset) status = set_metadata(g, model, in, &layout);
    if (status == CLI_OK) status = set_options(o, in, &layout);
    if (status != CLI_OK) return status;
    enum ph_status st = ph_image_prep_fit(&in->prep, !layout, in->rank, dims, &err);
    if (!st) return CLI_OK;
    const bool ours = image_options_any(o);
    return cli_error(ours ? CLI_USAGE : CLI_INPUT, "%s: %s%s", model, err.message,
                     ours ? "" : "; see 'pinhole classify --help'");
}

/* --- Labels ----------------------------------------------------------------------------------- */

/* What pinhole train up to 0.1 wrote: names with commas between. */
static int labels_of_classes(const char *classes, ph_labels **out)
{
    ph_error err = {0};
    char *lines = strdup(classes);
    if (!lines) return cli_nomem();
    for (char *c = lines; *c; c++) {
        if (*c == ',') *c = '\n';
    }
    enum ph_status st = ph_labels_parse(cli_memory(), lines, strlen(lines), out, &err);
    free(lines);
    return st ? cli_fail(st, &err) : CLI_OK;
}

int image_labels(const ph_graph *g, const image_options *o, ph_labels **out)
{
    ph_error err = {0};
    enum ph_status st = PH_OK;
    const char *text = ph_graph_metadata(g, "pinhole.labels");
    const char *classes = ph_graph_metadata(g, "pinhole.classes");
    *out = NULL;
    if (o->labels) {
        st = ph_labels_read(cli_memory(), o->labels, out, &err);
    } else if (text) {
        st = ph_labels_parse(cli_memory(), text, strlen(text), out, &err);
    } else if (classes && *classes) {
        return labels_of_classes(classes, out);
    }
    return st ? cli_fail(st, &err) : CLI_OK;
}

/* --- Writing metadata ------------------------------------------------------------------------- */

static int describe_labels(ph_graph *g, const ph_labels *labels)
{
    ph_error err = {0};
    size_t bytes = 1, used = 0;
    for (size_t i = 0; i < ph_labels_count(labels); i++) {
        const char *synset = ph_labels_synset(labels, i);
        bytes += (synset ? strlen(synset) + 1 : 0) + strlen(ph_labels_name(labels, i)) + 1;
    }
    char *text = malloc(bytes);
    if (!text) return cli_nomem();
    for (size_t i = 0; i < ph_labels_count(labels); i++) {
        const char *synset = ph_labels_synset(labels, i);
        used += (size_t)snprintf(text + used, bytes - used, "%s%s%s\n", synset ? synset : "",
                                 synset ? " " : "", ph_labels_name(labels, i));
    }
    enum ph_status st = ph_graph_set_metadata(g, "pinhole.labels", text, &err);
    free(text);
    return st ? cli_fail(st, &err) : CLI_OK;
}

int image_describe(ph_graph *g, const char *model, const image_options *o)
{
    ph_error err = {0};
    image_input in;
    ph_labels *labels = NULL;
    enum ph_status st = PH_OK;
    int status = CLI_OK;
    if (o->labels) {
        status = image_labels(g, o, &labels);
        if (status == CLI_OK) status = describe_labels(g, labels);
        ph_labels_free(labels);
    }
    if (status != CLI_OK || !image_options_any(o)) return status;
    status = image_input_find(g, model, o, &in);
    for (size_t i = 0; status == CLI_OK && !st && ph_image_prep_key(i); i++) {
        char name[64], value[256];
        snprintf(name, sizeof name, METADATA "%s", ph_image_prep_key(i));
        if (strcmp(ph_image_prep_key(i), "preset") == 0) {
            snprintf(value, sizeof value, "%s", in.preset);
        } else {
            st = ph_image_prep_get(&in.prep, ph_image_prep_key(i), value, sizeof value, &err);
        }
        if (!st) st = ph_graph_set_metadata(g, name, value, &err);
    }
    return st ? cli_fail(st, &err) : status;
}
