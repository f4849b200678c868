"""PodSecurity: the Pod Security Standards by namespace label.

The plugin is in :mod:`~apiserver.admission.pod_security.plugin`; everything else here is pure: what labels ask for in
:mod:`~apiserver.admission.pod_security.policy`, the controls in ``baseline`` and ``restricted``, which of them there
are in which version in ``registry``. Follows ``k8s.io/pod-security-admission``, whose messages these are.
"""
