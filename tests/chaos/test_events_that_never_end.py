"""Events that kill or hold up whoever touches them become a case of their own; the others go on."""

import pytest
from company import Company, Founding
from stripe_side import Paid, Sender, an_invoice_paid, invoices_paid


@pytest.fixture(scope="module")
def staff(found: Founding) -> tuple[Company, Sender]:
    """One of each, with a handler that has the troubles that an invoice's number asks for."""
    return found(COUNTERFOIL_HANDLERS="troubled_handlers")


def _stuck_case(company: Company, paid: Paid) -> bool:
    return bool(
        company.rows(
            "SELECT 1 FROM events e JOIN cases c ON c.id = e.case_id"
            " WHERE e.key = %s AND e.status = 'exception' AND c.failure_class = 'run_stuck' AND c.status = 'open'",
            paid.event,
        )
    )


@pytest.mark.parametrize(("trouble", "deaths"), [("POISON", 5), ("ENDLESS", 0), ("DEAF", 2), ("CHOKING", 2)])
def test_an_event_that_never_ends_becomes_a_case_and_the_others_go_on(
    staff: tuple[Company, Sender], trouble: str, deaths: int
) -> None:
    """A `run_stuck` case with an owner, nothing written for it, and the events around it are done.

    Fails without: `crashes` in `ledger.claim` and its limit in the pipeline (POISON comes back for ever), suspects that
    travel alone and in the order of their crashes (the others of its group, or of the stand-in, crash with it until
    they are cases too), the watchdog of `engine.deadline`
    (ENDLESS), and its last resort of ending the process (DEAF, CHOKING: no exception reaches those).
    """
    company, sender = staff
    worker = company.units["worker"]
    worker.env["COUNTERFOIL_CRASHES_MAX"] = str(deaths or 5)
    company.rearm("worker")
    stuck = an_invoice_paid(number=trouble)
    others = invoices_paid(15)

    company.finish(sender.start([*others[:5], stuck, *others[5:]]))
    company.wait_until_done(others, 30)
    company.check_books(others)
    company.wait_until(lambda: _stuck_case(company, stuck), 60, f"a case for {trouble}")

    assert len(worker.deaths) == deaths
    assert company.rows("SELECT 1 FROM writes WHERE key = %s", stuck.write_key) == []
    assert company.rows("SELECT 1 FROM books_entries WHERE write_key = %s", stuck.write_key) == []
    told = company.rows(
        "SELECT n.recipient FROM notifications n JOIN events e ON e.case_id = n.case_id WHERE e.key = %s", stuck.event
    )
    assert told

    # And whoever comes afterwards meets a worker that is well
    later = invoices_paid(5)
    company.finish(sender.start(later))
    company.wait_until_done(later, 10)
    company.check_books(later)


def test_after_all_of_it_the_doctor_finds_nothing(staff: tuple[Company, Sender]) -> None:
    """P4 and P9: the stuck events wait for a named, living person; doctor takes that for well."""
    staff[0].check_promises()
