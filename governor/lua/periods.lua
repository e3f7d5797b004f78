--[[ What is counted by calendar: core/ledger/periods.py says how, and why it is enough.

Of each calendar `ledger.turns` has the running period (`number`, 0 if nobody told of one; `begins`
and `ends`), and after `look` when it turns (`at`, ledger time) and into which periods charges go
(`charges`, `lingers`; `lost`, of the dead). A period is told as {number, begins, ends}. ]]

local periods = {}
do
  local SHOWN_MS = 10000  -- whoever was not heard for so long shows no date
  local FENCED_MS = 61000  -- of silence: who lives has closed all connections
  local LONG_AGO_MS = 32 * 86400000  -- from the store's: it was heard when ledger time stood still

  -- The slowest and the fastest date: the store's, one member's (0: none), and those of others.
  function periods.shown(member, store_ms, date_ms)
    local slowest, fastest = store_ms, store_ms
    local function show(at_ms)
      slowest, fastest = math.min(slowest, at_ms), math.max(fastest, at_ms)
    end
    if date_ms > 0 then show(date_ms) end
    for _, row in ipairs(rows.all()) do
      local silent_ms = ledger.time - row.heard
      local shows_ms = row.date + silent_ms
      if row.member ~= member and rows.counts(row) and row.standing == rows.ACTIVE
        and row.date > 0 and silent_ms < SHOWN_MS
        and math.abs(shows_ms - store_ms) <= LONG_AGO_MS then show(shows_ms) end
    end
    return slowest, fastest
  end

  -- Goes on from a period that is told, if it is later.
  function periods.resume(turns, told)
    if told and told[1] > turns.number then
      turns.number, turns.begins, turns.ends = unpack(told)
    end
  end

  -- Each calendar as a message finds it; `told`, from a journal, counts where one resumes.
  function periods.going_on(told)
    local found = {}
    for calendar, turns in pairs(ledger.turns) do
      found[calendar] = { number = turns.number, begins = turns.begins, ends = turns.ends }
    end
    for _, each in ipairs(told or {}) do
      if found[each[1]] then periods.resume(found[each[1]], each[2]) end
    end
    return found
  end

  -- Whether a period cannot be of the calendar whose running one is known.
  function periods.disagree(turns, told)
    local number, begins, ends = unpack(told)
    if turns.number == 0 then return false end
    if number > turns.number then
      return begins < turns.ends or number == turns.number + 1 and begins > turns.ends
    elseif number < turns.number then
      return ends > turns.begins or number == turns.number - 1 and ends < turns.begins
    end
    return begins ~= turns.begins or ends ~= turns.ends
  end

  -- Whether a sender's date and the two periods that it names can be those of this ledger.
  function periods.agree(turns, going_on, named, date_ms, store_ms)
    local before, running = named[2], named[3]
    if before[1] >= running[1] or before[3] ~= running[2] then return false end
    if date_ms < running[2] or date_ms >= running[3] then return false end
    if not turns then return true end
    if math.abs(date_ms - store_ms) > div(turns.ms, 4) then return false end
    return not (periods.disagree(going_on, before) or periods.disagree(going_on, running))
  end

  -- The period of a date, or a later one: where none is named, as if all were short.
  local function number_at(turns, date_ms, named)
    local number = turns.number
    local function reach(at, begins, ends)
      if date_ms >= ends then
        number = math.max(number, at + 1)
      elseif date_ms >= begins then
        number = math.max(number, at)
      end
    end
    if turns.number > 0 then reach(turns.number, turns.begins, turns.ends) end
    if named then
      reach(unpack(named[2]))
      reach(unpack(named[3]))
    elseif turns.number > 0 and date_ms >= turns.ends then
      number = number + div(date_ms - turns.ends, div(turns.ms * 7, 8))
    end
    return number
  end

  -- Lets later periods run that have begun by every date.
  function periods.turn(turns, slowest, named)
    local pad_ms = window.of(turns.ms).pad_ms
    for i = 2, 3 do
      local unknown = turns.number == 0 and ledger.open == 1
      if unknown or slowest >= named[i][2] + pad_ms then periods.resume(turns, named[i]) end
    end
  end

  -- Finds out when the running period turns, and into which charges go.
  function periods.look(turns, slowest, fastest, named)
    local w = window.of(turns.ms)
    turns.at = ledger.time
    if turns.number > 0 then
      turns.at = turns.at + math.max(0, turns.ends + w.pad_ms - slowest)
    end
    turns.charges = number_at(turns, fastest + w.pad_ms, named)
    turns.lingers = number_at(turns, fastest + w.pad_ms + w.linger_ms, named)
    turns.lost = number_at(turns, fastest + w.pad_ms + w.linger_ms + FENCED_MS, named)
  end

  -- Whether a period is known, and what is charged now has a place of its own in a ring.
  function periods.has_place(turns)
    return turns.number > 0 and window.in_ring(window.of(turns.ms, turns), turns.lost, 0)
  end

  -- How the calendars stand, as a reply says it.
  function periods.dated()
    local found = {}
    for _, calendar in ipairs(ledger.calendar_names) do
      local turns = ledger.turns[calendar]
      if turns.number > 0 then
        table.insert(found, { calendar, { turns.number, turns.begins, turns.ends },
          turns.charges, turns.lingers })
      end
    end
    return found
  end
end
