"""Check digits that tell a number of a person from any other number."""

from typing import Final

IBAN_LENGTHS: Final[dict[str, int]] = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22,
    "BR": 29, "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28,
    "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23,
    "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26,
    "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20,
    "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30,
    "NL": 18, "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22,
    "SA": 24, "SC": 31, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "TN": 24, "TR": 26, "UA": 29,
    "VA": 22, "VG": 24, "XK": 20,
}  # fmt: skip
"""Characters of an IBAN by country (ISO 13616 registry)."""

_DNI: Final = "TRWAGMYFPDXBNJZSQVHLCKE"


def luhn(digits: str) -> bool:
    """Say whether digits end with their Luhn check digit (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def iban(text: str) -> bool:
    """Say whether letters and digits without separators are an IBAN (ISO 13616, ISO 7064 97-10)."""
    if len(text) != IBAN_LENGTHS.get(text[:2]):
        return False
    return int("".join(str(int(each, 36)) for each in text[4:] + text[:4])) % 97 == 1


def nir(digits: str) -> bool:
    """Say whether 15 digits are a French social security number."""
    return len(digits) == 15 and (int(digits[:13]) + int(digits[13:])) % 97 == 0


def ahv(digits: str) -> bool:
    """Say whether 13 digits are a Swiss social security number: an EAN-13 that begins with 756."""
    weighted = sum(int(digit) * (1 + 2 * (place % 2)) for place, digit in enumerate(digits))
    return len(digits) == 13 and digits.startswith("756") and weighted % 10 == 0


def svnr(digits: str) -> bool:
    """Say whether 10 digits are an Austrian social insurance number with a plausible birthday."""
    weights = (3, 7, 9, 0, 5, 8, 4, 2, 1, 6)
    total = sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True))
    return total % 11 == int(digits[3]) and _is_day(digits[4:6], digits[6:8])


def pesel(digits: str) -> bool:
    """Say whether 11 digits are a Polish PESEL."""
    weights = (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)
    total = sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True))
    return total % 10 == 0 and int(digits[4:6]) in range(1, 32) and int(digits[2:4]) % 20 <= 12


def tax_id(digits: str) -> bool:
    """Say whether 11 digits are a German tax number for life (ISO 7064 11,10)."""
    product = 10
    for digit in digits[:10]:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    return digits[0] != "0" and (11 - product) % 10 == int(digits[10])


def dni(text: str) -> bool:
    """Say whether a Spanish DNI or NIE, 9 characters, has its letter."""
    number = text[:-1].translate(str.maketrans("XYZ", "012"))
    return number.isdigit() and _DNI[int(number) % 23] == text[-1]


def _is_day(day: str, month: str) -> bool:
    return 1 <= int(day) <= 31 and 1 <= int(month) <= 13
