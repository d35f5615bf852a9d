/* SPDX-License-Identifier: MIT */
/*
 * pinhole eval: how well a network classifies a data set, and what that looks like.
 */
#include "commands.h"
#include "json.h"
#include "options.h"
#include "picture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const splits[] = {"train", "test", NULL}; /* enum ph_split */
static const char *const colours[] = {"auto", "always", "never", NULL};

typedef struct eval_options {
    const char *model, *data, *json;
    int split, colour;
    size_t batch, threads, show;
    bool wrong;
    cli_measure measure;
} eval_options;

/* What an evaluation found. */
typedef struct eval_result {
    const ph_graph *g;
    const ph_dataset *d;
    ph_plan_desc plan; /* but for the shapes */
    ph_score score;
    size_t n_classes;
    int32_t *predicted; /* [images] */
    size_t *confusion;  /* [n_classes, n_classes + 1]: class, predicted; last: none of them */
} eval_result;

static size_t *confusion_row(const eval_result *r, size_t class)
{
    return r->confusion + class * (r->n_classes + 1);
}

static double accuracy(const eval_result *r)
{
    return r->score.n_images ? (double)r->score.n_correct / (double)r->score.n_images : 0.0;
}

static double speed(const eval_result *r)
{
    return r->score.seconds > 0.0 ? (double)r->score.n_images / r->score.seconds : 0.0;
}

static size_t class_count(const eval_result *r, size_t class)
{
    size_t n = 0;
    for (size_t k = 0; k <= r->n_classes; k++) {
        n += confusion_row(r, class)[k];
    }
    return n;
}

/* The class that images of `class` are most often mistaken for; `class` itself if none is. */
static size_t worst_confusion(const eval_result *r, size_t class)
{
    const size_t *row = confusion_row(r, class);
    size_t worst = class, most = 0;
    for (size_t k = 0; k <= r->n_classes; k++) {
        if (k == class || row[k] <= most) continue;
        most = row[k];
        worst = k;
    }
    return worst;
}

/* --- Text ----------------------------------------------------------------------------------- */

static void print_summary(const eval_options *o, const eval_result *r)
{
    char images[CLI_NUMBER_BYTES], correct[CLI_NUMBER_BYTES], rate[CLI_NUMBER_BYTES];
    cli_group((int64_t)r->score.n_images, images);
    printf("%s on %s, %s images of the %s split\n\n", cli_base_name(o->model), o->data, images,
           splits[o->split]);
    printf("  accuracy  %.2f %%  (%s of %s)\n", 100.0 * accuracy(r),
           cli_group((int64_t)r->score.n_correct, correct), images);
    printf("  loss      %.4f nats\n", r->score.loss);
    printf("  speed     %s images/s  (%.2f s, batches of %zu, %zu thread%s, %s)\n",
           cli_group(llround(speed(r)), rate), r->score.seconds, o->batch, o->threads,
           o->threads == 1 ? "" : "s", ph_cpu_isa());
}

/* A bar of `full` columns at share 1, in eighths of a column where the terminal has them. */
static void print_bar(const cli_style *style, double share, int full)
{
    int eighths = (int)lround(share * full * 8);
    int whole = eighths / 8, part = eighths % 8;
    fputs(cli_sgr(style, "\033[36m"), stdout);
    for (int i = 0; i < whole; i++) {
        fputs(style->utf8 ? "\xe2\x96\x88" : "#", stdout);
    }
    if (style->utf8 && part) {
        printf("\xe2\x96%c", 0x90 - part); /* U+2589 - part: 8 - part eighths are left out */
        whole++;
    }
    printf("%s%*s", cli_sgr(style, "\033[0m"), full - whole, "");
}

static void print_classes(const cli_style *style, const eval_result *r)
{
    printf("\n  %-14s %8s  %-20s  %s\n", "class", "accuracy", "", "most often taken for");
    for (size_t c = 0; c < r->n_classes; c++) {
        size_t n = class_count(r, c), worst = worst_confusion(r, c);
        if (n == 0) continue;
        double share = (double)confusion_row(r, c)[c] / (double)n;
        printf("  %-14.14s %6.1f %%  ", ph_dataset_class(r->d, c), 100.0 * share);
        print_bar(style, share, 20);
        if (worst != c) {
            printf("  %.20s (%zu)", ph_dataset_class(r->d, worst), confusion_row(r, c)[worst]);
        }
        putchar('\n');
    }
}

