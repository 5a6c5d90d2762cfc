--[[
  Releases claimed ranges without an outcome: a pause or a shutdown is not an attempt.

  KEYS     see prelude.lua
  ARGV
    1...   indexes

  Reply    number of ranges that were still outstanding
]]
allow_writes_without_memory()
local released = 0
for i = 1, #ARGV do
  local index = ARGV[i]
  local text = redis.call('HGET', WORK, index)
  if text then
    local entry = parse_entry(text)
    entry.releases = entry.claims
    redis.call('HSET', WORK, index, format_entry(entry))
    released = released + 1
  end
end
return released
