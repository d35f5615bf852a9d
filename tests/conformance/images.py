#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Images against Pillow and NumPy, bit for bit: decoding, conversion, resizing, preparation.

The library is called through ctypes. Images are made here, with a seed; with PINHOLE_SHARED (or
../shared beside the checkout) its photos are decoded, too.
usage: images.py --library libpinhole.so [--seed N] [--rounds N]
"""
import argparse
import ctypes as C
import glob
import io
import os
import struct
import sys
import zlib

SKIP = 77
try:
    import numpy as np
    import PIL
    from PIL import Image, ImageOps, features
except ImportError as missing:
    print(f"skipped: no Pillow and NumPy to compare with ({missing})")
    sys.exit(SKIP)

# Pillow's numbers for our enum ph_filter
FILTERS = {"bilinear": (0, 2), "nearest": (1, 0), "box": (2, 4), "hamming": (3, 5), "bicubic": (4, 3),
           "lanczos": (5, 1)}


class Error(C.Structure):
    _fields_ = [("status", C.c_int), ("where", C.c_char * 256), ("message", C.c_char * 4096)]


class Desc(C.Structure):
    _fields_ = [("channels", C.c_size_t), ("max_pixels", C.c_uint64), ("exif", C.c_bool),
                ("lenient", C.c_bool)]


class Prep(C.Structure):
    _fields_ = [("width", C.c_int64), ("height", C.c_int64), ("channels", C.c_size_t),
                ("resize_width", C.c_int64), ("resize_height", C.c_int64), ("resize", C.c_int64),
                ("margin", C.c_double), ("no_resize", C.c_bool), ("filter", C.c_int),
                ("invert", C.c_bool), ("bgr", C.c_bool), ("nhwc", C.c_bool), ("divisor", C.c_float),
                ("mean", C.c_float * 3), ("std", C.c_float * 3)]


class Refused(Exception):
    pass


class Library:
    def __init__(self, path):
        self.c = C.CDLL(path)
        for name in ("width", "height"):
            getattr(self.c, "ph_image_" + name).restype = C.c_int64
        self.c.ph_image_channels.restype = C.c_size_t
        self.c.ph_image_pixels.restype = C.POINTER(C.c_uint8)

    def call(self, name, *args):
        error = Error()
        if getattr(self.c, name)(*args, C.byref(error)):
            raise Refused(error.message.decode())

    def make(self, name, *args):
        """Call what makes an image; its pixels [h,w] or [h,w,3]."""
        out = C.c_void_p()
        self.call(name, *args, C.byref(out))
        return out

    def array(self, image):
        w, h, c = (getattr(self.c, "ph_image_" + n)(image) for n in ("width", "height", "channels"))
        a = np.ctypeslib.as_array(self.c.ph_image_pixels(image), (h, w, c)).copy()
        self.c.ph_image_free(image)
        return a[..., 0] if c == 1 else a

    def image(self, a):
        a = np.ascontiguousarray(a)
        return self.make("ph_image_new", None, C.c_int64(a.shape[1]), C.c_int64(a.shape[0]),
                         C.c_size_t(a.shape[2] if a.ndim == 3 else 1), a.ctypes.data_as(C.c_void_p))

    def decode(self, data, channels=0, exif=False, lenient=False):
        desc = Desc(channels, 0, exif, lenient)
        return self.array(self.make("ph_image_decode", None, data, C.c_size_t(len(data)), b"test",
                                    C.byref(desc)))

    def resize(self, a, w, h, filter):
        image = self.image(a)
        try:
            return self.array(self.make("ph_image_resize", image, C.c_int64(w), C.c_int64(h), filter))
        finally:
            self.c.ph_image_free(image)

    def prepare(self, a, prep, dtype=np.float32):
        shape = (prep.height, prep.width, prep.channels) if prep.nhwc else \
            (prep.channels, prep.height, prep.width)
        x = np.empty(shape, dtype)
        image = self.image(a)
        try:
            self.call("ph_image_prepare", image, C.byref(prep), 1 if dtype == np.float32 else 2,
                      x.ctypes.data_as(C.c_void_p))
        finally:
            self.c.ph_image_free(image)
        return x


class Count:
    def __init__(self):
        self.checks = self.failed = 0

    def same(self, what, got, wanted):
        self.checks += 1
        if got.shape == wanted.shape and got.dtype == wanted.dtype and got.tobytes() == wanted.tobytes():
            return
        self.failed += 1
        text = f"{got.shape} {got.dtype} instead of {wanted.shape} {wanted.dtype}"
        if got.shape == wanted.shape:
            d = np.abs(got.astype(float) - wanted.astype(float))
            text = f"{(d > 0).sum()} of {d.size} differ, by up to {d.max():g}"
        print(f"FAILED: {what}: {text}")

    def must(self, what, holds):
        self.checks += 1
        if not holds:
            self.failed += 1
            print(f"FAILED: {what}")


def pixels(rng, h, w, c):
    """Noise, or smooth with noise: what compresses, and what makes filters overshoot."""
    if rng.random() < 0.5:
        a = rng.integers(0, 256, (h, w, c))
    else:
        y, x = np.mgrid[0:h, 0:w]
        a = 127 + 120 * np.sin(x[..., None] / rng.uniform(2, 30) + y[..., None] / rng.uniform(2, 30) +
                               np.arange(c)) + rng.normal(0, 4, (h, w, c))
    a = np.clip(a, 0, 255).astype(np.uint8)
    return a[..., 0] if c == 1 else a


# --- Resizing -----------------------------------------------------------------------------------

def columns_first(w, h, to_w, to_h):
    return to_h < h and h - to_h > 2 * (w - to_w)


def check_resize(lib, count, rng, rounds):
    old = int(PIL.__version__.split(".")[0]) < 13  # its rows always come first
    for i in range(rounds):
        limit = 60 if i % 3 else 400
        w, h, to_w, to_h = (int(v) for v in rng.integers(1, limit, 4))
        if i % 7 == 0:  # only one pass
            to_w, to_h = (w, to_h) if i % 2 else (to_w, h)
        if i % 5 == 0 and w > 3:  # near the edge between the two orders
            to_w = max(1, w - int(rng.integers(0, 4)))
            to_h = max(1, h - 2 * (w - to_w) + int(rng.integers(-1, 2)))
        a = pixels(rng, h, w, 1 if i % 2 else 3)
        for name, (ours, theirs) in FILTERS.items():
            if old and name != "nearest" and columns_first(w, h, to_w, to_h):
                continue
            wanted = np.asarray(Image.fromarray(a).resize((to_w, to_h), theirs))
            count.same(f"resize {w}x{h} to {to_w}x{to_h}, {name}", lib.resize(a, to_w, to_h, ours),
                       wanted)


# --- PNG ----------------------------------------------------------------------------------------

def chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
         (0, 1, 1, 2)]  # x, y, step x, step y


def packed(samples, depth):
    """Rows of samples [h,w,c] as PNG has them, with filter bytes."""
    h = samples.shape[0]
    flat = samples.reshape(h, -1)
    rows = b""
    for row in flat:
        if depth == 16:
            data = row.astype(">u2").tobytes()
        elif depth == 8:
            data = row.astype("u1").tobytes()
        else:
            bits = ((row[:, None] >> np.arange(depth - 1, -1, -1)) & 1).astype("u1").ravel()
            data = np.packbits(bits).tobytes()
        rows += b"\0" + data
    return rows


def png(samples, depth, colour, interlaced=False, palette=None, trns=None, extra=()):
    h, w = samples.shape[:2]
    if interlaced:
        data = b"".join(packed(samples[y::sy, x::sx], depth) for x, y, sx, sy in ADAM7
                        if samples[y::sy, x::sx].size)
    else:
        data = packed(samples, depth)
    out = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, colour, 0, 0,
                                                            int(interlaced)))
    for kind, body in extra:
        out += chunk(kind, body)
    if palette is not None:
        out += chunk(b"PLTE", palette.astype("u1").tobytes())
    if trns is not None:
        out += chunk(b"tRNS", trns)
    return out + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def check_png(lib, count, rng):
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
    depths = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
    for colour, c in channels.items():
        for depth in depths[colour]:
            for interlaced in (False, True):
                for w, h in ((1, 1), (3, 2), (9, 7), (33, 17)):
                    samples = rng.integers(0, 1 << depth, (h, w, c))
                    palette = rng.integers(0, 256, (1 << depth, 3)) if colour == 3 else None
                    trns = {0: struct.pack(">H", int(samples[0, 0, 0])), 3: b"\0\x80"}.get(colour)
                    if colour == 2:
                        trns = struct.pack(">HHH", *(int(v) for v in samples[0, 0]))
                    data = png(samples, depth, colour, interlaced, palette, trns,
                               [(b"gAMA", struct.pack(">I", 100000))])
                    name = f"PNG colour {colour}, {depth} bits, {w}x{h}" + ", interlaced" * interlaced
                    if colour == 0 and depth == 16:  # Pillow clips these at 255 when it converts
                        grey = (samples[..., 0] >> 8).astype(np.uint8)
                        count.same(name + ", grey", lib.decode(data, 1), grey)
                        count.same(name, lib.decode(data, 3), np.stack([grey] * 3, -1))
                        continue
                    count.same(name, lib.decode(data, 3),
                               np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))
                    count.same(name + ", grey", lib.decode(data, 1),
                               np.asarray(Image.open(io.BytesIO(data)).convert("L")))


# --- JPEG ---------------------------------------------------------------------------------------

def jpeg(image, **how):
    f = io.BytesIO()
    image.save(f, "JPEG", **how)
    return f.getvalue()


def check_decoded(lib, count, name, data):
    opened = Image.open(io.BytesIO(data))
    count.same(name, lib.decode(data, 3), np.asarray(opened.convert("RGB")))
    count.same(name + ", grey", lib.decode(data, 1), np.asarray(opened.convert("L")))


def check_jpeg(lib, count, rng):
    for w, h in ((1, 1), (8, 8), (17, 9), (64, 48), (101, 67)):
        for quality in (30, 90):
            for progressive in (False, True):
                how = dict(quality=quality, progressive=progressive)
                for sampling in ("4:4:4", "4:2:2", "4:2:0"):
                    data = jpeg(Image.fromarray(pixels(rng, h, w, 3)), subsampling=sampling, **how)
                    check_decoded(lib, count, f"JPEG {w}x{h} {sampling} {how}", data)
                check_decoded(lib, count, f"JPEG {w}x{h} grey {how}",
                              jpeg(Image.fromarray(pixels(rng, h, w, 1)), **how))
                cmyk = Image.fromarray(rng.integers(0, 256, (h, w, 4), dtype=np.uint8), "CMYK")
                check_decoded(lib, count, f"JPEG {w}x{h} CMYK {how}", jpeg(cmyk, **how))
    data = jpeg(Image.fromarray(pixels(rng, 40, 40, 3)), restart_marker_blocks=2)
    check_decoded(lib, count, "JPEG with restart markers", data)


def check_exif(lib, count, rng):
    a = pixels(rng, 23, 40, 3)
    for format in ("JPEG", "PNG"):
        for orientation in range(1, 9):
            exif = Image.Exif()
            exif[0x010f] = "a maker"
            exif[0x0112] = orientation
            f = io.BytesIO()
            Image.fromarray(a).save(f, format, exif=exif)
            data = f.getvalue()
            stored = Image.open(io.BytesIO(data))
            name = f"{format} of EXIF orientation {orientation}"
            count.same(name + ", as stored", lib.decode(data), np.asarray(stored))
            count.same(name, lib.decode(data, exif=True), np.asarray(ImageOps.exif_transpose(stored)))


def check_broken(lib, count, rng):
    """Every file that ends early is refused; lenient, the upper rows are those of the whole."""
    a = pixels(rng, 64, 48, 3)
    files = {"JPEG": jpeg(Image.fromarray(a)), "progressive": jpeg(Image.fromarray(a), progressive=True),
             "PNG": png(a.astype(int), 8, 2), "interlaced": png(a.astype(int), 8, 2, True)}
    for name, data in files.items():
        whole = lib.decode(data)
        for end in list(range(0, len(data), max(1, len(data) // 97))) + [len(data) - 1]:
            try:
                lib.decode(data[:end])
                count.must(f"{name} of {end} of {len(data)} bytes is refused", False)
            except Refused as e:
                count.must(f"the reason names the image: {e}", str(e).startswith("test: "))
        part = lib.decode(data[:len(data) * 3 // 4], lenient=True)
        count.must(f"lenient {name} has its size", part.shape == whole.shape)
        if name in ("JPEG", "PNG"):
            count.same(f"lenient {name}, upper rows", part[:16], whole[:16])
    spoilt = bytearray(files["PNG"])
    spoilt[len(spoilt) // 2] ^= 1
    try:
        lib.decode(bytes(spoilt))
        count.must("a PNG with a wrong checksum is refused", False)
    except Refused:
        count.must("", True)


# --- Preparation --------------------------------------------------------------------------------

PRESETS = {"torchvision": (255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), False, 256 / 224),
           "caffe": (1, (104, 117, 123), (1, 1, 1), True, 256 / 224),
           "tf": (127.5, (1, 1, 1), (1, 1, 1), False, 256 / 224),
           "unit": (255, (0, 0, 0), (1, 1, 1), False, 1), "raw": (1, (0, 0, 0), (1, 1, 1), False, 1)}


def centre_crop(image, w, h):
    """torchvision.transforms.functional.center_crop of a Pillow image."""
    if w > image.width or h > image.height:
        left, top = max(0, (w - image.width) // 2), max(0, (h - image.height) // 2)
        padded = Image.new(image.mode, (max(w, image.width), max(h, image.height)))
        padded.paste(image, (left, top))
        image = padded
    top, left = int(round((image.height - h) / 2.0)), int(round((image.width - w) / 2.0))
    return image.crop((left, top, left + w, top + h))


def short_side(image, side):
    """The size that torchvision.transforms.functional.resize(image, side) gives."""
    w, h = image.size
    short, long = (w, h) if w <= h else (h, w)
    size = side, int(side * long / short)
    return size if w <= h else size[::-1]


def wanted_tensor(a, preset, w, h, side, filter, invert, nhwc):
    divisor, mean, std, bgr, _ = PRESETS[preset]
    image = Image.fromarray(a).convert("RGB")
    if side:
        image = image.resize(short_side(image, side), filter)
    x = np.asarray(centre_crop(image, w, h))
    if invert:
        x = 255 - x
    if bgr:
        x = x[..., ::-1]
    f = np.float32
    x = (x.astype(f) / f(divisor) - np.array(mean, f)) / np.array(std, f)
    return np.ascontiguousarray(x if nhwc else x.transpose(2, 0, 1))


def check_prepare(lib, count, rng, rounds):
    old = int(PIL.__version__.split(".")[0]) < 13
    for i in range(rounds):
        preset = list(PRESETS)[i % len(PRESETS)]
        margin = PRESETS[preset][4]
        w = int(rng.integers(1, 64))
        h = w if i % 3 else int(rng.integers(1, 64))
        a = pixels(rng, int(rng.integers(1, 150)), int(rng.integers(1, 150)), 1 if i % 4 == 0 else 3)
        prep = Prep()
        lib.call("ph_image_prep_preset", preset.encode(), C.byref(prep))
        prep.width, prep.height, prep.channels = w, h, 3
        prep.nhwc, prep.invert = i % 2 == 0, i % 5 == 0
        side = int(np.floor(max(w, h) * margin + 0.5))
        if i % 6 == 0:
            prep.no_resize, side = True, 0
        elif i % 6 == 1:
            side = prep.resize = int(rng.integers(1, 80))
        name = list(FILTERS)[i % len(FILTERS)]
        prep.filter = FILTERS[name][0]
        to_w, to_h = short_side(Image.fromarray(a), side) if side else (1, 1)
        if old and side and columns_first(a.shape[1], a.shape[0], to_w, to_h):
            continue
        what = f"{preset}, {a.shape} to {w}x{h} by {side}, {name}"
        if to_w * to_h == 0:
            continue
        count.same(what, lib.prepare(a, prep),
                   wanted_tensor(a, preset, w, h, side, FILTERS[name][1], prep.invert, prep.nhwc))
        if preset == "raw":
            bytes_ = wanted_tensor(a, preset, w, h, side, FILTERS[name][1], prep.invert, prep.nhwc)
            count.same(what + ", bytes", lib.prepare(a, prep, np.uint8), bytes_.astype(np.uint8))


def check_photos(lib, count, shared):
    photos = sorted(glob.glob(os.path.join(shared, "data", "photos", "*.jpg")))
    for path in photos:
        with open(path, "rb") as f:
            data = f.read()
        name = os.path.basename(path)
        check_decoded(lib, count, name, data)
        a = np.asarray(Image.open(path).convert("RGB"))
        for preset, size in (("torchvision", 224), ("caffe", 227), ("tf", 128)):
            prep = Prep()
            lib.call("ph_image_prep_preset", preset.encode(), C.byref(prep))
            prep.width = prep.height = size
            prep.channels = 3
            count.same(f"{name}, {preset} {size}", lib.prepare(a, prep),
                       wanted_tensor(a, preset, size, size, round(size * 256 / 224), 2, False, False))
    return len(photos)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--library", required=True)
    parser.add_argument("--shared", default="")
    parser.add_argument("--seed", type=int, default=20131216)
    parser.add_argument("--rounds", type=int, default=300)
    o = parser.parse_args()
    try:
        lib = Library(o.library)
    except OSError as e:  # built with a sanitizer that Python is not
        print(f"skipped: {e}")
        return SKIP
    rng = np.random.default_rng(o.seed)
    print(f"Pillow {PIL.__version__}, libjpeg-turbo {features.version('libjpeg_turbo')}, seed {o.seed}")
    count = Count()
    for name, part in (("resizing", lambda: check_resize(lib, count, rng, o.rounds)),
                       ("PNG", lambda: check_png(lib, count, rng)),
                       ("JPEG", lambda: check_jpeg(lib, count, rng)),
                       ("EXIF", lambda: check_exif(lib, count, rng)),
                       ("broken files", lambda: check_broken(lib, count, rng)),
                       ("preparation", lambda: check_prepare(lib, count, rng, o.rounds))):
        before = count.checks, count.failed
        part()
        print(f"{name}: {count.checks - before[0]} compared, {count.failed - before[1]} differ")
    shared = os.environ.get("PINHOLE_SHARED", o.shared)
    before = count.checks, count.failed
    n = check_photos(lib, count, shared) if shared else 0
    print(f"{n} photos: {count.checks - before[0]} compared, {count.failed - before[1]} differ" if n
          else f"no photos in '{shared}' (PINHOLE_SHARED): skipped")
    return 1 if count.failed else 0


if __name__ == "__main__":
    sys.exit(main())
