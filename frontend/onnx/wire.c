/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reader of the protocol-buffer wire format (protobuf.dev/programming-guides/encoding). Groups, which ONNX never uses,
 * are malformed here. */
#include "frontend/onnx/wire.h"

#include <string.h>

wire_reader wire_open(wire_bytes message) { return (wire_reader){.at = message.at, .end = message.at + message.n}; }

static bool fail(wire_reader *r) {
    r->bad = true;
    r->at = r->end;
    return false;
}

bool wire_varint(wire_reader *r, uint64_t *out) {
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (r->at == r->end) return fail(r);
        uint8_t byte = *r->at++;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) return *out = v, true;
    }
    return fail(r);
}

static bool fixed(wire_reader *r, size_t n, uint64_t *out) {
    if ((size_t)(r->end - r->at) < n) return fail(r);
    *out = 0;
    memcpy(out, r->at, n);
    r->at += n;
    return true;
}

static bool take_bytes(wire_reader *r, wire_bytes *out) {
    uint64_t n;
    if (!wire_varint(r, &n)) return false;
    if (n > (uint64_t)(r->end - r->at)) return fail(r);
    *out = (wire_bytes){r->at, (size_t)n};
    r->at += n;
    return true;
}

bool wire_next(wire_reader *r, wire_field *out) {
    uint64_t key;
    if (r->at == r->end || !wire_varint(r, &key)) return false;
    *out = (wire_field){.number = (uint32_t)(key >> 3), .type = (wire_type)(key & 7)};
    if (key >> 3 == 0 || key >> 32) return fail(r);
    switch (out->type) {
    case WIRE_VARINT:
        return wire_varint(r, &out->value);
    case WIRE_FIXED64:
        return fixed(r, 8, &out->value);
    case WIRE_FIXED32:
        return fixed(r, 4, &out->value);
    case WIRE_BYTES:
        return take_bytes(r, &out->bytes);
    }
    return fail(r);
}

int64_t wire_count(const wire_field *f, unsigned bytes) {
    wire_type alone = bytes == 0 ? WIRE_VARINT : bytes == 4 ? WIRE_FIXED32 : WIRE_FIXED64;
    if (f->type == alone) return 1;
    if (f->type != WIRE_BYTES) return -1;
    if (bytes) return f->bytes.n % bytes ? -1 : (int64_t)(f->bytes.n / bytes);
    int64_t n = 0;
    wire_reader r = wire_open(f->bytes);
    for (uint64_t v; r.at != r.end && wire_varint(&r, &v);) n++;
    return r.bad ? -1 : n;
}

wire_list wire_elements(const wire_field *f, unsigned bytes) {
    if (f->type != WIRE_BYTES) return (wire_list){.single = true, .value = f->value};
    return (wire_list){.r = wire_open(f->bytes), .bytes = bytes};
}

bool wire_element(wire_list *l, uint64_t *out) {
    if (l->single) {
        l->single = false;
        *out = l->value;
        return true;
    }
    if (l->r.at == l->r.end) return false;
    return l->bytes ? fixed(&l->r, l->bytes, out) : wire_varint(&l->r, out);
}
