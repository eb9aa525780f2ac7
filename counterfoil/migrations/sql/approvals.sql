-- What becomes of a write, and people's approval of it, held by the database: whoever asks it to, by whatever way.
--
--   a write      moves as the lifecycle says; keeps its key for ever and its content from the moment it may have been sent
--   a request    is about exactly one content (shown ->> 'effect_digest' = writes.digest); alive while its write waits
--   a vote       repeats the digest of what was shown; one per person, none of an editor's, none after the time is over
--   an approval  has enough votes of different people; is used by one sending; a new plan needs a new one
--
-- Writes that are born confirmed, in the transaction of their effect, pay for a comparison and nothing else.

-- The same table as `counterfoil.lifecycle.WRITE_MOVES`; a test compares all pairs.
CREATE OR REPLACE FUNCTION writes_may_move(from_state text, to_state text) RETURNS boolean IMMUTABLE LANGUAGE sql AS $$
    SELECT to_state = ANY (CASE from_state
        WHEN 'planned' THEN
            ARRAY['awaiting_approval', 'sending', 'shadow', 'superseded', 'confirmed', 'refused']
        WHEN 'awaiting_approval' THEN ARRAY['approved', 'rejected', 'expired', 'superseded', 'planned']
        WHEN 'approved' THEN
            ARRAY['sending', 'awaiting_approval', 'expired', 'superseded', 'refused', 'planned']
        WHEN 'sending' THEN ARRAY['confirmed', 'refused', 'in_doubt', 'approved', 'planned']
        WHEN 'in_doubt' THEN ARRAY['confirmed', 'refused', 'sending']
        WHEN 'confirmed' THEN ARRAY['reversing']
        WHEN 'reversing' THEN ARRAY['reversed', 'confirmed']
        WHEN 'shadow' THEN ARRAY['planned']
        WHEN 'rejected' THEN ARRAY['planned']
        WHEN 'expired' THEN ARRAY['planned']
        WHEN 'refused' THEN ARRAY['planned', 'superseded']
        WHEN 'superseded' THEN ARRAY['planned']
        ELSE ARRAY[]::text[]
    END)
$$;

-- Whether enough different people said yes to what this write is now. A write has at most one request that counts
-- (`approvals_live`); one that is used stays good for the further attempts of the same sending.
CREATE OR REPLACE FUNCTION write_is_approved(w writes) RETURNS boolean STABLE LANGUAGE sql AS $$
    SELECT EXISTS (
        SELECT FROM approvals a
        WHERE a.write_id = w.id AND (a.status = 'used' OR a.status = 'approved' AND a.expires_at > now())
          AND a.shown ->> 'effect_digest' = w.digest
          AND (SELECT count(DISTINCT lower(v.person)) FROM approval_votes v
               WHERE v.approval_id = a.id AND v.decision = 'approve' AND v.digest = a.digest)
              >= greatest(a.needed, w.approvals_needed, 1)
    )
$$;

CREATE OR REPLACE FUNCTION writes_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        RAISE EXCEPTION 'a write is not born %', NEW.status
            USING ERRCODE = 'check_violation', CONSTRAINT = 'writes_born';
    END IF;
    RAISE EXCEPTION 'writes stay for ever: their keys are what nothing is written twice by'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'writes_stay';
END $$;

