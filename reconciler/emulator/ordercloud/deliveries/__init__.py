"""Deliveries of the emulated OrderCloud: changed records become messages at the targets of delivery configs.

changes.py hears of every write and says which records it touches; feed.py asks the syncs whether they flow, holds them
while a sync is paused, and queues the rest; lane.py sends what is queued, per delivery config, in the background.
"""
