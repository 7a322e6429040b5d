/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* frit completion: completions for shells from commands.def and options.def. Words behind an option whose values the
 * table lists ("cpu|cuda") are those, other words are files. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "driver/cmds.h"

/* The values that the table lists for o, separated by blanks; NULL when it names a kind of value. In a. */
static const char *choices(arena *a, const option_row *o) {
    if (!o->argument || !strchr(o->argument, '|')) return NULL;
    char *text = arena_strdup(a, o->argument);
    for (char *at = text; *at; at++) {
        if (isupper((unsigned char)*at)) return NULL;
        if (*at == '|') *at = ' ';
    }
    return text;
}

static bool takes_value(const option_row *o) { return o->argument && !option_is_optional(o); }

/* --- bash --- */

static void bash_options(strbuf *b, command_id command) {
    strbuf_printf(b, "        %s) options='", command_rows[command].name);
    for (int i = 0; i < N_OPTIONS; i++)
        if (option_is_for(&option_rows[i], command))
            strbuf_printf(b, "--%s%s ", option_rows[i].name, takes_value(&option_rows[i]) ? "=" : "");
    strbuf_add(b, "--help' ;;\n");
}

static void bash_script(strbuf *b) {
    strbuf_add(b, "# frit's completion for bash: eval \"$(frit completion bash)\"\n_frit() {\n"
                  "    local word=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]} options='' values=''\n"
                  "    COMPREPLY=()\n"
                  "    # bash cuts a word at '=': then the option stands one or two words before.\n"
                  "    [ \"$option\" = = ] && option=${COMP_WORDS[COMP_CWORD - 2]}\n"
                  "    [ \"$word\" = = ] && word=''\n"
                  "    if [ \"$COMP_CWORD\" = 1 ]; then\n        mapfile -t COMPREPLY < <(compgen -W '");
    for (int i = 0; i < N_COMMANDS; i++) strbuf_printf(b, "%s ", command_rows[i].name);
    strbuf_add(b, "--version --help' -- \"$word\")\n        return\n    fi\n    case $option in\n");
    for (int i = 0; i < N_OPTIONS; i++) {
        const char *values = choices(b->a, &option_rows[i]);
        if (values) strbuf_printf(b, "        --%s) values='%s' ;;\n", option_rows[i].name, values);
    }
    strbuf_add(b, "    esac\n    case ${COMP_WORDS[1]} in\n");
    for (int i = 0; i < N_COMMANDS; i++) bash_options(b, (command_id)i);
    strbuf_add(b, "    esac\n    if [ -n \"$values\" ]; then\n"
                  "        mapfile -t COMPREPLY < <(compgen -W \"$values\" -- \"$word\")\n"
                  "    elif [[ $word == -* ]]; then\n"
                  "        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\")\n"
                  "        [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n    else\n"
                  "        mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n        compopt -o filenames\n    fi\n}\n"
                  "complete -F _frit frit\n");
}

/* --- zsh --- */

/* Text inside single quotes, where zsh's _arguments takes brackets and colons for its own. */
static void zsh_text(strbuf *b, const char *text) {
    for (; *text; text++) {
        if (*text == '\'')
            strbuf_add(b, "'\\''");
        else if (strchr("[]:\\", *text))
            strbuf_printf(b, "\\%c", *text);
        else
            strbuf_addc(b, *text);
    }
}

static void zsh_option(strbuf *b, const option_row *o) {
    const char *values = choices(b->a, o);
    strbuf_printf(b, "                '*--%s%s[", o->name, takes_value(o) ? "=" : "");
    zsh_text(b, o->help);
    strbuf_addc(b, ']');
    if (takes_value(o) && values)
        strbuf_printf(b, ":value:(%s)", values);
    else if (takes_value(o))
        strbuf_add(b, ":value:_files");
    strbuf_add(b, "' \\\n");
}

static void zsh_script(strbuf *b) {
    strbuf_add(b, "#compdef frit\n# frit's completion for zsh\n_frit() {\n    local -a commands=(\n");
    for (int i = 0; i < N_COMMANDS; i++) {
        strbuf_printf(b, "        '%s:", command_rows[i].name);
        zsh_text(b, command_rows[i].help);
        strbuf_add(b, "'\n");
    }
    strbuf_add(b, "    )\n    if (( CURRENT == 2 )); then\n        _describe command commands\n        return\n    fi\n"
                  "    case $words[2] in\n");
    for (int i = 0; i < N_COMMANDS; i++) {
        strbuf_printf(b,
                      "        %s)\n            shift words\n            (( CURRENT-- ))\n            _arguments \\\n",
                      command_rows[i].name);
        for (int k = 0; k < N_OPTIONS; k++)
            if (option_is_for(&option_rows[k], (command_id)i)) zsh_option(b, &option_rows[k]);
        strbuf_add(b, "                '*:file:_files' ;;\n");
    }
    strbuf_add(b, "    esac\n}\nif [ \"$funcstack[1]\" = _frit ]; then _frit \"$@\"; else compdef _frit frit; fi\n");
}

/* --- fish --- */

static void fish_text(strbuf *b, const char *text) {
    strbuf_addc(b, '\'');
    for (; *text; text++) strbuf_printf(b, strchr("'\\", *text) ? "\\%c" : "%c", *text);
    strbuf_addc(b, '\'');
}

static void fish_script(strbuf *b) {
    strbuf_add(b, "# frit's completion for fish: frit completion fish | source\n");
    for (int i = 0; i < N_COMMANDS; i++) {
        strbuf_printf(b, "complete -c frit -f -n __fish_use_subcommand -a %s -d ", command_rows[i].name);
        fish_text(b, command_rows[i].help);
        strbuf_addc(b, '\n');
    }
    for (int i = 0; i < N_OPTIONS; i++) {
        const option_row *o = &option_rows[i];
        const char *values = choices(b->a, o);
        strbuf_add(b, "complete -c frit -n '__fish_seen_subcommand_from");
        for (int k = 0; k < N_COMMANDS; k++)
            if (option_is_for(o, (command_id)k)) strbuf_printf(b, " %s", command_rows[k].name);
        strbuf_printf(b, "' -l %s%s", o->name, takes_value(o) ? " -r" : "");
        if (o->letter) strbuf_printf(b, " -s %c", o->letter);
        if (values) strbuf_printf(b, " -f -a '%s'", values);
        strbuf_add(b, " -d ");
        fish_text(b, o->help);
        strbuf_addc(b, '\n');
    }
}

frit_status cmd_completion(cx *c, const args *a) {
    static const char *const shells[] = {"bash", "zsh", "fish"};
    static void (*const scripts[])(strbuf *) = {bash_script, zsh_script, fish_script};
    for (size_t i = 0; i < countof(shells); i++) {
        if (!str_equal(a->files[0], shells[i])) continue;
        strbuf b = {.a = c->scratch};
        scripts[i](&b);
        fputs(strbuf_text(&b), stdout);
        return FRIT_OK;
    }
    return args_unknown(c, "shell", a->files[0], shells, countof(shells));
}
