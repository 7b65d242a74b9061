# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Arrow columns without an Arrow library: the capsules are made by hand here, with ctypes."""

import ctypes
import struct

import numpy as np
import pytest

import distillwatch as dw

KEY = b"0123456789abcdef"


class ArrowSchema(ctypes.Structure):
    pass


class ArrowArray(ctypes.Structure):
    pass


class ArrowStream(ctypes.Structure):
    pass


P = ctypes.POINTER
RELEASE_SCHEMA = ctypes.CFUNCTYPE(None, P(ArrowSchema))
RELEASE_ARRAY = ctypes.CFUNCTYPE(None, P(ArrowArray))
ArrowSchema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_char_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.c_void_p),
    ("dictionary", P(ArrowSchema)),
    ("release", RELEASE_SCHEMA),
    ("private_data", ctypes.c_void_p),
]
ArrowArray._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", P(ctypes.c_void_p)),
    ("children", ctypes.c_void_p),
    ("dictionary", P(ArrowArray)),
    ("release", RELEASE_ARRAY),
    ("private_data", ctypes.c_void_p),
]
GET_SCHEMA = ctypes.CFUNCTYPE(ctypes.c_int, P(ArrowStream), P(ArrowSchema))
GET_NEXT = ctypes.CFUNCTYPE(ctypes.c_int, P(ArrowStream), P(ArrowArray))
LAST_ERROR = ctypes.CFUNCTYPE(ctypes.c_void_p, P(ArrowStream))
RELEASE_STREAM = ctypes.CFUNCTYPE(None, P(ArrowStream))
ArrowStream._fields_ = [
    ("get_schema", GET_SCHEMA),
    ("get_next", GET_NEXT),
    ("get_last_error", LAST_ERROR),
    ("release", RELEASE_STREAM),
    ("private_data", ctypes.c_void_p),
]
new_capsule = ctypes.pythonapi.PyCapsule_New
new_capsule.restype = ctypes.py_object
new_capsule.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]


