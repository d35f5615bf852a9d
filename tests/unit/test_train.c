/* SPDX-License-Identifier: MIT */
/*
 * Training through the public interface: it learns, and gives the same bits for any number of
 * threads and however often it was interrupted; evaluation.
 */
#include "sweep.h"
#include "tiny_nets.h"

/* --- The trainer ----------------------------------------------------------------------------- */

/* Everything at once: 70 images in batches of 16 leave 6 over; 4 steps an epoch. */
static ph_train_desc busy_settings(void)
{
    return (ph_train_desc){.n_epochs = 3,
                           .batch = 16,
                           .schedule = PH_ONE_CYCLE,
                           .learning_rate = 0.05,
                           .nesterov = true,
                           .weight_decay = 1e-3,
                           .label_smoothing = 0.1,
                           .shift = 1,
                           .flip = true,
                           .seed = 5,
                           .n_threads = 1};
}

typedef struct watcher {
    size_t stop_after, calls;
    ph_train_progress last;
} watcher;

static int watch(void *user, const ph_train_progress *p)
{
    watcher *w = user;
    w->last = *p;
    return ++w->calls == w->stop_after;
}

/* Train to the end; *last receives the progress of the last step. */
static void train_through(ph_trainer *t, size_t n_epochs, ph_train_progress *last)
{
    ph_error err = {0};
    while (ph_trainer_epochs_done(t) < n_epochs)
        ok(ph_trainer_epoch(t, last, &err), &err);
}

static ph_graph *trained(const fixture *f, net (*make)(const ph_allocator *mem), ph_train_desc s,
                         ph_train_progress *last)
{
    ph_error err = {0};
    ph_graph *g = build(make);
    ph_trainer *t = NULL;
    ok(ph_trainer_new(g, f->data, &s, &t, &err), &err);
    train_through(t, s.n_epochs, last);
    assert_int_equal(ph_trainer_epoch(t, NULL, &err), PH_ERR_ARG); /* past the end */
    ph_trainer_free(t);
    return g;
}

static void loss_falls(void **state)
{
    const fixture *f = *state;
    for (int adam = 0; adam < 2; adam++) {
        ph_train_desc s = {.n_epochs = 1,
                           .batch = 10,
                           .learning_rate = adam ? 0.01 : 0.05,
                           .optimizer = adam ? PH_ADAM : PH_SGD,
                           .n_threads = 2};
        ph_train_progress first, last;
        ph_graph_free(trained(f, full_net, s, &first));
        s.n_epochs = 40;
        ph_graph *g = trained(f, full_net, s, &last);
        assert_true(first.loss < 5 && last.loss < 0.5 * first.loss && last.accuracy > 0.8);
        ph_score score;
        ph_error err = {0};
        ok(ph_evaluate(g, f->data, 0, 1, &score, NULL, &err), &err);
        assert_true(score.n_correct > COUNT * 9 / 10);
        ph_graph_free(g);
    }
}

static void any_number_of_threads(void **state)
{
    const fixture *f = *state;
    net (*const nets[])(const ph_allocator *) = {branching_net, full_net};
    for (size_t k = 0; k < 2; k++) {
        ph_train_desc s = busy_settings();
        ph_train_progress one, many;
        ph_graph *fresh = build(nets[k]), *a = trained(f, nets[k], s, &one);
        assert_false(same_constants(fresh, a));
        for (s.n_threads = 2; s.n_threads < 4; s.n_threads++) {
            ph_graph *b = trained(f, nets[k], s, &many);
            assert_true(same_constants(a, b));
            assert_true(one.loss == many.loss && one.accuracy == many.accuracy);
            ph_graph_free(b);
        }
        s.seed++;
        ph_graph *b = trained(f, nets[k], s, &many);
        assert_false(same_constants(a, b)); /* the seed does count */
        ph_graph_free(a);
        ph_graph_free(b);
        ph_graph_free(fresh);
    }
}

