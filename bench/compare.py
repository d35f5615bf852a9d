#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Pinhole beside other engines: whole networks, one image at a time, float32.

    python3 bench/compare.py                      # everything; about a quarter of an hour
    python3 bench/compare.py --networks resnet18,googlenet --threads 1 --rounds 3
    python3 bench/compare.py --markdown bench/RESULTS.md --json results.json

The first use makes a virtual environment (build/venv-bench) and installs the peers from PyPI; one
that cannot be installed is left out, visibly, and so is PyTorch, which is large, unless --peers names
it. --python, or PINHOLE_BENCH_PYTHON, names an interpreter that has them already.

How it measures. The networks are `pinhole export NETWORK --seed 1`. Each engine is a process of its
own, pinned to as many cores as it has threads, that keeps the network ready. All engines of a network
take turns, several rounds, in an order that rotates; a turn is some runs to warm up, then runs for
0.3 s or more, each timed. An engine whose turn it is not is stopped (SIGSTOP), so that no pool of
threads that waits busily takes time from another. Before anything is timed, outputs are compared with
ONNX Runtime's; an engine that is off by more than 1e-3 of the largest is `wrong`, and no peer to
compare with. `best` is the fastest run of all rounds, `median` that of all timed runs.
"""
import argparse
import array
import datetime
import json
import math
import os
import random
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import compare_report as report

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
ENVIRONMENT = os.path.join(ROOT, "build", "venv-bench")

NETWORKS = {"nin-imagenet": "1x3x224x224", "nin-cifar10": "1x3x32x32", "googlenet": "1x3x224x224",
            "googlenet-nolrn": "1x3x224x224", "resnet18": "1x3x224x224",
            "resnet50": "1x3x224x224", "squeezenet1.1": "1x3x224x224",
            "mobilenetv1": "1x3x224x224", "mobilenetv2": "1x3x224x224", "alexnet": "1x3x227x227",
            "vgg16": "1x3x224x224"}
OURS = ("pinhole", "pinhole-exact")
# What a peer needs from PyPI.
PEERS = {"onnxruntime": ("numpy", "onnxruntime"), "openvino": ("numpy", "openvino"),
         "ncnn": ("numpy", "ncnn", "pnnx"), "ncnn-direct": ("numpy", "ncnn", "pnnx"),
         "torch": ("numpy", "onnx", "torch")}
REFERENCES = ("onnxruntime", "pinhole-exact", "pinhole")  # the first that works
# PyTorch's package for Linux carries gigabytes for other machines: taken where it is there already, or
# asked for by name.
LARGE = ("torch",)
ALONE = ("pnnx",)  # installed without what it declares to need: its program needs none of it
WRONG = 1e-3         # of the largest output
WARM_SECONDS = 0.1   # a turn's runs that do not count
TIMED_SECONDS = 0.3  # ... and that do
BUSY = 0.5           # processes that run beside us, in the mean of a minute
LOAD_TIMEOUT, TURN_TIMEOUT = 300, 120


class Failed(Exception):
    """An engine that cannot do it, and why."""


def say(text):
    print(text, file=sys.stderr, flush=True)


# --- What is needed: programs, peers, models -----------------------------------------------------

def programs(build, make):
    """Paths of pinhole and bench-worker, built if need be."""
    paths = [os.path.join(build, "cli", "pinhole"), os.path.join(build, "bench", "bench-worker")]
    if make and os.path.exists(os.path.join(build, "CMakeCache.txt")):
        done = subprocess.run(["cmake", "--build", build, "--target", "pinhole_cli", "bench-worker"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise SystemExit(f"compare.py: {build} does not build:\n{done.stdout}")
    if not all(os.path.exists(p) for p in paths):
        raise SystemExit(f"compare.py: no programs in {build}; cmake --preset release (or see --build)")
    return paths


def can_import(python, names):
    code = "import importlib.util as u, sys; sys.exit(any(not u.find_spec(n) for n in sys.argv[1:]))"
    try:
        return not subprocess.run([python, "-c", code, *names], stderr=subprocess.DEVNULL).returncode
    except OSError:
        return False


def own_environment(folder):
    python = os.path.join(folder, "bin", "python")
    if not os.path.exists(python):
        say(f"making {folder}")
        done = subprocess.run([sys.executable, "-m", "venv", folder], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            say(f"no virtual environment, so no peers: {last_line(done.stdout)}")
            return None
    return python


def install(python, needed, purpose):
    """Install the packages `needed`; None, or why it could not be done."""
    missing = [n for n in needed if not can_import(python, [n])]
    if not missing:
        return None
    say(f"installing {', '.join(missing)} for {purpose}")
    for flags, names in (([], [n for n in missing if n not in ALONE]),
                         (["--no-deps"], [n for n in missing if n in ALONE])):
        done = names and subprocess.run(
            [python, "-m", "pip", "install", "--disable-pip-version-check", *flags, *names],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done and done.returncode:
            return error_line(done.stdout)
    return None


def find_peers(args):
    """The interpreter with the peers, those that are there, and reasons for those that are not."""
    if not args.peers:
        return None, [], {}
    python = args.python or own_environment(ENVIRONMENT)
    there, absent = [], {}
    for peer in args.peers:
        if not python:
            absent[peer] = "no virtual environment"
        elif peer in LARGE and not args.peers_said and not can_import(python, PEERS[peer]):
            absent[peer] = f"large: --peers {peer} installs it"
        elif args.python and not can_import(python, PEERS[peer]):
            absent[peer] = f"{python} lacks one of {', '.join(PEERS[peer])}"
        else:
            why = None if args.python else install(python, PEERS[peer], peer)
            if why:
                absent[peer] = why
            else:
                there.append(peer)
        if peer in absent:
            say(f"SKIPPED {peer}: {absent[peer]}")
    return python, there, absent


def zoo_lines(pinhole, network):
    """A network's text."""
    return subprocess.run([pinhole, "zoo", network], check=True, capture_output=True,
                          text=True).stdout.splitlines()


