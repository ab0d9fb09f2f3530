"""`reconciler drift`: what differs, why, and what to do about it."""
