"""What may be shown of an exception: its name, and its own words where no message can be in them.

An exception's words may quote what was processed (`invalid ssn 123-45-6789`), or what was looked up
for it. So they are shown only when they are a runtime's own, made of the names of types and of
positions, or name what stands literally in the code that raised.
"""

import re

from automation.aws.thrown import Thrown
from automation.deadletters.masking import is_impersonal_name

# Types that come with a language: a class of the consumer's own may be called as it likes.
_TYPE = (
    r"(?:NoneType|str|int|float|complex|list|dict|tuple|bool|bytes|bytearray|set|frozenset|object|"
    r"function|type|method|module|generator|range|slice|datetime\.\w+|decimal\.Decimal|"
    r"builtin_function_or_method|dict_keys|dict_values|dict_items|coroutine)"
)
_SIGN = r"[-+*/%@&|^<>=~]{1,3}|\*\* or pow\(\)|divmod\(\)"
_POSITION = r": line \d+ column \d+ \(char \d+\)"
_ERRNO = r"\[Errno \d+\] (?:Connection (?:refused|reset by peer|timed out)|Operation timed out)"
_TEXTS: dict[str, tuple[str, ...]] = {
    "ZeroDivisionError": (r"[a-z ]*(?:division|modulo)(?: or modulo)? by zero|division by zero",),
    "IndexError": (
        r"(?:list|tuple|string|bytearray|range object|array)(?: assignment)? index out of range",
        r"pop from (?:empty|an empty) \w{3,10}",
    ),
    "TypeError": (
        rf"'{_TYPE}' object (?:is not [a-z ]+|does not support [a-z ]+|can't be [a-z ]+)",
        rf"argument of type '{_TYPE}' is not (?:iterable|a container or iterable)",
        rf"unsupported operand type\(s\) for (?:{_SIGN}): '{_TYPE}' and '{_TYPE}'",
        rf"'(?:{_SIGN})' not supported between instances of '{_TYPE}' and '{_TYPE}'",
        rf"[a-z]+ indices must be integers(?: or slices)?(?:, not '?{_TYPE}'?)?",
        rf"can only concatenate {_TYPE} \(not \"{_TYPE}\"\) to {_TYPE}",
        rf"the JSON object must be str, bytes or bytearray, not {_TYPE}",
        rf"(?:int|float)\(\) argument must be a string[a-z, -]*, not '{_TYPE}'",
        rf"cannot unpack non-iterable {_TYPE} object",
        r"Cannot read properties of (?:undefined|null)",
        r"Assignment to constant variable\.",
    ),
    "JSONDecodeError": (
        rf"(?:Expecting (?:value|property name enclosed in double quotes|'[:,]' delimiter)|"
        rf"Extra data|Unterminated string starting at|Invalid \\\\?(?:escape|uXXXX escape)|"
        rf"Invalid control character at|Illegal trailing comma before end of \w+){_POSITION}",
    ),
    "SyntaxError": ("Unexpected end of JSON input",),
    "RecursionError": (r"maximum recursion depth exceeded[a-zA-Z ]*",),
    "ReferenceError": (r"[A-Za-z_$][\w$]{0,80} is not defined",),
    "Runtime.ImportModuleError": (r"[^\n]+",),
    "Sandbox.Timedout": (r"(?:[\w:-]+ ){0,3}Task timed out after [\d.]+ seconds",),
    "TimeoutError": (rf"{_ERRNO}|timed out",),
    "ConnectionRefusedError": (_ERRNO,),
    "ConnectionResetError": (_ERRNO,),
}
_TEMPLATES = {
    name: re.compile("|".join(f"(?:{text})" for text in texts), re.ASCII)
    for name, texts in _TEXTS.items()
}
# Texts that name a thing: the message's, unless the code does. In a pattern of the code `{}` is it.
_NAMED: dict[str, tuple[re.Pattern[str], str]] = {
    "KeyError": (re.compile(r"'?(?P<it>[A-Za-z_][\w.-]{0,60})'?", re.ASCII), r"['\"]{}['\"]"),
    "AttributeError": (
        re.compile(rf"'{_TYPE}' object has no attribute '(?P<it>[A-Za-z_]\w{{0,60}})'", re.ASCII),
        r"\.{}\b",
    ),
    "NameError": (
        re.compile(r"name '(?P<it>[A-Za-z_]\w{0,60})' is not defined", re.ASCII),
        r"\b{}\b",
    ),
    "ModuleNotFoundError": (
        re.compile(r"No module named '(?P<it>[A-Za-z_][\w.]{0,80})'", re.ASCII),
        r"(?:import|from)\s+{}\b",
    ),
}
_UNDEFINED = re.compile(
    r"(?P<safe>Cannot (?:read|set) properties of (?:undefined|null))"
    r"(?: \((?:reading|setting) '(?P<it>[^']*)'\))?",
    re.ASCII,
)


def exception_words(thrown: Thrown) -> str:
    """Its name; with its text where that can't hold a message's content."""
    text = _shown_text(thrown)
    return f"{thrown.name}: {text}" if text else thrown.name


def _shown_text(thrown: Thrown) -> str | None:
    text = thrown.text.strip()
    name = thrown.name if thrown.name in _TEMPLATES else thrown.name.rpartition(".")[2]
    if (template := _TEMPLATES.get(name)) and template.fullmatch(text):
        return text
    if name in _NAMED:
        pattern, in_code = _NAMED[name]
        found = pattern.fullmatch(text)
        return text if found and _is_known(found["it"], in_code, thrown.code) else None
    if name == "TypeError" and (found := _UNDEFINED.fullmatch(text)):
        # `body[body.name]` would put a person's name there; Node shows no code to tell by.
        return text if found["it"] and is_impersonal_name(found["it"]) else found["safe"]
    return None


def _is_known(name: str, in_code: str, code: str) -> bool:
    """Whether it is a name that we know, or one that the code spells."""
    return is_impersonal_name(name) or bool(re.search(in_code.format(re.escape(name)), code))
