/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The dispatcher of trees: the only place that sees both targets' trees. What one tree cannot compute another one does:
 *
 *   LIBRARY   a call, else as CONTRACT
 *   CONTRACT  no matrix form: as ROW, a reduction over k
 *             CUDA: tiles of threads
 *             CPU:  A not in place, B packed: Winograd where it pays, taps where A is an image; else blocks */
#include "passes/plan/choose_tree.h"

#include "passes/tree_cpu/tree_contract.h"
#include "passes/tree_cpu/trees_cpu.h"
#include "passes/tree_cuda/trees_cuda.h"

static bool is_cuda(const lower_options *o) { return o->t->kind == TARGET_CUDA; }

static frit_status build_row(expander *e, const lower_options *o) {
    return is_cuda(o) ? tree_row_cuda(e, o->t) : tree_row(e, o->t);
}

/* The CPU's trees of a contraction with a matrix form, in order of preference. */
static frit_status build_contract_cpu(contract_cx *x, const lower_options *o, const pack_request *pack,
                                      const uint8_t *tags) {
    if (x->is_packed && !x->a.is_direct && x->n_siblings == 1) {
        bool is_done = false;
        if (!o->has_direct_convs && x->k_pack == 1) TRY(contract_winograd_tree(x, pack, tags, &is_done));
        if (is_done) return FRIT_OK;
        TRY(contract_taps_tree(x, pack, tags, &is_done));
        if (is_done) return FRIT_OK;
    }
    return contract_leaf_tree(x, pack);
}

static frit_status build_contract(expander *e, const lower_options *o) {
    contract_cx x;
    uint8_t tags[2 * MAX_RANK];
    pack_request pack;
    bool has_matrix_form = false;
    if (contract_begin(&x, e, o->t, tags)) {
        contract_flatten(&x, tags, NULL);
        TRY(contract_analyse(&x, is_cuda(o) ? NULL : contract_weights, &pack, &has_matrix_form));
        ASSERT(x.n_siblings == 1 || (has_matrix_form && x.is_packed));
    }
    if (!has_matrix_form) {
        contract_become_row(&x);
        return build_row(e, o);
    }
    return is_cuda(o) ? contract_thread_tree(&x) : build_contract_cpu(&x, o, &pack, tags);
}

static frit_status build_library(expander *e, const lower_options *o) {
    bool is_done;
    TRY(tree_library(e, o->t, &is_done));
    return is_done ? FRIT_OK : build_contract(e, o);
}

frit_status choose_tree(expander *e, const lower_options *o) {
    switch (e->f->groups.at[e->group].kind) {
    case GROUP_MAP:
        return is_cuda(o) ? tree_map_cuda(e, o->t) : tree_map(e, o->t);
    case GROUP_ROW:
        return build_row(e, o);
    case GROUP_CONTRACT:
        return build_contract(e, o);
    case GROUP_ATTEND:
        return is_cuda(o) ? tree_attend_cuda(e, o->t) : tree_attend(e, o->t);
    case GROUP_STAGE:
        return tree_stage(e, o->t);
    case GROUP_LIBRARY:
        return build_library(e, o);
    case GROUP_REGION:
        break;
    }
    return FRIT_INTERNAL;
}
