# SPDX-License-Identifier: Apache-2.0
"""Digests of trials are printed, and compared with a list of them."""

from digests import main
from synthetic import demo_rows, fail, with_axis, write_sweep


def test_a_list_is_what_was_printed(tmp_path, capsys):
    folder = tmp_path / "a sweep é"
    folder.mkdir()
    rows = with_axis("dpo.beta", (0.1, 0.5), "dpo")
    fail(rows, "kto", 1, "NaN")
    write_sweep(folder / "sweep.h5", rows)
    assert main([str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(set(lines)) == len(rows) - 1
    assert any("dpo seed=1 dpo.beta=0.1 " in line for line in lines) and not any("kto seed=1 " in line for line in lines)
    listed = tmp_path / "digests é.txt"
    listed.write_text("\n".join(["# a comment", "", *lines[:-1]]), encoding="utf-8")
    assert main([str(folder), str(listed)]) == 0
    assert f"{len(lines) - 1} of {len(lines) - 1} trials" in capsys.readouterr().out
    listed.write_text("\n".join([*lines[1:], lines[0][:-1] + "x"]), encoding="utf-8")
    assert main([str(folder), str(listed)]) == 1
    assert "differs: " + lines[0].rsplit(" ", 1)[0] in capsys.readouterr().out


def test_nothing_to_compare_and_bad_files(tmp_path, capsys):
    write_sweep(tmp_path / "sweep.h5", demo_rows())
    (tmp_path / "empty.txt").write_text("", encoding="utf-8")
    (tmp_path / "word.txt").write_text("word\n", encoding="utf-8")
    assert main([str(tmp_path), str(tmp_path / "empty.txt")]) == 1
    for file in ("word.txt", "not there"):
        assert main([str(tmp_path), str(tmp_path / file)]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
    assert main([str(tmp_path / "nowhere")]) == 2
