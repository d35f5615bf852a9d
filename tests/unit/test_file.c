/* SPDX-License-Identifier: MIT */
/* Files: read whole, written whole or not at all, and never outside of a directory. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <dirent.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "sweep.h"

/* Each test runs inside a fresh directory, which is removed behind it. */
typedef struct place {
    int home;
    char dir[32];
} place;

static int enter(void **state)
{
    place *p = calloc(1, sizeof *p);
    if (!p) return -1;
    strcpy(p->dir, "test_file_XXXXXX");
    p->home = open(".", O_RDONLY | O_DIRECTORY);
    *state = p;
    return p->home < 0 || !mkdtemp(p->dir) || chdir(p->dir) != 0;
}

static int leave(void **state)
{
    place *p = *state;
    char command[64];
    int failed = fchdir(p->home);
    snprintf(command, sizeof command, "rm -rf %s", p->dir);
    if (system(command) != 0) failed = 1;
    close(p->home);
    free(p);
    return failed;
}

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    fclose(f);
}

static void assert_holds(const char *path, const char *text)
{
    char buf[256];
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(buf, 1, sizeof buf - 1, f);
    fclose(f);
    buf[n] = 0;
    assert_string_equal(buf, text);
}

/* Entries of the current directory, "." and ".." not counted. */
static size_t count_entries(void)
{
    size_t n = 0;
    DIR *d = opendir(".");
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(d);
    return n;
}

/* --- Reading ------------------------------------------------------------------------------- */

static void test_read(void **state)
{
    unsigned char *data;
    size_t n;
    (void)state;
    put("f", "pinhole");
    assert_int_equal(phi_file_read(NULL, "f", &data, &n, NULL), PH_OK);
    assert_int_equal(n, 7);
    assert_string_equal((char *)data, "pinhole"); /* there is a zero behind the end */
    phi_free(NULL, data);
    put("empty", "");
    assert_int_equal(phi_file_read(NULL, "empty", &data, &n, NULL), PH_OK);
    assert_int_equal(n, 0);
    assert_int_equal(data[0], 0);
    phi_free(NULL, data);
}

static void test_read_refuses(void **state)
{
    unsigned char *data;
    size_t n;
    ph_error err = {0};
    (void)state;
    assert_int_equal(phi_file_read(NULL, "none", &data, &n, &err), PH_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "'none'"));
    assert_non_null(strstr(err.message, "No such file"));
    put("f", "pinhole");
    assert_int_equal(phi_file_read(NULL, "f/x", &data, &n, &err), PH_ERR_NOT_FOUND);
    assert_int_equal(phi_file_read(NULL, ".", &data, &n, &err), PH_ERR_IO);
    assert_non_null(strstr(err.message, "a directory"));
    assert_int_equal(mkfifo("pipe", 0600), 0);
    assert_int_equal(phi_file_read(NULL, "pipe", &data, &n, &err), PH_ERR_IO); /* and at once */
    assert_non_null(strstr(err.message, "a pipe"));
    assert_int_equal(phi_file_read(NULL, "/dev/zero", &data, &n, &err), PH_ERR_IO);
    assert_non_null(strstr(err.message, "a device"));
}

static void test_read_limit(void **state)
{
    unsigned char *data;
    size_t n;
    ph_error err = {0};
    (void)state;
    put("f", "pinhole");
    assert_int_equal(phi_file_read_limit(NULL, "f", 7, &data, &n, &err), PH_OK);
    phi_free(NULL, data);
    assert_int_equal(phi_file_read_limit(NULL, "f", 6, &data, &n, &err), PH_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "7 bytes, at most 6"));
}

/* --- Reading beneath ----------------------------------------------------------------------- */

static enum ph_status beneath(const char *name, uint64_t offset, size_t n, const char *wanted,
                              ph_error *err)
{
    unsigned char *data = NULL;
    size_t got = 0;
    enum ph_status st =
        phi_file_read_beneath(NULL, "m/model.onnx", name, offset, n, &data, &got, err);
    if (!st && wanted) {
        assert_int_equal(got, strlen(wanted));
        assert_string_equal((char *)data, wanted);
    }
    phi_free(NULL, data);
    return st;
}

static void make_tree(void)
{
    assert_int_equal(mkdir("m", 0700), 0);
    assert_int_equal(mkdir("m/sub", 0700), 0);
    put("secret", "secret");
    put("m/w", "0123456789");
    put("m/sub/w", "abc");
    assert_int_equal(symlink("../secret", "m/out"), 0);
    assert_int_equal(symlink("/etc", "m/etc"), 0);
    assert_int_equal(symlink("..", "m/up"), 0);
    assert_int_equal(symlink("sub/w", "m/in"), 0);
}

