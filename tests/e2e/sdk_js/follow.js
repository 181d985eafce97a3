// What a driver does with a JavaScript SDK, in Node and in a page alike: it says what the SDK sees
// and obeys the orders about it. The SDK is handed in, unmodified.
//
// Options: {"url", "key", "moreKeys", "mode": "sse" | "poll", "intervalSeconds", "context"?}.
'use strict';

function silence(sdk) {
  for (const level of ['log', 'error', 'trace']) {
    sdk.FHLog.fhLog[level] =
      level === 'error' ? (...words) => console.error(...words.map(String)) : () => {};
  }
}

function follow(sdk, options, say) {
  silence(sdk);

  // A repository of one's own is one of the SDK's extension points: this one looks on, no more.
  class ObservedRepository extends sdk.ClientFeatureRepository {
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
  let lastAttributes = options.context;

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

  function edgeService(repo, cfg) {
    return options.mode === 'poll'
      ? new sdk.FeatureHubPollingClient(repo, cfg, options.intervalSeconds * 1000)
      : new sdk.FeatureHubEventSourceClient(cfg, repo);
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

  async function start() {
    config = new sdk.EdgeFeatureHubConfig(options.url, options.key);
    for (const key of options.moreKeys) {
      config.apiKey(key);
    }
    config.repository(repository);
    config.edgeServiceProvider(edgeService);
    if (lastAttributes === undefined) {
      config.init();
    } else {
      await setContext(lastAttributes);
    }
  }

  const orders = {
    snapshot: () => say({ event: 'snapshot', features: readAll(), readiness: repository.readyness }),
    context: async ({ attributes }) => {
      lastAttributes = attributes;
      await setContext(attributes);
      say({ event: 'context_set' });
    },
    // What an application does when its SDK has given up: a new connection, the same repository.
    revive: async () => {
      config.forceClose();
      context = undefined;
      await start();
      say({ event: 'revived' });
    },
    write: async ({ key, update }) => {
      const accepted = await new sdk.FeatureUpdater(config).updateKey(key, update);
      say({ event: 'written', accepted });
    },
  };

  say({ event: 'started' });
  return { start, obey: async (order) => orders[order.do](order) };
}

module.exports = { follow };
