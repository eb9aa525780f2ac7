-- The books cannot be wrong by themselves, whoever writes them:
--   an entry balances to zero in one currency, has at least two lines, and is never changed once posted.
--
-- All lines of an entry arrive in one statement: balance is judged per statement over the rows it brought, in one set,
-- because a row trigger would cost each line a query. "Posted" means that the entry's transaction is over:
-- posted_at is the transaction's own time, so nobody can add to an entry of another transaction.

CREATE OR REPLACE FUNCTION books_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: post a reversing entry instead', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_TABLE_NAME || '_append_only';
END $$;

CREATE OR REPLACE FUNCTION books_lines_balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong record;
BEGIN
    SELECT e.id, e.currency, e.posted_at <> now() AS posted, count(*) AS lines, sum(l.amount_minor) AS rest,
           bool_or(l.currency <> e.currency) AS mixed
    INTO wrong
    FROM (SELECT DISTINCT entry_id FROM arrived) touched
    JOIN books_entries e ON e.id = touched.entry_id
    JOIN books_lines l ON l.entry_id = e.id
    GROUP BY e.id, e.currency, e.posted_at
    HAVING e.posted_at <> now() OR count(*) < 2 OR sum(l.amount_minor) <> 0 OR bool_or(l.currency <> e.currency)
    LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    ELSIF wrong.posted THEN
        RAISE EXCEPTION 'entry % is posted; its lines stand', wrong.id
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'books_lines_append_only';
    ELSIF wrong.mixed THEN
        RAISE EXCEPTION 'entry % is in %; every line must be', wrong.id, wrong.currency
            USING ERRCODE = 'check_violation', CONSTRAINT = 'books_lines_one_currency';
    END IF;
    RAISE EXCEPTION 'entry % does not balance: % lines, % over', wrong.id, wrong.lines, wrong.rest
        USING ERRCODE = 'check_violation', CONSTRAINT = 'books_entries_balance';
END $$;

-- An entry without lines is only visible at the end: the lines come after it.
CREATE OR REPLACE FUNCTION books_entry_complete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.posted_at <> now() THEN
        RAISE EXCEPTION 'entry % must be posted at the time of its transaction', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'books_entries_posted_now';
    ELSIF NOT EXISTS (SELECT FROM books_lines WHERE entry_id = NEW.id) THEN
        RAISE EXCEPTION 'entry % has no lines', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'books_entries_have_lines';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER books_lines_balance AFTER INSERT ON books_lines
    REFERENCING NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION books_lines_balance();
CREATE CONSTRAINT TRIGGER books_entry_complete AFTER INSERT ON books_entries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION books_entry_complete();

CREATE TRIGGER books_lines_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON books_lines
    FOR EACH STATEMENT EXECUTE FUNCTION books_refuse_change();
CREATE TRIGGER books_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON books_entries
    FOR EACH STATEMENT EXECUTE FUNCTION books_refuse_change();

-- Accounts may be added and retitled; their code and kind are what posted lines refer to.
CREATE TRIGGER books_accounts_keep BEFORE UPDATE OF code, kind ON books_accounts
    FOR EACH STATEMENT EXECUTE FUNCTION books_refuse_change();
CREATE TRIGGER books_accounts_stay BEFORE DELETE OR TRUNCATE ON books_accounts
    FOR EACH STATEMENT EXECUTE FUNCTION books_refuse_change();
