-- One closed loop of wrk. Its result is one line of JSON on standard output.
-- Arguments: "plain" or "refusals" (count answers of 503 with Retry-After apart, which costs wrk a look at every answer's headers),
-- then, for POST, a file with one JSON body a line: each is sent once.

refused, exhausted = 0, 0
local threads = {}

function setup(thread)
   table.insert(threads, thread)
end

local function count_refusals(status, headers)
   if status == 503 and (headers["retry-after"] or headers["Retry-After"]) then
      refused = refused + 1
   end
end

local function bodies_of(file)
   local bodies = {}
   for line in io.lines(file) do
      bodies[#bodies + 1] = line
   end
   return bodies
end

function init(args)
   if args[1] == "refusals" then
      response = count_refusals
   end
   if args[2] then
      local bodies, sent = bodies_of(args[2]), 0
      wrk.method = "POST"
      wrk.headers["Content-Type"] = "application/json"
      request = function()
         sent = sent + 1
         if sent > #bodies then
            exhausted = 1
            wrk.thread:stop()
         end
         return wrk.format(nil, nil, nil, bodies[sent])
      end
   end
end

function done(summary, latency, requests)
   local sums = {refused = 0, exhausted = 0}
   for _, thread in ipairs(threads) do
      for name, sum in pairs(sums) do
         sums[name] = sum + thread:get(name)
      end
   end
   local errors = summary.errors
   io.write(string.format(
      '{"duration_us":%d,"answers":%d,"bad_status":%d,"refused":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d,' ..
      '"p50_us":%d,"p99_us":%d,"exhausted":%d}\n',
      summary.duration, summary.requests, errors.status, sums.refused, errors.connect, errors.read, errors.write, errors.timeout,
      latency:percentile(50), latency:percentile(99), sums.exhausted))
end
