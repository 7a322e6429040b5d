/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The command line: what was given, and one function per command.
 *
 *   args.c      argv -> args, by options.def; usage errors, help texts
 *   cmd_*.c     one command each; they may print to stdout, report failures through cx like everything else
 *   manual.c    the same tables as manual pages, completion.c as completions for shells
 *   command.c   dispatch, signals, the one place that writes the message of a failure and turns a status into an exit
 *               code
 *   main.c      the program, which calls it */
#ifndef FRIT_DRIVER_CMDS_H
#define FRIT_DRIVER_CMDS_H

#include "base/diag.h"
#include "base/str.h"

typedef enum command_id {
#define COMMAND(name, ...) CMD_##name,
#include "driver/commands.def"
#undef COMMAND
    N_COMMANDS
} command_id;

typedef enum opt_id {
#define OPTION(ID, ...) OPT_##ID,
#include "driver/options.def"
#undef OPTION
    N_OPTIONS
} opt_id;

/* One row of options.def. */
typedef struct option_row {
    const char *name;
    char letter;          /* 0 none */
    const char *argument; /* NULL none; "[=X]" may be left out */
    uint32_t commands;    /* bit command_id */
    const char *help;
} option_row;

/* One row of commands.def. */
typedef struct command_row {
    const char *name, *synopsis;
    uint32_t min_files, max_files; /* positional arguments; max 0: any number */
    const char *help;
} command_row;

extern const option_row option_rows[N_OPTIONS];
extern const command_row command_rows[N_COMMANDS];

/* What stands on the command line behind the command. */
typedef struct args {
    command_id command;
    uint32_t n_files;
    const char *const *files; /* positional arguments, as many as the command wants */
    struct opt_values {
        uint32_t n;
        const char *const *at; /* in order of appearance; "" for an option without argument */
    } options[N_OPTIONS];
} args;

/* args.c. Usage errors are FRIT_USAGE with a message that says what was meant, where that can be guessed. */
frit_status args_parse(cx *c, int argc, const char *const *argv, args *out); /* argv[0] is the command's name */
bool args_has(const args *a, opt_id id);
const char *args_text(const args *a, opt_id id); /* the last value, NULL when not given */
/* The last value as an integer in lo..hi, fallback when not given. */
frit_status args_int(cx *c, const args *a, opt_id id, int64_t lo, int64_t hi, int64_t fallback, int64_t *out);
frit_status args_f64(cx *c, const args *a, opt_id id, double fallback, double *out);
/* Splits "NAME=VALUE". */
frit_status args_pair(cx *c, opt_id id, const char *given, const char **out_name, const char **out_value);
/* "--target=cuda": an option as it was given. */
const char *args_spelling(arena *a, opt_id id, const char *value);
/* FRIT_USAGE: word is none of the n candidates; says which is near. what: "pass", "input". */
frit_status args_unknown(cx *c, const char *what, const char *word, const char *const *candidates, size_t n);
bool option_is_for(const option_row *o, command_id command);
bool option_is_optional(const option_row *o); /* its argument may be left out */
frit_status args_find_command(cx *c, const char *word, command_id *out);
void args_print_help(command_id command); /* to stdout */
void args_print_overview(void);

/* manual.c: a manual page in roff's man macros, of one command or (N_COMMANDS) of all. */
void manual_print(strbuf *b, command_id command);

/* What the program `frit` is; the exit status. Exported for main.c alone. */
__attribute__((visibility("default"))) int frit_command(int argc, char **argv);

/* Each does its command. FRIT_OK: exit 0; FRIT_USAGE: exit 2; anything else: exit 1. The message is printed by main. */
typedef frit_status command_fn(cx *c, const args *a);
#define COMMAND(name, ...) command_fn cmd_##name;
#include "driver/commands.def"
#undef COMMAND

#endif
