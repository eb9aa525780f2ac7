-- A company's past over its events (`company.py`): each part is named for what is told when it is in place.
-- Numbers in colons are sizes. `n` is an event, `c` a case, `j` a member of a case, `w` a write at HubSpot.

-- @ names
CREATE FUNCTION pg_temp.id_of(kind text, at timestamptz, n bigint) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || kind || '8' ||
            lpad(to_hex(n), 15, '0'))::uuid $$;
CREATE FUNCTION pg_temp.case_of(c bigint) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$
    SELECT pg_temp.id_of('ca5', pg_temp.moment_of(c * 20), c) $$;
CREATE FUNCTION pg_temp.write_of(w bigint) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$
    SELECT pg_temp.id_of('a1e', pg_temp.moment_of(w * 30), w) $$;
CREATE FUNCTION pg_temp.is_live(c bigint) RETURNS boolean IMMUTABLE LANGUAGE sql AS $$
    SELECT c <= 41 OR c % 8 = 0 $$;
CREATE FUNCTION pg_temp.body_of(w bigint) RETURNS jsonb IMMUTABLE LANGUAGE sql AS $$
    SELECT jsonb_build_object('by', jsonb_build_object('name', 'stripe_customer_id', 'value', 'cus_' || w), 'properties',
        jsonb_build_object('name', 'Acme ' || w, 'city', 'Oslo', 'vat', 'NO' || w, 'plan', 'team')) $$;

-- @ cases
INSERT INTO cases (id, failure_class, fingerprint, title, detail, status, source, handler, destination, owner,
                   opened_at, last_seen_at, due_at, closed_at, closed_by, close_reason)
SELECT pg_temp.case_of(c), failure_class, md5(c::text), 'The payload breaks its contract (total_adds_up) in ' || handler,
       jsonb_build_object('type', 'invoice.paid', 'rule', 'total_adds_up', 'sentence', repeat('what was wrong ', 8)),
       CASE WHEN NOT pg_temp.is_live(c) THEN CASE WHEN c % 9 = 0 THEN 'dismissed' ELSE 'resolved' END
            WHEN c % 40 = 0 THEN 'acknowledged' WHEN c % 72 = 0 THEN 'snoozed' ELSE 'open' END,
       CASE WHEN c % 5 = 0 THEN 'hubspot' ELSE 'stripe' END, handler,
       CASE WHEN failure_class LIKE 'write%' THEN 'hubspot' END,
       CASE c % 200 WHEN 0 THEN 'fiona' WHEN 8 THEN 'marek' END,
       pg_temp.moment_of(c * 20), pg_temp.moment_of(c * 20) + interval '20 minutes',
       pg_temp.moment_of(c * 20) + c % 400 * interval '1 hour',
       CASE WHEN NOT pg_temp.is_live(c) THEN pg_temp.moment_of(c * 20) + c % 5 * interval '1 hour' END,
       CASE WHEN NOT pg_temp.is_live(c) THEN 'replay' END, CASE WHEN c % 9 = 0 THEN 'a test of theirs' END
FROM generate_series(1, :cases:) c, LATERAL (SELECT
    (ARRAY['contract_violation', 'contract_violation', 'contract_violation', 'write_refused', 'write_refused',
           'low_confidence', 'out_of_bounds', 'approval_needed', 'context_missing', 'handler_bug', 'write_in_doubt',
           'destination_unavailable'])[1 + c / 8 % 12] AS failure_class,
    CASE WHEN c % 5 = 0 THEN 'deal_closed_won'
         ELSE (ARRAY['invoice_paid', 'payment_succeeded', 'subscription_changed'])[1 + c % 3] END AS handler) AS said;

-- @ what is in cases
INSERT INTO case_events (case_id, event_id, run_id, amount_minor, currency, detail, added_at, cleared_at)
SELECT pg_temp.case_of(c), pg_temp.event_of(j * 25 / 3), pg_temp.event_run_of(j * 25 / 3), 100 + j::bigint * 7919 % 900000,
       (ARRAY['EUR', 'EUR', 'USD', 'JPY'])[1 + j % 4],
       jsonb_build_object('sentence', repeat('what was wrong ', 8), 'violations', jsonb_build_array(jsonb_build_object(
           'rule', 'total_adds_up', 'field', 'data.object.total', 'value', j, 'bound', '21240',
           'advice', 'look at the invoice at Stripe and correct the copy'))),
       pg_temp.moment_of(j * 25 / 3), CASE WHEN NOT pg_temp.is_live(c) THEN pg_temp.moment_of(j * 25 / 3) + interval '1 hour' END
