/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The report of --report: what became of a model. report.c gathers facts and figures, the others write them down.
 *
 *   report_fold.c    equal layers, drawn and listed once
 *   report_ideal.c   the least that a plan of this model could read and write
 *   report_text.c    for a terminal
 *   report_json.c    the form of docs/CLI.md
 *   report_html.c    one page without anything outside of it; report_graph.c and report_memory.c draw its pictures
 *
 * Figures hold for one value of each dim: its hint, else the least of its range. */
#ifndef FRIT_DRIVER_REPORT_H
#define FRIT_DRIVER_REPORT_H

#include "driver/compile.h"

typedef struct report_kernel {
    const kernel *k;
    const plan_holds *holds;
    uint32_t n_launches;
    uint32_t first_step;          /* the first one that launches it, in report.steps */
    double flops, bytes, written; /* of one launch; NaN unknown */
    double ms;                    /* predicted, of one launch */
    bool is_memory_bound;         /* by that prediction */
} report_kernel;

typedef struct report_total {
    uint32_t n_launches, n_copies;
    double flops, bytes, written, ms; /* of a whole call, copies included */
} report_total;

/* Bytes that a call moves at least. */
typedef struct report_ideal {
    double floor; /* inputs, outputs and weights once */
    /* weights once, operands and result of every product once, and one more reading for each place where a result
     * meets an earlier one (residuals): one kernel for each product, with all else fused into it */
    double products;
    uint32_t n_products;
} report_ideal;

/* n_steps steps from `first` on, n_times over. */
typedef struct report_fold {
    uint32_t first, n_steps, n_times;
} report_fold;

/* Where the report comes from. */
typedef struct report_head {
    const char *file, *flags; /* the model, what was given on the command line ("" nothing) */
} report_head;

typedef struct report {
    arena *a;
    cx *c;
    const compiled *m;
    report_head head;
    plan *p;
    int64_t *values; /* of each symbol */
    report_kernel *kernels;
    VEC(const pstep *) steps; /* those of bodies behind the step that they are in; numbered like the lives of buffers */
    VEC(bool) runs;           /* of each step: not in an alternative that these dims do not take */
    VEC(report_fold) folds;
    uint32_t *drawn; /* of each step: the one that stands for it, itself mostly */
    uint32_t *times; /* of each step: how many stand in the place of the drawn one */
    report_total total;
    report_ideal ideal;
    double *slot_at, *slot_bytes; /* of each arena slot: where it begins, how long it is */
    double arena_bytes, live_bytes, scratch_bytes, weights_bytes; /* live: the most that is in use at a step */
} report;

report *report_new(cx *c, const compiled *m, const report_head *head);
/* In the form that the name's ending asks for: .json, .html, text for any other; "" and "-" are stdout. */
frit_status report_write(cx *c, const report *r, const char *path);
/* d at the report's dims; NaN when unknown. */
double report_amount(const report *r, dim d);
double report_buffer_bytes(const report *r, pbuf_id b);
const char *report_buffer_name(const report *r, pbuf_id b);
const char *report_shape(const report *r, const pbuf *b); /* "f32[B, 64]" */
const char *report_bytes(arena *a, double bytes);         /* "1.5 MiB" */
const char *report_count(arena *a, double n);             /* "1.5 G" */
/* The model's nodes that the kernel holds, each once: "conv1 (conv), relu (max)"; "" when there is no name. */
const char *report_nodes(const report *r, const plan_holds *h);
/* One sentence. */
const char *report_stop(const report *r, const plan_stop *s);
/* Whether the step writes its argument i. */
bool report_writes(const report *r, const pstep *s, uint32_t i);

/* report_fold.c */
void report_fold_steps(report *r);
const char *report_operators_of(arena *a, const char *title);   /* the same of any title */
const char *report_operators(const report *r, const kernel *k); /* the title without the place in the model */
bool report_is_drawn(const report *r, const report_kernel *k);  /* the first of its equals */
double report_call_ms(const report *r, const report_kernel *k); /* of all launches that a drawn kernel stands for */

report_ideal report_ideal_of(const report *r);

void report_print_text(strbuf *b, const report *r);
frit_status report_print_json(cx *c, strbuf *b, const report *r);
void report_print_html(strbuf *b, const report *r);
/* One page without anything outside of it, from its head to the end of the heading; and its end. */
void report_begin_page(strbuf *b, const char *title);
void report_end_page(strbuf *b);
/* Text of a model in HTML and SVG; long names may break behind dots and the like. */
void report_escape(strbuf *b, const char *text);
void report_escape_breaking(strbuf *b, const char *text);
void report_draw_graph(strbuf *b, const report *r);
void report_draw_memory(strbuf *b, const report *r);

#endif
