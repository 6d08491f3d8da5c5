"""Many tests at once: p values corrected so that few of the findings are false."""

import numpy as np
import numpy.typing as npt


def benjamini_hochberg(p: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return Benjamini and Hochberg's adjusted p values, in the given order.

    Of the cells with an adjusted p of at most q, on average at most the share q are false. NaN
    (not tested) stays NaN and does not count as a test.
    """
    given = np.asarray(p, dtype=np.float64)
    adjusted = np.full_like(given, np.nan)
    tested = np.flatnonzero(~np.isnan(given))
    if not len(tested):
        return adjusted
    order = tested[np.argsort(given[tested], kind="stable")]
    ranks = np.arange(1, len(order) + 1)
    scaled = given[order] * len(order) / ranks
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return adjusted
