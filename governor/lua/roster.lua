--[[ Who must have spoken before what: core/ledger/members.py and opening.py.

An entry is {member, generation, standing, frees}. Every change makes a new version, so that a
member which has journaled a version has journaled everybody who joined up to it. ]]

local roster = {}
do
  local HEARD_MS = 10000  -- a member not heard from for so long is not waited for by one that joins

  function roster.changed() ledger.roster = ledger.roster + 1 end

  function roster.entries()
    local entries = rows.all()
    for i, row in ipairs(entries) do
      entries[i] = { row.member, row.generation, row.standing, row.frees }
    end
    return entries
  end

  -- Whether a report of a member is later than its row.
  local function is_newer(generation, standing, row)
    return generation > row.generation
      or generation == row.generation and standing > row.standing
  end

  -- Learns of members from a journal. Of a row that is older than the report nothing is believed: a
  -- later start of that member has written since.
  function roster.meet(entries, speaker)
    local changed = false
    for _, entry in ipairs(entries) do
      local member, generation, standing, frees = unpack(entry)
      local row = rows.read(member)
      local newer = is_newer(generation, standing, row)
      if member ~= speaker and (newer or not rows.is_there(member)) then
        if rows.counts(row) then rows.count(row, -1) end
        if generation > row.generation then row.seq = 0 end
        if newer then row.generation, row.standing, row.frees = generation, standing, frees end
        row.epoch, row.final = 0, 0
        rows.enrol(row)
        rows.save(row)
        changed = true
      end
    end
    if changed then roster.changed() end
  end

  -- Whether a member may have its first grant: until all who live have journaled that it joined, a
  -- loss could leave nobody who knows that it must restore. Generation 0 is a row of create.lua,
  -- and no process speaks for it.
  function roster.all_know(row)
    if row.joined == 0 then return true end
    for _, other in ipairs(rows.all()) do
      if other.member ~= row.member and rows.counts(other) and other.standing == rows.ACTIVE
        and other.generation > 0 and ledger.time - other.heard < HEARD_MS
        and other.roster < row.joined then return false end
    end
    row.joined = 0
    return true
  end

  -- Whether a member is known not to have come back: the dead cannot, and for one that has left
  -- somebody must vouch.
  local function is_gone(row)
    return row.standing == rows.RETIRED or row.standing == rows.LEFT and ledger.vouched == 1
  end

  local function is_free(row) return is_gone(row) and row.frees <= ledger.time end

  -- Whether what is left of a row can stand for its member: it is all that it ever charged.
  function roster.speaks(row) return row.final == 1 and is_gone(row) and rows.fits(row) end

  -- Whether a closed ledger waits for a member: not if nothing of it counts any more, or if what is
  -- left of its row can stand for it.
  function roster.awaits(row)
    return not rows.counts(row) and not is_free(row) and not roster.speaks(row)
  end

  -- Of a closed ledger: the rows that do not count, and the members of those that it waits for. It
  -- does not for who has left, or died, and is either free or has its last word here.
  local function left_over(speaker)
    local left, awaiting = {}, {}
    for _, row in ipairs(rows.all()) do
      if row.member ~= speaker and not rows.counts(row) then
        table.insert(left, row)
        if roster.awaits(row) then table.insert(awaiting, row.member) end
      end
    end
    return left, awaiting
  end

  -- Opens a closed ledger if it may; last words count again. Returns whom it still waits for.
  function roster.reopen(speaker)
    local left, awaiting = left_over(speaker)
    if ledger.awaits_word == 1 or ledger.time < ledger.opens or #awaiting > 0 then
      return awaiting
    end
    for _, row in ipairs(left) do
      if is_free(row) then
        rows.drop(row)
        roster.changed()
      else
        rows.adopt(row)
        rows.save(row)
      end
    end
    ledger.open = 1
    return {}
  end

  -- Forgets members long not heard from that hold nothing and were charged nothing.
  function roster.forget_idle(all)
    local kept_ms, dropped = 0, false
    for _, account in pairs(ledger.accounts) do
      kept_ms = math.max(kept_ms, account.window.kept_ms)
    end
    for _, row in ipairs(all) do
      local is_idle = row.heard < ledger.time - kept_ms
      if is_idle and not rows.is_pending(row) and not rows.is_kept(row) then
        rows.drop(row)
        dropped = true
      end
    end
    if dropped then roster.changed() end
  end
end
