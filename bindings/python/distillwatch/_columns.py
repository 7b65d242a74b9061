# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Columns as Python has them, in the few forms that the compiled part reads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from typing import Any, Union

import numpy as np
import numpy.typing as npt

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MOST_SECONDS = 9e12  # beyond, all times are equally wild
_SECONDS_IN = {
    "Y": 31556952,
    "M": 2629746,
    "W": 604800,
    "D": 86400,
    "h": 3600,
    "m": 60,
    "ms": 1e-3,
    "us": 1e-6,
    "ns": 1e-9,
    "ps": 1e-12,
    "fs": 1e-15,
    "as": 1e-18,
}
_MICROSECOND = timedelta(microseconds=1)


def _type_name(value: object) -> str:
    return type(value).__name__


def datetime_of(us: int) -> datetime:
    """The datetime of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=us)


def microseconds_of(value: Any, name: str) -> int:
    """Microseconds since 1970 of one time."""
    if isinstance(value, datetime):
        if value != value:  # pandas' NaT
            raise ValueError(f"{name} is not a time (NaT)")
        if value.tzinfo is None:
            value = value.replace(tzinfo=timezone.utc)
        return (value - _EPOCH) // _MICROSECOND
    if isinstance(value, np.datetime64):
        if np.isnat(value):
            raise ValueError(f"{name} is not a time (NaT)")
        return int(_from_datetime64(np.asarray([value]), name)[0])
    if isinstance(value, (bool, np.bool_, str, bytes, date)) or not hasattr(value, "__float__"):
        raise TypeError(
            f"{name} must be seconds since 1970, a datetime or a numpy.datetime64, "
            f"not {_type_name(value)}"
        )
    try:
        seconds = float(value)
    except OverflowError:
        seconds = _MOST_SECONDS if value > 0 else -_MOST_SECONDS
    except (TypeError, ValueError) as e:
        raise TypeError(
            f"{name} must be seconds since 1970, a datetime or a numpy.datetime64: {e}"
        ) from None
    if not math.isfinite(seconds):
        raise ValueError(f"{name} is {seconds}; allowed: finite seconds since 1970")
    return round(min(max(seconds, -_MOST_SECONDS), _MOST_SECONDS) * 1e6)


def _from_datetime64(values: npt.NDArray[Any], name: str) -> npt.NDArray[np.int64]:
    missing = np.isnat(values)
    if missing.any():
        raise ValueError(f"{name}[{int(missing.argmax())}] is not a time (NaT)")
    # Conversions from coarse units overflow silently.
    unit, step = np.datetime_data(values.dtype)
    seconds = values.astype(np.int64).astype(np.float64) * step * _SECONDS_IN.get(unit, 1)
    wild = np.abs(seconds) > _MOST_SECONDS
    us = values.astype("M8[us]").astype(np.int64)
    tamed: npt.NDArray[np.int64] = np.where(
        wild, np.sign(seconds).astype(np.int64) * int(_MOST_SECONDS * 1e6), us
    )
    return tamed


def _is_pandas(values: object) -> bool:
    return type(values).__module__.partition(".")[0] == "pandas"


def times(values: Any, name: str) -> npt.NDArray[np.int64]:
    """Microseconds since 1970 of a column of times."""
    if _is_pandas(values) and hasattr(values, "dtype"):
        zone = getattr(values.dtype, "tz", None)
        if zone is not None:
            accessor = getattr(values, "dt", values)
            values = accessor.tz_convert("UTC")
            values = getattr(values, "dt", values).tz_localize(None)
        values = values.to_numpy()
    if isinstance(values, (str, bytes)) or not hasattr(values, "__len__"):
        raise TypeError(f"{name} must be a column of times, not {_type_name(values)}")
    if isinstance(values, np.ndarray):
        if values.ndim != 1:
            raise ValueError(f"{name} has {values.ndim} dimensions; allowed: 1")
        if values.dtype.kind == "M":
            return _from_datetime64(values, name)
        if isinstance(values, np.ma.MaskedArray) and np.any(values.mask):
            at = int(np.argmax(values.mask))
            raise ValueError(f"{name}[{at}] is masked; allowed: finite seconds since 1970")
        if values.dtype.kind in "iuf":
            seconds = values.astype(np.float64)
            if len(seconds) and seconds.min() > _MOST_SECONDS:
                raise ValueError(
                    f"{name}[0] is {values[0]}, which is no time in seconds since 1970; "
                    "allowed: seconds (divide), or values.astype('M8[ns]') or whatever unit it is"
                )
            bad = ~np.isfinite(seconds)
            if bad.any():
                at = int(bad.argmax())
                raise ValueError(
                    f"{name}[{at}] is {seconds[at]}; allowed: finite seconds since 1970"
                )
            us: npt.NDArray[np.int64] = np.rint(
                np.clip(seconds, -_MOST_SECONDS, _MOST_SECONDS) * 1e6
            ).astype(np.int64)
            return us
        if values.dtype.kind != "O":
            raise TypeError(
                f"{name} must hold seconds since 1970, datetimes or numpy.datetime64, "
                f"not {values.dtype}"
            )
        values = values.tolist()
    return np.fromiter(
        (microseconds_of(value, f"{name}[{i}]") for i, value in enumerate(values)),
        np.int64,
        len(values),
    )


def texts(
    values: Any, name: str
) -> Union[Sequence[Any], tuple[npt.NDArray[np.int32], Sequence[Any]]]:
    """A column of texts as a list, or as codes and words."""
    if _is_pandas(values):
        if not hasattr(values, "dtype"):
            raise TypeError(f"{name} must be a column of str or bytes, not {_type_name(values)}")
        if str(values.dtype) == "category":
            codes = getattr(values, "cat", values).codes
            words = getattr(values, "cat", values).categories
            return np.ascontiguousarray(codes, dtype=np.int32), list(words)
        values = values.to_numpy(dtype=object)
    if isinstance(values, np.ndarray):
        if values.ndim != 1:
            raise ValueError(f"{name} has {values.ndim} dimensions; allowed: 1")
        if values.dtype.kind not in "OSUT" and values.size:
            raise TypeError(f"{name} must hold str or bytes, not {values.dtype}")
        result: list[Any] = values.tolist()
        return result
    if not isinstance(values, Sequence) or isinstance(values, (memoryview, bytearray, range)):
        raise TypeError(f"{name} must be a column of str or bytes, not {_type_name(values)}")
    return list(values)  # never a tuple, which means codes and words


def _count_of(value: Any, name: str) -> Any:
    if value is None or type(value).__name__ == "NAType":
        return 0
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name} is {value!r}; allowed: whole numbers")
    return value


def counts(values: Any, name: str) -> npt.NDArray[np.int64]:
    """A column of whole numbers from 0 to 2^32 - 1; what is missing is 0."""
    if _is_pandas(values) and not isinstance(values.dtype, np.dtype):
        values = values.to_numpy(dtype=object)
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"{name} has {array.ndim} dimensions; allowed: 1")
    if array.dtype.kind in "USO":  # a list of mixed kinds may have become texts
        array = np.asarray(values, object)
        array = np.array([_count_of(v, f"{name}[{i}]") for i, v in enumerate(array.tolist())])
    if array.size == 0:
        return np.zeros(0, np.int64)
    if array.dtype.kind == "f":
        array = np.where(np.isnan(array), 0, array)
        broken = array != np.floor(array)
        if broken.any():
            at = int(broken.argmax())
            raise TypeError(f"{name}[{at}] is {array[at]}; allowed: whole numbers")
    elif array.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold whole numbers, not {array.dtype}")
    bad = (array < 0) | (array > 2**32 - 1)
    if bad.any():
        at = int(bad.argmax())
        raise ValueError(f"{name}[{at}] is {array[at]}; allowed: 0 to {2**32 - 1}")
    return array.astype(np.int64)
