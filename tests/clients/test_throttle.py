"""The throttle learns from refusals, alone and together with other processes."""

from __future__ import annotations

import time

import pytest
from redis import Redis

from connector.clients.tiktok.throttle import FLOOR, PATIENCE, START, Throttle
from connector.errors import RetryableError


class Time:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now, self.slept = 1000.0, 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds


def alone(time: Time, **settings: float) -> Throttle:
    return Throttle("t", now=lambda: time.now, sleep=time.sleep, **settings)


def test_a_second_holds_no_more_calls_than_the_rate() -> None:
    time = Time()
    throttle = alone(time, ceiling=10)
    for _ in range(100):
        throttle.wait()
    assert 9 < time.slept < 10


def test_a_refusal_halves_the_rate_and_pauses() -> None:
    time = Time()
    throttle = alone(time)
    throttle.refused(3)
    throttle.wait()
    assert (throttle.rate, time.slept) == (pytest.approx(START / 2, rel=0.1), 3)


def test_refusals_of_calls_that_were_under_way_together_count_once() -> None:
    time = Time()
    throttle = alone(time)
    for _ in range(8):
        throttle.refused(None)
    assert throttle.rate == START / 2


def test_the_rate_grows_back_slowly_and_never_beyond_the_ceiling() -> None:
    time = Time()
    throttle = alone(time, ceiling=20)
    throttle.refused(1)
    assert throttle.rate == 10
    time.now += 30
    throttle.wait()
    assert throttle.rate == pytest.approx(15)
    time.now += 3600
    throttle.wait()
    assert throttle.rate == 20


def test_the_rate_never_falls_below_the_floor() -> None:
    time = Time()
    throttle = alone(time)
    for _ in range(50):
        time.now += 2
        throttle.refused(0)
    assert throttle.rate == FLOOR


def test_a_long_pause_goes_to_the_caller() -> None:
    time = Time()
    throttle = alone(time)
    throttle.refused(PATIENCE * 10)
    with pytest.raises(RetryableError) as caught:
        throttle.wait()
    assert (caught.value.retry_after, time.slept) == (PATIENCE * 10, 0)


def test_two_processes_share_one_bucket_in_redis(redis: Redis) -> None:
    """Nobody really sleeps here, so a busy machine only shortens the waits by the time that it takes itself."""
    slept: list[float] = []
    started = time.monotonic()
    first, second = (Throttle("shared", ceiling=20, redis=redis, sleep=slept.append) for _ in range(2))
    for _ in range(20):
        first.wait()
        second.wait()
    taken = time.monotonic() - started
    assert 1.6 - taken < max(slept) < 2, "the last of 40 calls waits for all others"
    started = time.monotonic()
    first.refused(5)
    second.wait()
    assert 4.9 - (time.monotonic() - started) < slept[-1] <= 5
    assert float(redis.hget("connector:throttle:shared", "rate")) == pytest.approx(10, rel=0.1)  # type: ignore[arg-type]


def test_a_clock_that_ran_ahead_in_another_process_silences_nobody(redis: Redis) -> None:
    slept: list[float] = []
    throttle = Throttle("shared", redis=redis, sleep=slept.append)
    day = time.time() + 86_400
    redis.hset("connector:throttle:shared", mapping={"rate": 40, "at": day, "next": day, "blocked": day})

    throttle.wait()

    assert slept == []


def test_without_redis_a_process_goes_on_alone() -> None:
    slept: list[float] = []
    gone = Redis.from_url("redis://127.0.0.1:1/0", socket_connect_timeout=0.2)
    throttle = Throttle("t", ceiling=2, redis=gone, sleep=slept.append)
    for _ in range(3):
        throttle.wait()
    assert slept[-1] > 0.5
