/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The printer of the .fir form. Guarantees: graph_parse reads back an equal graph, and printing that gives the same
 * text. Values print by the model's name when they have one (a second value of a name as %name#1), else by a running
 * number; attributes that have their default are left out; types are always there. */
#include <ctype.h>
#include <string.h>

#include "ir/graph/graph.h"
#include "ir/graph/graph_text.h"
#include "ir/op/attrs.h"

enum { HEX_ABOVE = 64 };

typedef struct printer {
    strbuf *b;
    const graph *g;
    arena *a;           /* scratch: the buffer's own */
    const char **names; /* per value, NULL when not yet named */
    map taken;          /* printed name -> count of values of that name */
    uint32_t next;      /* running number */
    uint32_t indent;
} printer;

void text_quote(strbuf *b, const char *s) {
    strbuf_addc(b, '"');
    for (; *s; s++) {
        unsigned char ch = (unsigned char)*s;
        if (ch == '"' || ch == '\\')
            strbuf_printf(b, "\\%c", ch);
        else if (ch < 32 || ch == 127)
            strbuf_printf(b, "\\x%02x", ch);
        else
            strbuf_addc(b, (char)ch);
    }
    strbuf_addc(b, '"');
}

bool text_is_name(const char *s) {
    if (!isalpha((unsigned char)s[0]) && s[0] != '_') return false;
    while (text_is_name_char(*s)) s++;
    return *s == 0;
}

static void print_name(strbuf *b, const char *s) {
    if (text_is_name(s))
        strbuf_add(b, s);
    else
        text_quote(b, s);
}

static const char *value_text(printer *p, value_id v) {
    if (p->names[v]) return p->names[v];
    const char *name = graph_value(p->g, v)->name;
    strbuf b = {.a = p->a};
    strbuf_addc(&b, '%');
    if (!name) {
        strbuf_printf(&b, "%u", p->next++);
    } else {
        uint32_t n = 0;
        map_get_str(&p->taken, name, &n);
        map_set_str(&p->taken, name, n + 1);
        print_name(&b, name);
        if (n) strbuf_printf(&b, "#%u", n);
    }
    return p->names[v] = strbuf_text(&b);
}

static void print_type(printer *p, const tensor_type *t) {
    strbuf_printf(p->b, "%s[", dtype_name(t->dt));
    for (uint32_t i = 0; i < t->rank; i++) {
        if (i) strbuf_add(p->b, ", ");
        dim_print(p->b, p->g->dims, t->shape[i]);
    }
    strbuf_addc(p->b, ']');
}

/* Floats of 32 bits and fewer print as f32: every narrower one is an f32 too. */
static void print_float(printer *p, dtype dt, double x) {
    strbuf_add(p->b, dtype_bits(dt) > 32 ? str_from_f64(p->a, x) : str_from_f32(p->a, (float)x));
}

static void print_scalar(printer *p, dtype dt, scalar s) {
    switch (dtype_kind_of(dt)) {
    case DTYPE_FLOAT:
        print_float(p, dt, s.f);
        return;
    case DTYPE_INT:
        strbuf_printf(p->b, "%lld", (long long)s.i);
        return;
    case DTYPE_UINT:
        strbuf_printf(p->b, "%llu", (unsigned long long)s.u);
        return;
    case DTYPE_BOOL:
        strbuf_add(p->b, s.i ? "true" : "false");
        return;
    }
}

static void print_dense(printer *p, const const_data *d) {
    size_t n = (size_t)const_count(d);
    strbuf_add(p->b, "dense<");
    if (n > HEX_ABOVE) {
        const unsigned char *bytes = d->bytes;
        strbuf_add(p->b, "0x");
        for (size_t i = 0; i < dtype_bytes(d->dt, n); i++) strbuf_printf(p->b, "%02x", bytes[i]);
    } else {
        for (size_t i = 0; i < n; i++) {
            if (i) strbuf_add(p->b, ", ");
            print_scalar(p, d->dt, dtype_load(d->dt, d->bytes, i));
        }
    }
    strbuf_addc(p->b, '>');
}

