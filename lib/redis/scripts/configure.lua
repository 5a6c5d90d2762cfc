--[[
  Sets config values of a backfill.

  KEYS     see prelude.lua; KEYS[1] is the active run or a key that does not exist
  KEYS[7]  config  hash: field -> JSON, and `_version`
  ARGV[1]  name of the backfill
  ARGV[2]  version that the change was made from, or empty for any
  ARGV[3]  data of the event, JSON
  ARGV[4..] field and value of each change

  Returns { 1 when set, version now }
]]
local version = redis.call('HGET', KEYS[7], '_version') or '0'
if ARGV[2] ~= '' and ARGV[2] ~= version then
  return { 0, version }
end
if #ARGV > 3 then
  redis.call('HSET', KEYS[7], unpack(ARGV, 4))
end
version = redis.call('HINCRBY', KEYS[7], '_version', 1)
-- A cycle under way has read the config already: by this it sees at its end that it has to come again.
if redis.call('EXISTS', RUN) == 1 then
  redis.call('HSET', RUN, 'configVersion', version)
end
emit_for(ARGV[1], redis.call('HGET', RUN, 'id') or '', 'configured', ARGV[3])
return { 1, tostring(version) }