class Column:
    """A column in Arrow's memory, handed over as an array or as a stream of chunks."""

    def __init__(self, format, chunks, words=None, fails=None):
        self.format, self.chunks, self.words, self.fails = format, chunks, words, fails
        self.kept, self.released = [], 0

    def keep(self, thing):
        self.kept.append(thing)
        return thing

    def schema(self, into=None):
        out = into if into is not None else self.keep(ArrowSchema())  # keeps what C only points to
        out.format = self.keep(self.format.encode())
        out.name = b"column"

        def release(schema):
            schema.contents.release = RELEASE_SCHEMA()
            self.released += 1

        out.release = self.keep(RELEASE_SCHEMA(release))
        if self.words is not None:
            out.dictionary = ctypes.pointer(self.keep(Column("u", [])).schema())
        return out

    def array(self, chunk, into=None, format=None):
        format = format or self.format
        values, offset = chunk
        out = into if into is not None else self.keep(ArrowArray())
        buffers = self.layout(format, values)
        pointers = self.keep((ctypes.c_void_p * len(buffers))())
        for i, buffer in enumerate(buffers):
            if buffer is not None:
                block = self.keep(ctypes.create_string_buffer(buffer, max(1, len(buffer))))
                pointers[i] = ctypes.addressof(block)
        out.length, out.offset, out.n_buffers = len(values) - offset, offset, len(buffers)
        out.null_count = sum(v is None for v in values)
        out.buffers = pointers

        def release(array):
            array.contents.release = RELEASE_ARRAY()
            self.released += 1

        out.release = self.keep(RELEASE_ARRAY(release))
        if self.words is not None and format == self.format:
            out.dictionary = ctypes.pointer(self.array((self.words, 0), format="u"))
        return out

    @staticmethod
    def layout(format, values):
        valid = bytearray((len(values) + 7) // 8)
        for i, v in enumerate(values):
            valid[i // 8] |= (v is not None) << (i % 8)
        validity = bytes(valid) if any(v is None for v in values) else None
        if format in ("u", "z", "U", "Z"):
            texts = [v or b"" for v in values]
            ends = np.cumsum([0, *map(len, texts)])
            return [
                validity,
                ends.astype("i4" if format.islower() else "i8").tobytes(),
                b"".join(texts),
            ]
        if format in ("vu", "vz"):
            views, data = b"", b""
            for v in values:
                v = v or b""
                if len(v) <= 12:
                    views += struct.pack("<i12s", len(v), v)
                else:
                    views += struct.pack("<i4sii", len(v), v[:4], 0, len(data))
                    data += v
            return [validity, views, data, struct.pack("<q", len(data))]
        kind = {"g": "f8", "f": "f4", "l": "i8", "i": "i4", "c": "i1", "S": "u2"}.get(format, "i8")
        return [validity, np.array([0 if v is None else v for v in values], kind).tobytes()]

    def __arrow_c_stream__(self, requested_schema=None):
        left = list(self.chunks)

        def get_next(_, into):
            if self.fails:
                return 5
            if left:
                self.array(left.pop(0), into.contents)
            else:
                into.contents.release = RELEASE_ARRAY()
            return 0

        def get_schema(_, into):
            self.schema(into.contents)
            return 0

        def release(stream):
            stream.contents.release = RELEASE_STREAM()
            self.released += 1

        stream = self.keep(ArrowStream())
        stream.get_schema = self.keep(GET_SCHEMA(get_schema))
        stream.get_next = self.keep(GET_NEXT(get_next))
        why = self.keep(ctypes.create_string_buffer(self.fails or b""))
        stream.get_last_error = self.keep(LAST_ERROR(lambda _: ctypes.addressof(why)))
        stream.release = self.keep(RELEASE_STREAM(release))
        return new_capsule(ctypes.addressof(stream), b"arrow_array_stream", None)


class OneArray(Column):
    """Offers __arrow_c_array__ alone."""

    def __arrow_c_array__(self, requested_schema=None):
        return (
            new_capsule(ctypes.addressof(self.schema()), b"arrow_schema", None),
            new_capsule(ctypes.addressof(self.array(self.chunks[0])), b"arrow_array", None),
        )


TEXTS = [
    b"alpha",
    b"",
    "h\u00e9llo \u4e16\u754c".encode(),
    b"a text of more than twelve bytes",
    b"\xff\xfe",
    b"x" * 40,
]
SPREAD = [TEXTS[i % len(TEXTS)] for i in range(30)]


def expected(texts):
    return dw.Monitor(key=KEY).observe_many("a", np.arange(float(len(texts))), texts)


@pytest.mark.parametrize("format", ["u", "U", "z", "Z", "vu", "vz"])
def test_texts_are_read_where_they_lie(format):
    column = Column(format, [(SPREAD[:7], 0), ([], 0), ([b"skipped", *SPREAD[7:]], 1)])
    monitor = dw.Monitor(key=KEY)
    rows = monitor.observe_many("a", np.arange(30.0), column)
    assert (rows == expected(SPREAD)).all()
    assert monitor.statistics.empty_prompts > 0
    assert column.released == 5  # stream, schema, three chunks
    whole = OneArray(format, [(SPREAD, 0)])
    assert (dw.Monitor(key=KEY).observe_many("a", np.arange(30.0), whole) == expected(SPREAD)).all()
    assert whole.released == 2
    s = dw.signatures(Column(format, [(SPREAD, 0)]), key=KEY)
    assert (s == dw.signatures(SPREAD, key=KEY)).all()


@pytest.mark.parametrize("format", ["u", "vu"])
def test_nulls_are_missing(format):
    texts = [b"a", None, b"b"]
    monitor = dw.Monitor(key=KEY)
    monitor.observe_many("a", np.arange(3.0), Column(format, [(texts, 0)]))
    assert monitor.statistics.empty_prompts == 1
    with pytest.raises(ValueError, match=r"accounts\[1\] is missing"):
        monitor.observe_many(Column(format, [(texts, 0)]), np.arange(3.0), "x")


@pytest.mark.parametrize("format", ["c", "S", "i", "l"])
def test_dictionaries_are_followed(format):
    column = Column(format, [([0, 1, None, 1], 0), ([2], 0)], words=[b"a", b"b", b"c"])
    monitor = dw.Monitor(key=KEY)
    with pytest.raises(ValueError, match=r"accounts\[2\] is missing"):
        monitor.observe_many(column, np.arange(5.0), "x")
    monitor.observe_many(
        Column(format, [([0, 1, 1, 2], 1)], words=[b"a", b"b", b"c"]), np.arange(3.0), "x"
    )
    assert monitor.explain("b").requests == 2 and monitor.explain("c").requests == 1
    with pytest.raises(ValueError, match="index beyond its words"):
        monitor.observe_many(Column(format, [([7], 0)], words=[b"a"]), [1.0], "x")


@pytest.mark.parametrize(
    "format, values",
    [
        ("tss:", [5, 6]),
        ("tsm:UTC", [5000, 6000]),
        ("tsu:UTC", [5_000_000, 6_000_000]),
        ("tsn:Asia/Tokyo", [5_000_000_000, 6_000_000_000]),
        ("g", [5.0, 6.0]),
        ("f", [5.0, 6.0]),
        ("l", [5, 6]),
        ("i", [5, 6]),
    ],
)
def test_times(format, values):
    assert dw._core.microseconds(Column(format, [(values, 0)])).tolist() == [5_000_000, 6_000_000]
    with pytest.raises(ValueError, match=r"times\[1\] is missing"):
        dw._core.microseconds(Column(format, [([values[0], None], 0)]))


def test_wild_times_do_not_overflow():
    assert dw._core.microseconds(Column("tss:", [([2**62, -(2**62)], 0)])).tolist() == [
        9 * 10**18,
        -9 * 10**18,
    ]
    assert dw._core.microseconds(Column("tsn:", [([-1], 0)])).tolist() == [-1]
    with pytest.raises(ValueError, match="nan"):
        dw._core.microseconds(Column("g", [([float("nan")], 0)]))


def test_what_is_not_understood_is_said():
    monitor = dw.Monitor(key=KEY)
    with pytest.raises(ValueError, match="prompts is an Arrow column of type 'g'"):
        monitor.observe_many("a", [1.0], Column("g", [([1.0], 0)]))
    with pytest.raises(TypeError, match="prompts is a table; give one of its columns"):
        monitor.observe_many("a", [1.0], Column("+s", [([1.0], 0)]))
    with pytest.raises(ValueError, match="times is an Arrow column of type 'u'"):
        monitor.observe_many("a", Column("u", [([b"x"], 0)]), "x")
    with pytest.raises(ValueError, match="prompts: disk on fire"):
        monitor.observe_many("a", [1.0], Column("u", [], fails=b"disk on fire"))


def test_a_capsule_serves_once():
    class Reused:
        def __init__(self):
            self.capsule = Column("u", [([b"x"], 0)])
            self.made = self.capsule.__arrow_c_stream__()

        def __arrow_c_stream__(self, requested_schema=None):
            return self.made

    reused = Reused()
    dw.Monitor(key=KEY).observe_many("a", [1.0], reused)
    with pytest.raises(ValueError, match="used before"):
        dw.Monitor(key=KEY).observe_many("a", [1.0], reused)