FROM generate_series(1, :members:) j, LATERAL (SELECT
    CASE j % 15 WHEN 0 THEN 1 WHEN 1 THEN 2 + j / 15 % 40 ELSE 42 + j % (:cases: - 42) END AS c) AS of;
UPDATE cases c SET events = m.events, dollars = m.minor / 100.0
FROM (SELECT case_id, count(*) AS events, sum(amount_minor) AS minor FROM case_events GROUP BY 1) m
WHERE m.case_id = c.id;
UPDATE events e SET status = 'exception', case_id = m.case_id, outcome = 'the total does not follow from the lines'
FROM case_events m WHERE m.event_id = e.id AND m.cleared_at IS NULL;
UPDATE runs r SET status = 'exception', failure_class = 'contract_violation', detail = 'the total does not add up'
FROM case_events m WHERE m.run_id = r.id;
INSERT INTO notifications (id, case_id, kind, recipient, channel, status, attempts, created_at, due_at, sent_at)
SELECT pg_temp.id_of('a0f', at, c), pg_temp.case_of(c), 'opened', 'fiona', 'log://', 'sent', 1, at, at, at
FROM generate_series(1, :cases:) c, LATERAL (SELECT pg_temp.moment_of(c * 20) AS at) AS was;

-- @ writes at HubSpot
INSERT INTO writes (id, key, destination, operation, status, subject, target, amount_minor, currency, action, digest,
                    event_id, run_id, handler, first_sent_at, last_sent_at, receipt, detail, approval_rule,
                    approvals_needed, created_at, confirmed_at)
SELECT pg_temp.write_of(w), 'hubspot:deal:' || w, 'hubspot', 'upsert_company', status, 'hubspot:1:deal:' || w * 30 % 40000,
       'hubspot:companies/stripe_customer_id=cus_' || w, 100 + w::bigint * 7919 % 900000, 'EUR',
       jsonb_build_object('body', pg_temp.body_of(w), 'evidence', '{"deal": "closed and won"}'::jsonb),
       repeat('d', 64), pg_temp.event_of(w * 30), pg_temp.event_run_of(w * 30), 'deal_closed_won',
       CASE WHEN status IN ('confirmed', 'refused', 'in_doubt') THEN at END,
       CASE WHEN status IN ('confirmed', 'refused', 'in_doubt') THEN at END,
       CASE WHEN status = 'confirmed' THEN jsonb_build_object('reference', 9000000 + w, 'status', 200) END,
       CASE WHEN status = 'refused' THEN 'the property has no such option' END, 'large amounts',
       CASE WHEN status = 'shadow' THEN 0 ELSE 1 END, at, CASE WHEN status = 'confirmed' THEN at END
FROM generate_series(1, :writes:) w, LATERAL (SELECT pg_temp.moment_of(w * 30) AS at,
    CASE WHEN w <= :approved: THEN 'confirmed' WHEN w <= :approved: + :waiting: THEN 'awaiting_approval'
         WHEN w % 20 = 0 THEN 'refused' WHEN w % 50 = 1 THEN 'in_doubt' WHEN w % 10 = 3 THEN 'planned'
         ELSE 'shadow' END AS status) AS is_now;

-- @ approvals
INSERT INTO approvals (id, write_id, status, digest, shown, rule, needed, opened_at, expires_at, closed_at)
SELECT pg_temp.id_of('a99', at, w), pg_temp.write_of(w), CASE WHEN is_past THEN 'used' ELSE 'open' END, repeat('a', 64),
       jsonb_build_object('effect_digest', repeat('d', 64), 'key', 'hubspot:deal:' || w, 'title', 'Update a company',
           'lines', '["Set 4 properties of Acme", "Say where they come from"]'::jsonb, 'body', pg_temp.body_of(w),
           'before', '{"version": "1", "reference": "9000001", "fields": {"name": "Acme", "city": "Oslo"}}'::jsonb,
           'evidence', '{"deal": "closed and won", "owner": "given by HubSpot"}'::jsonb, 'confidence', 0.93,
           'rule', 'large amounts', 'can_be_undone', 'yes, by the values of before',
           'alternatives', '["leave it as it is"]'::jsonb, 'amount', NULL, 'destination', 'hubspot',
           'operation', 'upsert_company', 'people_needed', 1),
       'large amounts', 1, at,
       CASE WHEN is_past THEN at + interval '1 day' ELSE now() + (1 + w % 96) * interval '1 hour' END,
       CASE WHEN is_past THEN at + interval '2 hours' END