static void progress_is_told(void **state)
{
    const fixture *f = *state;
    ph_train_desc s = busy_settings();
    watcher w = {0};
    ph_train_progress last;
    s.progress = watch;
    s.user = &w;
    ph_graph_free(trained(f, full_net, s, &last));
    assert_int_equal(w.calls, 12);
    assert_true(last.epoch == 2 && last.n_epochs == 3 && last.step == 4 && last.n_steps == 4);
    assert_true(last.images_per_second > 0 && last.seconds_left == 0);
    assert_true(last.loss == w.last.loss && last.loss > 0);
    near(last.learning_rate, 0.05 / 25 / 1e4, 1e-9, "rate of the last step");
}

/* Stopping after each possible step, and going on: in the same trainer, or in a new one from a
 * file. */
static void interrupted(const fixture *f, ph_train_desc s)
{
    ph_error err = {0};
    ph_train_progress whole, pieces;
    ph_graph *a = trained(f, full_net, s, &whole);
    for (size_t stop = 1; stop <= 12; stop++) {
        watcher w = {.stop_after = stop};
        ph_graph *g = build(full_net), *h = build(full_net);
        ph_trainer *t = NULL, *u = NULL;
        s.progress = watch;
        s.user = &w;
        ok(ph_trainer_new(g, f->data, &s, &t, &err), &err);
        enum ph_status st = PH_OK;
        while (!st)
            st = ph_trainer_epoch(t, &pieces, &err);
        assert_int_equal(st, PH_ERR_STOPPED);
        assert_int_equal(ph_trainer_epochs_done(t), stop / 4);
        ok(ph_trainer_save(t, f->path, &err), &err);
        s.progress = NULL;
        s.n_threads = 1 + stop % 3;
        ok(ph_trainer_new(h, f->data, &s, &u, &err), &err);
        ok(ph_trainer_resume(u, f->path, &err), &err);
        assert_true(same_constants(g, h));
        assert_int_equal(ph_trainer_epochs_done(u), stop / 4);
        train_through(t, s.n_epochs, &pieces);
        assert_true(same_constants(a, g) && pieces.loss == whole.loss);
        train_through(u, s.n_epochs, &pieces);
        assert_true(same_constants(a, h) && pieces.loss == whole.loss);
        assert_true(pieces.accuracy == whole.accuracy);
        ph_trainer_free(t);
        ph_trainer_free(u);
        ph_graph_free(g);
        ph_graph_free(h);
    }
    ph_graph_free(a);
}

static void interrupted_sgd(void **state)
{
    interrupted(*state, busy_settings());
}

static void interrupted_adam(void **state)
{
    ph_train_desc s = busy_settings();
    s.optimizer = PH_ADAM;
    s.learning_rate = 0.01;
    interrupted(*state, s);
}

/* A checkpoint is a model: it loads, and classifies like the graph it was made of. */
static void checkpoint_is_a_model(void **state)
{
    const fixture *f = *state;
    ph_error err = {0};
    ph_train_desc s = busy_settings();
    ph_graph *g = build(full_net), *read = NULL;
    ph_trainer *t = NULL;
    ph_score a, b;
    ok(ph_trainer_new(g, f->data, &s, &t, &err), &err);
    ok(ph_trainer_epoch(t, NULL, &err), &err);
    size_t n_values = ph_graph_n_values(g);
    ok(ph_trainer_save(t, f->path, &err), &err);
    assert_int_equal(ph_graph_n_values(g), n_values); /* the graph is left alone */
    assert_null(ph_graph_metadata(g, "pinhole/train/epoch"));
    ok(ph_onnx_read(NULL, f->path, &read, &err), &err);
    ok(ph_graph_check(read, &err), &err);
    assert_string_equal(ph_graph_metadata(read, "pinhole/train/batch"), "16");
    assert_string_equal(ph_graph_metadata(read, "pinhole/train/learning_rate"), "0.05");
    assert_string_equal(ph_graph_metadata(read, "pinhole/train/schedule"), "one-cycle");
    assert_true(ph_value_constant(read, ph_graph_find(read, "pinhole/momentum/conv1.weight")));
    ok(ph_evaluate(g, f->data, 0, 1, &a, NULL, &err), &err);
    ok(ph_evaluate(read, f->data, 0, 1, &b, NULL, &err), &err);
    assert_true(a.n_correct == b.n_correct && a.loss == b.loss);
    ph_trainer_free(t);
    s.n_epochs = 4; /* train on from it as from any model, and save again */
    ok(ph_trainer_new(read, f->data, &s, &t, &err), &err);
    ok(ph_trainer_epoch(t, NULL, &err), &err);
    ok(ph_trainer_save(t, f->path, &err), &err);
    ph_trainer_free(t);
    ph_graph_free(g);
    ph_graph_free(read);
}

