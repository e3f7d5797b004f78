--[[ The ledger of one contract: its hash, its accounts, and what may be wrong with them.

KEYS[1]  the ledger's hash
           schema
           epoch, run_id, replication_id   its identity, as of its creation or its last loss
           time, high, store_offset, lead, rebased  core/ledger/clocks.py
           open                            0: lost, until every member has restored its row
           opens, awaits_word              from when it may open; 1: not before an operator says so
           vouched                         1: who had left before the loss has not come back
           sound                           0: a script began to write and did not end
           roster                          the version of the roster (roster.lua)
           leniency                        in what all rules shown are laxer than the strictest
           turn, recounted                 recount.lua
           accounts                        their names, msgpack
           calendars                       msgpack: {{its text, ms that a period lasts at most, the
                                             running one's number, begin and end}...}; 0: unknown
ARGV[1]  the key prefix; every other key begins with it and so shares KEYS[1]'s hash tag. They are
         not declared one by one, because no caller knows every member's rows.
ARGV[2]  the schema version that this Governor knows
  <prefix>account:<account>  limit (-1: none), window, unit, calendar, pending, charged,
                             first
  <prefix>ring:<account>     32 bits a bucket, fixed length: charged posts over all rows
No key ever expires: an expired sum would read as room.

A script that fails keeps what it wrote, so every script checks first and then writes between
`begin` and `save`: one that died half-way has left a ledger that nobody believes. ]]

local NONE = -1  -- for a limit or a time; a Lua array cannot hold nil

-- The fields that are not as they were read, each before its value: to compare a number takes far
-- less time than to write it as text.
local function changes(of, fields)
  local found = {}
  for _, field in ipairs(fields) do
    if of[field] ~= of.stored[field] then
      found[#found + 1] = field
      found[#found + 1] = of[field]
    end
  end
  return found
end

local ledger = { stored = {}, prefix = ARGV[1], schema_known = tonumber(ARGV[2]) }
do
  local key, prefix = KEYS[1], ledger.prefix
  local FIELDS = { 'run_id', 'replication_id', 'calendars', 'schema', 'epoch', 'time', 'high',
    'store_offset', 'lead', 'rebased', 'open', 'opens', 'awaits_word', 'vouched', 'sound', 'roster',
    'leniency', 'turn', 'recounted' }
  local STRINGS = 3  -- so many of them
  local info

  -- The window of an account, or the calendar that it counts by: all of one turn together.
  function ledger.window_of(window_ms, calendar)
    if calendar == '' then return window.of(window_ms) end
    local turns = ledger.turns[calendar]
    if not turns then
      turns = { calendar = calendar, ms = window_ms, number = 0, begins = 0, ends = 0 }
      ledger.turns[calendar] = turns
      table.insert(ledger.calendar_names, calendar)
    end
    return window.of(window_ms, turns)
  end

  local function account_of(name, limit, window_ms, unit, calendar)
    return { name = name, key = prefix .. 'account:' .. name, ring = prefix .. 'ring:' .. name,
      limit = limit, window = ledger.window_of(window_ms, calendar), unit = unit,
      calendar = calendar }
  end

  -- Reads an account; nil if its rule is gone. It is whole if its sums are there too.
  local function read_account(name)
    local found = redis.call('HMGET', prefix .. 'account:' .. name, 'limit', 'window', 'pending',
      'charged', 'first', 'unit', 'calendar')
    for i = 1, 5 do found[i] = found[i] and tonumber(found[i]) end
    if not (found[1] and found[2] and found[6]) then return nil end
    if not found[7] and ledger.schema == ledger.schema_known then return nil end
    local account = account_of(name, found[1], found[2], found[6], found[7] or '')
    account.pending, account.charged, account.first = found[3], found[4], found[5]
    account.is_whole = found[3] and found[4] and found[5]
      and redis.call('STRLEN', account.ring) == 4 * account.window.length
    return account
  end

  -- Reads whatever is there of the ledger, and what Redis says of itself.
  function ledger.read()
    local found = redis.call('HMGET', key, 'accounts', unpack(FIELDS))
    local is_whole = found[1]
    for i, field in ipairs(FIELDS) do
      local value = found[i + 1]
      if i > STRINGS then value = value and tonumber(value) end
      ledger[field], ledger.stored[field] = value, value
      is_whole = is_whole and value
    end
    ledger.names, ledger.accounts, ledger.calendar_names, ledger.turns = {}, {}, {}, {}
    for _, each in ipairs(ledger.calendars and cmsgpack.unpack(ledger.calendars) or {}) do
      local calendar, ms, number, begins, ends = unpack(each)
      ledger.turns[calendar] =
        { calendar = calendar, ms = ms, number = number, begins = begins, ends = ends }
      table.insert(ledger.calendar_names, calendar)
    end
    for _, name in ipairs(found[1] and cmsgpack.unpack(found[1]) or {}) do
      local account = read_account(name)
      is_whole = is_whole and account and account.is_whole
      if account then
        table.insert(ledger.names, name)
        ledger.accounts[name] = account
      end
    end
    ledger.is_whole = is_whole and ledger.schema == ledger.schema_known
    info = redis.call('INFO', 'server', 'replication', 'memory')
  end

  -- Looks for a line of INFO as it is: a pattern would take longer than the rest of the script.
  local function says(line) return string.find(info, '\n' .. line .. '\r\n', 1, true) end

  function ledger.is_newer() return ledger.schema and ledger.schema > ledger.schema_known end

  -- Whether it was written by this run of this Redis, and is not a copy or another's.
  function ledger.is_here()
    return says('run_id:' .. (ledger.run_id or ''))
      and says('master_replid:' .. (ledger.replication_id or ''))
  end

  -- The run and the replication history of this Redis.
  function ledger.here()
    return string.match(info, '\nrun_id:(%w+)'), string.match(info, '\nmaster_replid:(%w+)')
  end

  -- Why nothing in it may be believed, if so; an older schema is a loss with all rows kept.
  function ledger.amiss()
    if ledger.is_newer() then return 'schema' end
    if not ledger.is_whole then return 'missing' end
    if not says('maxmemory_policy:noeviction') then return 'evicting' end
    if ledger.sound ~= 1 then return 'miscounted' end
  end

  -- The first write, and the last; what only one of them has done is not to be believed.
  function ledger.begin()
    redis.call('HSET', key, 'sound', 0)
    ledger.schema, ledger.stored.sound = ledger.schema_known, 0
  end
  function ledger.save(sound)
    for _, account in pairs(ledger.accounts) do
      if account.changed then
        redis.call('HSET', account.key, 'limit', account.limit, 'pending', account.pending,
          'charged', account.charged, 'first', account.first)
      end
    end
    local calendars = {}
    for i, calendar in ipairs(ledger.calendar_names) do
      local turns = ledger.turns[calendar]
      calendars[i] = { calendar, turns.ms, turns.number, turns.begins, turns.ends }
    end
    if #calendars > 0 or not ledger.calendars then ledger.calendars = cmsgpack.pack(calendars) end
    ledger.sound = sound
    local names = cmsgpack.pack(ledger.names)
    redis.call('HSET', key, 'accounts', names, unpack(changes(ledger, FIELDS)))
  end

  function ledger.now_ms()
    local clock = redis.call('TIME')
    return clock[1] * 1000 + div(clock[2], 1000)
  end

  -- Makes an account's ring anew, with nothing in it.
  function ledger.empty(account)
    account.pending, account.charged, account.changed = 0, 0, true
    account.first = window.first_counting(account.window, ledger.time)
    redis.call('HSET', account.key, 'window', account.window.ms, 'unit', account.unit,
      'calendar', account.calendar)
    redis.call('DEL', account.ring)
    redis.call('SETRANGE', account.ring, 4 * account.window.length - 1, '\0')
  end

  -- Takes an account as shown: a new one is made, and returned; a known one's limit may only fall.
  function ledger.admit(name, limit, window_ms, unit, calendar)
    local account = ledger.accounts[name]
    if not account then
      account = account_of(name, limit, window_ms, unit, calendar)
      ledger.accounts[name] = account
      table.insert(ledger.names, name)
      ledger.empty(account)
      return account
    end
    if limit ~= NONE and (account.limit == NONE or limit < account.limit) then
      account.limit, account.changed = limit, true
    end
  end
end
