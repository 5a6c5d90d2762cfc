--[[
  Takes planned ranges into the run and moves the cursor, in one step. Refused when another planner was
  faster, so that two schedulers cannot plan the same ranges, nor leave any out: after a crash of Redis two
  may know the same sequence and not the same cursor.

  KEYS     see prelude.lua
  ARGV[1]  sequence of the cursors that the plan was made from
  ARGV[2]  field of the cursor that moves
  ARGV[3]  cursor from here on, JSON
  ARGV[4]  1 when the whole source is planned, else 0
  ARGV[5]  fields that say which partitions are planned, JSON
  ARGV[6]  ranges that share a job
  ARGV[7]  cursor that the plan was made from, JSON
  ARGV[8..] rows and payload of each range

  Returns { 'reserved', index of the first, status now } | { 'stale', sequence now } | { 'stopped', status }
]]
local run = redis.call('HMGET', RUN, 'status', 'seq', 'next')
if run[1] ~= 'running' then
  return { 'stopped', run[1] or '' }
end
if run[2] ~= ARGV[1] or (redis.call('HGET', RUN, ARGV[2]) or 'null') ~= ARGV[7] then
  return { 'stale', run[2] }
end

local first, share = tonumber(run[3]), tonumber(ARGV[6])
local count = (#ARGV - 7) / 2
for i = 0, count - 1 do
  local start = i - i % share
  local job = string.format('%dx%d', first + start, math.min(share, count - start))
  redis.call('HSET', WORK, first + i,
    '0|0|0|0|' .. job .. '|' .. ARGV[8 + 2 * i] .. '|' .. ARGV[9 + 2 * i])
end
redis.call('HSET', RUN, 'seq', ARGV[1] + 1, 'next', first + count, ARGV[2], ARGV[3],
  'exhausted', ARGV[4], 'partitionsDone', ARGV[5])
redis.call('HINCRBY', RUN, 'planned', count)
return { 'reserved', first, finish_if_drained() }
