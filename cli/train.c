/* SPDX-License-Identifier: MIT */
/*
 * pinhole train: a network and a data set in, a trained ONNX file out.
 */
#include "commands.h"
#include "train.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

const char *const train_optimizers[] = {"sgd", "adam", NULL};
const char *const train_schedules[] = {"constant", "step", "cosine", "one-cycle", NULL};

/* --- The seed ------------------------------------------------------------------------------- */

/* Short enough to be typed again. */
static uint64_t choose_seed(void)
{
    uint32_t seed;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed) {
        seed = (uint32_t)time(NULL) ^ (uint32_t)getpid() << 16;
    }
    return seed;
}

/* A continued training has the seed that its checkpoint tells. */
static int seed_of_checkpoint(const char *path, uint64_t *seed)
{
    ph_graph *g = NULL;
    ph_error err = {0};
    enum ph_status st = ph_onnx_read(cli_memory(), path, &g, &err);
    if (st) return cli_fail(st, &err);
    const char *text = ph_graph_metadata(g, "pinhole.seed");
    int status = CLI_OK;
    if (!text || !cli_parse_seed(text, seed)) {
        status = cli_error(CLI_INPUT, "'%s' tells no seed: it is no checkpoint of 'pinhole train'",
                           path);
    }
    ph_graph_free(g);
    return status;
}

/* --- Options -------------------------------------------------------------------------------- */

/* Numbers for which zero means something, where the library takes it for the default. */
static void settle(train_options *o, int optimizer, int schedule, double lr, double momentum)
{
    ph_train_desc *d = &o->desc;
    d->optimizer = (enum ph_optimizer)optimizer;
    d->schedule = (enum ph_schedule)schedule;
    d->learning_rate = lr > 0.0 ? lr : optimizer == PH_SGD ? 0.1 : 0.001;
    if (optimizer == PH_SGD) d->momentum = momentum > 0.0 ? momentum : -1.0;
    if (!o->threads) o->threads = ph_cpu_count();
}

static int check_options(const train_options *o, bool momentum_given)
{
    if (!o->data) return cli_usage("option '--data' is missing");
    if (!o->output) return cli_usage("option '--output' is missing");
    if (o->resume && !o->checkpoint) return cli_usage("'--resume' needs '--checkpoint'");
    if (o->checkpoint && strcmp(o->checkpoint, o->output) == 0) {
        return cli_usage("'--checkpoint' and '--output' are the same file");
    }
    if (o->desc.optimizer == PH_ADAM && (momentum_given || o->desc.nesterov)) {
        return cli_usage("'--momentum' and '--nesterov' are for sgd, not adam");
    }
    if (o->desc.nesterov && o->desc.momentum < 0.0) {
        return cli_usage("'--nesterov' needs a '--momentum' above 0");
    }
    return CLI_OK;
}

/* Better now than after hours. */
static int check_files(const train_options *o)
{
    int status = cli_check_writable("--output", o->output);
    if (status == CLI_OK && o->checkpoint) {
        status = cli_check_writable("--checkpoint", o->checkpoint);
    }
    if (status == CLI_OK && o->metrics) status = cli_check_writable("--metrics", o->metrics);
    return status;
}

static int train_model(train_options *o)
{
    ph_graph *g = NULL;
    ph_dataset *train = NULL, *test = NULL;
    int status = check_files(o);
    if (status == CLI_OK && !o->seed_given) {
        o->seed = choose_seed();
        if (o->resume) status = seed_of_checkpoint(o->checkpoint, &o->seed);
    }
    if (status == CLI_OK) status = cli_load_model(o->model, o->seed, &g);
    if (status == CLI_OK) {
        cli_progress("reading %s ...", o->data);
        status = cli_open_data(o->data, PH_SPLIT_TRAIN, &train);
    }
    if (status == CLI_OK && !o->no_eval) status = cli_open_data(o->data, PH_SPLIT_TEST, &test);
    cli_progress_clear();
    if (status == CLI_OK) status = train_run(o, g, train, test);
    ph_dataset_free(test);
    ph_dataset_free(train);
    ph_graph_free(g);
    return status;
}

