/* SPDX-License-Identifier: MIT */
/* Accounts, one or two, as text, JSON and CSV. */
#ifndef PHI_REPORT_H
#define PHI_REPORT_H

#include "graph/account.h"
#include "report/cells.h"

struct json_t;

/* Each fails for lack of memory only (or of what ph_account_write sees: the file's error flag). */
enum ph_status phi_account_text(const ph_account *a, FILE *f, ph_error *err);
enum ph_status phi_account_roofline(const ph_account *a, FILE *f, ph_error *err);
enum ph_status phi_account_csv(const ph_account *a, FILE *f, ph_error *err);
enum ph_status phi_account_json(const ph_account *a, FILE *f, ph_error *err);

/*
 * `s` as one line of valid UTF-8: control characters and bytes that are no UTF-8 become '?'.
 * NULL: out of memory.
 */
char *phi_clean_text(const ph_allocator *mem, const char *s);

/* --- Parts of these that two accounts use, too ------------------------------------------------ */

/* FLOP for a byte moved; 0 where one of them is not known. */
double phi_intensity(int64_t macs, int64_t moved_bytes);

/* Model and inputs, title, paper; `indent` characters are before it, and before each line of it. */
void phi_put_heading(phi_cells *c, const ph_account *a, int indent);

/* Published figures beside the counted ones, and notes but those that stand with `before` (or NULL)
 * already; is there anything of that? */
void phi_put_published(phi_cells *c, const ph_account *a, const ph_account *before);
bool phi_has_published(const ph_account *a);
/* The same under headings, with other counts of the parameters. */
void phi_put_notes(phi_cells *c, const ph_account *a);

/* Parameters as others count them. */
typedef struct phi_other_count {
    const char *key, *words;
    int64_t parameters;
} phi_other_count;
enum { PHI_OTHER_COUNTS = 3 };
/* Those that differ from the count here. */
size_t phi_other_counts(const ph_account *a, phi_other_count counts[PHI_OTHER_COUNTS]);

/* Is the count the published one, to the digits that were printed? */
bool phi_agrees(const phi_published *p, int64_t counted);

/* Parts of documents; NULL: out of memory. */
struct json_t *phi_json_text(const ph_account *a, const char *s); /* null for NULL */
struct json_t *phi_json_count(int64_t n);                         /* null for PH_UNKNOWN */
struct json_t *phi_json_layer(const ph_account *a, const ph_layer_cost *l);
struct json_t *phi_json_totals(const ph_account *a);
struct json_t *phi_json_published(const ph_account *a);
/* Write the document, which is released; NULL is PH_ERR_NOMEM. */
enum ph_status phi_json_write(struct json_t *doc, FILE *f, ph_error *err);

/* Fields of a row of CSV. */
bool phi_csv_text(const ph_account *a, FILE *f, const char *text); /* false: out of memory */
void phi_csv_count(FILE *f, int64_t n);                            /* empty for PH_UNKNOWN */
void phi_csv_shape(FILE *f, const ph_layer_cost *l);

#endif /* PHI_REPORT_H */
