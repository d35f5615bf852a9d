#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Does cost grow as it should? Time of an image by the number and the size of images, float32.

    python3 bench/growth.py                       # everything; about half an hour
    python3 bench/growth.py --networks mobilenetv2 --threads 1 --rounds 3 --sides ''
    python3 bench/growth.py --markdown bench/GROWTH.md --plots bench/growth

An image in a batch should take no longer than one alone, and a multiply-add of a large image no longer
than one of a small image. What does is a step backwards: fastest run and median both above those of the
best smaller batch by more than BATCH_SLACK, of the best smaller image by more than SIDE_SLACK.

How it measures. The networks are those of compare.py, with open batch. Every network takes its batches
at its own size, those that take any size the sides, too, one image at a time. All of them take turns,
several rounds, in an order that rotates; each turn is a process of its own, pinned to as many cores as
it has threads: it runs twice or more to warm up, then LEAST_RUNS or more for 0.3 s or more, each timed.
`--peers onnxruntime` takes that through the same. The first image's output is compared over batches
and engines. `--plots` draws with matplotlib, which the first use installs from PyPI into
build/venv-bench. Interrupted, it writes what it has.
"""
import argparse
import array
import collections
import datetime
import json
import math
import os
import subprocess
import sys
import tempfile
import time

import compare
import compare_report as report
from compare import Cell, Failed, say

# Those without fully connected layers behind a pooling of fixed size: their input may have any size.
ANY_SIZE = ("nin-imagenet", "googlenet", "resnet18", "resnet50", "squeezenet1.1", "mobilenetv1",
            "mobilenetv2")
BATCHES = [1, 2, 4, 8, 16, 32]
SIDES = [112, 168, 224, 280, 336, 392, 448]
PEERS = ("onnxruntime",)  # the rest of compare.py's want one size each, or one image
BATCH_SLACK, SIDE_SLACK = 0.05, 0.10
LEAST_RUNS = 3  # timed, of a turn

# One thing to measure: `side` of the image and the number of them in a run.
Setting = collections.namedtuple("Setting", "engine network threads batch side")


def own_side(network):
    return int(compare.NETWORKS[network].split("x")[-1])


def floats(path):
    y = array.array("f")
    with open(path, "rb") as f:
        y.frombytes(f.read())
    return y


def difference(y, want):
    """Of the first image, in units of the largest output."""
    off = [abs(a - b) for a, b in zip(y, want)]
    largest = max(map(abs, want), default=0)
    return max(off) / largest if largest > 0 and not any(map(math.isnan, off)) else math.inf


def timed_runs(worker):
    """Times of a turn. Its process has run once; one that runs long is warm by then."""
    once = worker.run(1)[0]
    if once < compare.WARM_SECONDS:
        once = min(worker.run(min(1000, math.ceil(compare.WARM_SECONDS / once))))
    return worker.run(max(LEAST_RUNS, min(5000, math.ceil(compare.TIMED_SECONDS / once))))


class Growth:
    """The programs, the models made so far, what is measured so far."""

    def __init__(self, args):
        self.args = args
        self.pinhole, self.worker = compare.programs(args.build, not args.no_build)
        self.python, self.peers, self.absent = compare.find_peers(args)
        self.engines = ["pinhole"] + self.peers
        self.folder = os.path.abspath(args.models)
        os.makedirs(self.folder, exist_ok=True)
        self.models, self.first_outputs, self.cells, self.isa = {}, {}, {}, "?"
        self.load = os.getloadavg()[0]
        if self.load > compare.BUSY:
            say(f"the machine is busy (load {self.load:.1f}): times will be too long, and unequally so")
        self.started = datetime.datetime.now(datetime.timezone.utc)

    # --- What there is to measure ---

    def batches(self, engine, network, threads):
        return [Setting(engine, network, threads, n, own_side(network)) for n in self.args.batches]

    def sides(self, engine, network, threads):
        return [Setting(engine, network, threads, 1, side)
                for side in self.args.sides if network in ANY_SIZE]

    def settings(self, network, threads):
        """Of all engines, each once."""
        both = [s for e in self.engines
                for s in self.batches(e, network, threads) + self.sides(e, network, threads)]
        return list(dict.fromkeys(both))

    # --- Measuring ---

    def model(self, network, side):
        if (network, side) not in self.models:
            path = os.path.join(self.folder, f"{network}-{side}.onnx")
            text = path[:-len(".onnx")] + ".net"
            lines = [f"input x 3x{side}x{side}" if line.split()[:1] == ["input"] else line
                     for line in compare.zoo_lines(self.pinhole, network)]
            compare.write(text, "\n".join(lines) + "\n")
            compare.export_onnx(self.pinhole, f"{text}:{network}", path)
            self.models[network, side] = path
        return self.models[network, side]

    def images(self, batch, side):
        """A file of that many, which begin with those of smaller batches."""
        path = os.path.join(self.folder, f"{batch}x3x{side}x{side}.input")
        if not os.path.exists(path):
            compare.write_input(path, side, batch * 3 * side * side)
        return path

    def command(self, s, output):
        model, dims = self.model(s.network, s.side), f"{s.batch}x3x{s.side}x{s.side}"
        common = [model, dims, self.images(s.batch, s.side), output, str(s.threads)]
        if s.engine == "pinhole":
            return [self.worker, "run"] + common
        return [self.python, os.path.join(compare.HERE, "compare_peer.py"), s.engine] + common

    def check_output(self, s, y):
        cell, same = self.cells[s], (s.network, s.side)
        first = y[:len(y) // s.batch]
        cell.error = difference(first, self.first_outputs.setdefault(same, first))
        cell.wrong = not cell.error <= compare.WRONG
        if cell.wrong:
            say(f"WRONG {s}: off by {cell.error:.1e} of the largest output")

    def turn(self, s):
        cell = self.cells[s]
        with tempfile.TemporaryDirectory() as folder:
            output = os.path.join(folder, "output")
            worker = compare.Worker(self.command(s, output), compare.cores_for(s.threads), output)
            try:
                if not cell.facts:
                    cell.facts = worker.facts
                    self.isa = worker.facts.get("isa", self.isa)
                    self.check_output(s, worker.result())
                cell.rounds.append(timed_runs(worker))
            finally:
                worker.close()

    def round(self, number, settings):
        shift = number * max(1, len(settings) // self.args.rounds) % len(settings)
        for s in settings[shift:] + settings[:shift]:
            cell = self.cells.setdefault(s, Cell())
            if cell.failed:
                continue
            try:
                self.turn(s)
            except (Failed, OSError) as e:
                cell.failed = str(e)
                say(f"FAILED {s}: {e}")

    def run_all(self):
        pairs = [(n, t) for n in self.args.networks for t in self.args.threads]
        begun = time.monotonic()
        for i, (network, threads) in enumerate(pairs):
            settings = self.settings(network, threads)
            for number in range(self.args.rounds):
                part = (i + number / self.args.rounds) / len(pairs)
                left = (time.monotonic() - begun) * (1 - part) / part if part else None
                say(f"[{i + 1}/{len(pairs)}] {network}, {report.threads_text(threads)}: round "
                    f"{number + 1}/{self.args.rounds}" +
                    (f", about {report.span(left)} left" if left else ""))
                self.round(number, settings)
            for s in self.batches("pinhole", network, threads)[-1:]:
                say(f"    {s.batch} images of {s.side}: {self.milliseconds(s)} ms each")

    # --- What came out ---

    def macs(self, s):
        """Of one image."""
        cell = self.cells.get(s._replace(engine="pinhole"))
        return cell.facts["macs"] / s.batch if cell and cell.facts else None

    def per_image(self, s):
        """Fastest and median, ms; None where there is nothing right."""
        cell = self.cells.get(s)
        if not cell or not cell.rounds or cell.failed or cell.wrong:
            return None
        return tuple(1e3 * t / s.batch for t in (cell.best(), cell.median()))

    def per_gmac(self, s):
        times, macs = self.per_image(s), self.macs(s)
        return tuple(1e9 * t / macs for t in times) if times and macs else None

    def milliseconds(self, s, of=None):
        times = (of or self.per_image)(s)
        cell = self.cells.get(s)
        if cell and (cell.failed or cell.wrong):
            return "failed" if cell.failed else "wrong"
        return f"{digits(times[0])} ({digits(times[1])})" if times else "-"

    def as_json(self):
        return {"schema": 1, "date": self.started.isoformat(timespec="seconds"),
                "command": self.command_line(), "load_before": self.load,
                "machine": report.machine(self.args.build, self.isa), "absent": self.absent,
                "results": [{**s._asdict(), **c.as_json()} for s, c in self.cells.items()]}

    def command_line(self):
        return "python3 bench/growth.py " + " ".join(self.args.said)


def digits(x):
    """Three that count, or whole numbers."""
    return f"{x:.{max(0, min(3, 2 - math.floor(math.log10(x))))}f}" if x > 0 else "0"


# --- Steps backwards -----------------------------------------------------------------------------

def steps_back(settings, value, slack):
    """Those above the best before them by more than `slack`, both fastest run and median, which noise
    seldom lifts together: (setting, best, excess)."""
    found, least = [], None
    for s in settings:
        now = value(s)
        if not now:
            continue
        excess = min(a / b for a, b in zip(now, value(least))) - 1 if least else 0
        if excess > slack:
            found.append((s, least, excess))
        if not least or now[0] < value(least)[0]:
            least = s
    return found


def all_steps_back(growth, network, threads, engine="pinhole"):
    batch = steps_back(growth.batches(engine, network, threads), growth.per_image, BATCH_SLACK)
    side = steps_back(growth.sides(engine, network, threads), growth.per_gmac, SIDE_SLACK)
    return ([f"batch {s.batch}: {100 * x:+.0f} % per image against batch {of.batch}"
             for s, of, x in batch] +
            [f"{s.side}x{s.side}: {100 * x:+.0f} % per GMAC against {of.side}x{of.side}"
             for s, of, x in side])


# --- The report ----------------------------------------------------------------------------------

EXPLANATION = """Milliseconds, float32: the fastest run and, in brackets, the median of all timed runs. An image should
take no longer in a larger batch, a multiply-add no longer in a larger image: more than {batch:.0f} % (of the
image) or {side:.0f} % (of the multiply-add) above the best smaller one, fastest run and median, is a step
backwards. `bench/growth.py` says how it measures in full.
"""
GMACS = """Milliseconds per 10^9 nominal multiply-adds (zero padding counted), one image at a time; the time of an
image is below.
"""


def name(growth, network, engine):
    return network if engine == "pinhole" else f"{network}, {report.NAMES[engine]}"


def rows(growth, threads, series, of):
    """A row for each network and engine that `series` has settings for."""
    return [[name(growth, n, e)] + [growth.milliseconds(s, of) for s in series(e, n, threads)]
            for n in growth.args.networks for e in growth.engines
            if any(s in growth.cells for s in series(e, n, threads))]


def thread_part(growth, threads):
    batches = rows(growth, threads, growth.batches, growth.per_image)
    gmacs = rows(growth, threads, growth.sides, growth.per_gmac)
    images = rows(growth, threads, growth.sides, growth.per_image)
    text = [f"## {report.threads_text(threads).capitalize()}\n"]
    if batches:
        text += ["An image in a batch of so many:\n",
                 report.table(["ms per image"] + [str(n) for n in growth.args.batches], batches)]
    if gmacs:
        sides = [str(side) for side in growth.args.sides]
        text += [GMACS, report.table(["ms per GMAC"] + sides, gmacs),
                 report.table(["ms per image"] + sides, images)]
    back = [[network, step] for network in growth.args.networks
            for step in all_steps_back(growth, network, threads)]
    if back:
        text += ["Steps backwards:\n", "\n".join(f"* {n}, {step}" for n, step in back) + "\n"]
    else:
        text += ["No step backwards.\n"]
    return text


def markdown(growth, pictures):
    versions = ", ".join(dict.fromkeys(
        f"{report.NAMES[s.engine]} {c.facts['version']}" for s, c in growth.cells.items() if c.facts))
    text = ["# How time grows with the number and the size of images\n",
            report.circumstances(growth, versions),
            EXPLANATION.format(batch=100 * BATCH_SLACK, side=100 * SIDE_SLACK)]
    text += [f"![{title}]({os.path.basename(path)})\n" for title, path in pictures]
    for threads in growth.args.threads:
        if any(s.threads == threads and c.rounds for s, c in growth.cells.items()):
            text += thread_part(growth, threads)
    return "\n".join(text)


def drawing(growth, series, of, title, x_label, y_label, x_of):
    """What growth_plot.py is to draw: a panel for each network, a line for each engine and number of
    threads; steps backwards marked."""
    panels = []
    slack = SIDE_SLACK if of == growth.per_gmac else BATCH_SLACK
    for network in growth.args.networks:
        lines = []
        for engine in growth.engines:
            for threads in growth.args.threads:
                settings = [s for s in series(engine, network, threads) if of(s)]
                back = [s for s, _, _ in steps_back(settings, of, slack)]
                lines.append({"label": f"{report.NAMES[engine]}, {report.threads_text(threads)}",
                              "threads": threads, "dashed": engine != "pinhole",
                              "x": [x_of(s) for s in settings], "y": [of(s)[0] for s in settings],
                              "back": [[x_of(s), of(s)[0]] for s in back]})
        if any(line["x"] for line in lines):
            panels.append({"title": network, "lines": lines})
    return {"title": title, "x": x_label, "y": y_label, "panels": panels}


def draw(growth, prefix):
    """Pictures of batches and sizes: their titles and paths; none without matplotlib."""
    python = growth.python or growth.args.python or compare.own_environment(compare.ENVIRONMENT)
    why = "no virtual environment" if not python else None
    if python and not growth.args.python:
        why = compare.install(python, ["matplotlib"], "plots")
    pictures = []
    for end, d in (("batch", drawing(growth, growth.batches, growth.per_image, "Time of an image in a batch",
                                     "images in a run", "ms per image", lambda s: s.batch)),
                   ("side", drawing(growth, growth.sides, growth.per_gmac,
                                    "Time of a multiply-add by the size of the image",
                                    "side of the image, pixels", "ms per GMAC", lambda s: s.side))):
        if why or not d["panels"]:
            continue
        path = f"{prefix}-{end}.svg"
        done = subprocess.run([python, os.path.join(compare.HERE, "growth_plot.py"), path],
                              input=json.dumps(d), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True)
        if done.returncode:
            why = compare.last_line(done.stdout)
        else:
            pictures.append((d["title"], path))
    if why:
        say(f"SKIPPED plots: {why}")
    return pictures


# --- The command ---------------------------------------------------------------------------------

def some(text):
    return sorted(set(compare.counts(text))) if text else []


def arguments(argv):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    networks = [n for n in compare.NETWORKS if n != "googlenet-nolrn"]
    compare.add_common(p, networks, 5)
    p.add_argument("--batches", type=some, default=BATCHES, metavar="LIST",
                   help=",".join(map(str, BATCHES)) + "; '' for none")
    p.add_argument("--sides", type=some, default=SIDES, metavar="LIST",
                   help=",".join(map(str, SIDES)) + "; '' for none")
    p.add_argument("--peers", type=compare.words(PEERS, "peer"), default=[], metavar="LIST",
                   help="of " + ", ".join(PEERS) + " (none)")
    p.add_argument("--markdown", metavar="FILE", help="write the tables, the machine and the steps backwards")
    p.add_argument("--plots", metavar="PREFIX", help="draw PREFIX-batch.svg and PREFIX-side.svg")
    args = compare.parse_common(p, argv)
    if not args.batches and not args.sides:
        p.error("neither batches nor sides")
    args.peers_said = True
    return args


def main(argv):
    args = arguments(argv)
    growth = Growth(args)
    status = compare.measure(growth)
    pictures = draw(growth, args.plots) if args.plots else []
    text = markdown(growth, pictures)
    print(text, end="")
    if args.json:
        compare.write(args.json, json.dumps(growth.as_json()) + "\n")
    if args.markdown:
        compare.write(args.markdown, text)
    if not status and any(c.wrong or c.failed for s, c in growth.cells.items() if s.engine == "pinhole"):
        status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
