"""What a person orders happens, needs a reason, and is on record; and what broke says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from relevo.app import Loop, open_loop
from relevo.bootstrap import load_use_case
from relevo.cli.app import app
from relevo.domain.evidence import Action, MoveKind
from relevo.domain.release import CHAMPION
from relevo.errors import (
    AlreadyChampion,
    InvalidInput,
    ModelRefused,
    NotFound,
    ReasonMissing,
    UseCaseBroken,
)
from relevo.loop import review
from relevo.loop.run_batch import run_batch
from relevo.releases.release_folder import MODEL_FILE
from relevo.settings import Settings
from tests.loop.flats import flats_settings
from tests.loop.foreign import Foreign, serving, small_batches


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A loop that has worked off four batches, and was asked to train once more."""
    with serving(Foreign(small_batches(4, 200))) as foreign:
        settings = flats_settings(tmp_path_factory.mktemp("ran"), foreign.url)
        loop = open_loop("flats", settings)
        with loop.working("test"):
            while run_batch(loop, lambda _: None):
                pass
            retrain(loop, "the boss asked")
        yield settings


def retrain(loop: Loop, reason: str) -> None:
    loop.retrain(reason, lambda _: None)


def promote(loop: Loop, version: str, reason: str) -> None:
    loop.promote(version, reason)


