"""The local tier over made-up requests: answers, abstains, learns at once, and comes back as it was kept."""

import time

import numpy as np
import pytest
from requests_made_up import TOPICS, a_question, a_request, an_example, examples

from contracts.answers import Abstention, faults
from judgement.local import keeping, outside, pool
from judgement.local.fitting import inside_of, out_of_fold, own_examples, vectors
from judgement.local.judge import Local
from judgement.local.repeats import NEAR_EXACT

QUESTION = a_question()


@pytest.fixture(scope="module")
def kept() -> bytes:
    """A judge taught by thirty decisions per label, as bytes: every test changes a copy of its own."""
    return keeping.keep(Local.taught(QUESTION, examples(30)))


@pytest.fixture
def judge(kept: bytes) -> Local:
    """That judge."""
    return keeping.restore(kept, QUESTION, [*own_examples(QUESTION), *examples(30)], None)


def _requests(count: int, seed: int) -> list[tuple[str, str]]:
    random = np.random.default_rng(seed)
    return [(label, a_request(label, random)) for label in TOPICS for _ in range(count)]


def test_it_is_mostly_right_and_says_so(judge: Local) -> None:
    """Four in five new requests right, and the confidences mean what they say."""
    found = [(judge.looks(message)[0], label) for label, message in _requests(25, seed=9)]
    right = [QUESTION.label_names[shares.argmax()] == label for shares, label in found]
    assert np.mean(right) > 0.8
    assert abs(np.mean(right) - np.mean([shares.max() for shares, _ in found])) < 0.1


def test_it_works_on_the_first_event() -> None:
    """Without any example the labels' own words serve."""
    judge = Local.taught(QUESTION, [])
    answers = [judge.answer({"message": words}) for words in ("my card was stolen", "money wanted back please")]
    assert [each.label for each in answers] == ["lost_card", "refund"]


def test_every_answer_holds_against_its_question(judge: Local) -> None:
    """Labels of the question, evidence word for word from the input, precedents that exist."""
    ids = {each.id for each in judge.examples}
    for label, message in _requests(4, seed=3):
        given = {"message": message, "secret": "never looked at"}
        found = judge.answer(given)
        assert faults(found, QUESTION, given) == ()
        assert found.label is None or found.evidence, label
        assert found.precedents
        assert {each.example_id for each in found.precedents} <= ids
        assert found.latency_seconds > 0


def test_only_the_named_fields_are_looked_at(judge: Local) -> None:
    """What stands in another field changes nothing."""
    one, other = ({"message": "where is my parcel", "note": note} for note in ("", "refund refund refund"))
    same = {"latency_seconds": 0.0}
    assert judge.answer(one).model_copy(update=same) == judge.answer(other).model_copy(update=same)


@pytest.mark.parametrize("message", ["", "   ", "?!…", "\n"])
def test_nothing_said_is_nothing_answered(judge: Local, message: str) -> None:
    """An empty input is no request, whatever label is commonest."""
    assert judge.answer({"message": message}).abstained in {Abstention.NO_INPUT, Abstention.UNREADABLE}


def test_what_is_unlike_everything_is_told_from_what_is_known(judge: Local) -> None:
    """Requests about other things come out as less inside than nineteen in twenty of the known ones."""
    known = [judge.looks(message)[1] for _, message in _requests(20, seed=5)]
    strange = ["zebra giraffe wildlife savannah", "quantum chromodynamics lattice", "violin sonata rehearsal tonight"]
    unlike = [judge.looks(message)[1] for message in strange]
    assert max(unlike) < np.quantile(known, 0.05)
    assert {judge.answer({"message": each}).abstained for each in strange} == {Abstention.OUTSIDE}


def test_a_correction_answers_the_same_text_from_then_on(judge: Local) -> None:
    """For every label, however sure it was of another: 100 of 100, in other letters and signs too. Break it: ask the
    voters before the look-up."""
    for number, (label, message) in enumerate(_requests(6, seed=11)):
        wanted = list(TOPICS)[(list(TOPICS).index(label) + 3) % len(TOPICS)]
        judge.learn(an_example(wanted, message, author="bo", name=f"n{number}"))
        for again in (message, message.upper() + "!", f"  {message.replace(' ', ', ')}"):
            found = judge.answer({"message": again})
            assert (found.label, found.repeat, found.precedents[0].example_id) == (wanted, True, f"n{number}")


def test_what_a_person_said_of_just_these_words_has_them_as_its_evidence(judge: Local) -> None:
    """Also where every word speaks for what was said before: where evidence is required a person would be asked for
    ever. Break it: quote only words that speak for the label."""
    message = "i want my money back"
    for number in range(20):
        judge.learn(an_example("refund", message, name=f"r{number}"))
    judge.learn(an_example("delivery", message, name="newest"))
    found = judge.answer({"message": message})
    assert (found.label, found.repeat) == ("delivery", True)
    assert [span.text for span in found.evidence] == [message]


def test_a_correction_takes_less_than_a_second(judge: Local) -> None:
    """Learned within the time in which the next event may come, also when the recent ones are sorted in."""
    slowest = 0.0
    for number, (label, message) in enumerate(_requests(35, seed=13)):
        began = time.perf_counter()
        judge.learn(an_example(label, f"{message} {number}", name=f"s{number}"))
        slowest = max(slowest, time.perf_counter() - began)
    assert slowest < 1
    assert len(judge.fitted.voters.examples) == len(judge.examples)


def test_a_new_word_counts_from_its_first_example(judge: Local) -> None:
    """Reworded, not repeated: the correction is found by its letters."""
    before = judge.looks("the flumox broke again today")[0][QUESTION.label_names.index("delivery")]
    for number in range(3):
        judge.learn(an_example("delivery", f"my flumox number {number} is not here", name=f"f{number}"))
    after = judge.looks("the flumox broke again today")[0][QUESTION.label_names.index("delivery")]
    assert after > before


