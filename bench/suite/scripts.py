"""What wrk sends instead of one request again and again, by name: Lua."""

# Users at random; @IDS@ is the file that has their ids, one a line. Reads are made beforehand, since wrk has a CPU in
# common with PostgreSQL.
USERS = '''
    math.randomseed(os.time())
    local ids, reads = {}, {}
    for id in io.lines("@IDS@") do
        ids[#ids + 1] = id
        reads[#reads + 1] = "GET /users/" .. id .. " HTTP/1.1\\r\\nHost: bench\\r\\n\\r\\n"
    end
    local read = function() return reads[math.random(#reads)] end
    local write = function()
        local body = '{"name":"Ada ' .. math.random(1000000) .. '"}'
        return "PATCH /users/" .. ids[math.random(#ids)] .. " HTTP/1.1\\r\\nHost: bench\\r\\nContent-Length: " .. #body ..
               "\\r\\nContent-Type: application/merge-patch+json\\r\\n\\r\\n" .. body
    end
'''

# Notes how many reads succeed in each hundredth of a second, by the clock of Python's time.monotonic(), in the file
# @ANSWERS@: a line for each in which there were some.
NOTING = USERS + '''
    local ffi = require("ffi")
    ffi.cdef("typedef struct { long seconds, nanoseconds; } moment; int clock_gettime(int clock, moment* now);")
    local now, bin, count = ffi.new("moment"), 0, 0
    local answers = io.open("@ANSWERS@", "w")
    answers:setvbuf("line")
    request = function() return read() end
    response = function(status)
        if status ~= 200 then return end
        ffi.C.clock_gettime(1, now)
        local current = tonumber(now.seconds) * 100 + math.floor(tonumber(now.nanoseconds) / 1e7)
        if current ~= bin and count > 0 then
            answers:write(bin / 100, " ", count, "\\n")
            count = 0
        end
        bin, count = current, count + 1
    end
'''

# The requests of the public benchmark HttpArena; `arena` is a table of functions that make them.
ARENA = '''
    math.randomseed(os.time())
    local turn, arena = 0, {}
    local post = function(rest) return "POST /baseline11?a=13&b=42 HTTP/1.1\\r\\nHost: bench\\r\\n" .. rest end
    local sums = { "GET /baseline11?a=13&b=42 HTTP/1.1\\r\\nHost: bench\\r\\n\\r\\n", post("Content-Length: 2\\r\\n\\r\\n20"),
                   post("Transfer-Encoding: chunked\\r\\n\\r\\n2\\r\\n20\\r\\n0\\r\\n\\r\\n") }
    local counts, factors = { 1, 5, 10, 15, 25, 40, 50 }, { 3, 7, 2, 5, 4, 8, 6 }
    local limits = { 5, 10, 20, 35, 50 }
    local categories = { "electronics", "home", "furniture", "kitchen", "sports" }
    local one_of = function(list) return list[turn % #list + 1] end
    arena.baseline = function() return one_of(sums) end
    arena.json = function() return wrk.format("GET", "/json/" .. one_of(counts) .. "?m=" .. one_of(factors)) end
    arena.async_db = function() return wrk.format("GET", "/async-db?min=10&max=50&limit=" .. one_of(limits)) end
    arena.crud = function()
        local heads = { ["Content-Type"] = "application/json", ["Connection"] = turn % 200 == 0 and "close" or nil }
        local dice, id = math.random(100), math.random(50000)
        if dice <= 75 then return wrk.format("GET", "/crud/items/" .. id, heads) end
        local rest = '"price":' .. math.random(500) .. ',"quantity":' .. math.random(50) .. "}"
        if dice <= 90 then return wrk.format("PUT", "/crud/items/" .. id, heads, '{"name":"Changed ' .. id .. '",' .. rest) end
        if dice <= 95 then
            return wrk.format("GET", "/crud/items?category=" .. one_of(categories) .. "&page=" .. math.random(100) .. "&limit=10", heads)
        end
        return wrk.format("POST", "/crud/items", heads, '{"id":' .. 100000 + math.random(100000) .. ',"name":"New","category":"home",' .. rest)
    end
    local apis = { arena.baseline, arena.json, arena.async_db }
    arena.api = function() return apis[math.random(3)]() end
    arena.limited = function()
        local sum = one_of(sums)
        return turn % 10 == 0 and sum:gsub("Host: bench", "Host: bench\\r\\nConnection: close") or sum
    end
    request = function() turn = turn + 1; return (arena.@PROFILE@()) end
'''

SCRIPTS = {
    'pipelined': '''
        init = function(args)
            local parts = {}
            for i = 1, 16 do parts[i] = wrk.format() end
            batch = table.concat(parts)
        end
        request = function() return batch end
    ''',
    'limited': '''
        local count = 0
        init = function(args)
            usual = wrk.format()
            last = wrk.format(nil, nil, { ["Connection"] = "close" })
        end
        request = function()
            count = count + 1
            return count % 10 == 0 and last or usual
        end
    ''',
    'users': USERS + 'request = function() return read() end',
    'users_noting': NOTING,
    'users_write': USERS + 'request = function() return write() end',
    'users_mix': USERS + '''
        local count = 0
        request = function()
            count = count + 1
            return count % 5 == 0 and write() or read()
        end
    ''',
    'readiness': 'request = function() return wrk.format("GET", "/readyz") end',
    **{f'arena_{profile}': ARENA.replace('@PROFILE@', profile) for profile in ('baseline', 'limited', 'json', 'async_db', 'crud', 'api')},
}
