/* SPDX-License-Identifier: MIT */
/*
 * The commands of the program: one function each, in a file of the same name. A command gets its
 * own name as argv[0] and returns the exit status of the program (util.h).
 */
#ifndef PINHOLE_CLI_COMMANDS_H
#define PINHOLE_CLI_COMMANDS_H

int cmd_analyze(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_classify(int argc, char **argv);
int cmd_eval(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_help(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_lesson(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_train(int argc, char **argv);
int cmd_zoo(int argc, char **argv);

#endif /* PINHOLE_CLI_COMMANDS_H */