static void test_beneath(void **state)
{
    ph_error err = {0};
    (void)state;
    make_tree();
    assert_int_equal(beneath("w", 0, SIZE_MAX, "0123456789", &err), PH_OK);
    assert_int_equal(beneath("w", 3, 4, "3456", &err), PH_OK);
    assert_int_equal(beneath("w", 10, 0, "", &err), PH_OK);
    assert_int_equal(beneath("w", 10, SIZE_MAX, "", &err), PH_OK);
    assert_int_equal(beneath("sub/w", 0, SIZE_MAX, "abc", &err), PH_OK);
    assert_int_equal(beneath("./sub//w", 0, SIZE_MAX, "abc", &err), PH_OK);
    assert_int_equal(beneath("..w", 0, SIZE_MAX, NULL, &err), PH_ERR_NOT_FOUND);
    assert_int_equal(beneath("sub", 0, SIZE_MAX, NULL, &err), PH_ERR_IO);
    assert_int_equal(chdir("m"), 0); /* a model without a directory in its name */
    unsigned char *data;
    size_t n;
    assert_int_equal(phi_file_read_beneath(NULL, "model.onnx", "w", 0, 2, &data, &n, &err), PH_OK);
    assert_string_equal((char *)data, "01");
    phi_free(NULL, data);
}

static void test_beneath_bounds(void **state)
{
    ph_error err = {0};
    (void)state;
    make_tree();
    assert_int_equal(beneath("w", 11, 0, NULL, &err), PH_ERR_FORMAT);
    assert_int_equal(beneath("w", 0, 11, NULL, &err), PH_ERR_FORMAT);
    assert_non_null(strstr(err.message, "has 10 bytes, but 11 are wanted"));
    assert_int_equal(beneath("w", 5, 6, NULL, &err), PH_ERR_FORMAT);
    assert_int_equal(beneath("w", UINT64_MAX, 2, NULL, &err), PH_ERR_FORMAT);
    assert_int_equal(beneath("w", 2, SIZE_MAX - 1, NULL, &err), PH_ERR_FORMAT);
}

static void test_beneath_never_leaves(void **state)
{
    static const char *const bad[] = {
        "",       "/etc/passwd", "..",         "../secret", "sub/../../secret",
        "sub/..", "out",         "etc/passwd", "up/secret", "up/m/w"};
    ph_error err = {0};
    (void)state;
    make_tree();
    for (size_t i = 0; i < PHI_COUNT(bad); i++) {
        enum ph_status st = beneath(bad[i], 0, SIZE_MAX, NULL, &err);
        if (st != PH_ERR_FORMAT) fail_msg("'%s': %s: %s", bad[i], ph_status_name(st), err.message);
    }
}

/* What stands in for openat2 where the kernel has none. */
static void test_beneath_stepwise(void **state)
{
    static const char *const bad[] = {"out", "etc/passwd", "up/secret", "in", "sub/none", "none/w"};
    char buf[4] = {0}, longer[400];
    (void)state;
    make_tree();
    int dir = open("m", O_PATH | O_DIRECTORY);
    int fd = phi_open_beneath_stepwise(dir, "sub//./w");
    assert_true(fd >= 0);
    assert_int_equal(read(fd, buf, 3), 3);
    assert_string_equal(buf, "abc");
    close(fd);
    for (size_t i = 0; i < PHI_COUNT(bad); i++)
        if (phi_open_beneath_stepwise(dir, bad[i]) >= 0) fail_msg("'%s' was opened", bad[i]);
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = 0;
    assert_true(phi_open_beneath_stepwise(dir, longer) < 0);
    close(dir);
}

/* --- Writing ------------------------------------------------------------------------------- */

static enum ph_status write_text(const char *path, const char *text, ph_error *err)
{
    return phi_file_write(NULL, path, text, strlen(text), err);
}

static mode_t mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 0777;
}

static void test_write(void **state)
{
    ph_error err = {0};
    (void)state;
    mode_t mask = umask(027);
    assert_int_equal(write_text("new", "one", &err), PH_OK);
    umask(mask);
    assert_holds("new", "one");
    assert_int_equal(mode_of("new"), 0640);
    assert_int_equal(chmod("new", 0604), 0);
    assert_int_equal(write_text("new", "two and more", &err), PH_OK);
    assert_holds("new", "two and more");
    assert_int_equal(mode_of("new"), 0604); /* kept */
    assert_int_equal(write_text("./new", "", &err), PH_OK);
    assert_holds("new", "");
    assert_int_equal(count_entries(), 1); /* no temporary file left */
}

