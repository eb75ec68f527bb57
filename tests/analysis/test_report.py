# SPDX-License-Identifier: Apache-2.0
"""The whole report: its page, its figures, its exit codes, and sweeps at the edges."""

import itertools
import math
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import report
from arms import find_arms
from figures_training import cost_by_role, role_costs
from plot_style import all_colours, spread
from sweep_file import read_sweep
from synthetic import curve_rows, demo_rows, fail, trial_rows, with_axis, write_sweep
from tables import method_tables
from terminal import encodable

SCRIPT = Path(report.__file__)
VOID = {"meta", "br", "img", "link", "input", "hr"}


class Balanced(HTMLParser):
    """Checks that tags close in order and collects ids, links and text."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links, self.text, self.tags = [], [], [], [], set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            if name in ("href", "src", "srcset", "data"):
                self.links.append(value)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_data(self, data):
        if "style" not in self.open and "loss is NaN at step" not in data:
            self.text.append(data)

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, tag


def make(folder, rows, curves=()):
    write_sweep(folder / "sweep.h5", rows, curves)
    assert report.main([str(folder)]) == 0
    return (folder / "report.html").read_text(encoding="utf-8")


@pytest.fixture
def no_figures(monkeypatch):
    """For tests of the words and numbers alone: figures are most of a report's time."""
    monkeypatch.setattr(report, "FIGURES", {})


def check_page(html):
    page = Balanced()
    page.feed(html)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    assert not page.tags & {"script", "link", "img", "iframe", "object"}
    for word in ("http:", "https:", "//cdn", "@import", "src=", "url(http", "xmlns"):
        assert word not in html, word
    assert not re.search(r"\b(nan|inf|nat)\b", " ".join(page.text), flags=re.I)
    assert all(target in page.ids for target in re.findall(r"url\(#([^)]+)\)", html))
    return page


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    rows = demo_rows()
    return folder, make(folder, rows, curve_rows(rows))


def test_the_page_stands_alone(demo):
    _, html = demo
    assert html.startswith("<!DOCTYPE html>")
    check_page(html)


