"""Risk and the portfolio."""

from hypothesis import strategies as st

from fastapi_app.portfolio import schemas
from fastapi_app.risk import schemas as risk_schemas
from legacy_flask.wire import portfolio as wire
from legacy_flask.wire import risk as risk_wire
from shared_services.portfolio.model import (
    Allocation,
    Allocations,
    PortfolioPosition,
    PortfolioStatus,
    Profile,
    Proposal,
    Proposals,
    Rebalancing,
    RebalancingPlan,
    RiskProfile,
    Weight,
)
from shared_services.risk.model import AccountRisk, Odds, Score, Validation
from shared_services.strategies.model import Action, Combined, Probabilities
from tests.contract.shape import Pair, built, milliseconds, money, real, symbols, text

_actions = st.sampled_from(Action)
_errors = st.lists(text, max_size=2).map(tuple)
_account = built(
    AccountRisk,
    daily_pnl_pct=real,
    position_count=st.integers(0, 9),
    positions_vs_max=real,
    symbol_count=st.integers(0, 9),
    concentration_risk=real,
    risk_level=text,
)
_combined = st.builds(
    Combined,
    _actions,
    real,
    st.builds(Probabilities, real, real, real),
    real,
    st.dictionaries(text, real | text, max_size=2),
)
_proposal = built(
    Proposal,
    combined=_combined,
    stop_loss=st.none() | money,
    take_profit=st.none() | money,
    errors=_errors,
)
_profile = st.builds(Profile, st.sampled_from(RiskProfile), money)

PAIRS = {
    "risk of the account": Pair(risk_wire.account, risk_schemas.AccountRiskOut, _account),
    "validated order": Pair(
        risk_wire.validation,
        risk_schemas.ValidationOut.of,
        built(
            Validation,
            errors=_errors,
            daily_pnl_pct=real,
            position_count=st.integers(0, 9),
            position_size_pct=real,
            risk_score=st.none() | real,
        ),
    ),
    "risk score": Pair(
        risk_wire.score,
        risk_schemas.ScoreOut.of,
        st.builds(Score, symbols, st.builds(Odds, real, real, real, real), real, text),
    ),
    "portfolio": Pair(
        wire.status,
        schemas.StatusOut,
        built(
            PortfolioStatus,
            position_count=st.integers(0, 9),
            positions=st.dictionaries(
                symbols, built(PortfolioPosition, side=st.just("buy")), max_size=2
            ),
            active_strategies=st.dictionaries(text, st.builds(Weight, real, real), max_size=2),
            risk_summary=_account,
        ),
    ),
    "proposals": Pair(
        wire.proposals,
        lambda found: schemas.ActionsOut(
            actions=[schemas.ActionOut.of(one) for one in found.actions],
            timestamp=found.timestamp,
        ),
        st.builds(Proposals, st.lists(_proposal, max_size=2).map(tuple), milliseconds),
    ),
    "allocations": Pair(
        wire.allocations,
        schemas.AllocationsOut.of,
        st.builds(
            Allocations,
            st.lists(built(Allocation, action=_actions, confidence=real), max_size=2).map(tuple),
            _profile,
            milliseconds,
        ),
    ),
    "rebalancing plan": Pair(
        wire.plan,
        schemas.PlanOut,
        st.builds(
            RebalancingPlan,
            st.lists(built(Rebalancing, action=_actions), max_size=2).map(tuple),
            money,
            milliseconds,
        ),
    ),
}
