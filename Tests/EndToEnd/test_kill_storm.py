"""A small kill storm (kill_storm.py), and proof that it would notice."""

import random

import pytest

from kill_storm import Campaign, storm

KILLS = 15


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_and_nothing_happens_twice(tmp_path):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    counts = storm(tmp_path, kills=KILLS, campaign_kills=KILLS // 3, loops=[1, 2, 4], seed=seed, log=print,
                   config_lines=["snapshot_records: 500"])
    assert counts["kills"] >= KILLS and counts["acknowledged"] > 100 * KILLS
    # It met what it is for.
    assert counts["unknown, had been done"] > 0 and counts["unknown, done by the repeat"] > 0
    assert counts["segments"] > 3 and counts["starts from a snapshot"] > 0


@pytest.mark.slow
def test_a_disk_that_lies_is_found_out(tmp_path, preload):
    """Frames that are called durable 30 ms before they are: the storm must fail, or it proves nothing."""
    campaign = Campaign(tmp_path, loops=1, seed=random.randrange(2**32), kills=20, observed=False,
                        environment={"LD_PRELOAD": preload("lying_disk")})
    with pytest.raises(AssertionError) as found:
        campaign.run()
    seen = str(found.value)
    assert any(text in seen for text in ("was acknowledged, the service has", "after a restart", "exit code 65 at start")), seen
