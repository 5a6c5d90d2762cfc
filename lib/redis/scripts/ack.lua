--[[
  Counts finished ranges, each once: whoever takes the entry away counts it.

  KEYS     see prelude.lua
  ARGV[1]  ms that must lie between two events of progress
  ARGV[2..] index, rows done and digest of the payload of each range; -1 rows: the rows it was planned with

  One that is not what its worker was given any more (it was halved, or a crash of Redis gave its number to
  another) stays.

  Returns { ranges counted, 1 when the next cycle should come at once, status now }
]]
local counted, rows_done, progress = 0, 0, 0
for i = 2, #ARGV, 3 do
  local entry = redis.call('HGET', WORK, ARGV[i])
  local work = entry and parse(entry)
  if work and redis.sha1hex(work.payload) == ARGV[i + 2] then
    redis.call('HDEL', WORK, ARGV[i])
    local planned = work.rows
    local rows = tonumber(ARGV[i + 1])
    counted = counted + 1
    progress = progress + planned
    rows_done = rows_done + (rows < 0 and planned or rows)
  end
end
if counted == 0 then
  return { 0, 0, redis.call('HGET', RUN, 'status') or '' }
end
local done = redis.call('HINCRBY', RUN, 'done', counted)
redis.call('HINCRBY', RUN, 'rowsDone', rows_done)
redis.call('HINCRBY', RUN, 'progress', progress)

local now = millis()
if now - (tonumber(redis.call('HGET', RUN, 'lastProgress') or '') or 0) >= tonumber(ARGV[1]) then
  redis.call('HSET', RUN, 'lastProgress', now)
  emit('rangeCompleted', cjson.encode({ done = done, index = tonumber(ARGV[#ARGV - 2]) }))
end
return { counted, low_water(), finish_if_drained() }
