# %% [markdown]
# # Evaluate a log, and rank a page
#
# What would another policy have earned on the pages that this one has shown? And how does a page come about? Both
# without Kafka. This page is a notebook: [download it](evaluate.py).
#
# ## A log with propensities
#
# Ten cards in one slot, 20,000 visits. The policy that was running showed the card that it thought best with
# probability 0.7 and any card with probability 0.3. It was wrong about the best card.

# %%
import numpy as np

rng = np.random.default_rng(2)
visits, cards = 20_000, 10
stream_rate = np.linspace(0.05, 0.30, cards)
thought_best = 4
logging = np.full(cards, 0.3 / cards)
logging[thought_best] += 0.7
shown = rng.choice(cards, size=visits, p=logging)
rewards = (rng.random(visits) < stream_rate[shown]).astype(float)
print(f"the log earned {rewards.mean():.4f} a visit")

# %% [markdown]
# ## Values of two other policies
#
# A weight is the probability of what was shown under the *target* over that under the policy that showed it. `near`
# prefers the best card as moderately as the log did another; `far` shows nothing but one card that the log showed in
# 3% of the visits.

# %%
from processors.evaluation.counterfactual import Counterfactual
from processors.evaluation.estimators.exposures import Exposures

near = np.full(cards, 0.5 / cards)
near[9] += 0.5
far = np.eye(cards)[9]
for name, target, part in (("near", near, slice(None)), ("far", far, slice(2_000))):
    found = Counterfactual.weighted(caps=(5.0,))
    found.add(Exposures(weights=(target / logging)[shown], rewards=rewards)[part])
    print(f"{name}: truly {target @ stream_rate:.4f}")
    for one in found.estimates():
        told = (
            f"{one.value:.4f}  {one.low:.4f} to {one.high:.4f}"
            if one.verdict.is_shown
            else f"withheld: {one.verdict.reason}"
        )
        print(f"  {one.estimator:12s} {told}")

# %% [markdown]
# A capped weight makes the value too low, or hides what it cuts away, so it is withheld. `far` on 2,000 visits rests
# on some sixty of them: too few to say anything. **A withheld value is a result**: it says that this log cannot
# answer the question, and what would help.
#
# ## Rank a page
#
# The processor of one partition of listeners, as a worker runs it. Events in, messages out. First the catalogue, then
# one page of two cards, of which the listener played one for ten minutes.

# %%
from processors.listeners import Listeners
from processors.listeners_settings import ListenersSettings
from processors.ranking.ranking_settings import RankingSettings
from schemas.catalogue import CatalogueCard
from schemas.impressions import Impression, ShownShelf
from schemas.rankings import ShelfRanking
from schemas.stream_ends import StreamEnd

listeners = Listeners(ListenersSettings(ranking=RankingSettings(epsilon=0.2, seed=7)), source="notebook")
for number in range(1, 5):
    name = f"rain-{number}"
    listeners.learned.put_card(name, CatalogueCard(card_id=name, title=name, shelves=("asleep",)))

shelf = ShownShelf(shelf_id="asleep", cards=("rain-1", "rain-2"), propensities=(0.5, 0.5), seen=(0, 1))
page = Impression(event_id="page-1", user_id="ada", event_ms=1_000, shelves=(shelf,))
play = StreamEnd(
    event_id="play-1", user_id="ada", card_id="rain-2", started_ms=2_000, event_ms=602_000, played_ms=600_000
)
listeners.impressions([(0, page)])
listeners.stream_ends([(0, play)])
[ranking] = [message for message in listeners.conclude().everything() if isinstance(message, ShelfRanking)]
print(ranking.user_id, "ranking", ranking.ranking_number)
for place, card in enumerate(ranking.shelves[0].cards):
    print(f"  {card}  placed with probability {ranking.shelves[0].propensities[place]:.3f}")

# %% [markdown]
# ## Half an hour later
#
# An exposure settles a [horizon](../glossary.md) after it was shown, in event time. There is no clock in a processor:
# a later event says that time has passed, one of either topic, since settlement follows the slower of the two. Then
# each card that was seen has exactly one outcome.

# %%
from schemas.outcomes import OutcomesSettled

later = 1_000 + 2 * 3_600_000
again = Impression(event_id="page-2", user_id="grace", event_ms=later, shelves=(shelf,))
elsewhere = StreamEnd(
    event_id="play-2", user_id="grace", card_id="rain-3", started_ms=later, event_ms=later, played_ms=0
)
listeners.impressions([(1, again)])
listeners.stream_ends([(1, elsewhere)])
for message in listeners.conclude().everything():
    if isinstance(message, OutcomesSettled):
        for outcome in message.outcomes():
            print(outcome.card_id, "played for", outcome.played_ms // 1_000, "s")
