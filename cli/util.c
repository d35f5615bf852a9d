/* SPDX-License-Identifier: MIT */
/*
 * Messages, terminal, numbers and words.
 */
#include "util.h"

#include <errno.h>
#include <langinfo.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

int cli_talk = 1;
const char *cli_command_name = NULL;

int cli_exit_status(enum ph_status status)
{
    switch (status) {
    case PH_OK:
        return CLI_OK;
    case PH_ERR_STOPPED:
        return CLI_NO;
    case PH_ERR_ARG:
    case PH_ERR_SHAPE:
    case PH_ERR_TYPE:
    case PH_ERR_OVERFLOW:
    case PH_ERR_GRAPH:
    case PH_ERR_IO:
    case PH_ERR_FORMAT:
    case PH_ERR_NOT_FOUND:
        return CLI_INPUT;
    case PH_ERR_UNSUPPORTED:
        return CLI_UNSUPPORTED;
    case PH_ERR_NOMEM:
    case PH_ERR_INTERNAL:
        break;
    }
    return CLI_INTERNAL;
}

/* --- Talking -------------------------------------------------------------------------------- */

static bool progress_shown = false;

/* One line, whatever is in the names it mentions. */
static void put_line(const char *format, va_list list, const char *hint)
{
    char text[PH_ERROR_MESSAGE_BYTES + 512], plain[sizeof text];
    vsnprintf(text, sizeof text, format, list);
    cli_progress_clear();
    fprintf(stderr, "pinhole%s%s: %s%s\n", cli_command_name ? " " : "",
            cli_command_name ? cli_command_name : "", ph_text_plain(text, plain, sizeof plain),
            hint);
}

int cli_error(int status, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    put_line(format, list, "");
    va_end(list);
    return status;
}

int cli_usage(const char *format, ...)
{
    char hint[80];
    va_list list;
    snprintf(hint, sizeof hint, " (try 'pinhole%s%s --help')", cli_command_name ? " " : "",
             cli_command_name ? cli_command_name : "");
    va_start(list, format);
    put_line(format, list, hint);
    va_end(list);
    return CLI_USAGE;
}

/* What `err` says, and for want of memory how much was wanted. */
static const char *message_of(enum ph_status status, const ph_error *err, char *buf, size_t n)
{
    char why[128];
    bool memory = status == PH_ERR_NOMEM;
    bool refused = memory && *cli_memory_why(why, sizeof why);
    const char *text = memory ? "out of memory" : ph_status_name(status);
    if (err && err->message[0]) text = err->message;
    snprintf(buf, n, "%s%s%s%s", text, refused ? " (" : "", refused ? why : "", refused ? ")" : "");
    return buf;
}

int cli_fail(enum ph_status status, const ph_error *err)
{
    char text[PH_ERROR_MESSAGE_BYTES + 160];
    return cli_error(cli_exit_status(status), "%s", message_of(status, err, text, sizeof text));
}

int cli_fail_in(const char *name, enum ph_status status, const ph_error *err)
{
    char text[PH_ERROR_MESSAGE_BYTES + 160], whole[PH_ERROR_MESSAGE_BYTES], brief[160];
    ph_text_plain(name, whole, sizeof whole); /* as the library writes paths, and names */
    ph_text_plain(name, brief, sizeof brief);
    if (err && (strstr(err->message, whole) || strstr(err->message, brief))) {
        return cli_fail(status, err);
    }
    return cli_error(cli_exit_status(status), "%s: %s", brief,
                     message_of(status, err, text, sizeof text));
}

int cli_nomem(void)
{
    return cli_fail(PH_ERR_NOMEM, NULL);
}

static void talk(const char *format, va_list list)
{
    char text[PH_ERROR_MESSAGE_BYTES], plain[sizeof text];
    vsnprintf(text, sizeof text, format, list);
    cli_progress_clear();
    fprintf(stderr, "%s\n", ph_text_plain(text, plain, sizeof plain));
}

void cli_note(const char *format, ...)
{
    if (cli_talk < 1) return;
    va_list list;
    va_start(list, format);
    talk(format, list);
    va_end(list);
}

