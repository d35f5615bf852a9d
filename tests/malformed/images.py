# SPDX-License-Identifier: MIT
"""Images that are none, cut, too large, or of a kind that is not read; and names in machine output."""
import csv
import io
import json
import os
import struct
import zlib

import wire as w
from cases import Case

NET = b"input x 3x8x8\nglobalavgpool\nflatten\n"


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, bits=8, colour=2, data=None, before=b""):
    rows = zlib.compress(b"\0" * ((3 * width + 1) * height)) if data is None else data
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + before + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


GOOD = png(4, 4)
SOF = b"\xff\xd8\xff\xc0\0\x11\x08%s%s\3\1\x11\0\2\x11\0\3\x11\0"


def image(name, data, message, status=3, path="i.png", **kw):
    files = {"m.net": NET}
    if data is not None:
        files[path] = data
    return Case("image_" + name, status, message, files=files,
                command=["classify", "-m", "m.net", "--preset", "torchvision", path], **kw)


def pictures():
    jpeg = lambda height, width: SOF % (struct.pack(">H", height), struct.pack(">H", width)) + b"\xff\xd9"
    for name, data, words, *rest in [
            ("empty", b"", r"i\.png: empty"),
            ("text", b"hello", r"i\.png: neither a JPEG nor a PNG image"),
            ("gif", b"GIF89a\4\0\4\0\0\0\0", r"i\.png: GIF image; JPEG and PNG are read", 4),
            ("missing", None, r"cannot open 'i\.png'"),
            ("png_signature_only", GOOD[:8], r"i\.png: PNG: ends early, after 8 bytes"),
            ("png_cut", GOOD[:-20], r"i\.png: PNG: ends early, after \d+ bytes"),
            ("png_checksum", GOOD.replace(b"IDAT", b"IDAU"), r"i\.png: PNG: .*"),
            ("png_no_pixels", png(0, 4, data=b""), r"i\.png: PNG: "),
            ("png_three_bits", png(4, 4, bits=3, data=b""), r"i\.png: PNG: "),
            ("png_2_31", png((1 << 31) - 1, (1 << 31) - 1, data=b""), r"2147483647 x 2147483647 are more than the limit of \d+ pixels", 4),
            ("png_144_megapixels", png(12000, 12000, data=b""), r"i\.png: out of memory.*needs at least \d.* MiB, --max-mem is 256 MiB", 5),
            ("png_too_few_rows", png(64, 64, data=zlib.compress(b"\0" * 100)), r"i\.png: PNG: "),
            ("png_text_bomb", png(4, 4, before=chunk(b"zTXt", b"k\0\0" + zlib.compress(b"A" * (1 << 26), 9)), data=b""), r"i\.png: PNG: "),
            ("jpeg_marker_only", b"\xff\xd8\xff", r"i\.jpg: JPEG: |i\.jpg: neither", 3, "i.jpg"),
            ("jpeg_no_scan", jpeg(16, 16), r"i\.jpg: JPEG: .*SOS", 3, "i.jpg"),
            ("jpeg_65535_square", jpeg(65535, 65535), r"i\.jpg: (JPEG: |65535 x 65535)", 3, "i.jpg")]:
        status, path = (list(rest) + [3, "i.png"][len(rest):])
        yield image(name, data, words, status, path)
    yield image("is_folder", None, r"no images|no image|directory", prepare=lambda root: os.mkdir(os.path.join(root, "i.png")))
    yield image("is_pipe", None, r"pipe", prepare=lambda root: os.mkfifo(os.path.join(root, "i.png")))


EVIL = [("escape", b"a\x1b[31m\x07"), ("newline", b"a\nb\r"), ("quote", b'a"\\,;\''), ("not_utf8", b"a\xff\xc0\x80"),
        ("bidi", "a\u202eb".encode()), ("formula", b"=1+1"), ("html", b"<script>alert(1)</script>"), ("long", b"n" * 20000)]


def is_json(text):
    json.loads(text)


def is_csv(text):
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    if len(rows) != 2 or len(rows[0]) != len(rows[1]):
        raise ValueError("%d rows" % len(rows))


def machine_output():
    """Names from files in JSON and CSV: well-formed whatever the name is."""
    for name, text in EVIL:
        g = w.graph(nodes=[w.relu("x", "y", name=text)]).replace(w.raw(w.GRAPH_NAME, "g"), w.raw(w.GRAPH_NAME, text))
        files = {"m.onnx": w.model(g)}
        for form, arguments in [("analyze", ["analyze", "m.onnx", "--json", "-"]), ("check", ["check", "m.onnx", "--json", "-"]),
                                ("bench", ["bench", "m.onnx", "--iters", "1", "--json", "-"])]:
            yield Case("json_%s_%s" % (form, name), 0, r'"schema"', files=files, command=arguments, one_line=False, valid=is_json)
        yield Case("csv_" + name, 0, r"\bRelu\b", files=files, command=["analyze", "m.onnx", "--csv", "-"], one_line=False, valid=is_csv)


def cases():
    yield from pictures()
    yield from machine_output()
