"""`shelfwise groups`: the co-clusters as tables and pictures, of a broker or of a file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.known_groups_reading import groups_of_broker
from streams.cli.options import (
    ConfigOption,
    JsonOption,
    NeededBrokerOption,
    NoAnswerError,
    finite,
    print_json,
    settings_of,
)
from streams.cli.plotting import PlotOption, plot_if_asked, refuse_unless_plottable
from streams.configuration_error import ConfigurationError
from streams.pictures.picture_names import GroupPicture

if TYPE_CHECKING:
    from streams.pictures.known_groups import KnownGroups

GROUPS_MAX = 10_000
SECONDS_MAX = 7 * 86_400.0


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("groups")(groups)


def groups(
    broker: NeededBrokerOption = None,
    config: ConfigOption = None,
    file: Annotated[
        Path | None, typer.Option(help="Read a file written by `cocluster --out` in place of a broker.")
    ] = None,
    reward: Annotated[str, typer.Option(help="Reward whose thresholds and rates are shown.")] = "mean",
    picture: Annotated[
        GroupPicture, typer.Option(help="What --plot draws; `all` are the five pictures of a report.")
    ] = GroupPicture.MATRIX,
    user_group: Annotated[
        int | None, typer.Option(min=0, max=GROUPS_MAX, help="User group of `--picture distribution`.")
    ] = None,
    card_group: Annotated[
        int | None, typer.Option(min=0, max=GROUPS_MAX, help="Card group of `--picture distribution`.")
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=0.0, max=SECONDS_MAX, callback=finite, help="Stream of `--picture ladder`, in seconds.")
    ] = 180.0,
    plot: PlotOption = None,
    json: JsonOption = False,
) -> None:
    """Print user groups and card groups: sizes, labels, genres, example cards, typical times, thresholds."""
    from streams.pictures.choosing import NoPictureError, group_pictures
    from streams.pictures.group_report import group_values, print_groups

    refuse_unless_plottable(plot)
    settings = settings_of(config, broker=broker)
    if file is not None and broker is not None:
        raise ConfigurationError("groups are read from --file or from --broker: give one of them")
    known = _of_file(file) if file is not None else groups_of_broker(settings)
    _refuse_unless_there(known, reward, user_group, card_group)
    if json:
        print_json(group_values(known))
    else:
        print_groups(known, reward=reward)
    try:
        plot_if_asked(
            plot,
            lambda: group_pictures(
                known, picture, reward=reward, user_group=user_group, card_group=card_group, seconds=seconds,
                seed=settings.seed,
            ),
        )  # fmt: skip
    except NoPictureError as error:
        raise NoAnswerError(f"nothing was drawn: {error}") from error


def _of_file(file: Path) -> "KnownGroups":
    from streams.files.groups_file import read_groups

    return read_groups(file)


def _refuse_unless_there(known: "KnownGroups", reward: str, user_group: int | None, card_group: int | None) -> None:
    thresholds = known.model.thresholds_s
    if thresholds and reward not in thresholds:
        raise ConfigurationError(f"no thresholds of the reward {reward!r}; there are: {', '.join(thresholds)}")
    for what, number, count in zip(("user", "card"), (user_group, card_group), known.shape, strict=True):
        if number is not None and number >= count:
            raise ConfigurationError(f"there is no {what} group {number}; there are 0 to {count - 1}")
