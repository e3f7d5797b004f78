--[[ The charged posts of one account over all rows, by bucket: core/ledger/ring.py in a string.

A slot holds at most 2^32 - 1 posts. `account.first` is the only cursor: every bucket before it is
empty, so freeing costs no more than the buckets that time has passed. ]]

local ring = {}
do
  local CHUNK = 1024  -- buckets read at once: 4 KB

  local function slots_from(account, bucket)
    local at = bucket % account.window.length
    local count = math.min(CHUNK, account.window.length - at)
    return redis.call('GETRANGE', account.ring, 4 * at, 4 * (at + count) - 1), count, at
  end

  -- Lets go of every bucket whose end is a window and a pad old.
  function ring.free(account)
    local before, past = account.first, window.first_counting(account.window, ledger.time)
    local found = false
    while account.charged > 0 and not found do
      local slots, count, at = slots_from(account, account.first)
      local passed, freed = 0, 0
      while passed < count and account.charged > 0 and not found do
        local posts = struct.unpack('>I4', slots, 4 * passed + 1)
        found = account.first >= past and posts > 0
        if not found then
          freed, account.charged = freed + posts, account.charged - posts
          account.first, passed = account.first + 1, passed + 1
        end
      end
      if freed > 0 then
        redis.call('SETRANGE', account.ring, 4 * at, string.rep('\0', 4 * passed))
      end
    end
    account.first = math.max(account.first, past)
    account.changed = account.changed or account.first ~= before
  end

  -- Charges (or, below zero, takes back) posts in a bucket; one that is free counts nothing.
  function ring.add(account, bucket, posts)
    assert(window.in_ring(account.window, bucket, ledger.time), 'a bucket beyond the ring')
    if bucket < window.first_counting(account.window, ledger.time) then return end
    account.first = account.charged > 0 and math.min(account.first, bucket) or bucket
    local slot = '#' .. string.format('%.0f', bucket % account.window.length)
    local sum =
      redis.call('BITFIELD', account.ring, 'OVERFLOW', 'FAIL', 'INCRBY', 'u32', slot, posts)
    assert(sum[1], 'the ring of ' .. account.name .. ' cannot hold ' .. posts .. ' posts more')
    account.charged, account.changed = account.charged + posts, true
  end

  -- The first instant at which so many of the charged posts are free; NONE if fewer are charged.
  function ring.frees_ms(account, posts)
    if posts > account.charged then return NONE end
    local bucket, freed = account.first, 0
    while true do
      local slots, count = slots_from(account, bucket)
      for i = 0, count - 1 do
        freed = freed + struct.unpack('>I4', slots, 4 * i + 1)
        if freed >= posts then return window.frees_at(account.window, bucket + i) end
      end
      bucket = bucket + count
    end
  end
end
