--[[
  Sets limits of the budget of a context.

  KEYS     see prelude.lua; of 1 to 6 only the stream of the events is used
    7      budget hash: limit -> number or `null`, and `_version`
  ARGV
    1      version that the change was made from
    2      data of the `budgetConfigured` event, JSON
    3...   field and value of each change

  Reply    { 1 when the limits were set, else 0, version now }
]]
local BUDGET = KEYS[7]
local expected_version, event_data = ARGV[1], ARGV[2]
local version = redis.call('HGET', BUDGET, '_version') or '0'
if expected_version ~= version then
  return { 0, version }
end
if #ARGV > 2 then
  redis.call('HSET', BUDGET, unpack(ARGV, 3))
end
version = redis.call('HINCRBY', BUDGET, '_version', 1)
emit_for('*', '', 'budgetConfigured', event_data)
return { 1, tostring(version) }
