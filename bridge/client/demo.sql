-- Owns the demo's own schema: who may receive and send on the topics `room:*` of the demo page.
-- Invariant: it can be run again at any time. Needs the extension pg_live and the roles anon and authenticated.
begin;

create schema if not exists demo;
grant usage on schema demo to anon, authenticated;

-- All roles may receive in a room.
create or replace function demo.can_receive(topic text) returns boolean
  language sql stable parallel safe
  return topic is not null;

-- Only signed-in users may send in one.
create or replace function demo.can_send(topic text) returns boolean
  language sql stable parallel safe
  return topic is not null and live.user_id() is not null;

revoke execute on function demo.can_receive(text), demo.can_send(text) from public;
grant execute on function demo.can_receive(text), demo.can_send(text) to anon, authenticated;

select live.set_topic_rule('room:*', 'demo.can_receive(text)'::regprocedure, 'demo.can_send(text)'::regprocedure);

commit;