FROM generate_series(1, :approved: + :waiting:) w, LATERAL (SELECT
    pg_temp.moment_of(w * 30) AS at, w <= :approved: AS is_past) AS was;
INSERT INTO approval_votes (approval_id, person, decision, digest, reason, voted_at)
SELECT id, 'fiona', 'approve', digest, 'agreed with the customer', closed_at FROM approvals WHERE status = 'used';

-- @ decisions and labels
INSERT INTO decisions (id, event_id, scope, handler, question, question_version, item, input_hash, fields, counterparty,
                       tier, model, label, status, why, confidence, threshold, evidence, precedents, settled_by,
                       settled_label, settled_at, acted, cost_micro_usd, latency_ms, created_at)
SELECT pg_temp.id_of('dec', at, d), pg_temp.event_of(d * 20 - 2), 'event:' || d, 'invoice_paid', 'revenue_category',
       '74c2c5ff3c8b4a49', 'il_' || d, md5(d::text), '{"description": "Team plan, monthly", "product": "prod_1"}'::jsonb,
       'cus_' || d % 20000, 'local', 'local/3', CASE WHEN status <> 'asked' THEN 'subscription' END, status,
       'the confidence is above the bound', 0.5 + d % 50 / 100.0, 0.8,
       '[{"field": "description", "start": 0, "end": 9, "text": "Team plan"}]'::jsonb,
       '[{"label_id": "1", "label": "subscription", "text": "Team plan, yearly", "similarity": 0.9}]'::jsonb,
       CASE WHEN status = 'settled' THEN 'fiona' END, CASE WHEN status = 'settled' THEN 'subscription' END,
       CASE WHEN status = 'settled' THEN at END, status = 'committed', 120, 3.5, at
FROM generate_series(1, :decisions:) d, LATERAL (SELECT pg_temp.moment_of(d * 20 - 2) AS at,
    CASE WHEN d % 125 = 0 THEN 'asked' WHEN d % 10 = 1 THEN 'settled' ELSE 'committed' END AS status) AS is_now;
INSERT INTO labels (id, question, input_hash, fields, label, origin, use, author, counterparty, created_at)
SELECT pg_temp.id_of('1ab', at, d), 'revenue_category', md5(d::text),
       '{"description": "Team plan, monthly", "product": "prod_1"}'::jsonb, 'subscription', 'correction',
       (ARRAY['learn', 'learn', 'calibrate', 'golden'])[1 + d / 10 % 4], 'fiona', 'cus_' || d % 20000, at
FROM generate_series(1, :decisions:, 10) d, LATERAL (SELECT pg_temp.moment_of(d * 20 - 2) AS at) AS was;

-- @ replays, reversals and rules
INSERT INTO replays (id, status, filter, plan, reason, author, created_at, started_at, finished_at)
SELECT pg_temp.id_of('4e9', at, r), CASE WHEN r = 200 THEN 'running' ELSE 'finished' END, '{"status": "exception"}'::jsonb,
       jsonb_build_object('events', 10, 'by_status', '{"exception": 10}'::jsonb, 'money', '[]'::jsonb,
                          'written', '[]'::jsonb, 'approvals', 0),
       'the rate was wrong', 'fiona', at, at, CASE WHEN r < 200 THEN at END
FROM generate_series(1, 200) r, LATERAL (SELECT pg_temp.moment_of(r * (:events: / 201)) AS at) AS was;
INSERT INTO replay_items (replay_id, event_id, position, status, detail)
SELECT p.id, pg_temp.event_of(i * 8), i,
       CASE WHEN p.status = 'finished' OR i % 4 = 0 THEN 'done' WHEN i % 50 = 1 THEN 'failed' ELSE 'planned' END,
       CASE WHEN i % 50 = 1 THEN 'the total does not follow from the lines' END
