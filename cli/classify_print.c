/* SPDX-License-Identifier: MIT */
/*
 * What classify prints: text, one JSON document, or a JSON line an image.
 */
#include "classify.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>

struct printer {
    const classify_options *o;
    const classifier *net;
    json_t *images; /* o->json: the list so far */
    size_t n;
    int status;
};

/* --- JSON ------------------------------------------------------------------------------------- */

static json_t *json_guess(const classifier *n, const guess *g)
{
    json_t *entry = json_object();
    const ph_labels *labels = classifier_labels(n);
    cli_json_int(entry, "class", (int64_t)g->class);
    if (labels) cli_json_text(entry, "label", ph_labels_name(labels, g->class));
    if (labels && ph_labels_synset(labels, g->class)) {
        cli_json_text(entry, "synset", ph_labels_synset(labels, g->class));
    }
    cli_json_real(entry, "score", g->score);
    return entry;
}

static json_t *json_image(const printer *p, const slot *s, const guess *g)
{
    json_t *entry = json_object(), *list = json_array();
    cli_json_text(entry, "file", s->path);
    cli_json_int(entry, "width", s->width);
    cli_json_int(entry, "height", s->height);
    for (size_t i = 0; i < classifier_top(p->net); i++) {
        json_array_append_new(list, json_guess(p->net, &g[i]));
    }
    cli_json_set(entry, "top", list);
    return entry;
}

static json_t *json_error_of(const slot *s)
{
    json_t *entry = json_object();
    cli_json_text(entry, "file", s->path);
    cli_json_text(entry, "status", ph_status_name(s->status));
    cli_json_text(entry, "error", s->err.message);
    return entry;
}

static json_t *json_preparation(const image_input *in)
{
    json_t *entry = json_object();
    for (size_t i = 0; ph_image_prep_key(i); i++) {
        char value[256];
        const char *key = ph_image_prep_key(i);
        if (ph_image_prep_get(&in->prep, key, value, sizeof value, NULL)) continue;
        cli_json_text(entry, key, value);
    }
    return entry;
}

/* Takes `entry`. */
static void put_json(printer *p, json_t *entry)
{
    if (!p->o->stream) {
        if (json_array_append_new(p->images, entry) != 0) p->status = cli_nomem();
        return;
    }
    if (json_dumpf(entry, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)) != 0 && !ferror(stdout)) {
        p->status = cli_nomem();
    }
    json_decref(entry);
    putchar('\n');
    fflush(stdout); /* main looks at stdout's state */
}

static int write_document(printer *p)
{
    json_t *root = json_object();
    cli_json_int(root, "schema", 1);
    cli_json_text(root, "model", cli_base_name(classifier_path(p->net)));
    cli_json_set(root, "preparation", json_preparation(classifier_input(p->net)));
    cli_json_text(root, "scores", classifier_scores(p->net));
    cli_json_set(root, "images", json_incref(p->images));
    return cli_json_write(root, "-");
}

/* --- Text ------------------------------------------------------------------------------------- */

static void put_text(const printer *p, const slot *s, const guess *g)
{
    const ph_labels *labels = classifier_labels(p->net);
    char name[512];
    printf("%s%s\n", p->n ? "\n" : "", cli_plain(s->path, name, sizeof name));
    for (size_t i = 0; i < classifier_top(p->net); i++) {
        if (p->o->softmax == SOFTMAX_NEVER) {
            printf("  %11.6g  ", g[i].score);
        } else {
            printf("  %6.2f %%  ", 100.0 * g[i].score);
        }
        if (labels) {
            printf("%s\n", ph_labels_name(labels, g[i].class));
        } else {
            printf("class %zu\n", g[i].class);
        }
    }
}

/* --- The whole -------------------------------------------------------------------------------- */

int printer_new(const classify_options *o, const classifier *n, printer **out)
{
    printer *p = calloc(1, sizeof *p);
    json_t *images = json_array();
    *out = NULL;
    if (!p || !images) {
        free(p);
        json_decref(images);
        return cli_nomem();
    }
    *p = (printer){.o = o, .net = n, .images = images};
    *out = p;
    return CLI_OK;
}

void printer_image(printer *p, const slot *s, const guess *guesses)
{
    cli_progress_clear();
    if (p->o->json || p->o->stream) {
        put_json(p, json_image(p, s, guesses));
    } else {
        put_text(p, s, guesses);
    }
    p->n++;
}

/* The error is part of JSON and said on stderr in text. */
void printer_error(printer *p, const slot *s)
{
    if (p->o->json || p->o->stream) {
        cli_progress_clear();
        put_json(p, json_error_of(s));
    }
    if (!p->o->stream) cli_fail_in(s->path, s->status, &s->err);
}

int printer_close(printer *p)
{
    if (!p) return CLI_OK;
    int status = p->status;
    if (status == CLI_OK && p->o->json && !p->o->stream) status = write_document(p);
    json_decref(p->images);
    free(p);
    return status;
}
