--[[ Create the ledger of one contract, or join the one that is there; only `governor init` does.

Keys and the first two arguments: ledger.lua and rows.lua, which stand before this.
ARGV[3]  msgpack: {member, leniency, whether an operator says that rules may be laxer,
         {account...}}, an account being {name, limit or -1, window in ms, unit, calendar, posts
         that it begins with in a ledger made now, and in one that was there}
returns  msgpack: {'schema', of a newer ledger}, {'doubt', why} or
         {'created', {epoch, run_id, replication_id}, ledger time in ms, {accounts now new},
         {of each account shown, in order: the posts that this member's row was ever charged}}

It must be one script: of two governors that initialise at once, one creates and the other joins.
And an account must begin with what was used before it: were that brought later, a crash between
the two, or another governor that is faster, would find room that was used up long ago. It stands
in the member's row as charged, so that a second try finds it and a journal that forgets it is
doubted; and as pending, so that it binds whatever the clocks say until that member's whole row
takes its place. No bucket has it before: a ledger that nobody spoke to for long stands still, and
what is stamped at its H would be free with the first word. A row made here is of generation 0,
before every member's first.

Run twice it changes nothing. Time begins at Redis TIME; from then on it is the ledger's own. The
epoch begins there too and not at 1: a ledger created anew in the same Redis must be another one
to every governor that knew the one before. ]]

local member, leniency, raises, shown = unpack(cmsgpack.unpack(ARGV[3]), 1, 4)
ledger.read()
if ledger.is_newer() then return cmsgpack.pack({ 'schema', ledger.schema }) end
local made = redis.call('EXISTS', KEYS[1]) == 0
if made and not rows.are_gone() then return cmsgpack.pack({ 'doubt', 'missing' }) end
if not made then
  local amiss = ledger.amiss()
  if amiss then return cmsgpack.pack({ 'doubt', amiss }) end
  if not ledger.is_here() then return cmsgpack.pack({ 'doubt', 'foreign' }) end
  if ledger.open == 0 then return cmsgpack.pack({ 'doubt', 'closed' }) end
end
local row = rows.read(member)
if row.standing == rows.RETIRED then return cmsgpack.pack({ 'doubt', 'retired' }) end

ledger.begin()
if made then
  local now_ms = ledger.now_ms()
  ledger.epoch, ledger.time, ledger.high = now_ms, now_ms, now_ms
  ledger.store_offset, ledger.lead, ledger.rebased = 0, 0, 0
  ledger.run_id, ledger.replication_id = ledger.here()
  ledger.open, ledger.opens, ledger.awaits_word, ledger.vouched = 1, 0, 0, 0
  ledger.roster, ledger.turn, ledger.recounted = 0, 0, now_ms
end
ledger.leniency = (made or raises) and leniency or bit.band(ledger.leniency, leniency)

local added, charged, begins = {}, {}, false
for _, account in ipairs(shown) do
  local name, limit, window_ms, unit, calendar, posts_made, posts_joined = unpack(account)
  local new = ledger.admit(name, limit, window_ms, unit, calendar)
  local value = rows.value(row, name)
  local posts = made and posts_made or posts_joined
  if new then
    table.insert(added, name)
    if posts > 0 then
      new.pending, begins = posts, true
      row.values[name] = { posts, posts, 0 }
    end
  elseif raises and ledger.accounts[name].limit ~= limit then
    ledger.accounts[name].limit, ledger.accounts[name].changed = limit, true
  end
  table.insert(charged, row.values[name][2])
end
if begins then
  if not rows.is_there(member) or row.standing ~= rows.ACTIVE then roster.changed() end
  row.epoch, row.standing, row.frees, row.final = ledger.epoch, rows.ACTIVE, 0, 0
  rows.enrol(row)
  rows.save(row)
end
ledger.save(1)
return cmsgpack.pack({ 'created', { ledger.epoch, ledger.run_id, ledger.replication_id },
  ledger.time, added, charged })
