// node writer.js PORT PREFIX: sets PREFIX:0, PREFIX:1, ... each until it is acknowledged; reports every 100 ms and when its
// input closes, which ends it.
"use strict";
const { connect, valueOf } = require("./common");

const [port, prefix] = process.argv.slice(2);
const cluster = connect(port);
const errors = {};
let acked = 0;
let running = true;

const report = () => process.stdout.write(JSON.stringify({ acked, errors }) + "\n");
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function main() {
  while (running) {
    const key = `${prefix}:${acked}`;
    await pause(1);
    try {
      if ((await cluster.set(key, valueOf(key))) === "OK") ++acked;
    } catch (error) {
      const name = `${error.name}: ${error.message}`.slice(0, 160);
      errors[name] = (errors[name] || 0) + 1;
      await pause(50);
    }
  }
  clearInterval(timer);
  report();
  cluster.disconnect();
}

const timer = setInterval(report, 100);
process.stdin.on("end", () => (running = false)).resume();
main();
