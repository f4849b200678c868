"""The strategies of the kinds of storage.k8s.io."""

from __future__ import annotations

from typing import ClassVar

from apiserver.strategies import warnings
from apiserver.strategies.base import StrategyContext
from apiserver.strategies.defaults import storage as defaults
from apiserver.strategies.defaults.persistent_volumes import default_inline_volume
from apiserver.strategies.ruled import RuledStrategy, Rules
from apiserver.validation import storage as validation
from minikube_py.api.meta import Object, generation_of, metadata


class StorageClassStrategy(RuledStrategy):
    """A StorageClass."""

    returns_deleted_object: ClassVar[bool] = True
    rules: ClassVar[Rules] = Rules(
        validation.storage_class, validation.storage_class_update, default=defaults.default_storage_class
    )

    def warnings(self, obj: Object) -> list[str]:
        """Deprecated node labels."""
        return list(warnings.storage_class(obj))


class VolumeAttributesClassStrategy(RuledStrategy):
    """A VolumeAttributesClass."""

    returns_deleted_object: ClassVar[bool] = True
    rules: ClassVar[Rules] = Rules(validation.volume_attributes_class, validation.volume_attributes_class_update)


class VolumeAttachmentStrategy(RuledStrategy):
    """A VolumeAttachment, which is not attached when it is made."""

    allow_unconditional_update: ClassVar[bool] = False
    returns_deleted_object: ClassVar[bool] = True
    initial_status: ClassVar[Object | None] = {"attached": False}
    rules: ClassVar[Rules] = Rules(
        validation.volume_attachment,
        validation.volume_attachment_update,
        validation.volume_attachment_update,
        default=default_inline_volume,
    )


class CsiDriverStrategy(RuledStrategy):
    """A CSIDriver, whose generation counts changes from none."""

    allow_unconditional_update: ClassVar[bool] = False
    returns_deleted_object: ClassVar[bool] = True
    rules: ClassVar[Rules] = Rules(
        validation.csi_driver, validation.csi_driver_update, default=defaults.default_csi_driver
    )

    def prepare_for_update(self, new: Object, old: Object, ctx: StrategyContext) -> Object:
        """One generation more for a changed spec."""
        prepared = super().prepare_for_update(new, old, ctx)
        if new.get("spec") == old.get("spec"):
            return prepared
        return {**prepared, "metadata": {**metadata(prepared), "generation": generation_of(old) + 1}}


class CsiNodeStrategy(RuledStrategy):
    """A CSINode."""

    allow_unconditional_update: ClassVar[bool] = False
    returns_deleted_object: ClassVar[bool] = True
    rules: ClassVar[Rules] = Rules(validation.csi_node, validation.csi_node_update)


class CsiStorageCapacityStrategy(RuledStrategy):
    """A CSIStorageCapacity."""

    returns_deleted_object: ClassVar[bool] = True
    rules: ClassVar[Rules] = Rules(validation.csi_storage_capacity, validation.csi_storage_capacity_update)

    def warnings(self, obj: Object) -> list[str]:
        """Deprecated node labels."""
        return list(warnings.csi_storage_capacity(obj))
