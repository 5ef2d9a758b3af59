"""The outside systems behind small Protocols, one file each: a cluster, metrics, logs, a model under evaluation."""
