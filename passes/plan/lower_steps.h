/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Inside of lowering: the state that lower.c and lower_regions.c share while the plan's steps are put in order. */
#ifndef FRIT_PASSES_LOWER_STEPS_H
#define FRIT_PASSES_LOWER_STEPS_H

#include "passes/fuse/fuse.h"
#include "passes/plan/lower.h"
#include "passes/plan/titles.h"

typedef VEC(pstep) step_vec;

typedef struct lower_cx {
    cx *c;
    graph *g;
    fusion *f;
    plan *p;
    const lower_options *o;
    titles titles;
    pbuf_id *buf_of;     /* value that lives in memory -> plan buffer + 1 */
    uint32_t *kernel_of; /* group -> kernel, UINT32_MAX none */
    uint32_t *writer;    /* plan buffer -> group that writes it, GROUP_NONE none */
    uint32_t n_writers;  /* buffers that writer knows */
    step_vec *steps;     /* region -> its steps */
    uint8_t *state;      /* group -> 0 new, 1 being placed, 2 placed */
    pstep *step_of;      /* group -> its launch */
    bool *is_counted;    /* symbol -> the step that counts it is placed */
    bool *is_demanded;   /* contract -> the step that checks it is placed */
} lower_cx;

/* lower.c */
pbuf_id lower_buffer(lower_cx *x, value_id v);
/* A buffer of the arena like that of v. */
pbuf_id lower_buffer_like(lower_cx *x, value_id v);
/* Places all steps that a launch of group id, which stands in region r, has to wait for. */
frit_status lower_place_needs(lower_cx *x, uint32_t id, region_id r);
frit_status lower_place_writer(lower_cx *x, pbuf_id b, region_id r);
frit_status lower_place_group(lower_cx *x, uint32_t id);
/* Places the step, in region r or one around it, that counts symbol s. */
frit_status lower_place_count(lower_cx *x, sym_id s, region_id r);
/* Those of the symbols that n extents mention. */
frit_status lower_place_counts(lower_cx *x, uint32_t n, const dim *extents, region_id r);
/* Places the checks of region r whose symbols are counted by now. */
void lower_place_demands(lower_cx *x, region_id r);
pstep lower_copy(lower_cx *x, pbuf_id from, pbuf_id to);

/* lower_regions.c: the steps of an if or a loop, with those of its regions. */
frit_status lower_place_region(lower_cx *x, uint32_t id);

#endif
