/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/base.h"

#define STR_(x) #x
#define STR(x) STR_(x)

const char *ph_version(void)
{
    return STR(PH_VERSION_MAJOR) "." STR(PH_VERSION_MINOR) "." STR(PH_VERSION_PATCH);
}

const char *ph_status_name(enum ph_status status)
{
    switch (status) {
    case PH_OK: return "PH_OK";
    case PH_ERR_ARG: return "PH_ERR_ARG";
    case PH_ERR_SHAPE: return "PH_ERR_SHAPE";
    case PH_ERR_TYPE: return "PH_ERR_TYPE";
    case PH_ERR_OVERFLOW: return "PH_ERR_OVERFLOW";
    case PH_ERR_GRAPH: return "PH_ERR_GRAPH";
    case PH_ERR_IO: return "PH_ERR_IO";
    case PH_ERR_FORMAT: return "PH_ERR_FORMAT";
    case PH_ERR_NOT_FOUND: return "PH_ERR_NOT_FOUND";
    case PH_ERR_UNSUPPORTED: return "PH_ERR_UNSUPPORTED";
    case PH_ERR_STOPPED: return "PH_ERR_STOPPED";
    case PH_ERR_NOMEM: return "PH_ERR_NOMEM";
    case PH_ERR_INTERNAL: return "PH_ERR_INTERNAL";
    }
    return "?";
}

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

void phi_clean(char *text)
{
    for (unsigned char *s = (unsigned char *)text; *s;) {
        const size_t n = utf8_length(s);
        const bool control = *s < 0x20 || *s == 0x7f || (n == 2 && *s == 0xc2 && s[1] < 0xa0);
        if (n && !control) {
            s += n;
            continue;
        }
        memset(s, '?', n ? n : 1);
        s += n ? n : 1;
    }
}

/* A text that filled its buffer was cut: say so instead of ending in mid-word. */
static void mark_cut(char *s, size_t n)
{
    static const char dots[] = "...";
    memcpy(s + n - sizeof dots, dots, sizeof dots);
}

enum ph_status phi_fail(ph_error *err, enum ph_status status, const char *where,
                        const char *format, ...)
{
    if (!err) return status;
    err->status = status;
    if (snprintf(err->where, sizeof err->where, "%s", where ? where : "") >=
        (int)sizeof err->where)
        mark_cut(err->where, sizeof err->where);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    if (n < 0) err->message[0] = 0;
    if (n >= (int)sizeof err->message) mark_cut(err->message, sizeof err->message);
    phi_clean(err->where);
    phi_clean(err->message);
    return status;
}

enum ph_status phi_fail_nomem(ph_error *err)
{
    return phi_fail(err, PH_ERR_NOMEM, NULL, "out of memory");
}
