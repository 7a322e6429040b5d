/* What a program being recorded is: a graph, its memory, and what the compiler attached to it. Public side: frit.h. */
#ifndef FRIT_FRONTEND_TRACE_TRACE_H
#define FRIT_FRONTEND_TRACE_TRACE_H

#include "frit.h"
#include "ir/graph.h"

struct frit_program {
    arena job, scratch;
    cx c; /* holds the first error */
    graph *g;
    /* Compiled code, made and closed by driver/program.c; NULL before. */
    void *code;
    void (*close_code)(void *code);
};

#endif