static void test_write_through_links(void **state)
{
    ph_error err = {0};
    struct stat st;
    (void)state;
    assert_int_equal(mkdir("d", 0700), 0);
    put("d/file", "old");
    assert_int_equal(symlink("d/file", "link"), 0);
    assert_int_equal(write_text("link", "new", &err), PH_OK);
    assert_holds("d/file", "new");
    assert_int_equal(lstat("link", &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(symlink("nowhere/file", "broken"), 0);
    assert_int_not_equal(write_text("broken", "x", &err), PH_OK);
}

static void test_write_refuses(void **state)
{
    ph_error err = {0};
    (void)state;
    assert_int_equal(write_text("", "x", &err), PH_ERR_ARG);
    assert_int_equal(write_text(".", "x", &err), PH_ERR_IO);
    assert_non_null(strstr(err.message, "a directory"));
    assert_int_equal(write_text("none/f", "x", &err), PH_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "none/f"));
    assert_int_equal(count_entries(), 0);
}

static void test_write_into_devices(void **state)
{
    ph_error err = {0};
    char name[32], buf[8] = {0};
    int ends[2];
    (void)state;
    assert_int_equal(write_text("/dev/null", "x", &err), PH_OK);
    assert_int_equal(write_text("/dev/full", "x", &err), PH_ERR_IO);
    assert_non_null(strstr(err.message, "No space left"));
    assert_int_equal(pipe(ends), 0);
    snprintf(name, sizeof name, "/dev/fd/%d", ends[1]);
    assert_int_equal(write_text(name, "through", &err), PH_OK);
    assert_int_equal(read(ends[0], buf, 7), 7);
    assert_string_equal(buf, "through");
    close(ends[0]);
    close(ends[1]);
}

/* An open file under its name in /dev must not be replaced by another. */
static void test_write_into_descriptor(void **state)
{
    ph_error err = {0};
    char name[32];
    struct stat before, after;
    (void)state;
    int fd = open("f", O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &before), 0);
    snprintf(name, sizeof name, "/dev/fd/%d", fd);
    assert_int_equal(write_text(name, "in place", &err), PH_OK);
    assert_holds("f", "in place");
    assert_int_equal(stat("f", &after), 0);
    assert_true(before.st_ino == after.st_ino);
    close(fd);
    assert_int_equal(count_entries(), 1);
}

/* The disk is full (the size of files is limited): the old file stays, the new one goes. */
static void test_failed_write_keeps_the_old_file(void **state)
{
    ph_error err = {0};
    struct rlimit old, tight;
    (void)state;
    put("f", "precious");
    char *big = calloc(1, 65536);
    assert_non_null(big);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    tight = old;
    tight.rlim_cur = 4096;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    enum ph_status st = phi_file_write(NULL, "f", big, 65536, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    free(big);
    assert_int_equal(st, PH_ERR_IO);
    assert_holds("f", "precious");
    assert_int_equal(count_entries(), 1);
}

/* --- Memory -------------------------------------------------------------------------------- */

static enum ph_status read_write_read(const ph_allocator *mem, void *arg)
{
    unsigned char *data = NULL;
    size_t n;
    enum ph_status st = phi_file_write(mem, "m/f", "abc", 3, arg);
    if (!st) st = phi_file_read(mem, "m/f", &data, &n, arg);
    phi_free(mem, data);
    data = NULL;
    if (!st) st = phi_file_read_beneath(mem, "m/x", "f", 0, 3, &data, &n, arg);
    phi_free(mem, data);
    return st;
}

static void test_out_of_memory(void **state)
{
    ph_error err = {0};
    (void)state;
    assert_int_equal(mkdir("m", 0700), 0);
    assert_true(sweep(read_write_read, &err, 100) >= 4);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, enter, leave)
    const struct CMUnitTest tests[] = {
        TEST(test_read),
        TEST(test_read_refuses),
        TEST(test_read_limit),
        TEST(test_beneath),
        TEST(test_beneath_bounds),
        TEST(test_beneath_never_leaves),
        TEST(test_beneath_stepwise),
        TEST(test_write),
        TEST(test_write_through_links),
        TEST(test_write_refuses),
        TEST(test_write_into_devices),
        TEST(test_write_into_descriptor),
        TEST(test_failed_write_keeps_the_old_file),
        TEST(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