/* --- Pictures ------------------------------------------------------------------------------- */

/* Indices of `k` images, spread evenly over the split or over its mistakes, in chosen[]. */
static size_t choose(const eval_options *o, const eval_result *r, size_t *chosen)
{
    size_t n = r->score.n_images, wanted = o->show, seen = 0, taken = 0;
    size_t total = o->wrong ? n - r->score.n_correct : n;
    if (wanted > total) wanted = total;
    for (size_t i = 0; i < n && taken < wanted; i++) {
        bool right = (size_t)r->predicted[i] == ph_dataset_label(r->d, i);
        if (o->wrong && right) continue;
        if (seen++ == taken * total / wanted) chosen[taken++] = i;
    }
    return taken;
}

/* How sure a network is of `class`: its softmax, applied to scores that are not probabilities. */
static double probability(const float *scores, size_t n, size_t class)
{
    double top = (double)scores[0], sum = 0.0, total = 0.0;
    bool probabilities = true;
    for (size_t i = 0; i < n; i++) {
        if (scores[i] < 0.0f) probabilities = false;
        total += (double)scores[i];
        top = fmax(top, (double)scores[i]);
    }
    if (probabilities && fabs(total - 1.0) < 1e-3) return (double)scores[class];
    for (size_t i = 0; i < n; i++) {
        sum += exp((double)scores[i] - top);
    }
    return exp((double)scores[class] - top) / sum;
}

static ph_shape_hint images(const ph_dataset *d, size_t n)
{
    ph_shape_hint hint = {.rank = 4, .dims = {(int64_t)n}};
    ph_dataset_shape(d, hint.dims + 1);
    return hint;
}

/* sure[i]: how sure the network is of its prediction for image chosen[i]. */
static int ask_again(const eval_result *r, const size_t *chosen, size_t n, double *sure)
{
    ph_error err = {0};
    ph_plan *plan = NULL;
    ph_run *run = NULL;
    const ph_shape_hint hint = images(r->d, 1);
    ph_plan_desc desc = r->plan;
    desc.n_hints = 1;
    desc.hints = &hint;
    enum ph_status st = ph_plan_new(r->g, &desc, &plan, &err);
    if (!st) st = ph_run_new(plan, 1, &run, &err);
    if (st) {
        ph_plan_free(plan);
        return cli_fail(st, &err);
    }
    size_t n_scores = (size_t)ph_plan_output(plan, 0)->count;
    float *image = cli_alloc(ph_plan_input(plan, 0)->bytes);
    float *scores = cli_alloc(ph_plan_output(plan, 0)->bytes);
    int status = image && scores ? CLI_OK : cli_nomem();
    for (size_t i = 0; !st && status == CLI_OK && i < n; i++) {
        const void *in[] = {image};
        void *out[] = {scores};
        ph_dataset_floats(r->d, chosen[i], 1, image);
        st = ph_run_once(run, in, out, &err);
        sure[i] = st ? 0.0 : probability(scores, n_scores, (size_t)r->predicted[chosen[i]]);
    }
    if (st) status = cli_fail(st, &err);
    ph_run_free(run);
    ph_plan_free(plan);
    cli_free(image);
    cli_free(scores);
    return status;
}

static void caption(const cli_style *style, const eval_result *r, size_t i, double sure, picture *p)
{
    size_t label = ph_dataset_label(r->d, i), guess = (size_t)r->predicted[i];
    bool right = label == guess;
    const char *mark = right ? (style->utf8 ? "\xe2\x9c\x93" : "+")  /* U+2713 */
                             : (style->utf8 ? "\xe2\x9c\x97" : "x"); /* U+2717 */
    p->sgr[0] = right ? "\033[32m" : "\033[31m";
    p->sgr[1] = "\033[2m";
    snprintf(p->caption[0], sizeof p->caption[0], "%s %.11s %.0f%%", mark,
             ph_dataset_class(r->d, guess), 100.0 * sure);
    if (!right) {
        snprintf(p->caption[1], sizeof p->caption[1], "  is %.13s", ph_dataset_class(r->d, label));
    }
}

