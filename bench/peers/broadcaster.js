"use strict";
// Server-sent events as one writes them with Node's http module. A stream is in the channel that
// its path ends with, or in 0. Each line on stdin is an event as JSON text, for all channels, with
// the number in it raised by STEP for each channel. Prints "port N", serves until stdin ends.

const http = require("http");
const readline = require("readline");

const STEP = 10000;
const NUMBER = /fhbench:(\d{10});/;
const channels = new Map();

const server = http.createServer((request, response) => {
  const channel = Number((/\/(\d+)$/.exec(request.url) || [0, 0])[1]);
  if (!channels.has(channel)) channels.set(channel, new Set());
  const streams = channels.get(channel);
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  response.flushHeaders();
  streams.add(response);
  response.on("close", () => streams.delete(response));
});
server.keepAliveTimeout = 0;
server.requestTimeout = 0;
server.timeout = 0;

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const event = JSON.parse(line);
  for (const [channel, streams] of channels) {
    if (!streams.size) continue;
    const own = Buffer.from(
      channel
        ? event.replace(NUMBER, (_, number) => {
            return `fhbench:${String(Number(number) + channel * STEP).padStart(10, "0")};`;
          })
        : event,
    );
    for (const response of streams) response.write(own);
  }
}).on("close", () => process.exit(0));

server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
  console.log(`port ${server.address().port}`);
});
