-- Who may do what, for everything of the extension: nothing is PUBLIC's, definer functions are an explicit list, paths are
-- pinned, everything is documented, and the grant functions hand out exactly what is listed here.
\unset ECHO
BEGIN;
SELECT no_plan();

CREATE TEMP VIEW live_function AS
SELECT p.*, p.oid::regprocedure::text AS signature, l.lanname
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname IN ('live', 'live_private');
CREATE TEMP VIEW live_relation AS
SELECT c.*, c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('live', 'live_private') AND c.relkind IN ('r', 'p', 'v', 'm', 'S');

-- Documentation.
SELECT isnt(obj_description(oid, 'pg_proc'), NULL, format('function %s has a comment', signature)) FROM live_function ORDER BY signature;
SELECT isnt(obj_description(oid, 'pg_class'), NULL, format('relation %s has a comment', name))
FROM live_relation WHERE NOT relispartition ORDER BY name;
SELECT isnt(col_description(a.attrelid, a.attnum), NULL, format('column %s.%s has a comment', r.name, a.attname))
FROM live_relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE r.relkind IN ('r', 'p', 'v', 'm') AND NOT r.relispartition ORDER BY r.name, a.attnum;
SELECT is_empty($$SELECT format('%s.%s', r.name, a.attname) FROM live_relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
                  WHERE NOT r.relispartition AND col_description(a.attrelid, a.attnum) ~ '^(The same|[^ ]+\.?$|[^ ]+ [^ ]+\.$)' AND col_description(a.attrelid, a.attnum) !~ '^As in '$$,
                'the comment on each column says something by itself');
SELECT isnt(obj_description(oid, 'pg_namespace'), NULL, format('schema %s has a comment', nspname)) FROM pg_namespace WHERE nspname IN ('live', 'live_private');

