"""The Deployment controller: rollouts from one ReplicaSet to the next.

Open the files in this order: :mod:`~controllers.deployment.sync` decides, with the help of
:mod:`~controllers.deployment.rolling`, :mod:`~controllers.deployment.recreate`, :mod:`~controllers.deployment.scaling`
and :mod:`~controllers.deployment.status`; each works on a :class:`~controllers.deployment.draft.Draft`, the state as it
will be once the plan is carried out. :mod:`~controllers.deployment.controller` carries it out.
"""
