"""The auditor: reads inputs and outputs, committed only, does the sums itself, and says what does not add up.

It trusts nothing of ours: no import of processors, nor of the messages' own types; `wire` is its idea of them.
"""
