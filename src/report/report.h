/* SPDX-License-Identifier: MIT */
/* An account as text, JSON and CSV. */
#ifndef PHI_REPORT_H
#define PHI_REPORT_H

#include "graph/account.h"

/* Each fails for lack of memory only (or of what ph_account_write sees: the file's error flag). */
enum ph_status phi_account_text(const ph_account *a, FILE *f, ph_error *err);
enum ph_status phi_account_csv(const ph_account *a, FILE *f, ph_error *err);
enum ph_status phi_account_json(const ph_account *a, FILE *f, ph_error *err);

/*
 * `s` as one line of valid UTF-8: control characters and bytes that are no UTF-8 become '?'.
 * NULL: out of memory.
 */
char *phi_clean_text(const ph_allocator *mem, const char *s);

#endif /* PHI_REPORT_H */
