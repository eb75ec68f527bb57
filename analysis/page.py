# SPDX-License-Identifier: Apache-2.0
"""The report as one HTML page that needs nothing else: style and figures stand in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import pandas as pd

from arms import Arm, Arms
from comparisons import Comparison, Families, Verdict
from figures import MOST_ROWS
from plot_style import Colour, all_colours, method_colours
from tables import Table
from wording import (
    count,
    describe_collapsed, describe_mixed,
    difference_label,
    headline,
    how_compared,
    number,
    p_value,
    sentence,
    with_interval,
)

STYLE = Path(__file__).with_name("page.css")
WARN = Colour("warn", "#c98500", "#e0a530")
MARK = Colour("mark", "#1d232b", "#e6e9ee")

MOST_SENTENCES = 8
MOST_FAILED = 200

CAPTIONS = {
    "differences": (
        "Differences paired by seed. Dot: mean; bar: 95 % t-interval, an arrowhead where it runs on; ticks: single "
        "seeds. Filled and coloured (by the method above): larger than the noise. Hollow: not."
    ),
    "gold_by_stage": "Gold reward from base over SFT to the aligned model. Thin lines are seeds, large dots means.",
    "reward_against_kl": (
        "Reward against distance from the SFT model. Small points are trials; large ones means with 95 % t-intervals "
        "(three seeds or more). A proxy that rises where gold does not is over-optimisation."
    ),
    "gold_components": (
        "Components of the gold reward, before their weights. Bars: means; lines: 95 % intervals; dots: seeds."
    ),
    "behaviours": "Share of responses by behaviour. Bars: means; lines: 95 % intervals; dots: seeds.",
    "learning_curves": (
        "Training, mean over the finished seeds; bands run from the lowest seed to the highest. A thin line that ends "
        "in × is a trial that failed or still runs. Losses of different methods are not on one scale."
    ),
    "cost_by_role": (
        "What one trial uses, mean over seeds, by role. Trials of a seed share their early stages, so a sweep costs "
        "less than the sum of its bars. Time is counted by stage: alignment is the method's own, with all its models."
    ),
}
ALT = {
    "differences": "Forest plot of paired differences between methods",
    "gold_by_stage": "Gold reward by stage, a line a seed",
    "reward_against_kl": "Scatter of gold and proxy reward against KL",
    "gold_components": "Bars of the gold reward's components by method",
    "behaviours": "Bars of behaviours by method",
    "learning_curves": "Learning curves by metric and method",
    "cost_by_role": "Stacked bars of cost by role and method",
}  # fmt: skip


@dataclass(frozen=True)
class Report:
    """All that the page shows; `figures` maps a figure's name to its inline SVG."""

    title: str
    arms: Arms
    families: Families
    tables: list[Table]
    figures: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)


def render(report: Report) -> str:
    """The page's HTML."""
    arms = report.arms
    sections = [
        _header(report),
        f'<p class="headline">{escape(headline(report.families, arms))}</p>',
        _notices(arms),
        _findings(report),
        _methods(report),
        _section("Gold reward by stage", _figure(report, "gold_by_stage")),
        _section("Reward against KL", _figure(report, "reward_against_kl")),
        _table_section(report, "Gold reward by component", "gold_components"),
        _table_section(report, "Gold reward by kind of prompt"),
        _table_section(report, "Behaviours", "behaviours"),
        _table_section(report, "Diversity"),
        _section("Learning curves", _figure(report, "learning_curves")),
        _section("Cost", _figure(report, "cost_by_role") + _cost_table(arms)),
        _failed(arms.sweep.trials),
        _provenance(report),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(report.title)}: sweep report</title>\n<style>\n{_style(arms.methods)}</style>\n</head>\n"
        f"<body>\n<main>\n{chr(10).join(part for part in sections if part)}\n</main>\n</body>\n</html>\n"
    )


def _style(methods: Iterable[str]) -> str:
    colours = dict.fromkeys([*all_colours(), WARN, MARK])
    light = " ".join(f"--{colour.variable}: {colour.light};" for colour in colours)
    dark = " ".join(f"--{colour.variable}: {colour.dark};" for colour in colours)
    return (
        f":root {{ {light} }}\n@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"
        + STYLE.read_text(encoding="utf-8")
    )