CREATE OR REPLACE FUNCTION writes_keep_rules() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.key, NEW.destination, NEW.event_id, NEW.reverses)
       IS DISTINCT FROM (OLD.id, OLD.key, OLD.destination, OLD.event_id, OLD.reverses) THEN
        RAISE EXCEPTION 'write % keeps its key, destination and event', OLD.id
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'writes_identity';
    ELSIF NEW.approvals_needed < OLD.approvals_needed
          OR NEW.approvals_needed > OLD.approvals_needed AND NEW.status NOT IN ('planned', 'awaiting_approval') THEN
        RAISE EXCEPTION 'the people that write % needs become no fewer, and no more once it was approved', OLD.id
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'writes_people';
    END IF;
    IF (NEW.digest, NEW.action, NEW.operation, NEW.subject, NEW.target, NEW.amount_minor, NEW.currency) IS DISTINCT FROM
       (OLD.digest, OLD.action, OLD.operation, OLD.subject, OLD.target, OLD.amount_minor, OLD.currency) THEN
        IF OLD.status IN ('sending', 'in_doubt', 'confirmed', 'reversing', 'reversed')
           OR NEW.status NOT IN ('planned', 'awaiting_approval') THEN
            RAISE EXCEPTION 'write % is %: what it writes stands', OLD.id, OLD.status
                USING ERRCODE = 'restrict_violation', CONSTRAINT = 'writes_content';
        ELSIF NEW.status = OLD.status AND EXISTS (
            SELECT FROM approvals WHERE write_id = OLD.id AND status IN ('open', 'approved')) THEN
            RAISE EXCEPTION 'people are asked about write % as it is: void the request first', OLD.id
                USING ERRCODE = 'restrict_violation', CONSTRAINT = 'writes_content_shown';
        END IF;
    END IF;
    IF NEW.status <> OLD.status THEN
        IF NOT writes_may_move(OLD.status, NEW.status) THEN
            RAISE EXCEPTION 'write % does not move from % to %', OLD.id, OLD.status, NEW.status
                USING ERRCODE = 'check_violation', CONSTRAINT = 'writes_moves';
        ELSIF NEW.status = 'awaiting_approval' AND NEW.approvals_needed < 1 THEN
            RAISE EXCEPTION 'write % waits for nobody', OLD.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'writes_people';
        ELSIF (NEW.status = 'approved' OR NEW.status IN ('sending', 'confirmed') AND NEW.approvals_needed > 0)
              AND OLD.status <> 'reversing' AND NOT write_is_approved(NEW) THEN
            RAISE EXCEPTION 'write % is not approved as it is', OLD.id
                USING ERRCODE = 'restrict_violation', CONSTRAINT = 'writes_approved';
        END IF;
        IF NEW.status = 'sending' THEN
            UPDATE approvals SET status = 'used' WHERE write_id = NEW.id AND status = 'approved';
        ELSIF NEW.status IN ('planned', 'awaiting_approval') THEN
            -- What comes now is a new plan, or an old one over a changed target: what was said before is over.
            UPDATE approvals SET status = 'void', closed_at = coalesce(closed_at, now())
            WHERE write_id = NEW.id AND status IN ('open', 'approved', 'used');
        ELSIF NEW.status IN ('rejected', 'expired', 'superseded', 'shadow', 'refused') THEN
            UPDATE approvals SET status = 'void', closed_at = coalesce(closed_at, now())
            WHERE write_id = NEW.id AND status IN ('open', 'approved');
        END IF;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER writes_born BEFORE INSERT ON writes FOR EACH ROW
    WHEN (NEW.status NOT IN ('confirmed', 'planned', 'awaiting_approval', 'shadow')
          OR NEW.approvals_needed > 0 AND NEW.status = 'confirmed'
          OR NEW.approvals_needed < 1 AND NEW.status = 'awaiting_approval')
    EXECUTE FUNCTION writes_refuse();
CREATE TRIGGER writes_keep_rules BEFORE UPDATE OF id, key, destination, event_id, reverses, status, action, digest,
    operation, subject, target, amount_minor, currency, approvals_needed ON writes
    FOR EACH ROW EXECUTE FUNCTION writes_keep_rules();
CREATE TRIGGER writes_stay BEFORE DELETE OR TRUNCATE ON writes FOR EACH STATEMENT EXECUTE FUNCTION writes_refuse();

