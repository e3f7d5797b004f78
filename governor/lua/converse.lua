--[[ One message of one governor to the ledger of one contract, and the ledger's answer.

core/ledger/book.py is this script in Python, step by step; tests/conformance holds both to it.

KEYS[1]  the ledger: schema, epoch, run_id, replication_id, time, high, store_offset, open,
         turn, recounted, accounts (their names, msgpack)
ARGV[1]  the key prefix; every other key begins with it and so shares KEYS[1]'s hash tag. They are
         not declared one by one, because the recount reads every member's row.
ARGV[2]  the schema version that this Governor knows
ARGV[3]  the message, msgpack (store/wire.py)
returns  the answer, msgpack (store/wire.py)
  <prefix>members                    who has a row
  <prefix>account:<account>          limit (-1: none), window, pending, charged, first
  <prefix>ring:<account>             32 bits a bucket, fixed length: charged posts over all rows
  <prefix>row:<member>               generation, seq, boot_offset, reply, and value:<account>
  <prefix>buckets:<member>:<account> the row's buckets, 128 to a field, only those not all empty
It must be one script: a hold is granted on what all rows say at one instant, and the row that it
is added to must be of the generation that asked. A script that fails keeps what it wrote, so all
checks come before the first write. No key ever expires: an expired sum would read as room.
Numbers are doubles, exact below 2^53: milliseconds and posts for another 285,000 years. ]]

local ledger_key, prefix, schema_known = KEYS[1], ARGV[1], tonumber(ARGV[2])
local member, identity, generation, seq, acked, nonce, boot_ms, values, asks, whole, shown =
  unpack(cmsgpack.unpack(ARGV[3]), 1, 11)

local BUCKETS_PER_WINDOW, PAD_PPM, RECOUNT_MS = 8640, 520, 30000
local LONGEST_TOLERANCE_MS, LONGEST_LINGER_MS = 2000, 120000
local CHUNK = 1024   -- buckets of a ring read at once: 4 KB
local SEGMENT = 128  -- buckets of a row in one field: a full row is 26 times smaller than one each
local NONE = -1      -- for a limit or a time; a Lua array cannot hold nil

local function div(a, b) return math.floor(a / b) end
local function numbers(key, ...)
  local found = redis.call('HMGET', key, ...)
  for i = 1, #found do found[i] = found[i] and tonumber(found[i]) end
  return unpack(found)
end

-- Window arithmetic: core/window.py.
local function window_of(window_ms)
  local window = { ms = window_ms }
  window.bucket_ms = math.max(1, math.ceil(window_ms / BUCKETS_PER_WINDOW))
  window.pad_ms = math.ceil(window_ms * PAD_PPM / 1000000)
  window.tolerance_ms = math.min(LONGEST_TOLERANCE_MS, div(window_ms, 100))
  window.linger_ms = math.min(LONGEST_LINGER_MS, window_ms)
  local span_ms = 2 * (window_ms + window.pad_ms) + LONGEST_TOLERANCE_MS
  window.length = div(span_ms, window.bucket_ms) + 4
  return window
end
local function first_counting(w, now_ms) return div(now_ms - w.ms - w.pad_ms, w.bucket_ms) end
local function first_kept(w, now_ms) return div(now_ms - 2 * (w.ms + w.pad_ms), w.bucket_ms) end
local function frees_at(w, bucket) return (bucket + 1) * w.bucket_ms + w.ms + w.pad_ms end

-- 1. Every key is there and whole, this Governor can read it, and Redis will not evict it.
local schema, epoch, T, H, store_offset, is_open, turn, recounted = numbers(ledger_key,
  'schema', 'epoch', 'time', 'high', 'store_offset', 'open', 'turn', 'recounted')
local run_id, replication_id, names =
  unpack(redis.call('HMGET', ledger_key, 'run_id', 'replication_id', 'accounts'))
local info = redis.call('INFO', 'server', 'replication', 'memory')
local run_id_now = string.match(info, '\nrun_id:(%w+)')
local replication_id_now = string.match(info, '\nmaster_replid:(%w+)')
local function doubt(reason)
  return cmsgpack.pack({ 'doubt', nonce, reason, epoch or 0, run_id_now, replication_id_now })
end
if schema and schema > schema_known then return doubt('schema') end
if not (schema and epoch and T and H and store_offset and is_open and turn and recounted and run_id
  and replication_id and names) then return doubt('missing') end
names = cmsgpack.unpack(names)
local accounts = {}
for _, name in ipairs(names) do
  local key, ring = prefix .. 'account:' .. name, prefix .. 'ring:' .. name
  local limit, window_ms, pending, charged, first =
    numbers(key, 'limit', 'window', 'pending', 'charged', 'first')
  if not (limit and window_ms and pending and charged and first) then return doubt('missing') end
  local window = window_of(window_ms)
  if redis.call('STRLEN', ring) ~= 4 * window.length then return doubt('missing') end
  accounts[name] = { name = name, key = key, ring = ring, window = window, limit = limit,
    pending = pending, charged = charged, first = first }
