// Owns what the scripts in JavaScript need of the bridge that common.bash started: addresses and tokens.
import { sign } from '../test/bridge/e2e/support.mjs';

const { BRIDGE_PORT, PG_LIVE_JWT_SECRET: secret } = process.env;

export const bridge = {
  url: `http://127.0.0.1:${BRIDGE_PORT}`,
  websocketUrl: (path = '/realtime/v1') => `ws://127.0.0.1:${BRIDGE_PORT}${path}`,
  token: (claims) => sign(claims, secret),
  anonKey: sign({ role: 'anon' }, secret),
};
