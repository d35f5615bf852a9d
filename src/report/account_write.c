/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "report/pair.h"
#include "report/report.h"

char *phi_clean_text(const ph_allocator *mem, const char *s)
{
    char *copy = phi_strdup(mem, s);
    if (copy) phi_clean(copy);
    return copy;
}

static enum ph_status no_format(enum ph_format format, ph_error *err)
{
    return phi_fail(err, PH_ERR_ARG, NULL, "format %d is none", (int)format);
}

/* What came of writing; `st` is what the writer said. */
static enum ph_status written(enum ph_status st, FILE *f, ph_error *err)
{
    if (!st && (fflush(f) != 0 || ferror(f)))
        st = phi_fail(err, PH_ERR_IO, NULL, "the account could not be written: %s",
                      strerror(errno ? errno : EIO));
    return st;
}

enum ph_status ph_account_write(const ph_account *a, enum ph_format format, FILE *f, ph_error *err)
{
    errno = 0;
    switch (format) {
    case PH_FORMAT_TEXT:
        return written(phi_account_text(a, f, err), f, err);
    case PH_FORMAT_CSV:
        return written(phi_account_csv(a, f, err), f, err);
    case PH_FORMAT_JSON:
        return written(phi_account_json(a, f, err), f, err);
    case PH_FORMAT_ROOFLINE:
        return written(phi_account_roofline(a, f, err), f, err);
    }
    return no_format(format, err);
}

static enum ph_status write_pair(const phi_pair *p, enum ph_format format, FILE *f, ph_error *err)
{
    switch (format) {
    case PH_FORMAT_TEXT:
        return phi_pair_text(p, f, err);
    case PH_FORMAT_CSV:
        return phi_pair_csv(p, f, err);
    case PH_FORMAT_JSON:
        return phi_pair_json(p, f, err);
    case PH_FORMAT_ROOFLINE:
        break;
    }
    return no_format(format, err);
}

enum ph_status ph_account_write_pair(const ph_account *a, const ph_account *b,
                                     enum ph_format format, FILE *f, ph_error *err)
{
    phi_pair p;
    errno = 0;
    enum ph_status st =
        phi_pair_make(a, b, &p) ? write_pair(&p, format, f, err) : phi_fail_nomem(err);
    phi_pair_free(&p);
    return written(st, f, err);
}