end
local eviction = string.match(info, '\nmaxmemory_policy:([%w%-]+)')
if eviction ~= 'noeviction' then return doubt('evicting') end

-- 2. It is the ledger that was meant, and the member may speak.
if run_id ~= run_id_now or replication_id ~= replication_id_now or identity[1] ~= epoch
  or identity[2] ~= run_id or identity[3] ~= replication_id then return doubt('foreign') end
local row_key = prefix .. 'row:' .. member
local row_generation, row_seq, boot_offset = numbers(row_key, 'generation', 'seq', 'boot_offset')
if row_generation and generation < row_generation then return cmsgpack.pack({ 'fenced', nonce }) end
local same = row_generation == generation
if not whole and not same then return doubt('unknown_row') end
if same and row_seq < acked then return doubt('rolled_back') end
if same and seq < row_seq then return cmsgpack.pack({ 'stale', nonce }) end

-- 3. The rules are known, and what only grows has not shrunk.
local resumes = whole and is_open == 0  -- an open ledger is ahead of every journal: see book.py
if resumes then T, H = math.max(T, whole[1]), math.max(H, whole[2]) end
local windows = {}
for name, account in pairs(accounts) do windows[name] = account.window end
for _, account in ipairs(shown) do
  local name, window_ms = account[1], account[3]
  local known = windows[name]
  if not known and not string.find(name, '/', 1, true) then return doubt('rules') end
  if known and known.ms ~= window_ms then return doubt('rules') end
  windows[name] = known or window_of(window_ms)
end
for _, value in ipairs(values) do if not windows[value[1]] then return doubt('rules') end end
for _, ask in ipairs(asks) do
  for _, part in ipairs(ask[2]) do if not windows[part[1]] then return doubt('rules') end end
end
local spread = {}
if whole then
  for _, value in ipairs(whole[4]) do
    if not windows[value[1]] then return doubt('rules') end
    spread[value[1]] = { 0, value[2], value[3] }
  end
  for _, each in ipairs(whole[5]) do
    local window = windows[each[1]]
    if not window then return doubt('rules') end
    local beyond = first_counting(window, T) + window.length
    for _, pair in ipairs(each[2]) do
      if pair[1] >= beyond then return doubt('rules') end
    end
  end
end
local function stored_value(name)
  local packed = redis.call('HGET', row_key, 'value:' .. name)
  return packed and cmsgpack.unpack(packed) or { 0, 0, 0 }
end
local brought = {}
for _, value in ipairs(values) do
  local before = whole and (spread[value[1]] or { 0, 0, 0 }) or stored_value(value[1])
  if value[3] < before[2] or value[4] < before[3] then return doubt('rolled_back') end
  brought[value[1]] = value
end
for _, name in ipairs(whole and names or {}) do  -- its journal may be older than its row: book.py
  local told, now = stored_value(name), brought[name] or { name, 0, 0, 0 }
  if now[3] < told[2] or now[4] < told[3] then return doubt('rolled_back') end
end

-- 4. A repeated message has its stored reply, byte for byte. Nothing was written so far.
if same and seq == row_seq then
  return redis.call('HGET', row_key, 'reply') or cmsgpack.pack({ 'stale', nonce })
end

-- 5. The accounts that it brings, and the row of a new generation. (Here writing begins.)
local function admit(name, limit, window_ms)
  local account = accounts[name]
  if account then
    if limit ~= NONE and (account.limit == NONE or limit < account.limit) then
      account.limit, account.changed = limit, true
    end
    return
  end
  account = { name = name, key = prefix .. 'account:' .. name, ring = prefix .. 'ring:' .. name,
    window = window_of(window_ms), limit = limit, pending = 0, charged = 0, changed = true }
  account.first = first_counting(account.window, T)
  redis.call('DEL', account.ring)
  redis.call('SETRANGE', account.ring, 4 * account.window.length - 1, '\0')
  redis.call('HSET', account.key, 'window', window_ms)
  accounts[name] = account
  table.insert(names, name)
end
for _, account in ipairs(shown) do admit(unpack(account, 1, 3)) end
if not same then
  boot_offset = whole[3]
  redis.call('SADD', prefix .. 'members', member)
  redis.call('HSET', row_key, 'generation', generation, 'seq', 0)
  redis.call('HDEL', row_key, 'reply')
end