int cmd_train(int argc, char **argv)
{
    train_options o = {
        .eval_every = 1,
        .desc = {.n_epochs = 1, .batch = 128, .step_epochs = 10, .step_factor = 0.1, .warmup = 0.3},
    };
    int optimizer = PH_SGD, schedule = PH_CONSTANT;
    double lr = 0.0, momentum = 0.9;
    size_t shift = 0;
    bool momentum_given = false;
    const cli_option options[] = {
        {OPT_TEXT("data", 'd', &o.data, "SPEC", "fashion-mnist:DIR or cifar10:DIR")},
        {OPT_TEXT("output", 'o', &o.output, "FILE", "the ONNX file to write when all is done")},
        {OPT_SIZE("epochs", 'e', &o.desc.n_epochs, "N", 1, 1000000, "times through the data (1)")},
        {OPT_SIZE("batch", 'b', &o.desc.batch, "N", 1, 1 << 16, "images of a step (128)")},
        {OPT_WORD("optimizer", 'O', &optimizer, "NAME", train_optimizers, "sgd or adam (sgd)")},
        {OPT_REAL("lr", 'l', &lr, "X", 1e-12, 1e6,
                  "learning rate at its highest\n(sgd 0.1, adam 0.001)")},
        {OPT_REAL("momentum", 'm', &momentum, "X", 0.0, 0.9999, "of sgd (0.9)"),
         .given = &momentum_given},
        {OPT_FLAG("nesterov", 'N', &o.desc.nesterov, "Nesterov's momentum")},
        {OPT_REAL("weight-decay", 'w', &o.desc.weight_decay, "X", 0.0, 1.0,
                  "L2, on weights but not biases (0)")},
        {OPT_WORD("schedule", 'S', &schedule, "NAME", train_schedules,
                  "of the learning rate: constant, step, cosine or\none-cycle (constant)")},
        {OPT_SIZE("step-epochs", 0, &o.desc.step_epochs, "N", 1, 1000000,
                  "step: epochs between drops (10)")},
        {OPT_REAL("step-factor", 0, &o.desc.step_factor, "X", 1e-6, 1.0,
                  "step: what a drop multiplies by (0.1)")},
        {OPT_REAL("warmup", 0, &o.desc.warmup, "X", 0.001, 0.999,
                  "one-cycle: share of the steps going up (0.3)")},
        {OPT_REAL("label-smoothing", 0, &o.desc.label_smoothing, "X", 0.0, 0.9,
                  "spread so much over all classes (0)")},
        {OPT_SIZE("shift", 'x', &shift, "N", 0, 64, "shift images by up to N pixels each way (0)")},
        {OPT_FLAG("flip", 'f', &o.desc.flip, "mirror every second image, at random")},
        {OPT_SEED("seed", 's', &o.seed, "N",
                  "of weights, order and augmentation (chosen and\nprinted)"),
         .given = &o.seed_given},
        {OPT_SIZE("threads", 't', &o.threads, "N", 1, 1024,
                  "threads (one per CPU); the result is the same")},
        {OPT_TEXT("metrics", 'M', &o.metrics, "FILE", "write a line of CSV for every epoch")},
        {OPT_TEXT("checkpoint", 'c', &o.checkpoint, "FILE",
                  "save the training after every epoch and when it\nis interrupted")},
        {OPT_FLAG("resume", 'r', &o.resume, "go on from the checkpoint; other options as before")},
        {OPT_SIZE("eval-every", 'E', &o.eval_every, "N", 1, 1000000,
                  "test every N epochs, and after the last (1)")},
        {OPT_FLAG("no-eval", 'n', &o.no_eval, "never test")},
    };
    const cli_spec spec = {
        .operands = "MODEL",
        .min_operands = 1,
        .max_operands = 1,
        .about =
            "Train a network (a .net text, a built-in network, or an ONNX file to go on with)\n"
            "to classify the images of a data set. The same seed gives the same file, at any\n"
            "number of threads. Ctrl-C stops after the step and saves the checkpoint.\n",
        .examples =
            "  pinhole train lenet5 --data fashion-mnist:/usr/share/datasets/fashion-mnist \\\n"
            "      --epochs 5 --schedule cosine --checkpoint lenet5.ck.onnx -o lenet5.onnx\n",
        .options = options,
        .n_options = CLI_COUNT(options),
    };
    int status = cli_parse(&spec, argc, argv);
    if (status != CLI_GO) return status;
    o.model = argv[optind];
    o.desc.shift = (int)shift;
    settle(&o, optimizer, schedule, lr, momentum);
    status = check_options(&o, momentum_given);
    return status == CLI_OK ? train_model(&o) : status;
}
