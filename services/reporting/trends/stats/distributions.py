"""Normal, Student's t and Fisher's F distributions, without scipy at run time."""

import math
from functools import lru_cache
from statistics import NormalDist

_STANDARD = NormalDist()
_ITERATIONS = 500
_TINY = 1e-300
_PRECISION = 1e-15


def normal_sf(z: float) -> float:
    """Return the chance that a standard normal value is above z."""
    return 0.5 * math.erfc(z / math.sqrt(2))


def normal_quantile(share: float) -> float:
    """Return the value below which this share (0..1, exclusive) of a standard normal lies."""
    return _STANDARD.inv_cdf(share)


def t_cdf(t: float, df: float) -> float:
    """Return the chance that Student's t with `df` > 0 degrees of freedom is below t."""
    tail = 0.5 * _beta(df / 2, 0.5, df / (df + t * t))
    return tail if t < 0 else 1 - tail


def t_two_sided(t: float, df: float) -> float:
    """Return the chance that Student's t is at least as far from zero as t."""
    return _beta(df / 2, 0.5, df / (df + t * t))


@lru_cache(maxsize=4096)
def t_quantile(share: float, df: float) -> float:
    """Return the value below which this share (0..1, exclusive) of Student's t lies."""
    if share == 0.5:
        return 0.0
    if share < 0.5:
        return -t_quantile(1 - share, df)
    low, high = 0.0, 1.0
    while t_cdf(high, df) < share:
        low, high = high, high * 2
    while high - low > 1e-12 * max(1.0, high):
        middle = (low + high) / 2
        if t_cdf(middle, df) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def f_sf(value: float, df1: float, df2: float) -> float:
    """Return the chance that Fisher's F is above the value, at least 0."""
    return _beta(df2 / 2, df1 / 2, df2 / (df2 + df1 * value))


def _beta(a: float, b: float, x: float) -> float:
    """Return the regularized incomplete beta function."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    log = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    scale = math.exp(log + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return scale * _beta_fraction(a, b, x) / a
    return 1 - scale * _beta_fraction(b, a, 1 - x) / b


def _beta_fraction(a: float, b: float, x: float) -> float:
    """Lentz's method for the continued fraction of the incomplete beta function."""
    c, d = 1.0, 1 / _away(1 - (a + b) * x / (a + 1))
    found = d
    for step in range(1, _ITERATIONS):
        even = step * (b - step) * x / ((a + 2 * step - 1) * (a + 2 * step))
        d = 1 / _away(1 + even * d)
        c = _away(1 + even / c)
        found *= c * d
        odd = -(a + step) * (a + b + step) * x / ((a + 2 * step) * (a + 2 * step + 1))
        d = 1 / _away(1 + odd * d)
        c = _away(1 + odd / c)
        found *= c * d
        if abs(c * d - 1) < _PRECISION:
            break
    return found


def _away(value: float) -> float:
    """Keep a divisor away from zero."""
    return value if abs(value) > _TINY else _TINY