void cli_detail(const char *format, ...)
{
    if (cli_talk < 2) return;
    va_list list;
    va_start(list, format);
    talk(format, list);
    va_end(list);
}

static size_t terminal_columns(int fd)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return 80;
}

bool cli_progress_wanted(void)
{
    return cli_talk > 0 && isatty(STDERR_FILENO);
}

void cli_progress(const char *format, ...)
{
    if (!cli_progress_wanted()) return;
    char line[256];
    size_t columns = terminal_columns(STDERR_FILENO);
    va_list list;
    va_start(list, format);
    vsnprintf(line, sizeof line, format, list);
    va_end(list);
    if (columns > 1 && columns <= sizeof line) line[columns - 1] = '\0';
    fprintf(stderr, "\r%s\033[K", line);
    fflush(stderr);
    progress_shown = true;
}

void cli_progress_clear(void)
{
    if (!progress_shown) return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    progress_shown = false;
}

/* --- Terminal ------------------------------------------------------------------------------- */

static bool env_has(const char *name, const char *part)
{
    const char *value = getenv(name);
    return value && strstr(value, part);
}

static enum cli_colour colour_of_terminal(void)
{
    return env_has("COLORTERM", "truecolor") || env_has("COLORTERM", "24bit") ? CLI_COLOUR_TRUE
                                                                              : CLI_COLOUR_256;
}

/* A terminal without any locale set is taken for what terminals are today. */
static bool locale_is_utf8(void)
{
    if (strcmp(nl_langinfo(CODESET), "UTF-8") == 0) return true;
    const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < CLI_COUNT(names); i++) {
        const char *value = getenv(names[i]);
        if (value && *value) return false;
    }
    return true;
}

cli_style cli_style_get(const char *when)
{
    cli_style style = {.utf8 = locale_is_utf8(), .columns = 80};
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    bool terminal = isatty(STDOUT_FILENO);
    if (when && strcmp(when, "always") == 0) {
        style.colour = colour_of_terminal();
    } else if (!when || strcmp(when, "auto") == 0) {
        bool plain = (no_color && *no_color) || !term || strcmp(term, "dumb") == 0;
        if (terminal && !plain) style.colour = colour_of_terminal();
    }
    if (terminal) {
        size_t columns = terminal_columns(STDOUT_FILENO);
        if (columns < style.columns) style.columns = columns < 20 ? 20 : columns;
    }
    return style;
}

const char *cli_sgr(const cli_style *style, const char *sequence)
{
    return style->colour == CLI_COLOUR_NONE ? "" : sequence;
}

/* --- Numbers -------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool cli_parse_int(const char *text, int64_t min, int64_t max, int64_t *out)
{
    char *end;
    const char *digits = text + (min < 0 && *text == '-');
    if (!is_digit(*digits)) return false;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || *end || value < min || value > max) return false;
    *out = value;
    return true;
}

bool cli_parse_bytes(const char *text, size_t *out)
{
    static const char units[] = "KMGT";
    size_t n = strspn(text, "0123456789"), bytes;
    int64_t number;
    char digits[24];
    if (n == 0 || n >= sizeof digits) return false;
    memcpy(digits, text, n);
    digits[n] = '\0';
    if (!cli_parse_int(digits, 1, INT64_MAX, &number)) return false;
    bytes = (size_t)number;
    const char *unit = text[n] ? strchr(units, text[n] & ~0x20) : NULL;
    if (text[n] && !unit) return false;
    for (const char *u = units; unit && u <= unit; u++) {
        if (__builtin_mul_overflow(bytes, (size_t)1024, &bytes)) return false;
    }
    if (unit && text[n + 1] && strcmp(text + n + 1, "iB") != 0) return false;
    *out = bytes;
    return true;
}

bool cli_parse_seed(const char *text, uint64_t *out)
{
    char *end;
    if (!is_digit(*text)) return false;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || *end || value > UINT64_MAX) return false;
    *out = value;
    return true;
}

bool cli_parse_real(const char *text, double min, double max, double *out)
{
    char *end;
    const char *digits = text + (*text == '-');
    if (!is_digit(*digits) && *digits != '.') return false;
    double value = strtod(text, &end); /* LC_NUMERIC is never set: '.' is the point */
    if (*end || end == text || !isfinite(value) || value < min || value > max) return false;
    *out = value;
    return true;
}

