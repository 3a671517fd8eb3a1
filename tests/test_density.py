"""The product's code grows no denser than it is: see docs/decisions/019-density.md."""

from __future__ import annotations

from benchmarks.density import measure_density


def test_the_code_is_no_denser_than_it_was() -> None:
    density = measure_density()
    assert density.conditionals_per_thousand <= 1.6
    assert density.wide_calls < 10
    assert density.function_median <= 56
    assert density.function_p90 <= 150
    assert density.long_share <= 0.02
    assert density.unformatted <= 3