/* Resuming with these settings, or this network, is refused with the words. */
static void refuse_resume(const fixture *f, ph_train_desc s, net (*make)(const ph_allocator *mem),
                          const char *path, enum ph_status status, const char *word)
{
    ph_error err = {0};
    ph_graph *g = build(make), *before = build(make);
    ph_trainer *t = NULL;
    ok(ph_trainer_new(g, f->data, &s, &t, &err), &err);
    enum ph_status st = ph_trainer_resume(t, path, &err);
    if (st != status || !strstr(err.message, word))
        fail_msg("%s, wanted %s with '%s': %s", ph_status_name(st), ph_status_name(status), word,
                 err.message);
    assert_true(same_constants(g, before));
    assert_int_equal(ph_trainer_epochs_done(t), 0);
    ph_trainer_free(t);
    ph_graph_free(g);
    ph_graph_free(before);
}

static net other_net(const ph_allocator *mem)
{
    net n = new_net(mem);
    ph_value x = unary(&n, "Relu", "act1", conv(&n, "conv1", image_input(&n), 1, 8, 3));
    output(&n, head(&n, x, 8));
    finish(&n);
    return n;
}

static void resume_refused(void **state)
{
    const fixture *f = *state;
    ph_error err = {0};
    ph_train_desc s = busy_settings(), other = s;
    ph_graph *g = build(full_net);
    ph_trainer *t = NULL;
    ok(ph_trainer_new(g, f->data, &s, &t, &err), &err);
    ok(ph_trainer_epoch(t, NULL, &err), &err);
    ok(ph_trainer_save(t, f->path, &err), &err);
#define REFUSE(member, value, word)                                                                \
    other = s;                                                                                     \
    other.member = value;                                                                          \
    refuse_resume(f, other, full_net, f->path, PH_ERR_ARG, word)
    REFUSE(batch, 8, "batch was '16' when this was saved, but is '8' now");
    REFUSE(n_epochs, 9, "n_epochs");
    REFUSE(optimizer, PH_ADAM, "optimizer was 'sgd'");
    REFUSE(schedule, PH_COSINE, "schedule was 'one-cycle'");
    REFUSE(learning_rate, 0.050000000000000010, "learning_rate was '0.05'");
    REFUSE(momentum, 0.8, "momentum");
    REFUSE(nesterov, false, "nesterov was 'yes'");
    REFUSE(weight_decay, 0, "weight_decay");
    REFUSE(label_smoothing, 0.2, "label_smoothing");
    REFUSE(warmup, 0.5, "warmup");
    REFUSE(shift, 2, "shift");
    REFUSE(flip, false, "flip");
    REFUSE(seed, 6, "seed");
#undef REFUSE
    refuse_resume(f, s, other_net, f->path, PH_ERR_ARG, "another network");
    ok(ph_onnx_write(g, f->path, &err), &err);
    refuse_resume(f, s, full_net, f->path, PH_ERR_FORMAT, "not a checkpoint");
    refuse_resume(f, s, full_net, "no/such/file.onnx", PH_ERR_NOT_FOUND, "no/such/file.onnx");
    ph_trainer_free(t);
    ph_graph_free(g);
}

