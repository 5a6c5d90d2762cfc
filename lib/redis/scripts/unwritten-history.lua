--[[
  Reads the history entries of all backfills that the ledger has not written yet, with one command: of most backfills there are
  none.

  KEYS     see prelude.lua; of 1 to 6 none is used
    7      hash of the positions of the ledger: backfill -> id of the last history entry that it has written
  ARGV
    1      most entries of each backfill
    2...   names of the backfills

  Reply    { name, { id, { field, value... } } of each entry, oldest first }, of the backfills that have some
]]
local POSITIONS = KEYS[7]
local most_entries = ARGV[1]
local reply = {}
for i = 2, #ARGV do
  local name = ARGV[i]
  local position = redis.call('HGET', POSITIONS, name) or '0-0'
  local entries = redis.call('XRANGE', HISTORY_PREFIX .. name, '(' .. position, '+', 'COUNT', most_entries)
  if #entries > 0 then
    reply[#reply + 1] = { name, entries }
  end
end
return reply
