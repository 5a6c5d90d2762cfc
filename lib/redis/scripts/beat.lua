--[[
  Heartbeat of a process with workers for a run. Records a deploy in the same step: the processes that the run was worked on
  by are replaced, or the first one with another version of the handler works on it.

  KEYS     see prelude.lua
    7      heartbeats of the processes with workers: process id -> epoch ms
  ARGV
    1      id of the process
    2      epoch ms
    3      version of its handler, or '' for none

  The run keeps the generation of processes that works on it as JSON: `ids` of those that joined within a minute of `since`,
  `past` has those of an earlier generation that may still be alive during a rolling deploy.

  Reply    1 when this heartbeat has recorded a deploy, else 0
]]
local WORKERS = KEYS[7]
local process_id, beat_at, version = ARGV[1], ARGV[2], ARGV[3]
local JOINING_MS = 60000
-- A run that was resumed just now has no heartbeats of those that worked on it before.
local REJOINING_MS = 10000
redis.call('HSET', WORKERS, process_id, beat_at)
local status, stored = unpack(redis.call('HMGET', RUN, 'status', 'workedBy'))
if status ~= 'running' then
  return 0
end
local now = now_ms()
local is_json, known = pcall(cjson.decode, stored or '')
known = is_json and type(known) == 'table' and type(known.ids) == 'table' and known or nil

local function has(list, id)
  for _, each in ipairs(list or {}) do
    if each == id then
      return true
    end
  end
  return false
end

local function store(generation)
  generation.version = version
  redis.call('HSET', RUN, 'workedBy', cjson.encode(generation))
end

if not known then
  store({ since = now, ids = { process_id }, past = {} })
  return 0
end
if has(known.ids, process_id) then
  return 0
end
local alive = alive_processes(WORKERS, now)
local is_left = false
for _, id in ipairs(alive) do
  is_left = is_left or has(known.ids, id)
end
local is_newer = version ~= known.version and not has(known.past, process_id)
local is_replaced = not is_left and now - running_since() >= REJOINING_MS
if not is_newer and not is_replaced then
  if is_left and version == known.version and now - known.since <= JOINING_MS then
    known.ids[#known.ids + 1] = process_id
    store(known)
  end
  return 0
end
local past = {}
for _, id in ipairs(alive) do
  if is_newer and id ~= process_id then
    past[#past + 1] = id
  end
end
store({ since = now, ids = is_newer and { process_id } or alive, past = past })
emit('deployed', cjson.encode({
  version = text_or_null(version), from = text_or_null(known.version), processes = #alive,
}))
return 1
