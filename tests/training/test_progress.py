"""Lines that the processes of a run leave, read as they grow and as crashes leave them."""

import json
from pathlib import Path
from typing import Any

from training.progress import Point, ProgressReader, ProgressWriter


def say(folder: Path, kind: str, *, fence: int = 1, time: float = 0.0, **fields: Any) -> None:
    line = {"kind": kind, "fence": fence, "time": time, **fields}
    with (folder / "progress.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")


def step(folder: Path, number: int, *, total: int = 100, **fields: Any) -> None:
    say(folder, "step", step=number, total_steps=total, **fields)


def test_only_lines_of_this_attempt_are_read(tmp_path: Path) -> None:
    step(tmp_path, 1, loss=9.0)
    reader = ProgressReader(tmp_path, 2)
    step(tmp_path, 2, loss=8.0)
    step(tmp_path, 3, loss=7.0, fence=2, seconds=3.0)

    assert reader.read().points == [Point(3, 3.0, loss=7.0)]
    assert not reader.read()


def test_a_line_is_read_once_it_is_whole_and_rubbish_is_passed_over(tmp_path: Path) -> None:
    reader = ProgressReader(tmp_path, 1)
    assert not reader.read()
    with (tmp_path / "progress.jsonl").open("a") as file:
        file.write('no json\n[1]\n{"kind": "checkpoint", "fence": 1, ')
        file.flush()
        assert not reader.read()
        file.write('"step": 4}\n')
    assert reader.read().notes == [("checkpoint", {"step": 4})]


def test_curves_get_a_point_a_second_and_the_last_one(tmp_path: Path) -> None:
    reader = ProgressReader(tmp_path, 1)
    for number in range(1, 101):
        step(tmp_path, number, time=number / 8, loss=1.0)

    found = reader.read()
    assert [point.step for point in found.points] == [1, *range(9, 101, 8), 100]
    assert (found.share, found.newest["step"]) == (1.0, 100)


def test_long_runs_get_no_more_points_than_a_curve_shows(tmp_path: Path) -> None:
    reader = ProgressReader(tmp_path, 1)
    for number in range(1, 101):
        step(tmp_path, number, time=number, loss=1.0, seconds=number, seconds_left=20_000 - number)
    assert len(reader.read().points) == 11


def test_a_loss_that_is_no_number_is_no_value(tmp_path: Path) -> None:
    reader = ProgressReader(tmp_path, 1)
    step(tmp_path, 1, loss=float("nan"), learning_rate=float("inf"))
    found = reader.read()
    assert found.points == [Point(1, 0.0)]
    assert found.newest["loss"] is None


def test_other_stages_tell_their_share_and_why_they_give_up(tmp_path: Path) -> None:
    reader = ProgressReader(tmp_path, 1)
    writer = ProgressWriter(tmp_path, 1)
    writer.share(0.5, 20.0)
    writer.refuse("damaged", "The dataset is damaged.")

    found = reader.read()
    assert found.changes({"loss": 1.0}) == {"stage_share": 0.5, "seconds_left": 20.0}
    assert reader.refusal == ("damaged", "The dataset is damaged.")
