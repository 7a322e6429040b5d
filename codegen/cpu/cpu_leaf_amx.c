/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The matrix leaf on the matrix unit (AMX), whose eight registers hold 16 rows of 64 bytes: one instruction adds the
 * product of two to a third. A register of b is 16 packs of k by 16 columns, just as packed panels hold them; a
 * register of a is 16 rows by 16 packs.
 *
 *   for whole registers of k, then one of the packs that are left
 *     for row blocks (32 rows, then 16, then what is left)
 *       [a's rows of the block side by side in a scratch, where taps let them lie anywhere]
 *       for column blocks (32, then 16): c registers = 0 or c; for k { c += a b }; c = c registers
 *
 * Rows and packs left over have the same code under another configuration, in which registers are smaller: nothing is
 * read that does not belong to the operands, of which only columns are padded. Changing the configuration takes as long
 * as thirteen steps, so it is set when a phase begins; only what is left over changes it, and changes it back. bf16: a
 * step is a sum of 32 products, added to c; sums of bytes are exact. So an output depends on k alone, and not on which
 * rows or columns stand beside it. */
#include "codegen/cpu/cpu_leaf.h"

enum { SIDE = 16, ROW_BYTES = 64, PACK_BYTES = 4, MOST_REGS = 2, C_REG = 0, A_REG = 4, B_REG = 6, N_REGS = 8 };
enum { AT_COLUMN_BYTES = 16, AT_ROWS = 48, MOST_GATHERED = 1024, FEW_ROWS = 4 };

typedef struct amx_leaf {
    const leaf *f;
    val rows, cols;   /* cols: rounded up to registers */
    int64_t reg_rows; /* of a whole register: fewer than SIDE where there never are more rows */
    val n_packs;      /* of all of k, taps included */
    val gathered;     /* a's rows of a block; NULL where they are read in place */
    val row_bytes;    /* from one row of a to the next */
    int64_t b_bytes;  /* from a pack of b to the next */
    int64_t element;  /* bytes of an element of a and b */
    uint32_t n_lines; /* of b's next block that a step of a row block fetches */
} amx_leaf;

/* A block of rows and a part of k under one configuration. */
typedef struct amx_part {
    val row, n_rows;  /* first row; rows of the block when they are not whole registers */
    uint32_t n_regs;  /* of rows */
    val first, steps; /* first pack; registers of k */
    val accumulate;   /* i1: c is added to */
} amx_part;

static val reg_number(emitter *e, uint32_t n) { return LLVMConstInt(e->i8, n, 0); }
static val is_more(emitter *e, val x, int64_t n) { return LLVMBuildICmp(e->b, LLVMIntSGT, x, number(e, n), ""); }
static bool is_none(val x) { return LLVMIsConstant(x) && LLVMConstIntGetSExtValue(x) <= 0; }

static val bytes_after(emitter *e, val address, val n) {
    return LLVMBuildInBoundsGEP2(e->b, e->i8, address, &n, 1, "");
}

/* Sets the shapes of all registers: rows of a and c, packs of k. Their contents are lost. */
static void configure(emitter *e, val rows, val packs) {
    LLVMTypeRef type = LLVMVectorType(e->i8, ROW_BYTES);
    val config = LLVMConstNull(type), n_rows = LLVMBuildTrunc(e->b, rows, e->i8, "");
    val n_packs = LLVMBuildTrunc(e->b, packs, e->i8, "");
    val a_bytes = LLVMBuildMul(e->b, n_packs, reg_number(e, PACK_BYTES), "");
    config = LLVMBuildInsertElement(e->b, config, reg_number(e, 1), const_int(e->i32, 0), "");
    for (uint32_t i = 0; i < N_REGS; i++) {
        bool is_a = i >= A_REG && i < B_REG;
        val width = is_a ? a_bytes : reg_number(e, ROW_BYTES), height = i >= B_REG ? n_packs : n_rows;
        config = LLVMBuildInsertElement(e->b, config, width, const_int(e->i32, AT_COLUMN_BYTES + 2 * i), "");
        config = LLVMBuildInsertElement(e->b, config, height, const_int(e->i32, AT_ROWS + i), "");
    }
    val slot = stack_slot(e, type);
    LLVMBuildStore(e->b, config, slot);
    leaf_call_x86(e, "llvm.x86.ldtilecfg", 1, &slot);
}

/* The configuration in which this leaf begins, set when the phase begins; returns whether it was that already. */
static bool begin_configured(emitter *e, int64_t wanted) {
    if (!e->amx_rows) {
        LLVMBuilderRef here = e->b;
        e->b = e->entry;
        configure(e, number(e, wanted), number(e, SIDE));
        e->b = here;
        e->amx_rows = wanted;
    }
    if (e->amx_rows == wanted) return true;
    configure(e, number(e, wanted), number(e, SIDE));
    return false;
}

void emit_amx_release(emitter *e) { leaf_call_x86(e, "llvm.x86.tilerelease", 0, NULL); }

static void load_reg(emitter *e, uint32_t reg, val address, val stride) {
    leaf_call_x86(e, "llvm.x86.tileloadd64", 3, (val[]){reg_number(e, reg), address, stride});
}

/* c += a b of registers r and c. */
static void multiply(emitter *e, const amx_leaf *t, uint32_t r, uint32_t c) {
    val args[3] = {reg_number(e, C_REG + MOST_REGS * r + c), reg_number(e, A_REG + r), reg_number(e, B_REG + c)};
    bool a_is_signed = e->k->bufs.at[t->f->a.buf].dt == FRIT_DT_I8;
    const char *name = t->f->k_pack == 2 ? "llvm.x86.tdpbf16ps" : a_is_signed ? "llvm.x86.tdpbsud" : "llvm.x86.tdpbusd";
    leaf_call_x86(e, name, 3, args);
}

/* Copies n bytes, whole lines by vectors. */
static void copy_row(emitter *e, val to, val from, val n) {
    if (!LLVMIsConstant(n)) {
        LLVMBuildMemCpy(e->b, to, 1, from, 1, n);
        return;
    }
    int64_t bytes = LLVMConstIntGetSExtValue(n), at = 0;
    LLVMTypeRef line = LLVMVectorType(e->i8, LINE_BYTES);
    for (; at + LINE_BYTES <= bytes; at += LINE_BYTES) {
        val v = LLVMBuildLoad2(e->b, line, bytes_after(e, from, number(e, at)), "");
        LLVMSetAlignment(v, 1);
        LLVMSetAlignment(LLVMBuildStore(e->b, v, bytes_after(e, to, number(e, at))), 1);
    }
    val to_end = bytes_after(e, to, number(e, at)), from_end = bytes_after(e, from, number(e, at));
    if (at < bytes) LLVMBuildMemCpy(e->b, to_end, 1, from_end, 1, number(e, bytes - at));
}

/* The rows of a block, the steps of one tap behind those of the last. */
static void gather(emitter *e, const amx_leaf *t, const amx_part *p) {
    const leaf *f = t->f;
    val of_tap = times(e, f->n_k, number(e, PACK_BYTES));
    val n_rows = p->n_rows ? p->n_rows : number(e, SIDE * p->n_regs);
    count_loop rows = loop_begin(e, e->zero, n_rows, number(e, 1));
    val row = bytes_after(e, t->gathered, times(e, rows.index, t->row_bytes));
    count_loop taps = loop_begin(e, e->zero, f->n_taps, number(e, 1));
    val from = leaf_a_address(e, f, plus(e, p->row, rows.index), taps.index);
    copy_row(e, bytes_after(e, row, times(e, taps.index, of_tap)), from, of_tap);
    loop_end(e, &taps);
    loop_end(e, &rows);
}

/* Brings this step's share of b's next block into L2. Never faults, so it may run over the end. */
static void prefetch_b(emitter *e, const amx_leaf *t, const amx_part *p, val b, val step, uint32_t n_columns) {
    int64_t of_step = (int64_t)SIDE * SIDE * PACK_BYTES * n_columns;
    int64_t share = LINE_BYTES * t->n_lines;
    val next = bytes_after(e, b, times(e, p->steps, number(e, SIDE * t->b_bytes)));
    val block = LLVMBuildUDiv(e->b, p->row, number(e, MOST_REGS * SIDE), "");
    val at = plus(e, times(e, step, number(e, of_step)), times(e, block, number(e, share)));
    for (int64_t i = 0; i < share; i += LINE_BYTES) {
        val line = LLVMBuildGEP2(e->b, e->i8, next, (val[]){plus(e, at, number(e, i))}, 1, "");
        fetch_line(e, line, FETCH_L2);
    }
}

/* What the c registers of a block start from. */
static void begin_sums(emitter *e, const amx_part *p, uint32_t n_columns, val (*c)[MOST_REGS], val c_stride) {
    if_else old = if_begin(e, p->accumulate);
    for (uint32_t r = 0; r < p->n_regs; r++)
        for (uint32_t i = 0; i < n_columns; i++) load_reg(e, C_REG + MOST_REGS * r + i, c[r][i], c_stride);
    if_otherwise(e, &old);
    for (uint32_t r = 0; r < p->n_regs; r++)
        for (uint32_t i = 0; i < n_columns; i++)
            leaf_call_x86(e, "llvm.x86.tilezero", 1, (val[]){reg_number(e, C_REG + MOST_REGS * r + i)});
    if_end(e, &old);
}

/* One block of rows by n_columns registers of columns from col on. */
static void emit_block(emitter *e, const amx_leaf *t, const amx_part *p, val a, uint32_t n_columns, val col) {
    const leaf *f = t->f;
    val c[MOST_REGS][MOST_REGS], b[MOST_REGS], b_stride = number(e, t->b_bytes);
    val c_stride = times(e, f->c.row, number(e, PACK_BYTES));
    for (uint32_t i = 0; i < n_columns; i++) {
        val at = plus(e, col, number(e, SIDE * i));
        b[i] = element_address(e, f->b.buf, plus(e, leaf_b_base(e, f, at), times(e, p->first, f->b.kk)));
        for (uint32_t r = 0; r < p->n_regs; r++)
            c[r][i] = leaf_c_address(e, f, plus(e, p->row, number(e, SIDE * r)), at);
    }
    begin_sums(e, p, n_columns, c, c_stride);
    count_loop k = loop_begin(e, e->zero, p->steps, number(e, 1));
    val a_at = times(e, k.index, number(e, ROW_BYTES)), b_at = times(e, k.index, number(e, SIDE * t->b_bytes));
    if (t->n_lines) prefetch_b(e, t, p, b[0], k.index, n_columns);
    for (uint32_t i = 0; i < n_columns; i++) load_reg(e, B_REG + i, bytes_after(e, b[i], b_at), b_stride);
    for (uint32_t r = 0; r < p->n_regs; r++) {
        val rows = bytes_after(e, a, plus(e, times(e, t->row_bytes, number(e, SIDE * r)), a_at));
        load_reg(e, A_REG + r, rows, t->row_bytes);
        for (uint32_t i = 0; i < n_columns; i++) multiply(e, t, r, i);
    }
    loop_end(e, &k);
    for (uint32_t r = 0; r < p->n_regs; r++)
        for (uint32_t i = 0; i < n_columns; i++)
            leaf_call_x86(e, "llvm.x86.tilestored64", 3,
                          (val[]){reg_number(e, C_REG + MOST_REGS * r + i), c[r][i], c_stride});
}

/* All columns of a block of rows. */
static void emit_rows(emitter *e, const amx_leaf *t, const amx_part *p) {
    val wide = number(e, MOST_REGS * SIDE), a = t->gathered;
    if (a) gather(e, t, p);
    if (!a) a = leaf_a_address(e, t->f, p->row, e->zero);
    a = bytes_after(e, a, times(e, p->first, number(e, PACK_BYTES)));
    val whole = times(e, LLVMBuildUDiv(e->b, t->cols, wide, ""), wide);
    if (!is_none(whole)) {
        count_loop cols = loop_begin(e, e->zero, whole, wide);
        emit_block(e, t, p, a, MOST_REGS, cols.index);
        loop_end(e, &cols);
    }
    val left = minus(e, t->cols, whole);
    if (is_none(left)) return;
    if_else one = if_begin(e, is_more(e, left, 0));
    emit_block(e, t, p, a, 1, whole);
    if_otherwise(e, &one);
    if_end(e, &one);
}

/* All blocks of rows, for the part of k that p says, in registers of `packs` packs. */
static void emit_part(emitter *e, const amx_leaf *t, amx_part p, val packs) {
    val wide = number(e, MOST_REGS * SIDE), side = number(e, SIDE);
    val whole = times(e, LLVMBuildUDiv(e->b, t->rows, wide, ""), wide), left = minus(e, t->rows, whole);
    if (!is_none(whole)) {
        count_loop rows = loop_begin(e, e->zero, whole, wide);
        p.n_regs = MOST_REGS;
        p.row = rows.index;
        emit_rows(e, t, &p);
        loop_end(e, &rows);
    }
    p.n_regs = 1;
    val has_one = is_more(e, left, SIDE - 1);
    if (!LLVMIsConstant(has_one) || LLVMConstIntGetZExtValue(has_one)) {
        if_else one = if_begin(e, has_one);
        p.row = whole;
        emit_rows(e, t, &p);
        if_otherwise(e, &one);
        if_end(e, &one);
    }
    val last = LLVMBuildAnd(e->b, left, number(e, SIDE - 1), "");
    if (is_none(last)) return;
    if (t->reg_rows < SIDE) { /* as configured from the beginning */
        p.n_rows = t->rows;
        p.row = e->zero;
        emit_rows(e, t, &p);
        return;
    }
    if_else some = if_begin(e, is_more(e, last, 0));
    p.n_rows = last;
    p.row = minus(e, t->rows, last);
    configure(e, last, packs);
    emit_rows(e, t, &p);
    configure(e, side, packs);
    if_otherwise(e, &some);
    if_end(e, &some);
}

static int64_t most(const emitter *e, dim d) {
    int64_t lo, hi;
    dim_bounds(e->k->dims, d, &lo, &hi);
    return hi;
}

/* Rows of a whole register for so many rows in all. */
static int64_t rows_of_reg(val rows) {
    int64_t n = LLVMIsConstant(rows) ? LLVMConstIntGetSExtValue(rows) : SIDE;
    return n < 1 || n > SIDE ? SIDE : n;
}

/* Room for the rows of a block where they do not lie side by side. */
static void prepare_gathering(emitter *e, amx_leaf *t) {
    const leaf *f = t->f;
    t->n_packs = times(e, f->n_taps, f->n_k);
    int64_t n_taps = most(e, f->l->n_taps), bytes = most(e, f->l->n_k) * t->element;
    if (n_taps > MOST_GATHERED || bytes > MOST_GATHERED || n_taps * bytes > MOST_GATHERED) {
        leaf_refuse(e, "too many steps at the taps of a block");
        n_taps = 1, bytes = ROW_BYTES;
    }
    bool is_flat = n_taps == 1;
    if (!is_flat && LLVMIsConstant(f->n_k) && LLVMIsConstant(f->b.tap))
        is_flat =
            LLVMConstIntGetSExtValue(f->b.tap) == LLVMConstIntGetSExtValue(f->n_k) * LLVMConstIntGetSExtValue(f->b.kk);
    if (!is_flat) leaf_refuse(e, "b's taps do not follow each other");
    int64_t row = (n_taps * bytes + ROW_BYTES - 1) / ROW_BYTES * ROW_BYTES;
    t->row_bytes = number(e, row);
    t->gathered = stack_slot(e, LLVMArrayType2(e->i8, (uint64_t)(row * MOST_REGS * SIDE)));
}

bool leaf_takes_amx(const emitter *e, const kleaf *l) {
    bool is_padded = l->padded && l->padded % SIDE == 0;
    return e->t->has_amx && is_padded && !l->factor &&
           (l->k_pack == 2 || (l->k_pack > 2 && most(e, l->rows) > FEW_ROWS));
}

void emit_leaf_amx(emitter *e, const leaf *f) {
    e->uses_amx = true;
    amx_leaf t = {.f = f,
                  .rows = f->rows,
                  .reg_rows = rows_of_reg(f->rows),
                  .n_packs = f->n_k,
                  .element = PACK_BYTES / f->k_pack};
    val side = number(e, SIDE);
    t.cols = LLVMBuildAnd(e->b, plus(e, f->cols, number(e, SIDE - 1)), number(e, -SIDE), "");
    t.row_bytes = times(e, f->a.row ? f->a.row : e->zero, number(e, t.element));
    if (!LLVMIsConstant(f->b.kk)) {
        leaf_refuse(e, "b's stride is not known");
        return;
    }
    t.b_bytes = LLVMConstIntGetSExtValue(f->b.kk) * t.element;
    if (f->n_taps) prepare_gathering(e, &t);
    if (f->l->b_streams) {
        int64_t rows = most(e, f->l->rows), blocks = (rows + MOST_REGS * SIDE - 1) / (MOST_REGS * SIDE);
        int64_t lines = (int64_t)MOST_REGS * SIDE;
        t.n_lines = (uint32_t)(blocks < 1 ? lines : blocks > lines ? 1 : (lines + blocks - 1) / blocks);
    }
    val steps = LLVMBuildUDiv(e->b, t.n_packs, side, ""), last = LLVMBuildAnd(e->b, t.n_packs, number(e, SIDE - 1), "");
    bool is_kept = begin_configured(e, t.reg_rows);
    amx_part whole = {.first = e->zero, .steps = steps, .accumulate = f->accumulate};
    if (!is_none(steps)) emit_part(e, &t, whole, side);
    if (!is_none(last)) {
        if_else some = if_begin(e, is_more(e, last, 0));
        amx_part rest = {.first = times(e, steps, side), .steps = number(e, 1), .accumulate = f->accumulate};
        if (!is_none(steps)) rest.accumulate = const_int(e->i1, 1);
        val rows = number(e, t.reg_rows);
        configure(e, rows, last);
        emit_part(e, &t, rest, last);
        configure(e, rows, side);
        if_otherwise(e, &some);
        if_end(e, &some);
    }
    if (!is_kept) configure(e, number(e, e->amx_rows), side);
}
