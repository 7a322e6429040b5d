/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Matrix micro-kernels. A block of up to max_rows x width outputs lives in registers; per step of k it takes one vector
 * row of b and one broadcast element of a per row. Every output is one chain of fused multiply-adds in k order,
 * whatever the block, so results do not depend on how rows and columns are cut.
 *
 *   for column blocks (full width, then half, .. one vector, then what is left)
 *     for row blocks (max_rows, then one block of what is left)
 *       acc[r] = 0 or c[r, block]; for kk: acc[r] = a[r, kk] * b[kk, block] + acc[r]; c[r, block] = acc[r]
 *
 * Of bytes (bf16), a step takes a pack of four (two) k at once: "lane" is then the 32 bits that hold a pack.
 *
 * With taps the loop over kk stands in one over taps, and where a's rows begin is computed at each tap: that is some
 * integer instructions a row for n_k times the width of multiply-adds, and needs no copy of a. */
#include "codegen/cpu/cpu_leaf.h"

enum { MAX_ROWS = 6, FEW_ROWS = 3, MOST_ZEROS = 1 << 16, CHAINS = 8, UNROLL = 4 };

/* One register block. */
typedef struct reg_block {
    uint32_t rows, width;
    val row, col; /* its corner */
    val mask;     /* <width x i1>, NULL for all */
    /* Of what a step prefetches this is part `part` of n_parts equal ones; 0: as its rows are to all rows. */
    uint32_t n_parts;
    val part;
} reg_block;

static unsigned element_bytes(const leaf *f) {
    LLVMTypeKind kind = LLVMGetTypeKind(f->element);
    if (kind == LLVMIntegerTypeKind) return LLVMGetIntTypeWidth(f->element) / 8;
    return kind == LLVMDoubleTypeKind ? 8 : 4;
}

static val load_row(emitter *e, const leaf *f, LLVMTypeRef lane, val address, const reg_block *t) {
    LLVMTypeRef type = vector_of(lane, t->width);
    if (t->mask) return masked_load(e, type, address, t->mask, element_bytes(f));
    val v = LLVMBuildLoad2(e->b, type, address, "");
    LLVMSetAlignment(v, element_bytes(f));
    return v;
}

/* The factor of what c holds in a row. */
static val factor_of_row(emitter *e, const leaf *f, val row, uint32_t width) {
    forget_values(e);
    e->syms[f->l->row] = row;
    val factor = emit_expr(e, f->l->factor);
    e->syms[f->l->row] = NULL;
    forget_values(e);
    return splat(e, factor, width);
}

/* The sum of a row of a block added to what c holds. */
static val sum_with_old(emitter *e, const leaf *f, const reg_block *t, val row, val sum) {
    val old = load_row(e, f, f->element, leaf_c_address(e, f, row, t->col), t);
    if (f->l->factor) return emit_fma(e, factor_of_row(e, f, row, t->width), old, sum);
    if (LLVMGetTypeKind(f->element) == LLVMIntegerTypeKind) return LLVMBuildAdd(e->b, old, sum, "");
    return LLVMBuildFAdd(e->b, old, sum, "");
}

/* What goes to c: the block's sum, added to what c holds where the leaf accumulates; where it does not, nobody may have
 * written c. Each row has a branch of its own: with one for all of a block, stores wait for all sums. */
static val last_value(emitter *e, const leaf *f, const reg_block *t, uint32_t r, val sum) {
    val row = plus(e, t->row, number(e, r)), both[2] = {NULL, sum};
    LLVMBasicBlockRef from[2];
    if (LLVMIsConstant(f->accumulate))
        return LLVMConstIntGetZExtValue(f->accumulate) ? sum_with_old(e, f, t, row, sum) : sum;
    if_else old = if_begin(e, f->accumulate);
    both[0] = sum_with_old(e, f, t, row, sum);
    from[0] = LLVMGetInsertBlock(e->b);
    if_otherwise(e, &old);
    from[1] = LLVMGetInsertBlock(e->b);
    if_end(e, &old);
    val last = LLVMBuildPhi(e->b, LLVMTypeOf(sum), "");
    LLVMAddIncoming(last, both, from, 2);
    return last;
}

