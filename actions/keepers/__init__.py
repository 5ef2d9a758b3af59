"""Where GitOps rules: the objects that keep a service's version for Argo CD or Flux, and a change there."""
