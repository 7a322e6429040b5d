/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Status codes shared by libfrit and by every artifact. Only <stdint.h>-free C: usable from C++ and through FFI.
 * One row per code: name, text. The text is what frit_status_text() returns. */
#ifndef FRIT_STATUS_H
#define FRIT_STATUS_H

#define FRIT_STATUS_LIST(X)                                                                                            \
    X(OK, "ok")                                                                                                        \
    X(USAGE, "wrong usage")                                                                                            \
    X(IO, "file could not be read or written")                                                                         \
    X(FORMAT, "malformed file")                                                                                        \
    X(UNSUPPORTED, "not supported")                                                                                    \
    X(TYPE, "wrong or disagreeing data types")                                                                         \
    X(SHAPE, "shapes disagree")                                                                                        \
    X(RANGE, "value out of range")                                                                                     \
    X(MISSING, "missing input, file or symbol")                                                                        \
    X(MEMORY, "out of memory")                                                                                         \
    X(TARGET, "this machine cannot run it")                                                                            \
    X(DEVICE, "the device reported an error")                                                                          \
    X(CANCELLED, "interrupted")                                                                                        \
    X(INTERNAL, "a bug in frit")

typedef enum frit_status {
#define FRIT_STATUS_ROW(name, text) FRIT_##name,
    FRIT_STATUS_LIST(FRIT_STATUS_ROW)
#undef FRIT_STATUS_ROW
} frit_status;

#endif
