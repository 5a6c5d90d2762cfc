--[[
  Holds all runs: none of them starts, plans or verifies anything before the hold is released or reaches its end. A hold that
  is in force gets the new end, name and reason, and keeps its beginning.

  KEYS     see prelude.lua
  ARGV
    1      by whom, or ''
    2      reason
    3      epoch ms of its end, or ''

  Reply    { 'held' | 'already' | 'past', JSON of the hold in force or '' }
           'already'  the same hold is in force
           'past'     the end is not in the future, by the clock of Redis: nothing was changed
]]
allow_writes_without_memory()
local by, reason, ends = ARGV[1], ARGV[2], ARGV[3]
local now = now_ms()
expire_global_hold(now)
local before = global_hold(now)
if ends ~= '' and tonumber(ends) <= now then
  return { 'past', global_hold_json(before) }
end
if before and before.by == by and before.reason == reason and before.ends == (tonumber(ends) or math.huge) then
  return { 'already', global_hold_json(before) }
end
redis.call('HSET', GLOBAL_HOLD, 'since', string.format('%.0f', before and before.since or now), 'until', ends,
  'by', by, 'reason', reason)
local hold = global_hold(now)
for _, id in ipairs(redis.call('HVALS', ACTIVE)) do
  mirror_hold(RUN_PREFIX .. id, hold, now, true)
end
emit_for('*', '', 'heldAll', global_hold_json(hold))
return { 'held', global_hold_json(hold) }
