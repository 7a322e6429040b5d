/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The linker, in process. */
#ifndef FRIT_CODEGEN_LINK_LLD_H
#define FRIT_CODEGEN_LINK_LLD_H

#include "base/diag.h"

/* Links as `ld.lld ARGS...` would (args without the program name). Callable again and from any thread; calls take
 * turns. Errors: FRIT_IO when the output cannot be written, else FRIT_INTERNAL, since frit makes both the objects and
 * the arguments; the message holds LLD's first complaint. */
frit_status lld_link(cx *c, const char *output, const char *const *args, size_t n_args);

/* frit's runtime (runtime/ and base/ compiled for artifacts) as the bytes of an `ar` archive, linked into frit. */
extern const unsigned char runtime_archive[], runtime_archive_end[];

#endif
