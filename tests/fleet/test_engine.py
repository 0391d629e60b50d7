"""How tasks are handed out: as there is room, what fails again once, what a lost machine had elsewhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mnist_pipeline.fleet.engine import STOPPED, Event, Task, run_all


class Pretended:
    """An engine whose tasks end in the order in which they came, each as is foretold of it."""

    def __init__(self, size: int = 2, **fates: list[str]) -> None:
        self.size, self.fates = size, fates
        self.working: list[Task] = []
        self.submitted: list[str] = []
        self.over = False

    def room(self) -> int:
        return self.size

    def submit(self, task: Task) -> None:
        self.working.append(task)
        self.submitted.append(task.name)
        assert len(self.working) <= self.size

    def next(self) -> Event:
        task = self.working.pop(0)
        fate = (self.fates.get(task.name) or [""]).pop(0)
        return Event(task, ended=True, failure=fate or None, lost=fate == "lost")

    def stop(self, name: str | None = None) -> None:
        self.over = True


def task(name: str) -> Task:
    return Task(name, "", Path(), 1, "")


def run(engine: Pretended, names: str) -> dict[str, str | None]:
    ends: dict[str, str | None] = {}
    run_all(map(task, names), engine, lambda event: ends.__setitem__(event.task.name, event.failure))
    assert engine.over
    return ends


def test_each_task_is_taken_once_there_is_room_for_it() -> None:
    engine, taken = Pretended(size=2), [0]

    def tasks() -> Iterator[Task]:
        for name in "abcde":
            taken[0] += 1
            yield task(name)

    run_all(tasks(), engine, lambda event: None if taken[0] <= len(engine.submitted) else pytest.fail("too early"))
    assert engine.submitted == list("abcde")


def test_what_fails_is_tried_again_after_all_others() -> None:
    engine = Pretended(size=1, a=["out of memory"])
    assert run(engine, "abc") == {"a": None, "b": None, "c": None}
    assert engine.submitted == list("abca")


def test_what_fails_twice_is_told_and_takes_no_other_with_it() -> None:
    engine = Pretended(a=["once", "twice"])
    assert run(engine, "ab") == {"a": "twice", "b": None}
    assert engine.submitted.count("a") == 2


def test_a_lost_machine_is_not_the_fault_of_its_task() -> None:
    assert run(Pretended(a=["lost", "lost", "lost", "failed"]), "ab") == {"a": None, "b": None}


def test_a_task_that_takes_every_machine_with_it_is_given_up() -> None:
    assert run(Pretended(a=["lost"] * 9), "a") == {"a": "lost"}


def test_what_was_stopped_is_not_tried_again() -> None:
    engine = Pretended(a=[STOPPED])
    assert run(engine, "a") == {"a": STOPPED}
    assert engine.submitted == ["a"]


def test_an_interruption_stops_the_engine() -> None:
    engine = Pretended()

    def hear(_: Event) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_all([task("a")], engine, hear)
    assert engine.over
