/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the emulated NVRTC gives and the emulated driver takes as a cubin: IMAGE_MAGIC, then the CUDA text with its
 * zero. */
#ifndef FRIT_TESTS_EMULATE_IMAGE_H
#define FRIT_TESTS_EMULATE_IMAGE_H

#include <stdint.h>
#include <stdio.h>

#define IMAGE_MAGIC "frit emulated image\n"
enum { IMAGE_TAG_BYTES = 17 };

/* The name of a text: its 64-bit FNV-1a hash in hex. */
static inline void image_tag(const char *text, char out[IMAGE_TAG_BYTES]) {
    uint64_t h = 14695981039346656037u;
    for (; *text; text++) h = (h ^ (unsigned char)*text) * 1099511628211u;
    snprintf(out, IMAGE_TAG_BYTES, "%016llx", (unsigned long long)h);
}

#endif
