/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The C header of --emit-header: numbers of the inputs and outputs, and for each a function that makes its tensor from
 * typed memory, so that a wrong element type is the C compiler's error. */
#include <ctype.h>
#include <string.h>

#include "base/map.h"
#include "driver/cli.h"

/* name as a C identifier. */
static char *identifier(arena *a, const char *name) {
    char *out = arena_printf(a, "%s%s", isalpha((unsigned char)*name) || *name == '_' ? "" : "_", name);
    for (char *p = out; *p; p++)
        if (!isalnum((unsigned char)*p)) *p = '_';
    return out;
}

static char *upper(arena *a, const char *name) {
    char *out = identifier(a, name);
    for (char *p = out; *p; p++) *p = (char)toupper((unsigned char)*p);
    return out;
}

/* C identifiers of the ports, no two equal in upper case: a name that another port has already taken gets the port's
 * number behind it. */
static char **port_names(arena *a, uint32_t n, const port *ports) {
    char **names = ARENA_ARRAY(a, char *, n + 1);
    map seen = {.a = a};
    for (uint32_t i = 0; i < n; i++) {
        names[i] = identifier(a, ports[i].name);
        uint32_t other;
        while (map_get_str(&seen, upper(a, names[i]), &other)) names[i] = arena_printf(a, "%s_%u", names[i], i);
        map_set_str(&seen, upper(a, names[i]), i);
    }
    return names;
}

/* The C type of an element; types that C lacks are passed as their bits. */
static const char *c_type(dtype dt) {
    switch (dt) {
    case FRIT_DT_F64:
        return "double";
    case FRIT_DT_F32:
        return "float";
    case FRIT_DT_I64:
        return "int64_t";
    case FRIT_DT_I32:
        return "int32_t";
    case FRIT_DT_I16:
        return "int16_t";
    case FRIT_DT_I8:
        return "int8_t";
    case FRIT_DT_U64:
        return "uint64_t";
    case FRIT_DT_U32:
        return "uint32_t";
    case FRIT_DT_F16:
    case FRIT_DT_BF16:
    case FRIT_DT_U16:
        return "uint16_t";
    case FRIT_DT_F8E4M3:
    case FRIT_DT_F8E5M2:
    case FRIT_DT_F8E4M3FNUZ:
    case FRIT_DT_F8E5M2FNUZ:
    case FRIT_DT_F8E8M0:
    case FRIT_DT_F4E2M1:
    case FRIT_DT_I4:
    case FRIT_DT_I2:
    case FRIT_DT_U8:
    case FRIT_DT_U4:
    case FRIT_DT_U2:
    case FRIT_DT_BOOL:
        return "uint8_t";
    case FRIT_DT_NONE:
        break;
    }
    UNREACHABLE("element type of a port");
}

/* The dims as text for a comment: nothing in it can end the comment. */
static const char *shape_comment(arena *a, const graph *g, const port *p) {
    strbuf b = {.a = a};
    strbuf_printf(&b, "%s[", dtype_name(p->type.dt));
    for (uint32_t i = 0; i < p->type.rank; i++) {
        if (i) strbuf_add(&b, ", ");
        dim_print(&b, g->dims, p->type.shape[i]);
    }
    strbuf_add(&b, "]");
    char *text = arena_strdup(a, strbuf_text(&b));
    for (char *star = text; (star = strstr(star, "*/"));) star[0] = ' ';
    return text;
}

typedef struct header {
    strbuf *b;
    const graph *g;
    const char *stem; /* identifier made of the file's name */
} header;

static void print_numbers(header *h, const char *kind, uint32_t n, const port *ports) {
    arena *a = h->b->a;
    char **names = port_names(a, n, ports);
    strbuf_printf(h->b, "enum {\n");
    for (uint32_t i = 0; i < n; i++)
        strbuf_printf(h->b, "    %s_%s_%s = %u, /* %s */\n", upper(a, h->stem), kind, upper(a, names[i]), i,
                      shape_comment(a, h->g, &ports[i]));
    strbuf_printf(h->b, "    %s_N_%sS = %u\n};\n\n", upper(a, h->stem), kind, n);
}

/* A function for each port that makes its tensor. */
static void print_makers(header *h, const char *kind, const char *qualifier, uint32_t n, const port *ports) {
    arena *a = h->b->a;
    char **names = port_names(a, n, ports);
    for (uint32_t i = 0; i < n; i++) {
        const port *p = &ports[i];
        strbuf_printf(h->b, "/* %s %s: %s */\n", kind, str_sanitize(a, p->name), shape_comment(a, h->g, p));
        strbuf_printf(h->b, "static inline frit_tensor %s_%s_%s(%s%s *data, const int64_t *dims) {\n", h->stem, kind,
                      names[i], qualifier, c_type(p->type.dt));
        strbuf_printf(h->b, "    frit_tensor t = {(void *)data, %d, %u, dims, 0};\n    return t;\n}\n\n",
                      (int)p->type.dt, p->type.rank);
    }
}

void header_print(strbuf *b, const compiled *m, const char *path) {
    const char *file = path_basename(path), *dot = strrchr(file, '.');
    char *stem = identifier(b->a, arena_strndup(b->a, file, dot && dot > file ? (size_t)(dot - file) : strlen(file)));
    header h = {b, m->plan->iface, stem};
    const char *guard = upper(b->a, stem);
    strbuf_printf(b, "/* Interface of the compiled model '%s', written by frit %s. dims hold one value per axis. */\n",
                  str_sanitize(b->a, h.g->name), FRIT_VERSION);
    strbuf_printf(b, "#ifndef %s_MODEL_H\n#define %s_MODEL_H\n\n#include \"frit_artifact.h\"\n\n", guard, guard);
    print_numbers(&h, "INPUT", h.g->inputs.n, h.g->inputs.at);
    print_numbers(&h, "OUTPUT", h.g->outputs.n, h.g->outputs.at);
    print_makers(&h, "input", "const ", h.g->inputs.n, h.g->inputs.at);
    print_makers(&h, "output", "", h.g->outputs.n, h.g->outputs.at);
    strbuf_add(b, "#endif\n");
}
