"""Peer: Surprise's CoClustering (George & Merugu, ICDM 2005) on a table of interactions.

Runs with the Python of a virtual environment that has scikit-surprise, and imports nothing of ours:
python surprise_fit.py TABLE.npz USER_GROUPS CARD_GROUPS EPOCHS
"""

import json
import sys
import time
from typing import Any

import numpy as np


def main() -> None:
    """Fit on `train`, predict `test`; prints seconds and the root mean squared error as one JSON object."""
    import pandas as pd
    from surprise import CoClustering, Dataset, Reader

    path, user_groups, card_groups, epochs = sys.argv[1], *map(int, sys.argv[2:5])
    table: Any = np.load(path)
    frame = pd.DataFrame({name: table[f"train_{name}"] for name in ("user", "card", "x")})
    reader = Reader(rating_scale=(float(frame.x.min()), float(frame.x.max())))
    train = Dataset.load_from_df(frame, reader).build_full_trainset()
    model = CoClustering(n_cltr_u=user_groups, n_cltr_i=card_groups, n_epochs=epochs, random_state=1)
    start_s = time.process_time()
    model.fit(train)
    seconds = time.process_time() - start_s
    columns = (table[f"test_{name}"].tolist() for name in ("user", "card", "x"))
    errors = [model.predict(user, card).est - x for user, card, x in zip(*columns, strict=True)]
    print(json.dumps({"seconds": seconds, "rmse": float(np.sqrt(np.mean(np.square(errors))))}))  # noqa: T201


if __name__ == "__main__":
    main()