def test_every_figure_is_there(demo):
    folder, html = demo
    for name in report.FIGURES:
        assert (folder / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert (folder / "figures" / f"{name}.pdf").read_bytes().startswith(b"%PDF")
    assert html.count("<figure>") == len(report.FIGURES) == html.count("<svg")


def test_each_role_of_a_cost_has_its_own_colour(demo):
    sweep = read_sweep(demo[0] / "sweep.h5")
    arms = find_arms(sweep)
    (legend,) = cost_by_role(arms).legends
    roles = [text.get_text() for text in legend.get_texts()]
    colours = [patch.get_facecolor() for patch in legend.get_patches()]
    assert len(set(colours)) == len(colours) == len(roles)
    assert roles == [
        "corpus", "pretrain", "sft", "feedback", "reference", "reward model", "policy", "value", "alignment", "evaluate",
    ]  # fmt: skip
    for arm in arms.arms:
        total = sweep.trials.loc[sweep.trials["method"] == arm.method, "cost/seconds/total"].mean()
        assert sum(role_costs(arms, arm, "seconds").values()) == pytest.approx(total)


def test_it_leads_with_the_findings(demo):
    _, html = demo
    first = html.index('class="headline"')
    assert (
        first < html.index("Kto above dpo".lower()) < html.index("<h2>Methods</h2>") < html.index("<h2>Provenance</h2>")
    )


def test_colours_follow_the_theme(demo):
    _, html = demo
    figures = "".join(re.findall(r"<figure>.*?</figure>", html, flags=re.S))
    assert "var(--method-1)" in figures and "var(--ink)" in figures
    assert not [colour for colour in all_colours() if colour.light in figures]
    assert "prefers-color-scheme: dark" in html
    assert len({colour.light for colour in all_colours()}) == len(all_colours())


def test_failures_and_provenance_are_listed(demo):
    _, html = demo
    assert "loss is NaN at step 20 (tensor layers.1.attention.wq)" in html
    assert "rlhf (seed 2)" in html and "2 of 3" in html
    for text in ("113dd42a-dirty", "node17, 16 cores, x86-64", "14 done, 1 failed", "GCC 12.2.0"):
        assert text in html


def test_error_texts_are_escaped(no_figures, tmp_path):
    rows = trial_rows()
    fail(rows, "dpo", 1, "<script>alert(1)</script> & more")
    html = make(tmp_path, rows)
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in html
    check_page(html)


def test_the_same_file_gives_the_same_page(demo):
    folder, html = demo
    before = {path.name: path.read_bytes() for path in (folder / "figures").iterdir()}
    assert report.main([str(folder)]) == 0
    assert (folder / "report.html").read_text(encoding="utf-8") == html
    assert {path.name: path.read_bytes() for path in (folder / "figures").iterdir()} == before


def test_the_table_on_the_terminal(no_figures, tmp_path, capsys):
    folder = tmp_path
    make(folder, demo_rows())
    lines = capsys.readouterr().out.splitlines()
    table = [line.split()[0] for line in lines if re.match(r"(base|sft|rlhf|dpo|kto) +\d", line)]
    assert table == ["base", "sft", "rlhf", "dpo", "kto"]
    assert lines[-1] == f"report: {folder / 'report.html'}"


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("no trials", lambda: []),
        ("one seed", lambda: trial_rows(seeds=(1,))),
        ("two seeds", lambda: trial_rows(seeds=(1, 2))),
        ("one method", lambda: trial_rows(methods=("kto",))),
        ("one trial", lambda: trial_rows(methods=("kto",), seeds=(1,))[-1:]),
        ("base and sft", lambda: trial_rows(methods=())),
        ("no base, no sft", lambda: trial_rows()[6:]),
        ("an axis of one method", lambda: with_axis("dpo.beta", (0.05, 0.1, 0.5), "dpo")),
        ("an axis of all", lambda: with_axis("feedback.flips", (0.0, 0.2))),
        (
            "more rows than a figure holds",
            lambda: with_axis("dpo.beta", tuple(float(i) for i in range(1, 43)), "dpo", (1,)),
        ),
    ],
)
def test_other_sweeps(tmp_path, name, rows):
    made = rows()
    check_page(make(tmp_path, made, curve_rows(made)))


def test_nothing_finished(tmp_path):
    rows = trial_rows()
    for row in rows:
        fail([row], row["method"], row["seed"], "", "running" if row["seed"] == 1 else "pending")
    html = make(tmp_path, rows, curve_rows(rows))
    check_page(html)
    assert "15 trials still to come" in html


def test_everything_failed(no_figures, tmp_path):
    rows = trial_rows()
    for row in rows:
        fail([row], row["method"], row["seed"], "disk full")
    html = make(tmp_path, rows)
    check_page(html)
    assert html.count("disk full") == 15


def test_columns_without_values_are_left_out(tmp_path):
    rows = trial_rows()
    for row in rows:
        for name in [name for name in row if name.startswith(("eval/gold/", "eval/behaviour/"))]:
            row[name] = math.nan
    html = make(tmp_path, rows)
    assert "<h2>Gold reward by component</h2>" not in html and "<h2>Behaviours</h2>" not in html
    assert not (tmp_path / "figures" / "behaviours.png").exists()


def test_figures_that_no_longer_apply_go(tmp_path):
    rows = trial_rows(seeds=(1,))
    make(tmp_path, rows, curve_rows(rows))
    assert (tmp_path / "figures" / "learning_curves.pdf").exists()
    make(tmp_path, rows)
    assert not (tmp_path / "figures" / "learning_curves.pdf").exists()


