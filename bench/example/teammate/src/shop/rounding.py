"""Rounding, the way accountants do."""


def round_half_even(numerator: int, denominator: int) -> int:
    """The nearest whole number; a half goes to the even neighbour."""
    whole, rest = divmod(numerator, denominator)
    if rest * 2 > denominator or (rest * 2 == denominator and whole % 2):
        return whole + 1
    return whole
