"""The comparison that decides the default encoder."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.bench.pipeline import encoders as bench
from recommender.encoder.store import CompiledEncoder, save_encoder
from tests.recommender.compiled import compiled_encoder


def test_leave_one_out_counts_as_by_hand() -> None:
    angles = np.deg2rad([0, 10, 25, 90, 100])
    features = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    labels = np.array([0, 0, 1, 1, 1])
    # ranks by angle: 0 → 1 2 3 4; 1 → 0 2 3 4; 2 → 1 0 3 4; 3 → 4 2 1 0; 4 → 3 2 1 0
    precision, average = bench.leave_one_out(features, labels)
    assert precision == pytest.approx((1 / 4 + 1 / 4 + 2 / 4 + 2 / 4 + 2 / 4) / 5)
    assert average == pytest.approx((1 + 1 + (1 / 3 + 2 / 4) / 2 + 1 + 1) / 5)


def test_a_query_alone_in_its_category_is_not_asked() -> None:
    features = np.eye(3, dtype=np.float32) + 0.1
    assert bench.leave_one_out(features, np.array([0, 0, 1]))[0] == pytest.approx(0.5)


@pytest.mark.long
@pytest.mark.keras
def test_drawn_products_are_compared(db: None, lite0_file: CompiledEncoder, lite2_int8_file: CompiledEncoder) -> None:
    for made in (lite0_file, compiled_encoder("efficientnet-lite2"), lite2_int8_file):
        save_encoder(made)
    result = bench.compare(None, drawn_a_kind=2, rounds=3)
    assert (result["drawn"], result["pictures"]) == (True, 2 * result["categories"])
    assert list(result["encoders"]) == ["efficientnet-lite0", "efficientnet-lite2", "efficientnet-lite2-int8"]
    for row in result["encoders"].values():
        assert 0 < row["p_at_10"] <= 1 and 0 < row["map_at_50"] <= 1
        assert row["milliseconds"] == pytest.approx(1000 / row["forward_per_second"])
    assert result["encoders"]["efficientnet-lite0"]["speed_against_base"] == 1
    rows = result["encoders"]
    assert (
        rows["efficientnet-lite2-int8"]["forward_per_second"] > 1.3 * rows["efficientnet-lite2"]["forward_per_second"]
    )
    lost = max(result["quality_lost_by_int8"].values())
    assert result["passes"] == (lost <= 0.005 and result["int8_speed_against_base"] >= 0.9)
    assert bench.table(result).count("\n") == 5
