/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Parser and walker of scalar templates. */
#include "ir/op/scalar.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define UNKNOWN (UINT32_MAX - 1) /* `like` of a constant that nothing has typed yet */

typedef struct template_parser {
    cx *c;
    const char *text, *at;
    const attr_type *attrs;
    scalar_expr *e;
    int depth;
} template_parser;

static frit_status parse_expr(template_parser *p, uint32_t *out);

static frit_status template_error(template_parser *p, const char *what) {
    return FAIL(p->c, FORMAT, p->text, "%s at '%.20s'", what, p->at);
}

static bool same(const scalar_node *a, const scalar_node *b) {
    return a->kind == b->kind && a->op == b->op && a->n_args == b->n_args &&
           memcmp(a->args, b->args, a->n_args * sizeof *a->args) == 0 && a->input == b->input &&
           memcmp(&a->value, &b->value, sizeof a->value) == 0 && a->attr == b->attr && a->like == b->like;
}

/* Constants and attributes are not shared: each takes the type of its own neighbours. */
static frit_status add_node(template_parser *p, scalar_node x, uint32_t *out) {
    bool shared = x.kind == SCALAR_OP || x.kind == SCALAR_INPUT;
    for (uint32_t i = 0; shared && i < p->e->n; i++)
        if (same(&p->e->nodes[i], &x)) return *out = i, FRIT_OK;
    if (p->e->n == SCALAR_MAX_NODES) return template_error(p, "the template is too long");
    *out = p->e->n;
    p->e->nodes[p->e->n++] = x;
    return FRIT_OK;
}

/* Gives the type `like` to a constant, or to a subtree of constants. */
static void set_like(scalar_expr *e, uint32_t i, uint32_t like) {
    scalar_node *x = &e->nodes[i];
    if (x->like != UNKNOWN) return;
    x->like = like;
    for (uint32_t k = 0; k < x->n_args; k++) set_like(e, x->args[k], like);
}

/* Operands (but a select's condition) share one type; so does the result unless the operator compares. */
static uint32_t type_operands(scalar_expr *e, const scalar_node *x) {
    uint32_t first = x->op == OP_select, like = UNKNOWN;
    for (uint32_t k = first; k < x->n_args && like == UNKNOWN; k++) like = e->nodes[x->args[k]].like;
    for (uint32_t k = first; k < x->n_args; k++) set_like(e, x->args[k], like);
    return op_is(x->op, OPF_CMP) ? SCALAR_BOOL : like;
}

static frit_status parse_call(template_parser *p, const char *name, uint32_t *out) {
    scalar_node x = {.kind = SCALAR_OP};
    if (!op_parse(name, &x.op) || !op_is(x.op, OPF_EW | OPF_CORE)) return template_error(p, "no such core operator");
    if (++p->depth > 32) return template_error(p, "nested too deep");
    for (p->at++;; p->at++) { /* past the parenthesis or comma */
        if (x.n_args == countof(x.args)) return template_error(p, "too many operands");
        TRY(parse_expr(p, &x.args[x.n_args++]));
        if (*p->at != ',') break;
    }
    if (*p->at != ')') return template_error(p, "expected , or )");
    p->at++, p->depth--;
    if (x.n_args != op_info_of(x.op)->n_in_min) return template_error(p, "wrong number of operands before");
    x.like = type_operands(p->e, &x);
    return add_node(p, x, out);
}

static bool input_number(const char *name, uint32_t *out) {
    static const char *const names[] = {"x", "y", "z"};
    for (uint32_t i = 0; i < countof(names); i++)
        if (strcmp(name, names[i]) == 0) return *out = i, true;
    bool tuple = (name[0] == 'a' || name[0] == 'b') && name[1] >= '0' && name[1] <= '2' && name[2] == 0;
    if (tuple) *out = (name[0] == 'b' ? 3 : 0) + (uint32_t)(name[1] - '0');
    return tuple;
}

