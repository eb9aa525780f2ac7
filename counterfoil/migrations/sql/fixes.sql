-- A rule says for ever what it said when it was proposed, and is in force only after a second person's yes.
CREATE OR REPLACE FUNCTION fixes_keep_rules() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'proposed' OR NEW.approver IS NOT NULL THEN
            RAISE EXCEPTION 'a rule begins as a proposal'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'fixes_begin_proposed';
        END IF;
        RETURN NEW;
    ELSIF (NEW.id, NEW.source, NEW.provider, NEW.types, NEW.conditions, NEW.settings, NEW.digest, NEW.preview,
           NEW.author, NEW.reason, NEW.proposed_at) IS DISTINCT FROM (OLD.id, OLD.source, OLD.provider, OLD.types,
           OLD.conditions, OLD.settings, OLD.digest, OLD.preview, OLD.author, OLD.reason, OLD.proposed_at) THEN
        RAISE EXCEPTION 'what rule % says stands', OLD.id
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'fixes_stand';
    ELSIF NEW.status <> OLD.status AND NOT (
          OLD.status = 'proposed' AND NEW.status IN ('active', 'withdrawn')
          OR OLD.status = 'active' AND NEW.status = 'withdrawn') THEN
        RAISE EXCEPTION 'rule % does not become % after %', OLD.id, NEW.status, OLD.status
            USING ERRCODE = 'check_violation', CONSTRAINT = 'fixes_moves';
    ELSIF OLD.approver IS NOT NULL AND (NEW.approver, NEW.approved_at, NEW.approval_reason) IS DISTINCT FROM
          (OLD.approver, OLD.approved_at, OLD.approval_reason) THEN
        RAISE EXCEPTION 'who approved rule % stands', OLD.id
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'fixes_approver_stands';
    ELSIF lower(NEW.approver) = lower(NEW.author) THEN
        RAISE EXCEPTION '% proposed rule %: somebody else approves it', NEW.author, OLD.id
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'fixes_second_person';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER fixes_keep_rules BEFORE INSERT OR UPDATE ON fixes
    FOR EACH ROW EXECUTE FUNCTION fixes_keep_rules();
CREATE TRIGGER fixes_stay BEFORE DELETE OR TRUNCATE ON fixes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
