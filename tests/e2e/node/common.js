// The cluster client of the tests: the library's defaults, but for a bound on how long it waits to connect.
"use strict";
const Redis = require("ioredis");

exports.connect = (port) => {
  const cluster = new Redis.Cluster([{ host: "127.0.0.1", port: Number(port) }], {
    redisOptions: { connectTimeout: 5000 },
  });
  cluster.on("error", () => {}); // every command reports its own error; without a listener the library prints each one
  return cluster;
};
exports.valueOf = (key) => `value of ${key}`;