def test_people_who_disagree_are_shown_not_outvoted(judge: Local) -> None:
    """Two decisions about one text: no answer, both named."""
    for author, label in (("ann", "refund"), ("bo", "cancel")):
        judge.learn(an_example(label, "stop and give it back", author=author, name=author))
    found = judge.answer({"message": "Stop, and give it back!"})
    assert found.abstained == Abstention.CONTESTED
    assert {each.label for each in found.precedents} == {"refund", "cancel"}


#: Long, so that one word more or less is next to nothing of it.
_LONG = (
    "{0} please look into the whole delivery of last tuesday morning which our neighbour took in by mistake while we "
    "were away and tell me about every parcel {1} that was part of the shipment because nobody at the depot could"
)


@pytest.mark.parametrize(
    ("asked", "repeats"),
    [(("we", "parcels"), True), (("hi", "4711"), False), (("not", "4712"), False)],
)
def test_one_figure_or_one_not_is_another_request(judge: Local, asked: tuple[str, str], repeats: bool) -> None:
    """Nearly the same letters are a repeat unless they differ in what may be the whole point. Break it: compare no
    figures and denials."""
    told = ("hi", "parcels") if repeats else ("hi", "4712")
    judge.learn(an_example("bug", _LONG.format(*told)))
    message = _LONG.format(*asked)
    assert judge.looks(message)[2].letters[0, -1] >= NEAR_EXACT
    assert judge.answer({"message": message}).repeat is repeats


def test_a_description_is_no_decision(judge: Local) -> None:
    """A request in the very words of a label's description is judged, not looked up: no person decided it."""
    found = judge.answer({"message": "money is wanted back"})
    assert (found.label, found.repeat) == ("refund", False)


def test_what_was_kept_answers_alike(judge: Local, kept: bytes) -> None:
    """To the last bit, and it is small."""
    again = keeping.restore(kept, QUESTION, judge.examples, None)
    for _, message in _requests(3, seed=17):
        assert (again.looks(message)[0] == judge.looks(message)[0]).all()
    assert again.fitted.outside is not None


def test_what_was_kept_is_used_with_nothing_else(judge: Local, kept: bytes) -> None:
    """Another question, other examples or damaged bytes: fitted anew, never misread."""
    with pytest.raises(keeping.KeptUnusable):
        keeping.restore(kept, a_question(instructions="other"), judge.examples, None)
    with pytest.raises(keeping.KeptUnusable):
        keeping.restore(kept, QUESTION, judge.examples[:-1], None)
    with pytest.raises(keeping.KeptUnusable):
        keeping.restore(kept[:-9], QUESTION, judge.examples, None)


def test_the_same_examples_give_the_same_judge() -> None:
    """Nothing depends on chance: what was measured is what runs."""
    both = [keeping.keep(Local.taught(QUESTION, examples(6))) for _ in range(2)]
    assert both[0] == both[1]


def test_the_pool_is_likelier_than_its_voters() -> None:
    """On opinions it was fitted on it is at least as likely as the best voter alone, with no weight below zero."""
    known = examples(30)
    rows = vectors(QUESTION, known, None)
    looks, labels = out_of_fold(rows, len(QUESTION.labels), np.ones(len(known), bool))

    def unlikeliness(weights: np.ndarray) -> float:
        return float(-np.log(pool.pooled(looks.opinions, weights)[np.arange(len(labels)), labels]).mean())

    fitted = pool.fit(looks.opinions, labels, np.array([5.0, 0.5], np.float32))
    alone = [min(unlikeliness(np.eye(2, dtype=np.float32)[v] * s) for s in (0.3, 1, 3, 9)) for v in range(2)]
    assert (fitted >= 0).all()
    assert unlikeliness(fitted) <= min(alone) + 0.02


def test_too_few_labels_hide_nothing() -> None:
    """With a handful of labels or examples nothing is learned about the outside, and nothing is claimed."""
    judge = Local.taught(a_question(labels=QUESTION.labels[:2]), examples(8)[:16])
    assert judge.fitted.outside is None
    rows = vectors(judge.question, judge.examples, None)
    assert (inside_of(judge.fitted, judge.fitted.voters.look(None, rows.letters)) == 1).all()


def test_with_few_labels_distance_tells_what_is_outside() -> None:
    """Where no label can be hidden: what is farther from all examples than nearly all of them are from each other. Of
    the known, about one in thirty is turned away with it. Break it: ask only how sure the voters are."""
    few = a_question(labels=QUESTION.labels[:4])
    judge = Local.taught(few, [each for each in examples(40) if each.label in few.label_names])
    known = [judge.answer({"message": said}) for label, said in _requests(60, seed=5) if label in few.label_names]
    assert sum(each.abstained == Abstention.OUTSIDE for each in known) / len(known) < 0.08
    strange = ["zebra giraffe wildlife savannah", "quantum chromodynamics lattice", "violin sonata rehearsal tonight"]
    assert {judge.answer({"message": each}).abstained for each in strange} == {Abstention.OUTSIDE}
    again = keeping.restore(keeping.keep(judge), few, judge.examples, None)
    assert again.answer({"message": strange[0]}).abstained == Abstention.OUTSIDE


def test_similar_labels_are_hidden_together() -> None:
    """Every label is in exactly one group."""
    found = outside.groups(vectors(QUESTION, examples(5), None), len(QUESTION.labels))
    assert sorted(label for group in found for label in group) == list(range(len(QUESTION.labels)))
