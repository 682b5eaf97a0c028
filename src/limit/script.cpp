#include "limit/script.hpp"

#include <string>

namespace sluice::limit {

// The names are the counter's.
constexpr std::string_view text = R"lua(
local floor, max, min = math.floor, math.max, math.min
local sub_windows, share_of_limit, share_of_left, bytes_max = 15, 64, 8, 1024
local cost, want = tonumber(ARGV[1]), tonumber(ARGV[2])
local back, back_at = tonumber(ARGV[3]), tonumber(ARGV[4])
local more, all = tonumber(ARGV[5]), true

local function counts_in(value)
  local found, at = {}, 1
  while at <= #value do
    local window, size
    window, size, at = struct.unpack('<dB', value, at)
    local buckets = {}
    for i = 1, size do
      local last, count
      last, count, at = struct.unpack('<dI4', value, at)
      buckets[i] = {last, count}
    end
    found[window] = buckets
  end
  return found
end

-- What is no string, too long or in no such form somebody else has put there: it is written over.
local readable, kept, value = true, {}, redis.pcall('GET', KEYS[1])
if value then
  if type(value) == 'table' and not string.find(value.err, 'WRONGTYPE', 1, true) then return value end
  readable = type(value) == 'string' and #value <= bytes_max
  if readable then readable, kept = pcall(counts_in, value) end
  if not readable then kept = {} end
end

local function advance(w)
  local newest = w.old[#w.old]
  w.now, w.buckets, w.used = now, {}, 0
  if not newest then return end
  if newest[1] > now + w.window then return end
  w.now = max(now, floor(newest[1] / w.width) * w.width)
  for _, bucket in ipairs(w.old) do
    if bucket[1] + w.window > w.now then
      w.buckets[#w.buckets + 1] = bucket
      w.used = w.used + bucket[2]
    end
  end
end

local function spend(w, last, count)
  if count == 0 then return end
  local newest = w.buckets[#w.buckets]
  if newest and floor(newest[1] / w.width) == floor(last / w.width) then
    newest[1] = max(newest[1], last)
    newest[2] = newest[2] + count
  else
    w.buckets[#w.buckets + 1] = {last, count}
  end
  w.used = w.used + count
end

local function give_back(w, last, count)
  for _, bucket in ipairs(w.buckets) do
    if floor(bucket[1] / w.width) == floor(last / w.width) then
      local less = min(count, bucket[2])
      bucket[2] = bucket[2] - less
      w.used = w.used - less
      return
    end
  end
end

local function leaves_in(w, count)
  local gone, when = 0, now
  for _, bucket in ipairs(w.buckets) do
    if gone >= count then break end
    gone = gone + bucket[2]
    when = bucket[1] + w.window
  end
  return when - now
end

local windows, passes, lease, lease_for, passes_in = {}, true, want, math.huge, 0
for i = 7, #ARGV, 3 do
  local w = {limit = tonumber(ARGV[i]), window = tonumber(ARGV[i + 1]), least = tonumber(ARGV[i + 2])}
  w.width = floor((w.window + sub_windows - 1) / sub_windows)
  w.old = kept[w.window] or {}
  windows[#windows + 1] = w
  advance(w)
  if back > 0 then give_back(w, back_at, back) end
  all = all and w.used == 0
end
all = all or ARGV[6] == '1'
for _, w in ipairs(windows) do
  local lacking = all and w.least - min(w.used, w.least) or 0
  spend(w, w.now, max(lacking, min(more, w.least)))
  w.cost = min(cost, w.limit)
  if w.used + w.cost > w.limit then
    passes = false
    passes_in = max(passes_in, leaves_in(w, w.used + w.cost - w.limit))
  else
    local rest = w.limit - w.used - w.cost
    lease = min(lease, floor(w.limit / share_of_limit), floor(rest / share_of_left))
    lease_for = min(lease_for, (floor(w.now / w.width) + 1) * w.width - now)
  end
end
if not passes then lease = 0 end
local lease_end = 0
if lease == 0 then lease_for = 0 else lease_end = now + lease_for - 1 end

local said = {(passes and 1 or 0) + (readable and 0 or 2), lease, lease_end, lease_for, passes_in}
local stored, empty_in = {}, 1
for _, w in ipairs(windows) do
  if passes then spend(w, max(w.now, lease_end), w.cost + lease) end
  said[#said + 1] = max(0, w.limit - w.used)
  said[#said + 1] = leaves_in(w, 1)
  stored[#stored + 1] = struct.pack('<dB', w.window, #w.buckets)
  for _, bucket in ipairs(w.buckets) do
    stored[#stored + 1] = struct.pack('<dI4', bucket[1], min(bucket[2], 4294967295))
    empty_in = max(empty_in, bucket[1] + w.window - now)
  end
end
redis.call('SET', KEYS[1], table.concat(stored), 'PX', floor(empty_in / 1000) + 1)
return said
)lua";

const std::string_view decision_script = text;

namespace {

const std::string by_redis_time = std::string(redis_clock) + std::string(text);

constexpr std::size_t head = 5; // before the quotas

bool readable(const redis::reply& said)
{
    if (said.is != redis::reply::kind::array || said.elements.size() < head + 2) return false;
    const std::size_t quotas = (said.elements.size() - head) / 2;
    if (quotas > quotas_max || said.elements.size() != head + 2 * quotas) return false;
    for (const redis::reply& one : said.elements)
        if (one.is != redis::reply::kind::integer || one.integer < 0) return false;
    return true;
}

} // namespace

const redis::script redis_decision{by_redis_time};

result<verdict> read_verdict(const redis::reply& said)
{
    if (!readable(said)) return fail(errc::internal, "The rate limiter's script gave what is no decision");
    const auto number = [&](std::size_t i) { return static_cast<micros>(said.elements[i].integer); };
    verdict found{.unreadable = (number(0) & 2) != 0,
                  .passes = (number(0) & 1) != 0,
                  .lease = static_cast<std::uint32_t>(number(1)),
                  .lease_end = number(2),
                  .lease_for = number(3),
                  .passes_in = number(4),
                  .size = (said.elements.size() - head) / 2};
    for (std::size_t i = 0; i < found.size; ++i) {
        found.standings[i] = {.left = static_cast<std::uint32_t>(number(head + 2 * i)),
                              .more_in = number(head + 2 * i + 1)};
    }
    return found;
}

} // namespace sluice::limit
