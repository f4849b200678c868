"""The ReplicaSet and ReplicationController controllers: as many pods of a template as are asked for."""
