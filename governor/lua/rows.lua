--[[ The members' rows: what each holds and was charged, and when it was last heard.

  <prefix>members                     who has a row
  <prefix>row:<member>                generation, seq, reply, boot_offset, and value:<account>
                                        (pending, charged, lingered; msgpack)
            epoch                     that under which it was brought whole
            roster, heard             the version it has journaled; T at its last message
            kept                      T up to which it has said to have journaled
            date                      its wall clock then; 0: it counts by no calendar
            clock                     the ledger's `rebased` when its clock was read
            joined                    the version its join made; 0: all who live have journaled it
            standing, frees, final    core/ledger/roster.py; 1: its values are its last word
  <prefix>buckets:<member>:<account>  the row's buckets, 128 to a field, only those not all empty

A row counts in the sums if and only if its epoch is the ledger's. Any other is what a loss left,
or a stub for somebody whom a journal knows: it says whom to wait for, and what that member's
journal may not have forgotten. A field that is not there reads as 0. core/ledger/members.py. ]]

local rows = { ACTIVE = 0, LEFT = 1, RETIRED = 2 }
do
  local prefix = ledger.prefix
  local SEGMENT = 128  -- buckets in one field: a full row is 26 times smaller than one each
  local AT_ONCE = 2000  -- arguments of one call: Lua's stack holds some 8,000
  local function slots() return '>' .. string.rep('I4', SEGMENT) end
  local FIELDS = { 'generation', 'seq', 'epoch', 'boot_offset', 'roster', 'heard', 'joined',
    'standing', 'frees', 'final', 'kept', 'clock', 'date' }
  local members_key = prefix .. 'members'
  local function buckets_key(row, name) return prefix .. 'buckets:' .. row.member .. ':' .. name end

  function rows.read(member)
    local row = { member = member, key = prefix .. 'row:' .. member, values = {}, stored = {} }
    local found = redis.call('HMGET', row.key, unpack(FIELDS))
    for i, field in ipairs(FIELDS) do
      local value = found[i] and tonumber(found[i])
      row[field], row.stored[field] = value or 0, value
    end
    return row
  end

  function rows.members() return redis.call('SMEMBERS', members_key) end
  function rows.is_there(member) return redis.call('SISMEMBER', members_key, member) == 1 end
  function rows.are_gone() return redis.call('EXISTS', members_key) == 0 end
  function rows.counts(row) return row.epoch == ledger.epoch end

  -- Every row, in no order: whatever is done to all of them must not depend on one.
  function rows.all()
    local found = rows.members()
    for i, member in ipairs(found) do found[i] = rows.read(member) end
    return found
  end

  function rows.enrol(row) redis.call('SADD', members_key, row.member) end

  -- Stores a row, with those of its values that were looked at or changed.
  function rows.save(row)
    local found = changes(row, FIELDS)
    for name, value in pairs(row.values) do
      found[#found + 1] = 'value:' .. name
      found[#found + 1] = cmsgpack.pack(value)
    end
    for from = 1, #found, AT_ONCE do
      redis.call('HSET', row.key, unpack(found, from, math.min(from + AT_ONCE - 1, #found)))
    end
  end

  function rows.drop(row)
    redis.call('SREM', members_key, row.member)
    redis.call('DEL', row.key)
    rows.clear(row)
  end

  -- One account of a row: pending, charged, lingered.
  function rows.value(row, name)
    if not row.values[name] then
      local packed = redis.call('HGET', row.key, 'value:' .. name)
      row.values[name] = packed and cmsgpack.unpack(packed) or { 0, 0, 0 }
    end
    return row.values[name]
  end

  -- Visits every bucket of a row's account that is not empty, with its posts.
  function rows.each_bucket(row, name, visit)
    local fields, format = redis.call('HGETALL', buckets_key(row, name)), slots()
    for i = 1, #fields, 2 do
      local before, posts = fields[i] * SEGMENT - 1, { struct.unpack(format, fields[i + 1]) }
      for at = 1, SEGMENT do
        if posts[at] > 0 then visit(before + at, posts[at]) end
      end
    end
  end

  -- Adds posts to a bucket of the row and of its account's ring.
  function rows.stamp(row, account, posts, bucket)
    if posts == 0 then return end
    ring.add(account, bucket, posts)
    local key, segment, at =
      buckets_key(row, account.name), div(bucket, SEGMENT), 4 * (bucket % SEGMENT)
    local held = redis.call('HGET', key, segment) or string.rep('\0', 4 * SEGMENT)
    local sum = struct.pack('>I4', struct.unpack('>I4', held, at + 1) + posts)
    redis.call('HSET', key, segment, string.sub(held, 1, at) .. sum .. string.sub(held, at + 5))
  end

  -- Adds a row to the sums (1), or takes it out of them (-1).
  function rows.count(row, sign)
    for _, name in ipairs(ledger.names) do
      local account = ledger.accounts[name]
      account.pending, account.changed = account.pending + sign * rows.value(row, name)[1], true
      rows.each_bucket(row, name, function(bucket, posts)
        ring.add(account, bucket, sign * posts)
      end)
    end
  end

  -- Lets the last word of a member count again, but for accounts that the ledger has lost: one of
  -- that name begins empty.
  function rows.adopt(row)
    for _, field in ipairs(redis.call('HKEYS', row.key)) do
      local name = string.match(field, '^value:(.+)$')
      if name and not ledger.accounts[name] then
        redis.call('HDEL', row.key, field)
        redis.call('DEL', buckets_key(row, name))
      end
    end
    row.epoch = ledger.epoch
    rows.count(row, 1)
  end

  function rows.clear(row)
    for _, name in ipairs(ledger.names) do redis.call('DEL', buckets_key(row, name)) end
  end

  -- Gives buckets, each named once, to an account in which the row has none.
  function rows.fill(row, account, buckets)
    local segments = {}
    for _, pair in ipairs(buckets) do
      ring.add(account, pair[1], pair[2])
      local segment = div(pair[1], SEGMENT)
      segments[segment] = segments[segment] or {}
      segments[segment][pair[1] % SEGMENT + 1] = pair[2]
    end
    for segment, held in pairs(segments) do
      for i = 1, SEGMENT do held[i] = held[i] or 0 end
      redis.call('HSET', buckets_key(row, account.name), segment,
        struct.pack(slots(), unpack(held)))
    end
  end

  -- Forgets the segments of an account that no loss can need any more.
  function rows.prune(row, account)
    local oldest = window.first_kept(account.window, ledger.time)
    for _, segment in ipairs(redis.call('HKEYS', buckets_key(row, account.name))) do
      if (segment + 1) * SEGMENT <= oldest then
        redis.call('HDEL', buckets_key(row, account.name), segment)
      end
    end
  end

  -- Whether anything was charged in a bucket that is still kept.
  function rows.is_kept(row)
    local found = false
    for _, name in ipairs(ledger.names) do
      local oldest = window.first_kept(ledger.accounts[name].window, ledger.time)
      rows.each_bucket(row, name, function(bucket) found = found or bucket >= oldest end)
    end
    return found
  end

  -- Whether every bucket has a place in its ring, however far time has been put back.
  function rows.fits(row)
    local fits = true
    for _, name in ipairs(ledger.names) do
      local w = ledger.accounts[name].window
      rows.each_bucket(row, name, function(bucket)
        fits = fits and window.in_ring(w, bucket, ledger.time)
      end)
    end
    return fits
  end

  -- When the last of its charges frees; now, if none is left.
  function rows.frees_ms(row)
    local latest = ledger.time
    for _, name in ipairs(ledger.names) do
      rows.each_bucket(row, name, function(bucket)
        latest = math.max(latest, window.gone_at(ledger.accounts[name].window, bucket))
      end)
    end
    return latest
  end

  function rows.is_pending(row)
    for _, name in ipairs(ledger.names) do
      if rows.value(row, name)[1] > 0 then return true end
    end
    return false
  end
end
