/* SPDX-License-Identifier: MIT */
/*
 * pinhole classify: what is on images, one or a stream of them.
 */
#include "classify.h"
#include "commands.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Longest wait before signals and progress are looked at, seconds. */
#define PATIENCE 0.1

static const char *const softmax_words[] = {"auto", "always", "never", NULL};

/* A run over all images. */
typedef struct session {
    const classify_options *o;
    classifier *net;
    source *source;
    queue *queue;
    printer *printer;
    guess *guesses;
    size_t n, n_broken;
    int worst; /* exit status of the first image that failed */
    double begin, shown;
} session;

/* --- Progress --------------------------------------------------------------------------------- */

static void show_progress(session *s)
{
    double now = cli_now(), seconds = now - s->begin;
    size_t total = source_total(s->source);
    char n[CLI_NUMBER_BYTES], all[CLI_NUMBER_BYTES], left[CLI_NUMBER_BYTES];
    if (!s->o->stream || now - s->shown < PATIENCE) return;
    s->shown = now;
    double rate = seconds > 0.0 ? (double)s->n / seconds : 0.0;
    cli_group((int64_t)s->n, n);
    if (total == SIZE_MAX || rate <= 0.0) {
        cli_progress("%s images, %zu broken, %.1f images/s", n, s->n_broken, rate);
    } else {
        cli_progress("%s of %s images, %zu broken, %.1f images/s, %s left", n,
                     cli_group((int64_t)total, all), s->n_broken, rate,
                     cli_clock((double)(total - s->n) / rate, left));
    }
}

static void say_counts(const session *s)
{
    double seconds = cli_now() - s->begin;
    char n[CLI_NUMBER_BYTES];
    cli_note("%s%s images, %zu broken, %.2f s, %.1f images/s", cli_caught ? "interrupted: " : "",
             cli_group((int64_t)s->n, n), s->n_broken, seconds,
             seconds > 0.0 ? (double)s->n / seconds : 0.0);
}

/* --- Images ----------------------------------------------------------------------------------- */

static void fail_image(session *s, slot *image)
{
    printer_error(s->printer, image);
    if (!s->n_broken++) s->worst = cli_exit_status(image->status);
}

/* Print n images; `st` is what the network's run came to, if there was one. */
static void finish_batch(session *s, slot *slots, size_t n, enum ph_status st, const ph_error *err)
{
    for (size_t i = 0; i < n && !ferror(stdout); i++) {
        slot *image = &slots[i];
        if (!image->status && st) {
            image->status = st;
            image->err = *err;
        }
        if (!image->status && !classifier_guess(s->net, i, s->guesses)) {
            image->status = PH_ERR_ARG;
            snprintf(image->err.message, sizeof image->err.message,
                     "%.3000s: the network's scores are not numbers", image->path);
        }
        if (image->status) {
            fail_image(s, image);
        } else {
            printer_image(s->printer, image, s->guesses);
        }
        s->n++;
    }
}

static bool any_whole(const slot *slots, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!slots[i].status) return true;
    }
    return false;
}

static void classify_all(session *s)
{
    ph_error err = {0};
    slot *slots;
    void *pixels;
    size_t n;
    while (!cli_caught && !ferror(stdout)) {
        show_progress(s);
        if (!queue_wait(s->queue, PATIENCE, &slots, &pixels, &n)) continue;
        if (n == 0) break;
        enum ph_status st = any_whole(slots, n) ? classifier_run(s->net, pixels, &err) : PH_OK;
        finish_batch(s, slots, n, st, &err);
        queue_release(s->queue, n);
    }
    cli_progress_clear();
}

/* --- The command ------------------------------------------------------------------------------ */

/* A stream says by 1 that some images were broken; a few images by why the first one was. */
static int result(const session *s)
{
    if (cli_caught) return 128 + cli_caught;
    int status = source_status(s->source);
    if (status != CLI_OK || !s->n_broken) return status;
    return s->o->stream ? CLI_NO : s->worst;
}

