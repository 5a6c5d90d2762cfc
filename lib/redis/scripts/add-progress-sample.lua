--[[
  Adds a sample of the progress of a run to its list of recent samples, and to the lists of each level, which are thinned
  out. A level has the first sample of each of its intervals: where nothing was measured there is none.

  KEYS     see prelude.lua
    7      list of the recent samples, newest first; processes of an earlier version write it, too, and no level
    8      level of the last hour, a list like KEYS[7]
    9      level of the last day
    10     level of the whole run
  ARGV
    1      sample, a JSON array that begins with its time in epoch ms
    2      most samples of KEYS[7]
    3, 4   interval of KEYS[8], ms, and its most samples
    5, 6   the same of KEYS[9]
    7, 8   shortest interval of KEYS[10], ms, and its most samples: the interval doubles as the run goes on
]]
local RECENT, RUN_LEVEL = KEYS[7], KEYS[10]
local sample, most_recent = ARGV[1], tonumber(ARGV[2])
local READ_AT_ONCE = 50

local function time_of(text)
  return tonumber(string.match(text, '^%[(%d+)'))
end

-- Recent samples after a time, oldest first: also those that a process of an earlier version has added.
local function recent_after(time)
  local newest_first, from = {}, 0
  while true do
    local texts = redis.call('LRANGE', RECENT, from, from + READ_AT_ONCE - 1)
    for _, text in ipairs(texts) do
      if time and time_of(text) <= time then
        texts = {}
        break
      end
      newest_first[#newest_first + 1] = text
    end
    if #texts < READ_AT_ONCE then
      break
    end
    from = from + READ_AT_ONCE
  end
  local oldest_first = {}
  for i = #newest_first, 1, -1 do
    oldest_first[#oldest_first + 1] = newest_first[i]
  end
  return oldest_first
end

-- The first of the samples in each interval after the interval of `time`.
local function thinned(samples, interval, time)
  local kept, last_interval = {}, time and math.floor(time / interval)
  for _, text in ipairs(samples) do
    local number = math.floor(time_of(text) / interval)
    if not last_interval or number > last_interval then
      kept[#kept + 1] = text
      last_interval = number
    end
  end
  return kept
end

local function update(level, interval, most, now)
  local newest = redis.call('LINDEX', level, 0)
  local time = newest and time_of(newest)
  if time and math.floor(now / interval) <= math.floor(time / interval) then
    return
  end
  for _, text in ipairs(thinned(recent_after(time), interval, time)) do
    redis.call('LPUSH', level, text)
  end
  redis.call('LTRIM', level, 0, most - 1)
end

-- The interval with which at most `most` samples cover a run, from its first sample to one of this time.
local function interval_of_run(shortest, most, first, time)
  local interval = shortest
  while (time - first) / interval >= most - 1 do
    interval = interval * 2
  end
  return interval
end

local function update_run_level(shortest, most, now)
  local oldest, newest = redis.call('LINDEX', RUN_LEVEL, -1), redis.call('LINDEX', RUN_LEVEL, 0)
  local first = time_of(oldest or redis.call('LINDEX', RECENT, -1))
  local interval = interval_of_run(shortest, most, first, now)
  if newest and interval_of_run(shortest, most, first, time_of(newest)) < interval then
    local oldest_first, newest_first = {}, redis.call('LRANGE', RUN_LEVEL, 0, -1)
    for i = #newest_first, 1, -1 do
      oldest_first[#oldest_first + 1] = newest_first[i]
    end
    redis.call('DEL', RUN_LEVEL)
    redis.call('LPUSH', RUN_LEVEL, unpack(thinned(oldest_first, interval)))
  end
  update(RUN_LEVEL, interval, most, now)
end

if redis.call('HEXISTS', RUN, 'status') == 0 then
  return 0
end
redis.call('LPUSH', RECENT, sample)
redis.call('LTRIM', RECENT, 0, most_recent - 1)
local now = time_of(sample)
update(KEYS[8], tonumber(ARGV[3]), tonumber(ARGV[4]), now)
update(KEYS[9], tonumber(ARGV[5]), tonumber(ARGV[6]), now)
update_run_level(tonumber(ARGV[7]), tonumber(ARGV[8]), now)
return 1