def without_lrn(pinhole, folder):
    """GoogLeNet's text without its two local response normalisations."""
    lines = [line for line in zoo_lines(pinhole, "googlenet") if ": lrn " not in " ".join(line.split())]
    path = os.path.join(folder, "googlenet-nolrn.net")
    write(path, "\n".join(lines) + "\n")
    return path + ":googlenet"


def write_input(path, seed, count):
    """`count` floats of a normal distribution."""
    rng = random.Random(seed)
    with open(path, "wb") as f:
        array.array("f", (rng.gauss(0, 1) for _ in range(count))).tofile(f)


def export_onnx(pinhole, model, path, *options):
    done = subprocess.run([pinhole, "export", model, "--seed", "1", *options, "-q", "-o", path],
                          stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise Failed(last_line(done.stderr))


def export(pinhole, network, dims, folder):
    """The ONNX file of a network, and a file with its input."""
    path, image = (os.path.join(folder, network + end) for end in (".onnx", ".input"))
    model = without_lrn(pinhole, folder) if network == "googlenet-nolrn" else network
    export_onnx(pinhole, model, path, "--shape", dims)
    write_input(image, network, math.prod(int(d) for d in dims.split("x")))
    return path, image


def convert(python, model, dims):
    """pnnx's version of an ONNX file, for ncnn: float32, not the half precision it prefers."""
    folder = model[:-len(".onnx")] + ".pnnx"
    path = os.path.join(folder, "m.ncnn.param")
    if os.path.exists(path) and os.path.getmtime(path) >= os.path.getmtime(model):
        return path
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    copy = os.path.join(folder, "m.onnx")
    shutil.copyfile(model, copy)
    where = "import importlib.util as u; print(u.find_spec('pnnx').submodule_search_locations[0])"
    program = os.path.join(subprocess.run([python, "-c", where], stdout=subprocess.PIPE,
                                          text=True).stdout.strip(), "pnnx")
    shape = "inputshape=[" + dims.replace("x", ",") + "]f32"
    try:
        done = subprocess.run([program, copy, shape, "fp16=0"], cwd=folder, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", timeout=600)
    except (OSError, subprocess.TimeoutExpired) as e:
        raise Failed(f"pnnx: {e}")
    os.remove(copy)
    if done.returncode or not os.path.exists(path):
        raise Failed(f"pnnx: status {done.returncode}: {last_line(done.stdout)}")
    return path


# --- A process that is one engine with one network ----------------------------------------------

def last_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "no message"


def error_line(text):
    """pip's word on what went wrong, or the last line."""
    lines = [line for line in text.splitlines() if line.startswith("ERROR:")]
    return last_line("\n".join(lines) or text)


class Worker:
    """Speaks the protocol of bench/worker.c. Stopped whenever nothing is asked of it."""

    def __init__(self, command, cores, output):
        self.output, self.buffer = output, b""
        self.log = tempfile.TemporaryFile()
        env = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
        env.pop("OMP_WAIT_POLICY", None)
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, env=env,
            start_new_session=True, preexec_fn=lambda: os.sched_setaffinity(0, cores))
        try:
            self.facts = json.loads(self.answer(LOAD_TIMEOUT))
            self.signal(signal.SIGSTOP)
        except ValueError:
            self.close()
            raise Failed("an answer that is not JSON")
        except BaseException:
            self.close()
            raise

    def signal(self, number):
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)

    def answer(self, timeout):
        end = time.monotonic() + timeout
        while b"\n" not in self.buffer:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise Failed(f"no answer in {timeout} s")
            more = os.read(self.process.stdout.fileno(), 65536)
            if not more:
                raise Failed(self.reason())
            self.buffer += more
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line.decode()

    def reason(self):
        status = self.process.wait()
        self.log.seek(0)
        text = last_line(self.log.read().decode(errors="replace"))
        return f"signal {-status}: {text}" if status < 0 else text

    def run(self, n):
        """Times of `n` runs, seconds."""
        self.signal(signal.SIGCONT)
        try:
            self.process.stdin.write(b"%d\n" % n)
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Failed(self.reason())
        try:
            return [float(t) for t in self.answer(TURN_TIMEOUT).split()]
        finally:
            self.signal(signal.SIGSTOP)

    def turn(self):
        """One turn of a round: warm up, then run for TIMED_SECONDS or more."""
        once = self.run(1)[0]
        warm = self.run(max(2, min(1000, math.ceil(WARM_SECONDS / once))))
        return self.run(max(3, min(5000, math.ceil(TIMED_SECONDS / min(warm)))))

    def result(self):
        """The output of the first run."""
        y = array.array("f")
        with open(self.output, "rb") as f:
            y.frombytes(f.read())
        return y

    def close(self):
        self.signal(signal.SIGKILL)
        self.process.wait()
        for f in (self.process.stdin, self.process.stdout, self.log):
            try:
                f.close()
            except BrokenPipeError:
                pass