static int run_session(session *s)
{
    s->guesses = calloc(classifier_top(s->net), sizeof *s->guesses);
    int status = s->guesses ? printer_new(s->o, s->net, &s->printer) : cli_nomem();
    if (status == CLI_OK) status = queue_new(s->source, classifier_input(s->net), s->o, &s->queue);
    if (status == CLI_OK) {
        cli_catch_signals(); /* a stream ends after the line that is being written */
        s->begin = cli_now();
        classify_all(s);
        queue_free(s->queue); /* also ends the waiting for a list */
        if (s->o->stream) say_counts(s);
        status = result(s);
    }
    int closed = printer_close(s->printer);
    free(s->guesses);
    return closed != CLI_OK ? closed : status;
}

static int classify(classify_options *o, size_t n, char **operands)
{
    session s = {.o = o};
    int status = source_new(o, n, operands, &s.source);
    if (status == CLI_OK) status = classifier_new(o, &s.net);
    if (status == CLI_OK) status = run_session(&s);
    classifier_free(s.net);
    source_free(s.source);
    return status;
}

static bool is_stream(const classify_options *o, size_t n, char **operands)
{
    struct stat st;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(operands[i], "-") == 0) return true;
        if (stat(operands[i], &st) == 0 && S_ISDIR(st.st_mode)) return true;
    }
    return o->list != NULL;
}

int cmd_classify(int argc, char **argv)
{
    classify_options o = {.top = 5};
    const cli_option options[] = {
        {OPT_TEXT("model", 'm', &o.model, "MODEL", "the network (the shipped one, for clothes)")},
        {OPT_SIZE("top", 'k', &o.top, "K", 1, 1 << 20, "classes to name (5)")},
        {OPT_FLAG("json", 'j', &o.json, "print one JSON document")},
        {OPT_TEXT("list", 'L', &o.list, "FILE", "a list of images, one a line; '-' is stdin")},
        {OPT_FLAG("null", '0', &o.null, "names in the list end with a zero byte")},
        IMAGE_OPTIONS(o.image),
        {OPT_FLAG("exif", 0, &o.exif, "turn images as their EXIF orientation says")},
        {OPT_FLAG("exact", 0, &o.exact, CLI_EXACT_HELP)},
        CLI_MEASURE_OPTIONS(&o.measure),
        {OPT_FLAG("lenient", 0, &o.lenient, "take what there is of damaged images")},
        {OPT_SIZE("max-pixels", 0, &o.max_pixels, "N", 1, 1e15,
                  "refuse larger images (178956970)")},
        {OPT_WORD("softmax", 0, &o.softmax, "WHEN", softmax_words,
                  "auto (unless the model ends in one), always or\nnever (auto)")},
        {OPT_TEXT("output", 0, &o.output, "NAME", "the output that holds the scores (the first)")},
        {OPT_TEXTS("shape", 's', &o.shapes, "[NAME=]DIMS", CLI_SHAPE_HELP)},
        {OPT_SIZE("batch", 'b', &o.batch, "N", 1, 4096,
                  "images of one run (1, or what --shape says)")},
        {OPT_SIZE("threads", 't', &o.threads, "N", 1, 1024, "threads (one per CPU)")},
    };
    const cli_spec spec = {
        .operands = "IMAGE...",
        .max_operands = INT32_MAX,
        .about =
            "Say what is on images, JPEG and PNG files. A folder, or a list on standard input\n"
            "('-'), is a stream: one JSON line an image is printed, and what is broken does\n"
            "not stop it (exit status 1 in the end).\n",
        .examples = "  pinhole classify examples/images/*.png\n"
                    "  pinhole classify -m squeezenet.onnx -p caffe -l names.txt cat.jpg\n"
                    "  find photos -name '*.jpg' | pinhole classify -m resnet18.onnx - >out.json\n",
        .options = options,
        .n_options = CLI_COUNT(options),
    };
    int status = cli_parse(&spec, argc, argv);
    if (status != CLI_GO) return status;
    size_t n = (size_t)(argc - optind);
    if (n == 0 && !o.list) return cli_usage("missing operand: %s is wanted", spec.operands);
    if (o.null && !is_stream(&o, n, argv + optind)) return cli_usage("'--null' is about a list");
    o.stream = is_stream(&o, n, argv + optind);
    return classify(&o, n, argv + optind);
}
