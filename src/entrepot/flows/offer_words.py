"""Values of offers as people write them: money with its cents, yes and no, whole numbers, one line of text. Pure."""

from entrepot.kernel.errors import WrongSetting
from entrepot.kernel.money import Money
from entrepot.ownership.model import Value

YES, NO = ("yes", "true"), ("no", "false")
TEXT_MAX_CHARS = 500


def is_money(field: str) -> bool:
    return field == "price" or field.endswith(("_price", "-price"))


def typed(field: str, text: str, stands: Value, currency: str) -> Value:
    """What a person wrote, as the field keeps it. `stands`: the value it has now. Errors: WrongSetting, NotMoney."""
    text = text.strip()
    if not text:
        raise WrongSetting(f"the {field} needs a value")
    if is_money(field):
        return Money.parse(text, currency).minor
    if isinstance(stands, bool):
        if text.lower() not in (*YES, *NO):
            raise WrongSetting(f"the {field} is yes or no, not “{text}”")
        return text.lower() in YES
    if isinstance(stands, int):
        if not text.isascii() or not text.lstrip("-").isdecimal() or len(text) > 15:
            raise WrongSetting(f"the {field} is a whole number, not “{text}”")
        return int(text)
    if len(text) > TEXT_MAX_CHARS or not text.isprintable():
        raise WrongSetting(f"the {field} is at most {TEXT_MAX_CHARS} characters in one line")
    return text


def shown(field: str, value: Value, currency: str) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(Money(value, currency)) if is_money(field) and isinstance(value, int) and currency else str(value)
