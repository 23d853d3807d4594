-- One request after the other with the next client's key; every answer is looked at.
-- Arguments: how many clients there are, the first one's number, then the paths in turn.

local FASTAPI, FLASK = '{"stack":"fastapi"}', '{"stack":"flask"}\n'
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  clients, client = tonumber(args[1]), tonumber(args[2])
  paths, turn = {}, 0
  for index = 3, #args do
    paths[index - 2] = args[index]
  end
  fastapi, flask, wrong, sample = 0, 0, 0, ""
  rest = " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port .. "\r\nUser-Agent: bench/1\r\n"
    .. "Accept: application/json\r\nAccept-Encoding: gzip, deflate\r\nAccept-Language: en\r\n"
    .. "Cookie: theme=dark; sid=7\r\nX-API-Key: client-"
end

function request()
  client, turn = (client + 1) % clients, turn % #paths + 1
  return "GET " .. paths[turn] .. rest .. client .. "\r\n\r\n"
end

function response(status, headers, body)
  if status == 200 and body == FASTAPI then
    fastapi = fastapi + 1
  elseif status == 200 and body == FLASK then
    flask = flask + 1
  else
    wrong = wrong + 1
    sample = status .. " " .. body
  end
end

function done(summary, latency, requests)
  local function figure(name, value)
    io.write("bench ", name, " ", value, "\n")
  end
  local answers = threads[1] -- of `wrk -t1`
  figure("fastapi", answers:get("fastapi"))
  figure("flask", answers:get("flask"))
  figure("wrong", answers:get("wrong"))
  figure("sample", string.format("%q", answers:get("sample")):gsub("[\r\n]", " "))
  figure("requests", summary.requests)
  figure("microseconds", summary.duration)
  figure("p50", latency:percentile(50))
  figure("p99", latency:percentile(99))
  for kind, count in pairs(summary.errors) do
    figure("errors." .. kind, count)
  end
end
