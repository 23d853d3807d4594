"""Indicators over closing prices, as TA-Lib defines them. Doubles; undefined values are NaN."""

import math

import numpy as np
import talib
from numpy.typing import NDArray

Series = NDArray[np.float64]

_FLAT = 50.0  # neither gains nor losses


def ema(close: Series, length: int) -> Series:
    """Exponential moving average; the first value, at `length` - 1, is a plain mean.

    Prices near the largest double are fine: their sum is taken of halves that are exact.
    """
    if length == 1:
        return close.copy()
    if len(close) < length:
        return np.full(len(close), np.nan)
    exponent = math.frexp(float(close.max()))[1]
    scaled = talib.EMA(np.ldexp(close, -exponent), timeperiod=length)
    return np.ldexp(scaled, exponent)


def rsi(close: Series, length: int) -> Series:
    """Relative strength index after Wilder (1978); 50 where there was no movement at all.

    A bar without a change leaves it as it was: both averages shrink alike. TA-Lib says 0 where
    nothing moved, and once its averages have shrunk to nothing: that would read as "buy".
    """
    if len(close) <= length:
        return np.full(len(close), np.nan)
    index = talib.RSI(close / close.max(), timeperiod=length)
    changed = np.diff(close, prepend=close[0]) != 0
    if not changed[: length + 1].any():
        index[length] = _FLAT
    places = np.arange(len(close))
    latest = np.maximum.accumulate(np.where(changed | (places <= length), places, 0))
    return index[latest]
