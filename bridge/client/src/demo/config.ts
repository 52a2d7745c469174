// Owns config.json, which the demo script writes beside the page: the public key and a token for each demo user.
// Tokens in a public file are right for a demo on one's own machine and for nothing else.

export interface DemoConfig {
  anonKey: string;
  /** Name of a demo user to the JSON Web Token that signs them in. */
  users: Record<string, string>;
}

/** Reads and checks config.json. Throws with a sentence fit to show when it is missing or has another shape. */
export async function loadConfig(): Promise<DemoConfig> {
  const response = await fetch('config.json', { cache: 'no-store' });
  if (!response.ok) throw new Error('config.json is missing: start the page with "make demo"');
  const config: unknown = await response.json();
  if (!isConfig(config)) throw new Error('config.json needs "anonKey" and "users"');
  return config;
}

function isConfig(value: unknown): value is DemoConfig {
  if (typeof value !== 'object' || value === null) return false;
  const { anonKey, users } = value as Partial<DemoConfig>;
  if (typeof anonKey !== 'string' || typeof users !== 'object' || users === null) return false;
  return Object.values(users).every((token) => typeof token === 'string');
}