def cores_for(threads):
    """As many cores as threads: of different cores before siblings, the first one last, which is
    the one that most often has other work."""
    allowed, seen, first, second = sorted(os.sched_getaffinity(0)), set(), [], []
    for cpu in allowed:
        try:
            with open(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list",
                      encoding="ascii") as f:
                siblings = f.read()
        except OSError:
            siblings = str(cpu)
        (second if siblings in seen else first).append(cpu)
        seen.add(siblings)
    order = first[1:] + first[:1] + second
    if threads > len(order):
        raise SystemExit(f"compare.py: {threads} threads, but {len(order)} CPUs")
    return set(order[:threads])


# --- One network, one number of threads ---------------------------------------------------------

class Cell:
    """What is known of an engine on a network: `failed` (why) or facts, error and times."""

    def __init__(self):
        self.failed, self.wrong, self.error, self.facts, self.rounds = None, False, None, {}, []

    def times(self):
        return [t for turn in self.rounds for t in turn]

    def best(self):
        return min(self.times()) if self.rounds else None

    def median(self):
        return statistics.median(self.times()) if self.rounds else None

    def as_json(self):
        return {"failed": self.failed, "wrong": self.wrong, "error": self.error, **self.facts,
                "best_seconds": self.best(), "median_seconds": self.median(), "rounds": self.rounds}


