/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Open addressing over a table of entry numbers; entries stay in insertion order. */
#include "base/map.h"

#include <string.h>

enum { FIRST_SLOTS = 16 };

/* splitmix64's finaliser. */
static uint64_t mix(uint64_t x) {
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

uint64_t hash_bytes(const void *p, size_t n, uint64_t seed) {
    const uint8_t *in = p;
    uint64_t h = mix(seed + 0x9e3779b97f4a7c15u + n);
    for (; n >= 8; in += 8, n -= 8) {
        uint64_t word = 0;
        for (int i = 0; i < 8; i++) word |= (uint64_t)in[i] << (8 * i); /* one load on little-endian machines */
        h = mix(h ^ word);
    }
    uint64_t tail = 0;
    for (size_t i = 0; i < n; i++) tail |= (uint64_t)in[i] << (8 * i);
    return mix(h ^ tail);
}

/* The slot that holds key, or the free slot where it would go. */
static uint32_t slot_of(const map *m, const void *key, size_t key_bytes, uint64_t hash) {
    uint32_t mask = m->n_slots - 1;
    for (uint32_t s = (uint32_t)hash & mask;; s = (s + 1) & mask) {
        if (m->slots[s] == 0) return s;
        const map_entry *e = &m->entries[m->slots[s] - 1];
        bool same = e->hash == hash && e->key_bytes == key_bytes && (!key_bytes || !memcmp(e->key, key, key_bytes));
        if (same) return s;
    }
}

static void rehash(map *m, uint32_t n_slots) {
    m->n_slots = n_slots;
    m->slots = ARENA_ARRAY(m->a, uint32_t, n_slots);
    for (uint32_t i = 0; i < m->n; i++) {
        uint32_t s = (uint32_t)m->entries[i].hash & (n_slots - 1);
        while (m->slots[s]) s = (s + 1) & (n_slots - 1);
        m->slots[s] = i + 1;
    }
}

bool map_get(const map *m, const void *key, size_t key_bytes, uint32_t *out) {
    if (m->n == 0) return false;
    uint32_t s = slot_of(m, key, key_bytes, hash_bytes(key, key_bytes, 0));
    if (m->slots[s] == 0) return false;
    *out = m->entries[m->slots[s] - 1].value;
    return true;
}

void map_set(map *m, const void *key, size_t key_bytes, uint32_t value) {
    if (m->n_slots == 0) rehash(m, FIRST_SLOTS);
    uint64_t hash = hash_bytes(key, key_bytes, 0);
    uint32_t s = slot_of(m, key, key_bytes, hash);
    if (m->slots[s]) {
        m->entries[m->slots[s] - 1].value = value;
        return;
    }
    if (m->n == m->cap) {
        uint32_t cap = m->cap ? m->cap * 2 : FIRST_SLOTS / 2;
        m->entries = arena_grow(m->a, m->entries, m->cap * sizeof *m->entries, cap * sizeof *m->entries);
        m->cap = cap;
    }
    m->entries[m->n] = (map_entry){arena_copy(m->a, key, key_bytes), (uint32_t)key_bytes, value, hash};
    m->slots[s] = ++m->n;
    if (m->n > m->n_slots / 4 * 3) rehash(m, m->n_slots * 2);
}

bool map_get_str(const map *m, const char *key, uint32_t *out) { return map_get(m, key, strlen(key), out); }

void map_set_str(map *m, const char *key, uint32_t value) { map_set(m, key, strlen(key), value); }
