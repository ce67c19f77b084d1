"""Passes named tuples to compiled code by reference: one pointer, whatever the number of their fields.

By default a tuple of 18 arrays is passed as some 130 arguments, by every call, and half of the time that it takes to
compile a function that takes one is spent on them. A tuple of a class marked as `by_reference` is written to the stack
once, when Python calls a unit; compiled functions pass its address, and read the fields that they use. They cannot
change its fields, unpack it, or create one.
"""

from typing import Any, NamedTuple, TypeVar

from typing_extensions import override

from processors.machine_code.numba_core import (
    AttributeTemplate,
    NativeValue,
    OpaqueModel,
    alloca_once_value,
    borrowed,
    has_run_time,
    infer_getattr,
    lower_getattr_generic,
    register_model,
    typeof,
    typeof_impl,
    types,
    unbox,
)

T = TypeVar("T", bound=type[NamedTuple])


class Reference(types.Type):  # type: ignore[misc]  # numba has no types
    """The type of a tuple that is passed by reference; `of` is that of the tuple itself."""

    def __init__(self, of: Any) -> None:
        self.of = of
        super().__init__(name=f"reference({of})")

    @property
    @override
    def key(self) -> Any:
        return self.of


def by_reference(kind: T) -> T:
    """Pass tuples of this class by reference."""

    def typed(value: Any, context: Any) -> Reference:
        return Reference(types.NamedTuple([typeof(field, context.purpose) for field in value], kind))

    typeof_impl.register(kind)(typed)
    return kind


def _unbox(kind: Reference, value: Any, context: Any) -> Any:
    fields = context.unbox(kind.of, value)
    place = alloca_once_value(context.builder, fields.value)
    address = context.builder.bitcast(place, context.context.get_value_type(kind))

    def cleanup() -> None:
        """Release the fields: numba releases arguments by type, and finds no array in a pointer."""
        if fields.cleanup is not None:
            fields.cleanup()
        if has_run_time(context.context):
            context.context.nrt.decref(context.builder, kind.of, fields.value)

    return NativeValue(address, is_error=fields.is_error, cleanup=cleanup)


@infer_getattr
class _Fields(AttributeTemplate):  # type: ignore[misc]  # numba has no types
    key = Reference

    def generic_resolve(self, kind: Reference, name: str) -> Any:
        fields = kind.of.fields
        return kind.of[fields.index(name)] if name in fields else None


def _read(context: Any, builder: Any, kind: Reference, address: Any, name: str) -> Any:
    fields = builder.bitcast(address, context.get_value_type(kind.of).as_pointer())
    index = kind.of.fields.index(name)
    value = builder.load(builder.gep(fields, [context.get_constant(types.int32, one) for one in (0, index)]))
    return borrowed(context, builder, kind.of[index], value)


register_model(Reference)(OpaqueModel)
unbox(Reference)(_unbox)
lower_getattr_generic(Reference)(_read)
