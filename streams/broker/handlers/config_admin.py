"""DescribeConfigs, AlterConfigs, IncrementalAlterConfigs: the settings of topics."""

from collections.abc import Callable
from typing import Any

from streams.broker import topic_config
from streams.broker.protocol_errors import ErrorCode, KafkaFailure, require
from streams.broker.state import NODE_ID, BrokerState
from streams.broker.wire import RESPONSES, Request

_Described = RESPONSES["DescribeConfigs"].DescribeConfigsResult
_DescribedConfig = _Described.DescribeConfigsResourceResult
_TOPIC, _BROKER = 2, 4  # resource types
_DEFAULT_SOURCE, _TOPIC_SOURCE = 5, 1
_SET, _DELETE, _APPEND, _SUBTRACT = 0, 1, 2, 3  # operations of IncrementalAlterConfigs


async def describe_configs(state: BrokerState, request: Request) -> Any:
    """Describe topics' settings with their defaults; the broker itself has none that can be set."""
    return request.answer(results=[_describe(state, resource) for resource in request.body.resources])


def _describe(state: BrokerState, resource: Any) -> Any:
    try:
        if resource.resource_type == _BROKER and resource.resource_name in ("", str(NODE_ID)):
            configs = []
        else:
            require(
                resource.resource_type == _TOPIC,
                ErrorCode.INVALID_REQUEST,
                "topics and the broker have settings",
            )
            overrides = state.topics.get(resource.resource_name).record.configs
            configs = [
                _describe_one(name, overrides)
                for name in topic_config.SETTINGS
                if resource.configuration_keys is None or name in resource.configuration_keys
            ]
        code, message = ErrorCode.NONE, None
    except KafkaFailure as failure:
        configs, code, message = [], failure.code, failure.message
    return _Described(
        error_code=code,
        error_message=message,
        resource_type=resource.resource_type,
        resource_name=resource.resource_name,
        configs=configs,
    )


def _describe_one(name: str, overrides: dict[str, str]) -> Any:
    setting = topic_config.SETTINGS[name]
    is_set = name in overrides
    return _DescribedConfig(
        name=name,
        value=overrides.get(name, setting.default),
        read_only=False,
        config_source=_TOPIC_SOURCE if is_set else _DEFAULT_SOURCE,
        is_default=not is_set,
        is_sensitive=False,
        synonyms=[],
        config_type=setting.type_code,
        documentation=None,
    )


async def alter_configs(state: BrokerState, request: Request) -> Any:
    """Replace the settings of topics."""

    def replaced(_: dict[str, str], resource: Any) -> dict[str, str | None]:
        return {config.name: config.value for config in resource.configs}

    return _alter(state, request, replaced)


async def incremental_alter_configs(state: BrokerState, request: Request) -> Any:
    """Set, delete, append to or subtract from single settings of topics."""
    return _alter(state, request, _increment)


def _increment(current: dict[str, str], resource: Any) -> dict[str, str | None]:
    changed: dict[str, str | None] = dict(current)
    for config in resource.configs:
        name, operation = config.name, config.config_operation
        if name not in topic_config.SETTINGS:
            raise KafkaFailure(ErrorCode.INVALID_CONFIG, f"Unknown topic config name: {name}")
        if operation == _SET:
            changed[name] = config.value
        elif operation == _DELETE:
            changed.pop(name, None)
        elif operation in (_APPEND, _SUBTRACT):
            setting = topic_config.SETTINGS[name]
            if setting.type_code != topic_config.LIST or config.value is None:
                raise KafkaFailure(ErrorCode.INVALID_CONFIG, f"{name} is not a list")
            items = (changed.get(name) or setting.default).split(",")
            given = config.value.split(",")
            kept = [item for item in items if item not in given]
            changed[name] = ",".join(kept + given if operation == _APPEND else kept)
        else:
            raise KafkaFailure(ErrorCode.INVALID_REQUEST, f"operation {operation}")
    return changed


def _alter(state: BrokerState, request: Request, change: Callable[[dict[str, str], Any], dict[str, str | None]]) -> Any:
    answer_class = RESPONSES[request.api].AlterConfigsResourceResponse
    responses = []
    for resource in request.body.resources:
        try:
            require(
                resource.resource_type == _TOPIC,
                ErrorCode.INVALID_REQUEST,
                "only topics have settings that can be changed",
            )
            current = state.topics.get(resource.resource_name).record.configs
            changed = topic_config.check(change(current, resource))
            if not request.body.validate_only:
                state.topics.configure(resource.resource_name, changed)
            code, message = ErrorCode.NONE, None
        except KafkaFailure as failure:
            code, message = failure.code, failure.message
        responses.append(
            answer_class(
                error_code=code,
                error_message=message,
                resource_type=resource.resource_type,
                resource_name=resource.resource_name,
            )
        )
    return request.answer(responses=responses)
