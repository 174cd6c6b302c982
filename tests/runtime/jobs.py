"""Tiny jobs for the worker's tests; each leaves a mark in Redis."""

from __future__ import annotations

import os
import time

from redis import Redis


def mark(url: str, key: str) -> None:
    """Say that it ran."""
    with Redis.from_url(url) as connection:
        connection.rpush(key, os.getpid())


def hold(url: str, key: str, seconds: float) -> None:
    """Say that it runs, and go on for a while."""
    mark(url, key)
    time.sleep(seconds)


def hold_on(url: str, key: str, while_there: str) -> None:
    """Say that it runs, and go on for as long as a key is there."""
    mark(url, key)
    with Redis.from_url(url) as connection:
        while connection.exists(while_there):
            time.sleep(0.02)


def pid_of(_url: str) -> int:
    """The process that the job runs in."""
    return os.getpid()
