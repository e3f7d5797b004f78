--[[ An operator's word that a member is dead: it is fenced, and what it held is charged.

Keys and the first two arguments: ledger.lua and rows.lua, which stand before this.
ARGV[3]  msgpack: {member, posts that it was charged by that word or -1}
returns  msgpack: {'schema', of a newer ledger}, {'doubt', why}, {'unknown', {who has a row}} or
         {'retired', {{account, posts charged now}...}, when the last of its charges frees}

It must be one script: what is pending must not be resolved by its member meanwhile. Nobody knows
when the platform counted it, so it is stamped a whole window ahead; by a calendar, into the period
in which that may have been at the latest. The last word of one that had left holds nothing. Any
other row that a loss has left may be older than its member's journal, which is lost with it: then
the whole of every limit is charged, or what the operator says. Run twice it charges once. ]]

local member, word = unpack(cmsgpack.unpack(ARGV[3]), 1, 2)
ledger.read()
local amiss = ledger.amiss()
if amiss == 'schema' then return cmsgpack.pack({ 'schema', ledger.schema }) end
if amiss then return cmsgpack.pack({ 'doubt', amiss }) end
if not ledger.is_here() then return cmsgpack.pack({ 'doubt', 'foreign' }) end
if not rows.is_there(member) then return cmsgpack.pack({ 'unknown', rows.members() }) end
if #ledger.calendar_names > 0 then
  local slowest, fastest = periods.shown(member, ledger.now_ms(), 0)
  for _, turns in pairs(ledger.turns) do
    periods.look(turns, slowest, fastest)
    if not periods.has_place(turns) then return cmsgpack.pack({ 'doubt', 'calendar' }) end
  end
end

ledger.begin()
local row, charged = rows.read(member), {}
if not rows.counts(row) and roster.speaks(row) then rows.adopt(row) end
local counts = rows.counts(row)
if not counts then rows.clear(row) end
for _, name in ipairs(ledger.names) do
  local account, before = ledger.accounts[name], rows.value(row, name)
  local posts = before[1]
  if counts then
    account.pending, account.changed = account.pending - posts, true
  elseif account.limit ~= NONE then
    posts = word == NONE and account.limit or word
  end
  rows.stamp(row, account, posts, window.lost_in(account.window, ledger.high))
  row.values[name] = { 0, before[2] + posts, before[3] }
  if posts > 0 then table.insert(charged, { name, posts }) end
end
if row.standing ~= rows.RETIRED then row.generation = row.generation + 1 end
row.standing, row.final, row.epoch = rows.RETIRED, 1, ledger.epoch
row.frees, row.heard = rows.frees_ms(row), ledger.time
rows.save(row)
roster.changed()
ledger.save(1)
return cmsgpack.pack({ 'retired', charged, row.frees })
