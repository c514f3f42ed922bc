"""Keys going down and up, as Chrome records them, to keys and chords that are pressed."""

from __future__ import annotations

from dataclasses import dataclass, field

_NAMES = {" ": "Space", "\r": "Enter", "\n": "Enter", "NumpadEnter": "Enter"}
_MODIFIERS = {
    name: name.removesuffix("Left").removesuffix("Right")
    for stem in ("Shift", "Control", "Alt", "Meta")
    for name in (stem, f"{stem}Left", f"{stem}Right")
}


@dataclass
class Keyboard:
    """What is held down at the moment."""

    held: list[str] = field(default_factory=list)
    used: bool = False

    def down(self, key: str) -> str | None:
        """The key or chord that is pressed when this key goes down; None for a modifier, which waits."""
        modifier = _MODIFIERS.get(key)
        if modifier is None:
            self.used = True
            return "+".join([*self.held, _NAMES.get(key, key)])
        if modifier not in self.held:
            self.held.append(modifier)
            self.used = False
        return None

    def up(self, key: str) -> str | None:
        """The key that is pressed when this key goes up: a modifier that was held for nothing else; else None."""
        modifier = _MODIFIERS.get(key)
        if modifier is None or modifier not in self.held:
            return None
        self.held.remove(modifier)
        alone = not self.used and not self.held
        return modifier if alone else None