CREATE OR REPLACE FUNCTION approvals_keep_rules() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    asked record;
    yes bigint;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT status, digest, approvals_needed INTO asked FROM writes WHERE id = NEW.write_id FOR UPDATE;
        IF NEW.status <> 'open' OR asked.status IS DISTINCT FROM 'awaiting_approval'
           OR asked.digest IS DISTINCT FROM NEW.shown ->> 'effect_digest' OR NEW.needed < asked.approvals_needed
           OR NEW.expires_at <= now() OR NEW.expires_at > now() + interval '31 days' THEN
            RAISE EXCEPTION 'a request is open, about a write that waits for it, over exactly its content'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'approvals_asked';
        END IF;
        RETURN NEW;
    ELSIF (NEW.id, NEW.write_id, NEW.digest, NEW.shown, NEW.rule, NEW.needed, NEW.edited_by, NEW.opened_at,
           NEW.expires_at) IS DISTINCT FROM (OLD.id, OLD.write_id, OLD.digest, OLD.shown, OLD.rule, OLD.needed,
           OLD.edited_by, OLD.opened_at, OLD.expires_at) THEN
        RAISE EXCEPTION 'what was shown in request % stands', OLD.id
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'approvals_shown';
    ELSIF NEW.status <> OLD.status AND NOT (
          OLD.status = 'open' AND NEW.status IN ('approved', 'rejected', 'expired', 'void')
          OR OLD.status = 'approved' AND NEW.status IN ('used', 'void')
          OR OLD.status = 'used' AND NEW.status = 'void') THEN
        RAISE EXCEPTION 'request % does not become % after %', OLD.id, NEW.status, OLD.status
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approvals_moves';
    ELSIF NEW.status = 'approved' AND OLD.status = 'open' THEN
        SELECT count(DISTINCT lower(person)) INTO yes FROM approval_votes
        WHERE approval_id = NEW.id AND decision = 'approve' AND digest = NEW.digest;
        IF yes < NEW.needed OR NEW.expires_at <= now() THEN
            RAISE EXCEPTION 'request % has % of % votes, until %', NEW.id, yes, NEW.needed, NEW.expires_at
                USING ERRCODE = 'restrict_violation', CONSTRAINT = 'approvals_enough';
        END IF;
    END IF;
    RETURN NEW;
END $$;

-- Whether somebody had a hand in what a write is: who edited the action, corrected its payload (a correction is made of
-- the one before it, which may never have led to a request), wrote a rule that it rests on, or asked to take a write back.
-- `upto`: at that moment, for whoever looks at a vote of then.
CREATE OR REPLACE FUNCTION write_is_of(write uuid, who text, upto timestamptz DEFAULT 'infinity') RETURNS boolean
STABLE LANGUAGE sql AS $$
    SELECT EXISTS (SELECT FROM approvals WHERE write_id = write AND lower(edited_by) = lower(who) AND opened_at <= upto)
        OR EXISTS (
            SELECT FROM writes w JOIN events e ON e.id = w.event_id
                JOIN payloads p ON p.event_id = e.id AND p.version <= e.payload_version
            WHERE w.id = write AND w.reverses IS NULL AND lower(p.author) = lower(who) AND p.recorded_at <= upto)
        OR EXISTS (
            SELECT FROM writes w, jsonb_array_elements(coalesce(w.action -> 'evidence' -> 'fixes', '[]')) AS rests
                JOIN fixes f ON f.id = (rests ->> 'fix')::uuid
            WHERE w.id = write AND lower(f.author) = lower(who))
        OR EXISTS (
            SELECT FROM writes w
            WHERE w.id = write AND w.reverses IS NOT NULL AND lower(w.action -> 'evidence' ->> 'asked_by') = lower(who))
$$;

-- The request is locked before its votes are read: two people at one instant come one after the other.
CREATE OR REPLACE FUNCTION approval_votes_keep_rules() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    asked approvals%ROWTYPE;
BEGIN
    SELECT * INTO asked FROM approvals WHERE id = NEW.approval_id FOR UPDATE;
    IF asked.status IS DISTINCT FROM 'open' OR asked.expires_at <= now() THEN
        RAISE EXCEPTION 'request % is over', NEW.approval_id
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'approval_votes_in_time';
    ELSIF NEW.digest <> asked.digest THEN
        RAISE EXCEPTION 'request % showed something else', NEW.approval_id
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'approval_votes_digest';
    ELSIF EXISTS (SELECT FROM approval_votes WHERE approval_id = asked.id AND lower(person) = lower(NEW.person)) THEN
        RAISE EXCEPTION '% has answered request % already', NEW.person, asked.id
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'approval_votes_once';
    ELSIF NEW.decision = 'approve' AND write_is_of(asked.write_id, NEW.person) THEN
        RAISE EXCEPTION '% edited this: somebody else approves it', NEW.person
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'approval_votes_editor';
    END IF;
    NEW.voted_at := clock_timestamp();
    RETURN NEW;
END $$;

CREATE TRIGGER approvals_keep_rules BEFORE INSERT OR UPDATE ON approvals
    FOR EACH ROW EXECUTE FUNCTION approvals_keep_rules();
CREATE TRIGGER approval_votes_keep_rules BEFORE INSERT ON approval_votes
    FOR EACH ROW EXECUTE FUNCTION approval_votes_keep_rules();
CREATE TRIGGER approvals_stay BEFORE DELETE OR TRUNCATE ON approvals
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER approval_votes_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON approval_votes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