static int show_pictures(const eval_options *o, const cli_style *style, const eval_result *r)
{
    size_t *chosen = calloc(o->show, sizeof *chosen);
    double *sure = calloc(o->show, sizeof *sure);
    picture *pictures = calloc(o->show, sizeof *pictures);
    int64_t chw[3];
    int status = chosen && sure && pictures ? CLI_OK : cli_nomem();
    size_t n = status == CLI_OK ? choose(o, r, chosen) : 0;
    if (n > 0) status = ask_again(r, chosen, n, sure);
    if (n > 0 && status == CLI_OK) {
        ph_dataset_shape(r->d, chw);
        for (size_t i = 0; i < n; i++) {
            pictures[i] = (picture){
                .pixels = ph_dataset_image(r->d, chosen[i]), .c = chw[0], .h = chw[1], .w = chw[2]};
            caption(style, r, chosen[i], sure[i], &pictures[i]);
        }
        putchar('\n');
        picture_draw(style, pictures, n);
    }
    free(pictures);
    free(sure);
    free(chosen);
    return status;
}

/* --- JSON ----------------------------------------------------------------------------------- */

static json_t *json_classes(const eval_result *r)
{
    json_t *list = json_array();
    for (size_t c = 0; c < r->n_classes; c++) {
        json_t *entry = json_object();
        size_t n = class_count(r, c), right = confusion_row(r, c)[c];
        cli_json_text(entry, "name", ph_dataset_class(r->d, c));
        cli_json_int(entry, "images", (int64_t)n);
        cli_json_int(entry, "correct", (int64_t)right);
        cli_json_real(entry, "accuracy", n ? (double)right / (double)n : (double)NAN);
        json_array_append_new(list, entry);
    }
    return list;
}

static int write_json(const eval_options *o, const eval_result *r)
{
    json_t *root = json_object();
    cli_json_int(root, "schema", 1);
    cli_json_text(root, "model", cli_base_name(o->model));
    cli_json_text(root, "data", o->data);
    cli_json_text(root, "split", splits[o->split]);
    cli_json_int(root, "images", (int64_t)r->score.n_images);
    cli_json_int(root, "correct", (int64_t)r->score.n_correct);
    cli_json_real(root, "accuracy", accuracy(r));
    cli_json_real(root, "loss", r->score.loss);
    cli_json_real(root, "seconds", r->score.seconds);
    cli_json_real(root, "images_per_second", speed(r));
    cli_json_int(root, "batch", (int64_t)o->batch);
    cli_json_int(root, "threads", (int64_t)o->threads);
    cli_json_text(root, "isa", ph_cpu_isa());
    cli_json_set(root, "classes", json_classes(r));
    return cli_json_write(root, o->json);
}

/* --- The command ---------------------------------------------------------------------------- */

static int report(const eval_options *o, const eval_result *r)
{
    cli_style style = cli_style_get(colours[o->colour]);
    int status = CLI_OK;
    if (!(o->json && strcmp(o->json, "-") == 0)) {
        print_summary(o, r);
        print_classes(&style, r);
        if (o->show) status = show_pictures(o, &style, r);
    }
    if (o->json && status == CLI_OK) status = write_json(o, r);
    return status;
}

/* The plans for whole batches and for what is left go by the same measurements. */
static int measure_first(const eval_options *o, eval_result *r, ph_measurements **out)
{
    const size_t count = ph_dataset_count(r->d);
    const ph_shape_hint hint = images(r->d, o->batch < count ? o->batch : count);
    r->plan = (ph_plan_desc){.n_threads = o->threads, .n_hints = 1, .hints = &hint};
    int status = cli_measure_first(&o->measure, r->g, o->model, &r->plan, out);
    r->plan.n_hints = 0;
    r->plan.hints = NULL;
    return status;
}

