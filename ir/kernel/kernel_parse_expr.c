/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reads expressions of the text form of kernels: precedence climbing over the rows of kernel_text.h. */
#include "ir/kernel/kernel_parse.h"

#include <string.h>

static frit_status parse_prec(kparser *p, int prec, kx *out);

frit_status kparse_expr(kparser *p, kx *out) { return parse_prec(p, PREC_TERNARY, out); }

frit_status kparse_bool(kparser *p, kx *out) {
    TRY(kparse_expr(p, out));
    if (kx_dtype(p->k, *out) != FRIT_DT_BOOL) return kparse_fail(p, "a condition must be a bool");
    return FRIT_OK;
}

/* Builds an operator after checking that the operands suit it. */
static frit_status make_op(kparser *p, op_code op, uint32_t n, const kx *args, kx *out) {
    const op_info *info = op_info_of(op);
    if (!op_is(op, OPF_EW | OPF_CORE) || n > 3 || n != info->n_in_min)
        return kparse_fail(p, "%s does not take %u operands in a kernel", info->name, n);
    uint32_t first = op == OP_select;
    if (first && kx_dtype(p->k, args[0]) != FRIT_DT_BOOL) return kparse_fail(p, "select: the condition must be a bool");
    for (uint32_t i = first; i < n; i++)
        if (kx_dtype(p->k, args[i]) != kx_dtype(p->k, args[n - 1]))
            return kparse_fail(p, "%s: operands are %s and %s", info->name, dtype_name(kx_dtype(p->k, args[i])),
                               dtype_name(kx_dtype(p->k, args[n - 1])));
    dtype dt = kx_dtype(p->k, args[n - 1]);
    if (op_is(op, OPF_FLT) && !dtype_is_float(dt)) return kparse_fail(p, "%s takes floats", info->name);
    if (op_is(op, OPF_INTG) && !dtype_is_integer(dt)) return kparse_fail(p, "%s takes integers", info->name);
    if (op_is(op, OPF_LOGIC) && dtype_is_float(dt)) return kparse_fail(p, "%s takes bools or integers", info->name);
    *out = kx_op(p->k, op, n, args);
    return FRIT_OK;
}

/* --- primaries --- */

/* A number as written: digits, point, exponent, or inf and nan; sign already taken. */
static frit_status parse_number(kparser *p, bool is_negative, kx *out) {
    const char *from = p->at;
    bool is_word = kparse_word(p, "inf") || kparse_word(p, "nan");
    bool is_float = is_word;
    while (!is_word) {
        char ch = *p->at;
        bool is_exponent = (ch == 'e' || ch == 'E') && p->at > from;
        bool is_sign = (ch == '-' || ch == '+') && p->at > from && (p->at[-1] == 'e' || p->at[-1] == 'E');
        if (!(ch >= '0' && ch <= '9') && ch != '.' && !is_exponent && !is_sign) break;
        is_float |= ch == '.' || is_exponent;
        p->at++;
    }
    char *text = arena_printf(p->c->scratch, "%s%.*s", is_negative ? "-" : "", (int)(p->at - from), from);
    dtype dt = is_float ? FRIT_DT_F32 : FRIT_DT_I64;
    if (p->at[0] == ':' && p->at[1] >= 'a' && p->at[1] <= 'z') {
        p->at++;
        TRY(kparse_dtype(p, &dt));
    }
    double f = 0;
    int64_t i = 0;
    if (dtype_is_float(dt) ? !str_parse_f64(text, &f) : !str_parse_i64(text, &i) && !str_parse_f64(text, &f))
        return kparse_fail(p, "'%s' is no number", text);
    if (dtype_is_float(dt) || i == 0)
        *out = kx_number(p->k, dt, f);
    else
        *out = kx_const(p->k, dt, dtype_convert(FRIT_DT_I64, dt, (scalar){.i = i}, true));
    return FRIT_OK;
}

static frit_status parse_temp(kparser *p, kx *out) {
    uint32_t number;
    TRY(kparse_expect(p, "$"));
    TRY(kparse_u32(p, &number));
    if (number == 0 || number > p->temps.n) return kparse_fail(p, "$%u is not defined before this statement", number);
    *out = p->temps.at[number - 1];
    return FRIT_OK;
}

static frit_status parse_index(kparser *p, kx *out) {
    dim d;
    TRY(kparse_expect(p, "("));
    TRY(kparse_dim(p, &d));
    *out = kx_index(p->k, d);
    return kparse_expect(p, ")");
}

