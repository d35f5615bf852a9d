#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make the seeds of the image targets, and the list of what each of them is.

usage: make_image_corpus.py     (needs numpy and Pillow)

Writes corpus/png, corpus/jpeg and tests/data/images.txt: a line for each file with its channels,
width, height and a hash of its pixels (FNV-1a, 32 bits) as Pillow decodes it, or the status with
which it is refused. The files are kept in the tree; run this again only to change them.
"""
import io
import os
import struct
import sys
import zlib

import numpy as np
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "conformance"))
from images import chunk, jpeg, png  # noqa: E402


def fnv(data):
    h = 2166136261
    for b in data:
        h = (h ^ b) * 16777619 & 0xffffffff
    return h


def smooth(h, w, c):
    y, x = np.mgrid[0:h, 0:w]
    a = 127 + 120 * np.sin(x[..., None] / 5 + y[..., None] / 7 + np.arange(c))
    return a.astype(np.uint8)[..., 0] if c == 1 else a.astype(np.uint8)


def png_seeds():
    rng = np.random.default_rng(2013)
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
    depths = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
    for colour, c in channels.items():
        for depth in depths[colour]:
            for interlaced in (False, True):
                samples = rng.integers(0, 1 << depth, (5, 7, c))
                palette = rng.integers(0, 256, (1 << depth, 3)) if colour == 3 else None
                name = f"colour{colour}_{depth}bit" + "_interlaced" * interlaced
                yield name, png(samples, depth, colour, interlaced, palette)
    grey = rng.integers(0, 256, (5, 7, 1))
    whole = png(grey, 8, 0)
    yield "trns", png(rng.integers(0, 4, (5, 7, 1)), 2, 3, False, rng.integers(0, 256, (4, 3)), b"\0\x80")
    tiff = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    yield "exif", png(grey, 8, 0, extra=[(b"eXIf", tiff)])
    text = zlib.compress(b"a" * 100000)
    yield "chunks", png(grey, 8, 0, extra=[
        (b"gAMA", struct.pack(">I", 45455)), (b"zTXt", b"bomb\0\0" + text),
        (b"iCCP", b"profile\0\0" + zlib.compress(b"none")), (b"tIME", b"\x07\xdd\x0c\x10\0\0\0"),
        (b"abCd", b"nobody knows")])
    yield "bad_checksum", whole[:-5] + b"x" + whole[-4:]
    yield "bad_data", png(grey, 8, 0)[:33] + chunk(b"IDAT", b"\x78\x9cnothing") + chunk(b"IEND", b"")
    yield "too_little", png(grey[:3], 8, 0).replace(
        chunk(b"IHDR", struct.pack(">IIBBBBB", 7, 3, 8, 0, 0, 0, 0)),
        chunk(b"IHDR", struct.pack(">IIBBBBB", 7, 5, 8, 0, 0, 0, 0)))
    yield "no_end", whole[:-12]
    yield "cut", whole[:75]
    yield "huge", whole[:8] + chunk(b"IHDR", struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 6, 0, 0, 0)) + \
        chunk(b"IDAT", zlib.compress(b"\0"))
    yield "no_pixels", whole[:8] + chunk(b"IHDR", struct.pack(">IIBBBBB", 0, 5, 8, 0, 0, 0, 0))
    yield "bad_palette", png(rng.integers(2, 4, (5, 7, 1)), 2, 3, False, rng.integers(0, 256, (2, 3)))
    yield "signature", whole[:8]


def jpeg_seeds():
    rgb, grey = Image.fromarray(smooth(13, 18, 3)), Image.fromarray(smooth(13, 18, 1))
    cmyk = Image.fromarray(smooth(13, 18, 4), "CMYK")
    yield "444", jpeg(rgb, subsampling="4:4:4")
    yield "422", jpeg(rgb, subsampling="4:2:2")
    yield "420", jpeg(rgb, subsampling="4:2:0")
    yield "progressive", jpeg(rgb, progressive=True)
    yield "grey", jpeg(grey)
    yield "grey_progressive", jpeg(grey, progressive=True)
    yield "cmyk", jpeg(cmyk)
    yield "restart", jpeg(rgb, restart_marker_blocks=1)
    yield "comment", jpeg(rgb, comment=b"a comment")
    whole = jpeg(rgb)
    for orientation in (3, 6):
        exif = Image.Exif()
        exif[0x0112] = orientation
        yield f"exif{orientation}", jpeg(rgb, exif=exif)
    yield "rgb", jpeg(rgb, keep_rgb=True)
    yield "no_end", whole[:-2]
    yield "cut", whole[:-20]
    yield "cut_in_header", whole[:100]
    yield "extraneous", whole[:-2] + b"\0\0\0\0" + whole[-2:]
    sof = whole.index(b"\xff\xc0")
    yield "huge", whole[:sof + 5] + b"\xff\xdc\xff\xdc" + whole[sof + 9:]
    yield "12bit", whole[:sof + 4] + b"\x0c" + whole[sof + 5:]
    yield "lossless", whole[:sof + 1] + b"\xc3" + whole[sof + 2:]
    yield "two", whole + whole
    yield "start", whole[:3]


# what is refused, and how; everything else is what Pillow says
REFUSED = {"PH_ERR_UNSUPPORTED": {"huge.png", "huge.jpg", "12bit.jpg", "lossless.jpg"},
           "PH_ERR_FORMAT": {"bad_checksum.png", "bad_data.png", "too_little.png", "no_end.png", "cut.png",
                             "no_pixels.png", "bad_palette.png", "signature.png", "no_end.jpg", "cut.jpg",
                             "cut_in_header.jpg", "extraneous.jpg", "start.jpg"}}


def describe(name, data):
    for status, names in REFUSED.items():
        if name in names:
            return status
    image = Image.open(io.BytesIO(data))
    if image.mode.startswith("I;16"):  # Pillow clips these at 255 when it converts
        pixels = (np.asarray(image) >> 8).astype(np.uint8)
    else:
        grey = image.mode in ("1", "L") or name.startswith("colour4")
        pixels = np.asarray(image.convert("L" if grey else "RGB"))
    return f"{1 if pixels.ndim == 2 else 3} {image.width} {image.height} {fnv(pixels.tobytes()):08x}"


def main():
    lines = []
    for folder, ending, seeds in (("png", ".png", png_seeds()), ("jpeg", ".jpg", jpeg_seeds())):
        os.makedirs(os.path.join(HERE, "corpus", folder), exist_ok=True)
        for name, data in seeds:
            with open(os.path.join(HERE, "corpus", folder, name + ending), "wb") as f:
                f.write(data)
            lines.append(f"{folder}/{name}{ending} {describe(name + ending, data)}\n")
    with open(os.path.join(HERE, "..", "data", "images.txt"), "w") as f:
        f.writelines(lines)


if __name__ == "__main__":
    main()
