/* SPDX-License-Identifier: MIT */
/*
 * Names of classes: lines of text. "synset words" are lines of a WordNet number, such as n02123045
 * (the letter n and eight digits; wordnet.princeton.edu, "wndb"), white space and words.
 */
#include "image/image.h"

#include "base/file.h"

#define LABELS_MAX_BYTES ((size_t)64 << 20)
enum { SYNSET_LENGTH = 9 };

struct ph_labels {
    ph_allocator mem;
    size_t n;
    bool synsets;
    char *text;  /* what the names point into, lines ended by 0 */
    char **name; /* [n]; with synsets, the number ends SYNSET_LENGTH behind `line` */
    char **line; /* [n] */
};

static bool is_synset(const char *line)
{
    if (line[0] != 'n') return false;
    for (int i = 1; i < SYNSET_LENGTH; i++)
        if (line[i] < '0' || line[i] > '9') return false;
    return line[SYNSET_LENGTH] == ' ' || line[SYNSET_LENGTH] == '\t' || line[SYNSET_LENGTH] == 0;
}

/* End lines by 0 and note where they begin; a last line may lack its end. Returns their number. */
static size_t split_lines(char *text, size_t n, char **line)
{
    size_t count = 0;
    for (char *at = text, *end = text + n; at < end; count++) {
        char *stop = memchr(at, '\n', (size_t)(end - at));
        if (!stop) stop = end;
        if (line) {
            line[count] = at;
            *stop = 0;
            if (stop > at && stop[-1] == '\r') stop[-1] = 0;
        }
        at = stop + 1;
    }
    return count;
}

static void find_names(ph_labels *l)
{
    l->synsets = l->n > 0;
    for (size_t i = 0; i < l->n && l->synsets; i++)
        l->synsets = is_synset(l->line[i]);
    for (size_t i = 0; i < l->n; i++) {
        char *name = l->line[i];
        if (l->synsets) {
            name += SYNSET_LENGTH;
            if (*name) *name++ = 0;
            while (*name == ' ' || *name == '\t')
                name++;
        }
        l->name[i] = name;
        phi_clean(name);
    }
}

static enum ph_status parse(const ph_allocator *mem, const char *text, size_t n, const char *origin,
                            ph_labels **out, ph_error *err)
{
    if (n && memchr(text, 0, n))
        return phi_fail(err, PH_ERR_FORMAT, origin, "%s: has bytes that are not text", origin);
    ph_labels *l = phi_calloc(mem, 1, sizeof *l);
    if (!l) return phi_fail_nomem(err);
    l->mem = phi_allocator(mem);
    l->text = phi_strndup(mem, text, n);
    l->n = l->text ? split_lines(l->text, n, NULL) : 0;
    l->line = phi_calloc(mem, l->n, sizeof *l->line);
    l->name = phi_calloc(mem, l->n, sizeof *l->name);
    enum ph_status st = l->text && l->line && l->name ? PH_OK : phi_fail_nomem(err);
    if (!st && l->n == 0)
        st = phi_fail(err, PH_ERR_FORMAT, origin, "%s: no names of classes", origin);
    if (st) {
        ph_labels_free(l);
        return st;
    }
    split_lines(l->text, n, l->line);
    find_names(l);
    *out = l;
    return PH_OK;
}

enum ph_status ph_labels_parse(const ph_allocator *mem, const char *text, size_t n, ph_labels **out,
                               ph_error *err)
{
    return parse(mem, text, n, "labels", out, err);
}

enum ph_status ph_labels_read(const ph_allocator *mem, const char *path, ph_labels **out,
                              ph_error *err)
{
    unsigned char *bytes;
    size_t n;
    enum ph_status st = phi_file_read_limit(mem, path, LABELS_MAX_BYTES, &bytes, &n, err);
    if (st) return st;
    st = parse(mem, (const char *)bytes, n, path, out, err);
    phi_free(mem, bytes);
    return st;
}

void ph_labels_free(ph_labels *l)
{
    if (!l) return;
    const ph_allocator mem = l->mem;
    phi_free(&mem, l->text);
    phi_free(&mem, l->name);
    phi_free(&mem, l->line);
    phi_free(&mem, l);
}

size_t ph_labels_count(const ph_labels *l)
{
    return l->n;
}

const char *ph_labels_name(const ph_labels *l, size_t i)
{
    return i < l->n ? l->name[i] : NULL;
}

const char *ph_labels_synset(const ph_labels *l, size_t i)
{
    return i < l->n && l->synsets ? l->line[i] : NULL;
}