static val step(emitter *e, const leaf *f, val a, val b, val acc) {
    if (f->k_pack == 2) return emit_pair_dot(e, a, b, acc);
    if (f->k_pack > 1) return emit_byte_dot(e, e->k->bufs.at[f->a.buf].dt == FRIT_DT_I8, a, b, acc);
    if (LLVMGetTypeKind(f->element) != LLVMIntegerTypeKind) return emit_fma(e, a, b, acc);
    return LLVMBuildAdd(e->b, LLVMBuildMul(e->b, splat(e, a, width_of(b)), b, ""), acc, "");
}

/* A loop that carries the chains of a block from iteration to iteration. */
typedef struct chain_loop {
    count_loop loop;
    LLVMBasicBlockRef before;
    val start[MAX_ROWS], chain[MAX_ROWS];
} chain_loop;

static chain_loop chains_begin(emitter *e, uint32_t rows, val n, uint32_t by, const val *acc) {
    chain_loop c = {.before = LLVMGetInsertBlock(e->b)};
    c.loop = loop_begin(e, e->zero, n, number(e, by));
    LLVMBasicBlockRef before = LLVMGetIncomingBlock(c.loop.index, 0);
    for (uint32_t r = 0; r < rows; r++) {
        c.start[r] = acc[r];
        c.chain[r] = LLVMBuildPhi(e->b, LLVMTypeOf(acc[r]), "");
        LLVMAddIncoming(c.chain[r], &c.start[r], &before, 1);
    }
    return c;
}

/* acc: the chains at the end of an iteration; becomes what they end in, without one what they started from. */
static void chains_end(emitter *e, const chain_loop *c, uint32_t rows, val *acc) {
    LLVMBasicBlockRef latch = LLVMGetInsertBlock(e->b);
    for (uint32_t r = 0; r < rows; r++) LLVMAddIncoming(c->chain[r], &acc[r], &latch, 1);
    loop_end(e, &c->loop);
    for (uint32_t r = 0; r < rows; r++) {
        val result = LLVMBuildPhi(e->b, LLVMTypeOf(acc[r]), "");
        LLVMAddIncoming(result, (val[]){c->start[r], acc[r]}, (LLVMBasicBlockRef[]){c->before, latch}, 2);
        acc[r] = result;
    }
}

/* Where in b's next block the prefetching of a block begins: every block takes a share of it that is as large as its
 * share of the work, so that memory is busy from the first step to the last. */
static val prefetch_start(emitter *e, const leaf *f, const reg_block *t, val tap) {
    bool has_panels = f->l->b_panel != 0;
    val first = has_panels ? leaf_b_base(e, f, t->col) : f->b.base;
    val end = plus(e, first, times(e, f->n_k, f->b.kk)), steps = f->n_k;
    if (f->n_taps) {
        end = plus(e, end, times(e, minus(e, f->n_taps, number(e, 1)), f->b.tap));
        steps = times(e, steps, f->n_taps);
    }
    val block = element_address(e, f->b.buf, end);
    val done = t->n_parts ? times(e, t->part, number(e, f->block_bytes / t->n_parts)) : times(e, t->row, f->share);
    if (!has_panels) done = plus(e, done, times(e, t->col, number(e, element_bytes(f))));
    done = times(e, steps, done);
    if (f->n_taps) done = plus(e, done, times(e, times(e, tap, f->n_k), times(e, number(e, t->rows), f->share)));
    return LLVMBuildGEP2(e->b, e->i8, block, (val[]){done}, 1, "");
}

/* Asks for what this step reads of a, in the rows behind the block's. */
static void prefetch_rows_behind(emitter *e, const leaf *f, const reg_block *t, const val *a_row, val kk) {
    val at = plus(e, times(e, f->rows, f->a.row), times(e, kk, f->a.kk));
    for (uint32_t r = 0; r < t->rows; r++)
        fetch_line(e, LLVMBuildGEP2(e->b, f->a.in_memory, a_row[r], &at, 1, ""), FETCH_L2);
}

