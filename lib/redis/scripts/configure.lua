--[[
  Sets values of the config of a backfill.

  KEYS     see prelude.lua; KEYS[1] is the active run, or a key that does not exist
    7      config hash: field -> JSON, and `_version`
  ARGV
    1      name of the backfill
    2      version that the change was made from, or '' for any
    3      data of the `configured` event, JSON
    4      the config in force with the change, JSON, or '' where it is not known
    5...   field and value of each change; an empty value removes the field

  Reply    { 1 when the values were set, else 0, version now }
]]
local CONFIG = KEYS[7]
local name, expected_version, event_data, in_force = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local version = redis.call('HGET', CONFIG, '_version') or '0'
if expected_version ~= '' and expected_version ~= version then
  return { 0, version }
end
for i = 5, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    redis.call('HDEL', CONFIG, ARGV[i])
  else
    redis.call('HSET', CONFIG, ARGV[i], ARGV[i + 1])
  end
end
version = redis.call('HINCRBY', CONFIG, '_version', 1)
-- A cycle that read the config before compares this version at its end, and the next cycle then comes at once.
if redis.call('EXISTS', RUN) == 1 then
  redis.call('HSET', RUN, 'configVersion', version)
  if in_force ~= '' then
    redis.call('HSET', RUN, 'config', in_force)
  end
  forget_initial_failures()
end
emit_for(name, redis.call('HGET', RUN, 'id') or '', 'configured', event_data)
return { 1, tostring(version) }
