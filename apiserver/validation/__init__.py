"""Field validation, one module per kind or family of kinds; pure functions that yield upstream's field errors.

Every function takes the value and its field path (``spec.containers[0]``) and yields all errors, never only the
first. Types have been checked before (:mod:`minikube_py.api.schema`): a field that is there has its schema's type.
"""
