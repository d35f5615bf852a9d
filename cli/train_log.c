/* SPDX-License-Identifier: MIT */
/*
 * What is said while a network is trained, and the metrics file.
 */
#include "train.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char header[] =
    "epoch,loss,accuracy,test_loss,test_accuracy,learning_rate,images_per_second,seconds\n";

/* --- CSV ------------------------------------------------------------------------------------ */

static int metrics_error(const char *path)
{
    return cli_error(CLI_INPUT, "metrics '%s': %s", path, strerror(errno));
}

/* Copy the lines of epochs 1 .. done from `old` to `f`. */
static void copy_epochs(FILE *old, FILE *f, size_t done)
{
    char line[512];
    while (fgets(line, sizeof line, old)) {
        char *comma = strchr(line, ',');
        int64_t epoch;
        if (!comma || !strchr(line, '\n')) continue;
        *comma = '\0';
        if (!cli_parse_int(line, 1, (int64_t)done, &epoch)) continue;
        *comma = ',';
        fputs(line, f);
    }
}

int train_log_open(const char *path, size_t done, FILE **f)
{
    cli_out out;
    *f = NULL;
    int status = cli_out_open(&out, path);
    if (status != CLI_OK) return status;
    fputs(header, out.f);
    FILE *old = done > 0 ? fopen(path, "r") : NULL;
    if (old) {
        copy_epochs(old, out.f, done);
        fclose(old);
    }
    status = cli_out_close(&out, true);
    if (status != CLI_OK) return status;
    *f = fopen(path, "a");
    return *f ? CLI_OK : metrics_error(path);
}

int train_log_close(const char *path, FILE *f)
{
    if (!f) return CLI_OK;
    bool failed = ferror(f) != 0;
    return fclose(f) != 0 || failed ? metrics_error(path) : CLI_OK;
}

void train_log_csv(FILE *f, const train_epoch *e)
{
    if (!f) return;
    fprintf(f, "%zu,%.9g,%.9g,", e->epoch, e->loss, e->accuracy);
    if (e->tested) {
        fprintf(f, "%.9g,%.9g,", e->test_loss, e->test_accuracy);
    } else {
        fputs(",,", f);
    }
    fprintf(f, "%.9g,%.6g,%.6g\n", e->learning_rate, e->images_per_second, e->seconds);
    fflush(f); /* a long training can be watched */
}

/* --- Table ---------------------------------------------------------------------------------- */

void train_log_head(void)
{
    cli_note("%5s %9s %10s %10s %10s %11s %10s %8s", "epoch", "loss", "accuracy", "test loss",
             "test acc.", "learn. rate", "images/s", "time");
}

void train_log_row(const train_epoch *e)
{
    char loss[24] = "-", accuracy[24] = "-", rate[CLI_NUMBER_BYTES], time[CLI_NUMBER_BYTES];
    if (e->tested) {
        snprintf(loss, sizeof loss, "%.4f", e->test_loss);
        snprintf(accuracy, sizeof accuracy, "%.2f %%", 100.0 * e->test_accuracy);
    }
    cli_note("%5zu %9.4f %8.2f %% %10s %10s %11.4g %10s %8s", e->epoch, e->loss,
             100.0 * e->accuracy, loss, accuracy, e->learning_rate,
             cli_group(llround(e->images_per_second), rate), cli_clock(e->seconds, time));
}

/* --- Progress ------------------------------------------------------------------------------- */

void train_log_progress(const ph_train_progress *p)
{
    static double next = 0.0;
    char left[CLI_NUMBER_BYTES], rate[CLI_NUMBER_BYTES], bar[11];
    double now = cli_now();
    bool terminal = cli_progress_wanted();
    if (cli_talk < 1) return;
    if (next == 0.0 && !terminal) next = now + 10.0;
    if (now < next) return;
    next = now + (terminal ? 0.1 : 10.0);
    double share = p->n_steps ? (double)p->step / (double)p->n_steps : 0.0;
    for (int i = 0; i < 10; i++) {
        bar[i] = share * 10.0 >= i + 1 ? '#' : '.';
    }
    bar[10] = '\0';
    cli_clock(p->seconds_left, left);
    cli_group(llround(p->images_per_second), rate);
    if (terminal) {
        cli_progress("%zu/%zu [%s] loss %.4f  %.2f %%  %s images/s  %s left", p->epoch + 1,
                     p->n_epochs, bar, p->loss, 100.0 * p->accuracy, rate, left);
    } else {
        cli_note("epoch %zu/%zu, step %zu/%zu: loss %.4f, %.2f %%, %s images/s, %s left",
                 p->epoch + 1, p->n_epochs, p->step, p->n_steps, p->loss, 100.0 * p->accuracy, rate,
                 left);
    }
}
