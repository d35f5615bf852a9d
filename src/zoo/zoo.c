/* SPDX-License-Identifier: MIT */
/*
 * The networks in the box, and models by name.
 */
#include <errno.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>

#include "zoo/net.h"

static size_t zoo_count(void)
{
    size_t n = 0;
    while (phi_zoo_texts[n].name)
        n++;
    return n;
}

const char *ph_zoo_name(size_t i)
{
    return i < zoo_count() ? phi_zoo_texts[i].name : NULL;
}
const char *ph_zoo_title(size_t i)
{
    return i < zoo_count() ? phi_zoo_texts[i].title : NULL;
}
const char *ph_zoo_text(size_t i)
{
    return i < zoo_count() ? (const char *)phi_zoo_texts[i].text : NULL;
}

static bool ends_in(const char *s, const char *suffix)
{
    const size_t n = strlen(s), k = strlen(suffix);
    return n > k && strcasecmp(s + n - k, suffix) == 0;
}

/* "a, b, c" of all names, cut to fit. */
static void list_names(char *out, size_t n)
{
    size_t used = 0;
    out[0] = 0;
    for (size_t i = 0; ph_zoo_name(i) && used < n; i++)
        used += (size_t)snprintf(out + used, n - used, "%s%s", i ? ", " : "", ph_zoo_name(i));
}

static enum ph_status no_such_model(const char *model, ph_error *err)
{
    struct stat about;
    if (stat(model, &about) == 0 && S_ISDIR(about.st_mode))
        return phi_fail(err, PH_ERR_ARG, model,
                        "'%s' is a directory; a model is a file ending in "
                        ".onnx or .net, or the name of a network in the box",
                        model);
    if (stat(model, &about) == 0)
        return phi_fail(err, PH_ERR_ARG, model,
                        "the file '%s' ends in neither .onnx nor .net, so it "
                        "is not known how to read it",
                        model);
    char names[1024], hint[NET_HINT_BYTES];
    net_nearest near = phi_net_nearest_start((net_span){model, strlen(model)});
    for (size_t i = 0; ph_zoo_name(i); i++)
        phi_net_nearest_offer(&near, (net_span){ph_zoo_name(i), strlen(ph_zoo_name(i))});
    list_names(names, sizeof names);
    return phi_fail(err, PH_ERR_NOT_FOUND, model,
                    "there is no network '%s' in the box%s (in the box: "
                    "%s; files end in .onnx or .net)",
                    model, phi_net_nearest_hint(&near, hint), names);
}

/* FILE.net:NAME, a network of a text. NULL if `model` is nothing of the kind; else ':'. */
static const char *network_mark(const char *model)
{
    const char *mark = strrchr(model, ':');
    return mark && mark - model > 4 && strncasecmp(mark - 4, ".net", 4) == 0 ? mark : NULL;
}

/* `task` says how: seed, outline, open. */
static enum ph_status load(const ph_allocator *mem, const char *model, net_task *task,
                           ph_graph **out, ph_error *err)
{
    if (!model || !*model) return phi_fail(err, PH_ERR_ARG, NULL, "the name of a model is empty");
    if (ends_in(model, ".onnx"))
        return (task->open ? ph_onnx_open : ph_onnx_read)(mem, model, out, err);
    const char *mark = network_mark(model);
    if (mark || ends_in(model, ".net")) {
        char *path = phi_strndup(mem, model, mark ? (size_t)(mark - model) : strlen(model));
        if (!path) return phi_fail_nomem(err);
        task->origin = path;
        task->network = mark ? mark + 1 : NULL;
        enum ph_status st = phi_net_read(mem, task, out, err);
        phi_free(mem, path);
        return st;
    }
    for (size_t i = 0; ph_zoo_name(i); i++) {
        const net_text *t = &phi_zoo_texts[i];
        if (strcmp(t->name, model) != 0) continue;
        char origin[NET_NAME_MAX + 8];
        snprintf(origin, sizeof origin, "%s.net", t->name);
        task->origin = origin;
        task->text = (const char *)t->text;
        task->n = t->n;
        return phi_net_parse(mem, task, out, err);
    }
    return no_such_model(model, err);
}

enum ph_status ph_model_load(const ph_allocator *mem, const char *model, uint64_t seed,
                             ph_graph **out, ph_error *err)
{
    net_task task = {.seed = seed};
    return load(mem, model, &task, out, err);
}

enum ph_status ph_model_open(const ph_allocator *mem, const char *model, uint64_t seed,
                             ph_graph **out, ph_error *err)
{
    net_task task = {.seed = seed, .open = true};
    return load(mem, model, &task, out, err);
}

enum ph_status ph_model_outline(const ph_allocator *mem, const char *model, ph_graph **out,
                                ph_error *err)
{
    net_task task = {.outline = true};
    return load(mem, model, &task, out, err);
}
