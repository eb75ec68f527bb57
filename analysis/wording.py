# SPDX-License-Identifier: Apache-2.0
"""Numbers and verdicts in words. Every sentence follows from a comparison; none claims more than its seeds allow."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from arms import Arms, pair_labels
from comparisons import ALPHA, Comparison, Families, Interval, Verdict
from sweep_file import Sweep

# Plain names of the metrics, for headings and sentences; others go by their own names.
NAMES = {
    "eval/gold_reward": "gold reward",
    "eval/proxy_reward": "proxy reward",
    "eval/kl": "KL to SFT",
    "eval/win_rate": "win rate",
    "eval/perplexity": "perplexity",
    "eval/gold_vs_sft": "gain over SFT",
    "eval/behaviour/answers": "answers",
    "eval/behaviour/asks_back": "asks back",
    "eval/behaviour/no_answer": "no answer",
    "eval/behaviour/rambles": "rambles",
    "eval/behaviour/refuses_unsafe": "refuses unsafe requests",
    "eval/behaviour/refuses_harmless": "refuses harmless requests",
    "eval/diversity/modal_share": "commonest answer",
    "eval/diversity/modal_share_of_kind": "commonest answer to one kind of prompt",
}

# What a column means where the file's own attribute says nothing.
MEANINGS = {
    "eval/gold_reward": "mean exact gold reward on held-out prompts, which people's labels only approach",
    "eval/proxy_reward": "mean score of the reward model on the same responses; RLHF trains on it, DPO and KTO do not",
    "eval/kl": "divergence of the policy from the SFT model, sampled from the policy; nats per sequence",
    "eval/win_rate": "share of prompts on which the response beats the SFT model's by gold reward; a tie counts half",
    "eval/perplexity": "perplexity on held-out text; lower is better",
    "eval/gold_vs_sft": "gold reward minus the SFT model's at the same seed",
    "eval/gold_share": "gold reward as a share of the range from the worst answer to the best",
    "eval/gold/topical": "answers this question, and asks nothing back",
    "eval/gold/correct": "says what is right, and less for each wrong thing added",
    "eval/gold/complete": "correct, and all that was asked for",
    "eval/gold/safe": "refuses what it must; elsewhere as complete",
    "eval/gold/polite": "rude 0, thanks 1; as far as it is complete",
    "eval/gold/concise": "falls with length; as far as it is complete",
    "eval/gold/ended": "ends well, before the limit of tokens; as far as it is complete",
}  # fmt: skip

LOWER_IS_BETTER = ("eval/perplexity",)

# What a metric cannot leave, by its name's start; a t-interval over few seeds can, and is cut there.
BOUNDS = {
    "eval/win_rate": (0.0, 1.0),
    "eval/behaviour/": (0.0, 1.0),
    "eval/gold/": (0.0, 1.0),
    "eval/diversity/distinct": (0.0, 1.0),
    "eval/diversity/entropy": (0.0, math.inf),
    "eval/diversity/modal_share": (0.0, 1.0),
    "eval/kl": (0.0, math.inf),
    "eval/perplexity": (1.0, math.inf),
}


def describe_mixed(mixed: Mapping[str, Mapping[str, int]]) -> str:
    """`Sweep.mixed` in words: "blas: A (3 trials), B (6 trials); compiler: ..."."""
    facts = [
        f"{fact}: " + ", ".join(f"{value or 'unknown'} ({count(trials, 'trial')})" for value, trials in values.items())
        for fact, values in mixed.items()
    ]
    return "; ".join(facts)


def describe_collapsed(sweep: Sweep) -> str:
    """The finished trials that collapsed (`eval/collapsed`), by method: "rlhf (seed 1, seed 3)"; empty where none did."""
    if "eval/collapsed" not in sweep.done:
        return ""
    collapsed = sweep.done[sweep.done["eval/collapsed"] > 0]
    return "; ".join(f"{method} ({', '.join(f'seed {seed}' for seed in sorted(rows['seed'].unique())[:6])})"
                     for method, rows in collapsed.groupby("method", sort=False))


def metric_name(metric: str) -> str:
    """The metric's plain name."""
    return NAMES.get(metric, metric.rsplit("/", 1)[-1].replace("_", " "))


def bounds_of(metric: str) -> tuple[float, float]:
    """The least and the greatest value that the metric can take."""
    return next((bounds for start, bounds in BOUNDS.items() if metric.startswith(start)), (-math.inf, math.inf))


