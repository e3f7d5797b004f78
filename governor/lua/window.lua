--[[ The arithmetic of one sliding window, as core/window.py has it and says why.

`window.of` gives everything that scales with a window's length; the functions take that and an
instant of ledger time. With `turns` (periods.lua) its buckets are the periods of a calendar, and
what ledger time it is says nothing. Numbers are doubles, exact below 2^53: milliseconds and posts
for another 285,000 years. ]]

local function div(a, b) return math.floor(a / b) end

local window = { LONGEST_TOLERANCE_MS = 2000 }
do
  local BUCKETS_PER_WINDOW, PAD_PPM, LONGEST_LINGER_MS = 8640, 520, 120000
  local FURTHEST_AHEAD_MS = 2 * window.LONGEST_TOLERANCE_MS
  local PERIODS_IN_RING = 64

  function window.of(window_ms, turns)
    local found = { ms = window_ms }
    found.bucket_ms = math.max(1, math.ceil(window_ms / BUCKETS_PER_WINDOW))
    found.pad_ms = math.ceil(window_ms * PAD_PPM / 1000000)
    found.tolerance_ms = math.min(window.LONGEST_TOLERANCE_MS, div(window_ms, 100))
    found.linger_ms = math.min(LONGEST_LINGER_MS, window_ms)
    found.kept_ms = 2 * (window_ms + found.pad_ms)
    found.length = div(found.kept_ms + FURTHEST_AHEAD_MS, found.bucket_ms) + 4
    if turns then found.turns, found.length = turns, PERIODS_IN_RING end
    return found
  end

  function window.first_counting(w, now_ms)
    return w.turns and w.turns.number or div(now_ms - w.ms - w.pad_ms, w.bucket_ms)
  end
  function window.first_kept(w, now_ms)
    return w.turns and w.turns.number - 1 or div(now_ms - w.kept_ms, w.bucket_ms)
  end
  function window.in_ring(w, bucket, now_ms)
    return bucket < window.first_counting(w, now_ms) + w.length
  end
  function window.frees_at(w, bucket)
    if w.turns then return w.turns.at + math.max(0, bucket - w.turns.number) * w.ms end
    return (bucket + 1) * w.bucket_ms + w.ms + w.pad_ms
  end
  -- When it is certain that it does not count: dates may stand still, but not for a whole period.
  function window.gone_at(w, bucket)
    if not w.turns then return window.frees_at(w, bucket) end
    if bucket < window.first_kept(w, 0) then return 0 end
    return window.frees_at(w, bucket) + w.ms
  end

  -- The bucket of a charge, of one that may be counted up to a linger from now, and of the dead.
  function window.charged_in(w, high_ms)
    return w.turns and w.turns.charges or div(high_ms, w.bucket_ms)
  end
  function window.lingered_in(w, high_ms)
    return w.turns and w.turns.lingers or div(high_ms + w.linger_ms, w.bucket_ms)
  end
  function window.lost_in(w, high_ms)
    return w.turns and w.turns.lost or div(high_ms + w.ms, w.bucket_ms)
  end
end
