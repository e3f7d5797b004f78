--[[ The asks of one message, in order: each is granted on all of its accounts or on none.

A grant is {1 if granted, the account that refuses, when it fits or NONE, 1 if never}. ]]

local grants = {}
do
  local NOT_NOW = { 0, '', NONE, 0 }

  local function shortage(account, posts)
    if account.limit == NONE then return -posts end
    return account.charged + account.pending + posts + (account.ahead or 0) - account.limit
  end

  local function grant_of(parts)
    for _, part in ipairs(parts) do
      local limit = ledger.accounts[part[1]].limit
      if limit ~= NONE and part[2] > limit then return { 0, part[1], NONE, 1 } end
    end
    local latest
    for _, part in ipairs(parts) do
      local account = ledger.accounts[part[1]]
      local short = shortage(account, part[2])
      if short > 0 then
        local retry_at = ring.frees_ms(account, short)
        if retry_at == NONE then return { 0, part[1], NONE, 0 } end
        if not latest or retry_at > latest[3] then latest = { 0, part[1], retry_at, 0 } end
      end
    end
    return latest or { 1, '', NONE, 0 }
  end

  local function hold(row, name, posts)
    local account, value = ledger.accounts[name], rows.value(row, name)
    account.pending, account.changed = account.pending + posts, true
    row.values[name] = { value[1] + posts, value[2], value[3] }
  end

  -- Keeps a refused ask's place before those that come after it, as long as it may wait.
  local function promise(parts)
    for _, part in ipairs(parts) do
      local account = ledger.accounts[part[1]]
      if shortage(account, part[2]) > 0 then account.ahead = (account.ahead or 0) + part[2] end
    end
  end

  function grants.decide(asks, row)
    local decided = {}
    local may = ledger.open == 1 and roster.all_know(row)
    for _, ask in ipairs(asks) do
      local patience_ms, parts = ask[1], ask[2]
      local grant = may and grant_of(parts) or NOT_NOW
      if grant[1] == 1 then
        for _, part in ipairs(parts) do hold(row, part[1], part[2]) end
      elseif grant[4] == 0 and patience_ms > 0 and grant[3] <= ledger.time + patience_ms then
        promise(parts)
      end
      table.insert(decided, grant)
    end
    return decided
  end
end