static int evaluate(const eval_options *o, const ph_graph *g, const ph_dataset *d)
{
    size_t n = ph_dataset_count(d), k = ph_dataset_n_classes(d);
    char number[CLI_NUMBER_BYTES];
    ph_measurements *measurements = NULL;
    ph_error err = {0};
    eval_result r = {.g = g, .d = d, .n_classes = k};
    r.predicted = calloc(n + 1, sizeof *r.predicted);
    r.confusion = calloc(k + 1, (k + 1) * sizeof *r.confusion);
    int status = r.predicted && r.confusion ? CLI_OK : cli_nomem();
    if (status == CLI_OK) status = measure_first(o, &r, &measurements);
    if (status == CLI_OK) {
        cli_progress("classifying %s images ...", cli_group((int64_t)n, number));
        enum ph_status st = ph_evaluate_as(g, d, &r.plan, o->batch, &r.score, r.predicted, &err);
        cli_progress_clear();
        if (st) status = cli_fail_in(o->model, st, &err);
    }
    for (size_t i = 0; status == CLI_OK && i < n; i++) {
        size_t label = ph_dataset_label(d, i), guess = (size_t)r.predicted[i];
        if (label < k) confusion_row(&r, label)[guess < k ? guess : k]++;
    }
    if (status == CLI_OK) status = report(o, &r);
    ph_measurements_free(measurements);
    free(r.confusion);
    free(r.predicted);
    return status;
}

static int eval_model(const eval_options *o)
{
    ph_graph *g;
    ph_dataset *d = NULL;
    int status = cli_open_model(o->model, &g);
    if (status == CLI_OK) {
        cli_progress("reading %s ...", o->data);
        status = cli_open_data(o->data, (enum ph_split)o->split, &d);
    }
    if (status == CLI_OK) status = evaluate(o, g, d);
    ph_dataset_free(d);
    ph_graph_free(g);
    return status;
}

int cmd_eval(int argc, char **argv)
{
    eval_options o = {.split = PH_SPLIT_TEST, .batch = 100};
    const cli_option options[] = {
        {OPT_TEXT("data", 'd', &o.data, "SPEC", "fashion-mnist:DIR or cifar10:DIR")},
        {OPT_WORD("split", 's', &o.split, "WHICH", splits, "train or test (test)")},
        {OPT_SIZE("batch", 'b', &o.batch, "N", 1, 1 << 16, "images at a time (100)")},
        {OPT_SIZE("threads", 't', &o.threads, "N", 1, 1024, "threads (one per CPU)")},
        CLI_MEASURE_OPTIONS(&o.measure),
        {OPT_SIZE("show", 'k', &o.show, "K", 0, 1000,
                  "draw K images with what the network says (0)")},
        {OPT_FLAG("wrong", 'w', &o.wrong, "draw only images that it gets wrong")},
        {OPT_WORD("colour", 'c', &o.colour, "WHEN", colours, "auto, always or never (auto)")},
        {OPT_WORD("color", 0, &o.colour, "WHEN", colours, "the same")},
        {OPT_TEXT("json", 'j', &o.json, "FILE",
                  "write JSON to FILE; '-' prints it instead of the\ntext")},
    };
    const cli_spec spec = {
        .operands = "MODEL",
        .min_operands = 1,
        .max_operands = 1,
        .about = "Classify every image of a data set: accuracy, loss, speed, what each class is\n"
                 "mistaken for, and pictures in the terminal.\n",
        .examples =
            "  pinhole eval model.onnx --data fashion-mnist:/usr/share/datasets/fashion-mnist\n"
            "  pinhole eval model.onnx --data cifar10:cifar-10-batches-bin --show 8 --wrong\n",
        .options = options,
        .n_options = CLI_COUNT(options),
    };
    int status = cli_parse(&spec, argc, argv);
    if (status != CLI_GO) return status;
    if (!o.data) return cli_usage("option '--data' is missing");
    o.model = argv[optind];
    if (!o.threads) o.threads = ph_cpu_count();
    return eval_model(&o);
}
