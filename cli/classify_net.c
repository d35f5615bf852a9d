/* SPDX-License-Identifier: MIT */
/*
 * The network that classifies: which one, its plan for a batch, and what its scores mean.
 */
#include "classify.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct classifier {
    char *path;
    ph_graph *g;
    ph_plan *plan;
    ph_run *run;
    ph_labels *labels;
    image_input input;
    size_t output, n_outputs; /* the one that holds the scores; all */
    void **out;               /* [n_outputs] buffers */
    size_t n_classes, top;
    enum ph_scores kind;
    bool softmax;
};

/* --- Which model ------------------------------------------------------------------------------ */

/* The shipped network: beside the installed program, or in the sources this program is built from.
 */
static char *shipped_model(void)
{
    static const char *const places[] = {"/../share/pinhole/models/nin-fashion.onnx", NULL};
    char program[4096];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    program[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(program, '/');
    if (slash) *slash = '\0';
    for (size_t i = 0; i < CLI_COUNT(places); i++) {
        char path[8192];
        snprintf(path, sizeof path, "%s%s", places[i] ? program : PINHOLE_SOURCE_MODELS,
                 places[i] ? places[i] : "/nin-fashion.onnx");
        if (access(path, R_OK) == 0) return strdup(path);
    }
    return NULL;
}

static int find_model(classifier *n, const classify_options *o)
{
    n->path = o->model ? strdup(o->model) : shipped_model();
    if (!n->path && o->model) return cli_nomem();
    if (!n->path)
        return cli_usage("option '--model' is missing, and the shipped model is not there");
    if (!o->model) cli_note("no --model: the shipped one, %s", n->path);
    int status = cli_open_model(n->path, &n->g);
    return status == CLI_OK ? cli_set_shapes(n->g, &o->shapes) : status;
}

/* Images of one run: --batch, or else the first dimension that --shape gives. */
static void decide_batch(const classifier *n, classify_options *o)
{
    int64_t dims[PH_MAX_RANK];
    if (o->batch) return;
    int rank = ph_value_type(n->g, n->input.value, NULL, dims);
    o->batch = o->shapes.n && rank == 4 && dims[0] > 0 ? (size_t)dims[0] : 1;
}

/* --- Plan ------------------------------------------------------------------------------------- */

static int make_plan(classifier *n, const classify_options *o)
{
    const ph_image_prep *p = &n->input.prep;
    ph_shape_hint hint = {.name = n->input.name, .rank = n->input.rank};
    const int64_t chw[] = {(int64_t)p->channels, p->height, p->width};
    const int64_t hwc[] = {p->height, p->width, (int64_t)p->channels};
    ph_error err = {0};
    hint.dims[0] = (int64_t)o->batch;
    memcpy(hint.dims + (hint.rank - 3), p->nhwc ? hwc : chw, sizeof chw);
    if (hint.rank == 3 && o->batch > 1) {
        return cli_usage("option '--batch': the model takes one image at a time");
    }
    ph_plan_desc desc = {.n_hints = 1, .hints = &hint, .exact = o->exact, .n_threads = o->threads};
    ph_measurements *measurements;
    int status = cli_measure_first(&o->measure, n->g, n->path, &desc, &measurements);
    enum ph_status st = PH_OK;
    if (status == CLI_OK) st = ph_plan_new(n->g, &desc, &n->plan, &err);
    ph_measurements_free(measurements);
    if (status != CLI_OK) return status;
    if (!st) st = ph_run_new(n->plan, o->threads, &n->run, &err);
    if (st) return cli_fail_in(n->path, st, &err);
    const ph_port *in = ph_plan_input(n->plan, 0);
    if (in->dtype == n->input.dtype || n->input.dtype == PH_UNDEFINED) {
        n->input.dtype = in->dtype;
        return CLI_OK;
    }
    return cli_error(CLI_INPUT, "%s: input '%s' is %s", n->path, in->name,
                     ph_dtype_name(in->dtype));
}

static int find_output(classifier *n, const classify_options *o)
{
    n->n_outputs = ph_plan_n_outputs(n->plan);
    for (size_t i = 0; i < n->n_outputs && o->output; i++) {
        if (strcmp(ph_plan_output(n->plan, i)->name, o->output) == 0) {
            n->output = i;
            return CLI_OK;
        }
    }
    if (o->output) return cli_usage("option '--output': %s has no output '%s'", n->path, o->output);
    return n->n_outputs ? CLI_OK : cli_error(CLI_INPUT, "%s: no outputs", n->path);
}

/* [n,classes], with further dimensions of 1; for one image also [classes]. */
static int check_output(classifier *n, const classify_options *o)
{
    const ph_port *out = ph_plan_output(n->plan, n->output);
    char dims[160];
    int64_t longest = 0, batch = (int64_t)o->batch;
    for (size_t i = 0; i < out->rank; i++) {
        if (out->dims[i] > longest && (i > 0 || batch == 1)) longest = out->dims[i];
    }
    bool fits = out->dtype == PH_FLOAT32 && longest > 0 && out->count == batch * longest;
    if (fits && (batch == 1 || out->dims[0] == batch)) {
        n->n_classes = (size_t)longest;
        return CLI_OK;
    }
    return cli_error(CLI_UNSUPPORTED,
                     "%s: output '%s' is %s %s, wanted float32 scores [%zu,classes] (--output says "
                     "which output)",
                     n->path, out->name, ph_dtype_name(out->dtype),
                     cli_dims(out->rank, out->dims, dims, sizeof dims), o->batch);
}

static int check_labels(classifier *n, const classify_options *o)
{
    int status = image_labels(n->g, &o->image, &n->labels);
    if (status != CLI_OK || !n->labels || ph_labels_count(n->labels) == n->n_classes) return status;
    return cli_error(CLI_INPUT, "%s: %zu classes, but %s names %zu", n->path, n->n_classes,
                     o->image.labels ? o->image.labels : "its metadata",
                     ph_labels_count(n->labels));
}

static int make_outputs(classifier *n)
{
    n->out = cli_alloc(n->n_outputs * sizeof *n->out);
    for (size_t i = 0; n->out && i < n->n_outputs; i++) {
        n->out[i] = cli_alloc(ph_plan_output(n->plan, i)->bytes);
        if (!n->out[i]) return cli_nomem();
    }
    return n->out ? CLI_OK : cli_nomem();
}

static void decide_softmax(classifier *n, const classify_options *o)
{
    n->kind = ph_graph_scores(n->g, ph_graph_output(n->g, n->output));
    if (o->softmax == SOFTMAX_ALWAYS) n->kind = PH_SCORES_LOGITS;
    n->softmax = n->kind == PH_SCORES_LOGITS && o->softmax != SOFTMAX_NEVER;
    if (o->softmax == SOFTMAX_NEVER) n->kind = PH_SCORES_LOGITS;
}

int classifier_new(classify_options *o, classifier **out)
{
    classifier *n = calloc(1, sizeof *n);
    *out = NULL;
    if (!n) return cli_nomem();
    int status = find_model(n, o);
    if (status == CLI_OK) status = image_input_find(n->g, n->path, &o->image, &n->input);
    if (status == CLI_OK && n->input.guessed) {
        cli_note("%s says nothing about its images: taking --preset %s", cli_base_name(n->path),
                 n->input.preset);
    }
    if (status == CLI_OK) decide_batch(n, o);
    if (status == CLI_OK) status = make_plan(n, o);
    if (status == CLI_OK) status = find_output(n, o);
    if (status == CLI_OK) status = check_output(n, o);
    if (status == CLI_OK) status = check_labels(n, o);
    if (status == CLI_OK) status = make_outputs(n);
    if (status != CLI_OK) {
        classifier_free(n);
        return status;
    }
    n->top = o->top < n->n_classes ? o->top : n->n_classes;
    decide_softmax(n, o);
    *out = n;
    return CLI_OK;
}

void classifier_free(classifier *n)
{
    if (!n) return;
    for (size_t i = 0; n->out && i < n->n_outputs; i++) {
        cli_free(n->out[i]);
    }
    cli_free(n->out);
    ph_labels_free(n->labels);
    ph_run_free(n->run);
    ph_plan_free(n->plan);
    ph_graph_free(n->g);
    free(n->path);
    free(n);
}

const image_input *classifier_input(const classifier *n)
{
    return &n->input;
}

const ph_labels *classifier_labels(const classifier *n)
{
    return n->labels;
}

const char *classifier_path(const classifier *n)
{
    return n->path;
}

size_t classifier_top(const classifier *n)
{
    return n->top;
}

const char *classifier_scores(const classifier *n)
{
    if (n->softmax) return "softmax of the output";
    switch (n->kind) {
    case PH_SCORES_PROBABILITIES:
        return "the output, a softmax";
    case PH_SCORES_LOG_PROBABILITIES:
        return "exp of the output, a log-softmax";
    case PH_SCORES_LOGITS:
        break;
    }
    return "the output";
}

/* --- Running ---------------------------------------------------------------------------------- */

enum ph_status classifier_run(classifier *n, const void *pixels, ph_error *err)
{
    return ph_run_once(n->run, &pixels, n->out, err);
}

/* The largest scores, largest first; of equal ones the first class first. */
static void find_top(const float *score, size_t n, size_t top, guess *g)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        size_t at = found;
        while (at > 0 && (double)score[i] > g[at - 1].score) {
            at--;
        }
        if (at == top) continue;
        if (found < top) found++;
        memmove(g + at + 1, g + at, (found - 1 - at) * sizeof *g);
        g[at] = (guess){i, (double)score[i]};
    }
}

bool classifier_guess(const classifier *n, size_t image, guess *g)
{
    const float *score = (const float *)n->out[n->output] + image * n->n_classes;
    double sum = 0.0;
    for (size_t i = 0; i < n->n_classes; i++) {
        if (!isfinite(score[i]) && !(n->kind == PH_SCORES_LOG_PROBABILITIES && score[i] < 0.0f)) {
            return false;
        }
    }
    find_top(score, n->n_classes, n->top, g);
    const double largest = g[0].score;
    for (size_t i = 0; i < n->n_classes && n->softmax; i++) {
        sum += exp((double)score[i] - largest);
    }
    for (size_t i = 0; i < n->top; i++) {
        if (n->softmax) g[i].score = exp(g[i].score - largest) / sum;
        if (n->kind == PH_SCORES_LOG_PROBABILITIES) g[i].score = exp(g[i].score);
    }
    return true;
}
