/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The machine in words, for the heads of reports. */
#include <stdio.h>
#include <string.h>

#include "base/par.h"
#include "driver/info.h"

/* The value of the first "model name : VALUE" of /proc/cpuinfo, "" when there is none. */
static const char *cpu_name(arena *a) {
    static const char key[] = "model name";
    char line[256];
    const char *found = "";
    FILE *f = fopen("/proc/cpuinfo", "r");
    while (f && !*found && fgets(line, sizeof line, f)) {
        const char *colon = str_starts(line, key) ? strchr(line, ':') : NULL;
        if (colon) found = arena_strndup(a, colon + 2, strcspn(colon + 2, "\n"));
    }
    if (f) fclose(f);
    return found;
}

const char *info_machine(arena *a) {
    const char *name = cpu_name(a);
    uint32_t n = par_default_threads();
    return arena_printf(a, "%s, %u core%s", *name ? name : "unknown CPU", n, n == 1 ? "" : "s");
}

const char *info_basis(arena *a) {
    return arena_printf(a, "one thread at %.0f GHz and %.0f GB/s", INFO_GHZ, INFO_GB_PER_S);
}
