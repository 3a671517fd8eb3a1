"""Train or skip, and the sentence that says why."""

from dataclasses import replace

import pytest

from relevo.domain.decision import BatchFindings, decide_on
from relevo.domain.evidence import Action
from relevo.domain.metrics import ERROR_RATE, MAE, MAPE
from relevo.domain.policy import ALL_TRIGGERS, CLASSIC_TRIGGERS, Policy
from relevo.domain.wording import percent

STEADY = BatchFindings(
    batch=4,
    rows=320_696,
    has_champion=True,
    rows_total=723_452,
    rows_since_training=324_751,
    drift={"bed": 0.01, "house_size": 0.06},
    target_drift=0.08,
    metric=MAPE,
    error_now=0.141,
    error_when_trained=0.138,
    new_category_share=0.01,
    new_category_column="city",
    age_days=12,
)
ROWS = "45 % of rows are new since the last training (needs 60 %)"
SAMPLE = f"{ROWS}; inputs steady (largest PSI 0.06, house_size); champion's MAPE 14.1 % against 13.8 % when trained"


def evidence_of(name, facts, policy=None):
    return next(
        one for one in decide_on(facts, policy or Policy())[1] if one.name == name
    )


@pytest.mark.parametrize("triggers", [ALL_TRIGGERS, CLASSIC_TRIGGERS])
def test_a_steady_batch_is_skipped_with_the_sentence_of_the_design(triggers):
    action, evidence, sentence = decide_on(STEADY, Policy(triggers=triggers))
    assert action is Action.SKIP
    assert sentence == SAMPLE
    assert tuple(one.name for one in evidence) == ALL_TRIGGERS
    assert not any(one.passed for one in evidence)


FIRED = {
    "first": ({"has_champion": False}, "no champion yet"),
    "rows": (
        {"rows_since_training": 586_000},
        "81 % of rows are new since the last training (needs 60 %)",
    ),
    "input_drift": (
        {"drift": {"bed": 0.3, "house_size": 0.61}},
        "inputs drifted (PSI 0.61, house_size; limit 0.25)",
    ),
    "target_drift": ({"target_drift": 0.34}, "target drifted (PSI 0.34; limit 0.25)"),
    "error": (
        {"error_now": 0.21},
        "champion's MAPE rose to 21.0 % from 13.8 % when trained (limit +10 %)",
    ),
    "new_categories": (
        {"new_category_share": 0.07},
        "7 % of rows hold categories never seen in training (city; limit 5 %)",
    ),
    "age": ({"age_days": 31.0}, "champion is 31 days old (limit 30)"),
    "person": ({"requests": ("new tax law",)}, "asked by a person: new tax law"),
}


@pytest.mark.parametrize("name", ALL_TRIGGERS)
def test_each_trigger_alone_trains_and_leads_the_sentence(name):
    change, expected = FIRED[name]
    action, evidence, sentence = decide_on(
        replace(STEADY, **change), Policy(max_age_days=30)
    )
    assert (action, sentence) == (Action.TRAIN, expected)
    assert [one.name for one in evidence if one.passed] == [name]


@pytest.mark.parametrize("name", ALL_TRIGGERS)
def test_a_trigger_that_is_not_listed_is_shown_and_trains_nothing(name):
    change, expected = FIRED[name]
    listed = tuple(one for one in ALL_TRIGGERS if one != name)
    action, evidence, sentence = decide_on(
        replace(STEADY, **change), Policy(triggers=listed, max_age_days=30)
    )
    assert action is Action.SKIP
    assert not any(one.passed for one in evidence)
    said = (
        f"{expected[:-1]}; not a trigger here)"
        if expected.endswith(")")
        else f"{expected} (not a trigger here)"
    )
    assert said in sentence


def test_several_triggers_are_joined_in_the_order_of_the_policy():
    facts = replace(
        STEADY, **FIRED["person"][0], **FIRED["target_drift"][0], **FIRED["rows"][0]
    )
    expected = "; ".join(FIRED[name][1] for name in ("rows", "target_drift", "person"))
    assert decide_on(facts, Policy())[2] == expected


def test_without_a_champion_nothing_else_needs_saying_but_a_wish():
    facts = BatchFindings(
        batch=0, rows=100, has_champion=False, rows_total=100, rows_since_training=100
    )
    assert decide_on(facts, Policy())[2] == "no champion yet"
    assert (
        decide_on(replace(facts, requests=("a demo",)), Policy())[2]
        == "no champion yet; asked by a person: a demo"
    )


def test_the_campaign_trains_at_batches_0_2_and_5_only_under_the_classic_triggers():
    policy, total, since, trained, shares = (
        Policy(triggers=CLASSIC_TRIGGERS),
        0,
        0,
        [],
        [],
    )
    for batch, rows in enumerate((73_784, 94_551, 230_366, 4_055, 320_696, 361_457)):
        total, since = total + rows, since + rows
        facts = replace(
            STEADY, batch=batch, rows=rows, has_champion=bool(trained), rows_total=total
        )
        facts = replace(
            facts, rows_since_training=since, drift={"city": 3.0}, error_now=0.5
        )
        action, evidence, _ = decide_on(facts, policy)
        shares.append(round(100 * evidence[1].value))
        if action is Action.TRAIN:
            trained.append(batch)
            since = 0
    assert trained == [0, 2, 5]
    assert shares == [100, 56, 81, 1, 45, 63]
    assert total == 1_084_909


