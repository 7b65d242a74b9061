# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Detects the systematic harvesting (distillation) of a language model's answers.

    import distillwatch as dw

    reference = dw.learn(january["account"], january["time"], january["prompt"])
    monitor = dw.Monitor(reference=reference, promise=dw.Promise(per_million=1000))
    verdict = monitor.observe("key-17", time.time(), prompt)
    if verdict.level >= dw.Level.SUSPECT:
        print(monitor.explain("key-17"))

The words are those of the C++ library in snake_case. distillwatch.evaluate, .fit, .estimators and
.plot are for prototyping, honest evaluation and refitting.
"""

from . import _core
from ._batch import (
    event_columns,
    jaccard_matrix,
    learn,
    load_reference,
    near_duplicates,
    observe_many,
    save_reference,
    signatures,
    simulate,
)
from ._core import (
    CoverageCells,
    CoverageDetector,
    CustomDetector,
    Evidence,
    Explanation,
    GapHistogram,
    HeavyHitters,
    HourHistogram,
    HyperLogLog,
    HyperLogLog64,
    HyperLogLog128,
    MinHash,
    MinHash64,
    MinHash256,
    Monitor,
    Observation,
    Promise,
    RateShapeDetector,
    Reference,
    ReferenceLearner,
    ScaleCounts,
    Shingler,
    SignatureReservoir,
    SimilarityDetector,
    Verdict,
    agreement,
    priority,
    read,
    slim,
)
from ._reviews import watch
from ._types import (
    Campaign,
    CampaignMember,
    CampaignOptions,
    DataLoss,
    Detector,
    Event,
    FailedPrecondition,
    FeatureSpec,
    Level,
    MonitorStatistics,
    NotFound,
    Review,
    Successor,
)

__version__: str = _core.__version__

setattr(Monitor, "observe_many", observe_many)
setattr(Reference, "save", save_reference)
setattr(Reference, "load", staticmethod(load_reference))

__all__ = [
    "Campaign",
    "CampaignMember",
    "CampaignOptions",
    "CoverageCells",
    "CoverageDetector",
    "CustomDetector",
    "DataLoss",
    "Detector",
    "Event",
    "Evidence",
    "Explanation",
    "FailedPrecondition",
    "FeatureSpec",
    "GapHistogram",
    "HeavyHitters",
    "HourHistogram",
    "HyperLogLog",
    "HyperLogLog128",
    "HyperLogLog64",
    "Level",
    "MinHash",
    "MinHash256",
    "MinHash64",
    "Monitor",
    "MonitorStatistics",
    "NotFound",
    "Observation",
    "Promise",
    "RateShapeDetector",
    "Reference",
    "ReferenceLearner",
    "Review",
    "ScaleCounts",
    "Shingler",
    "SignatureReservoir",
    "SimilarityDetector",
    "Successor",
    "Verdict",
    "agreement",
    "event_columns",
    "jaccard_matrix",
    "learn",
    "near_duplicates",
    "priority",
    "read",
    "signatures",
    "simulate",
    "slim",
    "watch",
]
