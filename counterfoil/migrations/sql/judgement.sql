-- People's labels are never changed: a later label of the same input stands beside the earlier one.
CREATE TRIGGER labels_append_only BEFORE UPDATE OR DELETE ON labels
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER labels_no_truncate BEFORE TRUNCATE ON labels
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What a person settled stays settled, and what code acted on is never said to have been another answer.
CREATE OR REPLACE FUNCTION decisions_keep_rules() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'settled' AND NEW.status <> 'settled'
       OR OLD.status IN ('committed', 'settled') AND (NEW.label, NEW.tier, NEW.model, NEW.confidence, NEW.threshold)
          IS DISTINCT FROM (OLD.label, OLD.tier, OLD.model, OLD.confidence, OLD.threshold) THEN
        RAISE EXCEPTION 'a decision that was acted on stands' USING ERRCODE = 'restrict_violation',
            CONSTRAINT = 'decisions_stand';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER decisions_stand BEFORE UPDATE ON decisions FOR EACH ROW EXECUTE FUNCTION decisions_keep_rules();

-- Nor is what a challenger said: a comparison that can be written anew proves nothing.
CREATE TRIGGER second_answers_append_only BEFORE UPDATE OR DELETE ON second_answers
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
