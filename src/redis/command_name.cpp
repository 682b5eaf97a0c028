#include "redis/command_name.hpp"

#include <algorithm>
#include <array>

namespace sluice::redis {

namespace {

// In the alphabet's order, each with a space behind it.
constexpr std::string_view names =
    "APPEND BITCOUNT BITFIELD BITOP BITPOS COPY DBSIZE DECR DECRBY DEL DUMP ECHO EVAL EVALSHA EVALSHA_RO "
    "EVAL_RO EXISTS EXPIRE EXPIREAT EXPIRETIME FCALL FCALL_RO GEOADD GEODIST GEOHASH GEOPOS GEOSEARCH GET "
    "GETBIT GETDEL GETEX GETRANGE GETSET HDEL HEXISTS HGET HGETALL HINCRBY HINCRBYFLOAT HKEYS HLEN HMGET "
    "HMSET HRANDFIELD HSCAN HSET HSETNX HSTRLEN HVALS INCR INCRBY INCRBYFLOAT INFO KEYS LINDEX LINSERT LLEN "
    "LMOVE LPOP LPOS LPUSH LPUSHX LRANGE LREM LSET LTRIM MGET MSET MSETNX OBJECT PERSIST PEXPIRE PEXPIREAT "
    "PEXPIRETIME PFADD PFCOUNT PFMERGE PING PSETEX PTTL PUBLISH RANDOMKEY RENAME RENAMENX RESTORE ROLE RPOP "
    "RPOPLPUSH RPUSH RPUSHX SADD SCAN SCARD SCRIPT SDIFF SDIFFSTORE SET SETBIT SETEX SETNX SETRANGE SINTER "
    "SINTERCARD SINTERSTORE SISMEMBER SMEMBERS SMISMEMBER SMOVE SORT SPOP SPUBLISH SRANDMEMBER SREM SSCAN "
    "STRLEN SUNION SUNIONSTORE TIME TOUCH TTL TYPE UNLINK WAIT XACK XADD XAUTOCLAIM XCLAIM XDEL XGROUP XINFO "
    "XLEN XPENDING XRANGE XREAD XREADGROUP XREVRANGE XTRIM ZADD ZCARD ZCOUNT ZDIFF ZINCRBY ZINTER "
    "ZINTERSTORE ZLEXCOUNT ZMPOP ZMSCORE ZPOPMAX ZPOPMIN ZRANDMEMBER ZRANGE ZRANGEBYLEX ZRANGEBYSCORE "
    "ZRANGESTORE ZRANK ZREM ZREMRANGEBYLEX ZREMRANGEBYRANK ZREMRANGEBYSCORE ZREVRANGE ZREVRANK ZSCAN ZSCORE "
    "ZUNION ZUNIONSTORE ";

consteval auto split(std::string_view text)
{
    std::array<std::string_view, commands_known> all;
    for (std::string_view& one : all) {
        one = text.substr(0, text.find(' '));
        text.remove_prefix(one.size() + 1);
    }
    return text.empty() ? all : throw "there are more than commands_known";
}

constexpr auto known = split(names);
static_assert(std::ranges::is_sorted(known));

} // namespace

std::size_t place_of_command(std::string_view bytes) noexcept
{
    // "*2\r\n$3\r\nGET\r\n…"
    const std::size_t length = bytes.find('$');
    const std::size_t line_end = bytes.find("\r\n", length);
    if (length == std::string_view::npos || line_end == std::string_view::npos) return commands_known;
    bytes.remove_prefix(line_end + 2);
    const std::string_view name = bytes.substr(0, bytes.find('\r'));
    const auto at = std::ranges::lower_bound(known, name);
    return at != known.end() && *at == name ? static_cast<std::size_t>(at - known.begin()) : commands_known;
}

std::string_view name_of_command(std::size_t place) noexcept
{
    return place < commands_known ? known[place] : std::string_view();
}

} // namespace sluice::redis
