--[[
  Records that a run is stalled, what it waits for by now, or that its stall has ended. Of the processes that notice it, the
  first one emits the event.

  KEYS     see prelude.lua
  ARGV
    1      'begin' or 'end'
    2      epoch ms since when nothing was done
    3      the stall, JSON; of 'end' ''
    4      data of the event, JSON

  Reply    'begun' | 'updated' | 'ended' | 'already'
           'already'  the run goes on, is no longer running or only since then, or the stall has ended
]]
local action, since, stall, data = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local status, stored, active_at, state_since =
  unpack(redis.call('HMGET', RUN, 'status', 'stalled', 'activeAt', 'stateSince'))
local is_json, known = pcall(cjson.decode, stored or '')
local known_since = is_json and type(known) == 'table' and tonumber(known.since) or nil
if action == 'end' then
  if known_since ~= since then
    return 'already'
  end
  redis.call('HDEL', RUN, 'stalled')
  emit('stallEnded', data)
  return 'ended'
end
local moved_at = math.max(tonumber(active_at or '') or 0, since_of_state(state_since) or 0)
if status ~= 'running' or global_hold(now_ms()) or moved_at > since then
  return 'already'
end
redis.call('HSET', RUN, 'stalled', stall)
if known_since == since then
  return 'updated'
end
emit('stalled', data)
return 'begun'
