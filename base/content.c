/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A fast hash of large content.
 *
 * A block is read in stripes of 8 words. Word i goes into lane i: exclusive or, rotation, multiplication by an odd
 * number, each of them one-to-one, so a changed word changes its lane whatever follows. The lanes do not wait for each
 * other, so the multiplier is busy in every cycle. At the end of the block the lanes are joined by hash_bytes, which is
 * one-to-one in each word, too. */
#include <string.h>

#include "base/hash.h"
#include "base/map.h"

enum { STRIPE_BYTES = 8 * CONTENT_LANES };

static void lanes_start(uint64_t lanes[CONTENT_LANES]) {
    for (uint64_t i = 0; i < CONTENT_LANES; i++) lanes[i] = (i + 1) * 0x9e3779b97f4a7c15u;
}

/* Words are little-endian, as all machines are that artifacts exist for. */
static void add_stripes(uint64_t lanes[CONTENT_LANES], const uint8_t *p, size_t n_stripes) {
    uint64_t a[CONTENT_LANES], words[CONTENT_LANES];
    memcpy(a, lanes, sizeof a);
    for (; n_stripes; n_stripes--, p += STRIPE_BYTES) {
        memcpy(words, p, sizeof words);
        for (int i = 0; i < CONTENT_LANES; i++) {
            uint64_t x = a[i] ^ words[i];
            a[i] = (x << 29 | x >> 35) * 0xbf58476d1ce4e5b9u;
        }
    }
    memcpy(lanes, a, sizeof a);
}

/* Adds what is left of a block, filled up by zeros, and gives the block's hash. n: bytes of the block. */
static uint64_t block_end(uint64_t lanes[CONTENT_LANES], const uint8_t *rest, size_t n) {
    uint8_t last[STRIPE_BYTES] = {0};
    size_t n_rest = n % STRIPE_BYTES;
    if (n_rest) {
        memcpy(last, rest, n_rest);
        add_stripes(lanes, last, 1);
    }
    return hash_bytes(lanes, CONTENT_LANES * sizeof *lanes, n);
}

uint64_t content_block_id(const void *p, size_t n) {
    uint64_t lanes[CONTENT_LANES];
    lanes_start(lanes);
    add_stripes(lanes, p, n / STRIPE_BYTES);
    return block_end(lanes, (const uint8_t *)p + n / STRIPE_BYTES * STRIPE_BYTES, n);
}

static uint64_t join(uint64_t id, uint64_t of_block) { return hash_bytes(&of_block, sizeof of_block, id); }

uint64_t content_join(const uint64_t *block_ids, uint64_t total) {
    uint64_t id = 0;
    for (uint64_t at = 0; at < total; at += CONTENT_BLOCK_BYTES) id = join(id, block_ids[at / CONTENT_BLOCK_BYTES]);
    return join(id, total);
}

uint64_t content_id(const void *p, uint64_t n) {
    uint64_t id = 0;
    for (uint64_t at = 0; at < n; at += CONTENT_BLOCK_BYTES) {
        uint64_t left = n - at;
        size_t n_block = left < CONTENT_BLOCK_BYTES ? (size_t)left : CONTENT_BLOCK_BYTES;
        id = join(id, content_block_id((const uint8_t *)p + at, n_block));
    }
    return join(id, n);
}

void content_init(content_hash *s) {
    *s = (content_hash){0};
    lanes_start(s->lanes);
}

void content_add(content_hash *s, const void *p, size_t n) {
    const uint8_t *in = p;
    while (n) {
        size_t in_block = (size_t)(s->bytes % CONTENT_BLOCK_BYTES), filled = in_block % STRIPE_BYTES;
        size_t room = (filled || n < STRIPE_BYTES ? STRIPE_BYTES : CONTENT_BLOCK_BYTES - in_block) - filled;
        size_t take = n < room ? n : room;
        if (filled || take < STRIPE_BYTES) {
            memcpy(s->stripe + filled, in, take);
            if (filled + take == STRIPE_BYTES) add_stripes(s->lanes, s->stripe, 1);
        } else {
            take -= take % STRIPE_BYTES;
            add_stripes(s->lanes, in, take / STRIPE_BYTES);
        }
        s->bytes += take, in += take, n -= take;
        if (s->bytes % CONTENT_BLOCK_BYTES) continue;
        s->id = join(s->id, block_end(s->lanes, NULL, CONTENT_BLOCK_BYTES));
        lanes_start(s->lanes);
    }
}

uint64_t content_done(content_hash *s) {
    size_t n = (size_t)(s->bytes % CONTENT_BLOCK_BYTES);
    if (n) s->id = join(s->id, block_end(s->lanes, s->stripe, n));
    return join(s->id, s->bytes);
}