def relevo(settings: Settings, *arguments: str) -> str:
    """What the command prints; it must succeed."""
    named = {"home", "use_cases", "source_url", "source_timeout"}
    env = {
        f"RELEVO_{key.upper()}": str(value)
        for key, value in settings.model_dump().items()
        if key in named
    }
    result = CliRunner().invoke(
        app, list(arguments), env={**env, "COLUMNS": "200"}, catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    return result.output


def test_the_first_batch_trains_because_there_is_no_champion(ran: Settings) -> None:
    first = relevo(ran, "history", "flats").splitlines()[0]
    assert first.startswith("batch 0  trained  no champion yet")


def test_history_has_a_line_a_decision_with_its_sentence(ran: Settings) -> None:
    lines = relevo(ran, "history", "flats").splitlines()
    assert [line[:8] for line in lines] == [
        "batch 0 ",
        "batch 1 ",
        "batch 2 ",
        "batch 3 ",
        "batch 3 ",
    ]
    assert "of rows are new since the last training" in lines[1]
    assert "trained  asked by a person: the boss asked" in lines[4]


def test_explain_shows_the_evidence_the_training_the_verdict_and_the_policy(
    ran: Settings,
) -> None:
    shown = relevo(ran, "explain", "flats", "0")
    for word in (
        "sha256",
        "no champion yet",
        "test",
        "first model",
        "new_rows_share",
        "min_rows_to_measure",
    ):
        assert word in shown
    with pytest.raises(NotFound, match="flats has no batch 99"):
        relevo(ran, "explain", "flats", "99")


def test_explain_marks_what_the_policy_sets_itself_and_nothing_else(
    ran: Settings,
) -> None:
    lines = relevo(ran, "explain", "flats", "0").splitlines()
    marked = [line.split()[0] for line in lines if "(not the default)" in line]
    assert marked == ["error_rise", "min_rows_to_measure"]


def test_status_names_champion_and_newest_batch(ran: Settings) -> None:
    shown = relevo(ran, "status", "flats")
    assert "4 batches, 800 rows" in shown
    assert "version 1" in shown


def test_predict_answers_a_row_and_a_file_alike_and_knows_new_cities(
    ran: Settings, tmp_path: Path
) -> None:
    one = relevo(ran, "predict", "flats", "city=Cali", "size=80").strip()
    assert one.endswith("EUR")
    assert 300 < float(one.removesuffix("EUR")) < 1500
    rows = tmp_path / "rows.csv"
    rows.write_text("city,size\nCali,80\nLeticia,80\n,80\n")
    answers = relevo(ran, "predict", "flats", "--file", str(rows)).split()
    assert answers[0] == one.split()[0]
    assert len(answers) == 3
    with pytest.raises(InvalidInput, match="size = '-5' is below 1"):
        relevo(ran, "predict", "flats", "size=-5")


def test_promote_and_rollback_move_the_alias_and_leave_a_record(ran: Settings) -> None:
    loop = open_loop("flats", ran)
    champion = loop.registry.alias("flats", CHAMPION)
    other = next(
        v.number for v in loop.registry.versions("flats") if v.number != champion
    )
    promote(loop, other, "trying it")
    assert loop.registry.alias("flats", CHAMPION) == other
    assert f'"version": "{other}"' in pointer(loop)
    said = relevo(ran, "rollback", "flats", "--reason", "worse in the shop")
    assert f"version {champion} of flats is champion now" in said
    assert loop.registry.alias("flats", CHAMPION) == champion
    kinds = [(move.kind, move.reason) for move in loop.warehouse.record.moves("flats")][
        -2:
    ]
    assert kinds == [
        (MoveKind.PERSON, "trying it"),
        (MoveKind.ROLLBACK, "worse in the shop"),
    ]


def pointer(loop: Loop) -> str:
    with loop.artifacts.open("releases/flats/champion.json") as stream:
        return stream.read().decode()


def test_an_order_without_reason_or_sense_is_refused(ran: Settings) -> None:
    loop = open_loop("flats", ran)
    champion = loop.registry.alias("flats", CHAMPION)
    assert champion
    with pytest.raises(ReasonMissing, match="say why"):
        promote(loop, "1", "  ")
    with pytest.raises(AlreadyChampion, match="is the champion already"):
        promote(loop, champion, "again")
    with pytest.raises(NotFound, match="no version 77"):
        promote(loop, "77", "why not")


def test_wishes_that_are_open_together_are_answered_by_one_decision(
    tmp_path: Path,
) -> None:
    with serving(Foreign(small_batches(1, 80))) as foreign:
        loop = open_loop("flats", flats_settings(tmp_path, foreign.url))
        with loop.working("test"):
            run_batch(loop, lambda _: None)
            loop.warehouse.record.add_request("flats", "the first wish")
            batch, decision = review.retrain(
                loop.case, "the second", loop.warehouse, loop.registry, loop.clock
            )
        assert "the first wish" in decision.sentence
        assert "the second" in decision.sentence
        assert not loop.warehouse.record.open_requests("flats")
        assert [
            known.id for known in loop.warehouse.record.decisions("flats", batch.id)
        ][1:] == [decision.id]


def test_a_training_request_is_on_record_once_and_needs_no_new_batch(
    tmp_path: Path,
) -> None:
    with serving(Foreign(small_batches(1, 80))) as foreign:
        loop = open_loop("flats", flats_settings(tmp_path, foreign.url))
        with loop.working("test"):
            run_batch(loop, lambda _: None)
            assert loop.next_batch() is None
            asked = [loop.request_training("new rules") for _ in range(2)]
            assert asked == [True, False]
            batch = loop.next_batch()
            assert batch is not None
            decision = loop.decide_all(batch.id)
        assert decision.action is Action.TRAIN
        assert "new rules" in decision.sentence
        assert not loop.warehouse.record.open_requests("flats")


def test_replay_tells_what_another_policy_would_have_decided(
    ran: Settings, tmp_path: Path
) -> None:
    never = tmp_path / "never.toml"
    never.write_text('triggers = ["first"]\n')
    assert "1 trainings for sure" in relevo(
        ran, "replay", "flats", "--policy", str(never)
    )
    always = tmp_path / "always.toml"
    always.write_text('triggers = ["first", "rows"]\nnew_rows_share = 0.01\n')
    assert "4 trainings for sure" in relevo(
        ran, "replay", "flats", "--policy", str(always)
    )
    eager = tmp_path / "eager.toml"
    eager.write_text(
        'triggers = ["first", "rows", "error"]\nnew_rows_share = 0.5\nerror_rise = 0.9\n'
    )
    assert "unknown" in relevo(ran, "replay", "flats", "--policy", str(eager))


def test_replay_trained_anew_runs_the_loop_again_from_what_landed(
    ran: Settings, tmp_path: Path
) -> None:
    always = tmp_path / "always.toml"
    always.write_text('triggers = ["first", "rows"]\nnew_rows_share = 0.01\n')
    before = open_loop("flats", ran).registry.versions("flats")
    assert "4 trainings for sure" in relevo(
        ran, "replay", "flats", "--policy", str(always), "--retrain"
    )
    assert open_loop("flats", ran).registry.versions("flats") == before


def test_a_damaged_model_is_refused_with_the_way_out(ran: Settings) -> None:
    loop = open_loop("flats", ran)
    champion = loop.registry.alias("flats", CHAMPION)
    assert champion
    cached = ran.home / "cache" / "models" / "flats" / champion
    registered = next(
        p
        for p in (ran.home / "mlflow-artifacts").rglob(MODEL_FILE)
        if p.read_bytes() == model(cached)
    )
    whole = registered.read_bytes()
    (cached / MODEL_FILE).unlink()
    registered.write_bytes(whole[:-10])
    with pytest.raises(
        ModelRefused, match=f"version {champion} of flats.*relevo promote flats VERSION"
    ):
        loop.registry.fetch("flats", champion)
    registered.write_bytes(whole)
    assert model(loop.registry.fetch("flats", champion)) == whole


def model(folder: Path) -> bytes:
    return (folder / MODEL_FILE).read_bytes()


def test_a_use_case_that_raises_is_named_with_its_error(tmp_path: Path) -> None:
    settings = flats_settings(tmp_path, "http://127.0.0.1:9")
    file = tmp_path / "use_cases" / "flats" / "use_case.py"
    file.write_text("1 / 0\n")
    with pytest.raises(UseCaseBroken, match=r"use_case\.py: ZeroDivisionError"):
        load_use_case("flats", settings)
    with pytest.raises(NotFound, match=r"no use case 'houses'.*there are: flats"):
        load_use_case("houses", settings)


def test_a_candidate_that_raises_fails_the_training_and_the_batch_waits(
    tmp_path: Path,
) -> None:
    with serving(Foreign(small_batches(2, 80))) as foreign:
        settings = flats_settings(tmp_path, foreign.url)
        file = tmp_path / "use_cases" / "flats" / "use_case.py"
        sound = file.read_text()
        broken = sound.replace(
            "candidates=(LinearBaseline(),)", "candidates=(Broken(),)"
        )
        file.write_text(
            "class Broken:\n    name = 'broken'\n    def fit(self, *_, **__):\n        raise ValueError('no luck')\n"
            + broken
        )
        with (
            pytest.raises(Exception, match="no luck"),
            open_loop("flats", settings).working("test") as loop,
        ):
            run_batch(loop, lambda _: None)
        file.write_text(sound)
        with open_loop("flats", settings).working("test") as loop:
            worked = run_batch(loop, lambda _: None)
        assert worked is not None
        assert (worked.batch.number, worked.decision.action) == (0, Action.TRAIN)
        assert loop.registry.alias("flats", CHAMPION) == "1"
