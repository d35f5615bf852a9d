/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "report/report.h"

char *phi_clean_text(const ph_allocator *mem, const char *s)
{
    char *copy = phi_strdup(mem, s);
    if (copy) phi_clean(copy);
    return copy;
}

enum ph_status ph_account_write(const ph_account *a, enum ph_format format, FILE *f, ph_error *err)
{
    enum ph_status st = PH_OK;
    errno = 0;
    switch (format) {
    case PH_FORMAT_TEXT:
        st = phi_account_text(a, f, err);
        break;
    case PH_FORMAT_CSV:
        st = phi_account_csv(a, f, err);
        break;
    case PH_FORMAT_JSON:
        st = phi_account_json(a, f, err);
        break;
    case PH_FORMAT_ROOFLINE:
        st = phi_account_roofline(a, f, err);
        break;
    default:
        return phi_fail(err, PH_ERR_ARG, NULL, "format %d is none", (int)format);
    }
    if (!st && (fflush(f) != 0 || ferror(f)))
        st = phi_fail(err, PH_ERR_IO, NULL, "the account could not be written: %s",
                      strerror(errno ? errno : EIO));
    return st;
}
