"""The contract that the town keeps, held by a real kube-apiserver: the same tests with another `cluster_api`."""

from tests.contract.test_kubernetes import *  # noqa: F403 - every law of the suite, by its own name
from tests.contract.test_scale import *  # noqa: F403 - the same
