// The Node SDK's evaluator as a contestant. The orders and reports are those of obey.py.

'use strict';

const readline = require('readline');
const { ClientEvalFeatureContext } = require('featurehub-javascript-client-sdk');
const { ApplyFeature } = require('featurehub-javascript-client-sdk/dist/strategy_matcher');

const KEY = 'FEATURE';
const LEAST_PASS = 1000;
const applier = new ApplyFeature();
const loaded = new Map();

const now = () => process.hrtime.bigint();
const since = (start) => Number(process.hrtime.bigint() - start);
const say = (report) => process.stdout.write(`${JSON.stringify(report)}\n`);

function contextOf(attributes) {
  const context = new ClientEvalFeatureContext(undefined, undefined);
  for (const [name, values] of Object.entries(attributes)) context.attributeValues(name, values);
  return context;
}

function onePass(inputs) {
  for (const [strategies, valueId, context] of inputs) {
    applier.apply(strategies, KEY, valueId, context);
  }
}

// The SDK evaluates the decoded strategies as they are: there is nothing to build.
function timeFirst(described) {
  const first = described.inputs[0];
  const context = contextOf(first.context);
  const start = now();
  onePass([[described.strategies[first.strategies], first.value_id, context]]);
  return since(start);
}

function load(described) {
  const coldNs = timeFirst(described);
  const inputs = described.inputs.map((each) => [
    described.strategies[each.strategies], each.value_id, contextOf(each.context),
  ]);
  const pass = [];
  while (pass.length < LEAST_PASS) pass.push(...inputs);
  loaded.set(described.name, { described, inputs, pass });
  say({ cold_ns: coldNs });
}

function outcomes({ inputs }) {
  return inputs.map(([strategies, valueId, context]) => {
    try {
      const applied = applier.apply(strategies, KEY, valueId, context);
      return [applied.matched, applied.value === undefined ? null : applied.value];
    } catch (error) {
      return null;
    }
  });
}

function time({ pass }, seconds) {
  const limitNs = seconds * 1e9;
  const start = now();
  const before = process.cpuUsage();
  for (let passes = 1; ; passes += 1) {
    onePass(pass);
    if (since(start) >= limitNs) {
      const { user, system } = process.cpuUsage(before);
      return { ns: (user + system) * 1e3, evaluations: passes * pass.length };
    }
  }
}

function timeBuild({ described }, times) {
  const firstNs = [];
  for (let count = 0; count < times; count += 1) firstNs.push(timeFirst(described));
  return { build_ns: firstNs.map(() => 0), first_ns: firstNs };
}

function obey(line) {
  const order = JSON.parse(line);
  if (order.load) load(order.load);
  else if (order.outcomes) say({ outcomes: outcomes(loaded.get(order.outcomes)) });
  else if (order.time) say(time(loaded.get(order.time), order.seconds));
  else say(timeBuild(loaded.get(order.build), order.times));
}

const { version } = require('featurehub-javascript-node-sdk/package.json');
say({ version: `featurehub-javascript-node-sdk ${version}`, interpreter: `node ${process.version}` });
readline.createInterface({ input: process.stdin }).on('line', obey);
