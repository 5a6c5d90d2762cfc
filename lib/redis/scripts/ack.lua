--[[
  Acknowledges finished ranges. Each counts once: the step that removes its entry counts it.

  KEYS     see prelude.lua
  ARGV
    1      ms between two `rangeCompleted` events
    2...   of each range: index, rows done ('planned': as many as it was planned with; '6|4': 6 rows, and 4 are
           missing; '6|4|2': and 2 were given to the handler again), SHA-1 of its payload, name of its partition.
           A range whose payload is another by now is not counted: it was split, or Redis lost data in a crash and
           gave its index to another range.
    last   version of the handler, see `is_held_for_version`: after the run has adopted another, nothing is counted,
           and the ranges are processed again

  Reply    { ranges counted, 1 when the next cycle should come at once, else 0, status of the run }
]]
local handler = table.remove(ARGV)
local progress_every_ms = tonumber(ARGV[1])
if is_held_for_version(handler) then
  return { 0, 0, redis.call('HGET', RUN, 'status') or '' }
end
local counted, rows_done, rows_missing, rows_rechecked, progress = 0, 0, 0, 0, {}
local last_index
for i = 2, #ARGV, 4 do
  local index, rows, digest, partition = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  last_index = index
  local text = redis.call('HGET', WORK, index)
  local entry = text and parse_entry(text)
  if entry and redis.sha1hex(entry.payload) == digest then
    redis.call('HDEL', WORK, index)
    counted = counted + 1
    progress[partition] = (progress[partition] or 0) + entry.rows
    local done, missing, rechecked = string.match(rows, '^(%d+)|(%d+)|?(%d*)$')
    rows_done = rows_done + (rows == 'planned' and entry.rows or tonumber(done or rows))
    rows_missing = rows_missing + (tonumber(missing or '') or 0)
    rows_rechecked = rows_rechecked + (tonumber(rechecked or '') or 0)
  end
end
if counted == 0 then
  return { 0, 0, redis.call('HGET', RUN, 'status') or '' }
end
local done = redis.call('HINCRBY', RUN, 'done', counted)
redis.call('HINCRBY', RUN, 'rowsDone', rows_done)
for partition, rows in pairs(progress) do
  count_progress(rows, partition)
end
count_missing(rows_missing)
count_rechecked(rows_rechecked)

local now = now_ms()
record_activity(now)
local last_progress = tonumber(redis.call('HGET', RUN, 'lastProgress') or '') or 0
if now - last_progress >= progress_every_ms then
  redis.call('HSET', RUN, 'lastProgress', now)
  emit('rangeCompleted', cjson.encode({ done = done, index = tonumber(last_index) }))
end
return { counted, low_water(), finish_if_drained() }
