from dataclasses import dataclass, field

from linkage.domain.plain_values import without_defaults


@dataclass(frozen=True)
class Part:
    name: str
    number: int = 0


@dataclass(frozen=True)
class Whole:
    first: Part
    parts: tuple[Part, ...] = ()
    notes: dict[str, Part] = field(default_factory=dict)
    nothing: str | None = None


def test_a_field_at_its_default_is_left_out_at_any_depth() -> None:
    assert without_defaults(Whole(Part("a"))) == {"first": {"name": "a"}}
    whole = Whole(Part("", 1), (Part("b"), Part("c", 2)), {"n": Part("d")}, "")
    assert without_defaults(whole) == {
        "first": {"name": "", "number": 1},
        "parts": [{"name": "b"}, {"name": "c", "number": 2}],
        "notes": {"n": {"name": "d"}},
        "nothing": "",
    }
