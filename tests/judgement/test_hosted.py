"""The hosted tier over real HTTP, in both wire formats: its answers, its failures, and what they cost."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from model_server import TOKENS_IN, TOKENS_OUT, ModelServer, a_model_server

from contracts.answers import Abstention, Label, Question
from counterfoil import database
from counterfoil.settings import settings
from exceptions_queue.failures import Failure, ModelOutputInvalid, ModelUnavailable
from judgement.hosted import paid, tier

Look = Callable[..., list[dict[str, Any]]]

#: One call of two dollars in and four out per million tokens.
COST = TOKENS_IN * 2 + TOKENS_OUT * 4

QUESTION = Question(
    name="route",
    labels=(
        Label(name="billing", description="About an invoice, a payment or a price."),
        Label(name="bug", description="Something does not work."),
    ),
    fields=("subject", "text"),
    instructions="Which team should read this ticket?",
    evidence_required=True,
)
TICKET = {"subject": "Invoice", "text": "I was charged twice for May."}


def _mind(given: dict[str, str]) -> dict[str, Any]:
    label = "billing" if "charged" in given["text"] else "bug"
    return {"label": label, "quotes": [{"field": "text", "text": given["text"][:12]}]}


@pytest.fixture(params=["anthropic", "openai"])
def vendor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, conn: Any) -> Iterator[ModelServer]:
    """A vendor that is configured, in each of the wire formats."""
    with a_model_server(_mind) as server:
        monkeypatch.setenv("COUNTERFOIL_MODEL", f"{request.param}:judge-1")
        monkeypatch.setenv("COUNTERFOIL_MODEL_PRICE", "2,4")
        monkeypatch.setenv("COUNTERFOIL_MODEL_SECONDS", "3")
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test")
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        settings.cache_clear()
        yield server
    settings.cache_clear()


@pytest.fixture
def look(conn: database.Connection) -> Look:
    """Rows as they stand now."""

    def rows(sql: str) -> list[dict[str, Any]]:
        conn.rollback()
        return conn.execute(sql).fetchall()

    return rows


def _spent(look: Look) -> dict[str, tuple[int, int]]:
    rows = look("SELECT budget, reserved_micro_usd AS reserved, spent_micro_usd AS spent FROM model_spends")
    return {row["budget"]: (row["reserved"], row["spent"]) for row in rows}


def test_an_answer_is_a_label_with_the_words_that_carry_it(vendor: ModelServer, look: Look) -> None:
    """Grounded, with what it cost, and without a confidence of its own."""
    answer = tier.answer(QUESTION, TICKET)
    assert (answer.label, answer.abstained, answer.tier, answer.confidence) == ("billing", None, "hosted", 0.0)
    assert [(span.field, span.text) for span in answer.evidence] == [("text", "I was charge")]
    assert answer.tokens == TOKENS_IN + TOKENS_OUT
    assert int(answer.cost * 1_000_000) == COST
    assert _spent(look) == dict.fromkeys(("day", "hour", "question:route"), (0, COST))


def test_only_the_fields_of_the_question_leave_the_house(vendor: ModelServer) -> None:
    """Whatever else is known of the event is not sent; nor are tools, and the instructions do not change by input."""
    tier.answer(QUESTION, {**TICKET, "iban": "DE00 0000"})
    tier.answer(QUESTION, {"subject": "Crash", "text": "It does not start."})
    first, second = (each["body"] for each in vendor.asked)
    assert "iban" not in str(first)
    assert "DE00" not in str(first)
    assert len(first["tools"]) == 1
    assert _fixed(first) == _fixed(second)


def _fixed(body: dict[str, Any]) -> Any:
    return body["system"] if "system" in body else body["messages"][0]


def test_the_same_input_is_paid_for_once(vendor: ModelServer) -> None:
    """The second time the answer is known; another version of the question is another question."""
    assert tier.answer(QUESTION, TICKET).label == tier.answer(QUESTION, TICKET).label
    assert vendor.billed == 1
    tier.answer(Question.model_validate(QUESTION.model_dump() | {"instructions": "Whose is it?"}), TICKET)
    assert vendor.billed == 2


def test_the_same_input_at_the_same_time_is_asked_once(vendor: ModelServer) -> None:
    """Eight workers, one call, eight answers."""
    vendor.takes = 0.3
    answers = _together(8, lambda number: tier.answer(QUESTION, TICKET))
    assert [answer.label for answer in answers] == ["billing"] * 8
    assert vendor.billed == 1


def test_an_answer_that_was_lost_with_its_worker_is_not_asked_for_again(
    vendor: ModelServer, conn: database.Connection
) -> None:
    """It may have been paid for: as long as the worker may live others wait, then a person is asked."""
    key = (QUESTION.version, f"{settings().model}", QUESTION.input_hash(TICKET))
    assert paid.find_or_claim(conn, key, lease_seconds=60, wait_seconds=0) is None
    conn.commit()
    with pytest.raises(TimeoutError):
        paid.find_or_claim(conn, key, lease_seconds=60, wait_seconds=0)
    conn.execute("UPDATE paid_answers SET lease_until = now()")
    conn.commit()
    answer = tier.answer(QUESTION, TICKET)
    assert (answer.label, answer.abstained, answer.cost) == (None, Abstention.LOST, 0)
    assert vendor.asked == []


REPAIRED = ["wrong_schema", "unknown_label", "extra_keys", "prose", "invented", "no_evidence"]


@pytest.mark.parametrize("fault", REPAIRED)
def test_one_repair_is_enough(vendor: ModelServer, look: Look, fault: str) -> None:
    """It is told what was wrong and answers rightly; both attempts are paid for."""
    vendor.faults = [fault]
    answer = tier.answer(QUESTION, TICKET)
    assert answer.label == "billing"
    assert len(vendor.asked) == 2
    assert _spent(look)["day"] == (0, 2 * COST)


@pytest.mark.parametrize("fault", [*REPAIRED, "truncated"])
def test_after_the_repair_it_is_invalid(vendor: ModelServer, look: Look, fault: str) -> None:
    """Two bad answers end it: nothing is taken from them, and they cost what they cost."""
    vendor.faults = [fault] * 3
    with pytest.raises(ModelOutputInvalid):
        tier.answer(QUESTION, TICKET)
    assert len(vendor.asked) <= 2
    assert _spent(look)["day"] == (0, len(vendor.asked) * COST)


@pytest.mark.parametrize("fault", ["429", "500", "529", "401", "404"])
def test_a_vendor_that_fails_is_unavailable_and_costs_nothing(vendor: ModelServer, look: Look, fault: str) -> None:
    """It is asked once; whoever comes next asks anew."""
    vendor.faults = [fault]
    with pytest.raises(ModelUnavailable, match=fault):
        tier.answer(QUESTION, TICKET)
    assert len(vendor.asked) == 1
    assert _spent(look)["day"] == (0, 0)
    assert tier.answer(QUESTION, TICKET).label == "billing"


@pytest.mark.parametrize("fault", ["hang", "not_json", "cut"])
def test_what_broke_off_may_have_been_paid_for(
    vendor: ModelServer, look: Look, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """Nobody can say what it cost, so it counts as the most that it can have."""
    monkeypatch.setenv("COUNTERFOIL_MODEL_SECONDS", "1")
    settings.cache_clear()
    vendor.faults = [fault, fault]
    with pytest.raises((ModelUnavailable, ModelOutputInvalid)):
        tier.answer(QUESTION, TICKET)
    reserved, spent = _spent(look)["day"]
    assert reserved == 0
    assert spent >= COST


def test_whoever_declines_abstains(vendor: ModelServer) -> None:
    """A refusal is an answer: a person decides, and nobody tries again."""
    vendor.faults = ["refusal"]
    answer = tier.answer(QUESTION, TICKET)
    assert (answer.label, answer.abstained) == (None, Abstention.DECLINED)
    assert tier.answer(QUESTION, TICKET).abstained == Abstention.DECLINED
    assert len(vendor.asked) == 1


def test_none_of_these_is_an_abstention(vendor: ModelServer) -> None:
    """The way out is always among the choices."""
    vendor.mind = lambda given: {"label": "none_of_these", "quotes": []}
    assert tier.answer(QUESTION, TICKET).abstained == Abstention.OUTSIDE


def test_a_call_that_could_cost_too_much_is_not_made(vendor: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound holds for the worst case, before anything is sent."""
    monkeypatch.setenv("COUNTERFOIL_MODEL_USD_PER_CALL", "0.001")
    settings.cache_clear()
    with pytest.raises(ModelUnavailable, match="one call") as refused:
        tier.answer(QUESTION, TICKET)
    assert refused.value.rule == "budget_call"
    assert vendor.asked == []


