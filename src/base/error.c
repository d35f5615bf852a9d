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
    ph_text_plain(where ? where : "", err->where, sizeof err->where);
    va_list args;
    va_start(args, format);
    const bool whole = phi_vformat(err->message, sizeof err->message, format, args);
    va_end(args);
    if (!whole) mark_cut(err->message, sizeof err->message);
    phi_clean(err->message);
    return status;
}

enum ph_status phi_fail_nomem(ph_error *err)
{
    return phi_fail(err, PH_ERR_NOMEM, NULL, "out of memory");
}
