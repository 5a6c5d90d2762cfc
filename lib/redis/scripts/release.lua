--[[
  Gives claimed ranges back untouched: a pause or a shutdown is not a try.

  KEYS     see prelude.lua
  ARGV     indexes

  Returns how many were still outstanding.
]]
even_without_memory()
local released = 0
for i = 1, #ARGV do
  local entry = redis.call('HGET', WORK, ARGV[i])
  if entry then
    local work = parse(entry)
    work.returns = work.claims
    redis.call('HSET', WORK, ARGV[i], format(work))
    released = released + 1
  end
end
return released
