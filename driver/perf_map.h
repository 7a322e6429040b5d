/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Symbols for tools that do not read those of the artifact itself. */
#ifndef FRIT_DRIVER_PERF_MAP_H
#define FRIT_DRIVER_PERF_MAP_H

#include "base/diag.h"

/* Writes a line "START SIZE NAME" (numbers in hexadecimal) for every function in the artifact's file, at the addresses
 * where this process has loaded it. inside: any address of it. path "": /tmp/perf-PID.map, where perf looks for it.
 * Errors: FRIT_IO; FRIT_FORMAT when the file has no symbols. */
frit_status perf_map_write(cx *c, const char *artifact, const void *inside, const char *path);

#endif
