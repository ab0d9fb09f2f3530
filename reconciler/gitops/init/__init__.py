"""Begin a repository: manifests, editor settings, a hook, and pipelines that call the CLI and can do nothing else."""