-- What users see in \df live.*, \dt live.* and \dT live.*: the contract, and nothing else.
SELECT bag_eq($$SELECT proname::text FROM live_function WHERE pronamespace = 'live'::regnamespace$$, $$SELECT unnest('{
  version,jwt,claim,user_id,user_uuid,jwt_role,
  emit,send,replay,position,topic_access,set_topic_rule,drop_topic_rule,revoke_access,revoke_tokens,revoke_token,publish,fetch_events,drop_expired_events,status,explain_access,grant_client,grant_bridge,
  update_presence,get_presence,heartbeat,disconnect,go_offline,get_online_users,set_typing,get_typing,set_presence_visibility,expire_presence,
  channel_members,get_presence_summary,refresh_summaries,create_session,join_session,leave_session,end_session,set_role,remove_participant,set_read_only,
  submit_operations,get_operations,get_document,get_history,get_blame,restore_document,check_session,save_snapshot,session_json,key_between,get_session,get_sessions,move_cursor,yjs_state_vector,yjs_merge,yjs_diff,is_participant,my_sessions,follows,shares_session_with,
  log_activity,delete_activity,set_activity_visibility,audience,get_feed_activities,get_home_feed,get_entity_activities,get_feed_groups,
  get_notifications,mark_seen,mark_read,unread_count,follow,unfollow,get_trending,get_activity_trends,drop_expired_activities,
  register_entity_type,entity_id,track_activity,erase_user,to_activitystreams}'::text[])$$, 'the public functions are exactly these');
SELECT set_eq($$SELECT relname::text FROM live_relation WHERE relnamespace = 'live'::regnamespace AND relkind <> 'S'$$, $$SELECT unnest('{
  user_presence,presence,connection,typing,channel_presence,presence_summary,activity_stream,activity_key,activity_trends,
  collaboration_sessions,session_participants,operation,session_snapshot,event,signal}'::text[])$$, 'the public relations are exactly these');
SELECT set_eq($$SELECT typname::text FROM pg_type WHERE typnamespace = 'live'::regnamespace AND typtype IN ('e', 'd')$$, $$SELECT unnest('{
  presence_status,presence_mode,device_type,activity_visibility,participant_role,session_status,merge_policy}'::text[])$$, 'the public enums are exactly these');
SELECT isnt(obj_description(oid, 'pg_type'), NULL, format('type %s has a comment', oid::regtype))
FROM pg_type WHERE typnamespace IN ('live'::regnamespace, 'live_private'::regnamespace) AND typtype IN ('e', 'd');

-- What a function resolves by name, it resolves in a path of ours: C functions resolve nothing by name, SQL-standard
-- bodies were bound at installation, all others pin the path.
SELECT ok(CASE
            WHEN lanname = 'c' THEN proconfig IS NULL
            WHEN prosqlbody IS NOT NULL THEN proconfig IS NULL
            ELSE 'search_path=pg_catalog, pg_temp' = ANY (proconfig) END,
          format('function %s has a pinned path or needs none', signature))
FROM live_function ORDER BY signature;

-- Nothing depends on an object that a stranger could have placed in a search_path.
SELECT is_empty($$
  SELECT pg_describe_object(d.classid, d.objid, d.objsubid), pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid)
  FROM pg_depend d
  JOIN live_function f ON d.classid = 'pg_proc'::regclass AND d.objid = f.oid
  LEFT JOIN pg_proc p ON d.refclassid = 'pg_proc'::regclass AND p.oid = d.refobjid
  LEFT JOIN pg_class c ON d.refclassid = 'pg_class'::regclass AND c.oid = d.refobjid
  WHERE coalesce(p.pronamespace, c.relnamespace) NOT IN ('pg_catalog'::regnamespace, 'live'::regnamespace, 'live_private'::regnamespace)
$$, 'functions refer to objects of pg_catalog and of the extension only');

-- Definer functions do what a caller may not do: each is listed.
SELECT set_eq($$SELECT proname FROM live_function WHERE prosecdef$$,
  $$VALUES ('drop_expired_events'::name), ('drop_topic_rule'), ('publish'), ('revoke_access'), ('revoke_tokens'), ('revoke_token'), ('token_revocations'),
           ('set_topic_rule'), ('status'), ('stream_state'), ('position'), ('topic_rule_of'),
           ('create_session'), ('join_session'), ('leave_session'), ('end_session'), ('set_role'), ('remove_participant'), ('set_read_only'), ('submit_operations'), ('get_document'), ('get_blame'), ('restore_document'), ('save_snapshot'),
           ('get_session'), ('get_sessions'), ('joined_session'), ('move_cursor'), ('move_cursors'), ('enter_sessions'), ('exit_sessions'),
           ('create_session'), ('join_session'), ('leave_session'), ('end_session'), ('set_role'), ('remove_participant'), ('set_read_only'), ('submit_operations'), ('get_document'),
           ('get_session'), ('get_sessions'), ('joined_session'), ('move_cursor'), ('move_cursors'), ('enter_sessions'), ('exit_sessions'), ('submit_each'),
           ('my_sessions'), ('is_participant'), ('shares_session_with'), ('follows'),
           ('presence_rule_in_force'), ('seen_users'), ('set_presence_visibility'), ('update_presence'), ('heartbeat'), ('heartbeat_of_socket'), ('node_expiry'), ('disconnect'), ('go_offline'),
           ('expire_presence'), ('register_node'), ('renew_node'), ('retire_node'), ('connect_users'), ('disconnect_users'), ('report_activity'), ('has_connection'),
           ('store_channel_presence'), ('refused_members'), ('channel_roster'), ('get_presence_summary'), ('refresh_summaries'),
           ('my_follows'), ('follow'), ('unfollow'), ('register_entity_type'), ('entity_type_of'), ('delete_activity'), ('set_activity_visibility'),
           ('get_feed_activities'), ('get_home_feed'), ('get_entity_activities'), ('get_feed_groups'), ('get_notifications'), ('mark_seen'), ('mark_read'), ('unread_count'),
           ('get_trending'), ('get_activity_trends'), ('erase_user'), ('drop_expired_activities'), ('own_audience')$$,
  'the SECURITY DEFINER functions are exactly these');
SELECT set_eq($$SELECT proname FROM live_function WHERE provolatile = 'i'$$,
  $$VALUES ('is_built_in_topic'::name), ('check_revocation_time'), ('parse_position'), ('checked_text'), ('is_name'), ('derived_status'), ('shown_device'), ('default_lease'),
           ('position_before'), ('activity_cursor'), ('parse_activity_cursor'), ('checked_page'), ('feed_conditions'), ('feed_branch'), ('feed_statement'), ('names_user'), ('feed_group_key'), ('feed_group_statement'), ('log_sum'),
           ('trend_moment'), ('activitystreams_type'), ('activitystreams_urn'), ('end_of_json'), ('printed_size'), ('key_between'), ('yjs_ranges'), ('yjs_snapshot_fault'), ('yjs_state_vector'), ('yjs_merge'), ('yjs_diff')$$, 'the immutable functions are exactly these');
SELECT set_eq($$SELECT proname FROM live_function WHERE proparallel = 's' AND lanname = 'c'$$,
  $$VALUES ('jwt'::name), ('claim'), ('user_id'), ('user_uuid'), ('jwt_role'), ('version'),
           ('clock'), ('idle_after'), ('grace_period'), ('entity_id'), ('checked_metadata'), ('is_sendable'), ('printed_size'), ('is_topic_name'), ('ended_xids'), ('changed_text'), ('blame_text'), ('text_difference'),
           ('json_path'), ('json_leaves'), ('changed_json'), ('key_between'), ('yjs_ranges'), ('yjs_snapshot_fault'), ('yjs_state_vector'), ('yjs_merge'), ('yjs_diff')$$, 'the parallel safe C functions are exactly these');
SELECT is(provolatile, 's', format('%s is stable', signature))
FROM live_function WHERE proname IN ('jwt', 'claim', 'user_id', 'user_uuid', 'jwt_role') ORDER BY signature;

-- PUBLIC has nothing; some tables and one view may be read by clients, under row security, and nothing else is granted.
CREATE TEMP TABLE client_relation AS SELECT unnest('{live.presence,live_private.due_presence,live.user_presence,live_private.invisible_user,live.connection,
  live.typing,live.channel_presence,live.collaboration_sessions,live.session_participants,live.operation,live.session_snapshot,live_private.json_document,live_private.json_leaf,live_private.follow_edge,
  live.activity_stream,live.activity_key,live_private.activity_audience,live_private.notification_state,live_private.notification_read}'::text[]) AS name;
SELECT ok(NOT EXISTS (SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) AS acl WHERE acl.grantee = 0),
          format('PUBLIC may not execute %s', signature))
FROM live_function ORDER BY signature;
SELECT ok(NOT EXISTS (SELECT FROM aclexplode(relacl) AS acl WHERE acl.grantee <> relowner), format('%s as a whole is granted to nobody', name))
FROM live_relation ORDER BY name;
SELECT is_empty($$SELECT name, a.attname, acl.* FROM live_relation r JOIN pg_attribute a ON a.attrelid = r.oid CROSS JOIN aclexplode(a.attacl) AS acl
  WHERE acl.privilege_type <> 'SELECT' OR acl.is_grantable OR name NOT IN (TABLE client_relation) OR a.attnum < 0
     OR (name = 'live.channel_presence' AND a.attname IN ('connection', 'node_id'))
     OR acl.grantee NOT IN ('anon'::regrole, 'authenticated'::regrole, 'service_role'::regrole)$$,
  'columns are granted for reading only, where that is meant, and no system column of any relation');
SELECT is_empty($$SELECT name, a.attname FROM live_relation r JOIN pg_attribute a ON a.attrelid = r.oid
  WHERE name IN (TABLE client_relation) AND a.attnum > 0 AND NOT a.attisdropped AND NOT has_column_privilege('authenticated', r.oid, a.attnum, 'SELECT')
    AND NOT (name = 'live.channel_presence' AND a.attname IN ('connection', 'node_id'))$$, 'clients read all the others');
SELECT ok(relrowsecurity, format('%s has row security', name)) FROM live_relation WHERE relkind IN ('r', 'p') ORDER BY name;
SELECT is_empty($$SELECT acl.* FROM pg_namespace n, aclexplode(n.nspacl) AS acl
                  WHERE n.nspname IN ('live', 'live_private') AND (acl.grantee = 0 OR acl.privilege_type = 'CREATE' AND acl.grantee <> n.nspowner)$$,
                'PUBLIC may not use the schema, and nobody but the owner create in it');
SELECT is_empty($$SELECT oid::regclass FROM pg_class WHERE relnamespace IN ('live'::regnamespace, 'live_private'::regnamespace)
                  AND relowner <> (SELECT nspowner FROM pg_namespace WHERE oid = relnamespace)$$,
                'the owner of the schema owns all relations');

-- What the contract names: parameters, their names, types and defaults, and the result.
SELECT is(pg_get_function_arguments(p.oid) || ' -> ' || pg_get_function_result(p.oid), expected.signature,
          format('live.%s has the signature of the contract', expected.name))
FROM (VALUES
  ('jwt', ' -> jsonb'),
  ('claim', 'name text -> text'),
  ('user_id', ' -> text'),
  ('user_uuid', ' -> uuid'),
  ('jwt_role', ' -> text'),
  ('emit', 'topic text, event text, payload jsonb, durable boolean DEFAULT true -> bigint'),
  ('send', 'topic text, event text, payload jsonb, durable boolean DEFAULT false -> bigint'),
  ('replay', 'topic text, after_position text DEFAULT NULL::text, since timestamp with time zone DEFAULT NULL::timestamp with time zone, '
             'max_events integer DEFAULT 1000 -> TABLE("position" text, event text, payload jsonb, created_at timestamp with time zone)'),
  ('position', ' -> text'),
  ('topic_access', 'topic text, OUT can_receive boolean, OUT can_send boolean -> SETOF record'),
  ('set_topic_rule', 'pattern text, receive_check regprocedure DEFAULT NULL::regprocedure, send_check regprocedure DEFAULT NULL::regprocedure -> void'),
  ('drop_topic_rule', 'pattern text -> void'),
  ('revoke_access', 'topic text, user_id text DEFAULT NULL::text -> void'),
  ('revoke_tokens', 'user_id text, issued_before timestamp with time zone DEFAULT now(), expires_at timestamp with time zone DEFAULT NULL::timestamp with time zone -> void'),
  ('revoke_token', 'jti text, expires_at timestamp with time zone -> void'),
  ('explain_access', 'topic text, user_id text DEFAULT NULL::text, role name DEFAULT ''authenticated''::name -> TABLE(step text, decided_by text, can_receive boolean, can_send boolean)'),
  ('update_presence', 'mode live.presence_mode DEFAULT NULL::live.presence_mode, custom_status text DEFAULT NULL::text, '
                      'device_type live.device_type DEFAULT NULL::live.device_type, metadata jsonb DEFAULT NULL::jsonb -> live.presence'),
  ('get_presence', 'user_id text DEFAULT NULL::text -> live.presence'),
  ('heartbeat', 'connection_id uuid, device_type live.device_type DEFAULT ''other''::live.device_type, active boolean DEFAULT true, '
                'ttl interval DEFAULT ''00:01:30''::interval -> live.presence'),
  ('disconnect', 'connection_id uuid -> void'),
  ('go_offline', ' -> void'),
  ('get_online_users', 'max_users integer DEFAULT 100, after_cursor text DEFAULT NULL::text, statuses live.presence_status[] DEFAULT NULL::live.presence_status[] -> '
                       'TABLE(user_id text, status live.presence_status, custom_status text, device_type live.device_type, '
                       'last_seen_at timestamp with time zone, cursor text)'),
  ('get_presence_summary', ' -> TABLE(status live.presence_status, device_type live.device_type, users bigint)'),
  ('refresh_summaries', ' -> integer'),
  ('set_typing', 'location text, is_typing boolean -> void'),
  ('get_typing', 'location text -> text[]'),
  ('channel_members', 'topic text -> TABLE(key text, user_id text, meta jsonb, joined_at timestamp with time zone)'),
  ('set_presence_visibility', 'rule text, check_function regprocedure DEFAULT NULL::regprocedure -> void'),
  ('expire_presence', ' -> integer'),
  ('log_activity', 'activity_type text, entity_type text DEFAULT NULL::text, entity_id text DEFAULT NULL::text, metadata jsonb DEFAULT ''{}''::jsonb, '
                   'visibility live.activity_visibility DEFAULT ''public''::live.activity_visibility, session_id uuid DEFAULT NULL::uuid, audience text[] DEFAULT NULL::text[], '
                   'idempotency_key text DEFAULT NULL::text -> live.activity_stream'),
  ('delete_activity', 'id bigint -> void'),
  ('set_activity_visibility', 'id bigint, visibility live.activity_visibility, audience text[] DEFAULT NULL::text[] -> void'),
  ('get_feed_activities', 'max_activities integer DEFAULT 50, after_cursor text DEFAULT NULL::text, activity_types text[] DEFAULT NULL::text[], actor text DEFAULT NULL::text, '
                          'entity_type text DEFAULT NULL::text, entity_id text DEFAULT NULL::text, session_id uuid DEFAULT NULL::uuid, '
                          'since timestamp with time zone DEFAULT NULL::timestamp with time zone, until timestamp with time zone DEFAULT NULL::timestamp with time zone, '
                          'metadata jsonb DEFAULT NULL::jsonb, backwards boolean DEFAULT false -> '
     'TABLE(id bigint, user_id text, activity_type text, entity_type text, entity_id text, metadata jsonb, visibility live.activity_visibility, session_id uuid, created_at timestamp with time zone, cursor text)'),
  ('get_home_feed', 'max_activities integer DEFAULT 50, after_cursor text DEFAULT NULL::text, activity_types text[] DEFAULT NULL::text[] -> '
     'TABLE(id bigint, user_id text, activity_type text, entity_type text, entity_id text, metadata jsonb, visibility live.activity_visibility, session_id uuid, created_at timestamp with time zone, cursor text)'),
  ('get_entity_activities', 'entity_type text, entity_id text, max_activities integer DEFAULT 50, after_cursor text DEFAULT NULL::text -> '
     'TABLE(id bigint, user_id text, activity_type text, entity_type text, entity_id text, metadata jsonb, visibility live.activity_visibility, session_id uuid, created_at timestamp with time zone, cursor text)'),
  ('get_feed_groups', 'max_groups integer DEFAULT 20, after_cursor text DEFAULT NULL::text, "grouping" text DEFAULT ''verb-entity-day''::text -> '
                      'TABLE(group_key text, activity_type text, entity_type text, entity_id text, actor_count bigint, actors text[], activity_count bigint, '
                      'latest_at timestamp with time zone, unread boolean, cursor text)'),
  ('get_notifications', 'max_activities integer DEFAULT 50, after_cursor text DEFAULT NULL::text -> '
     'TABLE(id bigint, user_id text, activity_type text, entity_type text, entity_id text, metadata jsonb, visibility live.activity_visibility, session_id uuid, created_at timestamp with time zone, cursor text, seen boolean, read boolean)'),
  ('mark_seen', 'up_to bigint DEFAULT NULL::bigint -> void'),
  ('mark_read', 'ids bigint[] DEFAULT NULL::bigint[] -> void'),
  ('unread_count', ' -> bigint'),
  ('follow', 'user_id text -> void'),
  ('unfollow', 'user_id text -> void'),
  ('get_trending', 'entity_type text DEFAULT NULL::text, max_entities integer DEFAULT 20 -> TABLE(entity_type text, entity_id text, score double precision)'),
  ('register_entity_type', 'name text, relation regclass, key_column name -> void'),
  ('erase_user', 'user_id text -> void'),
  ('to_activitystreams', 'activity live.activity_stream -> jsonb'),
  ('create_session', 'room_name text, policy live.merge_policy DEFAULT ''text''::live.merge_policy, initial_document text DEFAULT NULL::text, is_public boolean DEFAULT false, '
                     'max_participants integer DEFAULT NULL::integer, metadata jsonb DEFAULT ''{}''::jsonb -> live.collaboration_sessions'),
  ('join_session', 'room_name text DEFAULT NULL::text, session_id uuid DEFAULT NULL::uuid, create_if_missing boolean DEFAULT false -> jsonb'),
  ('leave_session', 'session_id uuid -> void'),
  ('end_session', 'session_id uuid -> void'),
  ('set_role', 'session_id uuid, user_id text, role live.participant_role -> void'),
  ('remove_participant', 'session_id uuid, user_id text -> void'),
  ('submit_operations', 'session_id uuid, base_version bigint, operations jsonb, client_id text, key text DEFAULT NULL::text -> jsonb'),
  ('get_operations', 'session_id uuid, after_version bigint DEFAULT 0, max_operations integer DEFAULT 1000 -> '
                     'TABLE(version bigint, user_id text, client_id text, operation jsonb, created_at timestamp with time zone)'),
  ('get_document', 'session_id uuid, version bigint DEFAULT NULL::bigint -> text'),
  ('get_history', 'session_id uuid, after_version bigint DEFAULT 0, max_operations integer DEFAULT 100 -> '
                  'TABLE(version bigint, user_id text, created_at timestamp with time zone, size integer)'),
  ('get_blame', 'session_id uuid, at_version bigint DEFAULT NULL::bigint -> '
                'TABLE(from_position integer, to_position integer, version bigint, user_id text, created_at timestamp with time zone, text text)'),
  ('restore_document', 'session_id uuid, version bigint -> jsonb'),
  ('check_session', 'session_id uuid -> jsonb'),
  ('save_snapshot', 'session_id uuid, version bigint, snapshot bytea -> void'),
  ('session_json', 'session_id uuid -> jsonb'),
  ('key_between', 'before text, after text -> text'),
  ('yjs_state_vector', 'updates bytea[] -> bytea'),
  ('yjs_merge', 'updates bytea[] -> bytea'),
  ('yjs_diff', 'update bytea, state_vector bytea -> bytea'),
  ('get_session', 'session_id uuid -> jsonb'),
  ('get_sessions', 'max_sessions integer DEFAULT 50, after_cursor text DEFAULT NULL::text, mine boolean DEFAULT true -> TABLE(session_id uuid, room_name text, policy live.merge_policy, '
                   'role live.participant_role, head bigint, active_participants integer, updated_at timestamp with time zone, cursor text)'),
  ('move_cursor', 'session_id uuid, cursor jsonb -> void'),
  ('is_participant', 'session_id uuid, at_least live.participant_role DEFAULT ''viewer''::live.participant_role -> boolean'),
  ('my_sessions', ' -> SETOF uuid'),
  ('follows', 'user_id text -> boolean'),
  ('shares_session_with', 'user_id text -> boolean'),
  ('publish', ' -> bigint'),
  ('status', ' -> jsonb'),
  ('grant_client', 'role regrole -> void'),
  ('grant_bridge', 'role regrole -> void'),
  ('fetch_events', 'after_batch bigint, after_id bigint DEFAULT NULL::bigint, max_events integer DEFAULT 10000 -> '
                   'TABLE(batch bigint, id bigint, topic text, event text, payload jsonb, durable boolean, created_at timestamp with time zone)')
) AS expected (name, signature)
LEFT JOIN pg_proc p ON p.pronamespace IN ('live'::regnamespace, 'live_private'::regnamespace) AND p.proname = expected.name;

-- The grant functions, with roles whose names need quoting.
CREATE FUNCTION pg_temp.executable(role regrole) RETURNS SETOF name LANGUAGE sql AS
$$ SELECT f.proname FROM live_function f WHERE has_function_privilege(role, f.oid, 'EXECUTE') $$;
CREATE FUNCTION pg_temp.is_member(member regrole, role regrole) RETURNS boolean LANGUAGE sql AS
$$ SELECT pg_has_role(member::oid, role::oid, 'MEMBER') $$;
CREATE TEMP TABLE client_function AS SELECT unnest('{version,jwt,claim,user_id,user_uuid,jwt_role,is_built_in_topic,is_topic_name,is_open_room,topic_rule_of,
  topic_access,send,replay,replay_start,position,newest_batch,await_published,clock,idle_after,checked_metadata,required_user,create_session,join_session,leave_session,end_session,set_role,remove_participant,set_read_only,
  submit_operations,get_operations,page_of_operations,oldest_version,require_kept,require_page,get_document,get_history,get_blame,restore_document,save_snapshot,session_json,json_of_leaves,key_between,get_session,get_sessions,joined_session,move_cursor,yjs_state_vector,yjs_merge,yjs_diff,my_sessions,is_participant,shares_session_with,follows,
  is_alive,presence_rule_in_force,seen_users,can_see_presence,derived_status,shown_device,presence_of,get_presence,update_presence,disconnect,go_offline,
  heartbeat,heartbeat_of_socket,node_expiry,get_online_users,get_presence_summary,set_typing,set_typing_of_socket,get_typing,channel_members,
  my_follows,follow,unfollow,entity_type_of,entity_id,require_entity,activity_cursor,visible_audience,own_audience,audience,log_activity,delete_activity,set_activity_visibility,get_feed_activities,get_home_feed,
  get_entity_activities,get_feed_groups,get_notifications,mark_seen,mark_read,unread_count,get_trending,get_activity_trends,to_activitystreams,
  activitystreams_type,activitystreams_urn,activitystreams_time}'::name[]);
CREATE TEMP TABLE bridge_function AS SELECT unnest('{version,newest_batch,token_revocations,fetch_events,await_batch,publish,drop_expired_events,status,stream_state,
  expire_presence,register_node,renew_node,retire_node,connect_users,disconnect_users,report_activity,has_connection,
  store_channel_presence,refused_members,channel_roster,enter_sessions,exit_sessions,move_cursors,submit_each,refresh_summaries,drop_expired_activities,default_lease,idle_after}'::name[]);
CREATE ROLE "Weird Role";
CREATE ROLE "quote""d; drop";
CREATE ROLE "SELECT";
CREATE ROLE "client B";
CREATE ROLE "Bridge" LOGIN NOINHERIT;
CREATE ROLE "bridge 2" LOGIN NOINHERIT;

SELECT is_empty($$SELECT pg_temp.executable('"Weird Role"')$$, 'a new role may execute nothing');
SELECT ok(NOT has_schema_privilege('"Weird Role"'::regrole, 'live', 'USAGE'), 'nor use the schema');
SELECT lives_ok(format('SELECT live.grant_client(%L)', role), format('grant_client(%s)', role))
FROM unnest('{"\"Weird Role\"","\"quote\"\"d; drop\"","\"SELECT\""}'::text[]) AS role;
SELECT bag_eq(format('SELECT pg_temp.executable(%L)', role), 'TABLE client_function', format('clients may execute exactly the client functions: %s', role))
FROM unnest('{"\"Weird Role\"","\"quote\"\"d; drop\"","\"SELECT\"",anon,authenticated,service_role}'::text[]) AS role;
SELECT ok(has_schema_privilege('"Weird Role"'::regrole, 'live', 'USAGE') AND NOT has_schema_privilege('"Weird Role"'::regrole, 'live', 'CREATE'),
          'clients may use the schema and not create in it');
SELECT lives_ok($$SELECT live.grant_client('"Weird Role"')$$, 'granting twice changes nothing');

-- Bridges become clients: whichever is granted first, each bridge is a member of each client role.
SELECT lives_ok($$SELECT live.grant_bridge('"Bridge"')$$, 'grant_bridge');
SELECT bag_eq($$SELECT pg_temp.executable('"Bridge"')$$, 'TABLE bridge_function', 'a NOINHERIT bridge may execute exactly the bridge functions');
SELECT ok(pg_temp.is_member('"Bridge"', role::regrole), format('the new bridge is a member of %s, a client before it', role))
FROM unnest('{"\"Weird Role\"","\"SELECT\"",anon,authenticated,service_role}'::text[]) AS role;
SELECT ok(NOT pg_temp.is_member('"Bridge"', '"client B"'), 'and not of a role that is no client');
SELECT lives_ok($$SELECT live.grant_client('"client B"')$$, 'a client granted after the bridge');
SELECT ok(pg_temp.is_member(bridge::regrole, '"client B"'), format('makes %s a member too', bridge)) FROM unnest('{"\"Bridge\"",live_bridge}'::text[]) AS bridge;
SELECT lives_ok($$SELECT live.grant_bridge('"bridge 2"')$$, 'a second bridge');
SELECT ok(pg_temp.is_member('"bridge 2"', role::regrole), format('is a member of %s', role)) FROM unnest('{"\"client B\"",anon}'::text[]) AS role;
SELECT ok(NOT pg_temp.is_member('"Bridge"', '"bridge 2"') AND NOT pg_temp.is_member('"bridge 2"', '"Bridge"'), 'bridges are no members of one another');
SELECT ok(NOT pg_temp.is_member('anon', 'live_bridge') AND NOT pg_temp.is_member('"client B"', 'anon'), 'clients become nobody');
SELECT is_empty($$SELECT rolname FROM pg_roles r JOIN pg_auth_members m ON m.member = r.oid
                  WHERE r.rolname IN ('Bridge', 'bridge 2', 'live_bridge') AND m.admin_option$$, 'and no bridge may pass a membership on');

-- Who may execute everything is neither a client nor a bridge by that.
CREATE ROLE chief;
CREATE ROLE deputy;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA live, live_private TO chief, deputy;
SELECT lives_ok($$SELECT live.grant_client('anon'), live.grant_bridge('live_bridge')$$, 'grants go on beside roles that may execute everything');
SELECT ok(NOT pg_temp.is_member('live_bridge', 'chief') AND NOT pg_temp.is_member('chief', 'anon') AND NOT pg_temp.is_member('chief', 'deputy'), 'which become members of nobody, and nobody of them');
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA live, live_private FROM chief, deputy;
CREATE ROLE emperor SUPERUSER;
SELECT throws_ok($$SELECT live.grant_client('emperor')$$, '0LP01', NULL, 'no superuser is a client');
SELECT throws_ok($$SELECT live.grant_client('live_bridge')$$, '0LP01', NULL, 'no bridge is a client');
SELECT throws_ok($$SELECT live.grant_bridge('anon')$$, '0LP01', NULL, 'and no client a bridge');
SELECT is_empty($$SELECT i.objoid FROM pg_init_privs i CROSS JOIN aclexplode(i.initprivs) AS acl
  WHERE acl.grantee IN ('anon'::regrole, 'authenticated'::regrole, 'service_role'::regrole)
    AND (i.classoid = 'pg_proc'::regclass AND i.objoid IN (SELECT oid FROM live_function) OR i.classoid = 'pg_class'::regclass AND i.objoid IN (SELECT oid FROM live_relation))$$,
  'no grant of the installation is among the initial privileges');

SELECT throws_ok(call, state, NULL, call) FROM (VALUES
  ('SELECT live.grant_client(NULL)', '22004'), ('SELECT live.grant_bridge(NULL)', '22004'),
  ($$SELECT live.grant_client('absent')$$, '42704'), ($$SELECT live.grant_bridge('-')$$, '42704'),
  ($$SELECT live.grant_client('-')$$, '42704'), ('SELECT live.grant_client(4294967295::oid)', '42704')) AS bad (call, state);

-- As a role: the error of a statement run as a role, '' if there is none.
CREATE FUNCTION pg_temp.state_as(role text, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('role', role, true);
  EXECUTE statement;
  RAISE 'rolled back' USING ERRCODE = 'UNDO1';
EXCEPTION WHEN OTHERS THEN
  RETURN CASE SQLSTATE WHEN 'UNDO1' THEN '' ELSE SQLSTATE END;
END
$$;
CREATE ROLE stranger;
CREATE TEMP TABLE call (statement text, client text, bridge text);
INSERT INTO call VALUES -- what each may do: '' works, otherwise the error
  ('SELECT live.version()', '', ''),
  ('SELECT live.user_id()', '', '42501'),
  ('SELECT live.jwt()', '', '42501'),
  ('SELECT live.claim(''sub'')', '', '42501'),
  ('SELECT live.topic_access(''activity'')', '', '42501'),
  ('SELECT live.replay(''activity'')', '', '42501'),
  ('SELECT live.emit(''t'', ''e'', ''{}'')', '42501', '42501'),
  ('SELECT live_private.newest_batch()', '', ''),
  ('SELECT live_private.await_published(''activity'', ''0-0'')', '', '42501'),
  ('SELECT live_private.begin_lifetime()', '42501', '42501'),
  ('SELECT live.fetch_events(0, NULL, 1)', '42501', ''),
  ('CALL live_private.await_batch(0, 0)', '42501', '25001'),
  ('SELECT live.status()', '42501', ''),
  ('SELECT live.drop_expired_events()', '42501', ''),
  ('SELECT live_private.store_batches(''3:3:'', ''3:3:'', 1, 1, true)', '42501', '42501'),
  ('SELECT live_private.replay_start(''activity'')', '', '42501'),
  ('SELECT live_private.replay_events(''activity'', NULL, NULL, 1)', '42501', '42501'),
  ('SELECT live_private.start_of_latest(''activity'', NULL, 1)', '42501', '42501'),
  ('SELECT live_private.publish_lag()', '42501', '42501'),
  ('SELECT live.set_topic_rule(''a'')', '42501', '42501'),
  ('SELECT live.drop_topic_rule(''a'')', '42501', '42501'),
  ('SELECT live.revoke_access(''a'')', '42501', '42501'),
  ('SELECT live.grant_client(''stranger'')', '42501', '42501'),
  ('SELECT live.grant_bridge(''stranger'')', '42501', '42501'),
  ('SELECT live_private.grant_memberships()', '42501', '42501'),
  ('SELECT nextval(''live_private.event_id'')', '42501', '42501'),
  ('CREATE TABLE live.mine ()', '42501', '42501'), ('CREATE TABLE live_private.mine ()', '42501', '42501'),
  ('SELECT live.expire_presence()', '42501', ''),
  ('SELECT live_private.connect_users(NULL, ''{}'', ''{}'')', '42501', '55000'),
  ('SELECT live_private.announce(''{anna}'')', '42501', '42501'),
  ('SELECT live_private.store_typing(''a'', true)', '42501', '42501'),
  ('SELECT live_private.typing_users(''a'')', '42501', '42501'),
  ('SELECT live_private.types_at(''a'', ''anna'')', '42501', '42501'),
  ('SELECT live.set_presence_visibility(''session'')', '42501', '42501'),
  ('SELECT live_private.wake_worker(now())', '42501', '42501'),
  ('SELECT live.refresh_summaries()', '42501', ''),
  ('SELECT live.drop_expired_activities()', '42501', ''),
  ('SELECT live_private.refresh_summary(''live.presence_summary'', ''live_private.announced_presence'')', '42501', '42501'),
  ('SELECT live_private.lock_summary(''live.presence_summary'')', '42501', '42501'),
  ('SELECT * FROM live.presence_summary', '42501', '42501'),
  ('SELECT * FROM live_private.announced_presence', '42501', '42501'),
  ('SELECT * FROM live.presence', '', '42501'),
  ('SELECT * FROM live.user_presence', '', '42501'),
  ('SELECT * FROM live.activity_stream', '', '42501'),
  ('SELECT * FROM live_private.activity_audience', '', '42501'),
  ('SELECT * FROM live_private.notification_state', '', '42501'),
  ('SELECT * FROM live.activity_trends', '42501', '42501'),
  ('SELECT * FROM live_private.trend', '42501', '42501'),
  ('SELECT * FROM live_private.entity_type', '42501', '42501'),
  ('SELECT live.get_feed_activities()', '', '42501'),
  ('SELECT live.unread_count()', '42501', '42501'),
  ('SELECT live.erase_user(''a'')', '42501', '42501'),
  ('SELECT live.register_entity_type(''a'', ''pg_class'', ''oid'')', '42501', '42501'),
  ('SELECT live.track_activity(''pg_class'')', '42501', '42501'),
  ('SELECT live_private.store_activity(''a'', NULL, NULL, ''{}'', ''public'', NULL, NULL, NULL)', '42501', '42501'),
  ('UPDATE live.user_presence SET status = ''busy''', '42501', '42501'),
  ('INSERT INTO live_private.follow_edge VALUES (''a'', ''b'')', '42501', '42501'),
  ('INSERT INTO live.session_participants VALUES (gen_random_uuid(), ''b'')', '42501', '42501'),
  ('DELETE FROM live.connection', '42501', '42501'),
  ('SELECT * FROM live_private.true_presence', '42501', '42501'),
  ('SELECT * FROM live_private.node', '42501', '42501'),
  ('SELECT * FROM live_private.presence_rule', '42501', '42501'),
  ('SELECT * FROM live.event', '42501', '42501'),
  ('SELECT * FROM live_private.event_0', '42501', '42501'),
  ('SELECT * FROM live.signal', '42501', '42501'),
  ('SELECT * FROM live_private.batch', '42501', '42501'),
  ('SELECT * FROM live_private.topic_rule', '42501', '42501'),
  ('INSERT INTO live_private.topic_rule VALUES (''*'', ''pg_catalog.boolin'')', '42501', '42501'),
  ('DELETE FROM live.event', '42501', '42501'),
  ('TRUNCATE live_private.signal_0', '42501', '42501');
SELECT is(pg_temp.state_as('authenticated', format('SELECT %s FROM %s', hidden, name)), '42501', format('clients cannot see %s of %s', hidden, name))
FROM client_relation, unnest('{ctid,xmin,xmax,tableoid}'::text[]) AS hidden WHERE name NOT IN ('live.presence', 'live_private.due_presence') ORDER BY name, hidden;
SELECT is(pg_temp.state_as('authenticated', statement), client, 'authenticated: ' || statement) FROM call;
SELECT is(pg_temp.state_as('live_bridge', statement), bridge, 'live_bridge: ' || statement) FROM call;
SELECT is(pg_temp.state_as('stranger', statement), '42501', 'stranger: ' || statement) FROM call;

-- Functions of admins can be granted: they need no right on the tables behind them.
CREATE ROLE admin;
GRANT USAGE ON SCHEMA live, live_private TO admin;
GRANT EXECUTE ON FUNCTION live.set_topic_rule, live.drop_topic_rule, live.revoke_access, live.emit TO admin;
SELECT is(pg_temp.state_as('admin', statement), '', 'admin: ' || statement) FROM unnest(ARRAY[
  'SELECT live.set_topic_rule(''a:*''), live.drop_topic_rule(''a:*'')', 'SELECT live.revoke_access(''a'', ''anna'')', 'SELECT live.emit(''a'', ''b'', ''{}'')']) AS statement;

-- Installation: a schema that already exists is not adopted, and objects found through search_path are not used.
DROP EXTENSION pg_live;
CREATE SCHEMA live AUTHORIZATION stranger;
SELECT throws_ok('CREATE EXTENSION pg_live', '42P06', NULL, 'a schema of a stranger is not adopted');
DROP SCHEMA live;
CREATE SCHEMA trap;
CREATE FUNCTION trap.starts_with(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped'; END $$;
CREATE FUNCTION trap.is_true(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped'; END $$;
CREATE OPERATOR trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.is_true);
CREATE OPERATOR trap.~ (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.is_true);
CREATE DOMAIN trap.pg_snapshot AS text;
SELECT is(pg_temp.state_as(current_user, $$
  SET LOCAL search_path = trap, pg_catalog, public;
  CREATE EXTENSION pg_live;
  SELECT live.set_topic_rule('room:*');
  SELECT live.topic_access('room:1'), live.topic_access('typing:x'), live.emit('a', 'b', '{}'), live.status();
  SET LOCAL request.jwt.claims = '{"sub":"anna"}';
  SELECT live.heartbeat(gen_random_uuid()), live.update_presence('busy', 'x'), live.set_typing('x', true), live.get_typing('x');
  SELECT live.get_online_users(), live.expire_presence();
$$), '', 'functions, operators and types in the path of the installer and the caller are not used');
-- Default privileges of the installer give nothing away either.
ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO stranger, PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO stranger, anon;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO stranger;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO stranger, PUBLIC;
CREATE EXTENSION pg_live;
SELECT is_empty($$SELECT pg_temp.executable('stranger')$$, 'default privileges give no function away');
SELECT is_empty($$SELECT name FROM live_relation r WHERE EXISTS (
  SELECT FROM aclexplode(r.relacl) AS acl WHERE acl.grantee <> r.relowner)$$, 'no relation either');
SELECT ok(NOT has_schema_privilege('stranger', 'live', 'USAGE'), 'and not the schema');
SELECT bag_eq($$SELECT p.proname FROM pg_proc p WHERE p.pronamespace IN ('live'::regnamespace, 'live_private'::regnamespace) AND has_function_privilege('anon', p.oid, 'EXECUTE')$$,
              'TABLE client_function', 'installation grants the client functions to anon');

SELECT finish();
ROLLBACK;
