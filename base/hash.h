/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* SHA-256 (FIPS 180-4): content hashes of kernels, artifacts and outputs. */
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

#endif
