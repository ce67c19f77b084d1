"""An embedded, single-node broker that speaks the real Kafka protocol; for development and tests.

Theory of operation
-------------------
`embedded` runs a `server` in a thread with an event loop of its own. The server reads one request at a time
from each connection (`wire`, on kafka-python's generated codecs), asks the `faults` plan whether to misbehave
and hands it to the function in `handlers` that bears its name. Handlers act on one `state`:

    topics ──► log (one a partition) ──► segment ──► storage     what was produced
                └► producers                                     sequences, open and aborted transactions
    groups ──► group ──► group_admission, group_member           members, rebalances, committed offsets
    transactions                                                 producer ids, fencing, two-phase ends
    journal ──► storage                                          what topics, groups, transactions remember

Beside the requests a tick ends sessions, rebalances and transactions whose time is up, and the `cleaner`
rolls, expires and compacts (`compaction`) what the topics' settings (`topic_config`) say.

Three things make it simple. Everything but waiting (Fetch, JoinGroup, SyncGroup) happens without giving way
to another request, so there are no locks. Whatever must survive a kill is written before it is answered, so
recovery is opening: `BrokerState` is a function of its storage. And storage in memory is the same files in a
dictionary, so a broker without a folder crashes, recovers and compacts by the same code as one on disk.
"""
