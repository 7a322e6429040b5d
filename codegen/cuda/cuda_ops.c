/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Elementwise core operators as C++ text: a row for each CORE_EW row of ops.def, bound by name in the table below, and
 * the conversions between types. Functions that rows name and C++ lacks are pieces of cuda_prelude.c. */
#include <string.h>

#include "codegen/cuda/cuda_emit.h"

/* --- types --- */

static bool is_wrapping_int(dtype dt) { return dt == FRIT_DT_I32 || dt == FRIT_DT_I64; }
static bool is_small_float(dtype dt) { return dtype_is_float(dt) && dtype_bits(dt) == 8; }

static ctext round_small(cemit *e, dtype dt, ctext x, bool saturate) {
    return cuda_primary(
        arena_printf(e->a, "%s_to_float(%s)", dtype_name(dt), cuda_small_code(e, dt, x, saturate).text));
}

/* After an operator on a narrow type: its value range again. */
static ctext narrowed(cemit *e, dtype dt, ctext x) {
    if (is_small_float(dt)) return round_small(e, dt, x, true);
    if (dtype_is_integer(dt) && dtype_bits(dt) < 8) return cuda_low_bits(e, dt, x);
    if (dt == FRIT_DT_F16) return cuda_primary(arena_printf(e->a, "round_f16(%s)", x.text));
    if (dt == FRIT_DT_BF16) return cuda_primary(arena_printf(e->a, "round_bf16(%s)", x.text));
    bool is_narrow = dtype_is_integer(dt) && dtype_bits(dt) < 32;
    if (!is_narrow) return x;
    return (ctext){arena_printf(e->a, "(%s)%s", cuda_storage_type(dt), cuda_paren(e, x, CP_UNARY)), CP_UNARY};
}

/* --- conversions --- */

static ctext cast_float_to_int(cemit *e, dtype to, ctext x) {
    unsigned bits = dtype_bits(to);
    bool is_unsigned = dtype_kind_of(to) == DTYPE_UINT;
    scalar low = {.i = is_unsigned ? 0 : INT64_MIN >> (64 - bits)};
    scalar high = {.u = is_unsigned ? UINT64_MAX >> (64 - bits) : UINT64_MAX >> 1 >> (64 - bits)};
    return cuda_primary(arena_printf(e->a, "to_integer<%s>(%s, %s, %s)", cuda_value_type(to), x.text,
                                     cuda_number(e, to, low).text, cuda_number(e, to, high).text));
}

static ctext cast_text(cemit *e, dtype from, dtype to, ctext x, bool saturate) {
    bool to_float = dtype_is_float(to);
    if (is_small_float(to)) return round_small(e, to, x, saturate);
    if (to == FRIT_DT_BOOL) return (ctext){arena_printf(e->a, "%s != 0", cuda_paren(e, x, CP_RELATION)), CP_EQUAL};
    bool to_bits = !to_float && dtype_bits(to) < 8;
    if (dtype_is_float(from) && to_bits) return cuda_low_bits(e, to, cast_float_to_int(e, FRIT_DT_I32, x));
    if (dtype_is_float(from) && !to_float) return cast_float_to_int(e, to, x);
    if (to_bits) return cuda_low_bits(e, to, x);
    if (to_float && strcmp(cuda_value_type(from), cuda_value_type(to)) != 0)
        x = (ctext){arena_printf(e->a, "(%s)%s", cuda_value_type(to), cuda_paren(e, x, CP_UNARY)), CP_UNARY};
    bool is_widening = dtype_is_float(from) && dtype_bits(from) <= 16;
    if (to_float) return is_widening && dtype_bits(to) > 16 ? x : narrowed(e, to, x);
    return (ctext){arena_printf(e->a, "(%s)%s", cuda_storage_type(to), cuda_paren(e, x, CP_UNARY)), CP_UNARY};
}

