--[[ Create the ledger of one contract, or join the one that is there; only `governor init` does.

KEYS[1]  the ledger, and every other key: see converse.lua
ARGV[1]  the key prefix, with KEYS[1]'s hash tag
ARGV[2]  the schema version that this Governor writes
ARGV[3]  msgpack: {member, {account...}}, an account being {name, limit or -1, window in ms, length
         of its ring in buckets, posts that it begins with in a ledger made now, and in one that
         was there}
returns  msgpack: {schema, epoch, run_id, replication_id, ledger time in ms, {accounts now new},
         {of each account shown, in order: the posts that this member's row was ever charged}};
         {0} if the ledger is gone but rows of it are left: a loss, and none of ours to undo

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

local ledger_key, prefix, schema = KEYS[1], ARGV[1], tonumber(ARGV[2])
local member, shown = unpack(cmsgpack.unpack(ARGV[3]))
local clock = redis.call('TIME')
local now_ms = clock[1] * 1000 + math.floor(clock[2] / 1000)
local found, epoch, run_id, replication_id, time_ms, names = unpack(redis.call('HMGET', ledger_key,
  'schema', 'epoch', 'run_id', 'replication_id', 'time', 'accounts'))

if found and tonumber(found) > schema then
  return cmsgpack.pack({ tonumber(found), 0, '', '', 0, {}, {} })
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

local row_key = prefix .. 'row:' .. member
local function hold(name, posts)
  redis.call('HSET', prefix .. 'account:' .. name, 'pending', posts)
  redis.call('SADD', prefix .. 'members', member)
  redis.call('HSETNX', row_key, 'generation', 0)
  redis.call('HSETNX', row_key, 'seq', 0)
  redis.call('HSET', row_key, 'value:' .. name, cmsgpack.pack({ posts, posts, 0 }))
end

names = cmsgpack.unpack(names)
local known, added, charged = {}, {}, {}
for _, name in ipairs(names) do known[name] = true end
for _, account in ipairs(shown) do
  local name, limit, window_ms, length, made, joined = unpack(account)
  if not known[name] then
    redis.call('DEL', prefix .. 'ring:' .. name)
    redis.call('SETRANGE', prefix .. 'ring:' .. name, 4 * length - 1, '\0')
    redis.call('HSET', prefix .. 'account:' .. name, 'limit', limit, 'window', window_ms,
      'pending', 0, 'charged', 0, 'first', 0)
    local posts = found and joined or made
    if posts > 0 then hold(name, posts) end
    known[name] = true
    table.insert(names, name)
    table.insert(added, name)
  end
  local value = redis.call('HGET', row_key, 'value:' .. name)
  table.insert(charged, value and cmsgpack.unpack(value)[2] or 0)
end
redis.call('HSET', ledger_key, 'accounts', cmsgpack.pack(names))
return cmsgpack.pack({ schema, tonumber(epoch), run_id, replication_id, tonumber(time_ms), added,
  charged })