def test_one_seed_shows_its_interval_over_prompts(tmp_path):
    arms = find_arms(read_sweep(write_sweep(tmp_path / "sweep.h5", trial_rows(seeds=(1,)))))
    main = method_tables(arms)[0]
    kto, gold = arms.arms[-1], main.columns[0]
    assert gold.cells[kto].over == "prompts" and gold.plus_minus(kto).endswith("± 0.070*")
    assert main.has_prompt_intervals()


def test_intervals_stay_where_the_metric_can_be(tmp_path):
    arms = find_arms(read_sweep(write_sweep(tmp_path / "sweep.h5", trial_rows(seeds=(1, 2)))))
    for table in method_tables(arms):
        for column in table.columns:
            if column.metric == "eval/win_rate" or "behaviour" in column.metric:
                for cell in column.cells.values():
                    assert not (cell.interval.low < 0 or cell.interval.high > 1)


def test_gain_over_sft_is_paired(tmp_path):
    rows = trial_rows()
    arms = find_arms(read_sweep(write_sweep(tmp_path / "sweep.h5", rows)))
    gain = next(c for c in method_tables(arms)[0].columns if c.metric == "eval/gold_vs_sft")
    by_seed = {(row["method"], row["seed"]): row["eval/gold_reward"] for row in rows}
    expected = sum(by_seed["kto", seed] - by_seed["sft", seed] for seed in (1, 2, 3)) / 3
    assert gain.cells[arms.arms[-1]].interval.mean == pytest.approx(expected)


def test_exit_codes(tmp_path, capsys):
    (tmp_path / "sweep.h5").write_bytes(b"\x89HDF\r\n\x1a\nnonsense")
    for folder in (tmp_path, tmp_path / "missing"):
        assert report.main([str(folder)]) == 3
        out, err = capsys.readouterr()
        assert out == "" and err.startswith("report.py: ") and err.count("\n") == 1
    for arguments in ([], [str(tmp_path), "--nonsense"]):
        with pytest.raises(SystemExit) as stop:
            report.main(arguments)
        assert stop.value.code == 2


