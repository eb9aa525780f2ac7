-- The audit chain. One function appends, in the caller's transaction, whoever the caller is (door, engine, desk):
-- so there is one definition of what is hashed, and the verifier repeats it.
--
--   hash(n) = sha256(hash(n-1) || utf8(jsonb_text([lane, seq, at, actor, action, subject, detail])))
--
-- The lane's head row is locked until the commit; call this last in a transaction.
CREATE OR REPLACE FUNCTION audit_append(in_lane text, entries jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    head audit_heads%ROWTYPE;
    entry jsonb;
    now_text text := to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
    detail_text text;
BEGIN
    SELECT * INTO head FROM audit_heads WHERE lane = in_lane FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO audit_heads (lane) VALUES (in_lane) ON CONFLICT DO NOTHING;
        SELECT * INTO head FROM audit_heads WHERE lane = in_lane FOR UPDATE;
    END IF;
    FOR entry IN SELECT * FROM jsonb_array_elements(entries) LOOP
        head.seq := head.seq + 1;
        detail_text := coalesce(entry -> 'detail', '{}'::jsonb)::text;
        head.hash := sha256(head.hash || convert_to(jsonb_build_array(
            in_lane, head.seq, now_text, entry ->> 'actor', entry ->> 'action', entry ->> 'subject', detail_text
        )::text, 'UTF8'));
        INSERT INTO audit_entries (lane, seq, at, actor, action, subject, detail, hash)
        VALUES (in_lane, head.seq, now_text, entry ->> 'actor', entry ->> 'action', entry ->> 'subject',
                detail_text, head.hash);
    END LOOP;
    UPDATE audit_heads SET seq = head.seq, hash = head.hash WHERE lane = in_lane;
    RETURN head.seq;
END $$;

CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER audit_entries_append_only BEFORE UPDATE OR DELETE ON audit_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_entries_no_truncate BEFORE TRUNCATE ON audit_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
