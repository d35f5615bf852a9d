/* SPDX-License-Identifier: MIT */
#include "util.h"

volatile sig_atomic_t cli_caught = 0;

static void on_signal(int signal_number)
{
    cli_caught = signal_number;
}

void cli_catch_signals(void)
{
    const int signals[] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < CLI_COUNT(signals); i++) {
        struct sigaction old, action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == SIG_IGN) continue;
        sigaction(signals[i], &action, NULL);
    }
}
