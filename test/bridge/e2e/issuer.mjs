// Owns an issuer of tokens: keys, and an HTTP server that gives them away as a JWK set, well or badly.
import { generateKeyPairSync, sign as signWith } from 'node:crypto';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { now } from './support.mjs';

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** One signing key: a token of it by token(claims), and its public half as a JWK. */
export class SigningKey {
  #private;

  constructor(kid) {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#private = privateKey;
    this.kid = kid;
    this.jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' };
  }

  token(claims = {}) {
    const signed = `${encode({ alg: 'ES256', kid: this.kid })}.${encode({ role: 'authenticated', sub: 'anna', exp: now() + 3600, ...claims })}`;
    const signature = signWith('sha256', Buffer.from(signed), { key: this.#private, dsaEncoding: 'ieee-p1363' });
    return `${signed}.${signature.toString('base64url')}`;
  }
}

/**
 * A server of key sets. `answer(response)` may be replaced; by default it gives the keys in `keys`. `requests` counts. With
 * `tls` {key, cert} it speaks HTTPS.
 */
export class Issuer {
  requests = 0;
  keys = [];

  static async start({ keys = [], port = 0, tls } = {}) {
    const issuer = new Issuer();
    issuer.keys = keys;
    issuer.answer = issuer.giveKeys;
    const handle = (_request, response) => {
      issuer.requests++;
      issuer.answer(response);
    };
    issuer.server = tls ? createTlsServer(tls, handle) : createServer(handle);
    issuer.scheme = tls ? 'https' : 'http';
    await new Promise((resolve) => issuer.server.listen(port, '127.0.0.1', resolve));
    issuer.port = issuer.server.address().port;
    return issuer;
  }

  get url() {
    return `${this.scheme}://localhost:${this.port}/jwks`;
  }

  giveKeys(response) {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ keys: this.keys.map((key) => key.jwk) }));
  }

  async close() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