class Contest:
    """The engines on one network with one number of threads."""

    def __init__(self, network, threads, engines):
        self.network, self.threads = network, threads
        self.macs, self.reference = None, None
        self.cells = {e: Cell() for e in engines}
        self.workers = {}

    def start(self, bench):
        """Start every engine, compare outputs."""
        dims, cores = NETWORKS[self.network], cores_for(self.threads)
        bench.measure_peak(self.threads, cores)
        model, image = bench.model(self.network)
        for engine in self.cells:
            output = os.path.join(bench.folder, f"{self.network}.{engine}.output")
            try:
                self.workers[engine] = Worker(
                    bench.command(engine, model, dims, image, output, self.threads), cores, output)
                self.cells[engine].facts = self.workers[engine].facts
            except (Failed, OSError) as e:
                self.fail(engine, str(e))
        self.macs = next((self.cells[e].facts["macs"] for e in OURS if e in self.workers), None)
        self.compare_outputs()

    def fail(self, engine, why):
        say(f"FAILED {engine} on {self.network}: {why}")
        self.cells[engine].failed = why
        worker = self.workers.pop(engine, None)
        if worker:
            worker.close()

    def compare_outputs(self):
        self.reference = next((e for e in REFERENCES if e in self.workers), None)
        if not self.reference:
            return
        want = self.workers[self.reference].result()
        largest = max(map(abs, want))
        for engine, worker in self.workers.items():
            y, cell = worker.result(), self.cells[engine]
            off = [abs(a - b) for a, b in zip(y, want)]
            same = len(y) == len(want) and not any(map(math.isnan, off))
            cell.error = max(off) / largest if same and largest > 0 else math.inf
            cell.wrong = not cell.error <= WRONG
            if cell.wrong:
                say(f"WRONG {engine} on {self.network}: off by {cell.error:.1e} of the largest output")

    def round(self, number):
        order = list(self.workers)
        shift = number % max(1, len(order))
        for engine in order[shift:] + order[:shift]:
            try:
                self.cells[engine].rounds.append(self.workers[engine].turn())
            except Failed as e:
                self.fail(engine, str(e))

    def close(self):
        for worker in self.workers.values():
            worker.close()
        self.workers = {}

    def as_json(self):
        return {"network": self.network, "threads": self.threads, "macs": self.macs,
                "reference": self.reference,
                "engines": {e: c.as_json() for e, c in self.cells.items()}}


# --- All of them ---------------------------------------------------------------------------------

class Bench:
    """The programs, the models made so far, what is measured so far."""

    def __init__(self, args):
        self.args = args
        self.pinhole, self.worker = programs(args.build, not args.no_build)
        self.python, self.peers, self.absent = find_peers(args)
        self.engines = list(OURS) + self.peers
        self.folder = os.path.abspath(args.models)
        os.makedirs(self.folder, exist_ok=True)
        self.models, self.contests, self.isa = {}, [], "?"
        self.peaks = {}  # FLOP/s by number of threads: the most that was measured
        self.load = os.getloadavg()[0]
        if self.load > BUSY:
            say(f"the machine is busy (load {self.load:.1f}): times will be too long, and unequally so")
        self.started = datetime.datetime.now(datetime.timezone.utc)

    def model(self, network):
        if network not in self.models:
            say(f"exporting {network}")
            self.models[network] = export(self.pinhole, network, NETWORKS[network], self.folder)
        return self.models[network]

    def command(self, engine, model, dims, image, output, threads):
        if engine in OURS:
            exact = ["exact"] if engine.endswith("exact") else []
            return [self.worker, "run", model, dims, image, output, str(threads)] + exact
        if engine.startswith("ncnn"):
            model = convert(self.python, model, dims)
        return [self.python, os.path.join(HERE, "compare_peer.py"), engine, model, dims, image,
                output, str(threads)]

    def measure_peak(self, threads, cores):
        done = subprocess.run([self.worker, "peak", str(threads)], capture_output=True, text=True,
                              preexec_fn=lambda: os.sched_setaffinity(0, cores))
        if done.returncode:
            raise SystemExit(f"compare.py: {last_line(done.stderr)}")
        peak = json.loads(done.stdout)
        self.isa = peak["isa"]
        self.peaks[threads] = max(self.peaks.get(threads, 0), peak["flop_per_second"])

    def run_all(self):
        pairs = [(n, t) for n in self.args.networks for t in self.args.threads]
        begun = time.monotonic()
        for i, (network, threads) in enumerate(pairs):
            contest = Contest(network, threads, self.engines)
            self.contests.append(contest)
            try:
                contest.start(self)
                for number in range(self.args.rounds):
                    part = (i + (number + 1) / (self.args.rounds + 1)) / len(pairs)
                    left = (time.monotonic() - begun) * (1 - part) / part
                    say(f"[{i + 1}/{len(pairs)}] {network}, {report.threads_text(threads)}: round "
                        f"{number + 1}/{self.args.rounds}, about {report.span(left)} left")
                    contest.round(number)
                say("    " + report.one_line(contest))
            except Failed as e:  # no model
                for engine in self.engines:
                    contest.fail(engine, str(e))
            finally:
                contest.close()

    def as_json(self):
        return {"schema": 1, "date": self.started.isoformat(timespec="seconds"),
                "command": self.command_line(), "load_before": self.load,
                "machine": report.machine(self.args.build, self.isa),
                "peak_flop_per_second": self.peaks, "absent": self.absent,
                "results": [c.as_json() for c in self.contests]}

    def command_line(self):
        return "python3 bench/compare.py " + " ".join(self.args.said)