/* The same bits as another dtype of that width. */
static ctext bitcast_text(cemit *e, dtype from, dtype to, ctext x) {
    const char *bits = cuda_stored(e, from, x);
    if (from == FRIT_DT_F32) bits = arena_printf(e->a, "bits_of(%s)", x.text);
    if (from == FRIT_DT_F64) bits = arena_printf(e->a, "double_bits(%s)", x.text);
    if (to == FRIT_DT_F32) return cuda_primary(arena_printf(e->a, "float_of(%s)", bits));
    if (to == FRIT_DT_F64) return cuda_primary(arena_printf(e->a, "double_of(%s)", bits));
    if (dtype_is_float(to)) return cuda_loaded(e, to, bits);
    return (ctext){arena_printf(e->a, "(%s)(%s)", cuda_storage_type(to), bits), CP_UNARY};
}

/* --- operators with a text of their own --- */

/* "<int>" where the operands of a template may have been promoted differently. */
static const char *template_type(cemit *e, dtype dt) {
    bool is_narrow = dtype_is_integer(dt) && dtype_bits(dt) < 32;
    return is_narrow ? arena_printf(e->a, "<%s>", cuda_value_type(dt)) : "";
}

static ctext prefixed(cemit *e, const char *sign, ctext x) {
    return (ctext){arena_printf(e->a, "%s%s", sign, cuda_paren(e, x, CP_PRIMARY)), CP_UNARY};
}
static ctext write_minus(cemit *e, dtype dt, const ctext *x) {
    if (!is_wrapping_int(dt)) return prefixed(e, "-", x[0]);
    return cuda_primary(arena_printf(e->a, "wrap_sub(%s, %s)", cuda_number(e, dt, (scalar){0}).text, x[0].text));
}
static ctext write_int_abs(cemit *e, dtype dt, const ctext *x) {
    return (ctext){arena_printf(e->a, "%s < 0 ? %s : %s", cuda_paren(e, x[0], CP_RELATION + 1),
                                write_minus(e, dt, x).text, x[0].text),
                   CP_TERNARY};
}
static ctext write_flip(cemit *e, dtype dt, const ctext *x) {
    return prefixed(e, dt == FRIT_DT_BOOL ? "!" : "~", x[0]);
}
static ctext write_isnan(cemit *e, dtype dt, const ctext *x) {
    (void)dt;
    return cuda_infix(e, x[0], "!=", x[0], CP_EQUAL);
}
static ctext write_popcount(cemit *e, dtype dt, const ctext *x) {
    unsigned bits = dtype_bits(dt);
    if (bits == 64) return cuda_primary(arena_printf(e->a, "popcount(%s)", x[0].text));
    return cuda_primary(arena_printf(e->a, "popcount((unsigned)%s & 0x%llxu)", cuda_paren(e, x[0], CP_UNARY),
                                     (unsigned long long)(UINT64_MAX >> (64 - bits))));
}
static ctext write_shift(cemit *e, const char *function, dtype dt, const ctext *x) {
    return cuda_primary(
        arena_printf(e->a, "%s%s(%s, %s, %u)", function, template_type(e, dt), x[0].text, x[1].text, dtype_bits(dt)));
}
static ctext write_shl(cemit *e, dtype dt, const ctext *x) { return write_shift(e, "shift_left", dt, x); }
static ctext write_shr(cemit *e, dtype dt, const ctext *x) { return write_shift(e, "shift_right", dt, x); }
static ctext write_select(cemit *e, dtype dt, const ctext *x) {
    (void)dt;
    return (ctext){arena_printf(e->a, "%s ? %s : %s", cuda_paren(e, x[0], CP_TERNARY + 1),
                                cuda_paren(e, x[1], CP_TERNARY + 1), cuda_paren(e, x[2], CP_TERNARY + 1)),
                   CP_TERNARY};
}

/* --- the table --- */

enum form_kind {
    FORM_NONE,     /* the operator does not take these types */
    FORM_INFIX,    /* x + y */
    FORM_WRAPPING, /* x + y; for int and long long, whose overflow C++ leaves undefined, call(x, y) */
    FORM_CALL,     /* text(x, ..), of the prelude, for every type */
    FORM_LIBM,     /* text(x, ..) for double, textf(x, ..) for float */
    FORM_OWN       /* what `write` makes of it */
};
typedef struct op_form {
    enum form_kind kind;
    int prec; /* INFIX, WRAPPING */
    const char *text, *call;
    ctext (*write)(cemit *e, dtype dt, const ctext *x);
} op_form;
/* How an operator is written for floats, integers and bool. */
typedef struct op_row {
    op_form real, integer, boolean;
} op_row;

