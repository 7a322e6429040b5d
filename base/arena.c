/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Bump allocation in blocks. Bytes of a block above `dirty` were never handed out and are still zero from calloc, so
 * that a large fresh array costs no memset. Under AddressSanitizer each allocation is followed by a poisoned gap. */
#include "base/arena.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif
#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
enum { GAP_BYTES = 16 };
static void hide(const void *p, size_t n) { __asan_poison_memory_region(p, n); }
static void show(const void *p, size_t n) { __asan_unpoison_memory_region(p, n); }
#else
enum { GAP_BYTES = 0 };
static void hide(const void *p, size_t n) { (void)p, (void)n; }
static void show(const void *p, size_t n) { (void)p, (void)n; }
#endif

enum { FIRST_BLOCK_BYTES = 1 << 16, MAX_BLOCK_BYTES = 1 << 22, DEFAULT_ALIGN = 16 };

struct arena_block {
    arena_block *below; /* the block that was newest before this one */
    size_t used;        /* bytes of data handed out, gaps included */
    size_t dirty;       /* highest `used` ever: bytes from here on are zero */
    size_t cap;         /* bytes of data */
    _Alignas(DEFAULT_ALIGN) unsigned char data[];
};

/* Not a bug of frit's, so no abort: the command ends as for any other problem of the user's, leaving nothing behind. */
static _Noreturn void out_of_memory(size_t bytes) {
    fprintf(stderr, "frit: out of memory (%zu bytes asked for)\n", bytes);
    file_remove_temporaries();
    _exit(1);
}

/* NULL when there is no memory. */
static arena_block *block_push(arena *a, size_t at_least) {
    size_t cap = a->top ? a->top->cap * 2 : FIRST_BLOCK_BYTES;
    if (cap > MAX_BLOCK_BYTES) cap = MAX_BLOCK_BYTES;
    if (cap < at_least) cap = at_least;
    arena_block *b = calloc(1, sizeof *b + cap);
    if (!b) return NULL;
    b->below = a->top;
    b->cap = cap;
    a->top = b;
    hide(b->data, cap);
    return b;
}

static void block_pop(arena *a) {
    arena_block *b = a->top;
    a->top = b->below;
    show(b->data, b->cap);
    free(b);
}

/* Hands out data[start, start + bytes) of b, zeroed. */
static void *block_take(arena_block *b, size_t start, size_t bytes) {
    unsigned char *p = b->data + start;
    show(p, bytes);
    size_t end = start + bytes;
    if (start < b->dirty) memset(p, 0, (end < b->dirty ? end : b->dirty) - start);
    b->used = end + GAP_BYTES;
    if (b->dirty < b->used) b->dirty = b->used;
    return p;
}

void arena_init(arena *a) { *a = (arena){0}; }

void arena_fini(arena *a) {
    while (a->top) block_pop(a);
    a->total_bytes = 0;
}

/* NULL when b is none or has no room. */
static void *block_try(arena_block *b, size_t bytes, size_t align) {
    if (!b) return NULL;
    uintptr_t at = (uintptr_t)(b->data + b->used);
    size_t start = b->used + (size_t)(-at & (align - 1));
    bool has_room = start <= b->cap && b->cap - start >= bytes + GAP_BYTES;
    return has_room ? block_take(b, start, bytes) : NULL;
}

void *arena_try_alloc(arena *a, size_t bytes, size_t align) {
    if (bytes > SIZE_MAX / 4 || align > SIZE_MAX / 4) return NULL;
    void *p = block_try(a->top, bytes, align);
    if (!p) p = block_try(block_push(a, bytes + align + GAP_BYTES), bytes, align);
    if (p) a->total_bytes += bytes;
    return p;
}

void *arena_alloc_aligned(arena *a, size_t bytes, size_t align) {
    void *p = arena_try_alloc(a, bytes, align);
    if (!p) out_of_memory(bytes);
    return p;
}

void *arena_alloc(arena *a, size_t bytes) { return arena_alloc_aligned(a, bytes, DEFAULT_ALIGN); }

void *arena_grow(arena *a, const void *old, size_t old_bytes, size_t new_bytes) {
    arena_block *b = a->top;
    const unsigned char *p = old;
    bool is_newest = p && b && p >= b->data && p + old_bytes + GAP_BYTES == b->data + b->used;
    if (is_newest && new_bytes >= old_bytes && b->cap - b->used >= new_bytes - old_bytes) {
        size_t start = (size_t)(p - b->data);
        block_take(b, start + old_bytes, new_bytes - old_bytes);
        a->total_bytes += new_bytes - old_bytes;
        return b->data + start;
    }
    void *fresh = arena_alloc(a, new_bytes);
    if (old) memcpy(fresh, old, old_bytes < new_bytes ? old_bytes : new_bytes);
    return fresh;
}

void *arena_copy(arena *a, const void *src, size_t bytes) {
    void *p = arena_alloc(a, bytes);
    if (bytes) memcpy(p, src, bytes);
    return p;
}

char *arena_strndup(arena *a, const char *s, size_t n) {
    char *p = arena_alloc_aligned(a, n + 1, 1);
    if (n) memcpy(p, s, n);
    return p;
}

char *arena_strdup(arena *a, const char *s) { return arena_strndup(a, s, strlen(s)); }

char *arena_vprintf(arena *a, const char *fmt, va_list ap) {
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    size_t bytes = n < 0 ? 1 : (size_t)n + 1;
    char *p = arena_alloc_aligned(a, bytes, 1);
    if (n >= 0) vsnprintf(p, bytes, fmt, again);
    va_end(again);
    return p;
}

char *arena_printf(arena *a, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    char *p = arena_vprintf(a, fmt, ap);
    va_end(ap);
    return p;
}

arena_mark arena_save(const arena *a) { return (arena_mark){a->top, a->top ? a->top->used : 0}; }

void arena_release(arena *a, arena_mark mark) {
    while (a->top != mark.top) block_pop(a);
    if (!a->top) return;
    hide(a->top->data + mark.used, a->top->cap - mark.used);
    a->top->used = mark.used;
}
