"""Clean rows from RAW: good rows only, each with the identity that fixes its split for ever."""

import numpy as np
import pyarrow as pa

from relevo.domain.batch import Batch, BatchState
from relevo.domain.identity import identities, splits_of
from relevo.domain.use_case import UseCase
from relevo.ports.warehouse import RowStore


def prepare(case: UseCase, batch: Batch, rows: RowStore) -> int:
    """Write the batch's CLEAN rows and count them; a rejected batch gets none."""
    if batch.state is BatchState.REJECTED:
        return rows.write_clean(case, batch, iter(()))
    good = rows.good(case, batch)
    return rows.write_clean(case, batch, (_clean(case, batch, chunk) for chunk in good))


def _clean(case: UseCase, batch: Batch, rows: pa.RecordBatch) -> pa.RecordBatch:
    columns = {
        column.name: column.kind.canonical_array(rows[column.name], column)
        for column in case.contract
        if column.kind.clean
    }
    # CLEAN has no free text, which may be what a row is about all the same
    about = [columns.get(name, rows[name]) for name in case.contract.identity]
    identity = identities(case.name, [array.to_pylist() for array in about])
    policy = case.policy
    added = {
        "batch_id": np.full(len(rows), batch.id, np.int32),
        "position": rows["position"],
        "identity": identity,
        "side": splits_of(identity, policy.holdout_share, policy.validation_share),
    }
    return pa.RecordBatch.from_pydict(added | columns)
