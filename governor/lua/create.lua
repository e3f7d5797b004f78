--[[ Create the ledger of one contract, or join the one that is there; only `governor init` does.

KEYS[1]  the ledger (see converse.lua)
ARGV[1]  the key prefix, with KEYS[1]'s hash tag
ARGV[2]  the schema version that this Governor writes
ARGV[3]  accounts, msgpack: {name, limit or -1, window in ms, length of its ring in buckets}
returns  msgpack: {schema, epoch, run_id, replication_id, ledger time in ms, {accounts now new}};
         {0} if the ledger is gone but rows of it are left: a loss, and none of ours to undo

It must be one script: of two governors that initialise at once, one creates and the other joins.
Run twice it changes nothing. Time begins at Redis TIME; from then on it is the ledger's own. The
epoch begins there too and not at 1: a ledger created anew in the same Redis must be another one
to every governor that knew the one before. ]]

local ledger_key, prefix, schema = KEYS[1], ARGV[1], tonumber(ARGV[2])
local clock = redis.call('TIME')
local now_ms = clock[1] * 1000 + math.floor(clock[2] / 1000)
local found, epoch, run_id, replication_id, time_ms, names = unpack(redis.call('HMGET', ledger_key,
  'schema', 'epoch', 'run_id', 'replication_id', 'time', 'accounts'))

if found and tonumber(found) > schema then
  return cmsgpack.pack({ tonumber(found), 0, '', '', 0, {} })
end
local is_whole = epoch and run_id and replication_id and time_ms and names
if found and not is_whole then return cmsgpack.pack({ 0 }) end
if not found and redis.call('EXISTS', prefix .. 'members') == 1 then
  return cmsgpack.pack({ 0 })
end
if not found then
  local info = redis.call('INFO', 'server', 'replication')
  run_id = string.match(info, '\nrun_id:(%w+)')
  replication_id = string.match(info, '\nmaster_replid:(%w+)')
  epoch, time_ms, names = now_ms, now_ms, cmsgpack.pack({})
  redis.call('HSET', ledger_key, 'schema', schema, 'epoch', epoch, 'run_id', run_id,
    'replication_id', replication_id, 'time', now_ms, 'high', now_ms, 'store_offset', 0,
    'open', 1, 'turn', 0, 'recounted', now_ms)
end

names = cmsgpack.unpack(names)
local known, added = {}, {}
for _, name in ipairs(names) do known[name] = true end
for _, account in ipairs(cmsgpack.unpack(ARGV[3])) do
  local name, limit, window_ms, length = unpack(account)
  if not known[name] then
    redis.call('DEL', prefix .. 'ring:' .. name)
    redis.call('SETRANGE', prefix .. 'ring:' .. name, 4 * length - 1, '\0')
    redis.call('HSET', prefix .. 'account:' .. name, 'limit', limit, 'window', window_ms,
      'pending', 0, 'charged', 0, 'first', 0)
    known[name] = true
    table.insert(names, name)
    table.insert(added, name)
  end
end
redis.call('HSET', ledger_key, 'accounts', cmsgpack.pack(names))
return cmsgpack.pack({ schema, tonumber(epoch), run_id, replication_id, tonumber(time_ms), added })
