--[[
  Everything of a run at one moment, for the ledger. From the first one on, retried failures are noted for
  the next.

  KEYS     see prelude.lua
  KEYS[7]  retried  zset: `sequence|id` of failures that were taken back as work
  ARGV[1]  sequence of the last failure that the ledger has
  ARGV[2]  most failures to answer

  Returns { epoch microseconds, fields and values of the run, entries of the work, number of failures,
  sequence and record and id of each failure after ARGV[1]..., members and scores of `retried` }, or {} where
  the run is gone
]]
if not redis.call('HGET', RUN, 'status') then
  return {}
end
if redis.call('HGET', RUN, 'ledger') ~= '1' then
  redis.call('HSET', RUN, 'ledger', '1')
end
local failures = {}
local found = redis.call('ZRANGEBYSCORE', ORDER, '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
for i = 1, #found, 2 do
  failures[#failures + 1] = found[i + 1]
  failures[#failures + 1] = redis.call('HGET', FAILURES, found[i]) or ''
  failures[#failures + 1] = found[i]
end
return {
  string.format('%.0f', micros()),
  redis.call('HGETALL', RUN),
  redis.call('HVALS', WORK),
  redis.call('ZCARD', ORDER),
  failures,
  redis.call('ZRANGE', KEYS[7], 0, -1, 'WITHSCORES'),
}
