--[[
  Counts finished ranges, each once: whoever takes the entry away counts it.

  KEYS     see prelude.lua
  ARGV[1]  ms that must lie between two events of progress
  ARGV[2..] index and rows done of each range; -1 rows: the rows it was planned with

  Returns { ranges counted, 1 when the next cycle should come at once, status now }
]]
local counted, rows_done, progress = 0, 0, 0
for i = 2, #ARGV, 2 do
  local entry = redis.call('HGET', WORK, ARGV[i])
  if entry then
    redis.call('HDEL', WORK, ARGV[i])
    local planned = parse(entry).rows
    local rows = tonumber(ARGV[i + 1])
    -- Rows that another worker has acknowledged in the meantime are counted already.
    if string.sub(parse(entry).payload, 1, 1) == '{' then
      rows = math.min(rows, planned)
    end
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
  emit('rangeCompleted', cjson.encode({ done = done, index = tonumber(ARGV[#ARGV - 1]) }))
end
return { counted, low_water(), finish_if_drained() }