#define NONE                                                                                                           \
    { .kind = FORM_NONE }
#define INFIX(strength, sign)                                                                                          \
    { .kind = FORM_INFIX, .prec = strength, .text = sign }
#define WRAPS(strength, sign, fn)                                                                                      \
    { .kind = FORM_WRAPPING, .prec = strength, .text = sign, .call = fn }
#define CALL(fn)                                                                                                       \
    { .kind = FORM_CALL, .text = fn }
#define LIBM(fn)                                                                                                       \
    { .kind = FORM_LIBM, .text = fn }
#define OWN(fn)                                                                                                        \
    { .kind = FORM_OWN, .write = fn }
#define ROW(name, real, integer, boolean) static const op_row row_##name = {real, integer, boolean};
#define COMPARISON(name, strength, sign)  ROW(name, INFIX(strength, sign), INFIX(strength, sign), INFIX(strength, sign))

/* clang-format off */
/*  operator   floats                  integers                          bool */
ROW(neg,       OWN(write_minus),       OWN(write_minus),                 NONE)
ROW(abs,       LIBM("fabs"),           OWN(write_int_abs),               NONE)
ROW(sign,      CALL("sign_of"),        CALL("sign_of"),                  NONE)
ROW(sqrt,      LIBM("sqrt"),           NONE,                             NONE)
ROW(exp,       LIBM("exp"),            NONE,                             NONE)
ROW(expm1,     LIBM("expm1"),          NONE,                             NONE)
ROW(log,       LIBM("log"),            NONE,                             NONE)
ROW(log1p,     LIBM("log1p"),          NONE,                             NONE)
ROW(sin,       LIBM("sin"),            NONE,                             NONE)
ROW(cos,       LIBM("cos"),            NONE,                             NONE)
ROW(atan,      LIBM("atan"),           NONE,                             NONE)
ROW(tanh,      LIBM("tanh"),           NONE,                             NONE)
ROW(erf,       LIBM("erf"),            NONE,                             NONE)
ROW(floor,     LIBM("floor"),          NONE,                             NONE)
ROW(ceil,      LIBM("ceil"),           NONE,                             NONE)
ROW(trunc,     LIBM("trunc"),          NONE,                             NONE)
ROW(round,     LIBM("rint"),           NONE,                             NONE)
ROW(not,       NONE,                   OWN(write_flip),                  OWN(write_flip))
ROW(isnan,     OWN(write_isnan),       NONE,                             NONE)
ROW(isinf,     CALL("is_inf"),         NONE,                             NONE)
ROW(popcount,  NONE,                   OWN(write_popcount),              NONE)
ROW(add,       INFIX(CP_ADD, "+"),     WRAPS(CP_ADD, "+", "wrap_add"),   NONE)
ROW(sub,       INFIX(CP_ADD, "-"),     WRAPS(CP_ADD, "-", "wrap_sub"),   NONE)
ROW(mul,       INFIX(CP_MUL, "*"),     WRAPS(CP_MUL, "*", "wrap_mul"),   NONE)
ROW(div,       INFIX(CP_MUL, "/"),     CALL("divide"),                   NONE)
ROW(mod,       CALL("float_modulo"),   CALL("modulo"),                   NONE)
ROW(rem,       LIBM("fmod"),           CALL("remainder_of"),             NONE)
ROW(pow,       LIBM("pow"),            CALL("int_pow"),                  NONE)
ROW(atan2,     LIBM("atan2"),          NONE,                             NONE)
ROW(hypot,     LIBM("hypot"),          NONE,                             NONE)
ROW(min,       CALL("minimum"),        CALL("minimum"),                  INFIX(CP_AND, "&&"))
ROW(max,       CALL("maximum"),        CALL("maximum"),                  INFIX(CP_OR, "||"))
ROW(and,       NONE,                   INFIX(CP_BITAND, "&"),            INFIX(CP_AND, "&&"))
ROW(or,        NONE,                   INFIX(CP_BITOR, "|"),             INFIX(CP_OR, "||"))
ROW(xor,       NONE,                   INFIX(CP_BITXOR, "^"),            INFIX(CP_EQUAL, "!="))
ROW(shl,       NONE,                   OWN(write_shl),                   NONE)
ROW(shr,       NONE,                   OWN(write_shr),                   NONE)
COMPARISON(eq, CP_EQUAL, "==")
COMPARISON(ne, CP_EQUAL, "!=")
COMPARISON(lt, CP_RELATION, "<")
COMPARISON(le, CP_RELATION, "<=")
COMPARISON(gt, CP_RELATION, ">")
COMPARISON(ge, CP_RELATION, ">=")
ROW(select,    OWN(write_select),      OWN(write_select),                OWN(write_select))
ROW(fma,       LIBM("fma"),            NONE,                             NONE)
/* clang-format on */

