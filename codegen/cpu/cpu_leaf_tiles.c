/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The matrix leaf on the matrix unit (AMX): registers of 16 rows of 64 bytes, c += a b of such tiles in one
 * instruction. A tile of b is 16 groups of k by 16 columns, just as packed panels hold them; a tile of a is 16 rows by
 * 16 groups.
 *
 *   for whole tiles of k, then one of the groups that are left
 *     for row blocks (32 rows, then 16, then what is left)
 *       [a's rows of the block side by side in a scratch, where taps let them lie anywhere]
 *       for column blocks (32, then 16): c tiles = 0 or c; for k tiles { c += a b }; c = c tiles
 *
 * Rows and groups left over have the same code under another configuration, in which tiles are smaller: nothing is read
 * that does not belong to the operands, of which only columns are padded. Changing the configuration takes as long as
 * thirteen steps, so it is set when a phase begins and only what is left over changes it and changes it back. bf16: a
 * tile's step is a sum of 32 products, added to c; sums of bytes are exact. So an output depends on k alone, and not on
 * which rows or columns stand beside it. */
#include "codegen/cpu/cpu_leaf.h"

enum { SIDE = 16, ROW_BYTES = 64, GROUP_BYTES = 4, MOST_TILES = 2, C_TILE = 0, A_TILE = 4, B_TILE = 6, N_TILES = 8 };
enum { AT_COLUMN_BYTES = 16, AT_ROWS = 48, MOST_GATHERED = 1024, FEW_ROWS = 4 };

typedef struct tiles {
    const leaf *f;
    val rows, cols;    /* cols: rounded up to tiles */
    int64_t tile_rows; /* of a whole tile: fewer than SIDE where there never are more rows */
    val n_groups;      /* of all of k, taps included */
    val gathered;      /* a's rows of a block; NULL where they are read in place */
    val row_bytes;     /* from one row of a to the next */
    int64_t b_bytes;   /* from a group of b to the next */
    int64_t element;   /* bytes of an element of a and b */
    uint32_t n_lines;  /* of b's next block that a step of a row block fetches */
} tiles;

/* A block of rows and a part of k under one configuration. */
typedef struct pass {
    val row, n_rows;  /* first row; rows of the block when it is not of whole tiles */
    uint32_t n_tiles; /* of rows */
    val first, steps; /* first group; tiles of k */
    val accumulate;   /* i1: c is added to */
} pass;

static val tile_number(emitter *e, uint32_t n) { return LLVMConstInt(e->i8, n, 0); }
static val is_more(emitter *e, val x, int64_t n) { return LLVMBuildICmp(e->b, LLVMIntSGT, x, number(e, n), ""); }
static bool is_none(val x) { return LLVMIsConstant(x) && LLVMConstIntGetSExtValue(x) <= 0; }

static val bytes_after(emitter *e, val address, val n) {
    return LLVMBuildInBoundsGEP2(e->b, e->i8, address, &n, 1, "");
}

/* Sets the shapes of all tiles: rows of a and c, groups of k. Their contents are lost. */
static void configure(emitter *e, val rows, val groups) {
    LLVMTypeRef type = LLVMVectorType(e->i8, ROW_BYTES);
    val config = LLVMConstNull(type), n_rows = LLVMBuildTrunc(e->b, rows, e->i8, "");
    val n_groups = LLVMBuildTrunc(e->b, groups, e->i8, "");
    val a_bytes = LLVMBuildMul(e->b, n_groups, tile_number(e, GROUP_BYTES), "");
    config = LLVMBuildInsertElement(e->b, config, tile_number(e, 1), const_int(e->i32, 0), "");
    for (uint32_t i = 0; i < N_TILES; i++) {
        bool is_a = i >= A_TILE && i < B_TILE;
        val width = is_a ? a_bytes : tile_number(e, ROW_BYTES), height = i >= B_TILE ? n_groups : n_rows;
        config = LLVMBuildInsertElement(e->b, config, width, const_int(e->i32, AT_COLUMN_BYTES + 2 * i), "");
        config = LLVMBuildInsertElement(e->b, config, height, const_int(e->i32, AT_ROWS + i), "");
    }
    val slot = stack_slot(e, type);
    LLVMBuildStore(e->b, config, slot);
    leaf_call_x86(e, "llvm.x86.ldtilecfg", 1, &slot);
}

/* The configuration in which this leaf begins, set when the phase begins; returns whether it was that already. */
static bool begin_configured(emitter *e, int64_t wanted) {
    if (!e->tile_rows) {
        LLVMBuilderRef here = e->b;
        e->b = e->entry;
        configure(e, number(e, wanted), number(e, SIDE));
        e->b = here;
        e->tile_rows = wanted;
    }
    if (e->tile_rows == wanted) return true;
    configure(e, number(e, wanted), number(e, SIDE));
    return false;
}

void emit_tile_release(emitter *e) { leaf_call_x86(e, "llvm.x86.tilerelease", 0, NULL); }

static void load_tile(emitter *e, uint32_t tile, val address, val stride) {
    leaf_call_x86(e, "llvm.x86.tileloadd64", 3, (val[]){tile_number(e, tile), address, stride});
}

/* c += a b of tiles r and c. */
static void multiply(emitter *e, const tiles *t, uint32_t r, uint32_t c) {
    val args[3] = {tile_number(e, C_TILE + MOST_TILES * r + c), tile_number(e, A_TILE + r), tile_number(e, B_TILE + c)};
    bool a_is_signed = e->k->bufs.at[t->f->a.buf].dt == FRIT_DT_I8;
    const char *name = t->f->group == 2 ? "llvm.x86.tdpbf16ps" : a_is_signed ? "llvm.x86.tdpbsud" : "llvm.x86.tdpbusd";
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
static void gather(emitter *e, const tiles *t, const pass *p) {
    const leaf *f = t->f;
    val of_tap = times(e, f->n_k, number(e, GROUP_BYTES));
    val n_rows = p->n_rows ? p->n_rows : number(e, SIDE * p->n_tiles);
    count_loop rows = loop_begin(e, e->zero, n_rows, number(e, 1));
    val row = bytes_after(e, t->gathered, times(e, rows.index, t->row_bytes));
    count_loop taps = loop_begin(e, e->zero, f->n_taps, number(e, 1));
    val from = leaf_a_address(e, f, plus(e, p->row, rows.index), taps.index);
    copy_row(e, bytes_after(e, row, times(e, taps.index, of_tap)), from, of_tap);
    loop_end(e, &taps);
    loop_end(e, &rows);
}

/* Brings this step's share of b's next block into L2. Never faults, so it may run over the end. */
static void fetch_ahead(emitter *e, const tiles *t, const pass *p, val b, val step, uint32_t n_columns) {
    int64_t of_step = (int64_t)SIDE * SIDE * GROUP_BYTES * n_columns;
    int64_t share = LINE_BYTES * t->n_lines;
    val next = bytes_after(e, b, times(e, p->steps, number(e, SIDE * t->b_bytes)));
    val block = LLVMBuildUDiv(e->b, p->row, number(e, MOST_TILES * SIDE), "");
    val at = plus(e, times(e, step, number(e, of_step)), times(e, block, number(e, share)));
    for (int64_t i = 0; i < share; i += LINE_BYTES) {
        val line = LLVMBuildGEP2(e->b, e->i8, next, (val[]){plus(e, at, number(e, i))}, 1, "");
        fetch_line(e, line, FETCH_L2);
    }
}

/* What the c tiles of a block start from. */
static void begin_sums(emitter *e, const pass *p, uint32_t n_columns, val (*c)[MOST_TILES], val c_stride) {
    if_else old = if_begin(e, p->accumulate);
    for (uint32_t r = 0; r < p->n_tiles; r++)
        for (uint32_t i = 0; i < n_columns; i++) load_tile(e, C_TILE + MOST_TILES * r + i, c[r][i], c_stride);
    if_otherwise(e, &old);
    for (uint32_t r = 0; r < p->n_tiles; r++)
        for (uint32_t i = 0; i < n_columns; i++)
            leaf_call_x86(e, "llvm.x86.tilezero", 1, (val[]){tile_number(e, C_TILE + MOST_TILES * r + i)});
    if_end(e, &old);
}

/* One block of rows by n_columns tiles of columns from col on. */
static void emit_block(emitter *e, const tiles *t, const pass *p, val a, uint32_t n_columns, val col) {
    const leaf *f = t->f;
    val c[MOST_TILES][MOST_TILES], b[MOST_TILES], b_stride = number(e, t->b_bytes);
    val c_stride = times(e, f->c.row, number(e, GROUP_BYTES));
    for (uint32_t i = 0; i < n_columns; i++) {
        val at = plus(e, col, number(e, SIDE * i));
        b[i] = element_address(e, f->b.buf, plus(e, leaf_b_base(e, f, at), times(e, p->first, f->b.kk)));
        for (uint32_t r = 0; r < p->n_tiles; r++)
            c[r][i] = leaf_c_address(e, f, plus(e, p->row, number(e, SIDE * r)), at);
    }
    begin_sums(e, p, n_columns, c, c_stride);
    count_loop k = loop_begin(e, e->zero, p->steps, number(e, 1));
    val a_at = times(e, k.index, number(e, ROW_BYTES)), b_at = times(e, k.index, number(e, SIDE * t->b_bytes));
    if (t->n_lines) fetch_ahead(e, t, p, b[0], k.index, n_columns);
    for (uint32_t i = 0; i < n_columns; i++) load_tile(e, B_TILE + i, bytes_after(e, b[i], b_at), b_stride);
    for (uint32_t r = 0; r < p->n_tiles; r++) {
        val tile = bytes_after(e, a, plus(e, times(e, t->row_bytes, number(e, SIDE * r)), a_at));
        load_tile(e, A_TILE + r, tile, t->row_bytes);
        for (uint32_t i = 0; i < n_columns; i++) multiply(e, t, r, i);
    }
    loop_end(e, &k);
    for (uint32_t r = 0; r < p->n_tiles; r++)
        for (uint32_t i = 0; i < n_columns; i++)
            leaf_call_x86(e, "llvm.x86.tilestored64", 3,
                          (val[]){tile_number(e, C_TILE + MOST_TILES * r + i), c[r][i], c_stride});
}

/* All columns of a block of rows. */
static void emit_rows(emitter *e, const tiles *t, const pass *p) {
    val wide = number(e, MOST_TILES * SIDE), a = t->gathered;
    if (a) gather(e, t, p);
    if (!a) a = leaf_a_address(e, t->f, p->row, e->zero);
    a = bytes_after(e, a, times(e, p->first, number(e, GROUP_BYTES)));
    val whole = times(e, LLVMBuildUDiv(e->b, t->cols, wide, ""), wide);
    if (!is_none(whole)) {
        count_loop cols = loop_begin(e, e->zero, whole, wide);
        emit_block(e, t, p, a, MOST_TILES, cols.index);
        loop_end(e, &cols);
    }
    val left = minus(e, t->cols, whole);
    if (is_none(left)) return;
    if_else one = if_begin(e, is_more(e, left, 0));
    emit_block(e, t, p, a, 1, whole);
    if_otherwise(e, &one);
    if_end(e, &one);
}

/* All blocks of rows, for the part of k that p says, in tiles of `groups` groups. */
static void emit_pass(emitter *e, const tiles *t, pass p, val groups) {
    val wide = number(e, MOST_TILES * SIDE), side = number(e, SIDE);
    val whole = times(e, LLVMBuildUDiv(e->b, t->rows, wide, ""), wide), left = minus(e, t->rows, whole);
    if (!is_none(whole)) {
        count_loop rows = loop_begin(e, e->zero, whole, wide);
        p.n_tiles = MOST_TILES;
        p.row = rows.index;
        emit_rows(e, t, &p);
        loop_end(e, &rows);
    }
    p.n_tiles = 1;
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
    if (t->tile_rows < SIDE) { /* as configured from the beginning */
        p.n_rows = t->rows;
        p.row = e->zero;
        emit_rows(e, t, &p);
        return;
    }
    if_else some = if_begin(e, is_more(e, last, 0));
    p.n_rows = last;
    p.row = minus(e, t->rows, last);
    configure(e, last, groups);
    emit_rows(e, t, &p);
    configure(e, side, groups);
    if_otherwise(e, &some);
    if_end(e, &some);
}

static int64_t most(const emitter *e, dim d) {
    int64_t lo, hi;
    dim_bounds(e->k->dims, d, &lo, &hi);
    return hi;
}

/* Rows of a whole tile for so many rows in all. */
static int64_t rows_of_tile(val rows) {
    int64_t n = LLVMIsConstant(rows) ? LLVMConstIntGetSExtValue(rows) : SIDE;
    return n < 1 || n > SIDE ? SIDE : n;
}

/* Room for the rows of a block where they do not lie side by side. */
static void prepare_gathering(emitter *e, tiles *t) {
    const leaf *f = t->f;
    t->n_groups = times(e, f->n_taps, f->n_k);
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
    t->gathered = stack_slot(e, LLVMArrayType2(e->i8, (uint64_t)(row * MOST_TILES * SIDE)));
}

bool leaf_takes_tiles(const emitter *e, const kleaf *l) {
    bool is_padded = l->padded && l->padded % SIDE == 0;
    return e->t->has_tiles && is_padded && !l->factor &&
           (l->group == 2 || (l->group > 2 && most(e, l->rows) > FEW_ROWS));
}

void emit_leaf_tiles(emitter *e, const leaf *f) {
    e->uses_tiles = true;
    tiles t = {.f = f,
               .rows = f->rows,
               .tile_rows = rows_of_tile(f->rows),
               .n_groups = f->n_k,
               .element = GROUP_BYTES / f->group};
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
        int64_t rows = most(e, f->l->rows), blocks = (rows + MOST_TILES * SIDE - 1) / (MOST_TILES * SIDE);
        int64_t lines = (int64_t)MOST_TILES * SIDE;
        t.n_lines = (uint32_t)(blocks < 1 ? lines : blocks > lines ? 1 : (lines + blocks - 1) / blocks);
    }
    val steps = LLVMBuildUDiv(e->b, t.n_groups, side, ""),
        last = LLVMBuildAnd(e->b, t.n_groups, number(e, SIDE - 1), "");
    bool is_kept = begin_configured(e, t.tile_rows);
    pass whole = {.first = e->zero, .steps = steps, .accumulate = f->accumulate};
    if (!is_none(steps)) emit_pass(e, &t, whole, side);
    if (!is_none(last)) {
        if_else some = if_begin(e, is_more(e, last, 0));
        pass rest = {.first = times(e, steps, side), .steps = number(e, 1), .accumulate = f->accumulate};
        if (!is_none(steps)) rest.accumulate = const_int(e->i1, 1);
        val rows = number(e, t.tile_rows);
        configure(e, rows, last);
        emit_pass(e, &t, rest, last);
        configure(e, rows, side);
        if_otherwise(e, &some);
        if_end(e, &some);
    }
    if (!is_kept) configure(e, number(e, e->tile_rows), side);
}
