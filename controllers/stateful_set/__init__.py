"""The StatefulSet controller: pods with an identity each, started and stopped in order."""