def test_exactly_the_share_that_is_needed_trains():
    facts = replace(STEADY, rows_total=100, rows_since_training=60)
    assert decide_on(facts, Policy())[0] is Action.TRAIN
    facts = replace(STEADY, rows_total=10_000, rows_since_training=5_996)
    action, _, sentence = decide_on(facts, Policy())
    assert action is Action.SKIP
    assert sentence.startswith(
        "59.96 % of rows are new since the last training (needs 60 %)"
    )


@pytest.mark.parametrize(
    ("change", "lead"),
    [
        ({"rows": 0}, "batch 4 is empty"),
        ({"rejected": "wrong country"}, "batch 4 was rejected (wrong country)"),
    ],
)
def test_an_empty_or_rejected_batch_trains_nothing_of_its_own(change, lead):
    facts = replace(
        STEADY, **change, rows_since_training=723_452, drift=None, error_now=None
    )
    action, evidence, sentence = decide_on(facts, Policy())
    assert action is Action.SKIP
    assert not any(one.passed for one in evidence)
    assert sentence.startswith(
        f"{lead}; 100 % of rows are new since the last training (needs 60 %; not a trigger while"
    )
    assert decide_on(replace(facts, requests=("now",)), Policy())[0] is Action.TRAIN
    assert decide_on(replace(facts, has_champion=False), Policy())[::2] == (
        Action.TRAIN,
        "no champion yet",
    )


@pytest.mark.parametrize(
    "change", [{"rows_total": 0, "rows": 0}, {"trainable_rows": 0, "rejected": "junk"}]
)
def test_with_no_rows_to_train_on_even_a_person_is_told_no(change):
    facts = BatchFindings(
        **{
            "batch": 0,
            "rows": 10,
            "has_champion": False,
            "rows_total": 10,
            "rows_since_training": 10,
            "requests": ("now",),
            **change,
        }
    )
    action, _, sentence = decide_on(facts, Policy())
    assert action is Action.SKIP
    assert "asked by a person: now (there are no rows to train on)" in sentence


def test_too_few_rows_are_not_measured_and_the_sentence_says_so():
    facts = replace(
        STEADY,
        rows=150,
        drift={"bed": 9.0},
        target_drift=9.0,
        error_now=9.0,
        new_category_share=0.9,
    )
    action, evidence, sentence = decide_on(facts, Policy())
    assert action is Action.SKIP
    unknown = [one.name for one in evidence if one.passed is None]
    assert unknown == ["input_drift", "target_drift", "error", "new_categories"]
    few = "not measured (150 rows; needs 200)"
    assert sentence == f"{ROWS}; inputs {few}; champion's MAPE {few}"


def test_what_could_not_be_measured_says_why():
    facts = replace(STEADY, drift=None, unmeasured="the champion has no profile")
    one = evidence_of("input_drift", facts)
    assert (one.value, one.passed) == (None, None)
    assert one.sentence == "inputs not measured (the champion has no profile)"


def test_an_error_of_another_metric_is_written_as_an_amount():
    facts = replace(STEADY, metric=MAE, error_now=41_234.4, error_when_trained=40_100.0)
    assert (
        evidence_of("error", facts).sentence
        == "champion's MAE 41,234 against 40,100 when trained"
    )


def test_an_error_that_was_nil_may_rise_by_the_limit_as_a_share_of_one():
    facts = replace(STEADY, metric=ERROR_RATE, error_when_trained=0.0)
    assert evidence_of("error", replace(facts, error_now=0.05)).passed is False
    assert evidence_of("error", replace(facts, error_now=0.15)).passed is True


def test_a_champion_has_no_age_limit_unless_the_policy_sets_one():
    one = evidence_of("age", replace(STEADY, age_days=900.0))
    assert (one.passed, one.sentence) == (False, "champion is 900 days old (no limit)")
    assert (
        evidence_of("age", replace(STEADY, age_days=1.0)).sentence
        == "champion is 1 day old (no limit)"
    )


def test_shares_are_written_so_that_they_never_seem_to_reach_a_limit_they_miss():
    assert [percent(share) for share in (0, 0.45, 0.004, 0.0001, 1)] == [
        "0 %",
        "45 %",
        "0.4 %",
        "under 0.1 %",
        "100 %",
    ]
    assert percent(0.596, 0.60) == "59.6 %"
    assert percent(0.0503, 0.05) == "5.03 %"
    assert percent(0.05, 0.05) == "5 %"
    assert percent(-0.0001, decimals=1) == "0.0 %"
