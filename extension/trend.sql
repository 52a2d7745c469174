-- Trends: for each entity the sum of its public activities, each halved for every day since it was logged. The sum is stored
-- as one number that need not change with time (forward decay: Cormode et al., ICDE 2009): the logarithm of the sum of
-- 2^moment, where a moment is a time in half-lives. All sums shrink alike, so their order is that of the logarithms.
--
-- A writer only appends the change, so writers share no lock of an entity. Refreshing the summaries folds the changes into
-- the sums; a reader adds those not yet folded, so its result is exact at any time.

CREATE TABLE live_private.trend (
  entity_type text COLLATE "C" NOT NULL,
  entity_id text COLLATE "C" NOT NULL,
  score double precision NOT NULL,
  PRIMARY KEY (entity_type, entity_id)
);
COMMENT ON TABLE live_private.trend IS 'The decayed sums of public activities, by entity.';
COMMENT ON COLUMN live_private.trend.entity_type IS 'As in live.activity_stream.';
COMMENT ON COLUMN live_private.trend.entity_id IS 'As in live.activity_stream.';
COMMENT ON COLUMN live_private.trend.score IS 'Logarithm, base 2, of the sum of 2^moment over the entity''s activities.';
CREATE INDEX trend_score_idx ON live_private.trend (score);
CREATE INDEX trend_type_score_idx ON live_private.trend (entity_type, score);
SELECT pg_extension_config_dump('live_private.trend', '');
ALTER TABLE live_private.trend ENABLE ROW LEVEL SECURITY;

-- Keyed by transaction, so that folding does not pass rows already folded: dead rows remain as long as some transaction has an
-- old snapshot. The id is random: a sequence would fall behind restored rows, and publishing a table needs a key.
CREATE TABLE live_private.trend_change (
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  entity_type text COLLATE "C" NOT NULL,
  entity_id text COLLATE "C" NOT NULL,
  moment double precision NOT NULL,
  weight double precision NOT NULL,
  PRIMARY KEY (xid, id)
);
COMMENT ON TABLE live_private.trend_change IS 'Changes to be added to the sums, or subtracted.';
COMMENT ON COLUMN live_private.trend_change.xid IS 'The transaction that stored the row, in this cluster.';
COMMENT ON COLUMN live_private.trend_change.id IS 'Distinguishes the rows of one transaction.';
COMMENT ON COLUMN live_private.trend_change.entity_type IS 'As in live.activity_stream.';
COMMENT ON COLUMN live_private.trend_change.entity_id IS 'As in live.activity_stream.';
COMMENT ON COLUMN live_private.trend_change.moment IS 'When the activity was logged, see live_private.trend_moment(); for several, the logarithm of their sum, as a score.';
COMMENT ON COLUMN live_private.trend_change.weight IS '1, or -1 for activities that are no longer public.';
SELECT pg_extension_config_dump('live_private.trend_change', '');
ALTER TABLE live_private.trend_change ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER stamp_trend_change BEFORE INSERT ON live_private.trend_change
FOR EACH ROW WHEN (new.xid <> pg_current_xact_id()) EXECUTE FUNCTION live_private.stamp_audience();
ALTER TABLE live_private.trend_change ENABLE ALWAYS TRIGGER stamp_trend_change;

-- Not dumped: a restored database folds all of its changes.
CREATE TABLE live_private.trend_fold (
  is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  snapshot pg_snapshot NOT NULL
);
COMMENT ON TABLE live_private.trend_fold IS 'Which changes were added to the sums: one row.';
COMMENT ON COLUMN live_private.trend_fold.is_only IS 'Always true: the table has one row.';
COMMENT ON COLUMN live_private.trend_fold.snapshot IS 'The changes visible in this snapshot are in the sums.';
INSERT INTO live_private.trend_fold (snapshot) VALUES ('1:1:');
ALTER TABLE live_private.trend_fold ENABLE ROW LEVEL SECURITY;

-- Excludes the current transaction, which would count itself as ended although it may store more changes.
CREATE FUNCTION live_private.without_own(snapshot pg_snapshot) RETURNS pg_snapshot
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN own.xid < pg_snapshot_xmax(snapshot) THEN live_private.with_running(snapshot, ARRAY[own.xid]) ELSE snapshot END
  FROM (SELECT pg_current_xact_id_if_assigned()) AS own (xid)
$$;
COMMENT ON FUNCTION live_private.without_own(pg_snapshot) IS 'The snapshot as if the current transaction were still running.';