@pytest.mark.parametrize("window", ["hour", "day", "question"])
def test_sixteen_at_once_stay_within_every_budget(
    vendor: ModelServer, look: Look, monkeypatch: pytest.MonkeyPatch, window: str
) -> None:
    """Different inputs, all at the same time: some are answered, none beyond the budget."""
    name = {"question": "question:route"}.get(window, window)
    variable = {"question": "QUESTION_DAY"}.get(window, window.upper())
    monkeypatch.setenv(f"COUNTERFOIL_MODEL_USD_PER_{variable}", "0.06")
    settings.cache_clear()
    vendor.takes = 0.2
    answers = _together(16, lambda number: tier.answer(QUESTION, {"text": f"I was charged {number} times."}))
    refused = [each for each in answers if isinstance(each, Failure)]
    assert refused, "sixteen worst cases are more than the budget"
    assert {each.rule for each in refused} == {f"budget_{window}"}
    assert len(refused) < 16
    reserved, spent = _spent(look)[name]
    assert reserved == 0
    assert spent == vendor.billed * COST <= 60_000


def test_a_model_without_a_price_is_not_asked(vendor: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be budgeted is not spent."""
    monkeypatch.delenv("COUNTERFOIL_MODEL_PRICE")
    settings.cache_clear()
    with pytest.raises(ModelUnavailable, match="price") as refused:
        tier.answer(QUESTION, TICKET)
    assert refused.value.rule == "model_unpriced"
    assert vendor.asked == []


def test_without_a_key_it_says_which_is_missing(vendor: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing stays set aside."""
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(ModelUnavailable, match="_API_KEY is not set"):
        tier.answer(QUESTION, TICKET)


def test_what_a_dead_worker_set_aside_stays_set_aside(
    vendor: ModelServer, conn: database.Connection, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have asked: until the window is over, nobody else spends it."""
    from judgement.hosted import budgets

    monkeypatch.setenv("COUNTERFOIL_MODEL_USD_PER_HOUR", "0.03")
    settings.cache_clear()
    budgets.reserve(conn, budgets.budgets_for("route", None), 25_000)
    conn.commit()
    with pytest.raises(ModelUnavailable, match="hour"):
        tier.answer(QUESTION, TICKET)
    assert _spent(look)["hour"] == (25_000, 0)


def _together(count: int, work: Callable[[int], Any]) -> list[Any]:
    """What each of so many threads got, or the failure it met."""
    found: list[Any] = [None] * count
    ready = threading.Barrier(count)

    def one(number: int) -> None:
        ready.wait()
        try:
            found[number] = work(number)
        except Failure as failure:
            found[number] = failure

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found
