"""An embedded, single-node broker that speaks the real Kafka protocol; for development and tests.

Theory of operation
-------------------
`embedded` runs a `server` in a thread with its own event loop. The server reads one request at a time
from each connection (`wire`, on kafka-python's generated codecs), asks the `faults` plan whether to inject a fault
and passes it to the function of its name in `handlers`. Handlers act on one `state`:

    topics ──► log (one a partition) ──► segment ──► storage     what was produced
                └► producers                                     sequences, open and aborted transactions
    groups ──► group ──► group_admission, group_member           members, rebalances, committed offsets
    transactions                                                 producer ids, fencing, two-phase ends
    journal ──► storage                                          persistent state of topics, groups, transactions

Besides requests, a tick ends expired sessions, rebalances and transactions, and the `cleaner` rolls, deletes and
compacts (`log_compaction`) segments according to the topics' settings (`topic_config`).

Three things keep it simple. Everything but waiting (Fetch, JoinGroup, SyncGroup) runs without yielding to another
request, so there are no locks. Data that must survive a kill is written before the response, so recovery is just
opening: `BrokerState` is a function of its storage. And storage in memory is the same files in a dictionary, so a
broker without a folder crashes, recovers and compacts by the same code as one on disk.
"""