/* Brings the lines into L2 that this step of k has to fetch. */
static void prefetch_b(emitter *e, const leaf *f, const reg_block *t, val first, val kk) {
    val step = times(e, number(e, t->rows), f->share);
    if (t->n_parts) step = number(e, f->block_bytes / t->n_parts);
    val at = times(e, kk, step);
    int64_t bytes = LLVMIsConstant(step) ? LLVMConstIntGetSExtValue(step) : f->block_bytes;
    for (int64_t i = 0; i < bytes; i += LINE_BYTES)
        fetch_line(e, LLVMBuildGEP2(e->b, e->i8, first, (val[]){plus(e, at, number(e, i))}, 1, ""), FETCH_L2);
}

/* One step of k: chains become acc. */
static void run_step(emitter *e, const leaf *f, const reg_block *t, val kk, val b_first, const val *a_row, val *acc) {
    val b_at = times(e, kk, f->b.kk), a_at = times(e, kk, f->a.kk);
    val b = load_row(e, f, f->lane, LLVMBuildInBoundsGEP2(e->b, f->b.in_memory, b_first, &b_at, 1, ""), t);
    for (uint32_t r = 0; r < t->rows; r++) {
        val at = LLVMBuildInBoundsGEP2(e->b, f->a.in_memory, a_row[r], &a_at, 1, "");
        val a = LLVMBuildLoad2(e->b, f->lane, at, "");
        if (f->k_pack > 1) LLVMSetAlignment(a, 1);
        acc[r] = step(e, f, a, b, acc[r]);
    }
}

/* Steps of an iteration of the loop over k: several where their number is known to be a multiple, so that iterations
 * are few enough for branch prediction. */
static uint32_t steps_of_iteration(const leaf *f) {
    if (!LLVMIsConstant(f->n_k) || f->n_taps) return 1;
    int64_t n = LLVMConstIntGetSExtValue(f->n_k);
    return n > UNROLL && n % UNROLL == 0 ? UNROLL : 1;
}

/* The loop over k of one block (at one tap). acc: what the chains start from; they end in it. */
static void run_steps(emitter *e, const leaf *f, const reg_block *t, val tap, val *acc) {
    val a_row[MAX_ROWS];
    for (uint32_t r = 0; r < t->rows; r++) a_row[r] = leaf_a_address(e, f, plus(e, t->row, number(e, r)), tap);
    val first = leaf_b_base(e, f, t->col);
    if (f->n_taps) first = plus(e, first, times(e, tap, f->b.tap));
    val b_first = element_address(e, f->b.buf, first);
    val from = f->share ? prefetch_start(e, f, t, tap) : NULL;
    uint32_t n_steps = steps_of_iteration(f);
    chain_loop c = chains_begin(e, t->rows, f->n_k, n_steps, acc);
    for (uint32_t r = 0; r < t->rows; r++) acc[r] = c.chain[r];
    if (f->l->a_walks) prefetch_rows_behind(e, f, t, a_row, c.loop.index);
    for (uint32_t u = 0; u < n_steps; u++) {
        val kk = u ? plus(e, c.loop.index, number(e, u)) : c.loop.index;
        if (from) prefetch_b(e, f, t, from, kk);
        run_step(e, f, t, kk, b_first, a_row, acc);
    }
    chains_end(e, &c, t->rows, acc);
}

static void run_chains(emitter *e, const leaf *f, const reg_block *t, val *acc) {
    if (!f->n_taps) {
        run_steps(e, f, t, e->zero, acc);
        return;
    }
    chain_loop taps = chains_begin(e, t->rows, f->n_taps, 1, acc);
    for (uint32_t r = 0; r < t->rows; r++) acc[r] = taps.chain[r];
    run_steps(e, f, t, taps.loop.index, acc);
    chains_end(e, &taps, t->rows, acc);
}

static void emit_reg_block(emitter *e, const leaf *f, const reg_block *t) {
    val acc[MAX_ROWS];
    for (uint32_t r = 0; r < t->rows; r++) acc[r] = LLVMConstNull(vector_of(f->element, t->width));
    run_chains(e, f, t, acc);
    for (uint32_t r = 0; r < t->rows; r++) {
        val result = last_value(e, f, t, r, acc[r]);
        val address = leaf_c_address(e, f, plus(e, t->row, number(e, r)), t->col);
        if (t->mask)
            masked_store(e, result, address, t->mask, element_bytes(f));
        else
            LLVMSetAlignment(LLVMBuildStore(e->b, result, address), element_bytes(f));
    }
}

