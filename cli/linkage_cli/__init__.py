"""The `linkage` command: the local run and the operators' work."""
