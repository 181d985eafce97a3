// Runs the unmodified Node SDK and speaks JSON lines: what it sees on stdout, orders on stdin.
//
// Started with one argument, {"url", "key", "mode": "sse" | "poll", "intervalSeconds", "context"?}.
// Orders: {"do": "snapshot"}, {"do": "context", "attributes": {name: [value]}}, {"do": "revive"},
// {"do": "quit"}; the end of stdin means quit.
'use strict';

const readline = require('readline');
const {
  ClientFeatureRepository,
  EdgeFeatureHubConfig,
  FeatureHubPollingClient,
  FHLog,
} = require('featurehub-javascript-node-sdk');

const options = JSON.parse(process.argv[2]);

const say = (line) => process.stdout.write(`${JSON.stringify({ ...line, at: Date.now() })}\n`);
for (const level of ['log', 'error', 'trace']) {
  FHLog.fhLog[level] = level === 'error' ? (...words) => console.error(...words.map(String)) : () => {};
}

// A repository of one's own is one of the SDK's extension points: this one looks on, no more.
class ObservedRepository extends ClientFeatureRepository {
  notify(state, data) {
    super.notify(state, data);
    say({ event: 'received', name: state });
    observe();
  }
}

const repository = new ObservedRepository();
const keys = new Set();
let seen = {};
let readiness;
let config;
let context;

function read(key) {
  const holder = context === undefined ? repository.feature(key) : context.feature(key);
  const value = holder.getType() === 'JSON' ? holder.getRawJson() : holder.value;
  return {
    exists: repository.feature(key).exists,
    version: holder.getVersion(),
    value: value === undefined ? null : value,
    locked: holder.isLocked(),
    type: holder.getType() || null,
  };
}

function readAll() {
  repository.simpleFeatures().forEach((_, key) => keys.add(key));
  return Object.fromEntries([...keys].map((key) => [key, read(key)]));
}

function observe() {
  const now = readAll();
  for (const [key, feature] of Object.entries(now)) {
    if (JSON.stringify(feature) !== JSON.stringify(seen[key])) {
      say({ event: 'change', key, ...feature });
    }
  }
  seen = now;
  if (repository.readyness !== readiness) {
    readiness = repository.readyness;
    say({ event: 'readiness', state: readiness });
  }
}

async function setContext(attributes) {
  context = config.newContext();
  context.clear();
  for (const [name, values] of Object.entries(attributes)) {
    context.attributeValues(name, values);
  }
  await context.build();
  observe();
}

async function start(attributes) {
  config = new EdgeFeatureHubConfig(options.url, options.key);
  config.repository(repository);
  if (options.mode === 'poll') {
    const interval = options.intervalSeconds * 1000;
    config.edgeServiceProvider((repo, cfg) => new FeatureHubPollingClient(repo, cfg, interval));
  }
  if (attributes === undefined) {
    config.init();
  } else {
    await setContext(attributes);
  }
}

let lastAttributes = options.context;

// What an application does when its SDK has given up: a new connection on the same repository.
async function revive() {
  config.forceClose();
  context = undefined;
  await start(lastAttributes);
}

const orders = {
  snapshot: () => say({ event: 'snapshot', features: readAll(), readiness: repository.readyness }),
  context: async ({ attributes }) => {
    lastAttributes = attributes;
    await setContext(attributes);
    say({ event: 'context_set' });
  },
  revive: async () => {
    await revive();
    say({ event: 'revived' });
  },
  quit: () => process.exit(0),
};

// Polling has no listener for a refused connection, so an application needs this to survive one.
process.on('uncaughtException', (error) => say({ event: 'crashed', error: String(error) }));
process.on('unhandledRejection', (error) => say({ event: 'rejected', error: String(error) }));

const input = readline.createInterface({ input: process.stdin });
input.on('line', (line) => {
  const order = JSON.parse(line);
  Promise.resolve(orders[order.do](order)).catch((error) => say({ event: 'rejected', error: String(error) }));
});
input.on('close', () => process.exit(0));

start(options.context).catch((error) => say({ event: 'rejected', error: String(error) }));
