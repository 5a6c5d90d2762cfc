--[[
  Adds rows to the sample of a run. Each row has a random number, which is the same whenever its range is processed
  again, and those with the smallest numbers are kept: each row is kept with the same probability, in whatever order
  and however often the ranges come.

  KEYS     see prelude.lua
    7      sorted set of the rows of the sample: row, JSON, scored by its random number
  ARGV
    1      most rows to keep
    2...   number and row of each

  Reply    the largest number that can still be kept; nil while fewer rows are kept
]]
local SAMPLE = KEYS[7]
local size = tonumber(ARGV[1])
if redis.call('HEXISTS', RUN, 'status') == 0 then
  return false
end
for i = 2, #ARGV, 2 do
  redis.call('ZADD', SAMPLE, ARGV[i], ARGV[i + 1])
end
local kept = redis.call('ZCARD', SAMPLE)
if kept > size then
  redis.call('ZREMRANGEBYRANK', SAMPLE, size, -1)
end
if kept < size then
  return false
end
return redis.call('ZRANGE', SAMPLE, size - 1, size - 1, 'WITHSCORES')[2]
