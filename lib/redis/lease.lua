-- The shared side of the lease protocol (fare/lease.h) as one atomic step: a replica reports, and
-- is answered.  It does what LeaseServer::handle() does; a test compares the two, message by
-- message.  All is read before anything is written, so that an error leaves everything as it was.
--
-- KEYS, all of one hash tag:
--   book    hash        fields below
--   leases  hash        "replica:incarnation" -> "sequence granted returned settled"
--   due     sorted set  those of them that run, by the microsecond at which they are written off
--
-- Lua's numbers are doubles.  An amount is therefore a pair {hi, lo}, hi * 10^9 + lo with
-- 0 <= lo < 10^9: exact up to 9e24, and ordered like its parts.  Microseconds fit into a double.

local BASE = 1000000000
local ZERO = {0, 0}

local function normal(hi, lo)
  local rest = lo % BASE
  return {hi + (lo - rest) / BASE, rest}
end

local function amount(text)
  local sign, digits = string.match(text, '^(-?)(%d+)$')
  local hi, lo = tonumber(string.sub(digits, 1, -10)) or 0, tonumber(string.sub(digits, -9))
  if sign == '-' then return normal(-hi, -lo) end
  return {hi, lo}
end

local function text(a)
  local sign = ''
  if a[1] < 0 then sign, a = '-', normal(-a[1], -a[2]) end
  if a[1] == 0 then return sign .. string.format('%.0f', a[2]) end
  return sign .. string.format('%.0f%09.0f', a[1], a[2])
end

local function plus(a, b) return normal(a[1] + b[1], a[2] + b[2]) end
local function minus(a, b) return normal(a[1] - b[1], a[2] - b[2]) end
local function less(a, b) return a[1] < b[1] or (a[1] == b[1] and a[2] < b[2]) end
local function min(a, b) if less(b, a) then return b end return a end
local function max(a, b) if less(a, b) then return b end return a end

-- Rounded down.  REQUIRES: a >= 0, 0 < n < 4e6.
local function part(a, n)
  local hi_rest = a[1] % n
  local lo = hi_rest * BASE + a[2]
  return normal((a[1] - hi_rest) / n, (lo - lo % n) / n)
end

local function whole(number) return string.format('%.0f', number) end

-- What is asked.

local id = ARGV[1]
local ask = {
  generation = tonumber(ARGV[2]), sequence = amount(ARGV[3]),
  granted = amount(ARGV[4]), returned = amount(ARGV[5]), settled = amount(ARGV[6]),
  reserved = amount(ARGV[7]), wanted = amount(ARGV[8]), needed = amount(ARGV[9]),
}
local limit, version = amount(ARGV[10]), amount(ARGV[11])
local lease_length = tonumber(ARGV[12])
local begins, ends = tonumber(ARGV[13]), tonumber(ARGV[14]) or math.huge  -- Empty: never.
local gone = tonumber(ARGV[15]) or math.huge
local keeps_every_write = ARGV[16] == '1'

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
if now < begins or now >= gone then return {'not open'} end

local server = redis.call('INFO', 'server')
local run = string.match(server, 'run_id:(%x+)')
local started = now - tonumber(string.match(server, 'uptime_in_seconds:(%d+)')) * 1000000

-- The book.  `born` is the generation of a book that had none before it, else 0.

local kept = redis.call('HMGET', KEYS[1], 'generation', 'run', 'born', 'learning_until', 'version',
                        'limit', 'presumed', 'settled', 'leased')
local is_new = not kept[1]
local book = {run = run}
if is_new then
  book.generation, book.born, book.learning_until = now, now, 0
  book.version, book.limit = version, limit
  book.presumed, book.settled, book.leased = ZERO, ZERO, ZERO
  -- Uptime is in whole seconds, cut off at either end.
  local may_have_been_lost = not keeps_every_write and begins < started + 1000000
  if may_have_been_lost then book.learning_until = now + lease_length end
else
  book.generation, book.born = tonumber(kept[1]), tonumber(kept[3])
  book.learning_until = tonumber(kept[4])
  book.version, book.limit = amount(kept[5]), amount(kept[6])
  book.presumed, book.settled, book.leased = amount(kept[7]), amount(kept[8]), amount(kept[9])
end

-- Somebody who has heard a generation that this book has never had: the book is not the only one.
local knows_more = ask.generation ~= 0 and
    (is_new or ask.generation > book.generation or ask.generation < book.born)
local is_restarted = not is_new and not keeps_every_write and kept[2] ~= run
local is_lost = knows_more or is_restarted

if less(book.version, version) then
  local is_presumed = now < book.learning_until and book.born == 0
  if is_presumed then book.presumed = plus(book.presumed, max(ZERO, minus(limit, book.limit))) end
  book.version, book.limit = version, limit
