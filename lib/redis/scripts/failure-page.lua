--[[
  Reads a page of failures with their records, in one step: a retry or a new failure comes before or after the page.

  KEYS     see prelude.lua
  ARGV
    1      'newest' or 'oldest': which come first
    2      lowest sequence, as ZRANGEBYSCORE takes it
    3      highest sequence, as ZRANGEBYSCORE takes it
    4      most failures to return

  Reply    { sequence, id and record of each; nil for a record that is missing }
]]
local first, lowest, highest, limit = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local listed
if first == 'newest' then
  listed = redis.call('ZREVRANGEBYSCORE', FAILURE_ORDER, highest, lowest, 'WITHSCORES', 'LIMIT', 0, limit)
else
  listed = redis.call('ZRANGEBYSCORE', FAILURE_ORDER, lowest, highest, 'WITHSCORES', 'LIMIT', 0, limit)
end
local reply = {}
for i = 1, #listed, 2 do
  local id, sequence = listed[i], listed[i + 1]
  reply[#reply + 1] = sequence
  reply[#reply + 1] = id
  reply[#reply + 1] = redis.call('HGET', FAILURES, id)
end
return reply
