/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Protocol-buffer wire format over memory: a cursor that never reads past its end and copies nothing. */
#ifndef FRIT_FRONTEND_ONNX_WIRE_H
#define FRIT_FRONTEND_ONNX_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A run of bytes inside the file. at is not terminated and not aligned. */
typedef struct wire_bytes {
    const uint8_t *at;
    size_t n;
} wire_bytes;

typedef enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 } wire_type;

typedef struct wire_field {
    uint32_t number;
    wire_type type;
    uint64_t value;   /* VARINT, FIXED64, FIXED32 */
    wire_bytes bytes; /* BYTES */
} wire_field;

typedef struct wire_reader {
    const uint8_t *at, *end;
    bool bad; /* malformed: a length or number that leaves the message, an unknown wire type */
} wire_reader;

wire_reader wire_open(wire_bytes message);
/* Next field; false at the end or when the message is malformed (then r->bad). */
bool wire_next(wire_reader *r, wire_field *out);
bool wire_varint(wire_reader *r, uint64_t *out);

/* Repeated scalars come packed (one BYTES field) or one field each. The count of elements in field f, when each takes
 * `bytes` (0: varints); -1 when f does not hold whole elements. */
int64_t wire_count(const wire_field *f, unsigned bytes);
/* Calls for each: wire_elements opens a reader over f's elements, wire_element takes the next. */
typedef struct wire_list {
    wire_reader r;
    unsigned bytes;
    bool single; /* the field is one element */
    uint64_t value;
} wire_list;
wire_list wire_elements(const wire_field *f, unsigned bytes);
bool wire_element(wire_list *l, uint64_t *out);

#endif