/* Metadata that was tampered with. */
static void broken_checkpoints(void **state)
{
    const fixture *f = *state;
    ph_error err = {0};
    ph_train_desc s = busy_settings();
    ph_graph *g = build(full_net);
    ph_trainer *t = NULL;
    ok(ph_trainer_new(g, f->data, &s, &t, &err), &err);
    const char *const bad[][2] = {
        {"epoch", "4"},    {"epoch", "-1"},  {"epoch", ""},     {"epoch", "99999999999999999999"},
        {"step", "4"},     {"step", "1.5"},  {"correct", "1"},  {"loss-sum", "0x10"},
        {"loss-sum", "-"}, {"data", "none"}, {"batch", "oops"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char key[64];
        ph_graph *read = NULL;
        ok(ph_trainer_save(t, f->path, &err), &err);
        ok(ph_onnx_read(NULL, f->path, &read, &err), &err);
        snprintf(key, sizeof key, "pinhole/train/%s", bad[i][0]);
        ok(ph_graph_set_metadata(read, key, bad[i][1], &err), &err);
        ok(ph_onnx_write(read, f->path, &err), &err);
        ph_graph_free(read);
        enum ph_status st = ph_trainer_resume(t, f->path, &err);
        if ((st != PH_ERR_FORMAT && st != PH_ERR_ARG) || !strstr(err.message, bad[i][0]))
            fail_msg("%s = '%s': %s", key, bad[i][1], st ? err.message : "accepted");
    }
    ph_trainer_free(t);
    ph_graph_free(g);
}

/* Keeps a copy of the graph as of the last step. */
typedef struct keeper {
    const ph_graph *graph;
    ph_graph *copy;
} keeper;

static int keep(void *user, const ph_train_progress *p)
{
    keeper *k = user;
    ph_error err = {0};
    (void)p;
    ph_graph_free(k->copy);
    k->copy = NULL;
    ok(phi_graph_copy(k->graph, &k->copy, &err), &err);
    return 0;
}

/* The graph is left as of the last good step, running statistics among the rest. */
static void diverging(void **state)
{
    const fixture *f = *state;
    ph_error err = {0};
    ph_train_desc s = busy_settings();
    ph_graph *g = build(full_net);
    keeper k = {.graph = g};
    ph_trainer *t = NULL;
    s.schedule = PH_CONSTANT;
    s.learning_rate = 1e20;
    s.progress = keep;
    s.user = &k;
    ok(ph_trainer_new(g, f->data, &s, &t, &err), &err);
    enum ph_status st = PH_OK;
    while (!st)
        st = ph_trainer_epoch(t, NULL, &err);
    assert_int_equal(st, PH_ERR_ARG);
    assert_non_null(strstr(err.message, "is not finite at epoch 1 step "));
    assert_non_null(strstr(err.message, "lower the learning rate"));
    assert_non_null(k.copy);
    assert_true(all_finite(g) && same_constants(g, k.copy));
    ph_trainer_free(t);
    ph_graph_free(g);
    ph_graph_free(k.copy);
}

/* --- Networks that cannot be trained --------------------------------------------------------- */

static void refuse_net(const fixture *f, net n, enum ph_status status, const char *word)
{
    ph_error err = {0};
    ph_trainer *t = NULL;
    ph_train_desc s = {.batch = 16, .n_threads = 1};
    ok(n.st, &n.err);
    enum ph_status st = ph_trainer_new(n.g, f->data, &s, &t, &err);
    if (st != status || !strstr(err.message, word))
        fail_msg("%s, wanted %s with '%s': %s", ph_status_name(st), ph_status_name(status), word,
                 err.message);
    assert_null(t);
    ph_graph_free(n.g);
}

static void unfit_networks(void **state)
{
    const fixture *f = *state;
    net n = new_net(NULL); /* nine channels */
    ph_value x = image_input(&n);
    output(&n, unary(&n, "GlobalAveragePool", "gap", conv(&n, "conv", x, 1, 9, 1)));
    refuse_net(f, n, PH_ERR_SHAPE, "[16,10]");
    n = new_net(NULL); /* an image comes out */
    x = image_input(&n);
    output(&n, conv(&n, "conv", x, 1, 10, 1));
    refuse_net(f, n, PH_ERR_SHAPE, "[16,10,8,8]");
    n = new_net(NULL); /* larger images wanted */
    int64_t dims[4] = {-1, 1, 9, 8};
    n.st = ph_graph_add_input(n.g, "x", PH_FLOAT32, 4, dims, &x, &n.err);
    output(&n, head(&n, x, 1));
    refuse_net(f, n, PH_ERR_SHAPE, "[n,1,8,8]");
    n = new_net(NULL); /* no parameters */
    ph_attr axis = {.name = "axis", .kind = PH_ATTR_INT, .i = 1};
    x = unary(&n, "GlobalAveragePool", "gap", image_input(&n));
    ph_value ten[10] = {x, x, x, x, x, x, x, x, x, x};
    output(&n, node(&n, "Concat", "ten", 10, ten, 1, &axis));
    refuse_net(f, n, PH_ERR_ARG, "nothing to train");
    n = new_net(NULL); /* a softmax over the width */
    axis.i = 3;
    x = head(&n, image_input(&n), 1);
    output(&n, node(&n, "Softmax", "prob", 1, &x, 1, &axis));
    refuse_net(f, n, PH_ERR_SHAPE, "axis 3");
    n = new_net(NULL); /* two outputs */
    x = head(&n, image_input(&n), 1);
    output(&n, x);
    output(&n, unary(&n, "Relu", "relu", x));
    refuse_net(f, n, PH_ERR_SHAPE, "2 outputs");
}

/* --- Evaluation ------------------------------------------------------------------------------ */

static void evaluation(void **state)
{
    const fixture *f = *state;
    ph_error err = {0};
    ph_train_desc s = busy_settings();
    ph_graph *g = trained(f, full_net, s, NULL);
    int32_t want[COUNT], got[COUNT];
    ph_score one, many;
    ok(ph_evaluate(g, f->data, 1, 1, &one, want, &err), &err);
    assert_int_equal(one.n_images, COUNT);
    size_t correct = 0;
    for (size_t i = 0; i < COUNT; i++)
        correct += (size_t)want[i] == ph_dataset_label(f->data, i);
    assert_int_equal(one.n_correct, correct);
    const size_t batches[] = {0, 7, 16, COUNT, COUNT + 1, 10000};
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
        memset(got, -1, sizeof got);
        ok(ph_evaluate(g, f->data, batches[i], 1 + i % 3, &many, got, &err), &err);
        assert_memory_equal(got, want, sizeof want);
        near(many.loss, one.loss, 1e-5, "loss");
        assert_int_equal(many.n_images, COUNT);
        assert_true(many.seconds > 0);
    }
    ph_measurements *m = NULL;
    ph_shape_hint seven = {.rank = 4, .dims = {7}};
    ph_dataset_shape(f->data, seven.dims + 1);
    ok(ph_measurements_new(NULL, &m, &err), &err);
    ok(ph_measurements_add(m, g, &(ph_plan_desc){.n_hints = 1, .hints = &seven}, &err), &err);
    const ph_plan_desc settings[] = {{.exact = true, .n_threads = 2}, {.measurements = m}};
    for (size_t i = 0; i < PHI_COUNT(settings); i++) {
        ok(ph_evaluate_as(g, f->data, &settings[i], 7, &many, NULL, &err), &err);
        near(many.loss, one.loss, 1e-4, "loss");
    }
    ph_measurements_free(m);
    ok(ph_evaluate_as(g, f->data, NULL, 1, &many, got, &err), &err);
    assert_memory_equal(got, want, sizeof want);
    ph_graph_free(g);
}

