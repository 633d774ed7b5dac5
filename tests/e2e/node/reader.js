// node reader.js PORT PREFIX FIRST LAST: reads keys PREFIX:FIRST .. PREFIX:LAST-1 and prints which are missing or differ.
"use strict";
const { connect, valueOf } = require("./common");

const [port, prefix, first, last] = process.argv.slice(2);
const kBatch = 1000;

async function main() {
  const cluster = connect(port);
  const missing = [];
  for (let start = Number(first); start < Number(last); start += kBatch) {
    const keys = [];
    for (let i = start; i < Math.min(start + kBatch, Number(last)); ++i) keys.push(`${prefix}:${i}`);
    const values = await Promise.all(keys.map((key) => cluster.get(key)));
    keys.forEach((key, i) => {
      if (values[i] !== valueOf(key)) missing.push(key);
    });
  }
  console.log(JSON.stringify({ missing }));
  cluster.disconnect();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
