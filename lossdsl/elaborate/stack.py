"""Work that nests as deep as a text, whatever is left of the caller's stack."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def with_whole_stack(work: Callable[[], T]) -> T:
    """Do work that has no effects; in a thread of its own if the caller's stack is too short.

    A thread begins with an empty stack, which holds whatever the limits on texts allow.
    """
    try:
        return work()
    except RecursionError:
        pass
    results: list[T] = []
    problems: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as problem:
            problems.append(problem)

    thread = Thread(target=run, name="lossdsl")
    thread.start()
    thread.join()
    if problems:
        raise problems[0]
    return results[0]
