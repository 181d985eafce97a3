// Runs the unmodified browser SDK in a page of its own in a running Chromium, and speaks the JSON
// lines of ../sdk_node/driver.js: what the page sees on stdout, orders on stdin.
//
// Started with one argument, the options of ../sdk_js/follow.js. FH_BROWSER and FH_PAGE are what
// browser.js said. Beyond what the SDK sees it tells what the page and the server exchange, as it
// was on the wire: {"event": "request", "id", "kind", "method", "url", "headers"},
// {"event": "response", "id", "status", "headers"} and {"event": "blocked", "id", "reason"}, where
// CORS stands between them. `kind` is "XHR" or "EventSource"; of a preflight, "Other".
'use strict';

const readline = require('readline');
const { chromium } = require('playwright-core');

const options = JSON.parse(process.argv[2]);

const say = (line) => process.stdout.write(`${JSON.stringify({ ...line, at: Date.now() })}\n`);
const sayRejected = (error) => say({ event: 'rejected', error: String(error) });

async function watchTraffic(page) {
  const devtools = await page.context().newCDPSession(page);
  // Of one exchange, what was asked, what went out and what came back is told in any order.
  const known = new Map();
  const learn = (id, news) => {
    known.set(id, { ...known.get(id), ...news });
    const { asked, sent, answer, saidRequest, saidAnswer } = known.get(id);
    if (asked && sent && !saidRequest) {
      known.get(id).saidRequest = true;
      const { method, url } = asked.request;
      say({ event: 'request', id, kind: asked.type, method, url, headers: sent });
    }
    if (asked && sent && answer && !saidAnswer) {
      known.get(id).saidAnswer = true;
      say({ event: 'response', id, status: answer.statusCode, headers: answer.headers });
    }
  };
  devtools.on('Network.requestWillBeSent', (asked) => {
    if (asked.request.url.startsWith(options.url)) {
      learn(asked.requestId, { asked });
    }
  });
  devtools.on('Network.requestWillBeSentExtraInfo', ({ requestId, headers }) =>
    learn(requestId, { sent: headers }),
  );
  devtools.on('Network.responseReceivedExtraInfo', (answer) => learn(answer.requestId, { answer }));
  devtools.on('Network.loadingFailed', ({ requestId, corsErrorStatus }) => {
    if (corsErrorStatus !== undefined) {
      say({ event: 'blocked', id: requestId, reason: corsErrorStatus.corsError });
    }
  });
  await devtools.send('Network.enable');
}

async function openPage() {
  const browser = await chromium.connect(process.env.FH_BROWSER);
  // A context is a profile of its own: storage, cache and connections are nobody else's.
  // Certificates of tests are signed by nobody whom a browser knows.
  const ignoreHTTPSErrors = options.url.startsWith('https:');
  const context = await browser.newContext({ ignoreHTTPSErrors });
  const page = await context.newPage();
  page.on('console', (message) => console.error(message.text()));
  page.on('pageerror', (error) => say({ event: 'crashed', error: String(error) }));
  page.on('crash', () => say({ event: 'crashed', error: 'the page' }));
  await page.exposeFunction('fhSay', say);
  await watchTraffic(page);
  await page.goto(process.env.FH_PAGE);
  await page.evaluate((given) => window.fhStart(given), options);
  return page;
}

async function main() {
  const opened = openPage();
  const input = readline.createInterface({ input: process.stdin });
  input.on('close', () => process.exit(0));
  input.on('line', (line) => {
    const order = JSON.parse(line);
    if (order.do === 'quit') {
      process.exit(0);
    }
    opened
      .then((page) => page.evaluate((given) => window.fhObey(given), order))
      .catch(sayRejected);
  });
  await opened;
}

main().catch(sayRejected);
