// Owns requests to the bridge: a route of the contract, its arguments, and its answer with the position of its snapshot.
import { CommandError } from '../collaboration/transport';
import type { Routes } from './contract';

export type Route = keyof Routes;
export type Arguments<Name extends Route> = Routes[Name]['arguments'];

export interface Answered<Name extends Route> {
  value: Routes[Name]['answer'];
  /** Where the stream stood when it was read; null: the route tells none. */
  position: string | null;
}

const patience = 10_000;

/** `base`: the address of the bridge, without a slash at the end. Rejects with CommandError alone. */
export async function request<Name extends Route>(base: string, token: string, route: Name, given: Arguments<Name>): Promise<Answered<Name>> {
  const [method, path] = route.split(' ') as [string, string];
  const said = Object.entries(given).filter(([, value]) => value !== undefined);
  const inBody = method === 'POST' || method === 'PATCH';
  const query = inBody || said.length === 0 ? '' : `?${new URLSearchParams(said.map(([name, value]) => [name, String(value)]))}`;
  const headers: Record<string, string> = { Authorization: `Bearer ${token}` };
  if (inBody) headers['Content-Type'] = 'application/json';
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${base}${path}${query}`, {
      method,
      headers,
      cache: 'no-store',
      signal: AbortSignal.timeout(patience),
      ...(inBody ? { body: JSON.stringify(Object.fromEntries(said)) } : {}),
    });
    text = await response.text();
  } catch {
    throw new CommandError(`the server at ${base} cannot be reached`);
  }
  const answer = parsed(text);
  if (answer === undefined) throw new CommandError(`the server at ${base} answered ${response.status} with something else than JSON: is it pg-live-bridge?`);
  if (!response.ok) {
    const { error, code } = (answer ?? {}) as { error?: string; code?: string };
    throw new CommandError(error ?? `the server answered ${response.status}`, code ?? null);
  }
  return { value: answer as Routes[Name]['answer'], position: response.headers.get('Live-Position') };
}

function parsed(text: string): unknown {
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