def test_it_runs_as_a_script(tmp_path):
    done = subprocess.run([sys.executable, SCRIPT, tmp_path], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (3, "") and done.stderr.count("\n") == 1


def test_a_folder_that_cannot_be_written(no_figures, tmp_path, capsys):
    write_sweep(tmp_path / "sweep.h5", trial_rows(seeds=(1,)))
    (tmp_path / "out").write_text("a file")
    assert report.main([str(tmp_path), "--out", str(tmp_path / "out")]) == 3
    assert capsys.readouterr().err.count("\n") == 1


def test_another_metric(no_figures, tmp_path, capsys):
    write_sweep(tmp_path / "sweep.h5", trial_rows())
    assert report.main([str(tmp_path), "--metric", "eval/perplexity"]) == 0
    assert "in perplexity" in capsys.readouterr().out
    assert report.main([str(tmp_path), "--metric", "eval/nonsense"]) == 2
    assert "eval/kl" in capsys.readouterr().err


def test_a_folder_of_two_machines_is_named(no_figures, tmp_path, capsys):
    facts = {"provenance/git_commit": "c774", "provenance/blas": "OpenBLAS SkylakeX"}
    rows = [row | facts for row in trial_rows()]
    path = write_sweep(tmp_path / "sweep.h5", rows)
    assert read_sweep(path).mixed() == {}
    assert report.main([str(tmp_path)]) == 0
    assert "several programs" not in capsys.readouterr().out
    page = (tmp_path / "report.html").read_text()
    assert "several programs" not in page and "<dt>git commit</dt><dd>c774</dd>" in page

    rows[-1] |= {"provenance/blas": "OpenBLAS Haswell"}
    rows[-2] |= {"provenance/git_commit": "113d; c774"}
    write_sweep(path, rows)
    assert report.main([str(tmp_path)]) == 0
    expected = (
        "blas: OpenBLAS Haswell (1 trial), OpenBLAS SkylakeX (14 trials); "
        "git_commit: 113d; c774 (1 trial), c774 (14 trials)"
    )
    assert expected in capsys.readouterr().out
    page = (tmp_path / "report.html").read_text()
    assert f"several programs or machines, which differ in {expected}." in page
    assert "<dt>blas</dt><dd>OpenBLAS Haswell (1 of 15 trials); OpenBLAS SkylakeX (14 of 15 trials)</dd>" in page


def test_how_trials_were_run_is_listed_and_mixes_nothing(no_figures, tmp_path, capsys):
    rows = [
        row | {f"circumstances/{name}": value for name, value in
               {"host": f"node{i % 2}", "started": f"2026-11-28T0{i % 9}:00:00Z", "ended": f"2026-11-29T0{i % 9}:00:00Z"}.items()}
        for i, row in enumerate(trial_rows())
    ]  # fmt: skip
    path = write_sweep(tmp_path / "sweep.h5", rows)
    assert read_sweep(path).mixed() == {}
    assert report.main([str(tmp_path)]) == 0
    page = (tmp_path / "report.html").read_text()
    assert "<dt>host</dt><dd>node0; node1</dd>" in page
    assert "<dt>started</dt><dd>2026-11-28T00:00:00Z</dd>" in page
    assert "<dt>ended</dt><dd>2026-11-29T08:00:00Z</dd>" in page


def test_one_trial_of_two_machines_is_mixed(tmp_path):
    rows = [row | {"provenance/blas": "A; B"} for row in trial_rows()]
    assert read_sweep(write_sweep(tmp_path / "sweep.h5", rows)).mixed() == {"blas": {"A; B": 15}}


def test_arms_that_differ_outside_ascii_stay_apart(no_figures, tmp_path, capsys):
    rows = []
    for name in ("数据甲.jsonl", "数据乙.jsonl", "caf\xe9.jsonl"):
        rows += [row | {"data.preferences": name if row["method"] == "dpo" else ""} for row in trial_rows(("dpo",))]
    rows = [row | {"trial": i} for i, row in enumerate(rows)]
    write_sweep(tmp_path / "sweep.h5", rows)
    assert report.main([str(tmp_path)]) == 0
    page = (tmp_path / "report.html").read_text()
    for name in ("数据甲", "数据乙", "café"):
        assert name in page


def test_a_terminal_without_unicode():
    assert encodable("−0.1 ± 0.2 –", "ascii") == "-0.1 +- 0.2 -"
    assert encodable("−0.1 ± 0.2", "utf-8") == "−0.1 ± 0.2"
    assert encodable("−0.1", None) == "-0.1"


def test_labels_are_moved_apart():
    placed = spread([0.5, 0.5, 0.1, 0.52], 0.1)
    ordered = sorted(placed)
    assert all(b - a >= 0.1 - 1e-12 for a, b in itertools.pairwise(ordered))
    assert placed[2] == pytest.approx(0.1)
    assert spread([], 0.1) == []


def test_collapsed_trials_are_named_before_any_number(tmp_path, capsys):
    rows = [row | {"eval/collapsed": float(row["method"] == "rlhf" and row["seed"] != 2)} for row in trial_rows()]
    write_sweep(tmp_path / "sweep.h5", rows)
    assert report.main([str(tmp_path)]) == 0
    assert "one kind: rlhf (seed 1, seed 3)" in capsys.readouterr().out
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.index("Collapsed: rlhf (seed 1, seed 3).") < page.index("<h2>Methods</h2>")
    write_sweep(tmp_path / "sweep.h5", [row | {"eval/collapsed": 0.0} for row in rows])
    assert report.main([str(tmp_path)]) == 0
    assert "seed 1, seed 3" not in capsys.readouterr().out + (tmp_path / "report.html").read_text(encoding="utf-8").split("</style>")[1]
