--[[
  Records whether an active run is expected to end later than it should, and emits the event of a change, unless another
  process has recorded something meanwhile.

  KEYS     see prelude.lua
  ARGV
    1      when the run should end, epoch ms, as the run has it
    2      what is recorded, '' for nothing: `late|since|turning`, see lateness.ts
    3      what is to be recorded
    4      event, or ''
    5      its data, JSON

  Reply    1 when it was recorded, else 0
]]
local finish_by, before, lateness, event, data = unpack(ARGV)
local status, run_finish_by, recorded = unpack(redis.call('HMGET', RUN, 'status', 'finishBy', 'lateness'))
if (status ~= 'running' and status ~= 'paused') or run_finish_by ~= finish_by or (recorded or '') ~= before then
  return 0
end
redis.call('HSET', RUN, 'lateness', lateness)
if event ~= '' then
  emit(event, data)
end
return 1