/* dtype "(" expr [", wrap"] ")" */
static frit_status parse_cast(kparser *p, dtype to, kx *out) {
    bool saturate = true;
    TRY(kparse_expect(p, "("));
    TRY(kparse_expr(p, out));
    if (kparse_take(p, ",")) {
        if (!kparse_word(p, "wrap")) return kparse_fail(p, "expected 'wrap'");
        saturate = false;
    }
    *out = kx_cast(p->k, *out, to, saturate);
    return kparse_expect(p, ")");
}

static frit_status parse_bitcast(kparser *p, kx *out) {
    dtype to;
    TRY(kparse_expect(p, "<"));
    TRY(kparse_dtype(p, &to));
    TRY(kparse_expect(p, ">"));
    TRY(kparse_expect(p, "("));
    TRY(kparse_expr(p, out));
    if (dtype_bits(to) != dtype_bits(kx_dtype(p->k, *out))) return kparse_fail(p, "bitcast between different widths");
    *out = kx_bitcast(p->k, *out, to);
    return kparse_expect(p, ")");
}

static frit_status parse_call(kparser *p, op_code op, kx *out) {
    kx args[3];
    uint32_t n = 0;
    TRY(kparse_expect(p, "("));
    do {
        if (n == 3) return kparse_fail(p, "%s: too many operands", op_name(op));
        TRY(kparse_expr(p, &args[n++]));
    } while (kparse_take(p, ","));
    TRY(kparse_expect(p, ")"));
    if (op == OP_cast || op == OP_bitcast)
        return kparse_fail(p, "write a cast as f32(x), a bitcast as bitcast<f32>(x)");
    return make_op(p, op, n, args, out);
}

/* "[d, ... [if pred else fill] ]" of buffer b. */
static frit_status parse_load(kparser *p, buf_id b, kx *out) {
    dim at[KPARSE_MAX_RANK];
    kx pred = 0, fill = 0;
    TRY(kparse_expect(p, "["));
    TRY(kparse_dims(p, p->k->bufs.at[b].rank, at));
    if (kparse_word(p, "if")) {
        TRY(kparse_bool(p, &pred));
        if (!kparse_word(p, "else")) return kparse_fail(p, "expected 'else' and a fill value");
        TRY(kparse_expr(p, &fill));
        if (kx_dtype(p->k, fill) != p->k->bufs.at[b].dt) return kparse_fail(p, "the fill value has another dtype");
    }
    *out = kx_load(p->k, b, at, pred, fill);
    return kparse_expect(p, "]");
}

static frit_status parse_component(kparser *p, uint32_t n, uint32_t *out) {
    *out = 0;
    if (*p->at != '.') return FRIT_OK;
    p->at++;
    TRY(kparse_u32(p, out));
    return *out < n ? FRIT_OK : kparse_fail(p, "there is no component %u", *out);
}

static frit_status parse_def_ref(kparser *p, def_id d, kx *out) {
    dim at[KPARSE_MAX_RANK];
    uint32_t component;
    TRY(parse_component(p, p->k->defs.at[d].n_values, &component));
    TRY(kparse_expect(p, "["));
    TRY(kparse_dims(p, p->k->defs.at[d].n_axes, at));
    *out = kx_def(p->k, d, component, at);
    return kparse_expect(p, "]");
}

/* "[" or ".N[" comes next: a definition or a buffer, no scalar. */
static bool has_bracket(const kparser *p) {
    const char *s = p->at + (*p->at == '.');
    while (s > p->at && *s >= '0' && *s <= '9') s++;
    return *s == '[';
}

static frit_status parse_named(kparser *p, const char *name, kx *out) {
    uint32_t id, component;
    dtype dt;
    op_code op;
    if (has_bracket(p)) {
        if (kparse_find_def(p, name, &id)) return parse_def_ref(p, id, out);
        if (kparse_find_buffer(p, name, &id)) return parse_load(p, id, out);
    }
    if (kparse_peek(p, "(") && dtype_parse(name, &dt)) return parse_cast(p, dt, out);
    if (kparse_peek(p, "(") && op_parse(name, &op)) return parse_call(p, op, out);
    if (kparse_find_acc(p, name, &id)) {
        TRY(parse_component(p, combiner_info_of(p->k->accs.at[id].comb)->n, &component));
        *out = kx_acc(p->k, id, component);
        return FRIT_OK;
    }
    if (kparse_find_let(p, name, &id)) {
        *out = kx_let(p->k, id);
        return FRIT_OK;
    }
    return kparse_fail(p, "'%s' is not defined here", name);
}