/* The three kinds of ends give one loss. */
static void evaluation_heads(void **state)
{
    const fixture *f = *state;
    const char *const ends[] = {NULL, "Softmax", "LogSoftmax"};
    double losses[3];
    for (int i = 0; i < 3; i++) {
        net n = new_net(NULL);
        ph_error err = {0};
        ph_score score;
        ph_value x = head(&n, unary(&n, "Relu", "r", conv(&n, "c", image_input(&n), 1, 6, 3)), 6);
        ph_attr axis = {.name = "axis", .kind = PH_ATTR_INT, .i = 1};
        if (ends[i]) x = node(&n, ends[i], "end", 1, &x, 1, &axis);
        output(&n, x);
        finish(&n);
        ok(n.st, &n.err);
        ok(ph_evaluate(n.g, f->data, 0, 1, &score, NULL, &err), &err);
        losses[i] = score.loss;
        ph_graph_free(n.g);
    }
    near(losses[1], losses[0], 1e-5, "Softmax");
    near(losses[2], losses[0], 1e-5, "LogSoftmax");
}

/* --- Out of memory --------------------------------------------------------------------------- */

typedef struct memory_job {
    const fixture *f;
    bool save;
} memory_job;

static enum ph_status new_trainer(const ph_allocator *mem, void *arg)
{
    const memory_job *job = arg;
    ph_train_desc s = busy_settings();
    s.n_threads = 2;
    ph_trainer *t = NULL;
    net n = full_net(mem);
    if (!n.st) n.st = ph_trainer_new(n.g, job->f->data, &s, &t, NULL);
    if (!n.st && job->save) n.st = ph_trainer_save(t, job->f->path, NULL);
    if (!n.st && job->save) n.st = ph_trainer_resume(t, job->f->path, NULL);
    ph_trainer_free(t);
    ph_graph_free(n.g);
    return n.st;
}

