"""Control plane: diff, plan, guard, apply, drift, import."""
