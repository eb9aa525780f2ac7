-- The books cannot be wrong by themselves, whoever writes them:
--   an entry balances to zero in one currency, has at least two lines, and is never changed once posted.
--
-- Lines arrive in statements that balance: they are judged per statement, as one set, because a row trigger would cost
-- each line a query. "Posted" means that the entry's transaction is over:
-- posted_at is the transaction's own time, so nobody can add to an entry of another transaction.

CREATE OR REPLACE FUNCTION books_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: post a reversing entry instead', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_TABLE_NAME || '_append_only';
END $$;

-- Judged over what one statement brought: what balances piece by piece balances as a whole, so no line that stands is
-- read again. The LATERAL … LIMIT 1 keeps this a look-up by key whatever the statistics say; a joined plan made while
-- the tables were empty would scan them for ever after.
CREATE OR REPLACE FUNCTION books_lines_balance() RETURNS trigger LANGUAGE plpgsql
-- A plan made while the books are young is kept by the connection; without this it scans them once per line for ever.
SET enable_seqscan = off AS $$
DECLARE
    wrong record;
BEGIN
    SELECT a.account INTO wrong FROM (SELECT DISTINCT account FROM arrived) a
    WHERE NOT EXISTS (SELECT FROM books_accounts c WHERE c.code = a.account OFFSET 0) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'there is no account %', wrong.account
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'books_lines_account';
    END IF;
    SELECT a.entry_id, a.lines, a.rest, e.currency, e.id IS NULL AS lost, e.posted_at <> now() AS posted,
           a.low <> e.currency OR a.high <> e.currency AS mixed
    INTO wrong
    FROM (
        SELECT entry_id, count(*) AS lines, sum(amount_minor) AS rest, min(currency) AS low, max(currency) AS high
        FROM arrived GROUP BY entry_id
    ) a
    LEFT JOIN LATERAL (SELECT id, currency, posted_at FROM books_entries WHERE id = a.entry_id LIMIT 1) e ON true
    WHERE e.id IS NULL OR e.posted_at <> now() OR a.low <> e.currency OR a.high <> e.currency
       OR a.lines < 2 OR a.rest <> 0
    LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    ELSIF wrong.lost THEN
        RAISE EXCEPTION 'there is no entry %', wrong.entry_id
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'books_lines_of_an_entry';
    ELSIF wrong.posted THEN
        RAISE EXCEPTION 'entry % is posted; its lines stand', wrong.entry_id
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'books_lines_append_only';
    ELSIF wrong.mixed THEN
        RAISE EXCEPTION 'entry % is in %; every line must be', wrong.entry_id, wrong.currency
            USING ERRCODE = 'check_violation', CONSTRAINT = 'books_lines_one_currency';
    END IF;
    RAISE EXCEPTION 'entry % does not balance: % lines, % over', wrong.entry_id, wrong.lines, wrong.rest
        USING ERRCODE = 'check_violation', CONSTRAINT = 'books_entries_balance';
END $$;

-- An entry without lines is only visible at the end: the lines, numbered from 1, come after it.
CREATE OR REPLACE FUNCTION books_entry_complete() RETURNS trigger LANGUAGE plpgsql
-- As above: a plan made while there were few lines would read them all for each entry.
SET enable_seqscan = off AS $$
BEGIN
    IF NEW.posted_at <> now() THEN
        RAISE EXCEPTION 'entry % must be posted at the time of its transaction', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'books_entries_posted_now';
    -- By the whole key: asked by entry alone, the planner may prefer to scan while it knows nothing of the table.
    ELSIF NOT EXISTS (SELECT FROM books_lines WHERE entry_id = NEW.id AND position = 1) THEN
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