def _header(report: Report) -> str:
    trials = report.arms.sweep.trials
    counts = trials["status"].value_counts()
    order = [s for s in ("done", "running", "pending", "failed", "skipped") if s in counts]
    order += [s for s in counts.index if s not in order]
    parts = [count(len(trials), "trial") + (": " if len(trials) else "") + ", ".join(f"{counts[s]} {s}" for s in order)]
    replicates = max((report.arms.planned[arm] for arm in report.arms.arms), default=0)
    if replicates:
        parts.append(count(replicates, report.arms.replicate_name))
    parts += [report.provenance[key] for key in ("date", "machine") if report.provenance.get(key)]
    return f"<header>\n<h1>{escape(report.title)}</h1>\n<p>{escape(' · '.join(parts))}</p>\n</header>"


def _notices(arms: Arms) -> str:
    """What a reader must know before any number: trials that are missing from the means."""
    trials = arms.sweep.trials
    notices = []
    mixed = arms.sweep.mixed()
    if mixed:
        notices.append(f"The trials come from several programs or machines, which differ in {describe_mixed(mixed)}. "
                       "Their numbers may differ for that alone.")
    waiting = int(trials["status"].isin(["pending", "running"]).sum())
    if waiting:
        notices.append(f"The sweep is not finished: {count(waiting, 'trial')} still to come. Numbers will change.")
    failed = trials[trials["status"] == "failed"]
    if len(failed):
        where = [
            f"{method} ({', '.join(f'seed {seed}' for seed in sorted(rows['seed'].unique())[:6])})"
            for method, rows in failed.groupby("method", sort=False)
        ]
        notices.append(
            f"{count(len(failed), 'trial')} failed and {'is' if len(failed) == 1 else 'are'} left out: "
            f'{"; ".join(where)}. Trials that fail may not be like the others. See <a href="#failed">failed trials</a>.'
        )
    collapsed = describe_collapsed(arms.sweep)
    if collapsed:
        notices.append(f"Collapsed: {escape(collapsed)}. One answer, no refusal, goes to a quarter or more of the prompts of one "
                       "kind there, whatever they ask; a gain in reward says little of such a model. Read its answers.")
    if len(arms.arms) > MOST_ROWS:
        notices.append(f"Figures show the first {MOST_ROWS} of {len(arms.arms)} rows; the tables show all.")
    largest = max((len(arms.rows[arm]) for arm in arms.aligned), default=0)
    if largest == 2:
        notices.append("Two seeds give one number to judge noise by: intervals are very wide. Four or more are better.")
    return "".join(f'<p class="notice">{notice}</p>' for notice in notices)


def _findings(report: Report) -> str:
    families, arms = report.families, report.arms
    parts = [_sentences(families.methods, arms)]
    if any((families.methods, families.over_sft, families.sft_over_base, families.along_axes)):
        parts.append(f'<p class="small">{escape(how_compared(families, arms))}</p>')
    parts.append(_figure(report, "differences"))
    if families.sft_over_base:
        parts.append("<h3>SFT against base</h3>" + _sentences(families.sft_over_base, arms))
    if families.over_sft:
        parts.append("<h3>Each method against SFT</h3>" + _sentences(families.over_sft, arms))
        parts.append(_prompt_level(arms))
    if families.along_axes:
        parts.append("<h3>Along the axes, within a method</h3>" + _sentences(families.along_axes, arms))
    everything = [*families.methods, *families.over_sft, *families.sft_over_base, *families.along_axes]
    if everything:
        parts.append(_comparison_table(everything, arms))
    return "\n".join(part for part in parts if part)


def _sentences(family: tuple[Comparison, ...], arms: Arms) -> str:
    ordered = sorted(family, key=lambda c: (c.verdict is not Verdict.LARGER, -abs(c.interval.mean)))
    items = [
        f'<li class="{"larger" if c.verdict is Verdict.LARGER else "not"}">'
        f"{escape(_capital(sentence(c, arms.replicate_name)))}.</li>"
        for c in ordered
    ]
    if len(items) <= MOST_SENTENCES + 1:
        return f'<ul class="verdicts">{"".join(items)}</ul>' if items else ""
    first, rest = items[:MOST_SENTENCES], items[MOST_SENTENCES:]
    return (
        f'<ul class="verdicts">{"".join(first)}</ul><details><summary>{len(rest)} more</summary>'
        f'<ul class="verdicts">{"".join(rest)}</ul></details>'
    )


