/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The groups of a graph as text, with the names that the graph's own text gives to values:
 *
 *    groups @f {
 *      group 0 contract over i < B*S, i_1 < 200 {
 *        %p = contract %1, %w {lhs = "mk", rhs = "kn", out = "mn"} : f32[B*S, 200]
 *        %y = add %p, %b : f32[B*S, 200]
 *        along %1 = reshape %x {shape = [B*S, 72]} : f32[B*S, 72]
 *        stores %y
 *      }
 *      group 1 map over i_2 < B*S, i_3 < 200, dissolved into its users {
 *        ...
 *      }
 *      0 -> 2 %y: they reduce over other axes, so that no row holds what both need
 *    }
 *
 * `along` lines are nodes outside the group whose elements it computes for itself; a dissolved group has no kernel; one
 * without nodes copies a view into memory. */
#include "passes/fuse/fuse.h"

static const char *const kind_names[] = {
    [GROUP_MAP] = "map",     [GROUP_ROW] = "row",         [GROUP_CONTRACT] = "contract", [GROUP_ATTEND] = "attend",
    [GROUP_STAGE] = "stage", [GROUP_LIBRARY] = "library", [GROUP_REGION] = "region",
};

typedef struct fuse_printer {
    strbuf *b;
    const fusion *f;
    const char *const *names; /* value -> its name in the graph's text */
} fuse_printer;

/* The axes of a group's domain with their extents: those that it keeps, or those that it reduces. */
static void print_axes(const fuse_printer *p, const group *gr, bool is_reduced) {
    dim_table *t = p->f->g->dims;
    const char *lead = is_reduced ? " reducing " : " over ";
    for (uint32_t i = 0; i < gr->rank; i++) {
        sym_id s;
        if (((gr->reduced >> i) & 1) != is_reduced || !dim_is_sym(t, gr->axes[i], &s)) continue;
        strbuf_printf(p->b, "%s%s < ", lead, dim_sym_info(t, s)->name);
        dim_print(p->b, t, dim_sym_info(t, s)->extent);
        lead = ", ";
    }
}

static void print_node_line(const fuse_printer *p, const char *lead, node_id id) {
    const graph *g = p->f->g;
    strbuf_add(p->b, lead);
    graph_print_node(p->b, g, p->names, graph_node(g, id));
    strbuf_addc(p->b, '\n');
}

static bool is_member(const fusion *f, uint32_t id, node_id n) { return f->group_of[n] == id; }

static void print_stores(const fuse_printer *p, const group *gr) {
    for (uint32_t i = 0; i < gr->outputs.n; i++) {
        value_id v = gr->outputs.at[i], as = p->f->stored_as[v];
        strbuf_printf(p->b, "    %s %s", gr->nodes.n ? "stores" : "copies", p->names[v]);
        if (as != v) strbuf_printf(p->b, " as %s", p->names[as]);
        strbuf_addc(p->b, '\n');
    }
}

/* Where the group's steps stand, when that is not the body of the program. */
static void print_place(const fuse_printer *p, const group *gr) {
    const fusion *f = p->f;
    if (!gr->region || f->owner[gr->region] == NODE_NONE) return;
    const node *n = graph_node(f->g, f->owner[gr->region]);
    uint32_t k = 0;
    while (k + 1 < n->n_regions && n->regions[k] != gr->region) k++;
    strbuf_printf(p->b, " in region %u of %s", k, op_name(n->op));
    if (n->n_out) strbuf_printf(p->b, " %s", p->names[n->out]);
}

static void print_group(const fuse_printer *p, uint32_t id) {
    const group *gr = &p->f->groups.at[id];
    strbuf_printf(p->b, "  group %u %s", id, kind_names[gr->kind]);
    print_axes(p, gr, false);
    print_axes(p, gr, true);
    print_place(p, gr);
    if (gr->is_dissolved) strbuf_add(p->b, ", dissolved into its users");
    strbuf_add(p->b, " {\n");
    for (uint32_t i = 0; i < gr->nodes.n; i++) print_node_line(p, "    ", gr->nodes.at[i]);
    for (uint32_t i = 0; i < gr->held.n; i++)
        if (!is_member(p->f, id, gr->held.at[i])) print_node_line(p, "    along ", gr->held.at[i]);
    if (!gr->is_dissolved) print_stores(p, gr);
    strbuf_add(p->b, "  }\n");
}

void fuse_print(strbuf *b, const fusion *f) {
    fuse_printer p = {b, f, graph_print_names(b->a, f->g)};
    strbuf_printf(b, "groups @%s {\n", f->g->name);
    for (uint32_t id = 0; id < f->groups.n; id++) print_group(&p, id);
    for (uint32_t i = 0; i < f->stops.n; i++) {
        const fusion_stop *s = &f->stops.at[i];
        strbuf_printf(b, "  %u -> %u %s: %s\n", s->writer, s->reader, p.names[s->value], s->why);
    }
    strbuf_add(b, "}\n");
}
