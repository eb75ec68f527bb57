# SPDX-License-Identifier: Apache-2.0
"""How figures look, and how they are written: PNG and PDF on white, and SVG that follows the page's theme."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib import font_manager
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from sweep_file import Method


@dataclass(frozen=True)
class Colour:
    """One colour of the palette on white and on the dark page, and the CSS variable that carries it."""

    variable: str
    light: str
    dark: str


# Hues after Okabe and Ito; base and SFT are where the methods start, so they are greys. Every `light` value is
# unique: the SVG writer finds a colour's variable by it.
INK = Colour("ink", "#1d232b", "#e6e9ee")
MUTED = Colour("muted", "#69727f", "#98a2b0")
GRID = Colour("grid", "#e4e7ec", "#2e3540")
PAPER = Colour("paper", "#fefefe", "#14181e")
STARTS = (Colour("base", "#a3abb6", "#7d8794"), Colour("sft", "#5b6470", "#b6bfcb"))
ALIGNED = (
    Colour("method-1", "#d1590a", "#ff9152"),
    Colour("method-2", "#0b6fb3", "#5db2f0"),
    Colour("method-3", "#0a8f68", "#3ecf9f"),
    Colour("method-4", "#b8568c", "#ea8fc0"),
    Colour("method-5", "#b58a00", "#e8bf3f"),
    Colour("method-6", "#6a4fb3", "#a892ea"),
    Colour("method-7", "#3a9bb8", "#79d0e8"),
    Colour("method-8", "#8a5a3c", "#cf9a76"),
)
# After Tol's muted scheme; the roles that all methods share come first and are the quieter ones.
ROLES = {
    "corpus": Colour("role-corpus", "#e3dccd", "#454a42"),
    "pretrain": Colour("role-pretrain", "#c6ccd4", "#596371"),
    "sft": Colour("role-sft", "#98a4b3", "#7f8b9b"),
    "feedback": Colour("role-feedback", "#ddc56b", "#d9bf62"),
    "reference": Colour("role-reference", "#7fbfde", "#7fc4e6"),
    "reward_model": Colour("role-reward-model", "#c9596c", "#e27587"),
    "policy": Colour("role-policy", "#3b3a8c", "#8583dd"),
    "value": Colour("role-value", "#a14694", "#cd78c1"),
    "alignment": Colour("role-alignment", "#8c9a52", "#b3c272"),
    "evaluate": Colour("role-evaluate", "#44a38f", "#55bda7"),
    "other": Colour("role-other", "#a98467", "#c9a489"),
}

LineStyle = Literal["-"] | tuple[float, tuple[float, ...]]
LINE_STYLES: tuple[LineStyle, ...] = ("-", (0, (5, 2)), (0, (1.2, 1.6)), (0, (5, 2, 1.2, 2)))

MARKERS = ("o", "s", "D", "^", "v", "P", "X")

PNG_DPI = 170
WIDTH = 9.6  # inches; the page's column at 100 pixels an inch


def method_colours(methods: Iterable[Method]) -> dict[str, Colour]:
    """A colour for each method by its place among the program's, so that it is the same in every report."""
    methods = list(methods)
    return {
        method.name: colours[i % len(colours)]
        for aligned, colours in ((False, STARTS), (True, ALIGNED))
        for i, method in enumerate(method for method in methods if method.aligned == aligned)
    }


def all_colours() -> list[Colour]:
    """Every colour that a figure may hold."""
    return [INK, MUTED, GRID, PAPER, *STARTS, *ALIGNED, *ROLES.values()]


def use_style() -> None:
    """Sets matplotlib's defaults for all figures."""
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    installed = {font.name for font in font_manager.fontManager.ttflist}
    sans = [name for name in ("Helvetica", "Arial", "Liberation Sans") if name in installed]
    plt.rcParams.update(
        {
            "font.family": [*sans, "DejaVu Sans"],
            "font.size": 9.5,
            "text.color": INK.light,
            "axes.titlesize": 10.5,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "axes.titlepad": 8,
            "axes.labelcolor": MUTED.light,
            "axes.labelsize": 9.5,
            "axes.edgecolor": MUTED.light,
            "axes.linewidth": 0.7,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.facecolor": "none",
            "axes.grid": True,
            "axes.axisbelow": True,
            "axes.formatter.useoffset": False,
            "axes.unicode_minus": True,
            "grid.color": GRID.light,
            "grid.linewidth": 0.8,
            "xtick.color": MUTED.light,
            "ytick.color": MUTED.light,
            "xtick.major.size": 3,
            "ytick.major.size": 0,
            "xtick.labelsize": 9,
            "ytick.labelsize": 9,
            "lines.linewidth": 1.8,
            "lines.solid_capstyle": "round",
            "figure.facecolor": "none",
            "figure.dpi": 100,
            "svg.fonttype": "none",
            "svg.hashsalt": "alignsweep",
            "pdf.fonttype": 42,
        }
    )


