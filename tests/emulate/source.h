/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The C++ source that runs CUDA text on the CPU: each text in a namespace of its own behind tests/emulate/cuda.h, and
 * for each of its kernels two symbols that C finds by name, where TAG is the text's: int run_TAG_KERNEL(long long
 * blocks, unsigned threads, void **params)   params: addresses of the arguments, as cuLaunchKernel takes them; 0, or 1
 * when threads wait for ever const unsigned params_TAG_KERNEL                     how many arguments it takes, all of
 * them pointers */
#ifndef FRIT_TESTS_EMULATE_SOURCE_H
#define FRIT_TESTS_EMULATE_SOURCE_H

#include <stdio.h>
#include <string.h>

#define EMULATE_COMPILER "c++ -std=c++17 -O1 -w -fPIC -shared -ffp-contract=off -I" FRIT_SOURCE

static inline void emulate_source_begin(FILE *f) { fputs("#include \"tests/emulate/cuda.h\"\n", f); }

static inline void emulate_source_add(FILE *f, const char *text, const char *tag) {
    static const char linkage[] = "extern \"C\" ", entry[] = "__global__ void __launch_bounds__(";
    fprintf(f, "namespace k%s {\n", tag);
    const char *s = text;
    for (const char *at; (at = strstr(s, linkage)); s = at + strlen(linkage)) fwrite(s, 1, (size_t)(at - s), f);
    fprintf(f, "%s}\n", s);
    for (s = text; (s = strstr(s, entry));) {
        s += strlen(entry);
        const char *name = strchr(s, '\n');
        if (!name) return;
        int n = (int)strcspn(++name, "(");
        fprintf(f,
                "static void body_%s_%.*s(void **p) { emulate_call(k%s::%.*s, p); }\n"
                "extern \"C\" const unsigned params_%s_%.*s = emulate_count(k%s::%.*s);\n"
                "extern \"C\" int run_%s_%.*s(long long blocks, unsigned threads, void **p)\n"
                "{\n    return emulate_launch(body_%s_%.*s, blocks, threads, p);\n}\n",
                tag, n, name, tag, n, name, tag, n, name, tag, n, name, tag, n, name, tag, n, name);
    }
}

#endif