def _capital(text: str) -> str:
    """Sentences that start with a word start with a capital; method names keep their own case."""
    return "N" + text[1:] if text.startswith("no ") else text


def _prompt_level(arms: Arms) -> str:
    """With a single seed there is still the comparison over its prompts, which is another kind of noise."""
    metric, t = "eval/gold_vs_sft", "eval/gold_vs_sft_t"
    parts = []
    for arm in arms.aligned:
        gain, statistic = arms.values(arm, metric), arms.values(arm, t)
        if len(gain) == 1 and len(statistic) == 1:
            parts.append(f"{arm.label} {number(gain.iloc[0], 2, sign=True)} (t = {number(statistic.iloc[0], 1)})")
    if not parts:
        return ""
    return (
        f'<p class="small">Over the prompts of that one seed, paired with SFT: {escape("; ".join(parts))}. '
        "This says that the models differ on such prompts, not that the method would do so again.</p>"
    )


def _comparison_table(comparisons: list[Comparison], arms: Arms) -> str:
    rows = []
    for c in (c.positive() for c in comparisons):
        above = f"{c.above} of {c.n}" if c.n else "–"
        rows.append(
            f"<tr><td>{escape(difference_label(c))}</td><td>{with_interval(c.interval)}</td>"
            f"<td>{c.n}</td><td>{above}</td><td>{p_value(c.p)}</td><td>{p_value(c.p_holm)}</td>"
            f'<td class="left">{c.verdict.value}</td></tr>'
        )
    return (
        "<details><summary>All comparisons as a table</summary>"
        '<div class="scroll"><table><thead><tr><th>difference</th><th>mean and 95 % interval</th>'
        f"<th>n</th><th>{escape(arms.replicate_name)}s above</th><th>p</th><th>p, Holm</th>"
        f'<th class="left">verdict</th></tr></thead><tbody>{"".join(rows)}</tbody></table></div></details>'
    )


def _methods(report: Report) -> str:
    main = next((table for table in report.tables if table.title == "Methods"), None)
    if main is None:
        return ""
    return _section("Methods", _method_table(main, report.arms))


def _table_section(report: Report, title: str, figure: str = "") -> str:
    table = next((table for table in report.tables if table.title == title), None)
    if table is None:
        return ""
    return _section(title, (_figure(report, figure) if figure else "") + _method_table(table, report.arms))


def _method_table(table: Table, arms: Arms) -> str:
    colours = method_colours(arms.sweep.methods)
    head = "".join(f"<th>{escape(column.name)}</th>" for column in table.columns)
    rows: list[str] = []
    seen_aligned = False
    for arm in arms.arms:
        cells = "".join(_cell(column.mean(arm), column.interval(arm)) for column in table.columns)
        finished, planned = arms.rows[arm]["replicate"].nunique(), arms.planned[arm]
        n = str(finished) if finished == planned else f"{finished} of {planned}"
        first = ' class="aligned-first"' if arm.aligned and not seen_aligned and rows else ""
        seen_aligned |= arm.aligned
        rows.append(
            f'<tr{first}><th><span class="method" style="--method: var(--{colours[arm.method].variable})">'
            f"{escape(arm.label)}</span></th><td>{n}</td>{cells}</tr>"
        )
    meanings = "".join(
        f"<dt>{escape(c.name)}</dt><dd>{escape(c.meaning)}{_unit(c.unit, c.meaning)}</dd>"
        for c in table.columns
        if c.meaning or c.unit
    )
    note = f"Mean over {arms.replicate_name}s; in brackets its 95 % t-interval (none with one seed)."
    if table.has_prompt_intervals():
        note += (
            " Where the trial has one, rows with one seed show its interval over prompts, which says nothing about "
            "another seed."
        )
    if table.title == "Methods" and any(len(rows) > 1 for rows in arms.rows.values()):
        note += (
            " Methods share their seeds, so whether they differ is told by the paired differences above, "
            "not by whether these intervals overlap."
        )
    return (
        f'<div class="scroll"><table class="wide"><thead><tr><th>method</th><th>seeds</th>{head}</tr></thead>'
        f'<tbody>{"".join(rows)}</tbody></table></div><p class="small">{note}</p>'
        f"<details><summary>What the columns mean</summary><dl>{meanings}</dl></details>"
    )


