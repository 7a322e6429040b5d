# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Protobuf wire format without a schema: just enough to find the lengths in a model file and lie about them.

A message is a list of fields [number, wire type, value]; a length-delimited value that parses as a message wholly is
taken apart too (a guess, but a wrong guess still prints back to the same bytes).
"""

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
DEEPEST = 12
LARGEST = 4096  # longer byte strings are data, not messages


def put_varint(value):
    out = bytearray()
    value &= (1 << 64) - 1
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def get_varint(data, at):
    """(value, position behind it); ValueError at the end of the data or after ten bytes."""
    value = 0
    for k in range(10):
        if at + k >= len(data):
            raise ValueError("varint cut off")
        value |= (data[at + k] & 0x7F) << (7 * k)
        if data[at + k] < 0x80:
            return value, at + k + 1
    raise ValueError("varint too long")


def parse(data, depth=0):
    """Fields of a message; ValueError when the data is no message."""
    fields, at = [], 0
    while at < len(data):
        key, at = get_varint(data, at)
        number, kind = key >> 3, key & 7
        if number == 0 or number > 64:
            raise ValueError("no such field in ONNX")
        if kind == VARINT:
            value, at = get_varint(data, at)
        elif kind in (FIXED64, FIXED32):
            size = 8 if kind == FIXED64 else 4
            value, at = data[at : at + size], at + size
        elif kind == BYTES:
            size, at = get_varint(data, at)
            value, at = data[at : at + size], at + size
            if len(value) != size:
                raise ValueError("bytes cut off")
            value = _inside(value, depth)
        else:
            raise ValueError("wire type")
        if at > len(data):
            raise ValueError("field cut off")
        fields.append([number, kind, value])
    return fields


def _inside(value, depth):
    """The fields of a nested message, or the bytes themselves when they are none."""
    if depth < DEEPEST and value and (depth == 0 or len(value) <= LARGEST):
        try:
            return parse(value, depth + 1)
        except ValueError:
            pass
    return value


def dump(fields, lie=None):
    """The message as bytes. lie = (field, length): that very field object announces this length instead of its own."""
    out = bytearray()
    for field in fields:
        number, kind, value = field
        out += put_varint(number << 3 | kind)
        if kind == VARINT:
            out += put_varint(value)
        elif kind == BYTES:
            body = dump(value, lie) if isinstance(value, list) else value
            out += put_varint(lie[1] if lie and field is lie[0] else len(body))
            out += body
        else:
            out += value
    return bytes(out)


def walk(fields):
    """Every field of the message and of the messages in it, with the list that holds it."""
    for field in fields:
        yield fields, field
        if isinstance(field[2], list):
            yield from walk(field[2])
