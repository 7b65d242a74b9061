# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Walks the public words of C++ and of Python; one without its twin fails or is explained here."""

import dataclasses
import pathlib
import re

import pytest

import distillwatch as dw
from distillwatch import _core, _types

HEADERS = pathlib.Path(__file__).resolve().parents[2] / "include" / "distillwatch"
pytestmark = pytest.mark.skipif(not HEADERS.is_dir(), reason="the headers are not here")

# C++ words that Python does not have, or calls otherwise.
RENAMED = {
    "BasicMinHash": "MinHash",
    "BasicHyperLogLog": "HyperLogLog",
    "Monitor.Statistics": "Monitor.statistics",
    "Monitor.Campaigns": "Monitor.campaigns",
    "Options": "Monitor",  # keyword arguments
    "LearnerOptions": "ReferenceLearner",
    "Estimate": None,
    "Count": None,
    "Nearest": None,
}
EXPLAINED = {
    "Status": "an exception",
    "StatusCode": "an exception",
    "Result": "a value or an exception",
    "Attribute": "attributes are a dict",
    "TextScratch": "made for every call",
    "DecayClock": "inside the detectors",
    "Moments": "inside the histograms and detectors",
    "FeatureForm": "a str",
    "Detector": "a concept",
    "JaccardEstimate": "in _types",
    "TextFeatures": "in _types",
    "ReferenceContent": "private",
    "Access": "private",
    "Monitor.Create": "the constructor",
    "ReferenceLearner.Create": "the constructor",
    "Shingler.Create": "the constructor",
    "Adapter": "a CustomDetector",
    "Reference.content": "private",
    "MinHash.Valid": "private",
    "Mode": "a str",
    "State": "a class of its detector",
    "SimilarityDetector.Replay": "for the account table",
    "SimilarityDetector.PriorityOf": "for the account table",
    "Monitor.Status": "a type of an argument",
    "Digest": "for the account table",
    "Name": "str(level)",
    "Check": "the constructor checks",
    "ParseOptions": "Monitor.from_options",
    "InvalidArgument": "an exception",
    "Unavailable": "an exception",
    "ResourceExhausted": "an exception",
    "SlimSignature": "an array",
    "SignatureReservoir.AgreementWithEach": "for the similarity detector",
}


def snake(name):
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def code(path):
    return re.sub(r"//.*", "", path.read_text(encoding="utf-8"))


def public_types():
    """Name, and the text of its public part, of every class and struct at namespace level."""
    for path in sorted(HEADERS.glob("*.h")):
        if path.name == "c.h":
            continue  # C has a vocabulary of its own
        for match in re.finditer(
            r"^(class|struct|enum class)\s+(?:\[\[\w+\]\]\s+)?(?:DISTILLWATCH_EXPORT\s+)?"
            r"(\w+)[^;{]*\{",
            code(path),
            re.M,
        ):
            kind, name = match[1], match[2]
            body = code(path)[match.end() :]
            depth, end = 1, 0
            while depth:
                depth += {"{": 1, "}": -1}.get(body[end], 0)
                end += 1
            body = body[: end - 1]
            if kind == "class":
                body = re.sub(r"private:.*?(?=public:|\Z)", "", body, flags=re.S)
            yield kind, name, body


def functions(body):
    """Public member functions, in the words of C++."""
    flat = re.sub(r"\{[^{}]*\}", ";", re.sub(r"\{[^{}]*\}", ";", body)).replace(
        "kFeatures.size()", ""
    )
    for match in re.finditer(r"\b([A-Za-z]\w*)\s*\(", flat):
        yield match[1]


def fields(body):
    flat = re.sub(r"\{[^{}]*\}", "", body)
    for line in flat.split(";"):
        match = re.match(
            r"^\s*(?:std::|distillwatch::)?[\w:<>,\s]+?\s(\w+)(?:\[\d+\])?(?:\s*=.*)?\s*$",
            line.strip(),
            re.S,
        )
        if (
            match
            and "(" not in line
            and "enum" not in line
            and "static" not in line
            and "using" not in line
        ):
            yield match[1]


def of_python(name):
    return getattr(dw, name, None) or getattr(_types, name, None)


