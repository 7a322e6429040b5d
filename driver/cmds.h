/* The command line: what was given, and one function per command.
 *
 *   args.c      argv -> args, by options.def; usage errors, help texts
 *   cmd_*.c     one command each; they may print to stdout, report failures through cx like everything else
 *   main.c      dispatch, signals, the one place that writes the message of a failure and turns a status into an exit
 * code
 */
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
void args_print_help(command_id command); /* to stdout */
void args_print_overview(void);

/* Each does its command. FRIT_OK: exit 0; FRIT_USAGE: exit 2; anything else: exit 1. The message is printed by main. */
typedef frit_status command_fn(cx *c, const args *a);
#define COMMAND(name, ...) command_fn cmd_##name;
#include "driver/commands.def"
#undef COMMAND

#endif
