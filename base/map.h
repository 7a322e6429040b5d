/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Hash maps on an arena, iteration in insertion order (so that nothing depends on addresses). */
#ifndef FRIT_BASE_MAP_H
#define FRIT_BASE_MAP_H

#include <stdbool.h>

#include "base/arena.h"

/* bytes -> u32. Keys are copied into the arena. Zero-initialise with the arena set: map m = {.a = arena}. */
typedef struct map_entry {
    const void *key;
    uint32_t key_bytes;
    uint32_t value;
    uint64_t hash;
} map_entry;
typedef struct map {
    arena *a;
    map_entry *entries; /* in insertion order */
    uint32_t n, cap;
    uint32_t *slots; /* entry index + 1, 0 when free */
    uint32_t n_slots;
} map;

bool map_get(const map *m, const void *key, size_t key_bytes, uint32_t *out);
void map_set(map *m, const void *key, size_t key_bytes, uint32_t value); /* inserts or overwrites */
bool map_get_str(const map *m, const char *key, uint32_t *out);
void map_set_str(map *m, const char *key, uint32_t value);
uint64_t hash_bytes(const void *p, size_t n, uint64_t seed); /* same on every machine; not for hostile collisions */

#endif
