/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the command `frit` does: dispatch, signals, exit codes. The only file that writes a failure's message. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/target.h"
#include "driver/cmds.h"
#include "driver/compile.h"

/* Nothing half-written stays behind: temporaries are removed at once, then the signal does what it always does. */
static void on_signal(int number) {
    file_remove_temporaries();
    signal(number, SIG_DFL);
    raise(number);
}

static void catch_signals(void) {
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGABRT, SIGSEGV,
                                  SIGBUS, SIGFPE,  SIGILL, SIGXCPU, SIGXFSZ};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < countof(numbers); i++) {
        struct sigaction old;
        if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL) sigaction(numbers[i], &action, NULL);
    }
    signal(SIGPIPE, SIG_DFL);
}

/* --cpu=help */
static void print_cpus(void) {
    printf("native\n");
    for (size_t i = 0; target_cpu_name(i); i++) printf("%s\n", target_cpu_name(i));
}

static frit_status dispatch(cx *c, int argc, char **argv) {
    static command_fn *const commands[N_COMMANDS] = {
#define COMMAND(name, ...) [CMD_##name] = cmd_##name,
#include "driver/commands.def"
#undef COMMAND
    };
    if (argc < 2) return FAIL(c, USAGE, NULL, "no command; see frit help");
    if (str_equal(argv[1], "--version")) {
        if (argc > 2) return FAIL(c, USAGE, NULL, "--version takes no argument, not '%s'", argv[2]);
        printf("frit %s (%s)\n", FRIT_VERSION, compile_backends(c->job));
        return FRIT_OK;
    }
    args a = {0};
    if (str_equal(argv[1], "--help") || str_equal(argv[1], "-h")) return cmd_help(c, &a);
    for (int i = 2; i < argc; i++)
        if (str_equal(argv[i], "--help") || str_equal(argv[i], "-h"))
            return cmd_help(c, &(args){.n_files = 1, .files = (const char *const *)&argv[1]});
    TRY(args_parse(c, argc - 1, (const char *const *)argv + 1, &a));
    if (str_equal(args_text(&a, OPT_CPU), "help")) {
        print_cpus();
        return FRIT_OK;
    }
    return commands[a.command](c, &a);
}

int frit_command(int argc, char **argv) {
    catch_signals();
    unsetenv("POSIXLY_CORRECT"); /* with it getopt_long would take what stands behind the first file for files */
    arena job, scratch;
    arena_init(&job);
    arena_init(&scratch);
    cx c = {.job = &job, .scratch = &scratch};
    frit_status status = dispatch(&c, argc, argv);
    /* Output that did not get out (disk full, closed pipe) is a failure of whatever was asked. */
    if ((fflush(stdout) || ferror(stdout)) && status == FRIT_OK)
        status = FAIL(&c, IO, NULL, "standard output: cannot write");
    if (status != FRIT_OK) fprintf(stderr, "frit: %s\n", c.message ? c.message : frit_status_text(status));
    arena_fini(&scratch);
    arena_fini(&job);
    return status == FRIT_OK ? 0 : status == FRIT_USAGE ? 2 : 1;
}