end

local expired, live = {}, 0
if is_lost then
  book.generation = math.max(now, book.generation + 1, ask.generation + 1)
  book.born, book.learning_until = 0, now + lease_length
  book.presumed = max(max(limit, book.limit),
                      plus(book.presumed, plus(book.settled, book.leased)))
  book.settled, book.leased = ZERO, ZERO
else
  expired = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', whole(now))
  live = redis.call('ZCARD', KEYS[3]) - #expired
end
local is_learning = now < book.learning_until

-- The leases.

local function read_lease(name)
  local line = not is_lost and redis.call('HGET', KEYS[2], name)
  if not line then
    return {sequence = ZERO, granted = ZERO, returned = ZERO, settled = ZERO}
  end
  local sequence, granted, returned, settled = string.match(line, '^(%d+) (%d+) (%d+) (%d+)$')
  return {sequence = amount(sequence), granted = amount(granted), returned = amount(returned),
          settled = amount(settled)}
end

local function used(lease) return max(minus(lease.granted, lease.returned), lease.settled) end

-- One that has run out counts as spent.
local function write_off(lease)
  local open = minus(used(lease), lease.settled)
  book.leased = minus(book.leased, open)
  book.settled = plus(book.settled, open)
end

for _, name in ipairs(expired) do write_off(read_lease(name)) end

local function free()
  return minus(book.limit, plus(book.presumed, plus(book.settled, book.leased)))
end

local function hold_max()
  local left = minus(book.limit, plus(book.presumed, book.settled))
  return max(part(max(ZERO, left), 2 * math.max(live, 1)), ask.needed)
end

local joins = ask.generation == 0 and not less(ZERO, ask.granted)
local is_believed = joins or ask.generation == book.generation
local lease, valid = nil, 0
if is_believed then
  lease = read_lease(id)
  local due = redis.call('ZSCORE', KEYS[3], id)
  local was_live = not is_lost and due and tonumber(due) > now
  -- Out of the books as it was, and in again below as it is.
  if was_live then
    book.leased = minus(book.leased, minus(used(lease), lease.settled))
    book.settled = minus(book.settled, lease.settled)
  else
    book.settled = minus(book.settled, used(lease))
    live = live + 1
  end
  if less(lease.granted, ask.granted) then
    -- Granted by an earlier generation, so part of what is presumed.
    local found = minus(minus(ask.granted, lease.granted), minus(ask.returned, lease.returned))
    book.presumed = max(ZERO, minus(book.presumed, found))
    lease.granted, lease.returned = ask.granted, ask.returned
  end
  lease.returned = max(lease.returned, ask.returned)
  lease.settled = max(lease.settled, ask.settled)
  book.settled = plus(book.settled, lease.settled)
  book.leased = plus(book.leased, minus(used(lease), lease.settled))

  if not is_learning and now < ends and less(lease.sequence, ask.sequence) then
    local holds = minus(minus(minus(lease.granted, lease.returned), lease.settled), ask.reserved)
    local target = max(min(ask.wanted, hold_max()), ask.needed)
    local grant = max(ZERO, min(minus(target, holds), free()))
    local before = used(lease)
    lease.granted = plus(lease.granted, grant)
    book.leased = plus(book.leased, minus(used(lease), before))
  end
  lease.sequence = max(lease.sequence, ask.sequence)
  valid = math.max(0, math.min(lease_length, ends - now))
end

-- Nothing was written so far; from here on nothing fails.

redis.call('HSET', KEYS[1], 'generation', whole(book.generation), 'run', book.run,
           'born', whole(book.born), 'learning_until', whole(book.learning_until),
           'version', text(book.version), 'limit', text(book.limit),
           'presumed', text(book.presumed), 'settled', text(book.settled),
           'leased', text(book.leased))
if is_lost then redis.call('DEL', KEYS[2], KEYS[3]) end
for _, name in ipairs(expired) do redis.call('ZREM', KEYS[3], name) end
if lease then
  redis.call('HSET', KEYS[2], id, text(lease.sequence) .. ' ' .. text(lease.granted) .. ' ' ..
             text(lease.returned) .. ' ' .. text(lease.settled))
  redis.call('ZADD', KEYS[3], whole(now + lease_length), id)
end
if gone < math.huge then
  for _, key in ipairs(KEYS) do redis.call('PEXPIREAT', key, whole(math.floor(gone / 1000))) end
end

local reply = {granted = ZERO, hold_max = ZERO}
if is_believed then
  reply.granted = lease.granted
  reply.hold_max = is_learning and book.limit or hold_max()
end
return {'ok', whole(book.generation), text(reply.granted), text(reply.hold_max), whole(valid),
        text(book.limit), text(plus(book.presumed, book.settled)), text(book.leased),
        is_learning and '1' or '0'}
