// Owns asking a bridge by HTTP as a user, with JSON both ways.

/**
 * One request: {status, headers, text, body}, where body is what the JSON of the text says. `user` null: without a
 * token, unless `token` is one. A body that is a string is sent as it is.
 */
export async function ask(bridge, method, path, { user = 'anna', token = user && bridge.token({ sub: user }), body, headers = {} } = {}) {
  const response = await fetch(new URL(path, bridge.url), {
    method,
    headers: {
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: text ? JSON.parse(text) : undefined };
}

/** The header Link as {relation: address}; the addresses are resolved as a browser does it. */
export function linksOf(bridge, { headers }, request) {
  const links = (headers.get('link') ?? '').matchAll(/<([^>]*)>; rel="([a-z]+)"/g);
  return Object.fromEntries([...links].map(([, target, relation]) => [relation, new URL(target, new URL(request, bridge.url)).href]));
}