def test_every_public_type_has_a_twin():
    missing = [
        name
        for _, name, _ in public_types()
        if name not in EXPLAINED and of_python(RENAMED.get(name, name)) is None
    ]
    assert not missing


def test_every_public_function_has_a_twin():
    missing, seen = [], 0
    for kind, name, body in public_types():
        twin = of_python(RENAMED.get(name, name) or name)
        if kind != "class" or name in EXPLAINED or twin is None:
            continue
        for function in functions(body):
            if not function[0].isupper() and function not in (
                "accounts",
                "empty",
                "slots",
                "size",
                "total",
                "key_id",
                "name",
                "features",
                "state_bytes",
            ):
                continue
            if (
                function in (name, "Fields", "Valid", "State")
                or f"{name}.{function}" in EXPLAINED
                or function.isupper()
            ):
                continue
            seen += 1
            if not hasattr(twin, snake(function)):
                missing.append(f"{name}.{function}")
    assert not missing and seen > 60


@pytest.mark.parametrize(
    "name",
    [
        "Verdict",
        "Evidence",
        "Explanation",
        "MonitorStatistics",
        "Event",
        "Promise",
        "Campaign",
        "CampaignMember",
        "CampaignOptions",
        "Review",
        "Successor",
    ],
)
def test_every_field_has_a_twin(name):
    (body,) = (body for _, found, body in public_types() if found == name)
    twin = of_python(name)
    has = (
        {f.name for f in dataclasses.fields(twin)}
        if dataclasses.is_dataclass(twin)
        else set(dir(twin))
    )
    words = set(fields(body))
    assert len(words) >= 3 and not words - has
    if dataclasses.is_dataclass(twin):
        assert not has - words


@pytest.mark.parametrize(
    "options, twin", [("Options", dw.Monitor), ("LearnerOptions", dw.ReferenceLearner)]
)
def test_every_option_is_a_keyword(options, twin):
    (body,) = (body for _, found, body in public_types() if found == options)
    words = set(fields(body)) | set(re.findall(r"(\w+) = \d", body))
    assert {"key", "max_prompt_bytes"} <= words
    assert not [w for w in words if f"{w}:" not in twin.__init__.__doc__]


def test_defaults_are_the_same():
    for _, name, body in public_types():
        if name == "CampaignOptions":
            default = {f.name: f.default for f in dataclasses.fields(dw.CampaignOptions)}
            for word, value in re.findall(r"(\w+) = (\d+);", body):
                assert default[word] == int(value)
    assert dw.CampaignOptions().most_accounts == 1 << 20
    header = (HEADERS / "campaign.h").read_text(encoding="utf-8")
    ours = re.search(r"infrastructure\{(.*?)\}", header)[1].replace('"', "").split(", ")
    assert dw.CampaignOptions().infrastructure == tuple(ours)
    assert f'organisation = "{dw.CampaignOptions().organisation}"' in header
    assert (dw.Promise().per_million, dw.Promise().contamination) == (1000, 0.02)


def test_levels_are_the_same():
    (body,) = (body for _, found, body in public_types() if found == "Level")
    assert [snake(w) for w in re.findall(r"\bk(\w+)", body)] == [str(level) for level in dw.Level]


def test_features_are_the_same():
    for name in ("SimilarityDetector", "CoverageDetector", "RateShapeDetector"):
        (body,) = (body for _, found, body in public_types() if found == name)
        assert re.findall(r'\{"(\w+)",', body) == [spec.name for spec in getattr(dw, name).features]
    assert len({spec.name for _, spec in _core.FEATURES}) == len(_core.FEATURES)


def test_types_without_a_twin_in_cpp_are_few():
    names = {name for _, name, _ in public_types()}
    own = {n for n in dw.__all__ if n[0].isupper()} - names
    # The sizes of templates, and what is an exception here.
    assert own == {
        "MinHash",
        "MinHash64",
        "MinHash256",
        "HyperLogLog",
        "HyperLogLog64",
        "HyperLogLog128",
        "DataLoss",
        "FailedPrecondition",
        "NotFound",
        "Detector",
    }  # a concept there
