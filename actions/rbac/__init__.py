"""What each part of Twokey may do in a cluster, derived from what the verbs declare: accounts, rights, confinement."""
