-- Revoking tokens: what bridges are told, what they read, how long it is kept, and that only admins do it.
\unset ECHO
BEGIN;
SELECT no_plan();

CREATE FUNCTION pg_temp.told() RETURNS SETOF jsonb LANGUAGE sql AS $$
  SELECT payload FROM live_private.event_with_payload WHERE topic = '$token' AND event = 'token:revoked' ORDER BY id
$$;

SELECT live.revoke_tokens('anna', '2026-01-02 03:04:05.25+00', now() + interval '1 hour') \g /dev/null
SELECT live.revoke_token('one', now() + interval '1 hour') \g /dev/null
SELECT set_eq('SELECT live_private.token_revocations()', 'SELECT pg_temp.told()', 'bridges read what they are told');
SELECT is((SELECT payload - 'expires_at' FROM pg_temp.told() AS payload LIMIT 1), '{"user_id": "anna", "issued_before": 1767323045.250000}', 'the revocation of a user');
SELECT is((SELECT payload FROM pg_temp.told() AS payload OFFSET 1), jsonb_build_object('jti', 'one', 'expires_at', extract(epoch from now() + interval '1 hour')), 'the revocation of a token');
SELECT is(count(*), 2::bigint, 'as events that a crash does not lose') FROM live.event WHERE topic = '$token';

SELECT live.revoke_tokens('anna', '2025-01-01', now() + interval '1 minute'), live.revoke_token('one', now() + interval '1 minute') \g /dev/null
SELECT set_eq('SELECT user_id, jti, issued_before, expires_at FROM live_private.token_revocation',
  $$VALUES ('anna', NULL, '2026-01-02 03:04:05.25+00'::timestamptz, now() + interval '1 hour'), (NULL, 'one', NULL, now() + interval '1 hour')$$,
  'an earlier one takes nothing back');
SELECT live.revoke_tokens('anna', '2026-02-01'), live.revoke_tokens('ben') \g /dev/null
SELECT set_eq($$SELECT user_id, issued_before, expires_at FROM live_private.token_revocation WHERE user_id IS NOT NULL$$,
  $$VALUES ('anna', '2026-02-01'::timestamptz, greatest(now(), '2026-02-01') + interval '30 days'), ('ben', now(), now() + interval '30 days')$$,
  'by default all tokens up to now, kept for 30 days');
SELECT is(count(*), 6::bigint, 'each is told') FROM pg_temp.told();

SELECT live.revoke_token('old', now()), live.revoke_tokens('old', expires_at => now()) \g /dev/null
SELECT is(count(*), 6::bigint, 'expired tokens need no revocation') FROM pg_temp.told();
UPDATE live_private.token_revocation SET expires_at = now() WHERE jti = 'one' OR user_id = 'ben';
SELECT set_eq('SELECT payload ->> ''user_id'' FROM live_private.token_revocations() AS payload', '{anna}'::text[], 'an expired revocation has no effect');
SELECT live.revoke_token('two', now() + interval '1 hour') \g /dev/null
SELECT set_eq('SELECT coalesce(user_id, jti) FROM live_private.token_revocation', '{anna,two}'::text[], 'and is deleted by the next one');

SELECT live.erase_user('anna') \g /dev/null
SELECT is(count(*), 1::bigint, 'the tokens of an erased user stay revoked') FROM live_private.token_revocation WHERE user_id = 'anna';
SELECT is_empty($$SELECT payload FROM pg_temp.told() AS payload WHERE payload ->> 'user_id' = 'anna'$$, 'but no kept event names the user');

SELECT throws_ok(statement, code, NULL, statement) FROM (VALUES
  ('SELECT live.revoke_tokens(NULL)', '22004'), ($$SELECT live.revoke_tokens('a', NULL)$$, '22004'),
  ($$SELECT live.revoke_tokens('')$$, '22023'), ($$SELECT live.revoke_tokens(repeat('x', 256))$$, '22023'),
  ($$SELECT live.revoke_tokens('a', 'infinity')$$, '22023'), ($$SELECT live.revoke_tokens('a', '-infinity')$$, '22023'),
  ($$SELECT live.revoke_tokens('a', now(), 'infinity')$$, '22023'),
  ($$SELECT live.revoke_token(NULL, now())$$, '22004'), ($$SELECT live.revoke_token('a', NULL)$$, '22004'),
  ($$SELECT live.revoke_token('', now())$$, '22023'), ($$SELECT live.revoke_token(repeat('x', 256), now())$$, '22023'),
  ($$SELECT live.revoke_token('a', 'infinity')$$, '22023')) AS bad (statement, code);

SELECT ok(NOT has_function_privilege(role, f.oid, 'EXECUTE'), format('%s may not call %s', role, f.oid::regprocedure))
FROM pg_proc f, unnest('{anon,authenticated,service_role,live_bridge}'::text[]) AS role WHERE f.proname IN ('revoke_tokens', 'revoke_token');
SELECT ok(has_function_privilege(role, 'live_private.token_revocations()', 'EXECUTE') = (role = 'live_bridge'), format('who reads revocations: %s', role))
FROM unnest('{anon,authenticated,service_role,live_bridge}'::text[]) AS role;

SELECT finish();
ROLLBACK;