/* Tiles of n_rows rows from row to end. t.part: of the first. */
static void emit_row_blocks(emitter *e, const leaf *f, reg_block t, uint32_t n_rows, const val range[2]) {
    count_loop loop = loop_begin(e, range[0], range[1], number(e, n_rows));
    t.rows = n_rows;
    t.row = loop.index;
    if (t.n_parts) t.part = plus(e, t.part, LLVMBuildUDiv(e->b, minus(e, loop.index, range[0]), number(e, n_rows), ""));
    emit_reg_block(e, f, &t);
    loop_end(e, &loop);
}

/* The same while a whole one is left; returns where they end. */
static val emit_whole_blocks(emitter *e, const leaf *f, reg_block t, uint32_t n_rows, val row) {
    val left = minus(e, f->rows, row), n = number(e, n_rows);
    val end = plus(e, row, times(e, LLVMBuildUDiv(e->b, left, n, ""), n));
    emit_row_blocks(e, f, t, n_rows, (val[]){row, end});
    return end;
}

/* Few rows that stream b are cut into so many blocks of about the same size that a step of each prefetches whole lines,
 * no line twice: 16 rows are four blocks of four, not two of six and one of four. 0: there are more rows, b stays, or
 * there is one block, which was measured to be quicker when it prefetches a line more. */
static uint32_t equal_parts(const leaf *f, uint32_t n) {
    uint32_t parts = 1;
    while (parts * MAX_ROWS < n) parts *= 2;
    bool has_lines = f->block_bytes / LINE_BYTES >= parts && f->block_bytes % (parts * LINE_BYTES) == 0;
    return f->share && !f->n_taps && parts > 1 && has_lines ? parts : 0;
}

/* A known number of rows: blocks of MAX_ROWS, then one of what is left, or two where that would be so few that loading
 * b takes longer than the arithmetic on it. */
static void emit_known_rows(emitter *e, const leaf *f, reg_block t, uint32_t n) {
    t.n_parts = equal_parts(f, n);
    if (t.n_parts) {
        uint32_t rows = n / t.n_parts, more = n % t.n_parts, whole = more * (rows + 1);
        t.part = e->zero;
        if (more) emit_row_blocks(e, f, t, rows + 1, (val[]){e->zero, number(e, whole)});
        t.part = number(e, more);
        emit_row_blocks(e, f, t, rows, (val[]){number(e, whole), number(e, n)});
        return;
    }
    uint32_t left = n % MAX_ROWS, whole = n - left;
    bool is_shared = whole && left && left < FEW_ROWS;
    if (is_shared) whole -= MAX_ROWS, left += MAX_ROWS;
    uint32_t sizes[2] = {is_shared ? (left + 1) / 2 : left, is_shared ? left / 2 : 0};
    if (whole) emit_row_blocks(e, f, t, MAX_ROWS, (val[]){e->zero, number(e, whole)});
    for (int i = 0; i < 2; whole += sizes[i++])
        if (sizes[i]) emit_row_blocks(e, f, t, sizes[i], (val[]){number(e, whole), number(e, whole + sizes[i])});
}

/* All rows of one column block. An unknown number of them: blocks of MAX_ROWS, of half that and of one row; each size
 * of block is code to compile, so there are few. */
static void emit_rows(emitter *e, const leaf *f, reg_block t) {
    dim_table *d = e->k->dims;
    int64_t lo, hi;
    val row = e->zero;
    dim_bounds(d, f->l->rows, &lo, &hi);
    if (lo == hi && hi <= UINT32_MAX) {
        emit_known_rows(e, f, t, (uint32_t)hi);
        return;
    }
    if (hi >= MAX_ROWS) row = emit_whole_blocks(e, f, t, MAX_ROWS, row);
    if (dim_divides(d, dim_const(d, MAX_ROWS), f->l->rows)) return;
    if (hi >= MAX_ROWS / 2) row = emit_whole_blocks(e, f, t, MAX_ROWS / 2, row);
    emit_whole_blocks(e, f, t, 1, row);
}

