// Behaviour: the bridge describes its HTTP API, and the description and the bridge agree: each route is there, takes
// these methods and these arguments, and what is not described is not there.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { withBridge } from './fixture.mjs';
import { ask } from './http-client.mjs';

const methods = ['get', 'post', 'put', 'patch', 'delete'];

describe('the description of the HTTP API', () => {
  let bridge, document;
  withBridge({}, async (made) => {
    ({ bridge } = made);
    document = (await ask(bridge, 'GET', '/openapi.json', { user: null })).body;
  });

  /** Each described operation: {method, path, operation, key}; the path is an example, where it has parameters. */
  const operations = () =>
    Object.entries(document.paths).flatMap(([path, described]) =>
      Object.entries(described).map(([method, operation]) => ({
        method: method.toUpperCase(), operation, path: path.replace(/\{[a-z]+\}/g, 'x'), key: `${method} ${path}`,
      })));
  const isCommand = ({ path }) => path.startsWith('/api/') && !path.startsWith('/api/broadcast');

  test('is valid, needs no token, and says of each operation what it does', async () => {
    const { valid, errors } = await new Validator().validate(structuredClone(document));
    assert.ok(valid, JSON.stringify(errors));
    assert.ok(operations().length >= 28);
    for (const { operation, key } of operations()) assert.match(operation.summary ?? '', /^[a-z]/, key);
    const ids = operations().map(({ operation }) => operation.operationId);
    assert.equal(new Set(ids).size, ids.length);
  });

  test('names the methods of each path, and no other is taken', async () => {
    for (const [path, described] of Object.entries(document.paths)) {
      const example = path.replace(/\{[a-z]+\}/g, 'x');
      for (const method of methods) {
        const { status, body } = await ask(bridge, method.toUpperCase(), example, { body: method === 'get' || method === 'delete' ? undefined : {} });
        assert.equal(status !== 405, method in described, `${method} ${example}: ${status}`);
        assert.notEqual(body?.error, 'no such path', `${method} ${example}`);
      }
    }
  });

  test('knows every argument: what it names is none unknown, and what it does not name is refused', async () => {
    for (const { method, path, operation, key } of operations().filter(isCommand)) {
      const inQuery = ['GET', 'DELETE'].includes(method);
      const names = inQuery ? operation.parameters.map(({ name }) => name) : Object.keys(operation.requestBody.content['application/json'].schema.properties);
      const schemas = inQuery ? operation.parameters.map(({ schema }) => schema) : Object.values(operation.requestBody.content['application/json'].schema.properties);
      for (const schema of schemas) assert.ok(Object.keys(schema).length > 0, `${key}: an argument of which nothing is said`);
      for (const [argument, isKnown] of [...names.map((name) => [name, true]), ['unheard_of', false]]) {
        // A value that no command accepts, so that nothing happens.
        const { status, body } = await ask(bridge, method, inQuery ? `${path}?${argument}=%0A` : path, { body: inQuery ? undefined : { [argument]: '\n' } });
        assert.equal(/unknown argument/.test(body?.error ?? ''), !isKnown, `${key}, ${argument}: ${status} ${JSON.stringify(body)}`);
      }
    }
  });

  test('names each answer that a refusal gets', async () => {
    for (const { method, path, operation, key } of operations().filter(isCommand)) {
      const inQuery = ['GET', 'DELETE'].includes(method);
      for (const attempt of [{ user: null }, { user: null, token: bridge.anonKey }, { headers: { origin: 'https://evil.example' } }, {}, { body: '{' }]) {
        const { status, text } = await ask(bridge, method, path, { ...attempt, body: inQuery ? undefined : (attempt.body ?? {}) });
        assert.ok(String(status) in operation.responses, `${key} ${JSON.stringify(attempt)}: ${status} ${text}`);
        assert.notEqual(status, 500, `${key}: ${text}`);
      }
    }
  });
});
