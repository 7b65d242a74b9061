# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Values and errors that the compiled part gives out."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol, Union

import numpy as np
import numpy.typing as npt

from ._html import of_fields

_MOST_LISTED = 6  # in a table
Text = Union[str, bytes, bytearray, memoryview]
# Seconds since 1970, or a datetime (one without a zone is UTC).
Time = Union[float, int, datetime, np.datetime64]
Attributes = Union[Mapping[str, Text], Mapping[bytes, Text], Iterable[tuple[Text, Text]], None]
AttributeColumns = Union[Mapping[str, Any], Mapping[bytes, Any], None]


class _Table:
    """A dataclass that notebooks show as a table of its fields."""

    def _repr_html_(self) -> str:
        fields: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            listed = isinstance(value, (tuple, Mapping)) and len(value) > _MOST_LISTED
            fields[field.name] = f"{len(value)} of them" if listed else value
        return of_fields(type(self).__name__, fields)


class FailedPrecondition(ValueError):
    """The value is fine, the state is not: keys differ, a reference is too small."""


class DataLoss(ValueError):
    """Bytes that should be ours are damaged, truncated or of an unknown version."""


class NotFound(LookupError):
    """There is no such account."""


class Level(enum.IntEnum):
    """What a host does with a level is the host's map. Levels rise with the highest score."""

    CLEAR = 0
    WATCH = 1
    SUSPECT = 2
    DISTILLING = 3

    def __str__(self) -> str:
        return self.name.lower()


@dataclasses.dataclass(frozen=True)
class Event:
    """One request as a gateway sees it."""

    account: Text
    time: Time
    prompt: Text = ""
    system: Text = ""
    earlier_turns: int = 0
    model: Text = ""
    completion_tokens: int = 0
    attributes: Attributes = None
    prompt_tokens: int = 0


@dataclasses.dataclass(frozen=True)
class MonitorStatistics(_Table):
    """What the monitor knows of itself. Counters never fall."""

    events: int
    looks: int
    accounts: int
    full_accounts: int
    state_bytes: int
    evicted_accounts: int
    demoted_accounts: int
    truncated_prompts: int
    empty_prompts: int
    late_events: int
    clock_restarts: int
    wild_times: int
    finished_horizons: int
    flagged: tuple[int, int, int, int]
    campaigns: int
    drift: float


@dataclasses.dataclass(frozen=True)
class CampaignOptions:
    """How campaigns are looked for."""

    enabled: bool = True
    false_campaigns: float = 1.0
    most_groups: int = 100
    most_accounts: int = 1 << 20
    infrastructure: tuple[str, ...] = ("ip", "payment", "device")
    common_templates: tuple[Text, ...] = ()
    organisation: str = "organization"


class CampaignMember(NamedTuple):
    """The account is a number, as Monitor.account_id gives it."""

    account: int
    since: datetime
    requests: int
    matching: int
    by_pool: bool = False
    by_echo: bool = False


@dataclasses.dataclass(frozen=True)
class Campaign(_Table):
    """Accounts that harvest together."""

    id: int
    first_seen: datetime
    linked: datetime
    named: datetime
    p_value: float
    frame: int
    members: tuple[CampaignMember, ...]
    words: tuple[str, ...]


class Successor(NamedTuple):
    """An account (a number) that continues one that the host banned (Monitor.report_ban)."""

    account: int
    banned: int
    began: datetime
    pairs: int
    values: int
    p_value: float


@dataclasses.dataclass(frozen=True)
class Review(_Table):
    """What a review did: `joined` maps accounts (numbers) to the campaigns they were put into."""

    accounts: int
    groups: int
    waiting: int
    explained: int
    named: tuple[int, ...]
    joined: Mapping[int, int]
    successors: tuple[Successor, ...]
    interrupted: bool


class FeatureSpec(NamedTuple):
    """A feature's name, its words with {} where the value stands, and the value's form."""

    name: str
    words: str
    form: str = "number"


class Detector(Protocol):
    """What a detector of your own looks like; CustomDetector(...) makes one for monitors of it.

    `State` is a list of (name, type) or another numpy.dtype with fields, at most 1024 bytes of
    plain data: one for each account, zero for one that was never seen (a method begin(state) can
    change that). update changes the record in place; measure gives the features as a dict, NaN or
    None for what cannot be known yet. A method valid(state) says of restored bytes whether they can
    be a state.

    Calls come from many threads, one account's by one at a time. A request whose update raises is
    as if it had not been seen; if measure raises, the features are unknown at this look. Failures
    are counted, and the first is a RuntimeWarning.
    """

    @property
    def name(self) -> str:
        ...

    @property
    def features(self) -> Sequence[FeatureSpec]:
        ...

    @property
    def State(self) -> Any:
        ...

    def update(self, seen: Any, state: Any) -> None:
        ...

    def measure(self, state: Any) -> Any:
        ...


class JaccardEstimate(NamedTuple):
    value: float
    standard_error: float


class TextFeatures(NamedTuple):
    shingles: npt.NDArray[np.uint64]
    terms: npt.NDArray[np.uint64]
    units: int
    truncated: bool

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TextFeatures):
            return False
        return (
            np.array_equal(self.shingles, other.shingles)
            and np.array_equal(self.terms, other.terms)
            and (self.units, self.truncated) == (other.units, other.truncated)
        )

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        raise TypeError("TextFeatures holds arrays, which have no hash")


class Count(NamedTuple):
    least: int
    most: int


class CoverageEstimate(NamedTuple):
    collision: float
    entropy_nats: float
    effective_events: float
    unseen_mass: float


@dataclasses.dataclass(frozen=True)
class Nearest:
    similarity: float
    index: int


class GapEstimate(NamedTuple):
    log_deviation: float
    pace_deviation: float
    burstiness: float
    memory: float
    entropy_nats: float
    longest_to_median_log2: float
    events: float


class ScaleEstimate(NamedTuple):
    dispersion: float
    duty: float
    quota: float
    bins: float


class HourEstimate(NamedTuple):
    entropy_nats: float
    idle_hours: float
    concentration: float


Frame = Any  # a pandas.DataFrame, which this package does not need
