/* The command line by the tables commands.def and options.def, parsed with popt. */
#include "driver/cmds.h"

#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"

typedef struct option_row {
    const char *name;
    char letter;
    const char *argument; /* NULL none; "[=X]" may be left out */
    uint32_t commands;    /* bit command_id */
    const char *help;
} option_row;

#define ON(name) (1u << CMD_##name)
static const option_row option_rows[N_OPTIONS] = {
#define OPTION(ID, name, letter, argument, commands, help) [OPT_##ID] = {name, letter, argument, commands, help},
#include "driver/options.def"
#undef OPTION
};

typedef struct command_row {
    const char *name, *synopsis;
    uint32_t min_files, max_files; /* max 0: any number */
    const char *help;
} command_row;

static const command_row command_rows[N_COMMANDS] = {
#define COMMAND(name, synopsis, min_files, max_files, help)                                                            \
    [CMD_##name] = {#name, synopsis, min_files, max_files, help},
#include "driver/commands.def"
#undef COMMAND
};

/* --- what popt is told --- */

static bool is_optional(const option_row *o) { return o->argument && o->argument[0] == '['; }
static bool takes(command_id command, const option_row *o) { return o->commands & (1u << command); }

/* popt's table of a command; values are option ids + 1. An option whose argument may be left out takes none here:
 * popt would take the next word for it, so such words are cut apart before popt sees them. */
static struct poptOption *popt_table(arena *a, command_id command) {
    struct poptOption *table = ARENA_ARRAY(a, struct poptOption, N_OPTIONS + 1);
    size_t n = 0;
    for (int i = 0; i < N_OPTIONS; i++) {
        const option_row *o = &option_rows[i];
        if (!takes(command, o)) continue;
        table[n].longName = o->name;
        table[n].shortName = o->letter;
        table[n].argInfo = o->argument && !is_optional(o) ? POPT_ARG_STRING : POPT_ARG_NONE;
        table[n++].val = i + 1;
    }
    return table;
}

/* The value of word when it is --NAME=VALUE of an option with optional argument, else NULL. */
static const char *optional_value(command_id command, const char *word, opt_id *out) {
    if (!str_starts(word, "--")) return NULL;
    for (int i = 0; i < N_OPTIONS; i++) {
        const option_row *o = &option_rows[i];
        size_t n = strlen(o->name);
        if (!takes(command, o) || !is_optional(o) || strncmp(word + 2, o->name, n) != 0 || word[2 + n] != '=') continue;
        *out = (opt_id)i;
        return word + 3 + n;
    }
    return NULL;
}

typedef VEC(const char *) words;
typedef struct gathered {
    words options[N_OPTIONS];
    words files;
} gathered;

/* --- usage errors --- */

frit_status args_unknown(cx *c, const char *what, const char *word, const char *const *candidates, size_t n) {
    const char *near = str_nearest(word, candidates, n);
    if (near) return FAIL(c, USAGE, NULL, "unknown %s '%s'; did you mean '%s'?", what, word, near);
    return FAIL(c, USAGE, NULL, "unknown %s '%s'", what, word);
}

static frit_status unknown_option(cx *c, command_id command, const char *word) {
    const char *names[N_OPTIONS];
    size_t n = 0;
    for (int i = 0; i < N_OPTIONS; i++)
        if (takes(command, &option_rows[i])) names[n++] = option_rows[i].name;
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

static frit_status popt_failure(cx *c, command_id command, poptContext p, int code) {
    const char *word = poptBadOption(p, POPT_BADOPTION_NOALIAS);
    if (code == POPT_ERROR_BADOPT) return unknown_option(c, command, word);
    if (code == POPT_ERROR_NOARG) return FAIL(c, USAGE, NULL, "'%s' needs an argument", word);
    if (code == POPT_ERROR_UNWANTEDARG) return FAIL(c, USAGE, NULL, "'%s' takes no argument", word);
    return FAIL(c, USAGE, NULL, "'%s': %s", word, poptStrerror(code));
}

/* --- parsing --- */

static frit_status gather(cx *c, command_id command, poptContext p, gathered *g) {
    int code;
    while ((code = poptGetNextOpt(p)) > 0) {
        char *value = poptGetOptArg(p); /* popt's malloc */
        vec_push(c->job, g->options[code - 1], value ? arena_strdup(c->job, value) : "");
        free(value);
    }
    if (code != -1) return popt_failure(c, command, p, code);
    for (const char *file; (file = poptGetArg(p));) vec_push(c->job, g->files, arena_strdup(c->job, file));
    return FRIT_OK;
}

static frit_status count_files(cx *c, const args *a) {
    const command_row *row = &command_rows[a->command];
    if (a->n_files < row->min_files)
        return FAIL(c, USAGE, NULL, "%s is missing; usage: frit %s %s",
                    a->n_files ? "an argument" : arena_strndup(c->scratch, row->synopsis, strcspn(row->synopsis, " .")),
                    row->name, row->synopsis);
    if (row->max_files && a->n_files > row->max_files)
        return FAIL(c, USAGE, NULL, "'%s' is one argument too many; usage: frit %s %s", a->files[row->max_files],
                    row->name, row->synopsis);
    return FRIT_OK;
}

/* Of two values for one name (NAME=...) one would be ignored. */
static frit_status check_names(cx *c, const args *a, opt_id id) {
    const struct opt_values *given = &a->options[id];
    map seen = {.a = c->scratch};
    for (uint32_t i = 0; i < given->n; i++) {
        const char *name, *value;
        uint32_t before;
        TRY(args_pair(c, id, given->at[i], &name, &value));
        if (map_get_str(&seen, name, &before))
            return FAIL(c, USAGE, NULL, "--%s: '%s' is given twice", option_rows[id].name, name);
        map_set_str(&seen, name, i);
    }
    return FRIT_OK;
}

static frit_status find_command(cx *c, const char *word, command_id *out) {
    for (int i = 0; i < N_COMMANDS; i++)
        if (str_equal(word, command_rows[i].name)) {
            *out = (command_id)i;
            return FRIT_OK;
        }
    return unknown_command(c, word);
}

frit_status args_parse(cx *c, int argc, const char *const *argv, args *out) {
    *out = (args){0};
    TRY(find_command(c, argv[0], &out->command));
    gathered g = {0};
    words rest = {0};
    for (int i = 0; i < argc; i++) {
        opt_id id;
        const char *value = optional_value(out->command, argv[i], &id);
        if (value)
            vec_push(c->job, g.options[id], value);
        else
            vec_push(c->job, rest, argv[i]);
    }
    struct poptOption *table = popt_table(c->job, out->command);
    poptContext p = poptGetContext("frit", (int)rest.n, rest.at, table, 0);
    if (!p) return FAIL(c, MEMORY, NULL, "no memory for the command line");
    frit_status status = gather(c, out->command, p, &g);
    poptFreeContext(p);
    TRY(status);
    for (int i = 0; i < N_OPTIONS; i++) out->options[i] = (struct opt_values){g.options[i].n, g.options[i].at};
    out->n_files = g.files.n;
    out->files = g.files.at;
    for (int i = 0; i < N_OPTIONS; i++)
        if (option_rows[i].argument && str_starts(option_rows[i].argument, "NAME="))
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
    const char *between = o->argument && !is_optional(o) ? (o->letter ? " " : "=") : "";
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
        if (!takes(command, &option_rows[i])) continue;
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

frit_status cmd_help(cx *c, const args *a) {
    if (a->n_files == 0) {
        args_print_overview();
        return FRIT_OK;
    }
    command_id command;
    TRY(find_command(c, a->files[0], &command));
    args_print_help(command);
    return FRIT_OK;
}