-- 6. Time: core/ledger/clocks.py.
local tolerance_ms = LONGEST_TOLERANCE_MS
for _, account in pairs(accounts) do
  tolerance_ms = math.min(tolerance_ms, account.window.tolerance_ms)
end
local clock = redis.call('TIME')
local store_ms = clock[1] * 1000 + div(clock[2], 1000)
local stepped = {}
boot_offset = boot_offset or boot_ms - T
do
  local store, boot = store_ms - store_offset, boot_ms - boot_offset
  local store_stepped, boot_stepped = store < T - tolerance_ms, boot < T - tolerance_ms
  if store_stepped then store = T end
  if boot_stepped then boot = T end
  local slowest = math.min(store, boot)
  T = math.max(T, slowest)
  if store_stepped or store > slowest + tolerance_ms then
    store_offset, store = store_ms - T, T
    table.insert(stepped, 'store')
  end
  if boot_stepped or boot > slowest + tolerance_ms then
    boot_offset, boot = boot_ms - T, T
    table.insert(stepped, 'boot')
  end
  H = math.max(H, T, store, boot)
end

-- The ring of an account: core/ledger/ring.py. A slot holds at most 2^32 - 1 posts.
local function slots_from(account, bucket)
  local at = bucket % account.window.length
  local count = math.min(CHUNK, account.window.length - at)
  return redis.call('GETRANGE', account.ring, 4 * at, 4 * (at + count) - 1), count, at
end
local function free(account)
  local before, past = account.first, first_counting(account.window, T)
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
local function add(account, bucket, posts)
  if bucket < first_counting(account.window, T) then return end
  account.first = account.charged > 0 and math.min(account.first, bucket) or bucket
  local slot = '#' .. string.format('%.0f', bucket % account.window.length)
  local sum =
    redis.call('BITFIELD', account.ring, 'OVERFLOW', 'FAIL', 'INCRBY', 'u32', slot, posts)
  assert(sum[1], 'the ring of ' .. account.name .. ' cannot hold ' .. posts .. ' posts more')
  account.charged, account.changed = account.charged + posts, true
end
local function frees_ms(account, posts)
  if posts > account.charged then return NONE end
  local bucket, freed = account.first, 0
  while true do
    local slots, count = slots_from(account, bucket)
    for i = 0, count - 1 do
      freed = freed + struct.unpack('>I4', slots, 4 * i + 1)
      if freed >= posts then return frees_at(account.window, bucket + i) end
    end
    bucket = bucket + count
  end
end
for _, account in pairs(accounts) do free(account) end

-- 7. The row: replaced whole, then grown into the bucket of H, or of H + linger.
local row = {}
local function value_of(name)
  row[name] = row[name] or stored_value(name)
  return row[name]
end
local SLOTS, EMPTY = '>' .. string.rep('I4', SEGMENT), string.rep('\0', 4 * SEGMENT)
local function buckets_key(name) return prefix .. 'buckets:' .. member .. ':' .. name end
local function each_segment(key, visit)
  local fields = redis.call('HGETALL', key)
  for i = 1, #fields, 2 do
    visit(tonumber(fields[i]), { struct.unpack(SLOTS, fields[i + 1]) })
  end
end
local function grow_bucket(key, bucket, posts)
  local segment, at = div(bucket, SEGMENT), 4 * (bucket % SEGMENT)
  local slots = redis.call('HGET', key, segment) or EMPTY
  local sum = struct.pack('>I4', struct.unpack('>I4', slots, at + 1) + posts)
  redis.call('HSET', key, segment, string.sub(slots, 1, at) .. sum .. string.sub(slots, at + 5))
end
if whole then
  for _, name in ipairs(names) do
    local account, key = accounts[name], buckets_key(name)
    account.pending, account.changed = account.pending - value_of(name)[1], true
    each_segment(key, function(segment, slots)
      for i = 1, SEGMENT do
        if slots[i] > 0 then add(account, segment * SEGMENT + i - 1, -slots[i]) end
      end
    end)
    redis.call('DEL', key)
    row[name] = spread[name] or { 0, 0, 0 }
  end
  for _, each in ipairs(whole[5]) do
    local segments = {}
    for _, pair in ipairs(each[2]) do
      add(accounts[each[1]], pair[1], pair[2])
      local segment = div(pair[1], SEGMENT)
      segments[segment] = segments[segment] or {}
      segments[segment][pair[1] % SEGMENT + 1] = pair[2]
    end
    for segment, slots in pairs(segments) do
      for i = 1, SEGMENT do slots[i] = slots[i] or 0 end
      redis.call('HSET', buckets_key(each[1]), segment, struct.pack(SLOTS, unpack(slots)))
    end
  end
end
local function stamp(account, posts, at_ms)
  if posts == 0 then return end
  local bucket = div(at_ms, account.window.bucket_ms)
  add(account, bucket, posts)
  grow_bucket(buckets_key(account.name), bucket, posts)