FROM replays p, generate_series(1, CASE WHEN p.status = 'running' THEN :items: ELSE 10 END) i;
INSERT INTO reversals (id, status, filter, plan, reason, author, created_at, started_at, finished_at)
SELECT pg_temp.id_of('4e7', at, r), CASE WHEN r = 40 THEN 'running' ELSE 'finished' END, '{"destination": "hubspot"}'::jsonb,
       '{"writes": 10}'::jsonb, 'sent twice by hand', 'fiona', at, at, CASE WHEN r < 40 THEN at END
FROM generate_series(1, 40) r, LATERAL (SELECT pg_temp.moment_of(r * (:events: / 41)) AS at) AS was;
INSERT INTO reversal_items (reversal_id, write_id, position, status)
SELECT v.id, pg_temp.write_of(i), i, CASE WHEN v.status = 'finished' OR i % 3 = 0 THEN 'reversed' ELSE 'planned' END
FROM reversals v, generate_series(1, CASE WHEN v.status = 'running' THEN :items: / 5 ELSE 10 END) i;
INSERT INTO fixes (id, status, source, provider, types, conditions, settings, digest, author, reason, proposed_at,
                   approver, approved_at, approval_reason)
SELECT pg_temp.id_of('f18', now() - f * interval '1 hour', f), status, 'stripe', 'stripe', '{invoice.paid}',
       jsonb_build_object('data.object.description', 'Plan ' || f), '{"data.object.metadata.category": "services"}'::jsonb,
       md5(f::text), 'rhea', 'said by the customer', now() - f * interval '1 hour',
       CASE status WHEN 'active' THEN 'fiona' END, CASE status WHEN 'active' THEN now() END,
       CASE status WHEN 'active' THEN 'right' END
FROM generate_series(1, 40) f, LATERAL (SELECT CASE WHEN f % 4 = 0 THEN 'active' ELSE 'proposed' END AS status) AS is_now;

-- @ what people did, and what was refused
INSERT INTO audit_entries (lane, seq, at, actor, action, subject, detail, hash)
SELECT 'desk', a, to_char(pg_temp.moment_of(a * 20) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
       (ARRAY['fiona', 'marek', 'rhea', 'tomas', 'pia', 'quentin'])[1 + a % 6],
       (ARRAY['case.acknowledged', 'case.resolved', 'event.replayed', 'case.assigned'])[1 + a % 4],
       'case:' || pg_temp.case_of(a), '{"reason": "looked into it"}', sha256(a::text::bytea)
FROM generate_series(1, :cases:) a;
INSERT INTO audit_heads (lane, seq, hash) SELECT 'desk', :cases:, sha256('1'::bytea)
ON CONFLICT (lane) DO UPDATE SET seq = excluded.seq;
INSERT INTO rejection_counts (minute, source, reason, count)
SELECT date_trunc('minute', now()) - m * interval '7 minutes', 'stripe', 'signature mismatch', 2
FROM generate_series(1, 2000) m;
INSERT INTO rejections (id, source, status, reason, body_bytes, at)
SELECT pg_temp.id_of('4e1', now() - m * interval '1 minute', m), 'stripe', 401, 'signature mismatch', 1500,
       now() - m * interval '1 minute' FROM generate_series(1, 1000) m;

-- @ what events mention
INSERT INTO mentions (kind, value, amount_minor, event_id)
SELECT m.kind, m.value, m.amount, pg_temp.event_of(n)
FROM generate_series(1, :events:) n, LATERAL (VALUES
    ('id', 'in_' || n, 0), ('id', 'cus_' || n % 20000, 0), ('id', 'B-' || n, 0),
    ('name', 'customer ' || n % 20000, 0), ('email', 'u' || n % 20000 || '@example.com', 0),
    ('amount', 'EUR', 100 + n::bigint * 7919 % 900000)) AS m(kind, value, amount)
WHERE n % 5 <> 0;
INSERT INTO mentions (kind, value, amount_minor, event_id)
SELECT 'id', m.value, 0, pg_temp.event_of(n)
FROM generate_series(5, :events:, 5) n, LATERAL (VALUES ('1:deal:' || n % 40000), ((n % 40000)::text)) AS m(value);
-- What a sweeper made while there was one event is not the past's.
TRUNCATE mention_marks, tallies, handler_versions;
INSERT INTO mention_marks (id, through) SELECT m, (SELECT id FROM events ORDER BY id DESC LIMIT 1)
FROM generate_series(1, 2) m;
