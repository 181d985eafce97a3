// Runs the unmodified Node SDK and speaks JSON lines: what it sees on stdout, orders on stdin.
//
// Started with one argument, the options of ../sdk_js/follow.js.
// Orders: {"do": "snapshot"}, {"do": "context", "attributes": {name: [value]}}, {"do": "revive"},
// {"do": "write", "key", "update": {"value"?, "updateValue"?, "lock"?}}, {"do": "quit"}; the end of
// stdin means quit.
'use strict';

const readline = require('readline');
const sdk = require('featurehub-javascript-node-sdk');
const { follow } = require('../sdk_js/follow.js');

const say = (line) => process.stdout.write(`${JSON.stringify({ ...line, at: Date.now() })}\n`);
const sayRejected = (error) => say({ event: 'rejected', error: String(error) });

// Polling has no listener for a refused connection, so an application needs this to survive one.
process.on('uncaughtException', (error) => say({ event: 'crashed', error: String(error) }));
process.on('unhandledRejection', sayRejected);

const { start, obey } = follow(sdk, JSON.parse(process.argv[2]), say);

const input = readline.createInterface({ input: process.stdin });
input.on('line', (line) => {
  const order = JSON.parse(line);
  if (order.do === 'quit') {
    process.exit(0);
  }
  obey(order).catch(sayRejected);
});
input.on('close', () => process.exit(0));

start().catch(sayRejected);
