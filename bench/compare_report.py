# SPDX-License-Identifier: MIT
"""Tables of what compare.py measured, as Markdown that reads well as text."""
import math
import os
import platform
import re
import statistics
import subprocess

OURS = ("pinhole", "pinhole-exact")
NAMES = {"pinhole": "Pinhole", "pinhole-exact": "Pinhole --exact", "onnxruntime": "ONNX Runtime",
         "openvino": "OpenVINO", "ncnn": "ncnn", "ncnn-direct": "ncnn, no Winograd",
         "torch": "PyTorch (oneDNN)"}


def threads_text(n):
    return f"{n} thread" if n == 1 else f"{n} threads"


def span(seconds):
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


# --- The machine ---------------------------------------------------------------------------------

def first_match(path, pattern):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            found = re.search(pattern, f.read(), re.MULTILINE)
        return found.group(1).strip() if found else None
    except OSError:
        return None


def compiler(build):
    path = first_match(os.path.join(build, "CMakeCache.txt"), r"^CMAKE_C_COMPILER:\w+=(.*)$")
    if not path:
        return "?"
    done = subprocess.run([path, "--version"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True)
    return done.stdout.splitlines()[0] if done.stdout else path


def commit():
    done = subprocess.run(["git", "-C", os.path.dirname(os.path.abspath(__file__)), "describe",
                           "--always", "--dirty"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True)
    return done.stdout.strip() or "?"


def machine(build, isa):
    info = "/proc/cpuinfo"
    family, model = (first_match(info, rf"^{key}\s*: (.*)$") for key in ("cpu family", "model"))
    name = first_match(info, r"^model name\s*: (.*)$") or platform.machine()
    return {"cpu": f"{name}, family {family}, model {model}" if family else name, "isa": isa,
            "cpus": len(os.sched_getaffinity(0)),
            "os": first_match("/etc/os-release", r'^PRETTY_NAME="?([^"\n]*)') or platform.system(),
            "kernel": platform.release(), "compiler": compiler(build), "commit": commit(),
            "build": first_match(os.path.join(build, "CMakeCache.txt"),
                                 r"^CMAKE_BUILD_TYPE:\w+=(.*)$") or "?"}


# --- What follows from the times -----------------------------------------------------------------

def best_peer(contest):
    """The right peer with the fastest run, or None."""
    times = {e: c.best() for e, c in contest.cells.items()
             if e not in OURS and c.rounds and not c.wrong and not c.failed}
    return min(times, key=times.get) if times else None


def ratio(contest, ours, of):
    """Time of the best peer over Pinhole's: above 1, Pinhole is faster. `of` takes a cell's time."""
    peer, cell = best_peer(contest), contest.cells[ours]
    if not peer or not cell.rounds or cell.wrong or cell.failed:
        return None
    return of(contest.cells[peer]) / of(cell)


def best_time(cell):
    return cell.best()


def median_ratio(contest, ours):
    """The same of medians, against the peer with the least median."""
    medians = [c.median() for e, c in contest.cells.items()
               if e not in OURS and c.rounds and not c.wrong and not c.failed]
    cell = contest.cells[ours]
    usable = medians and cell.rounds and not cell.wrong and not cell.failed
    return min(medians) / cell.median() if usable else None


def share(contest, engine, peak):
    """Of the peak, %."""
    cell = contest.cells[engine]
    return 200 * contest.macs / cell.best() / peak if cell.rounds and contest.macs else None


def geometric_mean(values):
    return math.exp(statistics.fmean(map(math.log, values))) if values else None


# --- Tables --------------------------------------------------------------------------------------

def table(head, rows):
    """Columns padded to one width; the first is text, the rest numbers, to the right."""
    widths = [max(len(str(r[i])) for r in [head] + rows) for i in range(len(head))]

    def line(cells):
        parts = [str(c).rjust(w) if i else str(c).ljust(w)
                 for i, (c, w) in enumerate(zip(cells, widths))]
        return "| " + " | ".join(parts) + " |"

    rule = "|" + "|".join("-" * (w + 1) + (":" if i else "-") for i, w in enumerate(widths)) + "|"
    return "\n".join([line(head), rule] + [line(r) for r in rows]) + "\n"


def number(x, form):
    return "-" if x is None else format(x, form)


def shortened(why):
    return "failed: " + why.replace("|", "/")[:60]


def time_cell(cell):
    if cell.failed:
        return shortened(cell.failed)
    if not cell.rounds:
        return "-"
    text = f"{1e3 * cell.best():.2f} ({1e3 * cell.median():.2f})"
    return "wrong: " + text if cell.wrong else text


def of_threads(bench, threads):
    return [c for c in bench.contests if c.threads == threads]


def time_table(bench, threads):
    peers = [e for e in bench.engines if e not in OURS]
    head = (["network", "GMAC"] + [NAMES[e] for e in bench.engines] +
            ["best peer", "ratio", "of medians", "--exact"])
    rows, ratios = [], {"best": [], "median": [], "exact": []}
    for c in of_threads(bench, threads):
        values = {"best": ratio(c, "pinhole", best_time), "median": median_ratio(c, "pinhole"),
                  "exact": ratio(c, "pinhole-exact", best_time)}
        for key, value in values.items():
            if value:
                ratios[key].append(value)
        peer = best_peer(c)
        rows.append([c.network, number(c.macs and c.macs / 1e9, ".3f")] +
                    [time_cell(c.cells[e]) for e in bench.engines] +
                    [NAMES[peer] if peer else "-"] + [number(v, ".2f") for v in values.values()])
    if peers:
        rows.append(["geometric mean", ""] + [""] * len(bench.engines) + [""] +
                    [number(geometric_mean(v), ".2f") for v in ratios.values()])
    return table(head, rows)


def share_table(bench, threads):
    peak = bench.peaks[threads]
    return table([f"% of {peak / 1e9:.0f} GFLOP/s"] + [NAMES[e] for e in bench.engines],
                 [[c.network] + [number(share(c, e, peak), ".0f") for e in bench.engines]
                  for c in of_threads(bench, threads)])


def error_cell(contest, engine):
    cell = contest.cells[engine]
    if engine == contest.reference:
        return "reference"
    return number(cell.error, ".1e") + (" wrong" if cell.wrong else "")


def error_table(bench, threads):
    return table(["network"] + [NAMES[e] for e in bench.engines],
                 [[c.network] + [error_cell(c, e) for e in bench.engines]
                  for c in of_threads(bench, threads)])


def start_cell(cell):
    f = cell.facts
    if not f:
        return "-"
    return f"{1e3 * f['load']:.0f} + {1e3 * f['first']:.0f}, {(f['peak'] - f['before']) / 1e6:.0f} MB"


def start_table(bench, threads):
    return table(["network"] + [NAMES[e] for e in bench.engines],
                 [[c.network] + [start_cell(c.cells[e]) for e in bench.engines]
                  for c in of_threads(bench, threads)])


def versions(bench):
    found = {}
    for c in bench.contests:
        for engine, cell in c.cells.items():
            if cell.facts:
                found[NAMES[engine].split(",")[0].split(" --")[0]] = cell.facts["version"]
    return ", ".join(f"{name} {version}" for name, version in found.items())


def one_line(contest):
    """What came out for a network, for those who watch."""
    ours, peer = contest.cells["pinhole"], best_peer(contest)
    text = f"Pinhole {time_cell(ours)} ms"
    if not peer or not ratio(contest, "pinhole", best_time):
        return text
    return (f"{text}, {NAMES[peer]} {time_cell(contest.cells[peer])} ms: ratio "
            f"{ratio(contest, 'pinhole', best_time):.2f}")


EXPLANATION = """Time of one image in ms, float32: the fastest run and, in brackets, the median of all timed runs.
`best peer` is the peer with the fastest run; **`ratio` is its time over Pinhole's: above 1, Pinhole is
faster.** `of medians` is the same of medians; `--exact` that of Pinhole by the definition alone, of fastest
runs. Engines took turns in one run, each a process pinned to as many cores as threads, the others
stopped; `bench/compare.py` says how in full.
"""
SHARES = """Nominal multiply-adds (zero padding counted, 1 MAC = 2 FLOP) of the fastest run, % of the multiply-add
peak, which is measured before each network (the most counts). Above 100 is possible where an algorithm
multiplies less.
"""
ERRORS = """Largest difference of an output from the reference's, in units of the reference's largest output. More
than 1e-3 is `wrong` and does not count as a peer.
"""
STARTS = """From the file to ready (without the import of a Python package) + the first run, ms; most memory in use
until then, less what the process had before it loaded the engine, MB of 10^6 bytes. Other engines carry
the import of their package in the memory, not in the time. ncnn reads what pnnx made in advance.
"""


def circumstances(bench, engines):
    """When, where, what and how it was measured."""
    m = machine(bench.args.build, bench.isa)
    return (f"{bench.started:%d %B %Y}, {m['cpu']}, {m['isa']}, {m['cpus']} CPUs, {m['os']}, "
            f"Linux {m['kernel']}, {m['compiler']}, build type {m['build']}, commit {m['commit']}. "
            f"{engines}. {bench.args.rounds} rounds; load of the machine before: {bench.load:.1f}.\n\n"
            f"    {bench.command_line()}\n")


def markdown(bench):
    explanation = EXPLANATION
    text = ["# Pinhole beside other engines\n", circumstances(bench, versions(bench))]
    for peer, why in bench.absent.items():
        text.append(f"Not measured: {NAMES[peer]} ({why}).\n")
    if not bench.contests:
        return "\n".join(text + ["Nothing was measured.\n"])
    for threads in bench.args.threads:
        if of_threads(bench, threads):
            text += [f"## {threads_text(threads).capitalize()}\n", explanation,
                     time_table(bench, threads)]
            explanation = "As above.\n"
    for title, words, make in (("Share of the peak", SHARES, share_table),
                               ("Outputs", ERRORS, error_table), ("Start", STARTS, start_table)):
        text += [f"## {title}\n", words]
        for threads in bench.args.threads:
            if of_threads(bench, threads):
                text += [f"{threads_text(threads).capitalize()}:\n", make(bench, threads)]
    return "\n".join(text)