def words(known, name):
    def parse(text):
        chosen = [w for w in text.split(",") if w]
        for word in chosen:
            if word not in known:
                raise argparse.ArgumentTypeError(f"no {name} {word}; there are {', '.join(known)}")
        return chosen
    return parse


def counts(text):
    numbers = [int(w) for w in text.split(",")]
    if not numbers or min(numbers) < 1:
        raise argparse.ArgumentTypeError("wanted numbers from 1")
    return numbers


def positive(text):
    if int(text) < 1:
        raise argparse.ArgumentTypeError("wanted a number from 1")
    return int(text)


def add_common(p, networks, rounds):
    """Arguments that growth.py has, too."""
    p.add_argument("--networks", type=words(networks, "network"), default=list(networks),
                   metavar="LIST", help="of " + ", ".join(networks))
    p.add_argument("--threads", type=counts, default=[1, 2], metavar="LIST", help="1,2")
    p.add_argument("--rounds", type=positive, default=rounds, metavar="N",
                   help=f"turns of each engine ({rounds})")
    p.add_argument("--json", metavar="FILE", help="write everything, every run's time, too")
    p.add_argument("--build", default=os.path.join(ROOT, "build", "release"), metavar="DIR",
                   help="where Pinhole is built (build/release)")
    p.add_argument("--no-build", action="store_true", help="take what is built there as it is")
    p.add_argument("--models", default=os.path.join(ROOT, "build", "bench-models"), metavar="DIR",
                   help="where models and conversions are put (build/bench-models)")
    p.add_argument("--python", default=os.environ.get("PINHOLE_BENCH_PYTHON"), metavar="PROGRAM",
                   help="an interpreter that has the peers; nothing is installed")


def parse_common(p, argv):
    """The arguments, with what was said on the command line, less the path of an interpreter."""
    args = p.parse_args(argv)
    for threads in args.threads:
        cores_for(threads)  # or say at once that there are not so many
    args.said = [a for i, a in enumerate(argv) if a != "--python" and argv[i - 1:i] != ["--python"]]
    args.networks, args.threads = list(dict.fromkeys(args.networks)), list(dict.fromkeys(args.threads))
    return args


def arguments(argv):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_common(p, NETWORKS, 5)
    p.add_argument("--peers", type=words(PEERS, "peer"), metavar="LIST",
                   help="of " + ", ".join(PEERS) + "; '' for Pinhole alone")
    p.add_argument("--markdown", metavar="FILE", help="write the tables and the machine")
    args = parse_common(p, argv)
    args.peers_said = args.peers is not None
    if not args.peers_said:
        args.peers = list(PEERS)
    return args


def write(path, text):
    with open(path + ".new", "w", encoding="utf-8") as f:
        f.write(text)
    os.replace(path + ".new", path)


def measure(bench):
    """Run it all, or until somebody interrupts; the exit status. Writing what there is, is not interrupted."""
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    status = 0
    try:
        bench.run_all()
    except KeyboardInterrupt:
        say("interrupted; what is measured so far:")
        status = 130
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return status


def main(argv):
    args = arguments(argv)
    bench = Bench(args)
    status = measure(bench)
    text = report.markdown(bench)
    print(text, end="")
    if args.json:
        write(args.json, json.dumps(bench.as_json()) + "\n")
    if args.markdown:
        write(args.markdown, text)
    if not status and any(c.cells[e].wrong or c.cells[e].failed for c in bench.contests for e in OURS):
        status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
