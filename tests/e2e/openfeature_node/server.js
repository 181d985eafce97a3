// Runs OpenFeature's unmodified OFREP provider for servers and speaks JSON lines.
//
// Started with one argument, {"url", "key"}. Order: {"do": "evaluate", "type", "key", "default",
// "context": {"targetingKey"?, …}}; the end of stdin means quit.
'use strict';

const readline = require('readline');
const { OpenFeature } = require('@openfeature/server-sdk');
const { OFREPProvider } = require('@openfeature/ofrep-provider');

const { url, key } = JSON.parse(process.argv[2]);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const readers = {
  boolean: 'getBooleanDetails',
  string: 'getStringDetails',
  integer: 'getNumberDetails',
  float: 'getNumberDetails',
  object: 'getObjectDetails',
};

async function main() {
  const headers = { Authorization: `Bearer ${key}` };
  await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl: url, headers }));
  const client = OpenFeature.getClient();
  say({ event: 'ready' });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const order = JSON.parse(line);
    const found = await client[readers[order.type]](order.key, order.default, order.context);
    say({
      event: 'evaluated',
      value: found.value,
      reason: found.reason,
      variant: found.variant,
      error: found.errorCode,
      message: found.errorMessage,
      metadata: found.flagMetadata,
    });
  }
}

main();
