--[[ What the ledger of a contract is to somebody who only looks. Nothing is written.

Keys and the first two arguments: ledger.lua and rows.lua, which stand before this.
returns  msgpack: {'schema', of a newer ledger} or
         {'survey', what is amiss or '', whether it was written by this run of Redis,
         {epoch, run_id, replication_id}, time in ms, open, awaits_word, leniency,
         {{account, limit or -1, window in ms, unit, calendar}...},
         {{member, generation, standing, frees in ms, whether it counts, ms since it was heard
         or -1, whether a closed ledger waits for it}...}}; an epoch of 0: no ledger is there

It must be one script, for a state put together from several moments is none. How long ago a member
was heard is told by Redis TIME, for while nobody speaks the ledger's own time stands still. ]]

ledger.read()
if ledger.is_newer() then return cmsgpack.pack({ 'schema', ledger.schema }) end

local T = ledger.time or 0
local now = math.max(T, ledger.now_ms() - (ledger.store_offset or 0))
local rules, members = {}, {}
for i, name in ipairs(ledger.names) do
  local account = ledger.accounts[name]
  rules[i] = { name, account.limit, account.window.ms, account.unit, account.calendar }
end
for i, row in ipairs(rows.all()) do
  local silent = row.heard > 0 and now - row.heard or -1
  members[i] = { row.member, row.generation, row.standing, row.frees,
    rows.counts(row) and 1 or 0, silent, roster.awaits(row) and 1 or 0 }
end
return cmsgpack.pack({ 'survey', ledger.amiss() or '', ledger.is_here() and 1 or 0,
  { ledger.epoch or 0, ledger.run_id or '', ledger.replication_id or '' }, T,
  ledger.open or 0, ledger.awaits_word or 0, ledger.leniency or 0, rules, members })
