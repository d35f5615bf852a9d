/* SPDX-License-Identifier: MIT */
/*
 * Text for people: names out of files in messages, made fit for one line of a terminal.
 *
 * A message must not lose its point behind a name of a megabyte. So texts that stand between quotes
 * in a format, '%s', or before one, as the operator does in %s '%s', are shortened in the middle,
 * where names differ least; other texts are messages or paths and stay as they are. printf cannot do that: the format is taken apart here
 * and each conversion is done by snprintf.
 */
#include <stdio.h>

#include "base/base.h"

/* --- UTF-8 ------------------------------------------------------------------------------------- */

/* Bytes of the UTF-8 character at `s` (RFC 3629, no overlong forms), 0 if it is none. */
static size_t utf8_length(const unsigned char *s)
{
    static const struct {
        unsigned char lead_min, lead_max, second_min, second_max, length;
    } rows[] = { { 0x00, 0x7f, 0x00, 0xff, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 },
                 { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
                 { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
                 { 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
                 { 0xf4, 0xf4, 0x80, 0x8f, 4 } };
    for (size_t i = 0; i < PHI_COUNT(rows); i++) {
        if (*s < rows[i].lead_min || *s > rows[i].lead_max) continue;
        size_t n = 1;
        if (rows[i].length > 1 && (s[1] < rows[i].second_min || s[1] > rows[i].second_max)) return 0;
        while (n < rows[i].length && (n == 1 || (s[n] & 0xc0) == 0x80)) n++;
        return n == rows[i].length ? n : 0;
    }
    return 0;
}

/* Does the character of `n` bytes at `s` steer a terminal or the line? C0 and C1 controls, line and
 * paragraph separators, and what turns the direction of text (Unicode 15, chapter 23.2). */
static bool is_control(const unsigned char *s, size_t n)
{
    if (n == 1) return *s < 0x20 || *s == 0x7f;
    if (n == 2) return *s == 0xc2 && s[1] < 0xa0;
    if (n != 3 || *s != 0xe2) return false;
    const unsigned low = (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu); /* of U+2xxx */
    return low == 0x00e || low == 0x00f || (low >= 0x028 && low <= 0x02e) ||
           (low >= 0x066 && low <= 0x069);
}

void phi_clean(char *text)
{
    for (unsigned char *s = (unsigned char *)text; *s;) {
        const size_t n = utf8_length(s);
        if (!n || is_control(s, n)) memset(s, '?', n ? n : 1);
        s += n ? n : 1;
    }
}

/* --- Short names ------------------------------------------------------------------------------- */

static bool inside_character(char c) { return ((unsigned char)c & 0xc0) == 0x80; }

/*
 * Write `text`, of which only `length` bytes count, into buf [room + 1]: as it is, or its beginning,
 * "..." and its end, room bytes at most. Characters are not cut. Returns the bytes written.
 */
static size_t put_short(const char *text, size_t length, char *buf, size_t room)
{
    static const char dots[] = "...";
    if (length <= room || room < 8) {
        if (length > room) length = room;
        memcpy(buf, text, length);
        buf[length] = 0;
        return length;
    }
    size_t head = (room - 3) * 2 / 3, tail = room - 3 - head;
    while (head && inside_character(text[head])) head--;
    while (tail && inside_character(text[length - tail])) tail--;
    memcpy(buf, text, head);
    memcpy(buf + head, dots, 3);
    memcpy(buf + head + 3, text + length - tail, tail);
    buf[head + 3 + tail] = 0;
    return head + 3 + tail;
}

const char *ph_text_plain(const char *text, char *buf, size_t bytes)
{
    if (!bytes) return buf;
    put_short(text, strlen(text), buf, bytes - 1);
    phi_clean(buf);
    return buf;
}

/* --- Formats ----------------------------------------------------------------------------------- */

typedef struct writer {
    char *buf;
    size_t n, used; /* used < n: one byte is kept for the end */
    bool cut;
} writer;

static void put(writer *w, const char *s, size_t n)
{
    const size_t left = w->n - 1 - w->used;
    if (n > left) w->cut = true;
    if (n > left) n = left;
    memcpy(w->buf + w->used, s, n);
    w->used += n;
}

/* One conversion: "%-*.*lld". */
typedef struct conversion {
    char spec[32];
    size_t n;      /* bytes of it in the format */
    int stars[2];  /* width, precision */
    int n_stars;
    int precision; /* -1: none */
    char length;   /* 0, 'l', 'L' for ll, 'z', 'j', 't', 'h' */
    char type;
} conversion;

static void read_length(conversion *c, char letter)
{
    if (!strchr("lzjth", letter)) return;
    c->length = letter == 'l' && c->length == 'l' ? 'L' : letter;
}

/* The conversion at `p`, which is a '%'. The compiler has checked that it is a good one. */
static conversion read_conversion(const char *p)
{
    conversion c = { .precision = -1 };
    size_t n = 1;
    bool point = false;
    for (; p[n] && n + 1 < sizeof c.spec; n++) {
        if (p[n] == '*') c.n_stars++;
        if (p[n] == '.') point = true;
        if (point && p[n] == '.') c.precision = 0;
        if (point && p[n] >= '0' && p[n] <= '9') c.precision = 10 * c.precision + (p[n] - '0');
        read_length(&c, p[n]);
        if (strchr("diouxXcsfFeEgGaAp%", p[n])) break;
    }
    c.type = p[n];
    c.n = n + 1;
    memcpy(c.spec, p, c.n);
    c.spec[c.n] = 0;
    return c;
}

#define FORMAT(value)                                                                              \
    (c->n_stars == 0   ? snprintf(text, sizeof text, c->spec, value)                               \
     : c->n_stars == 1 ? snprintf(text, sizeof text, c->spec, c->stars[0], value)                  \
                       : snprintf(text, sizeof text, c->spec, c->stars[0], c->stars[1], value))

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
#endif

/* A number or a character. */
static void put_number(writer *w, const conversion *c, va_list *args)
{
    char text[512];
    int n;
    if (strchr("fFeEgGaA", c->type)) {
        n = FORMAT(va_arg(*args, double));
    } else if (c->type == 'p') {
        n = FORMAT(va_arg(*args, void *));
    } else if (c->length == 'L' || c->length == 'j') {
        n = FORMAT(va_arg(*args, long long));
    } else if (c->length == 'l') {
        n = FORMAT(va_arg(*args, long));
    } else if (c->length == 'z' || c->length == 't') {
        n = FORMAT(va_arg(*args, size_t));
    } else {
        n = FORMAT(va_arg(*args, int));
    }
    if (n > 0) put(w, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

/* %s, %.60s, %.*s; widths are for tables, which messages have none of. */
static void put_text(writer *w, const conversion *c, const char *s, bool quoted)
{
    char name[PHI_NAME_BYTES];
    if (!s) s = "(null)";
    const int precision = c->n_stars ? c->stars[c->n_stars - 1] : c->precision;
    const size_t length = precision < 0 ? strlen(s) : strnlen(s, (size_t)precision);
    if (quoted)
        put(w, name, put_short(s, length, name, sizeof name - 1));
    else
        put(w, s, length);
}

/* Is the conversion of n bytes at `p` a name: '%s', or the operator in %s '%s'? */
static bool is_name(const char *format, const char *p, size_t n)
{
    return (p > format && p[-1] == '\'' && p[n] == '\'') || strncmp(p + n, " '%", 3) == 0;
}

bool phi_vformat(char *buf, size_t n, const char *format, va_list list)
{
    writer w = { .buf = buf, .n = n };
    va_list args;
    va_copy(args, list);
    for (const char *p = format; *p;) {
        const size_t literal = strcspn(p, "%");
        put(&w, p, literal);
        if (!*(p += literal)) break;
        conversion c = read_conversion(p);
        for (int i = 0; i < c.n_stars && i < 2; i++) c.stars[i] = va_arg(args, int);
        if (c.type == '%')
            put(&w, "%", 1);
        else if (c.type == 's')
            put_text(&w, &c, va_arg(args, const char *), is_name(format, p, c.n));
        else
            put_number(&w, &c, &args);
        p += c.n;
    }
    va_end(args);
    buf[w.used] = 0;
    return !w.cut;
}
