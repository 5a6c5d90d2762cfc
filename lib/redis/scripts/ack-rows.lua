--[[
  Acknowledges rows of a range that is still being processed: the entry keeps only the rows that are left, so
  that the others are not repeated if the worker dies.

  KEYS     see prelude.lua
  ARGV
    1      index
    2      claims of the entry when this worker claimed it (fencing token)
    3      rows done since the last acknowledgement
    4      rows left
    5      payload of the rows left
    6      SHA-1 of the payload before
    7      rows that are given to the handler again because others wrote them
    8      name of the partition
    last   version of the handler, see `is_held_for_version`

  Counts once when sent twice.

  Reply    1 when the range still belongs to this worker, else 0
]]
local handler = table.remove(ARGV)
local index, claims, rows_done, rows_left = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local payload_left, digest_before = ARGV[5], ARGV[6]
local text = redis.call('HGET', WORK, index)
local entry = text and parse_entry(text)
if not entry or entry.claims ~= claims or is_held_for_version(handler) then
  return 0
end
if entry.rows == rows_left and entry.payload == payload_left then
  return 1
end
if redis.sha1hex(entry.payload) ~= digest_before then
  return 0
end
local progress = math.max(0, entry.rows - rows_left)
entry.rows = rows_left
entry.payload = payload_left
redis.call('HSET', WORK, index, format_entry(entry))
redis.call('HINCRBY', RUN, 'rowsDone', rows_done)
count_progress(progress, ARGV[8])
record_activity()
count_rechecked(tonumber(ARGV[7]))
return 1
