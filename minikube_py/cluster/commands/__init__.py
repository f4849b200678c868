"""One file per command of ``minikube-py``; each has the work, ``cli`` has the flags."""
