#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`pinhole classify` on real photos by real networks: those of ../shared, against refs/predictions.txt.

The references were made with the longer side rounded after resizing, not cut, so each photo's size is
given (--resize WxH), and with crops that begin at the lower of two middle pixels: where torchvision,
and we, take the even one and that is the other, scores are not compared. All others must agree, and
so must, with the preset alone, the classes of photos that leave no doubt.
usage: classify.py --pinhole PROGRAM --shared DIR   (PINHOLE_SHARED in the environment goes before)
"""
import argparse
import json
import os
import re
import subprocess
import sys

SKIP = 77
TOLERANCE = 0.0015  # the references are rounded to 0.001

# model, side, options
MODELS = {"squeezenet1.1": (227, ["--preset", "caffe"]),
          "mobilenet_v1_0.25_128": (128, ["--preset", "tf", "--scale", "1/128"]),
          "mobilenet_v2_1.0_224": (224, ["--preset", "tf"])}
NAMED = {"cat": "tabby", "bird": "macaw", "zebra": "zebra", "pizza": "pizza", "shuttle": "space shuttle",
         "car": "cab"}


def references(path):
    """{model: {photo: [(class, score)] * 3}}"""
    models, current = {}, None
    with open(path) as f:
        for line in f:
            if line.strip() in MODELS:
                current = models.setdefault(line.strip(), {})
            elif current is not None and line.startswith("  "):
                photo, rest = line.split(None, 1)
                current[photo] = [(int(c), float(s)) for c, s in
                                  re.findall(r"(\d+) [^;]*? ([01]\.\d+)(?:;|$)", rest)]
    return models


def size_of(pinhole, path):
    from_header = subprocess.run([pinhole, "classify", "-q", "-k", "1", "--json", path],
                                 capture_output=True, text=True, check=True)
    image = json.loads(from_header.stdout)["images"][0]
    return image["width"], image["height"]


def classify(pinhole, model, labels, options, photos):
    command = [pinhole, "classify", "-q", "--json", "-k", "3", "-m", model, "-l", labels, *options, *photos]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:2])}: status {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)["images"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pinhole", required=True)
    parser.add_argument("--shared", required=True)
    o = parser.parse_args()
    shared = os.environ.get("PINHOLE_SHARED", o.shared)
    models, photos = os.path.join(shared, "models"), os.path.join(shared, "data", "photos")
    if not os.path.isdir(models) or not os.path.isdir(photos):
        print(f"skipped: no models and photos in '{shared}' (PINHOLE_SHARED)")
        return SKIP
    labels = os.path.join(models, "imagenet_synset_words.txt")
    refs = references(os.path.join(models, "refs", "predictions.txt"))
    failed = compared = 0
    for name, (side, options) in MODELS.items():
        model, worst, before = os.path.join(models, name + ".onnx"), 0.0, compared
        if len(refs[name]) < 16 or any(len(r) != 3 for r in refs[name].values()):
            raise RuntimeError(f"{name}: cannot read its references")
        for photo, wanted in refs[name].items():
            path = os.path.join(photos, photo + ".jpg")
            w, h = size_of(o.pinhole, path)
            short = round(side * 256 / 224)
            to_w, to_h = round(w * short / min(w, h)), round(h * short / min(w, h))
            if (to_w - side) % 4 == 3 or (to_h - side) % 4 == 3:
                continue
            size = f"{to_w}x{to_h}"
            got = [(t["class"], t["score"]) for t in
                   classify(o.pinhole, model, labels, [*options, "--resize", size], [path])[0]["top"]]
            off = max(abs(g[1] - r[1]) for g, r in zip(got, wanted))
            worst, compared = max(worst, off), compared + 1
            near = {c for c, s in wanted if abs(s - wanted[2][1]) <= TOLERANCE}  # may change places
            same = all(g[0] == r[0] or r[0] in near for g, r in zip(got, wanted))
            if off > TOLERANCE or not same:
                failed += 1
                print(f"FAILED: {name}, {photo}: {got}, wanted {wanted}")
        named = classify(o.pinhole, model, labels, options,
                         [os.path.join(photos, p + ".jpg") for p in NAMED])
        for image, (photo, word) in zip(named, NAMED.items()):
            top = image["top"][0]
            right = top["label"].split(",")[0] == word or (photo == "cat" and name != "squeezenet1.1" and
                                                           top["class"] == refs[name][photo][0][0])
            failed += not right
            print(f"{name}: {photo}.jpg is {top['label']}, {100 * top['score']:.1f} %"
                  + ("" if right else f"; WANTED {word}"))
        print(f"{name}: scores of {compared - before} photos differ from the references by {worst:.4f} "
              "at most")
    print(f"{compared} predictions compared, {failed} wrong")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
