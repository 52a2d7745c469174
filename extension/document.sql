-- Documents of text sessions, in pieces of a few kilobytes: an edit of a long text rewrites one of them, and since the new
-- row stands beside the old one, PostgreSQL logs only the bytes in which they differ. document.cpp reads and writes them.

CREATE TABLE live_private.document_piece (
  session_id uuid NOT NULL REFERENCES live.collaboration_sessions ON DELETE CASCADE,
  place bigint NOT NULL,
  length integer NOT NULL CHECK (length > 0),
  text text COLLATE "C" NOT NULL,
  PRIMARY KEY (session_id, place)
) WITH (fillfactor = 60);
ALTER TABLE live_private.document_piece ALTER COLUMN text SET STORAGE PLAIN;
COMMENT ON TABLE live_private.document_piece IS 'The documents of text sessions at their head: the pieces in order of place.';
COMMENT ON COLUMN live_private.document_piece.session_id IS 'Session whose document it is.';
COMMENT ON COLUMN live_private.document_piece.place IS 'Where the piece stands among the others; not a position in the text.';
COMMENT ON COLUMN live_private.document_piece.length IS 'Length of the piece in UTF-16 units, in which clients count.';
COMMENT ON COLUMN live_private.document_piece.text IS 'At most 1800 bytes of the document; begins and ends between two characters.';
ALTER TABLE live_private.document_piece ENABLE ROW LEVEL SECURITY;
SELECT pg_extension_config_dump('live_private.document_piece', '');

CREATE FUNCTION live_private.document_text(session_id uuid) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(string_agg(p.text, '' ORDER BY p.place), '') FROM live_private.document_piece p WHERE p.session_id = document_text.session_id
$$;
COMMENT ON FUNCTION live_private.document_text(uuid) IS 'The document of a text session at its head; checks no access. Part of live.get_document().';

CREATE FUNCTION live_private.change_document(session_id uuid, base_version bigint, operations jsonb, client_id text) RETURNS SETOF jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pg_live_change_document';
COMMENT ON FUNCTION live_private.change_document(uuid, bigint, jsonb, text) IS
'Brings submitted change sets behind the operations after base_version, applies them to the document, and returns them as they are to be appended to the log. The caller holds the lock of the session. Part of live.submit_operations(). Errors: 22023 for a change set that is none or does not fit; 54000 for a document above pg_live.max_document_size, and for too many operations since base_version.';

CREATE FUNCTION live_private.changed_text(document text, operations jsonb[]) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_live_changed_text';
COMMENT ON FUNCTION live_private.changed_text(text, jsonb[]) IS
'A text after the change sets, each upon the one before. Part of live.get_document() and live.check_session(). Errors: 22023 for a change set that is none or does not fit.';

-- Editors split lines at carriage returns too, so a text with them would have another length there.
CREATE FUNCTION live_private.begin_document(session_id uuid, document text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  lines text COLLATE "C" := regexp_replace(document COLLATE "C", E'\r\n?', E'\n', 'g');
BEGIN
  IF octet_length(lines) > pg_size_bytes(current_setting('pg_live.max_document_size')) THEN -- before JSON is made of it
    RAISE EXCEPTION 'the initial document is too large' USING ERRCODE = 'program_limit_exceeded',
      DETAIL = format('It has %s bytes, and the limit is %s.', octet_length(lines), current_setting('pg_live.max_document_size')),
      HINT = 'Use several sessions, or raise "pg_live.max_document_size".';
  END IF;
  PERFORM live_private.change_document(session_id, 0, jsonb_build_array(jsonb_build_array(jsonb_build_array(0) || to_jsonb(string_to_array(lines, E'\n')))), '');
  INSERT INTO live.session_snapshot (session_id, version, document) VALUES (begin_document.session_id, 0, lines);
END
$$;
COMMENT ON FUNCTION live_private.begin_document(uuid, text) IS 'Stores the initial document of a new text session, with \n for each line break. Part of live.create_session(). Error 54000 for one above pg_live.max_document_size.';
