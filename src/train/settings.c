/* SPDX-License-Identifier: MIT */
/*
 * Settings of a training: defaults, checks, and their text in checkpoints.
 */
#include "train/trainer.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#define MAX_EPOCHS ((size_t)1000000)

enum setting_kind {
    SETTING_SIZE,
    SETTING_SEED,
    SETTING_REAL,
    SETTING_BOOL,
    SETTING_INT,
    SETTING_ENUM
};

/* Every setting that the bits of the result depend on. */
typedef struct setting {
    const char *name;
    enum setting_kind kind;
    size_t offset; /* in ph_train_desc */
} setting;

#define SETTING(kind, member)                                                                      \
    {                                                                                              \
#member, kind, offsetof(ph_train_desc, member)                                             \
    }
static const setting settings[] = {
    SETTING(SETTING_SIZE, n_epochs),
    SETTING(SETTING_SIZE, batch),
    SETTING(SETTING_ENUM, optimizer),
    SETTING(SETTING_ENUM, schedule),
    SETTING(SETTING_REAL, learning_rate),
    SETTING(SETTING_REAL, momentum),
    SETTING(SETTING_BOOL, nesterov),
    SETTING(SETTING_REAL, weight_decay),
    SETTING(SETTING_REAL, label_smoothing),
    SETTING(SETTING_REAL, beta1),
    SETTING(SETTING_REAL, beta2),
    SETTING(SETTING_REAL, epsilon),
    SETTING(SETTING_SIZE, step_epochs),
    SETTING(SETTING_REAL, step_factor),
    SETTING(SETTING_REAL, warmup),
    SETTING(SETTING_INT, shift),
    SETTING(SETTING_BOOL, flip),
    SETTING(SETTING_SEED, seed),
};
#undef SETTING

static const char *const optimizer_names[] = {"sgd", "adam"};
static const char *const schedule_names[] = {"constant", "step", "cosine", "one-cycle"};

/* --- Text ------------------------------------------------------------------------------------ */

/* The shortest decimal that reads back as `x`, with a point whatever the locale says. */
static void real_text(double x, char *text, size_t n)
{
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, n, "%.*g", digits, x);
        if (strtod(text, NULL) == x) break;
    }
    char *to = text;
    for (const char *from = text; *from; from++) { /* a locale's point may be several bytes */
        bool plain = strchr("0123456789e+-", *from) != NULL;
        if (plain)
            *to++ = *from;
        else if (to == text || to[-1] != '.')
            *to++ = '.';
    }
    *to = '\0';
}

const char *phi_train_setting(const ph_train_desc *s, size_t i, char value[PHI_SETTING_TEXT])
{
    if (i >= PHI_COUNT(settings)) return NULL;
    const void *at = (const char *)s + settings[i].offset;
    switch (settings[i].kind) {
    case SETTING_SIZE:
        snprintf(value, PHI_SETTING_TEXT, "%zu", *(const size_t *)at);
        break;
    case SETTING_SEED:
        snprintf(value, PHI_SETTING_TEXT, "%" PRIu64, *(const uint64_t *)at);
        break;
    case SETTING_INT:
        snprintf(value, PHI_SETTING_TEXT, "%d", *(const int *)at);
        break;
    case SETTING_REAL:
        real_text(*(const double *)at, value, PHI_SETTING_TEXT);
        break;
    case SETTING_BOOL:
        snprintf(value, PHI_SETTING_TEXT, "%s", *(const bool *)at ? "yes" : "no");
        break;
    case SETTING_ENUM:
        snprintf(value, PHI_SETTING_TEXT, "%s",
                 at == &s->optimizer ? optimizer_names[s->optimizer] : schedule_names[s->schedule]);
        break;
    }
    return settings[i].name;
}

/* --- Defaults -------------------------------------------------------------------------------- */

static void default_size(size_t *x, size_t fallback)
{
    *x = *x ? *x : fallback;
}

