/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Bump allocation: everything of one compile lives in two arenas (job, scratch) and is freed at once.
 * base/arena.c is the only file of the compiler that calls malloc. Running out of memory does not return:
 * the process ends with one line on stderr and status 1, its temporary files removed. */
#ifndef FRIT_BASE_ARENA_H
#define FRIT_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

typedef struct arena_block arena_block;

/* A growing list of blocks. Not thread-safe: each compiling thread owns its own. */
typedef struct arena {
    arena_block *top;   /* newest block, NULL when empty */
    size_t total_bytes; /* bytes handed out since init, for --time-passes and tests */
} arena;

/* A position to go back to (see arena_release). */
typedef struct arena_mark {
    arena_block *top;
    size_t used;
} arena_mark;

void arena_init(arena *a);
void arena_fini(arena *a); /* frees every block; the arena is empty and usable afterwards */

/* Zeroed memory aligned to 16 bytes; never NULL (the process ends with one line and status 1 when the
 * system has no memory left). */
void *arena_alloc(arena *a, size_t bytes);
void *arena_alloc_aligned(arena *a, size_t bytes, size_t align);
/* The same for sizes that a user's model asks for: NULL when there is no memory, for a message that says what for. */
void *arena_try_alloc(arena *a, size_t bytes, size_t align);
/* Copy of old[0..old_bytes) in new_bytes zero-filled memory; grows in place when old is the newest allocation. */
void *arena_grow(arena *a, const void *old, size_t old_bytes, size_t new_bytes);
void *arena_copy(arena *a, const void *src, size_t bytes);
char *arena_strdup(arena *a, const char *s);
char *arena_strndup(arena *a, const char *s, size_t n); /* copies n bytes and terminates */
char *arena_printf(arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(arena *a, const char *fmt, va_list ap);

arena_mark arena_save(const arena *a);
void arena_release(arena *a, arena_mark mark); /* drops all that was allocated since the mark */

#define ARENA_NEW(a, T)      ((T *)arena_alloc((a), sizeof(T)))
#define ARENA_ARRAY(a, T, n) ((T *)arena_alloc((a), sizeof(T) * (size_t)(n)))

/* Growable array on an arena: VEC(T) v = {0}; vec_push(a, v, x). Index v.at[i], count v.n. */
#define VEC(T)                                                                                                         \
    struct {                                                                                                           \
        T *at;                                                                                                         \
        uint32_t n, cap;                                                                                               \
    }
#define vec_push(a, v, ...)                                                                                            \
    ((v).n == (v).cap ? (void)((v).at = arena_grow((a), (v).at, (v).cap * sizeof *(v).at,                              \
                                                   ((v).cap ? (v).cap * 2u : 8u) * sizeof *(v).at),                    \
                               (v).cap = (v).cap ? (v).cap * 2u : 8u)                                                  \
                      : (void)0,                                                                                       \
     (v).at[(v).n++] = (__VA_ARGS__))

#define countof(x) (sizeof(x) / sizeof((x)[0]))

#endif
