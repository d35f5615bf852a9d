#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws what growth.py measured: a small picture for each network, all with the same axes' names.

    python growth_plot.py PICTURE.svg < DRAWING.json

The same drawing gives the same bytes: no dates, no random names.
"""
import json
import math
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402

COLUMNS = 4
COLOURS = ["#0b5fa5", "#c2571a", "#3a7d34", "#7b3fa0"]  # by number of threads
STYLE = {"svg.fonttype": "none", "svg.hashsalt": "growth", "font.family": "sans-serif", "font.size": 9,
         "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
         "grid.color": "#dddddd", "grid.linewidth": 0.6, "figure.facecolor": "white",
         "axes.facecolor": "white", "path.simplify": True}


def draw_panel(axes, panel, colours):
    for line in panel["lines"]:
        colour = colours[line["threads"]]
        axes.plot(line["x"], line["y"], marker="o", markersize=3, linewidth=1.3, color=colour,
                  linestyle="--" if line["dashed"] else "-", alpha=0.6 if line["dashed"] else 1,
                  label=line["label"])
        for x, y in line["back"]:
            axes.plot([x], [y], marker="o", markersize=8, markerfacecolor="none", color="#d40000",
                      linestyle="none")
    axes.set_title(panel["title"], fontsize=10, loc="left")
    axes.set_ylim(0, 1.08 * max(y for line in panel["lines"] for y in line["y"]))


def set_ticks(axes, xs):
    """Only what was measured; batches double, so on a logarithmic scale."""
    if max(xs) >= 8 * min(xs):
        axes.set_xscale("log", base=2)
    axes.set_xticks(xs, [f"{x}" for x in xs], rotation=0 if len(xs) < 7 else 45)
    axes.minorticks_off()


def draw(d, path):
    columns = min(COLUMNS, len(d["panels"]))
    lines = math.ceil(len(d["panels"]) / columns)
    every = [line for panel in d["panels"] for line in panel["lines"]]
    xs = sorted({x for line in every for x in line["x"]})
    colours = dict(zip(sorted({line["threads"] for line in every}), COLOURS * len(every)))
    figure, grid = plt.subplots(lines, columns, squeeze=False, layout="constrained",
                                figsize=(2.6 * columns + 0.3, 2.3 * lines + 0.8))
    places = list(grid.flat)
    for axes, panel in zip(places, d["panels"]):
        draw_panel(axes, panel, colours)
        set_ticks(axes, xs)
    for axes in places[len(d["panels"]):]:
        axes.axis("off")
    figure.supxlabel(d["x"], fontsize=10)
    figure.supylabel(d["y"], fontsize=10)
    handles, labels = places[0].get_legend_handles_labels()
    if any(line["back"] for line in every):
        handles += [plt.Line2D([], [], marker="o", markersize=8, markerfacecolor="none",
                               color="#d40000", linestyle="none")]
        labels += ["step backwards"]
    figure.suptitle(d["title"], fontsize=12, x=0.01, ha="left")
    figure.legend(handles, labels, loc="outside upper right", ncols=len(labels), frameon=False)
    figure.savefig(path, metadata={"Date": None})


def main():
    matplotlib.rcParams.update(STYLE)
    draw(json.load(sys.stdin), sys.argv[1])


if __name__ == "__main__":
    main()
