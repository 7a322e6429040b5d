/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* SHA-256 (FIPS 180-4): content hashes of kernels, artifacts and outputs. And a fast hash that notices damage to large
 * files at the speed of reading them. */
#ifndef FRIT_BASE_HASH_H
#define FRIT_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

typedef struct sha256 {
    uint32_t h[8];
    uint64_t bytes;
    uint8_t block[64];
} sha256;
void sha256_init(sha256 *s);
void sha256_add(sha256 *s, const void *p, size_t n);
void sha256_done(sha256 *s, uint8_t out[32]);
void sha256_hex(const uint8_t digest[32], char out[65]);

/* content.c. A hash of 64 bits, the same on every machine that artifacts exist for, for noticing damage: not against
 * forgery. A change within 8 bytes that begin at a multiple of 8 is always noticed, any other with a chance of 1 - 2^-64.
 * Blocks are hashed by themselves, so that threads can share the work; the hash of the whole is that of their hashes. */
enum { CONTENT_BLOCK_BYTES = 1 << 20, CONTENT_LANES = 8 };
uint64_t content_id(const void *p, uint64_t n);
/* The same from its parts: the hash of block i, which begins at i * CONTENT_BLOCK_BYTES and has n bytes, and the hash of
 * all blocks' hashes. total: bytes of all blocks. */
uint64_t content_block_id(const void *p, size_t n);
uint64_t content_join(const uint64_t *block_ids, uint64_t total);
/* The same from bytes that come one after the other, in pieces of any size. */
typedef struct content_hash {
    uint64_t lanes[CONTENT_LANES]; /* of the block in progress */
    uint64_t id, bytes;            /* of whole blocks; of all */
    uint8_t stripe[8 * CONTENT_LANES];
} content_hash;
void content_init(content_hash *s);
void content_add(content_hash *s, const void *p, size_t n);
uint64_t content_done(content_hash *s);

#endif