def _unit(unit: str, meaning: str) -> str:
    return f" [{escape(unit)}]" if unit and unit not in meaning else ""


def _cell(mean: str, interval: str) -> str:
    if mean == "–":
        return '<td class="none">–</td>'
    return f"<td>{mean}" + (f'<span class="interval">{interval}</span>' if interval else "") + "</td>"


def _cost_table(arms: Arms) -> str:
    columns = {
        "labels": "cost/labels/total", "tokens": "cost/tokens/total", "FLOPs": "cost/flops/total",
        "seconds": "cost/seconds/total", "models in memory": "cost/models_in_memory",
    }  # fmt: skip
    columns = {name: metric for name, metric in columns.items() if arms.sweep.has(metric)}
    if not columns:
        return ""
    rows = "".join(
        f"<tr><th>{escape(arm.label)}</th>"
        + "".join(f"<td>{_amount(arms, arm, m)}</td>" for m in columns.values())
        + "</tr>"
        for arm in arms.arms
    )
    head = "".join(f"<th>{name}</th>" for name in columns)
    return (
        f'<div class="scroll"><table><thead><tr><th>method</th>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
        '<p class="small">Totals of one trial, mean over seeds.</p>'
    )


def _amount(arms: Arms, arm: Arm, metric: str) -> str:
    values = arms.values(arm, metric)
    if values.empty:
        return "–"
    mean = float(values.mean())
    for factor, prefix in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M")):
        if abs(mean) >= factor:
            return f"{mean / factor:.3g} {prefix}"
    return f"{mean:,.0f}".replace(",", "\u2009") if abs(mean) >= 100 else f"{mean:.3g}"


def _failed(trials: pd.DataFrame) -> str:
    failed = trials[trials["status"] == "failed"]
    if failed.empty:
        return ""
    axes = [name for name in trials.columns if "." in name and "/" not in name]
    rows = []
    for _, row in failed.head(MOST_FAILED).iterrows():
        where = [f"{name}={row[name]:g}" if not isinstance(row[name], str) else f"{name}={row[name]}"
                 for name in axes if row[name] == row[name]]  # fmt: skip
        error = row["error"] or "no error text was kept"
        rows.append(
            f'<tr><td>{row["trial"]}</td><td class="left">{escape(" ".join([row["method"], *where]))}</td>'
            f'<td>{row["seed"]}</td><td class="error">{escape(error)}</td></tr>'
        )
    more = (
        f'<p class="small">{len(failed) - MOST_FAILED} more are in sweep.h5.</p>' if len(failed) > MOST_FAILED else ""
    )
    table = (
        '<div class="scroll"><table class="wide"><thead><tr><th>trial</th><th class="left">method</th><th>seed</th>'
        f'<th class="left">error</th></tr></thead><tbody>{"".join(rows)}</tbody></table></div>{more}'
        '<p class="small">Call the same <code>alignsweep sweep</code> again: what is done stays, and these are tried '
        "once more, with their seeds. A broken stage is set aside first: <code>alignsweep repair DIR</code></p>"
    )
    return _section("Failed trials", table, "failed")


def _provenance(report: Report) -> str:
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in report.provenance.items())
    return _section("Provenance", f"<dl>{rows}</dl>")


def _section(title: str, body: str, anchor: str = "") -> str:
    if not body:
        return ""
    name = f' id="{anchor}"' if anchor else ""
    return f"<section{name}>\n<h2>{escape(title)}</h2>\n{body}\n</section>"


def _figure(report: Report, name: str) -> str:
    svg = report.figures.get(name)
    if not svg:
        return ""
    svg = svg.replace("<svg", f'<svg role="img" aria-label="{escape(ALT[name])}"', 1)
    return f"<figure>{svg}<figcaption>{escape(CAPTIONS[name])}</figcaption></figure>"
