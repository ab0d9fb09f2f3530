"""Probes of delivery targets: what each of the twelve would say to OrderCloud, as far as it can be known from here.

No message is sent. A name is resolved once, its addresses are checked, and the connection goes to one of these very
addresses (connect.py); a redirect is not followed. targets.py says which probe is which target's.
"""
