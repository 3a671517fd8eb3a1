from dataclasses import dataclass


@dataclass
class CardFacts:
    case: object
    release: object
    reason: str
    batches: tuple
    rows: dict
    scores: dict


def model_card(f):
    return "# card"
