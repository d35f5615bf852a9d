#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run the program on malformed input of every kind.

usage: run.py PINHOLE [-k TEXT] [--show]

Each case is made in an empty folder and must end with its exit status and its message: one line on
standard error, with no character that steers a terminal, in a few seconds and in 256 MiB. Models are
also given to 'analyze' and 'export', which must not crash either. --show prints every message.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

import images
import operators
import structure
import texts

SECONDS = float(os.environ.get("PINHOLE_MALFORMED_SECONDS", "20"))  # sanitizers and busy machines
MODULES = [structure, operators, texts, images]


def unclean(text):
    """What must not be in a message, or None."""
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError:
        return "not UTF-8"
    for c in decoded.replace("\r\n", "").replace("\n", ""):
        if ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 or c in "\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069":
            return "character U+%04X" % ord(c)
    return None


def start(program, arguments, root, stdin):
    command = [program] + arguments
    if "--max-mem" not in arguments and arguments[:1] and not arguments[0].startswith("-"):
        command += ["--max-mem", "256M"]
    begin = time.monotonic()
    with open(os.path.join(root, stdin) if stdin else os.devnull, "rb") as f:
        done = subprocess.run(command, cwd=root, stdin=f, capture_output=True, timeout=10 * SECONDS)
    return done, time.monotonic() - begin


def is_one_line(done):
    return not done.stdout and done.stderr.count(b"\n") == 1 and done.stderr.startswith(b"pinhole")


def is_report(done):
    """What 'check' prints: every reason why a model that could be read cannot be run."""
    return not done.stderr and re.match(rb"[^\n]*: cannot be run, for \d+ reasons?\n  ", done.stdout)


def faults(case, done, seconds):
    """Everything that is wrong with the end of a run."""
    printed = done.stdout + done.stderr
    text = printed.decode("utf-8", "replace")
    if done.returncode != case.status:
        yield "exit status %d, wanted %d" % (done.returncode, case.status)
    if not re.search(case.message, text, re.S):
        yield "no /%s/" % case.message
    bad = unclean(printed)
    if bad:
        yield bad
    if case.one_line and not is_one_line(done) and not is_report(done):
        yield "neither one line on standard error that names the program, nor the report of 'check'"
    if case.valid:
        try:
            case.valid(done.stdout.decode("utf-8"))
        except ValueError as e:
            yield "standard output: %s" % e
    if len(done.stderr) > 5000 or (not case.valid and max(map(len, printed.split(b"\n"))) > 5000):
        yield "%d bytes of message" % len(printed)
    if seconds > SECONDS:
        yield "%.1f seconds" % seconds


def make(case, root):
    for path, data in case.files.items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as f:
            f.write(data)
    if case.prepare:
        case.prepare(root)


def survive(program, case, root):
    """Other commands on the same model: they may refuse it, not fail in ways of their own."""
    if case.command is not None:
        return
    for arguments in (["analyze", case.model], ["export", case.model, "-o", "out.onnx"]):
        done, seconds = start(program, arguments, root, None)
        if done.returncode not in (0, 3, 4, 5) or seconds > SECONDS:
            yield "%s: exit status %d after %.1f seconds: %s" % (arguments[0], done.returncode, seconds, done.stderr[-500:])
        if unclean(done.stdout + done.stderr):
            yield "%s: %s" % (arguments[0], unclean(done.stdout + done.stderr))


def run(program, case, show):
    root = tempfile.mkdtemp(prefix="pinhole-malformed-")
    try:
        make(case, root)
        done, seconds = start(program, case.arguments(), root, case.stdin)
        found = list(faults(case, done, seconds)) + list(survive(program, case, root))
        if show or found:
            print("%s: %d %s" % (case.name, done.returncode, (done.stdout + done.stderr)[:700].decode("utf-8", "replace").strip()))
        for f in found:
            print("  FAILED " + f)
        return not found
    except subprocess.TimeoutExpired:
        print("%s:\n  FAILED no end after %.0f seconds" % (case.name, 10 * SECONDS))
        return False
    finally:
        shutil.rmtree(root, ignore_errors=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("program")
    p.add_argument("-k", default="")
    p.add_argument("--show", action="store_true")
    p.add_argument("--only", default="")
    args = p.parse_args()
    program = os.path.abspath(args.program)
    cases = [c for m in MODULES if args.only in m.__name__ for c in m.cases() if args.k in c.name]
    names = [c.name for c in cases]
    assert len(set(names)) == len(names), "two cases of one name"
    failed = sum(not run(program, c, args.show) for c in cases)
    print("%d cases, %d failed" % (len(cases), failed))
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
