"""What has to happen at once in Valkey. Entries that make room are only known inside: no cluster.

Times are Valkey's own: the clocks of several machines would not agree who was used last.
"""

HIT = """
local used, hits, counts = KEYS[1], KEYS[2], KEYS[3]
local key = ARGV[1]
redis.call('HINCRBY', counts, 'hits', 1)
if redis.call('ZSCORE', used, key) then
  local now = redis.call('TIME')
  redis.call('ZADD', used, now[1] + now[2] / 1000000, key)
  redis.call('ZINCRBY', hits, 1, key)
end
"""

MISS = """
local answer, used, hits, counts = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local key = ARGV[1]
if redis.call('EXISTS', answer) == 0 then
  redis.call('ZREM', used, key)
  redis.call('ZREM', hits, key)
end
redis.call('HINCRBY', counts, 'misses', 1)
"""

# The visitors of a question are counted, not listed (one pair in 16,000 counts as one visitor,
# which only keeps an answer out for longer). The question not asked for longest makes room.
NOTE = """
local visitors, questions, ranking = KEYS[1], KEYS[2], KEYS[3]
local key, visitor, seconds, bound = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local visitors_prefix, ranked, ranking_seconds = ARGV[5], tonumber(ARGV[6]), ARGV[7]
redis.call('PFADD', visitors, visitor)
if redis.call('TTL', visitors) < 0 then
  redis.call('EXPIRE', visitors, seconds)
end
local count = redis.call('PFCOUNT', visitors)
local now = redis.call('TIME')
redis.call('ZADD', questions, now[1] + now[2] / 1000000, key)
local over = redis.call('ZCARD', questions) - bound
if over > 0 then
  for _, old in ipairs(redis.call('ZRANGE', questions, 0, over - 1)) do
    redis.call('DEL', visitors_prefix .. old)
    redis.call('ZREM', questions, old)
  end
end
redis.call('ZADD', ranking, count, key)
redis.call('ZREMRANGEBYRANK', ranking, 0, -1 - ranked)
redis.call('EXPIRE', ranking, ranking_seconds)
return count
"""

ADMIT = """
local answer, visitors, banned = KEYS[1], KEYS[2], KEYS[3]
local used, hits, counts = KEYS[4], KEYS[5], KEYS[6]
local key, value, seconds = ARGV[1], ARGV[2], ARGV[3]
local least, bound, answer_prefix = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
if redis.call('EXISTS', banned) == 1 or redis.call('PFCOUNT', visitors) < least then
  redis.call('HINCRBY', counts, 'refused', 1)
  return 0
end
redis.call('SET', answer, value, 'EX', seconds)
local now = redis.call('TIME')
redis.call('ZADD', used, now[1] + now[2] / 1000000, key)
local over = redis.call('ZCARD', used) - bound
if over > 0 then
  for _, old in ipairs(redis.call('ZRANGE', used, 0, over - 1)) do
    redis.call('DEL', answer_prefix .. old)
    redis.call('ZREM', used, old)
    redis.call('ZREM', hits, old)
  end
end
redis.call('HINCRBY', counts, 'admitted', 1)
return 1
"""

# Whoever comes when the answer has just been shared reads it instead of leading again.
LEAD = """
local lead, shared = KEYS[1], KEYS[2]
local owner, milliseconds = ARGV[1], ARGV[2]
if redis.call('EXISTS', shared) == 1 then
  return 0
end
return redis.call('SET', lead, owner, 'NX', 'PX', milliseconds) and 1 or 0
"""

RENEW = """
local lead, owner, milliseconds = KEYS[1], ARGV[1], ARGV[2]
if redis.call('GET', lead) ~= owner then
  return 0
end
return redis.call('PEXPIRE', lead, milliseconds)
"""

SHARE = """
local lead, shared, counts = KEYS[1], KEYS[2], KEYS[3]
local owner, value, seconds = ARGV[1], ARGV[2], ARGV[3]
if redis.call('GET', lead) ~= owner then
  return 0
end
redis.call('SET', shared, value, 'EX', seconds)
redis.call('DEL', lead)
redis.call('HINCRBY', counts, 'shared', 1)
return 1
"""

ABANDON = """
local lead, owner = KEYS[1], ARGV[1]
if redis.call('GET', lead) == owner then
  redis.call('DEL', lead)
end
"""