def bare(axes: Axes, grid: str) -> None:
    """Keeps the grid along one axis ('x' or 'y') and only the spine that carries the other."""
    axes.grid(False, axis="x" if grid == "y" else "y")
    axes.spines["left" if grid == "y" else "bottom"].set_visible(False)


def space_panels(figure: Figure) -> None:
    """Leaves air between the panels of a grid."""
    engine = figure.get_layout_engine()
    if isinstance(engine, ConstrainedLayoutEngine):
        engine.set(wspace=0.03, hspace=0.05, w_pad=0.06, h_pad=0.06)


def save(figure: Figure, folder: Path, name: str) -> str:
    """Writes `<name>.png` and `<name>.pdf` on white and returns the figure as SVG for the page; closes it."""
    lay_out(figure)
    figure.set_layout_engine("none")  # frozen: the three outputs share one layout
    # The canvases are called by themselves, since savefig would draw each figure twice.
    buffer = io.BytesIO()
    FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None})  # type: ignore[no-untyped-call]
    figure.set_facecolor(PAPER.light)
    figure.set_dpi(PNG_DPI)
    FigureCanvasAgg(figure).print_png(folder / f"{name}.png", metadata={"Software": None})  # type: ignore[no-untyped-call]
    FigureCanvasPdf(figure).print_pdf(folder / f"{name}.pdf", metadata={"CreationDate": None})  # type: ignore[no-untyped-call]
    plt.close(figure)
    return inline_svg(buffer.getvalue().decode(), name)


def legend_above(figure: Figure, handles: Sequence[Artist], labels: Sequence[str], **options: Any) -> None:
    """A legend in one block above all panels, from the left."""
    longest = max((len(label) for label in labels), default=0)
    fits = sum(34 + 5.2 * len(label) for label in labels) < WIDTH * 72  # points; a letter is about 5 wide
    columns = len(labels) if fits else max(1, min(len(labels), int(WIDTH * 72 / (34 + 5.2 * longest))))
    figure.legend(
        handles, labels, loc="outside upper left", ncols=columns, frameon=False, fontsize=9, columnspacing=1.3,
        **options,
    )  # fmt: skip


def lay_out(figure: Figure) -> None:
    """Settles where the panels stand, without drawing."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)


def inline_svg(svg: str, name: str) -> str:
    """The SVG of matplotlib made fit to stand in a page: no prolog, metadata or namespaces, own ids, themed colours."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.S)
    svg = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", svg)
    svg = svg.replace("xlink:href", "href")
    svg = re.sub(r'(<svg[^>]*?)\s(?:width|height)="[^"]*"', r"\1", svg)
    svg = re.sub(r'(<svg[^>]*?)\s(?:width|height)="[^"]*"', r"\1", svg)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", svg)
    for colour in all_colours():
        svg = svg.replace(colour.light, f"var(--{colour.variable})")
    return re.sub(r">\s+<", "><", svg).strip()


def spread(positions: list[float], gap: float) -> list[float]:
    """Moves label positions apart to at least `gap`, keeping their order and, where it can, their place."""
    order = sorted(range(len(positions)), key=lambda i: positions[i])
    blocks: list[list[float]] = []  # [sum of wanted starts, count]
    for rank, i in enumerate(order):
        blocks.append([positions[i] - rank * gap, 1])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            total, size = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += size
    starts = [total / size for total, size in blocks for _ in range(int(size))]
    placed = [0.0] * len(positions)
    for rank, i in enumerate(order):
        placed[i] = starts[rank] + rank * gap
    return placed


def label_ends(figure: Figure, axes: Axes, labels: list[tuple[float, str, str]], size: float = 9) -> None:
    """Writes (y, text, colour) labels to the right of the axes, moved apart where they would meet."""
    if not labels:
        return
    low, high = axes.get_ylim()
    height = axes.get_window_extent().height * 72 / figure.dpi
    fractions = [(y - low) / (high - low) for y, _, _ in labels]
    for place, (_, text, colour) in zip(spread(fractions, 1.25 * size / height), labels, strict=True):
        axes.annotate(
            text, (1, place), (5, 0), xycoords="axes fraction", textcoords="offset points",
            color=colour, va="center", fontsize=size, annotation_clip=False,
        )  # fmt: skip