static enum ph_status evaluate_all(const ph_allocator *mem, void *arg)
{
    const memory_job *job = arg;
    net n = full_net(mem);
    if (!n.st) n.st = ph_evaluate(n.g, job->f->data, 50, 2, NULL, NULL, NULL);
    ph_graph_free(n.g);
    return n.st;
}

static void out_of_memory(void **state)
{
    memory_job job = {.f = *state};
    assert_true(sweep(new_trainer, &job, 5000) > 50);
    job.save = true;
    sweep(new_trainer, &job, 20000);
    sweep(evaluate_all, &job, 5000);
    ph_trainer_free(NULL);
}

/* --- Real images ----------------------------------------------------------------------------- */

/* 28x28 -> 14x14x8 -> 7x7x16 -> 10 */
static net strided_net(void)
{
    net n = new_net(NULL);
    ph_value x = 0;
    const int64_t dims[4] = {-1, 1, 28, 28};
    const ph_conv_desc descs[3] = {
        {.k = 8,
         .r = 5,
         .stride_h = 2,
         .pad_top = 2,
         .pad_left = 2,
         .pad_bottom = 2,
         .pad_right = 2,
         .name = "c1"},
        {.k = 16,
         .r = 3,
         .stride_h = 2,
         .pad_top = 1,
         .pad_left = 1,
         .pad_bottom = 1,
         .pad_right = 1,
         .name = "c2"},
        {.k = 10, .r = 7, .name = "c3"},
    };
    n.st = ph_graph_add_input(n.g, "x", PH_FLOAT32, 4, dims, &x, &n.err);
    for (int i = 0; i < 3; i++) {
        int64_t c = i == 0 ? 1 : descs[i - 1].k;
        if (!n.st) n.st = ph_graph_add_conv(n.g, x, c, &descs[i], 42, &x, &n.err);
        if (i < 2) x = unary(&n, "Relu", NULL, x);
    }
    output(&n, x);
    finish(&n);
    return n;
}

static void fashion_mnist(void **state)
{
    (void)state;
    const char *dir = "/usr/share/datasets/fashion-mnist";
    if (access(dir, R_OK) != 0) {
        print_message("skipped: %s is not there (Debian package dataset-fashion-mnist)\n", dir);
        skip();
    }
    ph_error err = {0};
    ph_dataset *d = NULL;
    ph_trainer *t = NULL;
    watcher w = {.stop_after = 60};
    net n = strided_net();
    ok(n.st, &n.err);
    ph_train_desc s = {.batch = 64, .learning_rate = 0.05, .progress = watch, .user = &w};
    ok(ph_dataset_open(NULL, "fashion-mnist:/usr/share/datasets/fashion-mnist", PH_SPLIT_TRAIN, &d,
                       &err),
       &err);
    ok(ph_trainer_new(n.g, d, &s, &t, &err), &err);
    assert_int_equal(ph_trainer_epoch(t, NULL, &err), PH_ERR_STOPPED);
    assert_true(w.last.loss < 1.6 && w.last.accuracy > 0.4); /* of 2.3 and 0.1 at the start */
    ph_trainer_free(t);
    ph_graph_free(n.g);
    ph_dataset_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(loss_falls),       TEST(any_number_of_threads),
        TEST(progress_is_told), TEST(interrupted_sgd),
        TEST(interrupted_adam), TEST(checkpoint_is_a_model),
        TEST(resume_refused),   TEST(broken_checkpoints),
        TEST(diverging),        TEST(unfit_networks),
        TEST(evaluation),       TEST(evaluation_heads),
        TEST(out_of_memory),    cmocka_unit_test(fashion_mnist),
    };
    return cmocka_run_group_tests_name("train", tests, NULL, NULL);
}
