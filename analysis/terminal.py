# SPDX-License-Identifier: Apache-2.0
"""The report on a terminal: the findings as sentences and the main table of methods."""

from __future__ import annotations

from arms import Arms
from comparisons import Families, Verdict
from tables import Table
from wording import describe_collapsed, describe_mixed, headline, sentence

MOST_SENTENCES = 12


def render(arms: Arms, families: Families, tables: list[Table]) -> str:
    """Plain text, without a trailing newline."""
    lines = [headline(families, arms), ""]
    for family in (families.methods, families.over_sft, families.sft_over_base):
        ordered = sorted(family, key=lambda c: (c.verdict is not Verdict.LARGER, -abs(c.interval.mean)))
        lines += [
            f"  {'*' if c.verdict is Verdict.LARGER else ' '} {sentence(c, arms.replicate_name)}"
            for c in ordered[:MOST_SENTENCES]
        ]
        if len(ordered) > MOST_SENTENCES:
            lines.append(f"    ... {len(ordered) - MOST_SENTENCES} more in the report")
    if len(lines) > 2:
        lines.append("")
    if any(c.n > 1 for family in (families.methods, families.over_sft, families.sft_over_base) for c in family):
        lines += [f"  * larger than the noise; in brackets the 95 % t-interval, paired by {arms.replicate_name}", ""]
    main = next((table for table in tables if table.title == "Methods"), None)
    if main is not None:
        lines += _table(main, arms)
    failed = int((arms.sweep.trials["status"] == "failed").sum())
    waiting = int(arms.sweep.trials["status"].isin(["pending", "running"]).sum())
    mixed = arms.sweep.mixed()
    if mixed:
        lines += [""] * bool(main) + [f"the trials come from several programs or machines: {describe_mixed(mixed)}"]
    collapsed = describe_collapsed(arms.sweep)
    if collapsed:
        lines += [""] * bool(main) + [f"collapsed, one answer to a quarter or more of the prompts of one kind: {collapsed}"]
    if failed or waiting:
        lines += [""] * bool(main) + [f"{failed} failed, {waiting} still to come; neither is in the table"]
    return "\n".join(lines).rstrip().replace("\u00a0", " ")


def encodable(text: str, encoding: str | None) -> str:
    """The text in characters that the terminal has."""
    try:
        text.encode(encoding or "ascii")
        return text
    except (UnicodeEncodeError, LookupError):
        plain = text.replace("±", "+-").replace("−", "-").replace("–", "-")
        return plain.encode(encoding or "ascii", errors="replace").decode(encoding or "ascii")


def _table(table: Table, arms: Arms) -> list[str]:
    rows = [["method", "seeds", *(column.name for column in table.columns)]]
    for arm in arms.arms:
        finished, planned = arms.rows[arm]["replicate"].nunique(), arms.planned[arm]
        n = str(finished) if finished == planned else f"{finished}/{planned}"
        rows.append([arm.label, n, *(column.plus_minus(arm) for column in table.columns)])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for first, *others in rows:
        cells = [text.rjust(width) for text, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *cells]))
    lines.insert(1, "-" * len(lines[0]))
    lines.append("")
    over_prompts = "; *: one seed, the interval runs over its prompts" if table.has_prompt_intervals() else ""
    lines.append(f"mean over {arms.replicate_name}s ± half of its 95 % t-interval{over_prompts}")
    return lines
