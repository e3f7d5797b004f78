--[[ One message of one governor to the ledger of one contract, and the ledger's answer.

core/ledger/book.py is this script in Python, step by step; tests/conformance holds both to it.
Keys and the first two arguments: ledger.lua and rows.lua, which stand before this.

ARGV[3]  the message, msgpack (store/wire.py)
returns  the answer, msgpack (store/wire.py)

It must be one script: a hold is granted on what all rows say at one instant, and the row that it
is added to must be of the generation that asked. ]]

local member, identity, generation, seq, acked, nonce, boot_ms, values, asks, whole, shown,
  version, anchor, leaving, leniency, kept, date_ms, told_periods =
  unpack(cmsgpack.unpack(ARGV[3]), 1, 18)

-- 1. Every key is there and whole, this Governor can read it, Redis will not evict it, and the
-- last script that wrote to it ended.
ledger.read()
local function doubt(reason)
  local run_id, replication_id = ledger.here()
  return cmsgpack.pack({ 'doubt', nonce, reason, ledger.epoch or 0, run_id, replication_id })
end
local amiss = ledger.amiss()
if amiss then return doubt(amiss) end

-- 2. It is the ledger that was meant, and the member may speak.
if not ledger.is_here() or identity[1] ~= ledger.epoch or identity[2] ~= ledger.run_id
  or identity[3] ~= ledger.replication_id then return doubt('foreign') end
local row = rows.read(member)
if row.standing == rows.RETIRED then return doubt('retired') end
if generation < row.generation then return cmsgpack.pack({ 'fenced', nonce }) end
local same = row.generation == generation and rows.counts(row)
if not whole and not same then return doubt('unknown_row') end
if same and row.seq < acked then return doubt('rolled_back') end
if generation == row.generation and seq < row.seq then return cmsgpack.pack({ 'stale', nonce }) end
if generation == row.generation and seq > row.seq and row.standing == rows.LEFT then
  return cmsgpack.pack({ 'fenced', nonce })  -- it has said its last word
end

-- 3. The rules are known, and what only grows has not shrunk.
local resumes = whole and ledger.open == 0  -- an open one is ahead of every journal: see book.py
local windows, units, counted = {}, {}, {}
for name, account in pairs(ledger.accounts) do
  windows[name], units[name] = account.window, account.unit
end
local function is_known(name)
  local w = windows[name]
  if w and w.turns then counted[w.turns.calendar] = true end
  return w
end
for _, account in ipairs(shown) do
  local name, window_ms, unit, calendar = account[1], account[3], account[4], account[5]
  local known = windows[name]
  if not known then
    if not string.find(name, '/', 1, true) then return doubt('rules') end
    known = ledger.window_of(window_ms, calendar)
    windows[name], units[name] = known, unit
  end
  local by = known.turns and known.turns.calendar or ''
  if known.ms ~= window_ms or units[name] ~= unit or by ~= calendar then return doubt('rules') end
  if known.turns and known.turns.ms ~= window_ms then return doubt('rules') end
  is_known(name)
end
for _, value in ipairs(values) do if not is_known(value[1]) then return doubt('rules') end end
for _, ask in ipairs(asks) do
  for _, part in ipairs(ask[2]) do if not is_known(part[1]) then return doubt('rules') end end
end
local spread, going_on = {}, periods.going_on(resumes and whole[7])
if whole then
  local now_ms = resumes and math.max(ledger.time, whole[1]) or ledger.time
  for _, value in ipairs(whole[4]) do
    if not is_known(value[1]) then return doubt('rules') end
    spread[value[1]] = { 0, value[2], value[3] }
  end
  for _, each in ipairs(whole[5]) do
    local w = is_known(each[1])
    if not w then return doubt('rules') end
    local past = w.turns and going_on[w.turns.calendar].number + w.length
    for _, pair in ipairs(each[2]) do
      local fits = past and pair[1] < past or not past and window.in_ring(w, pair[1], now_ms)
      if not fits then return doubt('rules') end
    end
  end
end
local named = {}
for _, each in ipairs(told_periods) do named[each[1]] = each end
for calendar in pairs(counted) do if not named[calendar] then return doubt('calendar') end end
for calendar, each in pairs(named) do
  local turns = ledger.turns[calendar]
  if not periods.agree(turns, going_on[calendar], each, date_ms, ledger.now_ms()) then
    return doubt('calendar')
  end
end
if rows.counts(row) and kept > 0 and kept < row.kept then return doubt('behind') end
local brought = {}
for _, value in ipairs(values) do
  local name = value[1]
  local before = whole and (spread[name] or { 0, 0, 0 }) or rows.value(row, name)
  if value[3] < before[2] or value[4] < before[3] then return doubt('rolled_back') end
  brought[name] = value