def decimals_for(half_widths: Sequence[float], values: Sequence[float]) -> int:
    """Decimals that show two figures of the typical uncertainty, or three of the values; 2 to 4 below a hundred."""
    widths = sorted(w for w in half_widths if math.isfinite(w) and w > 0)
    sizes = [abs(v) for v in values if math.isfinite(v) and v != 0]
    if widths:
        places = min(4, 1 - math.floor(math.log10(widths[len(widths) // 2])))
    else:
        places = min(3, 2 - math.floor(math.log10(max(sizes)))) if sizes else 2
    return max(2 if max(sizes, default=0) < 100 else 0, places)


def number(value: float, decimals: int, *, sign: bool = False) -> str:
    """A fixed-point number with a true minus sign; NaN as an en dash."""
    if not math.isfinite(value):
        return "–"
    text = f"{value:+.{decimals}f}" if sign else f"{value:.{decimals}f}"
    if not text.strip("+-0."):
        text = text.lstrip("+-")
    return text.replace("-", "−")


def bracket(interval: Interval, decimals: int) -> str:
    """`[low, high]`, or '' where there is no interval."""
    if not math.isfinite(interval.low):
        return ""
    return f"[{number(interval.low, decimals)}, {number(interval.high, decimals)}]"


def p_value(p: float) -> str:
    """A p-value for a table."""
    if math.isnan(p):
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def with_interval(interval: Interval) -> str:
    """`0.12 [0.03, 0.21]`."""
    decimals = decimals_for([interval.half_width], [interval.mean])
    return f"{number(interval.mean, decimals)} {bracket(interval, decimals)}".rstrip()


def sentence(comparison: Comparison, replicate: str = "seed") -> str:
    """One comparison as a sentence without its full stop."""
    c = comparison.positive()
    a, b, point = pair_labels(c.a, c.b)
    at = f" at {point}" if point else ""
    seeds = count(c.n, replicate)
    size = number(c.interval.mean, decimals_for([], [c.interval.mean]))
    match c.verdict:
        case Verdict.NO_PAIR:
            return f"{a} and {b}{at}: no {replicate} at which both have a value"
        case Verdict.ONE_SEED:
            return f"{a} is {size} above {b}{at} at the one {replicate} that both finished: no interval, so no verdict"
        case Verdict.IDENTICAL:
            return f"{a} and {b} are identical{at} at every {replicate} ({seeds})"
        case Verdict.NO_SPREAD:
            return f"{a} is {size} above {b}{at} at every {replicate} alike ({seeds}): no spread to judge it by"
        case Verdict.LARGER:
            text = f"{a} above {b}{at} by {with_interval(c.interval)}"
        case Verdict.NOT_CORRECTED:
            text = (
                f"{a} above {b}{at} by {with_interval(c.interval)}, but not larger than the noise once corrected for "
                f"{c.family} pairs (p = {p_value(c.p_holm)})"
            )
        case Verdict.WITHIN:
            text = f"no difference larger than the noise between {a} and {b}{at}: {with_interval(c.interval)}"
    return text + (f", from two {replicate}s only" if c.n == 2 else "")


def difference_label(comparison: Comparison) -> str:
    """`kto − dpo`, with the point that both stand at."""
    a, b, point = pair_labels(comparison.a, comparison.b)
    return f"{a} − {b}" + (f" at {point}" if point else "")


def headline(families: Families, arms: Arms) -> str:
    """The report's first sentence: what the sweep shows about the methods."""
    replicate = arms.replicate_name
    if arms.sweep.trials.empty:
        return "The sweep holds no trials yet."
    if arms.sweep.done.empty:
        return "No trial has finished yet, so there is nothing to compare."
    if not families.metric:
        return "No finished trial has a gold reward, win rate, proxy reward or perplexity to compare by."
    name = metric_name(families.metric)
    pairs = families.methods
    if not pairs:
        return _no_pairs(families, arms, name)
    judged = [c for c in pairs if c.verdict not in (Verdict.NO_PAIR, Verdict.ONE_SEED)]
    if not judged:
        if all(c.verdict is Verdict.NO_PAIR for c in pairs):
            return f"No two methods have finished at the same {replicate}, so there is nothing to compare."
        return (
            f"With one {replicate} a method, differences in {name} cannot be told from noise; "
            f"the sizes below are what that {replicate} showed."
        )
    larger = [c for c in judged if c.verdict is Verdict.LARGER]
    noise = f"the noise between {replicate}s"
    if len(judged) == 1:
        found = "The one difference" if larger else "The one difference between methods"
        return f"{found} in {name} is {'' if larger else 'not '}larger than {noise}."
    if not larger:
        return f"None of the {len(judged)} differences between methods in {name} is larger than {noise}."
    if len(larger) == len(judged):
        return f"All {len(judged)} differences between methods in {name} are larger than {noise}."
    verb = "is" if len(larger) == 1 else "are"
    return f"{len(larger)} of {len(judged)} differences between methods in {name} {verb} larger than {noise}."


def _no_pairs(families: Families, arms: Arms, name: str) -> str:
    methods = sorted({arm.method for arm in arms.aligned if len(arms.values(arm, families.metric))})
    if not methods:
        return f"No alignment method has finished, so only base and SFT can be compared in {name}."
    if len(methods) == 1:
        return f"{methods[0]} is the only method that has finished, so no methods are compared in {name}."
    return f"No two methods stand at the same point of the axes, so none are compared in {name}."


def how_compared(families: Families, arms: Arms) -> str:
    """How the comparisons were made, for the small print under them."""
    replicate = arms.replicate_name
    every = (*families.methods, *families.over_sft, *families.sft_over_base, *families.along_axes)
    if all(c.n < 2 for c in every):
        return f"Differences of {families.metric} at the same {replicate}. An interval needs two {replicate}s or more."
    tested = max((c.family for c in families.methods), default=0)
    correction = f", Holm-corrected over the {tested} pairs of methods," if tested > 1 else ""
    text = (
        f"Differences of {families.metric}, paired by {replicate}: mean and 95 % t-interval over the {replicate}s. "
        f"A difference counts as larger than the noise if its p-value{correction} is below {ALPHA:.2f}; "
        "intervals are not corrected."
    )
    if families.metric in LOWER_IS_BETTER:
        text += " Lower is better."
    if families.metric == "eval/proxy_reward":
        text += " RLHF is trained on the proxy reward itself, which favours it here."
    if replicate != "seed":
        text += f" There is one seed; the intervals cover the chance in {replicate.removeprefix('value of ')} alone."
    return text


def count(n: int, noun: str) -> str:
    """`1 seed`, `3 seeds`."""
    if n == 1:
        return f"1 {noun}"
    return f"{n} " + (noun.replace("value of", "values of") if noun.startswith("value of") else noun + "s")
