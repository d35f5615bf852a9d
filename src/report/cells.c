/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "report/cells.h"
#include "report/report.h"

const char *phi_grouped(int64_t n, char buf[PHI_GROUPED_BYTES])
{
    if (n == PH_UNKNOWN) return "?";
    char digits[24];
    const int k = snprintf(digits, sizeof digits, "%" PRId64, n);
    char *to = buf;
    for (int i = 0; i < k; i++) {
        *to++ = digits[i];
        const int left = k - 1 - i;
        if (left && left % 3 == 0 && digits[i] != '-') *to++ = ',';
    }
    *to = 0;
    return buf;
}

const char *phi_shape_text(const ph_layer_cost *l, char buf[PHI_TYPE_TEXT])
{
    size_t at = 0;
    if (!l->shape_known) return "?";
    buf[0] = 0;
    for (size_t d = 0; d < l->output_rank && at < PHI_TYPE_TEXT; d++)
        at += (size_t)snprintf(buf + at, PHI_TYPE_TEXT - at, "%s%" PRId64, d ? "x" : "",
                               l->output_dims[d]);
    return buf;
}

int phi_length(const char *s)
{
    int n = 0;
    for (; *s; s++)
        n += (*s & 0xc0) != 0x80;
    return n;
}

/* Where the character number `n` of a UTF-8 text begins. */
static const char *character(const char *s, int n)
{
    for (; *s; s++)
        if ((*s & 0xc0) != 0x80 && n-- == 0) break;
    return s;
}

/* A name without its characters from number `head` on, as many as it takes. */
static int put_name(phi_cells *c, const char *name, int width, int head)
{
    char *s = phi_clean_text(c->mem, name);
    if (!s) {
        c->no_memory = true;
        return 0;
    }
    int n = phi_length(s);
    if (n <= width) {
        fputs(s, c->f);
    } else {
        const int tail = width - head - 2;
        fwrite(s, 1, (size_t)(character(s, head) - s), c->f);
        fprintf(c->f, "..%s", character(s, n - tail));
        n = width;
    }
    phi_free(c->mem, s);
    return n;
}

int phi_put_layer_name(phi_cells *c, const char *name, int width)
{
    return put_name(c, name, width, width / 3);
}

int phi_put_op_name(phi_cells *c, const char *name, int width)
{
    return put_name(c, name, width, width - 2);
}

void phi_put_name_column(phi_cells *c, const char *name, int width)
{
    const int n = phi_put_layer_name(c, name, width);
    fprintf(c->f, "%*s", width - n, "");
}

void phi_put_wrapped(phi_cells *c, const char *text, int used, int indent)
{
    char *s = phi_clean_text(c->mem, text);
    if (!s) {
        c->no_memory = true;
        return;
    }
    bool first = true;
    for (char *word = s; *word;) {
        const size_t n = strcspn(word, " ");
        const char *next = word + n;
        char *rest = word + n + strspn(next, " ");
        const char after = word[n];
        word[n] = 0;
        const int wide = phi_length(word);
        if (!first && used + 1 + wide > PHI_LINE) {
            fprintf(c->f, "\n%*s", indent, "");
            used = indent;
        } else if (!first) {
            fputc(' ', c->f);
            used++;
        }
        fputs(word, c->f);
        used += wide;
        first = false;
        word = after ? rest : word + n;
    }
    fputc('\n', c->f);
    phi_free(c->mem, s);
}

double phi_percent(int64_t part, int64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0.0;
}

int phi_wider(int width, const char *text)
{
    const int n = phi_length(text);
    return n > width ? n : width;
}

const char *phi_ratio(double a, double b, char buf[PHI_GROUPED_BYTES])
{
    if (a <= 0 || b <= 0) return "";
    const double r = b / a;
    if (a == b) return "=";
    const int decimals = r >= 99.95 ? 0 : r >= 9.995 ? 1 : r >= 0.0995 ? 2 : 4;
    snprintf(buf, PHI_GROUPED_BYTES, "%.*f", decimals, r);
    return buf;
}