-- Includes the current transaction, and ids that no transaction has had yet: rows of another cluster copied without triggers.
CREATE FUNCTION live_private.unfolded_xids() RETURNS TABLE (first_xid xid8, end_xid xid8)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT r.first_xid, r.end_xid
  FROM live_private.trend_fold f CROSS JOIN LATERAL live_private.ended_xids(f.snapshot, live_private.without_own(pg_current_snapshot())) AS r
  UNION ALL
  SELECT own.xid, (own.xid::text::bigint + 1)::text::xid8 FROM (SELECT pg_current_xact_id_if_assigned()) AS own (xid)
  WHERE own.xid < pg_snapshot_xmax(pg_current_snapshot())
  UNION ALL
  SELECT pg_snapshot_xmax(pg_current_snapshot()), '18446744073709551615'
$$;
COMMENT ON FUNCTION live_private.unfolded_xids() IS 'Ranges of the transactions whose changes are not yet in the sums. Part of live_private.fold_trends() and live_private.trending().';

CREATE FUNCTION live_private.trend_moment(at timestamptz) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN extract(epoch FROM at - '2026-01-01 00:00:00+00'::timestamptz)::double precision / 86400;
COMMENT ON FUNCTION live_private.trend_moment(timestamptz) IS 'A time in half-lives of one day since 2026-01-01.';

CREATE FUNCTION live_private.note_trend(activity live.activity_stream, weight double precision) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF activity.entity_type IS NOT NULL AND activity.visibility = 'public' THEN
    INSERT INTO live_private.trend_change (entity_type, entity_id, moment, weight)
    VALUES (activity.entity_type, activity.entity_id, live_private.trend_moment(activity.created_at), weight);
  END IF;
END
$$;
COMMENT ON FUNCTION live_private.note_trend(live.activity_stream, double precision) IS
'Appends a change for a public activity about an entity: weight 1 adds it, -1 subtracts it. For the extension itself.';

-- A moment a thousand half-lives before the newest adds less than a double can represent; power() would raise underflow.
CREATE FUNCTION live_private.log_sum(moments double precision[]) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT top.moment + ln(sum(power(2::double precision, greatest(m.moment - top.moment, -1000)))) / ln(2::double precision)
  FROM (SELECT max(u) AS moment FROM unnest(moments) AS u) AS top, unnest(moments) AS m (moment)
  GROUP BY top.moment
$$;
COMMENT ON FUNCTION live_private.log_sum(double precision[]) IS 'The logarithm, base 2, of the sum of 2^moment; NULL for none.';

-- A hundred half-lives before the newest, 2^33 activities add 2^-67 of the sum, less than a double can hold.
CREATE FUNCTION live_private.trend_moments(entity_type text, entity_id text) RETURNS double precision[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT array_agg(live_private.trend_moment(a.created_at)) FROM live.activity_stream a
  WHERE a.entity_type = trend_moments.entity_type AND a.entity_id = trend_moments.entity_id
    AND a.visibility = 'public' AND a.deleted_at IS NULL
    AND a.created_at >= (
      SELECT newest.created_at - interval '2400 hours' FROM live.activity_stream newest
      WHERE newest.entity_type = trend_moments.entity_type AND newest.entity_id = trend_moments.entity_id
        AND newest.visibility = 'public' AND newest.deleted_at IS NULL
      ORDER BY newest.created_at DESC, newest.id DESC LIMIT 1)
$$;
COMMENT ON FUNCTION live_private.trend_moments(text, text) IS
'The moments of an entity''s public activities, without those that are too old to count beside the newest. For the extension itself.';

-- Subtraction reads no activities but loses precision when little is left: below 1/64 of the sum, six bits, it counts the
-- activities again.
CREATE FUNCTION live_private.current_trend(entity_type text, entity_id text, score double precision,
                                   added double precision[], removed double precision[]) RETURNS double precision
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  whole double precision := live_private.log_sum(array_remove(added || score, NULL));
  share double precision := CASE
    WHEN removed IS NULL THEN 1
    WHEN whole IS NULL THEN 0
    ELSE 1 - power(2::double precision, least(greatest(live_private.log_sum(removed) - whole, -1000), 0)) END;
BEGIN
  IF share >= 1 / 64::double precision THEN
    RETURN whole + ln(share) / ln(2::double precision);
  END IF;
  RETURN live_private.log_sum(live_private.trend_moments(entity_type, entity_id));
END
$$;
COMMENT ON FUNCTION live_private.current_trend(text, text, double precision, double precision[], double precision[]) IS
'The sum including changes not yet folded: moments added and moments removed, NULL for none. Part of live_private.trending().';

-- Where an activity is subtracted, the sum is computed from the activities: repeated subtraction would accumulate rounding
-- errors.
CREATE FUNCTION live_private.fold_trends() RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  folded bigint;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtextextended('pg_live trends', 0)) THEN
    RETURN 0;
  END IF;
  -- One statement, so that the deleted changes and the recounted activities are of one snapshot.
  WITH removed AS (
    DELETE FROM live_private.trend_change c USING live_private.unfolded_xids() AS r WHERE c.xid >= r.first_xid AND c.xid < r.end_xid
    RETURNING c.entity_type, c.entity_id, c.moment, c.weight
  ), passed AS (
    UPDATE live_private.trend_fold SET snapshot = live_private.without_own(pg_current_snapshot()) WHERE EXISTS (SELECT FROM removed)
  ), changed AS MATERIALIZED (
    SELECT r.entity_type, r.entity_id, min(r.weight) < 0 AS is_reduced, array_agg(r.moment) AS moments
    FROM removed r GROUP BY r.entity_type, r.entity_id
  ), summed AS MATERIALIZED (
    SELECT c.entity_type, c.entity_id,
           live_private.log_sum(CASE WHEN c.is_reduced THEN live_private.trend_moments(c.entity_type, c.entity_id)
                             ELSE array_remove(c.moments || t.score, NULL) END) AS score
    FROM changed c LEFT JOIN live_private.trend t ON t.entity_type = c.entity_type AND t.entity_id = c.entity_id
  ), gone AS (
    DELETE FROM live_private.trend t USING summed s
    WHERE t.entity_type = s.entity_type AND t.entity_id = s.entity_id AND s.score IS NULL
  ), stored AS (
    INSERT INTO live_private.trend AS t (entity_type, entity_id, score)
    SELECT s.entity_type, s.entity_id, s.score FROM summed s WHERE s.score IS NOT NULL
    ON CONFLICT ON CONSTRAINT trend_pkey DO UPDATE SET score = excluded.score
  )
  SELECT count(*) INTO folded FROM changed;
  RETURN folded;
