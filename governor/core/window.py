"""The arithmetic of one sliding window, in integer milliseconds of ledger time.

A window is any span of its length, not a calendar day. Posts are kept per bucket, never per
request, so memory is constant; a bucket counts until its END is a whole window and a pad old,
so a bucket's width only ever makes us wait longer. The pad covers clocks that run at slightly
different rates: 500 ppm is what a kernel lets NTP slew a clock (adjtimex(2)), and 520 leaves room
for rounding. For 24 h that is a bucket of 10 s and a pad of 45 s: 99.94 % of a limit is usable.
"""

from __future__ import annotations

from dataclasses import dataclass

BUCKETS_PER_WINDOW = 8_640  # 10 s for 24 h: a ring of 69 KB, and 0.012 % of a window lost to it
PAD_PPM = 520
MILLION = 1_000_000
SHORTEST_WINDOW_MS = 1_000  # below a second the pad is under a millisecond and means nothing
LONGEST_TOLERANCE_MS = 2_000  # clocks this far apart are a step, not jitter
FURTHEST_AHEAD_MS = 2 * LONGEST_TOLERANCE_MS  # H of T: by the store's clock, and by its lead
LONGEST_LINGER_MS = 120_000  # the platform is taken to count no later than this after we let go


@dataclass(frozen=True, slots=True)
class Window:
    """One window length, and everything that scales with it. `window_ms` is at least 1 s."""

    window_ms: int

    def __post_init__(self) -> None:
        if self.window_ms < SHORTEST_WINDOW_MS:
            raise ValueError(f"a window is at least 1 s long, not {self.window_ms} ms")

    @property
    def bucket_ms(self) -> int:
        """Width of a bucket in milliseconds."""
        return max(1, -(-self.window_ms // BUCKETS_PER_WINDOW))

    @property
    def pad_ms(self) -> int:
        """What is added to the window for clocks that drift, in milliseconds."""
        return -(-self.window_ms * PAD_PPM // MILLION)

    @property
    def tolerance_ms(self) -> int:
        """Clocks further apart than this are taken to have been stepped."""
        return min(LONGEST_TOLERANCE_MS, self.window_ms // 100)

    @property
    def linger_ms(self) -> int:
        """How long after we let go of a request the platform may still count it."""
        return min(LONGEST_LINGER_MS, self.window_ms)

    @property
    def ring_length(self) -> int:
        """Buckets a ring holds: a window and a pad behind T, and as much ahead of H.

        Ahead, because a retired member's posts are stamped a whole window from H, which runs ahead
        of T: the store's clock by as much as any account tolerates, and another clock by as much
        again. The four spare ones are the bucket of now, the two cut by the ends, and one in
        reserve.
        """
        span_ms = self.kept_ms + FURTHEST_AHEAD_MS
        return span_ms // self.bucket_ms + 4

    @property
    def kept_ms(self) -> int:
        """How long rows keep their buckets, and the ledger rows: two windows with their pads."""
        return 2 * (self.window_ms + self.pad_ms)

    def bucket(self, at_ms: int) -> int:
        """Return the number of the bucket that holds this instant of ledger time."""
        return at_ms // self.bucket_ms

    def frees_at(self, bucket: int) -> int:
        """Return the first instant at which posts stamped into `bucket` no longer count."""
        return (bucket + 1) * self.bucket_ms + self.window_ms + self.pad_ms

    def gone_at(self, bucket: int) -> int:
        """Return when it is certain that they do not: ledger time frees them, and nothing else."""
        return self.frees_at(bucket)

    def charged_in(self, high_ms: int) -> int:
        """Return the bucket of a charge that is told at this H."""
        return self.bucket(high_ms)

    def lingered_in(self, high_ms: int) -> int:
        """Return the bucket of what the platform may count up to a linger from this H."""
        return self.bucket(high_ms + self.linger_ms)

    def lost_in(self, high_ms: int) -> int:
        """Return the bucket of what a dead member held: a whole window ahead."""
        return self.bucket(high_ms + self.window_ms)

    def first_counting(self, now_ms: int) -> int:
        """Return the oldest bucket that still counts at `now_ms`; all before it are free."""
        return (now_ms - self.window_ms - self.pad_ms) // self.bucket_ms

    def first_kept(self, now_ms: int) -> int:
        """Return the oldest bucket that a row still lists: two windows, so a loss can be undone."""
        return (now_ms - self.kept_ms) // self.bucket_ms

    def in_ring(self, bucket: int, now_ms: int) -> bool:
        """Say whether a bucket is near enough to `now_ms` to have a place of its own."""
        return bucket < self.first_counting(now_ms) + self.ring_length
