// Runs OpenFeature's unmodified OFREP provider for pages and speaks JSON lines.
//
// Started with one argument, {"url", "key", "context", "options": the provider's own}. Orders:
// {"do": "evaluate", "type", "key", "default"}, {"do": "context", "context"}; the end of stdin means
// quit. What the provider tells of its own is said as {"event": "told", "name", "flags"?}.
'use strict';

const readline = require('readline');
const { OpenFeature, ProviderEvents } = require('@openfeature/web-sdk');
const { OFREPWebProvider } = require('@openfeature/ofrep-web-provider');

const { url, key, context, options } = JSON.parse(process.argv[2]);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const readers = {
  boolean: 'getBooleanDetails',
  string: 'getStringDetails',
  integer: 'getNumberDetails',
  float: 'getNumberDetails',
  object: 'getObjectDetails',
};

// It looks on: statuses and headers are nobody else's business.
async function observedFetch(request, init) {
  const answer = await fetch(request, init);
  say({ event: 'fetched', status: answer.status, query: new URL(request.url).search });
  return answer;
}

async function main() {
  for (const [name, event] of Object.entries(ProviderEvents)) {
    OpenFeature.addHandler(event, (details) =>
      say({ event: 'told', name, flags: details?.flagsChanged, message: details?.message }),
    );
  }
  await OpenFeature.setContext(context);
  const provider = new OFREPWebProvider({
    baseUrl: url,
    headers: [['Authorization', `Bearer ${key}`]],
    fetchImplementation: observedFetch,
    // There is no local storage here.
    cacheMode: 'disabled',
    ...options,
  });
  try {
    await OpenFeature.setProviderAndWait(provider);
    say({ event: 'ready' });
  } catch (error) {
    say({ event: 'refused', message: String(error) });
  }
  const client = OpenFeature.getClient();
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const order = JSON.parse(line);
    if (order.do === 'context') {
      await OpenFeature.setContext(order.context);
      say({ event: 'context_set' });
      continue;
    }
    const found = client[readers[order.type]](order.key, order.default);
    say({
      event: 'evaluated',
      value: found.value,
      reason: found.reason,
      variant: found.variant,
      error: found.errorCode,
      message: found.errorMessage,
      metadata: found.flagMetadata,
      status: client.providerStatus,
    });
  }
  process.exit(0);
}

main();