END
$$;
COMMENT ON FUNCTION live_private.fold_trends() IS 'Adds the changes to the sums; returns the number of changed entities. Part of live.refresh_summaries().';

CREATE FUNCTION live_private.unfolded_changes() RETURNS SETOF live_private.trend_change
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
  RETURN QUERY SELECT c.* FROM live_private.unfolded_xids() AS r JOIN live_private.trend_change c ON c.xid >= r.first_xid AND c.xid < r.end_xid;
END
$$;
COMMENT ON FUNCTION live_private.unfolded_changes() IS 'The changes that are not yet in the sums. Part of live_private.trending().';

-- Entities without changes come from the index in order, at most as many as are wanted.
CREATE FUNCTION live_private.trending(kind text, most integer)
RETURNS TABLE (entity_type text, entity_id text, score double precision)
LANGUAGE plpgsql STABLE ROWS 20
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
  at double precision := live_private.trend_moment(clock_timestamp());
BEGIN
  PERFORM live_private.checked_page(most, 'max_entities');
  RETURN QUERY
  WITH changed AS MATERIALIZED (
    SELECT c.entity_type, c.entity_id, array_agg(c.moment) FILTER (WHERE c.weight > 0) AS added,
           array_agg(c.moment) FILTER (WHERE c.weight < 0) AS removed
    FROM live_private.unfolded_changes() c WHERE kind IS NULL OR c.entity_type = kind
    GROUP BY c.entity_type, c.entity_id
  ), summed AS (
    SELECT c.entity_type, c.entity_id,
           live_private.current_trend(c.entity_type, c.entity_id, t.score, c.added, c.removed) AS score
    FROM changed c LEFT JOIN live_private.trend t ON t.entity_type = c.entity_type AND t.entity_id = c.entity_id
    UNION ALL
    (SELECT t.entity_type, t.entity_id, t.score FROM live_private.trend t
     WHERE (kind IS NULL OR t.entity_type = kind)
       AND NOT EXISTS (SELECT FROM changed c WHERE c.entity_type = t.entity_type AND c.entity_id = t.entity_id)
     ORDER BY t.score DESC LIMIT most)
  )
  SELECT s.entity_type, s.entity_id, power(2::double precision, least(greatest(s.score - at, -1000), 1000))
  FROM summed s WHERE s.score IS NOT NULL
  ORDER BY s.score DESC, s.entity_type, s.entity_id LIMIT most;
END
$$;
COMMENT ON FUNCTION live_private.trending(text, integer) IS 'Part of live.get_trending().';

CREATE FUNCTION live.get_trending(entity_type text DEFAULT NULL, max_entities integer DEFAULT 20)
RETURNS TABLE (entity_type text, entity_id text, score double precision)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 20
SET search_path = pg_catalog, pg_temp AS $$
  SELECT * FROM live_private.trending($1 COLLATE "C", max_entities)
$$;
COMMENT ON FUNCTION live.get_trending(text, integer) IS
'The entities with the highest scores, of one type or of all: a public activity counts 1 when it is logged and half as much each day later. Exact when read. Error 22023 for max_entities outside 1 to 1000.';
INSERT INTO live_private.privilege VALUES ('client', 'EXECUTE ON FUNCTION live.get_trending(text, integer)');