/* A core operator without a row above does not compile. */
static const op_row *const rows[N_OPS] = {
#define OP(...)
#define CORE_EW(name, ...) [OP_##name] = &row_##name,
#include "ir/ops.def"
#undef OP
};

static bool is_called_by(const op_form *f, const char *name) {
    if (f->kind == FORM_WRAPPING) return !strcmp(f->call, name);
    if (f->kind != FORM_CALL && f->kind != FORM_LIBM) return false;
    size_t n = strlen(f->text);
    return !strncmp(f->text, name, n) && (!name[n] || (f->kind == FORM_LIBM && !strcmp(name + n, "f")));
}

bool cuda_is_function(const char *name) {
    for (size_t i = 0; i < N_OPS; i++) {
        const op_row *r = rows[i];
        if (r && (is_called_by(&r->real, name) || is_called_by(&r->integer, name) || is_called_by(&r->boolean, name)))
            return true;
    }
    return false;
}

static ctext call(cemit *e, const char *function, const char *suffix, uint32_t n, const ctext *x) {
    const char *s = x[0].text;
    for (uint32_t i = 1; i < n; i++) s = arena_printf(e->a, "%s, %s", s, x[i].text);
    return cuda_primary(arena_printf(e->a, "%s%s(%s)", function, suffix, s));
}

static ctext form_text(cemit *e, const op_form *f, op_code op, dtype dt, const ctext *x) {
    uint32_t n = op_info_of(op)->n_in_min;
    switch (f->kind) {
    case FORM_WRAPPING:
        if (is_wrapping_int(dt)) return call(e, f->call, "", n, x);
        return cuda_infix(e, x[0], f->text, x[1], f->prec);
    case FORM_INFIX:
        return cuda_infix(e, x[0], f->text, x[1], f->prec);
    case FORM_CALL:
        return call(e, f->text, template_type(e, dt), n, x);
    case FORM_LIBM:
        return call(e, f->text, dt == FRIT_DT_F64 ? "" : "f", n, x);
    case FORM_OWN:
        return f->write(e, dt, x);
    case FORM_NONE:
        break;
    }
    cuda_unsupported(e, arena_printf(e->a, "%s of %s", op_name(op), dtype_name(dt)));
    return cuda_primary("0");
}

ctext cuda_op(cemit *e, op_code op, const void *attrs, dtype from, dtype to, const ctext *args) {
    const attr_cast *cast = attrs;
    if (op == OP_cast) return cast_text(e, from, to, args[0], !cast || cast->saturate);
    if (op == OP_bitcast) return bitcast_text(e, from, to, args[0]);
    ASSERT(rows[op]);
    const op_row *r = rows[op];
    const op_form *form = from == FRIT_DT_BOOL ? &r->boolean : dtype_is_float(from) ? &r->real : &r->integer;
    ctext x = form_text(e, form, op, from, args);
    bool keeps_range = op == OP_select || op_is(op, OPF_CMP) || op == OP_min || op == OP_max;
    return keeps_range ? x : narrowed(e, to, x);
}