const char *cli_group(int64_t number, char buf[CLI_NUMBER_BYTES])
{
    char digits[CLI_NUMBER_BYTES];
    int n = snprintf(digits, sizeof digits, "%lld", (long long)number);
    char *to = buf;
    for (int i = 0; i < n; i++) {
        if (i > 0 && digits[i - 1] != '-' && (n - i) % 3 == 0) *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return buf;
}

const char *cli_si(double number, char buf[CLI_NUMBER_BYTES])
{
    static const char prefixes[] = " kMGTP";
    size_t p = 0;
    while (number >= 999.95 && p + 2 < sizeof prefixes) {
        number /= 1000.0;
        p++;
    }
    snprintf(buf, CLI_NUMBER_BYTES, p ? "%.1f %c" : "%.0f", number, prefixes[p]);
    return buf;
}

const char *cli_bytes(size_t bytes, char buf[CLI_NUMBER_BYTES])
{
    static const char units[] = "KMGTPE";
    size_t u = 0, unit = 1024;
    if (bytes < unit) {
        snprintf(buf, CLI_NUMBER_BYTES, "%zu bytes", bytes);
        return buf;
    }
    while (bytes / unit >= 1024 && u + 2 < sizeof units) {
        unit *= 1024;
        u++;
    }
    size_t tenths = bytes % unit / (unit / 1024) * 10 / 1024; /* rounded down */
    if (tenths)
        snprintf(buf, CLI_NUMBER_BYTES, "%zu.%zu %ciB", bytes / unit, tenths, units[u]);
    else
        snprintf(buf, CLI_NUMBER_BYTES, "%zu %ciB", bytes / unit, units[u]);
    return buf;
}

const char *cli_clock(double seconds, char buf[CLI_NUMBER_BYTES])
{
    if (!(seconds >= 0.0) || seconds > 1e9) {
        snprintf(buf, CLI_NUMBER_BYTES, "?");
        return buf;
    }
    long s = lround(seconds);
    if (s >= 3600) {
        snprintf(buf, CLI_NUMBER_BYTES, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    } else {
        snprintf(buf, CLI_NUMBER_BYTES, "%ld:%02ld", s / 60, s % 60);
    }
    return buf;
}

double cli_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* --- Words ---------------------------------------------------------------------------------- */

/* Insertions, deletions, replacements and swaps of neighbours that turn a into b (OSA distance). */
static size_t distance(const char *a, const char *b)
{
    enum { LONGEST = 40 };
    size_t na = strlen(a), nb = strlen(b);
    size_t d[LONGEST + 1][LONGEST + 1];
    if (na > LONGEST || nb > LONGEST) return SIZE_MAX;
    for (size_t i = 0; i <= na; i++) {
        for (size_t j = 0; j <= nb; j++) {
            if (i == 0 || j == 0) {
                d[i][j] = i + j;
                continue;
            }
            size_t best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            if (d[i - 1][j] + 1 < best) best = d[i - 1][j] + 1;
            if (d[i][j - 1] + 1 < best) best = d[i][j - 1] + 1;
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && d[i - 2][j - 2] + 1 < best) best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    }
    return d[na][nb];
}

const char *cli_nearest(const char *word, const char *const *words, size_t n)
{
    const char *best = NULL;
    size_t least = 3;
    for (size_t i = 0; i < n; i++) {
        size_t d = distance(word, words[i]);
        if (d < least && d < strlen(word)) {
            least = d;
            best = words[i];
        }
    }
    return best;
}

const char *cli_plain(const char *text, char *buf, size_t bytes)
{
    return ph_text_plain(text, buf, bytes);
}

const char *cli_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}
