// Runs infra/edge/redirect.js as CloudFront would: reads cases from standard input, writes answers.
// Only the module `cloudfront` is stood in for; the clock is set, and the event is the documented one.
import crypto from 'node:crypto';
import fs from 'node:fs';
import vm from 'node:vm';

const source = fs.readFileSync(process.argv[2], 'utf8') + '\nexport { handler };\n';
const cases = JSON.parse(fs.readFileSync(0, 'utf8'));
let store = {};
let reads = 0;

const kvs = {
  get: async (key, options) => {
    reads += 1;
    if (!Object.hasOwn(store, key)) {
      throw new Error('KeyNotFound');
    }
    return options.format === 'json' ? JSON.parse(store[key]) : store[key];
  },
};

async function load() {
  const exports = { cloudfront: { kvs: () => kvs }, crypto };
  const module = new vm.SourceTextModule(source);
  await module.link((name) => {
    const value = exports[name];
    return new vm.SyntheticModule(['default'], function () {
      this.setExport('default', value);
    });
  });
  await module.evaluate();
  return module.namespace.handler;
}

function values(headers) {
  const one = (value) => ({ value });
  const several = (all) => ({ value: all[0], multiValue: all.map(one) });
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? several(value) : one(value)]),
  );
}

const handler = await load();
const answers = [];
for (const each of cases) {
  const request = {
    method: each.method,
    uri: each.path,
    querystring: {},
    headers: values(each.headers),
    cookies: {},
    rawQueryString: () => each.query,
  };
  const before = JSON.stringify(request);
  store = each.store;
  reads = 0;
  Date.now = () => Date.parse(each.now);
  const context = { requestId: each.request_id, eventType: 'viewer-request' };
  const answer = await handler({ version: '1.0', context, viewer: { ip: '192.0.2.1' }, request });
  const passed = answer === request && JSON.stringify(request) === before;
  answers.push(passed ? { passed, reads } : { ...answer, passed, reads });
}
process.stdout.write(JSON.stringify(answers));
