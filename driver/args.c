/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The command line by the tables commands.def and options.def, parsed with getopt_long. */
#include "driver/cmds.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"

#define ON(name) (1u << CMD_##name)
const option_row option_rows[N_OPTIONS] = {
#define OPTION(ID, name, letter, argument, commands, help) [OPT_##ID] = {name, letter, argument, commands, help},
#include "driver/options.def"
#undef OPTION
};

const command_row command_rows[N_COMMANDS] = {
#define COMMAND(name, synopsis, min_files, max_files, help)                                                            \
    [CMD_##name] = {#name, synopsis, min_files, max_files, help},
#include "driver/commands.def"
#undef COMMAND
};

bool option_is_optional(const option_row *o) { return o->argument && o->argument[0] == '['; }
bool option_is_for(const option_row *o, command_id command) { return o->commands & (1u << command); }

typedef VEC(const char *) words;
typedef struct gathered {
    words options[N_OPTIONS];
    words files;
} gathered;

/* --- usage errors --- */

frit_status args_unknown(cx *c, const char *what, const char *word, const char *const *candidates, size_t n) {
    const char *near = str_nearest(word, candidates, n);
    if (near) return FAIL(c, USAGE, NULL, "unknown %s '%s'; did you mean '%s'?", what, word, near);
    if (n == 0) return FAIL(c, USAGE, NULL, "unknown %s '%s'; there is none here", what, word);
    return FAIL(c, USAGE, NULL, "unknown %s '%s'; known: %s", what, word, str_list(c->scratch, candidates, n));
}

static frit_status unknown_option(cx *c, command_id command, const char *word) {
    const char *names[N_OPTIONS];
    size_t n = 0;
    for (int i = 0; i < N_OPTIONS; i++)
        if (option_is_for(&option_rows[i], command)) names[n++] = option_rows[i].name;
    const char *bare = word + strspn(word, "-");
    const char *name = arena_strndup(c->scratch, bare, strcspn(bare, "="));
    const char *near = str_nearest(name, names, n), *of = command_rows[command].name;
    if (near) return FAIL(c, USAGE, NULL, "frit %s has no option '%s'; did you mean '--%s'?", of, word, near);
    return FAIL(c, USAGE, NULL, "frit %s has no option '%s'; see frit help %s", of, word, of);
}

static frit_status unknown_command(cx *c, const char *word) {
    const char *names[N_COMMANDS];
    for (int i = 0; i < N_COMMANDS; i++) names[i] = command_rows[i].name;
    const char *near = str_nearest(word, names, N_COMMANDS);
    if (near) return FAIL(c, USAGE, NULL, "unknown command '%s'; did you mean '%s'?", word, near);
    return FAIL(c, USAGE, NULL, "unknown command '%s'; see frit help", word);
}

/* --- parsing --- */

/* What getopt_long is told of a command's options; values are option ids + 1. */
typedef struct getopt_tables {
    struct option longs[N_OPTIONS + 1];
    char shorts[2 * N_OPTIONS + 2]; /* begins with ':', so that a missing argument is told apart */
} getopt_tables;

/* Above all characters, which short options are. */
enum { GETOPT_FIRST_LONG = 256 };

static void fill_tables(command_id command, getopt_tables *out) {
    size_t n = 0, n_shorts = 0;
    *out = (getopt_tables){0};
    out->shorts[n_shorts++] = ':';
    for (int i = 0; i < N_OPTIONS; i++) {
        const option_row *o = &option_rows[i];
        if (!option_is_for(o, command)) continue;
        int has = !o->argument ? no_argument : option_is_optional(o) ? optional_argument : required_argument;
        out->longs[n++] = (struct option){o->name, has, NULL, GETOPT_FIRST_LONG + i};
        if (!o->letter) continue;
        out->shorts[n_shorts++] = o->letter;
        if (has == required_argument) out->shorts[n_shorts++] = ':';
    }
}

/* getopt_long also takes unambiguous beginnings of names, which the next version's options could make ambiguous. */
static bool is_whole_name(const char *word, const char *name) {
    size_t n = strlen(name);
    return strncmp(word, "--", 2) == 0 && strncmp(word + 2, name, n) == 0 && (word[2 + n] == 0 || word[2 + n] == '=');
}

static frit_status getopt_failure(cx *c, command_id command, int code, const char *word) {
    if (optopt >= GETOPT_FIRST_LONG && code == '?') {
        word = arena_strndup(c->scratch, word, strcspn(word, "="));
        return FAIL(c, USAGE, NULL, "'%s' takes no argument", word);
    }
    if (code == ':') return FAIL(c, USAGE, NULL, "'%s' needs an argument", word);
    if (optopt) word = arena_printf(c->scratch, "-%c", optopt);
    return unknown_option(c, command, word);
}

/* The option whose letter or code getopt_long returned. */
static opt_id option_of(command_id command, int code) {
    if (code >= GETOPT_FIRST_LONG) return (opt_id)(code - GETOPT_FIRST_LONG);
    int i = 0;
    while (option_rows[i].letter != code || !option_is_for(&option_rows[i], command)) i++;
    return (opt_id)i;
}

/* Sorts argv (a copy, which getopt_long permutes) into options and files. */
static frit_status gather(cx *c, command_id command, int argc, char **argv, gathered *g) {
    getopt_tables tables;
    fill_tables(command, &tables);
    opterr = 0, optind = 0;
    int code, at;
    while ((code = getopt_long(argc, argv, tables.shorts, tables.longs, &at)) != -1) {
        const char *word = argv[optind - 1];
        if (code == '?' || code == ':') return getopt_failure(c, command, code, word);
        if (code >= GETOPT_FIRST_LONG) {
            if (optarg == word) word = argv[optind - 2];
            if (!is_whole_name(word, option_rows[code - GETOPT_FIRST_LONG].name))
                return unknown_option(c, command, word);
        }
        vec_push(c->job, g->options[option_of(command, code)], optarg ? optarg : "");
    }
    for (int i = optind; i < argc; i++) vec_push(c->job, g->files, argv[i]);
    return FRIT_OK;
}

/* "; FILE of --report is given as --report=FILE" when a word may have been meant for an option that takes it so only.
 */
static const char *optional_hint(cx *c, const args *a, const char *word) {
    for (int i = 0; i < N_OPTIONS; i++)
        if (option_is_optional(&option_rows[i]) && a->options[i].n && !*a->options[i].at[a->options[i].n - 1])
            return arena_printf(c->scratch, "; for --%s write --%s=%s", option_rows[i].name, option_rows[i].name, word);
    return "";
}

static frit_status count_files(cx *c, const args *a) {
    const command_row *row = &command_rows[a->command];
    if (a->n_files < row->min_files)
        return FAIL(c, USAGE, NULL, "%s is missing; usage: frit %s %s",
                    a->n_files ? "an argument" : arena_strndup(c->scratch, row->synopsis, strcspn(row->synopsis, " .")),
                    row->name, row->synopsis);
    if (row->max_files && a->n_files > row->max_files)
        return FAIL(c, USAGE, NULL, "'%s' is one argument too many%s; usage: frit %s %s", a->files[row->max_files],
                    optional_hint(c, a, a->files[row->max_files]), row->name, row->synopsis);
    return FRIT_OK;
}

/* Of two values for one name (NAME=...) one would be ignored. Names of inputs may hold '=': read_given looks at them. */
static frit_status check_names(cx *c, const args *a, opt_id id) {
    const struct opt_values *given = &a->options[id];
    map seen = {.a = c->scratch};
    for (uint32_t i = 0; i < given->n; i++) {
        const char *name, *value;
        uint32_t before;
        if (id == OPT_DIM && !strchr(given->at[i], '=')) continue; /* OLD:NEW */
        TRY(args_pair(c, id, given->at[i], &name, &value));
        if (map_get_str(&seen, name, &before))
            return FAIL(c, USAGE, NULL, "--%s: '%s' is given twice", option_rows[id].name, name);
        map_set_str(&seen, name, i);
    }
    return FRIT_OK;
}

frit_status args_find_command(cx *c, const char *word, command_id *out) {
    for (int i = 0; i < N_COMMANDS; i++)
        if (str_equal(word, command_rows[i].name)) {
            *out = (command_id)i;
            return FRIT_OK;
        }
    return unknown_command(c, word);
}

frit_status args_parse(cx *c, int argc, const char *const *argv, args *out) {
    *out = (args){0};
    TRY(args_find_command(c, argv[0], &out->command));
    gathered g = {0};
    char **words_copy = ARENA_ARRAY(c->job, char *, argc + 1);
    for (int i = 0; i < argc; i++) words_copy[i] = arena_strdup(c->job, argv[i]);
    TRY(gather(c, out->command, argc, words_copy, &g));
    for (int i = 0; i < N_OPTIONS; i++) out->options[i] = (struct opt_values){g.options[i].n, g.options[i].at};
    out->n_files = g.files.n;
    out->files = g.files.at;
    for (int i = 0; i < N_OPTIONS; i++)
        if (i != OPT_INPUT && option_rows[i].argument && str_starts(option_rows[i].argument, "NAME="))
            TRY(check_names(c, out, (opt_id)i));
    return count_files(c, out);
}

/* --- reading --- */

bool args_has(const args *a, opt_id id) { return a->options[id].n > 0; }

const char *args_text(const args *a, opt_id id) {
    return a->options[id].n ? a->options[id].at[a->options[id].n - 1] : NULL;
}

frit_status args_int(cx *c, const args *a, opt_id id, int64_t lo, int64_t hi, int64_t fallback, int64_t *out) {
    const char *text = args_text(a, id);
    *out = fallback;
    if (!text) return FRIT_OK;
    if (str_parse_i64(text, out) && *out >= lo && *out <= hi) return FRIT_OK;
    return FAIL(c, USAGE, NULL, "--%s: '%s' is not an integer from %lld to %lld", option_rows[id].name, text,
                (long long)lo, (long long)hi);
}

frit_status args_f64(cx *c, const args *a, opt_id id, double fallback, double *out) {
    const char *text = args_text(a, id);
    *out = fallback;
    if (!text || (str_parse_f64(text, out) && *out >= 0)) return FRIT_OK;
    return FAIL(c, USAGE, NULL, "--%s: '%s' is not a number from 0 on", option_rows[id].name, text);
}

frit_status args_pair(cx *c, opt_id id, const char *given, const char **out_name, const char **out_value) {
    const char *equals = strchr(given, '=');
    if (!equals || equals == given || !equals[1])
        return FAIL(c, USAGE, NULL, "--%s: '%s' is not %s", option_rows[id].name, given, option_rows[id].argument);
    *out_name = arena_strndup(c->job, given, (size_t)(equals - given));
    *out_value = equals + 1;
    return FRIT_OK;
}

const char *args_spelling(arena *a, opt_id id, const char *value) {
    const option_row *o = &option_rows[id];
    return arena_printf(a, o->argument ? "--%s=%s" : "--%s", o->name, value);
}

/* --- help --- */

static void print_option(const option_row *o) {
    char left[64];
    const char *argument = o->argument ? o->argument : "";
    const char *between = o->argument && !option_is_optional(o) ? (o->letter ? " " : "=") : "";
    if (o->letter)
        snprintf(left, sizeof left, "-%c, --%s%s%s", o->letter, o->name, between, argument);
    else
        snprintf(left, sizeof left, "--%s%s%s", o->name, between, argument);
    printf(strlen(left) > 30 ? "  %s\n%34s%s\n" : "  %-30s  %.0s%s\n", left, "", o->help);
}

void args_print_help(command_id command) {
    const command_row *row = &command_rows[command];
    printf("frit %s %s\n\n  %s\n", row->name, row->synopsis, row->help);
    bool any = false;
    for (int i = 0; i < N_OPTIONS; i++) {
        if (!option_is_for(&option_rows[i], command)) continue;
        if (!any) printf("\n");
        any = true;
        print_option(&option_rows[i]);
    }
}

void args_print_overview(void) {
    printf("frit %s compiles tensor programs to shared objects\n\n", FRIT_VERSION);
    for (int i = 0; i < N_COMMANDS; i++) {
        const command_row *row = &command_rows[i];
        char left[64];
        snprintf(left, sizeof left, "frit %s %s", row->name, row->synopsis);
        printf("  %-30s  %s\n", left, row->help);
    }
    printf("\n  frit help CMD                   explains a command's options\n"
           "  frit --version                  prints the versions of frit and LLVM\n\n"
           "Exit status: 0 done, 1 a problem with what was given (one line on stderr says which), 2 wrong usage.\n");
}

static frit_status print_manual(cx *c, const args *a) {
    command_id command = N_COMMANDS;
    if (a->n_files) TRY(args_find_command(c, a->files[0], &command));
    strbuf b = {.a = c->scratch};
    manual_print(&b, command);
    fputs(strbuf_text(&b), stdout);
    return FRIT_OK;
}

frit_status cmd_help(cx *c, const args *a) {
    static const char *const formats[] = {"text", "man"};
    const char *format = args_text(a, OPT_FORMAT);
    if (str_equal(format, "man")) return print_manual(c, a);
    if (format && !str_equal(format, "text")) return args_unknown(c, "format", format, formats, countof(formats));
    if (a->n_files == 0) {
        args_print_overview();
        return FRIT_OK;
    }
    command_id command;
    TRY(args_find_command(c, a->files[0], &command));
    args_print_help(command);
    return FRIT_OK;
}
