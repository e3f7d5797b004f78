--[[ Ledger time: core/ledger/clocks.py. T (`ledger.time`) frees, H (`ledger.high`) stamps. ]]

local clocks = {}
do
  local LONGEST_UNHEARD_MS = 2000  -- twice a heartbeat: nobody who lives is silent for longer

  -- After a loss time goes on from the highest journaled; the store's clock rises with it.
  function clocks.resume(time_ms, high_ms)
    local rise_ms = math.max(0, time_ms - ledger.time)
    ledger.time, ledger.high = ledger.time + rise_ms, math.max(ledger.high, high_ms)
    ledger.opens, ledger.store_offset = ledger.opens + rise_ms, ledger.store_offset - rise_ms
  end

  -- Reads the store's clock and a member's boot clock; says which were stepped, and the first.
  function clocks.read(row, boot_ms)
    local tolerance_ms = window.LONGEST_TOLERANCE_MS
    for _, account in pairs(ledger.accounts) do
      tolerance_ms = math.min(tolerance_ms, account.window.tolerance_ms)
    end
    local store_ms, T, stepped = ledger.now_ms(), ledger.time, {}
    -- A clock last read before the store's was re-based must not bring back the time lost then.
    local late = row.clock ~= ledger.rebased and row.boot_offset
    if late and boot_ms - row.boot_offset > T + LONGEST_UNHEARD_MS then row.boot_offset = nil end
    row.clock = ledger.rebased
    row.boot_offset = row.boot_offset or boot_ms - T
    local store, boot = store_ms - ledger.store_offset, boot_ms - row.boot_offset
    local store_stepped, boot_stepped = store < T - tolerance_ms, boot < T - tolerance_ms
    if store_stepped then store = T end
    if boot_stepped then boot = T end
    local slowest, lead = math.min(store, boot), ledger.lead
    T = math.max(T, slowest)
    if store_stepped or store > slowest + tolerance_ms then
      ledger.store_offset, store, lead = store_ms - T, T, tolerance_ms
      ledger.rebased = ledger.rebased + 1
      table.insert(stepped, 'store')
    end
    if boot > slowest + tolerance_ms then lead = tolerance_ms end
    if boot_stepped or boot > slowest + tolerance_ms then
      row.boot_offset, boot = boot_ms - T, T
      table.insert(stepped, 'boot')
    end
    ledger.lead = math.max(lead, boot - store)
    ledger.time, ledger.high = T, math.max(ledger.high, T, store + ledger.lead)
    return stepped, store_ms
  end
end
