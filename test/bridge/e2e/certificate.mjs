// Owns certificates that openssl makes for tests, and a bridge as its encrypted port shows it.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, startBridge } from './support.mjs';

/** Makes a key and a certificate for localhost, which it signs itself, in two PEM files. It ends after `days`, which may have passed. */
function makeCertificate(key, file, name, days) {
  const openssl = (...given) => execFileSync('openssl', given, { stdio: 'pipe' });
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', file, '-subj', `/CN=${name}`,
    '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1');
  openssl('x509', '-in', file, '-signkey', key, '-days', String(days), '-out', file);
}

/** A folder with a certificate, which replace() replaces as an operator does: by files that take the place of those before. */
export class CertificateFolder {
  #path = mkdtempSync(join(tmpdir(), 'pg_live_tls.'));

  constructor(name = 'localhost', days = 90) {
    this.file = join(this.#path, 'certificate.pem');
    this.key = join(this.#path, 'key.pem');
    makeCertificate(this.key, this.file, name, days);
  }

  /** What clients trust. */
  get authority() {
    return readFileSync(this.file);
  }

  path(name) {
    return join(this.#path, name);
  }

  replace(name) {
    makeCertificate(this.path('new_key.pem'), this.path('new.pem'), name, 90);
    renameSync(this.path('new_key.pem'), this.key);
    renameSync(this.path('new.pem'), this.file);
  }

  close() {
    rmSync(this.#path, { recursive: true });
  }
}

/** The same bridge for clients.mjs and raw-socket.mjs, by its encrypted port. `ca`: what clients trust. */
export function encrypted(bridge, port, ca) {
  return {
    port,
    ca,
    url: `https://localhost:${port}`,
    anonKey: bridge.anonKey,
    websocketUrl: (path = '/realtime/v1') => `wss://localhost:${port}${path}`,
    token: (claims) => bridge.token(claims),
  };
}

/** A bridge with an encrypted port: {plain, secure, port, certificate, metrics}, closed with the suite. */
export async function startEncrypted(database, closeLater, { flags = [], certificate = closeLater(new CertificateFolder()), hasMetrics = true } = {}) {
  const port = await freePort();
  const metricsPort = hasMetrics ? await freePort() : 0;
  const own = ['--tls-port', `${port}`, '--tls-certificate', certificate.file, '--tls-key', certificate.key, '--metrics-port', `${metricsPort}`];
  const plain = closeLater(await startBridge(database, { flags: [...own, ...flags] }));
  return { plain, secure: encrypted(plain, port, certificate.authority), port, certificate, metrics: `http://127.0.0.1:${metricsPort}/metrics` };
}