static void print_const(printer *p, const const_data *d) {
    strbuf_addc(p->b, ' ');
    switch (d->kind) {
    case CONST_SPLAT:
        strbuf_add(p->b, "splat(");
        print_scalar(p, d->dt, d->splat);
        strbuf_addc(p->b, ')');
        return;
    case CONST_RANDOM:
        strbuf_printf(p->b, "random(%lld, %s)", (long long)d->seed, str_from_f64(p->a, d->scale));
        return;
    case CONST_DENSE:
    case CONST_MADE:
        break;
    }
    if (!d->file) {
        print_dense(p, d);
        return;
    }
    strbuf_add(p->b, "file(");
    text_quote(p->b, d->file);
    strbuf_add(p->b, ", ");
    text_quote(p->b, d->key ? d->key : "");
    strbuf_addc(p->b, ')');
}

static void print_list_f64(printer *p, const f64_list *l) {
    strbuf_addc(p->b, '[');
    for (uint32_t i = 0; i < l->n; i++) strbuf_printf(p->b, "%s%s", i ? ", " : "", str_from_f64(p->a, l->at[i]));
    strbuf_addc(p->b, ']');
}

static void print_list_int(printer *p, const int_list *l) {
    strbuf_addc(p->b, '[');
    for (uint32_t i = 0; i < l->n; i++) strbuf_printf(p->b, "%s%lld", i ? ", " : "", (long long)l->at[i]);
    strbuf_addc(p->b, ']');
}

static void print_list_dim(printer *p, const dim_list *l) {
    strbuf_addc(p->b, '[');
    for (uint32_t i = 0; i < l->n; i++) {
        if (i) strbuf_add(p->b, ", ");
        dim_print(p->b, p->g->dims, l->at[i]);
    }
    strbuf_addc(p->b, ']');
}

static bool field_is_default(const attr_field *f, const void *v) {
    switch (f->kind) {
    case FK_INT:
        return (double)*(const int64_t *)v == f->default_value;
    case FK_F64:
        return !memcmp(v, &f->default_value, sizeof(double));
    case FK_BOOL:
        return *(const bool *)v == (f->default_value != 0);
    case FK_DTYPE:
        return *(const dtype *)v == FRIT_DT_NONE;
    case FK_INTS:
        return ((const int_list *)v)->n == 0;
    case FK_FLOATS:
        return ((const f64_list *)v)->n == 0;
    case FK_DIMS:
        return ((const dim_list *)v)->n == 0;
    case FK_STR:
        return !*(const char *const *)v || !**(const char *const *)v;
    case FK_ENUM:
        return *(const uint32_t *)v == 0;
    case FK_CONST:
        return true; /* printed by print_const */
    }
    return true;
}

static void print_field(printer *p, const attr_field *f, const void *v) {
    strbuf_printf(p->b, "%s = ", f->name);
    switch (f->kind) {
    case FK_INT:
        strbuf_printf(p->b, "%lld", (long long)*(const int64_t *)v);
        return;
    case FK_F64:
        strbuf_add(p->b, str_from_f64(p->a, *(const double *)v));
        return;
    case FK_BOOL:
        strbuf_add(p->b, *(const bool *)v ? "true" : "false");
        return;
    case FK_DTYPE:
        strbuf_add(p->b, dtype_name(*(const dtype *)v));
        return;
    case FK_INTS:
        print_list_int(p, v);
        return;
    case FK_FLOATS:
        print_list_f64(p, v);
        return;
    case FK_DIMS:
        print_list_dim(p, v);
        return;
    case FK_STR:
        text_quote(p->b, *(const char *const *)v);
        return;
    case FK_ENUM:
        strbuf_add(p->b, f->enum_names[*(const uint32_t *)v]);
        return;
    case FK_CONST:
        return;
    }
}

static void print_attrs(printer *p, const node *n) {
    const attr_type *t = op_info_of(n->op)->attrs;
    bool is_first = true;
    for (uint32_t i = 0; i < t->n_fields; i++) {
        const void *v = (const char *)n->attrs + t->fields[i].offset;
        if (t->fields[i].kind == FK_CONST) print_const(p, v);
        if (field_is_default(&t->fields[i], v)) continue;
        strbuf_add(p->b, is_first ? " {" : ", ");
        is_first = false;
        print_field(p, &t->fields[i], v);
    }
    if (!is_first) strbuf_addc(p->b, '}');
}