/* Column blocks of one width from col on, while a whole one is left; returns where they end. */
static val emit_columns(emitter *e, const leaf *f, uint32_t width, val col) {
    val left = LLVMBuildAnd(e->b, minus(e, f->cols, col), number(e, -(int64_t)width), "");
    val end = plus(e, col, left);
    count_loop loop = loop_begin(e, col, end, number(e, width));
    emit_rows(e, f, (reg_block){.width = width, .col = loop.index});
    loop_end(e, &loop);
    return end;
}

/* Whether columns come in whole vectors of n. */
static bool has_whole_vectors(const kleaf *l, uint32_t n) { return l->padded && l->padded % n == 0; }

/* The last columns, fewer than a vector: a whole one where padding allows, under a mask, or one by one. */
static void emit_last_columns(emitter *e, const leaf *f, val col) {
    bool is_padded = has_whole_vectors(f->l, f->lanes);
    if (!is_padded && !e->t->has_masks) {
        emit_columns(e, f, 1, col);
        return;
    }
    if_else some = if_begin(e, LLVMBuildICmp(e->b, LLVMIntSLT, col, f->cols, ""));
    reg_block t = {.width = f->lanes, .col = col};
    if (!is_padded) {
        val left = LLVMBuildTrunc(e->b, minus(e, f->cols, col), e->i32, "");
        t.mask = LLVMBuildICmp(e->b, LLVMIntULT, iota(e, e->i32, f->lanes), splat(e, left, f->lanes), "");
    }
    emit_rows(e, f, t);
    if_otherwise(e, &some);
    if_end(e, &some);
}

static void emit_all(emitter *e, const leaf *f) {
    val col = e->zero;
    int64_t lo, hi, multiple = 1;
    dim_bounds(e->k->dims, f->l->cols, &lo, &hi);
    if (hi > f->l->max_cols) hi = f->l->max_cols;
    while (multiple < f->max_width && dim_divides(e->k->dims, dim_const(e->k->dims, multiple * 2), f->l->cols))
        multiple *= 2;
    bool is_known = lo == hi;
    for (uint32_t width = f->max_width; width >= f->lanes; width /= 2) {
        bool is_wanted = is_known || width == f->max_width || width == f->lanes || multiple >= width;
        if (is_wanted && hi >= width) col = emit_columns(e, f, width, col);
        if (multiple >= width) return;
    }
    emit_last_columns(e, f, col);
}

/* The corners of an operand, which lie furthest out. */
static void check_corners(emitter *e, const leaf *f, const leaf_operand *o, val cols) {
    val far = o->base, one = number(e, 1);
    bool has_panels = o == &f->b && f->l->b_panel;
    far = plus(e, far, times(e, minus(e, f->rows, one), o->row));
    far = plus(e, far, times(e, minus(e, f->n_k, one), o->kk));
    int64_t between = o == &f->b ? f->k_pack : 1, last = o == &f->c ? 0 : f->k_pack - 1;
    if (has_panels)
        far = plus(e, far, minus(e, leaf_b_base(e, f, minus(e, cols, one)), o->base));
    else if (cols)
        far = plus(e, far, times(e, minus(e, cols, one), number(e, between)));
    far = plus(e, far, number(e, last));
    val sizes[3] = {f->rows, f->cols, f->n_k};
    val is_used = const_int(e->i1, 1);
    for (int i = 0; i < 3; i++)
        is_used = LLVMBuildAnd(e->b, is_used, LLVMBuildICmp(e->b, LLVMIntSGT, sizes[i], e->zero, ""), "");
    check_indices(e, o->buf, o == &f->a ? f->l->a_at : o == &f->b ? f->l->b_at : f->l->c_at, is_used);
    check_access(e, o->buf, o->base, is_used);
    check_access(e, o->buf, far, is_used);
}

