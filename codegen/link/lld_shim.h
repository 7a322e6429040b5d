/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The C face of LLD's C++ driver; lld.h is what the rest of codegen uses. */
#ifndef FRIT_CODEGEN_LINK_LLD_SHIM_H
#define FRIT_CODEGEN_LINK_LLD_SHIM_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum lld_outcome { LLD_DONE, LLD_FAILED, LLD_BROKEN /* crashed inside: this process cannot link again */ };

/* Runs `ld.lld args...` in this process, one caller at a time. What LLD says goes to messages, cut to messages_bytes
 * and always terminated; nothing is printed. */
enum lld_outcome lld_shim_run(const char *const *args, size_t n_args, char *messages, size_t messages_bytes);

#ifdef __cplusplus
}
#endif

#endif