static void print_indent(printer *p) {
    for (uint32_t i = 0; i < p->indent; i++) strbuf_add(p->b, "  ");
}

static void print_body(printer *p, const region *r, const char *last);

const char *const contract_signs[N_CONTRACT_KINDS] = {"<=", "==", "~", "~>", "~="};

static void print_contracts(printer *p, region_id id, const char *lead) {
    for (uint32_t i = 0; i < p->g->contracts.n; i++) {
        const contract *k = &p->g->contracts.at[i];
        if (k->region != id) continue;
        strbuf_printf(p->b, "%srequire ", lead);
        dim_print(p->b, p->g->dims, k->lhs);
        strbuf_printf(p->b, " %s ", contract_signs[k->kind]);
        dim_print(p->b, p->g->dims, k->rhs);
        strbuf_addc(p->b, ' ');
        text_quote(p->b, k->text ? k->text : "");
        lead = ", ";
    }
}

static void print_region(printer *p, region_id id) {
    const region *r = &p->g->regions.at[id];
    strbuf_add(p->b, " region(");
    for (uint32_t i = 0; i < r->params.n; i++) {
        strbuf_printf(p->b, "%s%s: ", i ? ", " : "", value_text(p, r->params.at[i]));
        print_type(p, graph_type(p->g, r->params.at[i]));
    }
    strbuf_addc(p->b, ')');
    print_contracts(p, id, " where ");
    strbuf_add(p->b, " {\n");
    print_body(p, r, "yield");
    print_indent(p);
    strbuf_addc(p->b, '}');
}

static void print_values(printer *p, uint32_t n, const value_id *v) {
    for (uint32_t i = 0; i < n; i++) strbuf_printf(p->b, "%s%s", i ? ", " : " ", value_text(p, v[i]));
}

static void print_operation(printer *p, const node *n) {
    for (uint32_t i = 0; i < n->n_out; i++) strbuf_printf(p->b, "%s%s", i ? ", " : "", value_text(p, n->out + i));
    strbuf_printf(p->b, "%s%s", n->n_out ? " = " : "", op_name(n->op));
    print_values(p, n->n_in, n->in);
    print_attrs(p, n);
}

static void print_result_types(printer *p, const node *n) {
    for (uint32_t i = 0; i < n->n_out; i++) {
        strbuf_add(p->b, i ? ", " : " : ");
        print_type(p, graph_type(p->g, n->out + i));
    }
}

static void print_node(printer *p, const node *n) {
    print_indent(p);
    print_operation(p, n);
    for (uint32_t i = 0; i < n->n_regions; i++) print_region(p, n->regions[i]);
    print_result_types(p, n);
    const char *loc = p->g->locs.at[n->loc];
    if (loc[0]) {
        strbuf_add(p->b, " loc(");
        text_quote(p->b, loc);
        strbuf_addc(p->b, ')');
    }
    strbuf_addc(p->b, '\n');
}

static void print_body(printer *p, const region *r, const char *last) {
    p->indent++;
    for (uint32_t i = 0; i < r->nodes.n; i++) print_node(p, graph_node(p->g, r->nodes.at[i]));
    print_indent(p);
    strbuf_add(p->b, last);
    print_values(p, r->results.n, r->results.at);
    strbuf_addc(p->b, '\n');
    p->indent--;
}

/* --- which symbols the text has to declare --- */

static void mark_syms(const printer *p, dim d, bool *used) {
    sym_id s = SYM_NONE;
    if (d == DIM_BAD) return;
    if (dim_is_sym(p->g->dims, d, &s)) {
        used[s] = true;
        return;
    }
    if (dim_is_const(p->g->dims, d, NULL)) return;
    for (uint32_t i = 0; i < dim_n_args(p->g->dims, d); i++) mark_syms(p, dim_arg(p->g->dims, d, i), used);
}

static void mark_attr_syms(const printer *p, const node *n, bool *used) {
    const attr_type *t = op_info_of(n->op)->attrs;
    for (uint32_t i = 0; i < t->n_fields; i++) {
        if (t->fields[i].kind != FK_DIMS) continue;
        const dim_list *l = (const void *)((const char *)n->attrs + t->fields[i].offset);
        for (uint32_t k = 0; k < l->n; k++) mark_syms(p, l->at[k], used);
    }
}