static void default_real(double *x, double fallback)
{
    *x = fpclassify(*x) == FP_ZERO ? fallback : *x;
}

static void fill_defaults(ph_train_desc *s)
{
    default_size(&s->n_epochs, 1);
    default_size(&s->batch, 128);
    default_real(&s->learning_rate, s->optimizer == PH_ADAM ? 0.001 : 0.1);
    default_real(&s->momentum, 0.9);
    if (s->momentum < 0) s->momentum = 0;
    default_real(&s->weight_decay, 0); /* -0 becomes 0 */
    default_real(&s->label_smoothing, 0);
    default_real(&s->beta1, 0.9);
    default_real(&s->beta2, 0.999);
    default_real(&s->epsilon, 1e-8);
    default_size(&s->step_epochs, 10);
    default_real(&s->step_factor, 0.1);
    default_real(&s->warmup, 0.3);
}

/* --- Checks ---------------------------------------------------------------------------------- */

/* low <= x < high, written so that NaN fails. */
static enum ph_status check_real(const char *name, double x, double low, bool low_allowed,
                                 double high, ph_error *err)
{
    if (x < high && (x > low || (low_allowed && x >= low))) return PH_OK;
    return phi_fail(err, PH_ERR_ARG, name, "%s is %g, wanted %s %g and below %g", name, x,
                    low_allowed ? "at least" : "above", low, high);
}

static enum ph_status check_reals(const ph_train_desc *s, ph_error *err)
{
    const double inf = HUGE_VAL;
    enum ph_status st = check_real("learning_rate", s->learning_rate, 0, false, inf, err);
    if (!st) st = check_real("momentum", s->momentum, 0, true, 1, err);
    if (!st) st = check_real("weight_decay", s->weight_decay, 0, true, inf, err);
    if (!st) st = check_real("label_smoothing", s->label_smoothing, 0, true, 1, err);
    if (!st) st = check_real("beta1", s->beta1, 0, false, 1, err);
    if (!st) st = check_real("beta2", s->beta2, 0, false, 1, err);
    if (!st) st = check_real("epsilon", s->epsilon, 0, false, inf, err);
    if (!st) st = check_real("step_factor", s->step_factor, 0, false, inf, err);
    if (!st) st = check_real("warmup", s->warmup, 0, false, 1, err);
    return st;
}

static enum ph_status check_counts(const ph_train_desc *s, const ph_dataset *d, ph_error *err)
{
    if ((unsigned)s->optimizer >= PHI_COUNT(optimizer_names))
        return phi_fail(err, PH_ERR_ARG, "optimizer", "optimizer %d is none", (int)s->optimizer);
    if ((unsigned)s->schedule >= PHI_COUNT(schedule_names))
        return phi_fail(err, PH_ERR_ARG, "schedule", "schedule %d is none", (int)s->schedule);
    if (s->n_epochs > MAX_EPOCHS)
        return phi_fail(err, PH_ERR_ARG, "n_epochs", "%zu epochs, wanted at most %zu", s->n_epochs,
                        MAX_EPOCHS);
    if (s->batch > d->count)
        return phi_fail(err, PH_ERR_ARG, "batch", "a batch of %zu images, but there are only %zu",
                        s->batch, d->count);
    if (s->shift < 0 || s->shift >= d->chw[1] || s->shift >= d->chw[2])
        return phi_fail(err, PH_ERR_ARG, "shift",
                        "shift by %d pixels, wanted 0 or more and less than the image, %lld x %lld",
                        s->shift, (long long)d->chw[1], (long long)d->chw[2]);
    return PH_OK;
}

enum ph_status phi_train_settings(const ph_train_desc *desc, const ph_dataset *d,
                                  ph_train_desc *out, ph_error *err)
{
    ph_train_desc s = {0};
    if (desc) s = *desc;
    fill_defaults(&s);
    enum ph_status st = check_counts(&s, d, err);
    if (!st) st = check_reals(&s, err);
    if (!st) *out = s;
    return st;
}
