"""`make bench-judgement DATA=folder`: the judge's figures beside those to reach.

    tests/bench/judging.py DATA                     all of it, a quarter of an hour on a quiet core
    tests/bench/judging.py DATA --only speed few    parts: few all promises outside learning corrections speed

Everything that is chosen is chosen on training rows; dev rows are only counted.
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is loaded: figures are per core
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[2]))

import judging_data as data
import numpy as np
from judging_data import Remembering, Row, Task, as_examples, rows_of
from rich.console import Console

from judgement import calibration, threshold
from judgement.local import fitting, keeping, pool, text, weights
from judgement.local.encoder import Encoder
from judgement.local.fitting import Example, Fitted, own_examples
from judgement.local.judge import Local
from judgement.local.voters import Looks, Voters

SEEDS = (0, 1, 2)
RESPLITS = 200
DOUBT = 0.1
CONSOLE = Console(width=130)


def say(name: str, value: float, least: float, *, below: bool = False, form: str = ".1%") -> None:
    """One figure with the one to reach."""
    good = value <= least if below else value >= least
    CONSOLE.print(
        f"  {name:<72} {value:{form}}   {'at most' if below else 'at least'} {least:{form}}   "
        + ("[green]reached[/]" if good else "[red]missed[/]")
    )


def fitted_without_outside(task: Task, rows: list[Row], encoder: Encoder) -> Fitted:
    """As `fitting.fit`, for figures that no outside head has a part in."""
    known = [*own_examples(task.question), *as_examples(rows)]
    examples = fitting.vectors(task.question, known, encoder)
    looks, labels = fitting.out_of_fold(examples, len(task.names), fitting.askable(known))
    voters = Voters.trained(examples, len(task.names))
    return Fitted(voters, pool.fit(looks.opinions, labels, voters.start(decided=bool(rows))), None)


def asked(task: Task, fitted: Fitted, rows: list[Row], encoder: Encoder) -> tuple[np.ndarray, np.ndarray, Looks]:
    """Confidence of the best label, whether it is right, and the looks."""
    vectors = rows_of(task, rows, encoder)
    looks = fitted.voters.look(vectors.meaning, vectors.letters)
    shares = pool.pooled(looks.opinions, fitted.weights)
    return shares.max(axis=1).astype(float), shares.argmax(axis=1) == vectors.labels, looks


def few(task: Task, encoder: Encoder) -> None:
    """Accuracy and calibration with few labels."""
    for count, seeds, accuracy, error in ((0, (0,), 0.62, None), (5, SEEDS, 0.81, 0.03), (10, SEEDS, 0.86, 0.025)):
        seen = []
        for seed in seeds:
            sure, right, _ = asked(
                task, fitted_without_outside(task, task.few(count, seed), encoder), task.dev, encoder
            )
            seen.append((right.mean(), calibration.error(sure, right)))
        say(f"accuracy, {count} labels per class (mean of {len(seeds)})", float(np.mean(seen, axis=0)[0]), accuracy)
        if error is not None:
            say(f"calibration error, {count} per class", float(np.mean(seen, axis=0)[1]), error, below=True, form=".4f")


def every(task: Task, encoder: Encoder) -> None:
    """Accuracy, calibration and what is committed with all labels; then the promise over re-splits of them."""
    known = [*own_examples(task.question), *as_examples(task.train)]
    began = time.perf_counter()
    examples = fitting.vectors(task.question, known, encoder)
    looks, labels = fitting.out_of_fold(examples, len(task.names), fitting.askable(known))
    fitted = fitting.fit(task.question, known, examples)
    CONSOLE.print(f"  fitted twice over in {time.perf_counter() - began:.0f} s")
    sure, right, dev_looks = asked(task, fitted, task.dev, encoder)
    say("accuracy, all labels", float(right.mean()), 0.94)
    say("calibration error, all labels", calibration.error(sure, right), 0.015, below=True, form=".4f")
    for precision, least in ((0.95, 0.991), (0.98, 0.905)):
        say(f"coverage at {precision:.0%} precision", calibration.coverage_at(precision, sure, right), least)
    shares = pool.pooled(looks.opinions, fitted.weights)
    scores, hits = shares.max(axis=1) * fitting.inside_of(fitted, looks), shares.argmax(axis=1) == labels
    deployed = sure * fitting.inside_of(fitted, dev_looks)
    for error_max, least in ((0.05, 0.95), (0.02, 0.86), (0.01, 0.76)):
        found = threshold.derive(scores, hits, error_max=error_max, doubt=DOUBT)
        used = deployed >= (found.cut or 2)
        say(f"committed at certified {error_max:.0%}", float(used.mean()), least)
        say(
            "  wrong among them",
            float(1 - right[used].mean()) if used.any() else 0.0,
            error_max,
            below=True,
            form=".2%",
        )
    resplit("clean", scores, hits)


def promises(task: Task, encoder: Encoder) -> None:
    """The promise when requests of the same domain come for which there is no label."""
    hidden = set(task.names[::5])
    random = np.random.default_rng(0)
    seen = [row for row in task.train if row[1] not in hidden]
    order = random.permutation(len(seen))
    cut = len(seen) * 2 // 3
    learned, rest = ([seen[place] for place in part] for part in (order[:cut], order[cut:]))
    question = task.question.model_copy(
        update={"labels": tuple(each for each in task.question.labels if each.name not in hidden)}
    )
    smaller = data.Task(data.Question.model_validate(question.model_dump()), learned, [], [], [])
    judge = Local.taught(smaller.question, as_examples(learned), encoder)
    sure, right, looks = asked(smaller, judge.fitted, rest, encoder)
    stray = [(said, smaller.names[0]) for said, label in task.train if label in hidden]
    unsure, _, stray_looks = asked(smaller, judge.fitted, stray, encoder)
    scores = sure * fitting.inside_of(judge.fitted, looks)
    strays = unsure * fitting.inside_of(judge.fitted, stray_looks)
    cut_at = np.quantile(fitting.inside_of(judge.fitted, looks), 0.03)
    CONSOLE.print(
        "  unsupported requests of the same domain found at 97 % kept: "
        f"{(fitting.inside_of(judge.fitted, stray_looks) < cut_at).mean():.1%} (34 % in the facts)"
    )
    for share in (0.1, 0.2):
        some = random.permutation(len(strays))[: int(len(scores) * share / (1 - share))]
        mixed = np.append(scores, strays[some]), np.append(right, np.zeros(len(some), bool))
        resplit(f"{share:.0%} unsupported", *mixed)


def resplit(name: str, scores: np.ndarray, right: np.ndarray) -> None:
    """How many of 200 splits break the promise."""
    for error_max in (0.01, 0.02, 0.05, 0.10):
        for labels in (300, 1000, 2000):
            random, broken, used = np.random.default_rng(1), 0, []
            for _ in range(RESPLITS):
                order = random.permutation(len(scores))
                some, rest = order[:labels], order[labels:]
                found = threshold.derive(scores[some], right[some], error_max=error_max, doubt=DOUBT)
                above = scores[rest] >= (found.cut or 2)
                used.append(above.mean())
                broken += bool(above.any() and 1 - right[rest][above].mean() > error_max)
            told = f"splits above {error_max:.0%}, {name}, {labels} labels (commits {np.mean(used):.0%})"
            say(told, broken / RESPLITS, DOUBT, below=True)


def outside(task: Task, encoder: Encoder) -> None:
    """Requests that no label fits."""
    judge = Local.taught(task.question, as_examples(task.train), encoder)
    _, right, dev = asked(task, judge.fitted, task.dev, encoder)
    stray = [(said, task.names[0]) for said in task.outside_dev]
    seen = {"val": task.val, "stray": stray}
    looks = {name: asked(task, judge.fitted, rows, encoder)[2] for name, rows in seen.items()}
    inside = {name: fitting.inside_of(judge.fitted, each) for name, each in {**looks, "dev": dev}.items()}
    cut = np.quantile(inside["val"], 0.03)
    say("CLINC150: in-scope accuracy", float(right.mean()), 0.95)
    say("CLINC150: out-of-scope found", float((inside["stray"] < cut).mean()), 0.75)
    CONSOLE.print(f"  in-scope kept there {(inside['dev'] >= cut).mean():.1%}; by the judge's own cut: ", end="")
    own = judge.fitted.outside.cut if judge.fitted.outside else 0.0
    CONSOLE.print(f"found {(inside['stray'] < own).mean():.1%}, kept {(inside['dev'] >= own).mean():.1%}")


def learning(task: Task, encoder: Encoder) -> None:
    """Labels from five per class to a precision at a coverage, asking what is least clear against asking anything."""
    for way, most in (("margin", 700), ("random", 700)):
        known, random, reached = task.few(5, 0), np.random.default_rng(0), {0.90: 0, 0.95: 0}
        chosen = set(known)
        left = [task.train[place] for place in random.permutation(len(task.train))[:4000]]
        left = [row for row in left if row not in chosen]
        for added in range(0, most + 1, 25):
            examples = fitting.vectors(task.question, [*own_examples(task.question), *as_examples(known)], encoder)
            voters = Voters.trained(examples, len(task.names))
            fitted = Fitted(voters, voters.start(), None)
            sure, right, _ = asked(task, fitted, task.dev, encoder)
            for precision in reached:
                if not reached[precision] and calibration.coverage_at(precision, sure, right) >= 0.8:
                    reached[precision] = added or 1
            if reached[0.95] or (way == "random" and reached[0.90]):
                break
            vectors = rows_of(task, left, encoder)
            shares = np.sort(
                pool.pooled(voters.look(vectors.meaning, vectors.letters).opinions, fitted.weights), axis=1
            )
            unclear = np.argsort(shares[:, -1] - shares[:, -2]) if way == "margin" else random.permutation(len(left))
            asked_now = {int(place) for place in unclear[:25]}
            known += [left[place] for place in asked_now]
            left = [row for place, row in enumerate(left) if place not in asked_now]
        for precision, least in ((0.90, 150), (0.95, 700)):
            if way == "margin" or reached[precision]:
                told = f"labels to {precision:.0%} precision at 80 % coverage, asked by {way}"
                say(told, reached[precision] or most * 10, least, below=True, form=".0f")


def corrections(task: Task, encoder: Encoder) -> None:
    """A wrong answer is corrected once; then the same text and a rewording of it are asked."""
    known = task.few(5, 0)
    fitted = fitted_without_outside(task, known, encoder)
    rest = [row for row in task.train if row not in set(known)]
    _, right, _ = asked(task, fitted, rest, encoder)
    wrong = [row for row, fine in zip(rest, right, strict=True) if not fine][:1500]
    like = (vectors := rows_of(task, wrong, encoder).meaning) @ vectors.T
    judge = Local(task.question, [*own_examples(task.question), *as_examples(known)], encoder, fitted)
    same, reworded = [], []
    for place, (said, label) in enumerate(wrong):
        alike = [
            other
            for other in np.flatnonzero((like[place] > 0.85) & (np.arange(len(wrong)) > place)).tolist()
            if wrong[other][1] == label and text.folded(wrong[other][0]) != text.folded(said)
        ]
        if alike and judge.answer({"text": wrong[alike[0]][0]}).label != label and len(reworded) < 100:
            judge.learn(Example(f"c{place}", {"text": said}, label, "corrector"))
            same.append(judge.answer({"text": said}).label == label)
            reworded.append(judge.answer({"text": wrong[alike[0]][0]}).label == label)
    say(f"a correction answers the same text ({len(same)})", float(np.mean(same)), 1.0)
    say("a correction answers it reworded (likeness in meaning over 0.85)", float(np.mean(reworded)), 0.64)


def speed(task: Task, encoder: Encoder) -> None:
    """Load, time of an answer and memory, in a process that does nothing else."""
    examples = [*own_examples(task.question), *as_examples(task.train)]
    # Kept over runs, as long as it is of this very question.
    kept = Path(tempfile.gettempdir()) / f"counterfoil-bench-{task.question.version}.kept"
    if not kept.exists():
        fitted = fitting.fit(task.question, examples, fitting.vectors(task.question, examples, encoder))
        kept.write_bytes(keeping.keep(Local(task.question, examples, encoder, fitted)))
    reader, writer = os.pipe()
    if child := os.fork():
        os.close(writer)
        with os.fdopen(reader) as told:
            load, middle, slow, learned, memory = map(float, told.read().split())
        os.waitpid(child, 0)
    else:
        here = [sys.executable, __file__, str(SETTINGS.data), "--weights", str(SETTINGS.weights)]
        os.dup2(writer, 1)
        os.execv(sys.executable, [*here, "--answering", str(kept)])
    say("load of encoder and 10,000 decisions, seconds", load, 3, below=True, form=".2f")
    say("an answer, p50 ms", middle, 20, below=True, form=".1f")
    say("an answer, p99 ms", slow, 30, below=True, form=".1f")
    say("a correction, slowest of 50, ms", learned, 1000, below=True, form=".0f")
    say("memory with 10,000 decisions, MB", memory, 450, below=True, form=".0f")


def answering(kept: Path) -> None:
    """What `speed` measures; prints load, p50, p99, slowest correction, memory."""
    task = data.banking(SETTINGS.data)
    examples = [*own_examples(task.question), *as_examples(task.train)]
    began = time.perf_counter()
    encoder = weights.find_encoder(SETTINGS.weights)
    judge = keeping.restore(kept.read_bytes(), task.question, examples, encoder)
    load, taken = time.perf_counter() - began, []
    for said, _ in task.dev[:1000]:
        taken.append(judge.answer({"text": said}).latency_seconds * 1000)
    learned = 0.0
    for number, (said, label) in enumerate(task.dev[:50]):
        began = time.perf_counter()
        judge.learn(Example(f"n{number}", {"text": said}, label, "somebody"))
        learned = max(learned, time.perf_counter() - began)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(load, *np.percentile(taken, [50, 99]), learned * 1000, memory)


PARTS = {"few": few, "all": every, "promises": promises, "outside": outside, "learning": learning}
PARTS |= {"corrections": corrections, "speed": speed}

parser = argparse.ArgumentParser(description="The judge's figures beside those to reach.")
parser.add_argument("data", type=Path, help="folder with banking77/ and clinc150/")
parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
parser.add_argument("--weights", type=Path, default=weights.path(), help="packed weights of the encoder")
parser.add_argument("--answering", type=Path, help=argparse.SUPPRESS)

if __name__ == "__main__":
    SETTINGS = parser.parse_args()
    if SETTINGS.answering:
        answering(SETTINGS.answering)
        sys.exit()
    plain = weights.find_encoder(SETTINGS.weights)
    if plain is None:
        sys.exit("» no weights: python -m judgement.local.weights fetches them")
    remembering: Encoder = Remembering(plain)  # type: ignore[assignment]
    for part in SETTINGS.only:
        CONSOLE.print(f"[bold]{part}[/]")
        PARTS[part](data.clinc(SETTINGS.data) if part == "outside" else data.banking(SETTINGS.data), remembering)