static frit_status add_name(template_parser *p, const char *name, uint32_t *out) {
    for (uint32_t i = 0; p->attrs && i < p->attrs->n_fields; i++) {
        const attr_field *f = &p->attrs->fields[i];
        bool numeric = f->kind == FK_INT || f->kind == FK_F64 || f->kind == FK_BOOL;
        if (numeric && strcmp(f->name, name) == 0)
            return add_node(p, (scalar_node){.kind = SCALAR_ATTR, .attr = f, .like = UNKNOWN}, out);
    }
    uint32_t input;
    if (!input_number(name, &input)) return template_error(p, "unknown name before");
    return add_node(p, (scalar_node){.kind = SCALAR_INPUT, .input = input, .like = input}, out);
}

static frit_status parse_expr(template_parser *p, uint32_t *out) {
    while (*p->at == ' ') p->at++;
    frit_status status = FRIT_OK;
    if (isalpha((unsigned char)*p->at)) {
        char name[32];
        size_t n = 0;
        for (; isalnum((unsigned char)*p->at) || *p->at == '_'; p->at++)
            if (n + 1 < sizeof name) name[n++] = *p->at;
        name[n] = 0;
        status = *p->at == '(' ? parse_call(p, name, out) : add_name(p, name, out);
    } else {
        char *end;
        double v = strtod(p->at, &end);
        if (end == p->at) return template_error(p, "expected a number or name");
        p->at = end;
        status = add_node(p, (scalar_node){.kind = SCALAR_CONST, .value = v, .like = UNKNOWN}, out);
    }
    while (*p->at == ' ') p->at++;
    return status;
}

frit_status scalar_parse(cx *c, arena *a, const char *text, const attr_type *attrs, const scalar_expr **out) {
    scalar_expr *e = ARENA_NEW(a, scalar_expr);
    template_parser p = {.c = c, .text = text, .at = text, .attrs = attrs, .e = e};
    uint32_t root;
    TRY(parse_expr(&p, &root));
    if (*p.at) return template_error(&p, "unexpected text");
    if (root + 1 != e->n) { /* the whole is an input that occurred before */
        if (e->n == SCALAR_MAX_NODES) return template_error(&p, "the template is too long");
        e->nodes[e->n++] = e->nodes[root];
    }
    for (uint32_t i = 0; i < e->n; i++) set_like(e, i, 0);
    *out = e;
    return FRIT_OK;
}

/* A template of our own tables: an error in it is a bug of ours. */
static const scalar_expr *parse_own(arena *a, const char *text, const attr_type *attrs) {
    cx c = {.job = a, .scratch = a};
    const scalar_expr *e = NULL;
    frit_status status = scalar_parse(&c, a, text, attrs, &e);
    ASSERT(status == FRIT_OK);
    return e;
}

const scalar_expr *scalar_of_op(arena *a, op_code op) {
    const op_info *info = op_info_of(op);
    return *info->template_text ? parse_own(a, info->template_text, info->attrs) : NULL;
}

const scalar_expr *scalar_of_combiner(arena *a, combiner k, uint32_t component) {
    const combiner_info *info = combiner_info_of(k);
    ASSERT(component < info->n);
    return parse_own(a, info->combine[component], NULL);
}

static double attr_value(const attr_field *f, const void *attrs) {
    const char *at = (const char *)attrs + f->offset;
    if (f->kind == FK_INT) return (double)*(const int64_t *)(const void *)at;
    if (f->kind == FK_BOOL) return *(const bool *)(const void *)at;
    return *(const double *)(const void *)at;
}

uint32_t scalar_emit(const scalar_expr *e, const void *attrs, const uint32_t *inputs, const scalar_emitter *to) {
    uint32_t values[SCALAR_MAX_NODES], args[3] = {0};
    for (uint32_t i = 0; i < e->n; i++) {
        const scalar_node *x = &e->nodes[i];
        for (uint32_t k = 0; k < x->n_args; k++) args[k] = values[x->args[k]];
        switch (x->kind) {
        case SCALAR_INPUT:
            values[i] = inputs[x->input];
            break;
        case SCALAR_ATTR:
            values[i] = to->constant(to->data, attr_value(x->attr, attrs), x->like);
            break;
        case SCALAR_CONST:
            values[i] = to->constant(to->data, x->value, x->like);
            break;
        case SCALAR_OP:
            values[i] = to->op(to->data, x->op, x->n_args, args);
            break;
        }
    }
    return values[e->n - 1];
}