end
for _, name in ipairs(whole and ledger.names or {}) do
  local told, now = rows.value(row, name), brought[name] or { name, 0, 0, 0 }
  if now[3] < told[2] or now[4] < told[3] then return doubt('behind') end
end

-- 4. A repeated message has its stored reply, byte for byte. Nothing was written so far.
if same and seq == row.seq then
  return redis.call('HGET', row.key, 'reply') or cmsgpack.pack({ 'stale', nonce })
end

-- 5. The rules that it brings, the row of a new start or of a new epoch, and whom else it knows.
ledger.begin()
for _, account in ipairs(shown) do ledger.admit(unpack(account, 1, 5)) end
ledger.leniency = bit.band(ledger.leniency, leniency)
if not same then
  if not rows.counts(row) then row.clock = ledger.open == 1 and 0 or ledger.rebased end
  roster.changed()
  rows.enrol(row)
  redis.call('HDEL', row.key, 'reply')
  row.generation, row.seq, row.boot_offset, row.joined = generation, 0, whole[3], ledger.roster
  row.standing, row.frees, row.final = rows.ACTIVE, 0, 0
end
if resumes then roster.meet(whole[6], member) end

-- 6. Time.
if resumes then clocks.resume(whole[1], whole[2]) end
if anchor then row.boot_offset = nil end
local stepped, store_ms = clocks.read(row, boot_ms)
if ledger.open == 0 then stepped = {} end  -- time stood still, so every clock is ahead
if #ledger.calendar_names > 0 then
  if resumes then
    for _, each in ipairs(whole[7]) do
      if ledger.turns[each[1]] then periods.resume(ledger.turns[each[1]], each[2]) end
    end
  end
  local slowest, fastest = periods.shown(member, store_ms, date_ms)
  for calendar, turns in pairs(ledger.turns) do
    if named[calendar] then periods.turn(turns, slowest, named[calendar]) end
    periods.look(turns, slowest, fastest, named[calendar])
  end
end
for _, account in pairs(ledger.accounts) do ring.free(account) end

-- 7. The row: replaced whole, then grown into the bucket of H, or of H + linger.
if whole then
  if rows.counts(row) then rows.count(row, -1) end
  rows.clear(row)
  for _, name in ipairs(ledger.names) do row.values[name] = spread[name] or { 0, 0, 0 } end
  for _, each in ipairs(whole[5]) do rows.fill(row, ledger.accounts[each[1]], each[2]) end
  row.epoch = ledger.epoch
end

-- 8. A lost ledger opens when everybody has restored, and nobody else can still turn up. While it
-- is closed growth is held, not stamped: a journal may yet raise the time, and free it too early.
local awaiting = ledger.open == 0 and roster.reopen(member) or {}
for _, value in ipairs(values) do
  local name = value[1]
  local account, before = ledger.accounts[name], rows.value(row, name)
  local charged, lingered = value[3] - before[2], value[4] - before[3]
  if ledger.open == 0 then
    value = { name, value[2] + charged + lingered, before[2], before[3] }
  else
    rows.stamp(row, account, charged, window.charged_in(account.window, ledger.high))
    rows.stamp(row, account, lingered, window.lingered_in(account.window, ledger.high))
  end
  account.pending, account.changed = account.pending + value[2] - before[1], true
  row.values[name] = { value[2], value[3], value[4] }
end

-- 9. The asks.
local granted = grants.decide(asks, row)

-- 10. The last word of this generation.
if leaving and not rows.is_pending(row) then
  row.standing, row.frees, row.final = rows.LEFT, rows.frees_ms(row), 1
  roster.changed()
end

-- 11. The row is stored before the recount, which reads it back.
row.roster, row.heard, row.kept = version, ledger.time, kept
row.date = #told_periods > 0 and date_ms or 0  -- else nobody looked whether it fits
rows.save(row)
if not recount.adds_up() then
  ledger.save(0)
  return doubt('miscounted')
end

-- 12. The reply, kept for a repeat.
local usage = {}
for _, name in ipairs(ledger.names) do
  local account = ledger.accounts[name]
  table.insert(usage,
    { name, account.charged, account.pending, account.limit, ring.frees_ms(account, 1) })
end
local everybody = version == ledger.roster and { 0, {} } or { ledger.roster, roster.entries() }
local reply = cmsgpack.pack({ 'reply', nonce, seq,
  { ledger.epoch, ledger.run_id, ledger.replication_id }, ledger.time, ledger.high,
  ledger.store_offset, row.boot_offset, ledger.open, granted, usage, stepped, store_ms,
  everybody, ledger.leniency, awaiting, ledger.awaits_word, periods.dated() })
redis.call('HSET', row.key, 'seq', seq, 'reply', reply)
ledger.save(1)
return reply