static const bool *used_syms(const printer *p) {
    const graph *g = p->g;
    bool *used = ARENA_ARRAY(p->a, bool, dim_n_syms(g->dims) + 1);
    for (uint32_t i = 0; i < g->values.n; i++)
        for (uint32_t k = 0; k < g->values.at[i].type.rank; k++) mark_syms(p, g->values.at[i].type.shape[k], used);
    for (uint32_t i = 0; i < g->nodes.n; i++) mark_attr_syms(p, graph_node(g, i), used);
    for (uint32_t i = 0; i < g->contracts.n; i++) {
        mark_syms(p, g->contracts.at[i].lhs, used);
        mark_syms(p, g->contracts.at[i].rhs, used);
    }
    return used;
}

static void print_sym(printer *p, sym_id s) {
    dim_table *t = p->g->dims;
    const sym_info *info = dim_sym_info(t, s);
    dim_print(p->b, t, dim_of_sym(t, s));
    if (info->kind == SYM_HOST_ELEM && info->input < p->g->inputs.n) {
        value_id input = p->g->regions.at[0].params.at[info->input];
        strbuf_printf(p->b, " = %s[%u]", value_text(p, input), info->axis);
    }
    if (info->kind == SYM_RESULT) strbuf_add(p->b, " = result");
    strbuf_printf(p->b, " in %lld..%lld", (long long)info->lo, (long long)info->hi);
    if (info->hint) strbuf_printf(p->b, " @%lld", (long long)info->hint);
}

static void print_where(printer *p) {
    const bool *used = used_syms(p);
    const char *lead = " where ";
    for (sym_id s = 0; s < dim_n_syms(p->g->dims); s++) {
        if (!used[s]) continue;
        strbuf_add(p->b, lead);
        print_sym(p, s);
        lead = ", ";
    }
    print_contracts(p, 0, lead);
}

static void print_port(printer *p, const port *q, const tensor_type *t, const char *name) {
    strbuf_printf(p->b, "%s: ", name);
    print_type(p, t);
    if (q->is_host) strbuf_add(p->b, " host");
    if (q->state != UINT32_MAX) strbuf_printf(p->b, " state %u", q->state);
}

/* Prints g; names[v], all NULL at first, becomes the name by which v was printed. */
static void print_graph(strbuf *b, const graph *g, const char **names) {
    printer p = {.b = b, .g = g, .a = b->a, .names = names, .taken = {.a = b->a}};
    strbuf_add(b, "func @");
    print_name(b, g->name);
    strbuf_addc(b, '(');
    for (uint32_t i = 0; i < g->inputs.n; i++) {
        value_id v = g->regions.at[0].params.at[i];
        if (i) strbuf_add(b, ", ");
        print_port(&p, &g->inputs.at[i], graph_type(g, v), value_text(&p, v));
    }
    strbuf_add(b, ") -> (");
    for (uint32_t i = 0; i < g->outputs.n; i++) {
        strbuf name = {.a = p.a};
        strbuf_addc(&name, '%');
        print_name(&name, g->outputs.at[i].name);
        if (i) strbuf_add(b, ", ");
        print_port(&p, &g->outputs.at[i], graph_type(g, g->regions.at[0].results.at[i]), strbuf_text(&name));
    }
    strbuf_addc(b, ')');
    print_where(&p);
    strbuf_add(b, " {\n");
    print_body(&p, &g->regions.at[0], "return");
    strbuf_add(b, "}\n");
}

void graph_print(strbuf *b, const graph *g) { print_graph(b, g, ARENA_ARRAY(b->a, const char *, g->values.n + 1)); }

const char *const *graph_print_names(arena *a, const graph *g) {
    strbuf unused = {.a = a};
    const char **names = ARENA_ARRAY(a, const char *, g->values.n + 1);
    print_graph(&unused, g, names);
    return names;
}

void graph_print_node(strbuf *b, const graph *g, const char *const *names, const node *n) {
    printer p = {.b = b, .g = g, .a = b->a, .names = (const char **)(uintptr_t)names};
    print_operation(&p, n);
    print_result_types(&p, n);
}
