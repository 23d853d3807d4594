"""The configuration, as a whole and in parts."""

from hypothesis import strategies as st

from fastapi_app.config import schemas
from legacy_flask.wire import config as wire
from shared_services.config.model import (
    NewWeight,
    ProbabilityFramework,
    ProbabilitySettings,
    ProbabilityView,
    RiskConfig,
    RiskManagement,
    StrategyWeight,
    Summary,
)
from tests.contract.shape import Pair, money, real, text

_number = money | st.integers(-(10**12), 10**12)
_value = st.booleans() | _number | text | st.none()
_errors = st.lists(text).map(tuple)
_risk = st.builds(RiskConfig, _number, _number)

PAIRS = {
    "configuration": Pair(
        wire.summary,
        schemas.SummaryOut,
        st.builds(
            Summary,
            probability_framework=st.builds(ProbabilityFramework, risk_threshold=_number),
            risk_management=st.builds(RiskManagement, _number, _number, _number),
            validation_errors=_errors,
        ),
    ),
    "strategy weights": Pair(
        wire.strategies,
        schemas.StrategiesOut.of,
        st.lists(st.builds(StrategyWeight, weight=real, min_confidence=real)),
    ),
    "strategy": Pair(
        lambda value: wire.strategy("rsi", value),
        lambda value: schemas.StrategyOut.of("rsi", value),
        st.dictionaries(text, _value),
        nulls=True,
    ),
    "new weight": Pair(wire.new_weight, schemas.NewWeightOut.of, st.builds(NewWeight, text, money)),
    "probability settings": Pair(
        wire.probability,
        schemas.ProbabilityOut,
        st.builds(
            ProbabilityView,
            st.builds(
                ProbabilitySettings, text, _number, _number, _number, risk_score_threshold=_number
            ),
            _risk,
        ),
    ),
    "updated probability settings": Pair(
        wire.updated_probability,
        schemas.ProbabilityUpdatedOut.of,
        st.dictionaries(text, _value),
        nulls=True,
    ),
    "updated configuration": Pair(
        wire.updated, lambda fields: schemas.UpdatedOut(updated_fields=fields), st.lists(text)
    ),
    "validation": Pair(wire.validation, schemas.ValidationOut.of, _errors),
    "reload": Pair(wire.reloaded, schemas.ReloadedOut.of, _errors),
}
