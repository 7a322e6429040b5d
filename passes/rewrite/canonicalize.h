/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The rules of canonicalize as a table, for the pass and for the test that sees each of them fire. */
#ifndef FRIT_PASSES_CANONICALIZE_H
#define FRIT_PASSES_CANONICALIZE_H

#include "passes/kit/build.h"

/* The replacement of candidate n (a copy of a node of b->g), of the same dtype and shape; VALUE_NONE when the rule does
 * not apply. */
typedef value_id rule_fn(build *b, const node *n);

uint32_t rule_count(void);
const char *rule_name(uint32_t rule);
/* As pass_canonicalize; counts in fired[rule] how often each rule applied. */
frit_status canonicalize_counted(cx *c, const graph *g, uint32_t *fired, graph **out);

/* A copy of operand i's defining node when that is an op. */
static inline bool rule_operand(const build *b, const node *n, uint32_t i, op_code op, node *out) {
    const node *d = graph_def(b->g, n->in[i]);
    if (!d || d->op != op) return false;
    *out = *d;
    return true;
}

/* Whether nothing but the candidate uses v, so that a rule may take it over without repeating its work. */
static inline bool rule_is_last_use(const build *b, value_id v) { return v < b->n_uses && b->uses[v] == 1; }

/* rules_view.c, rules_math.c */
#define PATTERN(name, before, after, kinds, assumption)
#define RULE(name, op, text, assumption) rule_fn rule_##name;
#include "passes/rules.def"
#undef PATTERN
#undef RULE

#endif