/* Whether there is code for these element types. */
static bool has_code(const emitter *e, const kleaf *l) {
    dtype c = e->k->bufs.at[l->c].dt, a = e->k->bufs.at[l->a].dt, b = e->k->bufs.at[l->b].dt;
    if (l->k_pack > 1) {
        bool is_padded = has_whole_vectors(l, e->t->vector_bytes / (dtype_bits(c) / 8));
        return is_padded && l->k_pack == dtype_k_pack(a, b) && c == dtype_of_products(a, b);
    }
    bool is_known = c == FRIT_DT_F32 || c == FRIT_DT_F64 || c == FRIT_DT_I32 || c == FRIT_DT_I64;
    return is_known && a == c && b == c;
}

/* As many zeros as a leaf steps over at one tap. */
static val zero_row(emitter *e, const leaf *f) {
    int64_t lo, n;
    dim_bounds(e->k->dims, f->l->n_k, &lo, &n);
    if (n > MOST_ZEROS) {
        leaf_refuse(e, "a condition on a over too many steps");
        n = 1;
    }
    LLVMTypeRef type = LLVMArrayType2(f->a.in_memory, (uint64_t)(n + f->k_pack - 1));
    val zeros = LLVMAddGlobal(e->module, type, "zeros");
    LLVMSetInitializer(zeros, LLVMConstNull(type));
    LLVMSetGlobalConstant(zeros, 1);
    LLVMSetLinkage(zeros, LLVMPrivateLinkage);
    return zeros;
}

/* Columns of a block. A single row takes more of them, so that enough chains are under way for one not to wait for
 * itself. */
static uint32_t widest_block(emitter *e, const leaf *f) {
    int64_t lo, hi;
    uint32_t width = target_tile_columns(e->t, element_bytes(f));
    dim_bounds(e->k->dims, f->l->rows, &lo, &hi);
    if (hi <= 1 && width < CHAINS * f->lanes) width = CHAINS * f->lanes;
    return f->l->b_panel && width > f->l->b_panel ? f->l->b_panel : width;
}

void emit_leaf(emitter *e, const kleaf *l) {
    dtype dt = e->k->bufs.at[l->c].dt;
    if (!has_code(e, l)) {
        leaf_refuse(e, "operands must all be f32, f64, i32 or i64, or padded packs of four u8 by i8 or two bf16");
        return;
    }
    leaf f = {.l = l, .element = reg_type(e, dt), .k_pack = l->k_pack > 1 ? l->k_pack : 1};
    f.lane = f.k_pack > 1 ? e->i32 : f.element;
    f.a = l->has_taps ? leaf_operand_by_taps(e, l) : leaf_operand_of(e, l->a, l->a_at, l);
    f.b = leaf_operand_of(e, l->b, l->b_at, l);
    f.c = leaf_operand_of(e, l->c, l->c_at, l);
    f.rows = dim_scalar(e, l->rows);
    f.cols = dim_scalar(e, l->cols);
    f.n_k = dim_scalar(e, dim_ceildiv(e->k->dims, l->n_k, dim_const(e->k->dims, f.k_pack)));
    if (l->has_taps) f.n_taps = dim_scalar(e, l->n_taps);
    if (l->a_if) f.zeros = zero_row(e, &f);
    f.accumulate = l->accumulate_if ? emit_expr(e, l->accumulate_if) : const_int(e->i1, l->accumulate);
    f.lanes = e->t->vector_bytes / element_bytes(&f);
    f.max_width = widest_block(e, &f);
    while (f.max_width > f.lanes && f.max_width / 2 >= l->max_cols) f.max_width /= 2;
    if (e->options->checked) {
        if (!f.n_taps) check_corners(e, &f, &f.a, NULL);
        val cols = dim_scalar(e, kleaf_cols(e->k->dims, l));
        check_corners(e, &f, &f.b, cols);
        check_corners(e, &f, &f.c, cols);
    }
    if (l->b_streams) {
        f.block_bytes = f.max_width * element_bytes(&f);
        val none = LLVMBuildICmp(e->b, LLVMIntEQ, f.rows, e->zero, ""), one = number(e, 1);
        f.share = LLVMBuildUDiv(e->b, number(e, f.block_bytes), LLVMBuildSelect(e->b, none, one, f.rows, ""), "");
        f.share = plus(e, f.share, one);
    }
    if (leaf_takes_amx(e, l))
        emit_leaf_amx(e, &f);
    else
        emit_all(e, &f);
}
