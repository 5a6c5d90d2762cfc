--[[
  Reads a run with all that belongs to it at one moment, for the ledger. From the first snapshot on, failures that
  are retried are recorded for the next one.

  KEYS     see prelude.lua
    7      sorted set of retried failures: `failureSequence|id`, scored by a sequence of their own; the first number
           is the sequence of the newest failure at the time of the retry
    8      sorted set of the rows of the sample, see add-sample.lua
  ARGV
    1      sequence of the last failure that the ledger has
    2      most failures to return
    3...   fields of the run to leave out

  Reply    { epoch microseconds,
             field and value of each field of the run,
             entries of the outstanding ranges,
             number of failures,
             sequence, record and id of each failure after ARGV[1],
             members and scores of KEYS[7],
             members and scores of KEYS[8] }
           {} when the run is gone
]]
local RETRIED, SAMPLE = KEYS[7], KEYS[8]
local last_sequence, most_failures = ARGV[1], ARGV[2]
local status, has_ledger = unpack(redis.call('HMGET', RUN, 'status', 'ledger'))
if not status then
  return {}
end
if has_ledger ~= '1' then
  redis.call('HSET', RUN, 'ledger', '1')
end

local left_out = {}
for i = 3, #ARGV do
  left_out[ARGV[i]] = true
end
local fields, all_fields = {}, redis.call('HGETALL', RUN)
for i = 1, #all_fields, 2 do
  if not left_out[all_fields[i]] then
    fields[#fields + 1] = all_fields[i]
    fields[#fields + 1] = all_fields[i + 1]
  end
end

local failures = {}
local found =
  redis.call('ZRANGEBYSCORE', FAILURE_ORDER, '(' .. last_sequence, '+inf', 'WITHSCORES', 'LIMIT', 0, most_failures)
for i = 1, #found, 2 do
  local id, sequence = found[i], found[i + 1]
  failures[#failures + 1] = sequence
  failures[#failures + 1] = redis.call('HGET', FAILURES, id) or ''
  failures[#failures + 1] = id
end
return {
  string.format('%.0f', now_us()),
  fields,
  redis.call('HVALS', WORK),
  redis.call('ZCARD', FAILURE_ORDER),
  failures,
  redis.call('ZRANGE', RETRIED, 0, -1, 'WITHSCORES'),
  redis.call('ZRANGE', SAMPLE, 0, -1, 'WITHSCORES'),
}
