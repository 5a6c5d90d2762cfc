--[[
  Counts rows that are done within a range that is still under way, and has the rest stand for the range:
  should its worker die, they are not repeated.

  KEYS     see prelude.lua
  ARGV[1]  index
  ARGV[2]  claims with which it was taken up: a worker that was overtaken counts nothing
  ARGV[3]  rows done since the last time
  ARGV[4]  rows left
  ARGV[5]  payload of the rows left
  ARGV[6]  digest of the payload that it had before

  Sent twice it counts once. Returns 1 when the range is still this worker's, else 0.
]]
local entry = redis.call('HGET', WORK, ARGV[1])
local work = entry and parse(entry)
if not work or work.claims ~= tonumber(ARGV[2]) then
  return 0
end
local left = tonumber(ARGV[4])
if work.rows == left and work.payload == ARGV[5] then
  return 1
end
if redis.sha1hex(work.payload) ~= ARGV[6] then
  return 0
end
local progress = math.max(0, work.rows - left)
work.rows = left
work.payload = ARGV[5]
redis.call('HSET', WORK, ARGV[1], format(work))
redis.call('HINCRBY', RUN, 'rowsDone', ARGV[3])
redis.call('HINCRBY', RUN, 'progress', progress)
return 1
