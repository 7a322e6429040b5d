/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Prints the public header frit_ops.h from ir/ops.def: a list, a prototype and a macro for each elementwise operator that
 * has a function of its own in frit.h. The build runs it once (cmake/public_headers.cmake). */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
    EW = 1,
    CORE = 2,
    VIEW = 4,
    COMM = 8,
    CMP = 16,
    FLT = 32,
    INTG = 64,
    LOGIC = 128,
    REGION = 256,
    NOCSE = 512,
    SLOW = 1024
};

typedef struct row {
    const char *name, *attrs;
    int n_in, flags;
    const char *doc;
} row;
static const row rows[] = {
#define OP(name, attrs, lo, hi, n_out, flags, template, doc) {#name, #attrs, lo, flags, doc},
#include "ir/ops.def"
#undef OP
};
enum { N_ROWS = sizeof rows / sizeof *rows };

/* Operators with one kind of arguments. */
typedef struct shape {
    const char *list; /* FRIT_<list>_LIST */
    int n_in;
    const char *attrs, *arguments;
} shape;
static const shape shapes[] = {
    {"UNARY", 1, "none", "frit_value *x"},
    {"BINARY", 2, "none", "frit_value *x, frit_value *y"},
    {"TERNARY", 3, "none", "frit_value *x, frit_value *y, frit_value *z"},
    {"ALPHA", 1, "alpha", "frit_value *x, double alpha"},
    {"ALPHA_BETA", 1, "alpha_beta", "frit_value *x, double alpha, double beta"},
};
enum { N_SHAPES = sizeof shapes / sizeof *shapes };

static bool has_shape(const row *r, const shape *s) {
    return (r->flags & EW) && r->n_in == s->n_in && !strcmp(r->attrs, s->attrs);
}

static void print_list(const shape *s) {
    printf("#define FRIT_%s_LIST(X)", s->list);
    for (int i = 0; i < N_ROWS; i++)
        if (has_shape(&rows[i], s)) printf(" \\\n    X(%s)", rows[i].name);
    printf("\n");
}

static void print_functions(const shape *s) {
    for (int i = 0; i < N_ROWS; i++) {
        if (!has_shape(&rows[i], s)) continue;
        printf("\n/* %s */\n", rows[i].doc);
        printf("frit_value *frit_%s_at(const char *where, %s);\n", rows[i].name, s->arguments);
        printf("#define frit_%s(...) frit_%s_at(FRIT_HERE, __VA_ARGS__)\n", rows[i].name, rows[i].name);
    }
}

/* Every elementwise operator has a shape; the functions of cast and bitcast stand in frit.h. */
static bool all_have_shapes(void) {
    for (int i = 0; i < N_ROWS; i++) {
        bool has = !(rows[i].flags & EW) || !strcmp(rows[i].attrs, "cast");
        for (int j = 0; j < N_SHAPES && !has; j++) has = has_shape(&rows[i], &shapes[j]);
        if (has) continue;
        fprintf(stderr,
                "ir/ops.def: %s: frit_ops.h has no function with %d operands and attributes '%s': add a row to shapes "
                "in cmake/frit_ops.c\n",
                rows[i].name, rows[i].n_in, rows[i].attrs);
        return false;
    }
    return true;
}

int main(void) {
    if (!all_have_shapes()) return 1;
    puts("/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */\n"
         "/* The elementwise operators of frit.h, which includes this; nothing else needs it. Made by the build from "
         "its table\n"
         " * of operators. Operands x, y, z broadcast as in numpy. */\n"
         "#ifndef FRIT_OPS_H\n"
         "#define FRIT_OPS_H\n"
         "\n"
         "#ifdef __cplusplus\n"
         "extern \"C\" {\n"
         "#endif\n"
         "\n"
         "/* Names by the arguments that their functions take: X(name) .. */");
    for (int i = 0; i < N_SHAPES; i++) print_list(&shapes[i]);
    for (int i = 0; i < N_SHAPES; i++) print_functions(&shapes[i]);
    puts("\n"
         "#ifdef __cplusplus\n"
         "}\n"
         "#endif\n"
         "\n"
         "#endif");
    return fflush(stdout) || ferror(stdout);
}
