"""The kind DataSync: its manifest, its mapping expressions, and what a run costs."""
