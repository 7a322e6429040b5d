/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Attribute structs as data: copy, key and small accessors, driven by the field tables of ir/ops.h. */
#ifndef FRIT_IR_ATTRS_H
#define FRIT_IR_ATTRS_H

#include "ir/op/ops.h"

/* Bytes appended to a growing buffer on an arena. */
typedef struct key_buf {
    arena *a;
    unsigned char *at;
    size_t n, cap;
} key_buf;
void key_add(key_buf *k, const void *p, size_t n);
void key_add_u32(key_buf *k, uint32_t x);

/* Deep copy of op's attributes: lists and strings are copied, const payload bytes stay borrowed. */
void *attrs_copy(arena *a, op_code op, const void *attrs);
/* Appends bytes that are equal exactly when the attributes mean the same. Payloads above 4096 bytes compare by address.
 */
void attrs_key(key_buf *k, op_code op, const void *attrs);
bool attrs_equal(arena *scratch, op_code op, const void *x, const void *y);

/* Number of elements of a const; its bytes, or the value at an index of a dense or splat one (random: 0). */
int64_t const_count(const const_data *d);
bool const_is_splat(const const_data *d, scalar *out); /* also a dense one whose elements are all equal (up to 64) */

/* Lists on an arena. */
int_list int_list_of(arena *a, uint32_t n, const int64_t *v);
int_list int_list_fill(arena *a, uint32_t n, int64_t v);
dim_list dim_list_of(arena *a, uint32_t n, const dim *v);

#endif
