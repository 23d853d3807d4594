"""Indicators over closing prices, as TA-Lib defines them. Doubles; undefined values are NaN."""

import math

import numpy as np
import talib
from numpy.typing import NDArray

Series = NDArray[np.float64]

_FLAT = 50.0  # neither gains nor losses; TA-Lib answers 0 there, which would read as "buy"


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

    Not TA-Lib's: it takes averages below 1e-14 for none and answers 0, for small prices as well as
    after some hundred flat bars, whatever came before them.
    """
    index = np.full(len(close), np.nan)
    if len(close) <= length:
        return index
    changes = np.diff(close / close.max())
    gains, losses = np.maximum(changes, 0).tolist(), np.maximum(-changes, 0).tolist()
    gain, loss = sum(gains[:length]) / length, sum(losses[:length]) / length
    values = [_relative_strength(gain, loss)]
    for up, down in zip(gains[length:], losses[length:], strict=True):
        gain = (gain * (length - 1) + up) / length
        loss = (loss * (length - 1) + down) / length
        values.append(_relative_strength(gain, loss))
    index[length:] = values
    return index


def _relative_strength(gain: float, loss: float) -> float:
    return 100 * gain / (gain + loss) if gain + loss else _FLAT