static frit_status parse_explicit_load(kparser *p, kx *out) {
    const char *name;
    buf_id b;
    TRY(kparse_expect(p, "("));
    TRY(kparse_name(p, &name));
    TRY(kparse_expect(p, ")"));
    if (!kparse_find_buffer(p, name, &b)) return kparse_fail(p, "there is no buffer '%s'", name);
    return parse_load(p, b, out);
}

static frit_status parse_primary(kparser *p, kx *out) {
    kparse_space(p);
    if (kparse_take(p, "(")) {
        TRY(kparse_expr(p, out));
        return kparse_expect(p, ")");
    }
    if (*p->at == '$') return parse_temp(p, out);
    if (*p->at >= '0' && *p->at <= '9') return parse_number(p, false, out);
    const char *before = p->at;
    const char *name;
    TRY(kparse_name(p, &name));
    if (!strcmp(name, "true") || !strcmp(name, "false")) {
        *out = kx_const(p->k, FRIT_DT_BOOL, (scalar){.i = name[0] == 't'});
        return FRIT_OK;
    }
    if (!strcmp(name, "inf") || !strcmp(name, "nan")) {
        p->at = before;
        return parse_number(p, false, out);
    }
    if (!strcmp(name, "index")) return parse_index(p, out);
    if (!strcmp(name, "bitcast") && kparse_peek(p, "<")) return parse_bitcast(p, out);
    if (!strcmp(name, "load") && kparse_peek(p, "(")) return parse_explicit_load(p, out);
    return parse_named(p, name, out);
}

static frit_status parse_unary(kparser *p, kx *out) {
    kparse_space(p);
    char next = p->at[0] ? p->at[1] : 0;
    bool is_number = (next >= '0' && next <= '9') || !strncmp(p->at + (*p->at != 0), "inf", 3);
    if (*p->at == '-' && is_number) {
        p->at++;
        return parse_number(p, true, out);
    }
    if (*p->at != '-' && !(*p->at == '!' && next != '=')) return parse_primary(p, out);
    op_code op = *p->at == '-' ? OP_neg : OP_not;
    p->at++;
    TRY(parse_primary(p, out));
    return make_op(p, op, 1, out, out);
}

static const kinfix *peek_infix(kparser *p) {
    kparse_space(p);
    for (size_t i = 0; i < countof(kinfix_rows); i++)
        if (!strncmp(p->at, kinfix_rows[i].text, strlen(kinfix_rows[i].text))) return &kinfix_rows[i];
    return NULL;
}

/* c ? a : b, the condition read. */
static frit_status parse_ternary(kparser *p, kx *out) {
    kx args[3] = {*out};
    TRY(parse_prec(p, PREC_TERNARY + 1, &args[1]));
    TRY(kparse_expect(p, ":"));
    TRY(parse_prec(p, PREC_TERNARY, &args[2]));
    return make_op(p, OP_select, 3, args, out);
}

static frit_status parse_prec(kparser *p, int prec, kx *out) {
    if (++p->depth > KPARSE_MAX_DEPTH) return kparse_fail(p, "nested too deep");
    TRY(parse_unary(p, out));
    for (const kinfix *infix; (infix = peek_infix(p)) && infix->prec >= prec;) {
        kx args[2] = {*out};
        p->at += strlen(infix->text);
        TRY(parse_prec(p, infix->prec + 1, &args[1]));
        TRY(make_op(p, infix->op, 2, args, out));
    }
    p->depth--;
    if (prec == PREC_TERNARY && kparse_take(p, "?")) return parse_ternary(p, out);
    return FRIT_OK;
}

/* "(v0, v1)" or "v0": n values. */
frit_status kparse_values(kparser *p, uint32_t n, kx *out) {
    if (n > 1) TRY(kparse_expect(p, "("));
    for (uint32_t i = 0; i < n; i++) {
        if (i) TRY(kparse_expect(p, ","));
        TRY(kparse_expr(p, &out[i]));
    }
    return n > 1 ? kparse_expect(p, ")") : FRIT_OK;
}

/* "$n = expr" lines; they are numbered from 1 in each statement. */
frit_status kparse_temps(kparser *p) {
    p->temps.n = 0;
    while (kparse_take(p, "$")) {
        uint32_t number = 0;
        kx x;
        TRY(kparse_u32(p, &number));
        if (number != p->temps.n + 1) return kparse_fail(p, "expected $%u", p->temps.n + 1);
        TRY(kparse_expect(p, "="));
        TRY(kparse_expr(p, &x));
        vec_push(p->c->scratch, p->temps, x);
    }
    return FRIT_OK;
}
