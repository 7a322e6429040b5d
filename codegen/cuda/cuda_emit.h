/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Inside the CUDA emitter: state of one function's text, shared by cuda_words.c (types, numbers), cuda_expr.c (names,
 * dims, expressions), cuda_ops.c (operators), cuda_reduce.c (accumulators), cuda_facts.c (facts about a tree),
 * cuda_stmt.c (statements) and cuda_text.c (functions). */
#ifndef FRIT_CODEGEN_CUDA_EMIT_H
#define FRIT_CODEGEN_CUDA_EMIT_H

#include "codegen/cuda/cuda.h"
#include "ir/op/scalar.h"

/* Binding strength of C++ operators, weakest first. */
enum cprec {
    CP_TERNARY = 1,
    CP_OR,
    CP_AND,
    CP_BITOR,
    CP_BITXOR,
    CP_BITAND,
    CP_EQUAL,
    CP_RELATION,
    CP_SHIFT,
    CP_ADD,
    CP_MUL,
    CP_UNARY,
    CP_PRIMARY
};

/* An expression as text, and how strongly it holds together. */
typedef struct ctext {
    const char *text;
    int prec;
} ctext;

typedef struct cemit {
    cx *c;
    const kernel *k;
    arena *a;
    strbuf *b;         /* the function at hand */
    strbuf *functions; /* combiners and reductions that stand before it */
    map made;          /* their names */
    int indent;
    const char **sym_name; /* by symbol: its name where it is in scope */
    const char **buf_name, **acc_name, **let_name;
    uint8_t *acc_done;       /* by acc_id: combined over the threads */
    map taken;               /* names in use: value 0 means free again */
    VEC(const char *) names; /* taken in the open scopes, innermost last */
    map temps;               /* expression -> index in temp_names, of the statement at hand */
    VEC(const char *) temp_names;
    VEC(sym_id) loaded; /* loaded indices that are declared in an open scope */
    bool is_wide;       /* index_t is long long, else int */
    bool has_threads;   /* a block for each item, else a thread for each item */
    uint32_t threads;
    uint32_t inner_lanes;    /* threads that one value of the thread loop around stands for; threads outside of any */
    uint32_t n_thread_loops; /* around */
    bool is_shared_dynamic;
} cemit;

/* cuda_words.c */
const char *cuda_value_type(dtype dt);   /* of variables: "float" for f32 and narrower floats */
const char *cuda_storage_type(dtype dt); /* of memory, NULL when it has none */
bool cuda_is_supported(dtype dt);
ctext cuda_number(cemit *e, dtype dt, scalar v);
ctext cuda_primary(const char *text); /* a name, number or call */
ctext cuda_infix(cemit *e, ctext x, const char *sign, ctext y, int prec);
const char *cuda_paren(cemit *e, ctext x, int prec); /* in parentheses unless it holds at least like prec */
ctext cuda_small_code(cemit *e, dtype dt, ctext x, bool saturate); /* the 8-bit code of x in an 8-bit float type */
ctext cuda_low_bits(cemit *e, dtype dt, ctext x);         /* the low bits of an integer as one of fewer than 8 bits */
ctext cuda_loaded(cemit *e, dtype dt, const char *place); /* memory -> value */
const char *cuda_stored(cemit *e, dtype dt, ctext x);     /* value -> memory */
frit_status cuda_unsupported(cemit *e, const char *what);

/* cuda_ops.c */
/* An elementwise core operator on operands of type `from` (select: of the arms) with a result of type `to`. */
ctext cuda_op(cemit *e, op_code op, const void *attrs, dtype from, dtype to, const ctext *args);
bool cuda_is_function(const char *name); /* a row calls it: no name for a variable */

/* cuda_expr.c */
const char *cuda_name(cemit *e, const char *wanted); /* an identifier that is free here, now taken */
void cuda_free_name(cemit *e, const char *name);
bool cuda_is_foreign(const char *name); /* a word of C++, of CUDA, of the prelude, or a function that is called */
void cuda_line(cemit *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
ctext cuda_dim(cemit *e, dim d);
const char *cuda_dim_text(cemit *e, dim d);
ctext cuda_expr(cemit *e, kx x);
const char *cuda_expr_text(cemit *e, kx x);
const char *cuda_place(cemit *e, buf_id b, const dim *at); /* "x[C * r + c]" */
/* Declares what the roots need before their statement: loaded indices, and expressions that are used more than once. */
void cuda_prepare(cemit *e, uint32_t n, const kx *roots, uint32_t n_dims, const dim *dims);

/* cuda_reduce.c */
const char *cuda_acc_type(cemit *e, const kacc *acc); /* a value type or the struct of a tuple, made on first use */
void cuda_acc_declare(cemit *e, acc_id id);
void cuda_acc_update(cemit *e, acc_id id, const kx *values);
/* acc = its value over `lanes` consecutive threads, on all of them. */
frit_status cuda_acc_finish(cemit *e, acc_id id);

/* cuda_facts.c */
uint32_t cuda_nest_threads(const kstmt *s); /* the most threads that a nest of thread loops in the list stands for */
bool cuda_has_barrier(const kstmt *s);      /* the list */
bool cuda_reads_acc(cemit *e, const kstmt *s, acc_id id); /* the statement, or one in it */
bool cuda_updates_acc(const kstmt *s, acc_id id);         /* likewise */
bool cuda_has_small_indices(kernel *k);                   /* every index and its parts are below 2^31 for all dims */
bool cuda_has_dynamic_shared(const kernel *k);
bool cuda_has_threads(const kernel *k, uint32_t phase); /* a block for each item, else a thread */
bool cuda_is_lonely(const kernel *k, uint32_t phase);   /* one thread a block: its tiles exceed a thread's own memory */

/* cuda_stmt.c */
void cuda_bind_axis(cemit *e, sym_id axis); /* gives it a name, which is in scope until the list around ends */
dim cuda_extent(cemit *e, const kstmt *loop);
frit_status cuda_emit_list(cemit *e, const kstmt *first);

/* cuda_prelude.c: the pieces that text mentions, in order, each once */
bool cuda_mentions(const char *text, const char *name); /* as a whole word */
bool cuda_is_prelude_name(const char *name);
void cuda_prelude(strbuf *out, const char *text);

#endif
