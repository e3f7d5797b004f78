--[[ A member's word that the ledger it knew cannot be believed: from then on it is another one.

Keys and the first two arguments: ledger.lua and rows.lua, which stand before this.
ARGV[3]  the loss, msgpack (store/wire.py)
returns  msgpack: {'schema', of a newer ledger} or {'declared', {epoch, run_id, replication_id}}

It must be one script: of many members that find one loss at once, the first moves the epoch and the
others are told of it, and bring their rows under it. So it is safe to say twice. Nothing moves if
the ledger is whole and its epoch is past the one that was seen.

Its rows stay, of an epoch that is over: they count nowhere, but say who must restore, and what
nobody may have forgotten. What cannot be read any more is gone with whoever alone knew of it, so
where the ledger or its members are gone altogether an operator has to say that it may open. ]]

local GRACE_MS = 3000  -- core/ledger/opening.py

local seen, time_ms, high_ms, shown, entries, leniency, named, word, vouches =
  unpack(cmsgpack.unpack(ARGV[3]), 1, 9)
ledger.read()
if ledger.is_newer() then return cmsgpack.pack({ 'schema', ledger.schema }) end
local function declared()
  return cmsgpack.pack({ 'declared', { ledger.epoch, ledger.run_id, ledger.replication_id } })
end
local allowed = named or word
local stands = ledger.is_whole and ledger.sound == 1 and ledger.is_here()
if stands and ledger.epoch > seen[1] then
  ledger.begin()
  if ledger.open == 0 then roster.meet(entries) end
  if allowed then ledger.awaits_word = 0 end
  if vouches or word then ledger.vouched = 1 end
  ledger.save(1)
  return declared()
end

local is_gone = redis.call('EXISTS', KEYS[1]) == 0 or rows.are_gone()
ledger.begin()
local now_ms = ledger.now_ms()
ledger.epoch = math.max((ledger.epoch or 0) + 1, seen[1] + 1, now_ms)
ledger.run_id, ledger.replication_id = ledger.here()
ledger.time = math.max(ledger.time or 0, time_ms)
ledger.high = math.max(ledger.high or 0, high_ms, ledger.time)
ledger.store_offset, ledger.lead, ledger.rebased = now_ms - ledger.time, 0, 0
ledger.open, ledger.opens = 0, ledger.time + GRACE_MS
ledger.awaits_word = (is_gone or ledger.awaits_word == 1) and not allowed and 1 or 0
ledger.vouched = (vouches or word) and 1 or 0
ledger.leniency = bit.band(ledger.leniency or leniency, leniency)
ledger.turn, ledger.recounted = 0, ledger.time
-- Shown with another window or unit, what stood here stays: converse refuses by it.
for _, account in ipairs(shown) do ledger.admit(unpack(account, 1, 5)) end
for _, account in pairs(ledger.accounts) do ledger.empty(account) end
ledger.roster = 0
roster.meet(entries)
ledger.roster = 1
ledger.save(1)
return declared()
