// Runs one Chromium and the web server of the page that the drivers open in it.
//
// Started with the path of Chromium. Says one JSON line, {"endpoint", "page"}: where the drivers
// find the browser, and the page's address. The end of stdin means quit.
'use strict';

const http = require('http');
const path = require('path');
const esbuild = require('esbuild');
const { chromium } = require('playwright-core');

const ARGUMENTS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

async function bundle() {
  const { outputFiles } = await esbuild.build({
    entryPoints: [path.join(__dirname, 'page.js')],
    bundle: true,
    format: 'iife',
    platform: 'browser',
    nodePaths: [process.env.NODE_PATH],
    write: false,
  });
  return outputFiles[0].text;
}

// An origin of its own: to the page, the party-server on another port is elsewhere.
function serve(script) {
  const html = `<!doctype html><meta charset="utf-8"><title>fh</title><script>${script}</script>`;
  const server = http.createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
    response.end(html);
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}/`));
  });
}

async function main(executablePath) {
  const page = await serve(await bundle());
  const browser = await chromium.launchServer({
    executablePath,
    headless: true,
    chromiumSandbox: false,
    host: '127.0.0.1',
    args: ARGUMENTS,
  });
  process.stdout.write(`${JSON.stringify({ endpoint: browser.wsEndpoint(), page })}\n`);
  process.stdin.resume();
  process.stdin.on('end', () => browser.close().finally(() => process.exit(0)));
}

main(process.argv[2]).catch((error) => {
  console.error(error);
  process.exit(1);
});
