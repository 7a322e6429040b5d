/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Manual pages from commands.def and options.def, in the man macros of roff. */
#include <string.h>

#include "driver/cmds.h"

/* Text in which nothing is a request or an escape: hyphens are minus signs, as an option has to be typed. */
static void add_text(strbuf *b, const char *text) {
    for (const char *at = text; *at; at++) {
        bool is_request = (*at == '.' || *at == '\'') && (at == text || at[-1] == '\n');
        if (is_request) strbuf_add(b, "\\&");
        if (*at == '\\')
            strbuf_add(b, "\\e");
        else if (*at == '-')
            strbuf_add(b, "\\-");
        else
            strbuf_addc(b, *at);
    }
}

static void add_heading(strbuf *b, const char *name) { strbuf_printf(b, ".SH %s\n", name); }

static void add_option(strbuf *b, const option_row *o) {
    strbuf_add(b, ".TP\n.B ");
    if (o->letter) {
        strbuf_printf(b, "\\-%c, ", o->letter);
    }
    strbuf_add(b, "\\-\\-");
    add_text(b, o->name);
    if (o->argument) {
        bool has_sign = option_is_optional(o);
        strbuf_add(b, has_sign ? "" : "=");
        add_text(b, o->argument);
    }
    strbuf_addc(b, '\n');
    add_text(b, o->help);
    strbuf_addc(b, '\n');
}

static void add_exit_status(strbuf *b) {
    add_heading(b, "EXIT STATUS");
    strbuf_add(b, ".TP\n.B 0\ndone\n.TP\n.B 1\na problem with what was given; one line on standard error says which\n"
                  ".TP\n.B 2\nwrong usage\n");
}

static void add_title(strbuf *b, const char *page, const char *what) {
    strbuf_printf(b, ".TH %s 1 \"\" \"frit %s\" \"User Commands\"\n", page, FRIT_VERSION);
    add_heading(b, "NAME");
    add_text(b, page);
    strbuf_add(b, " \\- ");
    add_text(b, what);
    strbuf_addc(b, '\n');
    add_heading(b, "SYNOPSIS");
}

static void command_page(strbuf *b, command_id command) {
    const command_row *row = &command_rows[command];
    strbuf page = {.a = b->a};
    strbuf_printf(&page, "frit-%s", row->name);
    add_title(b, strbuf_text(&page), row->help);
    strbuf_printf(b, ".B frit %s\n", row->name);
    add_text(b, row->synopsis);
    strbuf_add(b, " [OPTION]...\n");
    bool has_options = false;
    for (int i = 0; i < N_OPTIONS; i++) {
        if (!option_is_for(&option_rows[i], command)) continue;
        if (!has_options) add_heading(b, "OPTIONS");
        has_options = true;
        add_option(b, &option_rows[i]);
    }
    add_exit_status(b);
    add_heading(b, "SEE ALSO");
    strbuf_add(b, ".BR frit (1)\n");
}

static void overview_page(strbuf *b) {
    add_title(b, "frit", "ahead-of-time compiler for tensor programs");
    strbuf_add(b, ".B frit\nCOMMAND [ARGUMENT]... [OPTION]...\n.br\n.B frit \\-\\-version\n");
    add_heading(b, "DESCRIPTION");
    strbuf_add(
        b,
        "frit compiles a model to one shared object with the fused kernels of the whole model. That file has a plain\n"
        "C interface and needs neither frit nor a machine\\-learning runtime where it runs.\n");
    add_heading(b, "COMMANDS");
    for (int i = 0; i < N_COMMANDS; i++) {
        strbuf_printf(b, ".TP\n.B frit %s\n", command_rows[i].name);
        add_text(b, command_rows[i].help);
        strbuf_printf(b, "; see\n.BR frit\\-%s (1)\n", command_rows[i].name);
    }
    add_exit_status(b);
}

void manual_print(strbuf *b, command_id command) {
    if (command == N_COMMANDS)
        overview_page(b);
    else
        command_page(b, command);
}
