"""The mapper of a mapping, and what becomes of each field of a record."""

from streams.mapping.impression_mapper import ImpressionMapper
from streams.mapping.mapping_settings import InputSettings, Mapping, StreamEndMapping, section_of
from streams.mapping.stream_end_mapper import StreamEndMapper

Mapper = StreamEndMapper | ImpressionMapper


def mapper_of(mapping: Mapping) -> Mapper:
    """The mapper; raises `ConfigurationError` if an expression is not one."""
    return StreamEndMapper(mapping) if isinstance(mapping, StreamEndMapping) else ImpressionMapper(mapping)


def refuse_unless_compiles(settings: InputSettings) -> None:
    """Raise `ValueError` for the first expression that is not JMESPath, with its section."""
    from streams.configuration_error import ConfigurationError

    for mapping in settings.by_topic().values():
        try:
            mapper_of(mapping)
        except ConfigurationError as error:
            raise ValueError(f"{section_of(mapping)}.{error}") from error


def names_in(mapper: Mapper) -> dict[str, str]:
    """Names that expressions look up in a record itself, with the setting of one that does."""
    expressions = [field.expression for field in [*mapper.fields, *mapper.context, *mapper.row_fields]]
    if mapper.condition.expression is not None:
        expressions.append(mapper.condition.expression)
    return {name: expression.setting for expression in expressions for name in expression.names}
