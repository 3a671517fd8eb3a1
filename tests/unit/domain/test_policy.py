"""A policy that contradicts itself is refused when it is written, by name."""

import pytest

from relevo.domain.policy import Policy
from relevo.errors import UseCaseBroken


def test_an_unknown_trigger_is_refused_with_those_there_are():
    with pytest.raises(
        UseCaseBroken, match=r"no trigger 'weather'; there are first, rows, .*person"
    ):
        Policy(triggers=("first", "weather"))


@pytest.mark.parametrize(
    "name",
    [
        "new_rows_share",
        "bad_rows_share",
        "holdout_share",
        "validation_share",
        "error_probability",
    ],
)
@pytest.mark.parametrize("value", [0, 1, 60])
def test_a_share_outside_0_and_1_is_refused_by_name(name, value):
    with pytest.raises(
        UseCaseBroken, match=f"{name} is {value}; it must lie between 0 and 1"
    ):
        Policy(**{name: value})


def test_sides_that_leave_too_little_to_train_on_are_refused():
    with pytest.raises(UseCaseBroken, match="less than 20 %"):
        Policy(holdout_share=0.6, validation_share=0.3)


def test_a_policy_from_plain_values_takes_known_names_only():
    assert Policy.of({"triggers": ["first"], "seed": 3}) == Policy(
        triggers=("first",), seed=3
    )
    with pytest.raises(UseCaseBroken, match="no setting 'sede'"):
        Policy.of({"sede": 3})
