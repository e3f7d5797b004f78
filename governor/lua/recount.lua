--[[ Assertions stay on: the accounts whose turn it is are recounted from the rows (invariant 12).

It reads the rows as they are stored, the speaking member's too. ]]

local recount = {}
do
  local EVERY_MS = 30000  -- every account's turn comes within this and a heartbeat: twice a minute

  local function adds_up(account, all)
    local first = window.first_counting(account.window, ledger.time)
    local pending, charged = 0, 0
    for _, row in ipairs(all) do
      if rows.counts(row) then
        pending = pending + rows.value(row, account.name)[1]
        rows.each_bucket(row, account.name, function(bucket, posts)
          if bucket >= first then charged = charged + posts end
        end)
        rows.prune(row, account)
      end
    end
    return pending == account.pending and charged == account.charged
  end

  -- Whether all that was recounted adds up. Members that are long gone are forgotten on the way.
  function recount.adds_up()
    local names = ledger.names
    local due = math.min(#names, div((ledger.time - ledger.recounted) * #names, EVERY_MS))
    if due == 0 then return true end
    ledger.recounted = ledger.time
    local all, sound = rows.all(), true
    while due > 0 and sound do
      ledger.turn, due = ledger.turn + 1, due - 1
      sound = adds_up(ledger.accounts[names[ledger.turn % #names + 1]], all)
    end
    if ledger.open == 1 then roster.forget_idle(all) end
    return sound
  end
end
