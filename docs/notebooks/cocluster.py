# %% [markdown]
# # Co-cluster a table
#
# From a table of *who streamed what for how long* to groups of both sides, and to what counts as a success in each
# pair of groups. No Kafka, no settings, no files: the processors are functions. This page is a notebook: [download
# it](cocluster.py) and open it in Jupyter (with Jupytext), VS Code or PyCharm; the outputs below were computed when
# this page was built.
#
# The table here is made up, so that the truth is known: two kinds of listeners, three kinds of cards. The first kind
# sleeps through card kind 2 (hours) and hurries through kind 0; the second does not.

# %%
import numpy as np

rng = np.random.default_rng(1)
rows = 6_000
user = rng.integers(120, size=rows)
card = rng.integers(60, size=rows)
typical_s = np.array([[30.0, 200.0, 9_000.0], [300.0, 60.0, 4_000.0]])
seconds = typical_s[user % 2, card % 3] * np.exp(0.7 * rng.standard_normal(rows))

# %% [markdown]
# With a data frame of your own, number its names first; both of these work the same with pandas and Polars columns:
#
# ```text
# users, user = np.unique(frame["user"].to_numpy(), return_inverse=True)
# seconds = frame["seconds"].to_numpy()
# ```
#
# ## Fit, and ask whether groups help
#
# The fit works on `log(1 + seconds)`, because streaming times are heavy-tailed. A fifth of the rows is held out; each
# shape is judged by how much better it predicts those than one group for all.

# %%
from processors.cocluster.fitting.offline import OfflineSettings, cocluster_offline
from processors.cocluster.model.soft_groups import Interactions

table = Interactions(user, card, np.log1p(seconds), users=120, cards=60)
result = cocluster_offline(table, OfflineSettings(user_groups=2, card_groups=3, seed=1))
print("chosen shape:", result.chosen)
for shape, score in result.summary()["held_out"]["evidence"].items():
    gain, null, error = score["gain"], score["null"], score["standard_error"]
    print(f"{shape:>7s}  gain {gain:+.3f}  of it without groups {null:+.3f}  ± {error:.3f}")

# %% [markdown]
# `gain` is in nats for each held-out row. `null` is the gain of the same fit if nobody's group is known, which a
# skewed distribution alone can make: [groups must predict](../learning.md#groups-must-predict) more than that.
#
# ## Look at the blocks
#
# Typical streaming time (the geometric mean, in seconds) of each pair of groups. The numbers of groups are arbitrary;
# the planted times come out.

# %%
print(np.array(result.summary()["blocks"]["typical_seconds"]).round())

# %%
planted = user[np.unique(user, return_index=True)[1]] % 2
found = result.groups.user.argmax(axis=1)
agreement = max((found == planted).mean(), (found != planted).mean())
print(f"listeners in the group of their kind: {agreement:.0%}")

# %% [markdown]
# ## What counts as a success
#
# A [reward](../concepts.md#rewards) turns the distribution of each block into a threshold. `static` is the 30 seconds
# of the industry; `mean` asks for as long as is usual in the block; `mean:none` is the same rule without groups.

# %%
from processors.rewards.reward_catalogue import reward_named
from processors.rewards.streaming_times import StreamingTimes

times = StreamingTimes.of(seconds, result.groups.user[user], result.groups.card[card])
for name in ("static", "mean:none", "mean"):
    print(name, reward_named(name).success(times).threshold_s.round().tolist())

# %% [markdown]
# Without groups one threshold of some minutes rules all: nearly every night of sleep sounds succeeds, nearly no short
# news item ever does.

# %%
for name in ("static", "mean:none", "mean"):
    earned = reward_named(name).success(times).of(seconds)
    mine = earned[np.arange(rows), result.groups.user[user].argmax(axis=1), result.groups.card[card].argmax(axis=1)]
    shares = [float(mine[(user % 2 == kind) & (card % 3 == of)].mean()) for kind in (0, 1) for of in (0, 1, 2)]
    print(f"{name:>9s}", " ".join(f"{share:4.0%}" for share in shares))

# %% [markdown]
# The columns are the six planted pairs, each reward's share of successful streams: about half everywhere under
# `mean`, all or nothing under the other two. The same from the command line: `shelfwise cocluster FILE --user-groups
# 2 --card-groups 3`.
