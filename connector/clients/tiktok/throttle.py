"""Calls a second of one app and shop, learnt from the marketplace's 429 (reference section 3.3: no rate is published).

A token bucket whose rate is cut in half when we are refused and grows back slowly. With a Redis client all processes
share one bucket; without one, or while Redis is away, each process has its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

import structlog
from redis.exceptions import RedisError

from connector.errors import RetryableError

log = structlog.get_logger(__name__)

START = 40.0
"""Calls a second before anything is known; a partner reports 50 as the cap."""
FLOOR = 0.2
"""The slowest rate that the marketplace's page names (heavy writes)."""
_GROWTH = 1 / 120
"""Share of the ceiling that the rate grows by in a second."""
_BURST = 0.25
"""Seconds' worth of calls that may go at once."""
_TTL = 86_400
PATIENCE = 30.0
"""Longest wait in seconds for a slot."""
LONGEST = 3_600.0
"""Longest silence in seconds that processes believe each other: more was written by a clock that ran ahead."""

_TAKE = """
local t = redis.call('TIME'); local now = t[1] + t[2] / 1000000
local start, ceiling, growth, burst = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local s = redis.call('HMGET', KEYS[1], 'rate', 'at', 'next', 'blocked')
local rate = tonumber(s[1] or start)
rate = math.min(ceiling, rate + (now - tonumber(s[2] or now)) * growth * ceiling)
local function believed(at) at = tonumber(at or 0); if at > now + tonumber(ARGV[7]) then return 0 end; return at end
local slot = math.max(believed(s[3]), now - burst, believed(s[4]))
if slot - now > tonumber(ARGV[5]) then return tostring(slot - now) end
redis.call('HSET', KEYS[1], 'rate', tostring(rate), 'at', tostring(now), 'next', tostring(slot + 1 / rate))
redis.call('EXPIRE', KEYS[1], ARGV[6])
return tostring(slot - now)
"""
_REFUSED = """
local t = redis.call('TIME'); local now = t[1] + t[2] / 1000000
local start, floor, pause = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local s = redis.call('HMGET', KEYS[1], 'rate', 'cut')
local rate = tonumber(s[1] or start)
if now - tonumber(s[2] or 0) > 1 then
  rate = math.max(floor, rate / 2)
  redis.call('HSET', KEYS[1], 'cut', tostring(now))
end
redis.call('HSET', KEYS[1], 'rate', tostring(rate), 'at', tostring(now), 'blocked', tostring(now + pause))
redis.call('EXPIRE', KEYS[1], ARGV[4])
return tostring(rate)
"""


class Scripts(Protocol):
    """What is needed of a Redis client."""

    def eval(self, script: str, numkeys: int, *keys_and_args: Any) -> Any: ...


class Throttle:
    """Paces the calls of one bucket. `name` is app key and shop: the quota is theirs together."""

    def __init__(
        self,
        name: str,
        *,
        ceiling: float = 50.0,
        redis: Scripts | None = None,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._key = f"connector:throttle:{name}"
        self._start, self._ceiling = min(START, ceiling), ceiling
        self._redis, self._now, self._sleep = redis, now, sleep
        self._lock = threading.Lock()
        self._rate, self._at = self._start, now()
        self._next = self._blocked = self._cut = float("-inf")

    @property
    def rate(self) -> float:
        """Calls a second that this process would allow by itself now."""
        return self._rate

    def wait(self) -> None:
        """Takes the next slot and sleeps until it comes.

        Raises RetryableError without taking one when it is further away than `PATIENCE`: a worker has better to do.
        """
        pause = self._take()
        if pause > PATIENCE:
            raise RetryableError("TikTok Shop has asked us to wait.", system="tiktok", status=429, retry_after=pause)
        if pause > 0:
            self._sleep(pause)

    def refused(self, retry_after: float | None) -> None:
        """The marketplace said 429: half the rate, and silence for as long as it asked, or a second.

        Refusals within one second count once: they answer calls that were under way together.
        """
        pause = 1.0 if retry_after is None else retry_after
        if (rate := self._eval(_REFUSED, self._start, FLOOR, pause, _TTL)) is not None:
            log.info("throttled", bucket=self._key, rate=round(rate, 2), pause=pause)
            return
        with self._lock:
            now = self._now()
            if now - self._cut > 1:
                self._rate, self._cut = max(FLOOR, self._rate / 2), now
            self._at, self._blocked = now, now + pause
        log.info("throttled", bucket=self._key, rate=round(self._rate, 2), pause=pause)

    def _take(self) -> float:
        """Seconds until the slot that was just taken; negative or zero means now."""
        shared = self._eval(_TAKE, self._start, self._ceiling, _GROWTH, _BURST, PATIENCE, _TTL, LONGEST)
        if shared is not None:
            return shared
        with self._lock:
            now = self._now()
            self._rate = min(self._ceiling, self._rate + (now - self._at) * _GROWTH * self._ceiling)
            slot = max(self._next, now - _BURST, self._blocked)
            self._at = now
            if slot - now <= PATIENCE:
                self._next = slot + 1 / self._rate
            return slot - now

    def _eval(self, script: str, *arguments: float) -> float | None:
        if self._redis is None:
            return None
        try:
            return float(self._redis.eval(script, 1, self._key, *arguments))
        except RedisError as exc:
            log.warning("throttle_alone", bucket=self._key, error=type(exc).__name__)
            return None