end
for _, value in ipairs(values) do
  local name = value[1]
  local account, before = accounts[name], value_of(name)
  account.pending, account.changed = account.pending + value[2] - before[1], true
  stamp(account, value[3] - before[2], H)
  stamp(account, value[4] - before[3], H + account.window.linger_ms)
  row[name] = { value[2], value[3], value[4] }
end

-- 8. The asks, in order: each on all of its accounts or on none; the patient keep their place.
local ahead = {}
local function shortage(name, posts)
  local account = accounts[name]
  if account.limit == NONE then return -posts end
  return account.charged + account.pending + posts + (ahead[name] or 0) - account.limit
end
local function grant_of(parts)
  for _, part in ipairs(parts) do
    local limit = accounts[part[1]].limit
    if limit ~= NONE and part[2] > limit then return { 0, part[1], NONE, 1 } end
  end
  local latest
  for _, part in ipairs(parts) do
    local short = shortage(part[1], part[2])
    if short > 0 then
      local retry_at = frees_ms(accounts[part[1]], short)
      if retry_at == NONE then return { 0, part[1], NONE, 0 } end
      if not latest or retry_at > latest[3] then latest = { 0, part[1], retry_at, 0 } end
    end
  end
  return latest or { 1, '', NONE, 0 }
end
local grants = {}
for _, ask in ipairs(asks) do
  local patience_ms, parts = ask[1], ask[2]
  local grant = is_open == 1 and grant_of(parts) or { 0, '', NONE, 0 }
  if grant[1] == 1 then
    for _, part in ipairs(parts) do
      local name, posts, value = part[1], part[2], value_of(part[1])
      accounts[name].pending, accounts[name].changed = accounts[name].pending + posts, true
      row[name] = { value[1] + posts, value[2], value[3] }
    end
  elseif grant[4] == 0 and patience_ms > 0 and grant[3] <= T + patience_ms then
    for _, part in ipairs(parts) do
      if shortage(part[1], part[2]) > 0 then ahead[part[1]] = (ahead[part[1]] or 0) + part[2] end
    end
  end
  table.insert(grants, grant)
end

-- 9. What was decided is stored before the recount, which reads it back.
redis.call('HSET', row_key, 'boot_offset', boot_offset)
for name, value in pairs(row) do
  redis.call('HSET', row_key, 'value:' .. name, cmsgpack.pack(value))
end
for _, account in pairs(accounts) do
  if account.changed then
    redis.call('HSET', account.key, 'limit', account.limit, 'pending', account.pending,
      'charged', account.charged, 'first', account.first)
  end
end

-- 10. The accounts whose turn it is are recounted from the rows; a mismatch closes the ledger.
local function adds_up(account)
  local first, oldest = first_counting(account.window, T), first_kept(account.window, T)
  local pending, charged = 0, 0
  for _, each in ipairs(redis.call('SMEMBERS', prefix .. 'members')) do
    local packed = redis.call('HGET', prefix .. 'row:' .. each, 'value:' .. account.name)
    if packed then pending = pending + cmsgpack.unpack(packed)[1] end
    local key = prefix .. 'buckets:' .. each .. ':' .. account.name
    each_segment(key, function(segment, slots)
      local from = math.max(1, first - segment * SEGMENT + 1)
      for i = from, SEGMENT do charged = charged + slots[i] end
      if (segment + 1) * SEGMENT <= oldest then redis.call('HDEL', key, segment) end
    end)
  end
  return pending == account.pending and charged == account.charged
end
local due = math.min(#names, div((T - recounted) * #names, RECOUNT_MS))
if due > 0 then recounted = T end
local sound = true
while due > 0 and sound do
  turn, due = turn + 1, due - 1
  sound = adds_up(accounts[names[turn % #names + 1]])
end
if not sound then epoch, is_open = epoch + 1, 0 end
redis.call('HSET', ledger_key, 'epoch', epoch, 'time', T, 'high', H, 'store_offset', store_offset,
  'open', is_open, 'turn', turn, 'recounted', recounted, 'accounts', cmsgpack.pack(names))
if not sound then return doubt('miscounted') end

-- 11. The reply, kept for a repeat.
local usage = {}
for _, name in ipairs(names) do
  local account = accounts[name]
  table.insert(usage,
    { name, account.charged, account.pending, account.limit, frees_ms(account, 1) })
end
local reply = cmsgpack.pack({ 'reply', nonce, seq, { epoch, run_id, replication_id }, T, H,
  store_offset, boot_offset, is_open, grants, usage, stepped, store_ms })
redis.call('HSET', row_key, 'seq', seq, 'reply', reply)
return reply
